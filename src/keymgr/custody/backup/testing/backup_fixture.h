// A key server in a temporary directory with backups of it, and what is restored from them, for tests.
#pragma once

#include <map>
#include <memory>

#include "audit/audit_file.h"
#include "keymgr/custody/backup/restore.h"
#include "keymgr/custody/backup/service.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::backup::testing {

// Cheap: tests derive it often.
inline constexpr crypto::ScryptCost kTestCost{16, 8, 1};
crypto::SecretBytes secret_of(std::string_view text);
inline constexpr std::string_view kPassphrase = "correct horse battery";

std::vector<const store::TableSpec*> all_tables();

// A restored server, opened.
struct Restored {
  std::unique_ptr<audit::AuditFile> record;
  std::unique_ptr<store::Keystore> keystore;
  std::unique_ptr<KeyManager> manager;
};

class BackupFixture {
 public:
  // `more` are tables of components above this one.
  explicit BackupFixture(std::vector<const store::TableSpec*> more = {});

  keymgr::testing::TestServer server;
  store::testing::TemporaryDirectory media;  // holds the targets' folders
  std::unique_ptr<Service> service;
  // Another service on the same server, as after a start.
  void restart_service();

  Env env() { return server.env(); }
  std::string folder(const std::string& name);  // of a target, made
  // A target sealed to kPassphrase.
  Status add_target(const std::string& name, Mode mode = Mode::kOnDemand);
  Status add_target_at(const std::string& name, const std::string& directory, Mode mode = Mode::kOnDemand);
  Result<RunReport> run(const std::string& name = "one", bool new_base = false);
  std::vector<std::string> files(const std::string& target = "one");
  // The value is the data key's secret in hex, by alias.
  std::map<std::string, std::string> keys(KeyManager& manager);
  Status make_group(const std::string& name, std::size_t keys);

  // Options that restore from a target's folder into `to` below the media folder.
  RestoreOptions restore_options(const std::string& target, const std::string& to);
  Result<RestoreReport> restore(const std::string& target, const std::string& to);
  Result<Restored> open_restored(const std::string& to);

  crypto::SecretBytes new_passphrase;
  Opener opener;
  std::vector<SiteFile> site_files_written;
  std::function<void()> during_run;  // called while a run is under way

 private:
  std::vector<const store::TableSpec*> more_;
};

}  // namespace tapewarden::keymgr::backup::testing
