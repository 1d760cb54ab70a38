#include "admin/http/consent.h"
#include "admin/http/json_answer.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using people::Approval;
using people::Approvals;
using people::Permission;

constexpr std::int64_t kUsualPage = 100;

std::string time_of(WallTime time) {
  return time == WallTime{} ? "" : format_utc(time);
}

json::object to_json(const Approval& approval, WallTime now) {
  return {{"id", approval.id},
          {"state", to_string(approval.state_at(now))},
          {"request", approval.request},
          {"summary", approval.summary},
          {"digest", to_hex(approval.digest)},
          {"server", approval.server_name},
          {"asker", approval.asker.name},
          {"decider", approval.decider.name},
          {"reason", approval.reason},
          {"asked", time_of(approval.asked)},
          {"expires", time_of(approval.expires)},
          {"decided", time_of(approval.decided)},
          {"used", time_of(approval.used)}};
}

Result<Answer> list(Approvals& approvals, const Arguments& arguments) {
  std::optional<people::ApprovalState> state;
  if (const auto text = arguments.optional_text("state")) state = TRY(people::parse_approval_state(*text));
  const std::int64_t limit = arguments.integer("limit").value_or(kUsualPage);
  if (limit < 1 || limit > static_cast<std::int64_t>(people::kApprovalPage)) {
    return fail(ErrorCode::kInvalidArgument, "the limit is out of bounds", "limit",
                "ask for 1 to " + std::to_string(people::kApprovalPage));
  }
  const auto page =
      TRY(approvals.list(state, static_cast<std::size_t>(limit), arguments.text_or("after", "")));
  json::array items;
  for (const auto& approval : page.items) items.push_back(to_json(approval, approvals.now()));
  return json_answer(json::object{{"items", std::move(items)}, {"next", page.next}});
}

Answer shown(const Approvals& approvals, const Approval& approval) {
  return json_answer(to_json(approval, approvals.now()));
}

}  // namespace

Answer asked_answer(const Approval& approval, WallTime now) {
  json::object body = to_json(approval, now);
  body["approval"] = approval.id;
  const bool approved = approval.state_at(now) == people::ApprovalState::kApproved;
  body["message"] = approved ? "approved: repeat this call with the approval's id"
                             : "not done: a second security officer must approve it first";
  body["remedy"] = approved ? "repeat it with the header Tapewarden-Approval, or --approval " + approval.id
                            : "another security officer runs: tapewarden approval approve " + approval.id +
                                  "; then repeat this with --approval " + approval.id;
  return json_answer(body, 202);
}

std::vector<Route> approval_routes(Approvals& approvals) {
  std::vector<Route> routes;
  const auto add = [&](std::string_view method, std::string_view pattern, Permission permission,
                       std::string_view summary, std::vector<FieldSpec> fields, std::string_view answer,
                       Handler handler) {
    routes.push_back(
        {method, pattern, permission, "approval", summary, std::move(fields), answer, std::move(handler)});
  };
  add("GET", "/v1/approvals", Permission::kView,
      "List what was asked for that needs two people, newest first.",
      {{.name = "state",
        .place = FieldPlace::kQuery,
        .meaning = "only asked, approved, refused, withdrawn, used or expired ones",
        .limit = 16},
       {.name = "limit",
        .type = FieldType::kInteger,
        .place = FieldPlace::kQuery,
        .meaning = "the number of items wanted at once, 1 to 1000; 100 unless given"},
       {.name = "after", .place = FieldPlace::kQuery, .meaning = "`next` of the page before", .limit = 64}},
      "A page of approvals.",
      [&approvals](const Request& request) { return list(approvals, request.arguments); });
  add("GET", "/v1/approvals/{id}", Permission::kView, "Show one approval.", {}, "The approval.",
      [&approvals](const Request& request) -> Result<Answer> {
        return shown(approvals, TRY(approvals.find(request.arguments.text("id"))));
      });
  add("POST", "/v1/approvals/{id}/approve", Permission::kApprove,
      "Consent, as the second person, to what another officer asked for.", {}, "The approval.",
      [&approvals](const Request& request) -> Result<Answer> {
        return shown(approvals, TRY(approvals.approve(request.principal, request.arguments.text("id"))));
      });
  add("POST", "/v1/approvals/{id}/refuse", Permission::kApprove,
      "Refuse what another officer asked for, or take back a consent that was not used yet.",
      {{.name = "reason", .meaning = "why, for the asker", .limit = people::kApprovalReasonLimit}},
      "The approval.", [&approvals](const Request& request) -> Result<Answer> {
        return shown(approvals, TRY(approvals.refuse(request.principal, request.arguments.text("id"),
                                                     request.arguments.text_or("reason", ""))));
      });
  add("POST", "/v1/approvals/{id}/withdraw", Permission::kApprove, "Withdraw what one asked for oneself.", {},
      "The approval.", [&approvals](const Request& request) -> Result<Answer> {
        return shown(approvals, TRY(approvals.withdraw(request.principal, request.arguments.text("id"))));
      });
  return routes;
}

}  // namespace tapewarden::admin
