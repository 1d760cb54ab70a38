// The pair as a whole (K19): comparing everything that the two servers hold, and copying everything anew.
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"
#include "base/text.h"

namespace tapewarden::admin {
namespace {

// A comparison of a usual site ends within it; a longer one goes on, and is asked for its result later.
constexpr std::chrono::seconds kWait{20};
constexpr std::size_t kShownMode = 32;  // bytes of a word that is none

Status require_peer(const KeydServices& services) {
  if (services.replicator != nullptr && services.comparer != nullptr) return {};
  return fail(ErrorCode::kConflict, "this server has no peer", "peer", "see `tapewarden-keyd add-secondary`");
}

json::object to_json(const keymgr::RowDifference& one) {
  return {{"table", one.table},
          {"key", one.key},
          {"difference", to_string(one.kind)},
          {"version_here", one.version_here},
          {"version_there", one.version_there},
          {"made_by_here", one.version_here == 0 ? "" : one.origin_here.text()},
          {"made_by_there", one.version_there == 0 ? "" : one.origin_there.text()}};
}

json::object summary(const keymgr::ComparerState& state) {
  json::object out{{"running", state.running}};
  if (!state.last) {
    out["last"] = "never";
    return out;
  }
  out["last"] = time_text(state.last->ended);
  out["result"] = state.last->result();
  out["by"] = state.last->by_peer ? "the peer" : "this server";
  out["rows"] = state.last->rows;
  out["differences"] = state.last->differences;
  out["changing"] = state.last->moving;
  return out;
}

Answer answer_of(const keymgr::ComparerState& state) {
  json::object out = summary(state);
  json::array items;
  if (state.last) {
    for (const auto& one : state.last->first) items.push_back(to_json(one));
  }
  out["items"] = std::move(items);
  return json_answer(out);
}

Result<Answer> compare(const KeydServices& services, const Request& request) {
  TRY(require_peer(services));
  (void)TRY(services.comparer->compare(actor_of(request.principal), kWait));
  return answer_of(services.comparer->state());
}

Result<Answer> sync(const KeydServices& services, const Request& request, keymgr::CopyAgain how) {
  TRY(require_peer(services));
  const auto consent = consent_of(request);
  TRY(services.replicator->sync(
      actor_of(request.principal), how, [&](store::Transaction& transaction) -> Status {
        if (how == keymgr::CopyAgain::kMerge) return {};
        return take_consent(transaction, services.manager.settings(), actor_of(request.principal), consent);
      }));
  return json_answer(json::object{{"mode", how == keymgr::CopyAgain::kRewrite ? "rewrite" : "merge"},
                                  {"state", "begun: `tapewarden status` shows when it is done"}});
}

Result<Matter> rewrite_matter(const KeydServices& services) {
  TRY(require_peer(services));
  const auto peer = services.replicator->state();
  return Matter{"rewrite from " + peer.name, "this server (" + services.server_name + ") takes what " +
                                                 peer.name + " has, whatever it says itself"};
}

}  // namespace

json::object comparison_summary(const KeydServices& services) {
  return services.comparer == nullptr ? json::object{} : summary(services.comparer->state());
}

std::vector<Route> pair_routes(const KeydServices& services) {
  RouteTable table("servers");
  table.add("GET", "/v1/comparison", Permission::kView,
            "Tell the last full comparison of the two servers' tables.", {},
            "When it ended and what it found, with the first 1,000 rows that differ.",
            [services](const Request&) -> Result<Answer> {
              TRY(require_peer(services));
              return answer_of(services.comparer->state());
            });
  table.add("POST", "/v1/comparison", Permission::kChangeSettings,
            "Compare all tables of the two servers, row by row where digests differ. Changes nothing.", {},
            "As of GET: when it takes longer than 20 seconds it goes on, and \"running\" is true.",
            [services](const Request& request) { return compare(services, request); });
  table.add(
      "POST", "/v1/sync/merge", Permission::kRestore,
      "Copy everything anew: this server takes in all that the peer has, by the merging rules, and sends "
      "it all of its own rows once more.",
      {}, "That it has begun; it goes on by itself.",
      [services](const Request& request) { return sync(services, request, keymgr::CopyAgain::kMerge); });
  table.add_two_person(
      "POST", "/v1/sync/rewrite", Permission::kRestore,
      "Rewrite this server: what the peer has stands here. No key is lost, and nothing that was destroyed or "
      "compromised comes back.",
      {}, "That it has begun; it goes on by itself.",
      [services](const Request&) { return rewrite_matter(services); },
      [services](const Request& request) { return sync(services, request, keymgr::CopyAgain::kRewrite); });
  table.add("POST", "/v1/sync/{mode}", Permission::kRestore,
            "Refuse any other mode, and tell those that there are.", {}, "Never: it is refused.",
            [](const Request& request) -> Result<Answer> {
              return fail(ErrorCode::kInvalidArgument,
                          "there is no mode " +
                              escape_unprintable(request.arguments.text("mode").substr(0, kShownMode)) +
                              " of copying anew",
                          "mode", "use merge or rewrite");
            });
  return table.take();
}

}  // namespace tapewarden::admin
