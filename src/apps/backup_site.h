// What a key server's backups carry beside its keystore, and how that becomes a server's folder again: the
// configuration and the TLS files. Each file has one fixed name within the folder, wherever it lay before.
#pragma once

#include <string>
#include <vector>

#include "apps/keyd_config.h"
#include "keymgr/custody/backup/service.h"

namespace tapewarden::apps {

// For backup::Service: reads the files that `config` names at each run.
keymgr::backup::ServiceOptions backup_options(Env env, const KeydConfig& config);

// Writes the files of a backup into `folder`, and a configuration that fits them. `passphrase_file`: of the
// new master key, absolute; empty: it is asked for at each start. The peer is left out of it: a server that
// has lost commits must not go on with a session of the old one, it joins its peer anew. Gives what the
// operator is to be told, or nothing. kCorrupt when the backup lacks a file.
Result<std::string> write_restored_site(Env env, const std::string& folder,
                                        std::vector<keymgr::backup::SiteFile> files,
                                        const std::string& passphrase_file);

}  // namespace tapewarden::apps
