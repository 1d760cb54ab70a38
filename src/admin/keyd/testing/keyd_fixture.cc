#include "admin/keyd/testing/keyd_fixture.h"

#include "base/assert.h"
#include "keymgr/objects/tables.h"
#include "keymgr/recoverability/tables.h"
#include "keymgr/sharing/tables.h"
#include "keymgr/tables.h"
#include "people/tables.h"

namespace tapewarden::admin::testing {

namespace {

std::vector<const store::TableSpec*> own_tables() {
  auto tables = keymgr::tables();
  for (const auto* table : keymgr::object_tables()) tables.push_back(table);
  for (const auto* table : keymgr::backup::tables()) tables.push_back(table);
  for (const auto* table : keymgr::sharing::tables()) tables.push_back(table);
  for (const auto* table : keymgr::recoverability::tables()) tables.push_back(table);
  return tables;
}

}  // namespace

KeydFixture::KeydFixture() : base_(own_tables()), checkpoint_key_(crypto::PrivateKey::generate_p256()) {
  audit::AuditOptions options;
  options.directory = audit_directory();
  options.reserve_bytes = 0;
  auto audit = audit::AuditFile::open(base_.env(), options);
  TW_ASSERT(audit.has_value());
  audit_ = std::move(*audit);
  auto manager = keymgr::KeyManager::open(base_.env(), base_.keystore(), base_.server(), {"primary"});
  TW_ASSERT(manager.has_value());
  manager_ = std::move(*manager);
  service_ = std::make_unique<keymgr::KeyService>(*manager_, nullptr);
  objects_ = std::make_unique<keymgr::ManagedObjects>(*manager_);
  keymgr::backup::ServiceOptions backup_options;
  backup_options.server_name = "primary";
  backup_options.keystore_path = directory_.path() + "/keystore/keystore.db";
  backup_options.scratch_directory = directory_.path() + "/scratch";
  backup_options.tables = own_tables();
  for (const auto* table : people::tables()) backup_options.tables.push_back(table);
  TW_ASSERT(base_.env().disk->make_directories(backup_directory()).has_value());
  TW_ASSERT(base_.env().disk->make_directories(directory_.path() + "/keystore").has_value());
  backups_ = std::make_unique<keymgr::backup::Service>(*manager_, std::move(backup_options));
  people::ApprovalOptions approval_options;
  approval_options.server = base_.server();
  approval_options.server_name = "primary";
  approval_options.policy = [this](store::Reader& reader) {
    return manager_->settings().approval_policy(reader);
  };
  approvals_ =
      std::make_unique<people::Approvals>(base_.env(), base_.keystore(), std::move(approval_options));
  TW_ASSERT(manager_->set_setting(keymgr::Actor::system(), keymgr::kTwoPerson, "off").has_value());
  rewrapper_ = std::make_unique<keymgr::Rewrapper>(*manager_);
  keymgr::recoverability::ServiceOptions recoverability_options;
  recoverability_options.server_name = "primary";
  recoverability_options.backups = backups_.get();
  recoverability_ =
      std::make_unique<keymgr::recoverability::Service>(*manager_, std::move(recoverability_options));
  RouterOptions router_options;
  router_options.approvals = approvals_.get();
  router_ = std::make_unique<Router>(base_.people(), workers_, router_options);
  audit_->set_checkpoint_signer([key = checkpoint_key_](ByteView message) { return key.sign(message); });
  AuditPlace place{base_.env().disk, options.directory, checkpoint_key_.public_key()};
  place.make_checkpoint = [this] { return audit_->checkpoint(); };
  place.held_of_peer = [this]() -> Result<std::vector<audit::CheckpointNote>> { return of_peer; };
  place.held_by_peer = [this] { return by_peer; };
  add_keyd_routes(*router_, {.manager = *manager_,
                             .service = *service_,
                             .people = base_.people(),
                             .approvals = *approvals_,
                             .backups = backups_.get(),
                             .rewrapper = *rewrapper_,
                             .recoverability = recoverability_.get(),
                             .audit = place,
                             .kmip = {objects_.get(), "KMIP"},
                             .server_name = "primary",
                             .peer = {},
                             .warnings = {},
                             .ready = {}});
}

KeydFixture::~KeydFixture() {
  rewrapper_->stop();
}

Status KeydFixture::note(const std::string& json) {
  return audit_->note(std::span(&json, 1));
}

}  // namespace tapewarden::admin::testing
