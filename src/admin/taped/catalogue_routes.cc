// The backup of the catalogue (T12).
#include "admin/taped/engine_support.h"

namespace tapewarden::admin {
namespace {

Result<Answer> back_up(const TapedServices& services, const EngineServices& engine, const Request& request) {
  return change(services, request, "catalogue.backup", {}, [&]() -> Result<json::object> {
    if (!engine.back_up_catalogue)
      return fail(ErrorCode::kUnsupported, "this engine writes no backups of its catalogue", "catalogue");
    TRY(engine.back_up_catalogue());
    return json::object{
        {"ordered", true},
        {"notes", texts({"it is written onto a cartridge that takes more as soon as a drive is free, and the "
                         "host message TWE001I tells onto which (engine messages)"})}};
  });
}

}  // namespace

std::vector<Route> catalogue_routes(const TapedServices& services) {
  std::vector<Route> routes;
  routes.push_back(engine_order(services, "POST", "/v1/catalogue/backup", Permission::kChangeLibrary,
                                "catalogue",
                                "Have a backup of the catalogue written onto a cartridge that takes more.",
                                {}, "That it is ordered; a host message tells when it is written.", back_up));
  return routes;
}

}  // namespace tapewarden::admin
