// What `tapewarden-keyd` does, command by command: each prints for people and gives the exit status. One
// thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/audit_check.h"
#include "apps/backup_commands.h"
#include "apps/join_file.h"
#include "apps/passphrase_change.h"
#include "apps/share_files.h"
#include "apps/site_init.h"
#include "apps/site_renew.h"
#include "base/real_env.h"
#include "crypto/random.h"

namespace tapewarden::apps {

inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitDamaged = 6;
inline constexpr int kExitIncomplete = 8;  // backups that are to be restored lack files; nothing was done

// Tells the error on standard error; the exit status that fits it.
int report(const Error& error);

struct System {
  System();
  RealClock clock;
  RealDisk disk;
  crypto::SystemRandom random;
  std::unique_ptr<ThreadPool> pool;
  Env env() { return {&clock, &disk, &random, pool.get()}; }
};

// `primary`, `secondary`, `address`: HOST[:DKX-PORT[:HTTPS-PORT]], or empty.
int site_init(System& system, SiteOptions options, const std::string& primary, const std::string& secondary);
int add_secondary(System& system, SecondaryOptions options, const std::string& address);
int introduce(System& system, const IntroduceOptions& options);
int merge_with(System& system, const MergeOptions& options);
int renew(System& system, const RenewOptions& options);
int check(System& system, const std::string& config);
int verify_audit(System& system, const AuditCheck& what);
// Serves until SIGINT or SIGTERM, which every thread must have blocked.
int run(System& system, const std::string& config);
int make_recovery_shares(System& system, const ShareOptions& options);
int join_recovery_shares(System& system, const std::vector<std::string>& files, const std::string& to);
int change_passphrase(System& system, const PassphraseChange& change);
int restore(System& system, const RestoreCommand& command);
int verify(System& system, const BackupFileOptions& backup, const std::string& scratch);

}  // namespace tapewarden::apps
