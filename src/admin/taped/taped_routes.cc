#include "admin/taped/taped_routes.h"

#include "admin/http/openapi.h"
#include "admin/http/session_routes.h"

namespace tapewarden::admin {

void add_taped_routes(Router& router, const TapedServices& services) {
  router.add(session_routes(services.people, services.ready, "tapewarden-taped"));
  router.add(people_routes(services.people));
  router.add(engine_routes(services));
  router.add(library_routes(services));
  router.add(tape_drive_routes(services));
  router.add(pool_routes(services));
  router.add(pool_migration_routes(services));
  router.add(rekey_routes(services));
  router.add(construct_routes(services));
  router.add(volume_routes(services));
  router.add(physical_volume_routes(services));
  router.add(physical_drive_routes(services));
  router.add(notice_routes(services));
  router.add(catalogue_routes(services));
  router.add(report_routes(services));
  router.add(statistics_routes(services));
  router.add({openapi_route(router, "Tapewarden tape engine")});
}

}  // namespace tapewarden::admin
