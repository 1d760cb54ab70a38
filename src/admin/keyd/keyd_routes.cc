#include "admin/keyd/keyd_routes.h"

#include "admin/http/consent.h"
#include "admin/http/openapi.h"
#include "admin/http/session_routes.h"

namespace tapewarden::admin {

void add_keyd_routes(Router& router, const KeydServices& services) {
  router.add(session_routes(
      services.people, services.ready ? services.ready : [] { return true; }, "tapewarden-keyd"));
  router.add(people_routes(services.people));
  router.add(approval_routes(services.approvals));
  router.add(drive_routes(services.manager));
  router.add(key_routes(services.manager));
  router.add(life_routes(services.manager, services.backups));
  router.add(group_routes(services.manager));
  router.add(kek_routes(services.manager));
  router.add(kek_proof_routes(services.manager));
  router.add(access_routes(services.manager));
  router.add(rewrap_routes(services.manager, services.rewrapper));
  if (services.rotation != nullptr) router.add(master_key_routes(*services.rotation));
  router.add(quota_routes(services.manager));
  router.add(setting_routes(services.manager));
  router.add(ledger_routes(services.manager));
  router.add(evidence_routes(services.manager, services.audit));
  router.add(migration_routes(services.manager));
  router.add(sharing_routes(services.manager));
  router.add(installation_routes(services.manager));
  router.add(audit_routes(services.manager, services.audit));
  if (services.backups != nullptr) router.add(backup_routes(*services.backups));
  if (services.recoverability != nullptr) {
    router.add(recoverability_routes(services.manager, *services.recoverability));
  }
  if (services.kmip.objects != nullptr) {
    router.add(kmip_routes(services.kmip));
    router.add(kmip_hold_routes(services.kmip));
  }
  router.add(status_routes(services));
  router.add(server_routes(services));
  router.add(pair_routes(services));
  router.add({openapi_route(router, "Tapewarden key server")});
}

}  // namespace tapewarden::admin
