// The other servers: conflicts that they brought, taking over from one that is lost, accepting one that was
// restored (K19).
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"
#include "base/text.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;

json::object version_json(const keymgr::ConflictVersion& version) {
  boost::system::error_code error;
  json::value content = json::parse(version.content, error);
  if (error) content = json::value(version.content);
  return {{"version", version.version}, {"origin", version.origin.text()}, {"content", std::move(content)}};
}

json::object conflict_json(const keymgr::ConflictRow& conflict) {
  return {{"id", conflict.id.text()},
          {"table", conflict.table},
          {"key", conflict.key},
          {"outcome", std::string(keymgr::to_string(conflict.outcome))},
          {"found", time_text(conflict.found)},
          {"found_by", conflict.found_by.text()},
          {"later", version_json(conflict.high)},
          {"earlier", version_json(conflict.low)},
          {"acknowledged", time_text(conflict.acknowledged)},
          {"acknowledged_by", conflict.acknowledged_by}};
}

// By name or id.
Result<keymgr::ServerRow> server_of(KeyManager& manager, const std::string& name) {
  std::optional<keymgr::ServerRow> named;
  std::string ids;
  for (const auto& server : TRY(manager.list_servers())) {
    if (server.id.text() == to_lower(name)) return server;
    if (!equal_ignoring_case(server.name, name)) continue;
    ids += (named ? ", " : "") + server.id.text();
    if (named) {
      // Two installations that were merged may each have their "primary".
      return fail(ErrorCode::kConflict, "several servers have this name: " + ids, "name",
                  "name the one that is meant by its id");
    }
    named = server;
  }
  if (named) return *std::move(named);
  return fail(ErrorCode::kNotFound, "no server of this name is known here", "name",
              "list the servers to see their names");
}

Result<Answer> promote(const KeydServices& services, const Request& request) {
  const auto server = TRY(server_of(services.manager, request.arguments.text("name")));
  if (server.id == services.manager.context().server) {
    return fail(ErrorCode::kConflict, "this is the server that was asked: it has its keys", "name",
                "name the server that is lost, at the one that is left");
  }
  const auto peer = services.peer ? services.peer() : std::nullopt;
  if (peer && peer->in_step) {
    return fail(ErrorCode::kConflict, "the peer " + peer->name + " is there and in step", "name",
                "stop it first, if this server shall take over from it");
  }
  const auto taken = TRY(services.manager.promote(actor_of(request.principal), server.id));
  const auto now = TRY(server_of(services.manager, server.id.text()));
  return json_answer(json::object{{"name", now.name}, {"epoch", now.epoch}, {"keys_taken_over", taken}});
}

Result<Answer> accept(const KeydServices& services, const Request& request) {
  const auto server = TRY(server_of(services.manager, request.arguments.text("name")));
  if (!services.accept_restored) {
    return fail(ErrorCode::kConflict, "this server has no peer", "name");
  }
  const auto accepted = TRY(services.accept_restored(server.id, actor_of(request.principal)));
  return json_answer(json::object{{"name", server.name}, {"epoch", accepted.epoch}});
}

Result<Answer> acknowledge(KeyManager& manager, const Request& request) {
  const auto id = Uuid::parse(request.arguments.text("id"));
  if (!id) return fail(ErrorCode::kNotFound, "no conflict has this id", "id", "list the conflicts");
  return json_answer(conflict_json(TRY(manager.acknowledge_conflict(actor_of(request.principal), *id))));
}

}  // namespace

std::vector<Route> server_routes(const KeydServices& services) {
  RouteTable table("servers");
  KeyManager& manager = services.manager;
  table.add("GET", "/v1/conflicts", Permission::kView,
            "List rows that two servers changed without knowing of each other.",
            {limit_field(),
             after_field(),
             {.name = "all", .type = FieldType::kFlag, .meaning = "those too that were acknowledged"}},
            "A page of conflicts, the oldest first, with both versions and what stands.",
            [&manager](const Request& request) -> Result<Answer> {
              const auto page = TRY(manager.list_conflicts(request.arguments.flag("all").value_or(false),
                                                           TRY(page_of(request.arguments))));
              return page_answer(page, conflict_json);
            });
  table.add("POST", "/v1/conflicts/{id}/acknowledge", Permission::kChangeSettings,
            "Note that a conflict was looked at.", {}, "The conflict.",
            [&manager](const Request& request) { return acknowledge(manager, request); });
  table.add("POST", "/v1/servers/{name}/promote", Permission::kRestore,
            "Take over from a server that is lost: its epoch is raised, so that it gives out none of its "
            "unused keys when it returns.",
            {}, "The lost server's new epoch, and how many keys are this server's now.",
            [services](const Request& request) { return promote(services, request); });
  table.add("POST", "/v1/servers/{name}/accept-restored", Permission::kRestore,
            "Accept a peer that came back from an older copy in a new epoch.", {}, "Its epoch.",
            [services](const Request& request) { return accept(services, request); });
  return table.take();
}

}  // namespace tapewarden::admin
