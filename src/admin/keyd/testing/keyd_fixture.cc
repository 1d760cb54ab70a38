#include "admin/keyd/testing/keyd_fixture.h"

#include "base/assert.h"
#include "keymgr/tables.h"

namespace tapewarden::admin::testing {

KeydFixture::KeydFixture() : base_(keymgr::tables()), checkpoint_key_(crypto::PrivateKey::generate_p256()) {
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
  router_ = std::make_unique<Router>(base_.people(), workers_);
  add_keyd_routes(*router_, {.manager = *manager_,
                             .service = *service_,
                             .people = base_.people(),
                             .audit = {base_.env().disk, options.directory, checkpoint_key_.public_key()},
                             .server_name = "primary",
                             .peer = {},
                             .warnings = {},
                             .ready = {}});
}

KeydFixture::~KeydFixture() = default;

Status KeydFixture::note(const std::string& json) {
  return audit_->note(std::span(&json, 1));
}

}  // namespace tapewarden::admin::testing
