// The master key of this server: its rotation (K16).
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"

namespace tapewarden::admin {
namespace {

json::object to_json(const store::RotationState& state) {
  return {{"version", state.version},
          {"state", state.going_on ? "going on" : "done"},
          {"percent", state.percent()},
          {"rows", state.rows},
          {"rows_done", state.done},
          {"began", time_text(state.began)},
          {"ended", time_text(state.ended)},
          {"started_by", state.started_by},
          {"fault", state.fault}};
}

// What two people consent to: the step from one version to the next, not any later one.
Result<Matter> matter_of(const store::KeyRotation& rotation) {
  const auto now = rotation.state();
  if (now.going_on) {
    return fail(ErrorCode::kConflict, "a rotation of the master key is going on: " + now.text(), "master key",
                "wait for its end: `tapewarden status` shows how far it is");
  }
  const std::string version = std::to_string(now.version);
  return Matter{version, "put everything under a new master key; version " + version + " is destroyed"};
}

}  // namespace

std::vector<Route> master_key_routes(store::KeyRotation& rotation) {
  RouteTable table("master key");
  table.add("GET", "/v1/master-key/rotation", Permission::kView,
            "Show the version of this server's master key, and how far its rotation is.", {}, "The rotation.",
            [&rotation](const Request&) -> Result<Answer> { return json_answer(to_json(rotation.state())); });
  Route& rotate = table.add(
      "POST", "/v1/master-key/rotation", Permission::kRestore,
      "Rotate this server's master key: a new one is drawn, everything is put under it while the server "
      "serves, the old one is destroyed.",
      {}, "The rotation that has begun.", [&rotation](const Request& request) -> Result<Answer> {
        return json_answer(to_json(TRY(rotation.begin(request.principal.name))));
      });
  rotate.two_person = true;
  rotate.matter = [&rotation](const Request&) { return matter_of(rotation); };
  return table.take();
}

}  // namespace tapewarden::admin
