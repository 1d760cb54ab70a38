#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"
#include "keymgr/sharing/warnings.h"

namespace tapewarden::admin {
namespace {

constexpr int kSupplyWarningPercent = 80;  // K3

Status add_group_warnings(keymgr::KeyManager& manager, json::array& warnings) {
  for (const auto& status : TRY(manager.list_groups())) {
    const bool scarce = status.group.policy == keymgr::GroupPolicy::kUseOnce &&
                        status.group.keys_ahead == 0 && status.used_percent >= kSupplyWarningPercent &&
                        status.total > 0;
    if (!scarce) continue;
    warnings.emplace_back("key group " + status.group.name + " has " + std::to_string(status.remaining) +
                          " unused keys left: generate more, or let it keep keys ahead");
  }
  return {};
}

Status add_kek_warnings(keymgr::KeyManager& manager, json::array& warnings) {
  for (const auto& warning : TRY(manager.expiring_keks())) {
    warnings.emplace_back("the certificate of KEK " + warning.common_name +
                          (warning.expired ? " expired on " : " expires on ") +
                          format_utc(warning.not_after).substr(0, 10));
  }
  for (const auto& conflict : TRY(manager.label_conflicts())) {
    warnings.emplace_back("the label " + conflict.label + " names " + std::to_string(conflict.keks.size()) +
                          " KEKs: take it away from all but one");
  }
  return {};
}

Status add_drive_warnings(keymgr::KeyManager& manager, json::array& warnings) {
  const auto pending = TRY(manager.list_drives(keymgr::DriveState::kPending, {1, ""}));
  if (!pending.items.empty()) warnings.emplace_back("drives wait to be accepted or rejected");
  return {};
}

Result<json::object> approval_state(people::Approvals& approvals, json::array& warnings) {
  const auto health = TRY(approvals.health());
  if (!health.two_person) {
    warnings.emplace_back(
        "two-person approval is off: one security officer alone can export and destroy keys; make a second "
        "officer and set approval.two_person to on");
  } else if (health.officers < 2) {
    warnings.emplace_back(
        "two-person approval is on, but there is only one security officer: nothing that needs two people "
        "can "
        "be done, and this one could make the second himself; let somebody else have that account");
  }
  return json::object{
      {"two_person", health.two_person}, {"officers", health.officers}, {"open", health.open}};
}

Result<Answer> status(const KeydServices& services) {
  json::array warnings;
  TRY(add_group_warnings(services.manager, warnings));
  TRY(add_kek_warnings(services.manager, warnings));
  TRY(add_drive_warnings(services.manager, warnings));
  for (const auto& text : TRY(keymgr::sharing::warnings(services.manager))) warnings.emplace_back(text);
  auto approvals = TRY(approval_state(services.approvals, warnings));
  if (services.warnings) {
    for (const auto& warning : services.warnings()) warnings.emplace_back(warning);
  }
  const auto peer = services.peer ? services.peer() : std::nullopt;
  const store::CommitMark head = services.manager.keystore().head();
  const auto counts = services.service.counts();
  return json_answer(
      json::object{{"server", services.manager.context().server.text()},
                   {"name", services.server_name},
                   {"time", format_utc(services.manager.context().now())},
                   {"head", json::object{{"sequence", head.sequence}, {"hash", to_hex(head.head)}}},
                   {"served", counts.served},
                   {"refused", counts.refused},
                   {"in_flight", counts.in_flight},
                   {"peer", peer ? json::value(to_json(*peer)) : json::value(nullptr)},
                   {"approvals", std::move(approvals)},
                   {"sessions", services.people.open_sessions()},
                   {"warnings", std::move(warnings)}});
}

Result<Answer> check_labels(keymgr::KeyService& service, const Arguments& arguments) {
  keymgr::Caller caller;
  caller.serial = arguments.text_or("serial", "");
  if (const auto kind = arguments.optional_text("kind")) caller.kind = TRY(keymgr::parse_drive_kind(*kind));
  const auto labels = arguments.list("labels");
  const auto groups = arguments.list("groups");
  if (labels.empty() && groups.empty()) {
    return fail(ErrorCode::kInvalidArgument, "nothing to check", "labels", "name labels, groups, or both");
  }
  json::array items;
  for (const auto& status : TRY(service.check_labels(caller, labels, groups)))
    items.push_back(to_json(status));
  return json_answer(json::object{{"items", std::move(items)}});
}

Result<Answer> list_servers(keymgr::KeyManager& manager) {
  json::array items;
  for (const auto& server : TRY(manager.list_servers())) items.push_back(to_json(server));
  return json_answer(json::object{{"items", std::move(items)}});
}

}  // namespace

std::vector<Route> status_routes(const KeydServices& services) {
  RouteTable table("status");
  table.add("GET", "/v1/status", Permission::kView, "Tell how the server is.", {},
            "Server, head of the keystore, peer, counts and warnings.",
            [services](const Request&) { return status(services); });
  table.add("GET", "/v1/servers", Permission::kView, "List the key servers whose seals are trusted.", {},
            "The servers with their certificates.",
            [&manager = services.manager](const Request&) { return list_servers(manager); });
  table.add("POST", "/v1/check-labels", Permission::kView,
            "Check labels and groups before a pool uses them: known, writable now, held by the peer.",
            {{.name = "serial", .meaning = "the drive that would ask", .limit = 12},
             {.name = "kind", .meaning = "the drive's kind", .choices = {"LTO", "3592"}},
             {.name = "labels", .type = FieldType::kTextList, .meaning = "key labels", .limit = 64},
             {.name = "groups", .type = FieldType::kTextList, .meaning = "key groups", .limit = 64}},
            "One item for each name, with the problem in words.",
            [&service = services.service](const Request& request) {
              return check_labels(service, request.arguments);
            });
  return table.take();
}

}  // namespace tapewarden::admin
