// A whole key server without its listeners: keystore in a temporary directory, the key server's mind, people
// and the router with all its routes. Two-person approval is off, as there is one officer. For the tests of
// REST and of the command line.
#pragma once

#include <memory>
#include <string>

#include "admin/keyd/keyd_routes.h"
#include "audit/audit_file.h"
#include "keymgr/objects/managed_objects.h"
#include "keymgr/recoverability/service.h"
#include "people/testing/people_fixture.h"

namespace tapewarden::admin::testing {

class KeydFixture {
 public:
  KeydFixture();
  ~KeydFixture();

  people::testing::PeopleFixture& base() { return base_; }
  keymgr::KeyManager& manager() { return *manager_; }
  Router& router() { return *router_; }
  people::Approvals& approvals() { return *approvals_; }
  // A line in the audit file, which stands apart from the keystore's log here.
  Status note(const std::string& json);
  // As the server signs checkpoints.
  Bytes sign(ByteView message) const { return checkpoint_key_.sign(message); }
  // The checkpoints that this server holds of its peer, and what the peer says that it holds of this one.
  std::vector<audit::CheckpointNote> of_peer;
  Result<std::vector<audit::CheckpointNote>> by_peer{std::vector<audit::CheckpointNote>{}};
  std::string audit_directory() const { return directory_.path() + "/audit"; }
  // An empty folder for a backup target.
  std::string backup_directory() const { return directory_.path() + "/backups"; }

 private:
  store::testing::TemporaryDirectory directory_;
  people::testing::PeopleFixture base_;
  ThreadPool workers_{2};
  std::unique_ptr<audit::AuditFile> audit_;
  crypto::PrivateKey checkpoint_key_;
  std::unique_ptr<keymgr::KeyManager> manager_;
  std::unique_ptr<keymgr::KeyService> service_;
  std::unique_ptr<keymgr::ManagedObjects> objects_;
  std::unique_ptr<keymgr::backup::Service> backups_;
  std::unique_ptr<people::Approvals> approvals_;
  std::unique_ptr<keymgr::Rewrapper> rewrapper_;
  std::unique_ptr<keymgr::recoverability::Service> recoverability_;
  std::unique_ptr<Router> router_;
};

}  // namespace tapewarden::admin::testing
