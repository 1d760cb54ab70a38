#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"
#include "keymgr/recoverability/service.h"
#include "keymgr/serve_policy.h"
#include "keymgr/sharing/warnings.h"

namespace tapewarden::admin {
namespace {

constexpr int kSupplyWarningPercent = 80;  // K3

// The peer is away, and what it lacks is not given out: said before the last key that both hold is used up.
std::string unshared_warning(keymgr::KeyManager& manager, const keymgr::GroupStatus& status) {
  const std::string keys = std::to_string(status.unshared) + " of " +
                           std::to_string(status.ready + status.unshared) + " unused keys";
  const bool away = manager.context().peer->configured() && !manager.context().peer->rolled_back();
  const std::string remedy =
      away ? ": bring the peer back; or, when it is gone for good, take [peer] out of keyd.toml, start this "
             "server again and make a new one with `tapewarden-keyd add-secondary`; or `tapewarden setting "
             "set "
             "peer.exhausted serve` for as long as keys may exist on one machine alone"
           : ": see the other warnings";
  if (status.ready == 0) {
    return "key group " + status.group.name + " gives out no key for writing: all " + keys +
           " exist on this server alone" + remedy;
  }
  return "key group " + status.group.name + " gives out " + std::to_string(status.ready) +
         " more keys for writing, then writes are refused: " + keys + " exist on this server alone" + remedy;
}

Status add_group_warnings(keymgr::KeyManager& manager, json::array& warnings) {
  for (const auto& status : TRY(manager.list_groups())) {
    if (status.unshared > 0 && !manager.context().peer->connected()) {
      warnings.emplace_back(unshared_warning(manager, status));
    }
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

constexpr std::chrono::minutes kLongWait{10};            // keys wait for their backup
constexpr std::chrono::hours kVerificationAge{24 * 30};  // of the newest verified backup

void warn_of_policy(const KeydServices& services, const keymgr::ServeRule& rule, json::array& warnings) {
  const auto* backups = services.manager.context().backups;
  const bool target = backups != nullptr && backups->has_counted_target();
  const std::string policy(to_string(rule.policy));
  if (rule.policy == keymgr::ServePolicy::kAfterBackup) {
    if (!target) {
      warnings.emplace_back(
          "keys.serve is after-backup and no backup target counts: every write waits; add a target on "
          "another "
          "disk or machine, or set keys.serve");
    }
    return;
  }
  if (rule.policy == keymgr::ServePolicy::kAfterReplica && !services.manager.context().peer->configured()) {
    warnings.emplace_back(
        "keys.serve is after-replica and no peer is configured: every write is refused; set the peer up, or "
        "set keys.serve");
    return;
  }
  if (rule.chosen && target) {
    warnings.emplace_back("keys.serve is " + policy + ": keys are given out before any backup holds them");
  } else if (!target) {
    warnings.emplace_back("no backup target counts: keys are given out before any backup holds them (" +
                          policy + ")");
  }
}

Status warn_of_waits(const KeydServices& services, const keymgr::WaitingKeys& waiting,
                     const keymgr::WaitBook::Summary& writes, json::array& warnings) {
  const WallTime now = services.manager.context().now();
  if (writes.now > 0) {
    warnings.emplace_back(std::to_string(writes.now) + " writes have waited for a backup since " +
                          format_utc(writes.since));
  }
  if (waiting.keys > 0 && now - waiting.since > kLongWait) {
    warnings.emplace_back(std::to_string(waiting.keys) + " keys made since " + format_utc(waiting.since) +
                          " are in no backup yet and are not given out: see `tapewarden backup list`");
  }
  if (services.backups == nullptr) return {};
  const auto fresh = TRY(services.backups->freshness());
  if (fresh.backed_up != keymgr::kNever && fresh.verified == keymgr::kNever) {
    warnings.emplace_back(
        "the backups that keys are given out by begin a new chain that was not verified yet: run `tapewarden "
        "backup verify`, or wait for the next self-check");
  } else if (fresh.backed_up != keymgr::kNever && now - fresh.verified > kVerificationAge) {
    warnings.emplace_back(
        "no backup that keys are given out by was verified within 30 days: run `tapewarden "
        "backup verify`");
  }
  return {};
}

// Where else keys must lie before they are given out for writing, and what waits for that (K17).
Result<json::object> serve_state(const KeydServices& services, const keymgr::WaitBook::Summary& writes,
                                 json::array& warnings) {
  auto& manager = services.manager;
  keymgr::ServeRule rule;
  keymgr::WaitingKeys waiting;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    rule = TRY(serve_rule(reader, manager.context(), manager.settings()));
    waiting = TRY(count_waiting(reader, manager.context(), manager.settings()));
    return {};
  }));
  // A server that can have neither backups nor a peer has nothing to choose.
  if (services.backups != nullptr && manager.context().backups != nullptr)
    warn_of_policy(services, rule, warnings);
  if (rule.policy == keymgr::ServePolicy::kAfterBackup)
    TRY(warn_of_waits(services, waiting, writes, warnings));
  return json::object{{"policy", to_string(rule.policy)},
                      {"chosen", rule.chosen},
                      {"keys_waiting", waiting.keys},
                      {"keks_waiting", waiting.keks},
                      {"keys_waiting_since", time_text(waiting.since)},
                      {"writes_waiting", writes.now},
                      {"writes_waiting_since", time_text(writes.since)},
                      {"writes_waited", writes.begun}};
}

// The whole answer is at /v1/recoverability.
Result<json::value> recoverability_state(const KeydServices& services) {
  if (services.recoverability == nullptr) return json::value(nullptr);
  const auto brief = TRY(services.recoverability->brief());
  return json::value(
      json::object{{"short", brief.short_of},
                   {"self_check", time_text(brief.check ? brief.check->ended : keymgr::kNever)},
                   {"keys_opened", brief.check ? brief.check->data_keys : 0},
                   {"keks_opened", brief.check ? brief.check->keks : 0},
                   {"not_opened", brief.check ? brief.check->failed : 0}});
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
  auto recoverability = TRY(recoverability_state(services));
  auto serve = TRY(serve_state(services, counts.waiting, warnings));
  return json_answer(
      json::object{{"server", services.manager.context().server.text()},
                   {"name", services.server_name},
                   {"time", format_utc(services.manager.context().now())},
                   {"head", json::object{{"sequence", head.sequence}, {"hash", to_hex(head.head)}}},
                   {"master_key", services.rotation != nullptr ? services.rotation->state().text() : ""},
                   {"served", counts.served},
                   {"refused", counts.refused},
                   {"in_flight", counts.in_flight},
                   {"peer", peer ? json::value(to_json(*peer)) : json::value(nullptr)},
                   {"comparison", comparison_summary(services)},
                   {"serve", std::move(serve)},
                   {"recoverability", std::move(recoverability)},
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
  table.add(
      "POST", "/v1/check-labels", Permission::kView,
      "Check labels and groups before a pool uses them: known, writable now, held by the peer. Labels "
      "given together are judged as those of one pool.",
      {{.name = "serial", .meaning = "the drive that would ask", .limit = 12},
       {.name = "kind", .meaning = "the drive's kind", .choices = {"LTO", "3592"}},
       {.name = "labels", .type = FieldType::kTextList, .meaning = "key labels of one pool", .limit = 64},
       {.name = "groups", .type = FieldType::kTextList, .meaning = "key groups", .limit = 64}},
      "One item for each name, with the problem in words.",
      [&service = services.service](const Request& request) {
        return check_labels(service, request.arguments);
      });
  return table.take();
}

}  // namespace tapewarden::admin
