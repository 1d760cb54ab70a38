#include "people/approvals.h"

#include <algorithm>

#include "base/text.h"
#include "people/account.h"
#include "people/events.h"
#include "people/tables.h"

namespace tapewarden::people {
namespace {

std::unexpected<Error> in_the_way(std::string message, std::string remedy) {
  return fail(ErrorCode::kConflict, std::move(message), "approval", std::move(remedy));
}

std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  text.resize(limit - 3);
  return text + "...";
}

// Why this one permits nothing now; nothing when it is approved.
Status check_state(const Approval& approval, WallTime now) {
  static constexpr std::string_view kAnew = "ask anew: the same call without an approval";
  switch (approval.state_at(now)) {
    case ApprovalState::kApproved:
      return {};
    case ApprovalState::kAsked:
      return in_the_way("nobody has approved " + approval.id + " yet",
                        "another security officer runs: tapewarden approval approve " + approval.id);
    case ApprovalState::kRefused:
      return in_the_way(approval.decider.name + " refused " + approval.id +
                            (approval.reason.empty() ? "" : ": " + approval.reason),
                        std::string(kAnew));
    case ApprovalState::kWithdrawn:
      return in_the_way(approval.id + " was withdrawn", std::string(kAnew));
    case ApprovalState::kUsed:
      return in_the_way(approval.id + " was used at " + format_utc(approval.used), std::string(kAnew));
    case ApprovalState::kExpired:
      break;
  }
  return in_the_way(approval.id + " expired at " + format_utc(approval.expires), std::string(kAnew));
}

}  // namespace

Approvals::Approvals(Env env, store::Keystore& keystore, ApprovalOptions options)
    : env_(env), keystore_(keystore), options_(std::move(options)) {}

Status Approvals::write(std::function<Status(store::Transaction&)> work) {
  (void)TRY(keystore_.write(std::move(work)));
  return {};
}

Result<bool> Approvals::needed() {
  bool needed = true;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    needed = TRY(options_.policy(reader)).two_person;
    return {};
  }));
  return needed;
}

Result<Approval> Approvals::require(store::Reader& reader, std::string_view id) const {
  const auto row = TRY(reader.get(approval_table(), {to_lower(id)}));
  if (row) return Approval::from_row(*row);
  return fail(ErrorCode::kNotFound,
              "there is no approval " + escape_unprintable(id.substr(0, 2 * kApprovalIdBytes)), "approval",
              "list the approvals to see their ids");
}

Result<Approval> Approvals::require_open_here(store::Reader& reader, std::string_view id) const {
  Approval approval = TRY(require(reader, id));
  if (approval.server != options_.server) {
    return in_the_way("this was asked at the server " + approval.server_name,
                      "decide and use it there, or ask anew here");
  }
  if (approval.open_at(now())) return approval;
  // Approved or not, the states that are left all say why.
  TRY(check_state(approval, now()));
  return approval;
}

Result<Consenter> Approvals::consenter(store::Reader& reader, const Principal& actor) const {
  const auto account =
      actor.method == LoginMethod::kLocal ? std::nullopt : TRY(get_account(reader, actor.name));
  if (account && !account->person.disabled) return Consenter{actor.name, account->generation};
  return fail(ErrorCode::kPermissionDenied, actor.name + " has no enabled account", "name",
              "approvals are between people who can log in");
}

Status Approvals::check_unchanged(store::Reader& reader, const Consenter& person, bool officer) const {
  const auto account = TRY(get_account(reader, person.name));
  const bool same = account && account->generation == person.generation && !account->person.disabled &&
                    (!officer || account->person.role == Role::kSecurityOfficer);
  if (same) return {};
  return in_the_way("the account of " + person.name + " was changed or removed since",
                    "ask anew: consent counts only while both accounts stay as they are");
}

Status Approvals::put(store::Transaction& transaction, const Principal& actor, std::string_view action,
                      const Approval& approval) const {
  TRY(transaction.put(approval_table(), approval.to_row()));
  transaction.record(to_record({.type = EventType::kAuthorization,
                                .action = action,
                                .actor = actor,
                                .success = true,
                                .fields = {{"approval", approval.id},
                                           {"request", approval.request},
                                           {"summary", approval.summary},
                                           {"asker", approval.asker.name},
                                           {"decider", approval.decider.name},
                                           {"reason", approval.reason}}}));
  return {};
}

Result<std::optional<Approval>> Approvals::open_twin(store::Reader& reader, const Consenter& asker,
                                                     const ApprovalRequest& request) const {
  const auto rows = TRY(reader.query(
      approval_table(), "state IN (1, 2) AND expires_ms > ? AND server = ? AND asker = ? AND digest = ?",
      {to_millis(now()), to_bytes(options_.server.view()), asker.name, to_bytes(ByteView(request.digest))}));
  for (const auto& row : rows) {
    auto approval = Approval::from_row(row);
    const bool decider_stands =
        approval.decider.name.empty() || check_unchanged(reader, approval.decider, true).has_value();
    if (approval.open_at(now()) && approval.asker.generation == asker.generation && decider_stands) {
      return std::optional(std::move(approval));
    }
  }
  return std::optional<Approval>();
}

Result<Approval> Approvals::ask(const Principal& actor, const ApprovalRequest& request) {
  Approval made;
  Bytes id(kApprovalIdBytes);
  env_.random->fill(id);
  TRY(write([&](store::Transaction& transaction) -> Status {
    const Consenter asker = TRY(consenter(transaction, actor));
    if (auto open = TRY(open_twin(transaction, asker, request))) {
      made = *std::move(open);
      return {};
    }
    const auto open = TRY(transaction.aggregate(approval_table(), "COUNT(*)",
                                                "state IN (1, 2) AND expires_ms > ?", {to_millis(now())}));
    if (open >= static_cast<std::int64_t>(kOpenApprovalsLimit)) {
      return fail(ErrorCode::kExhausted, "too many requests wait for a second person", "approval",
                  "decide or withdraw some of them");
    }
    made = {};
    made.id = to_hex(id);
    made.server = options_.server;
    made.server_name = options_.server_name;
    made.request = request.request;
    made.digest = request.digest;
    made.summary = cut(request.summary, kApprovalSummaryLimit);
    made.asker = asker;
    made.asked = now();
    made.expires = made.asked + TRY(options_.policy(transaction)).lifetime;
    return put(transaction, actor, "approval.ask", made);
  }));
  return made;
}

Result<Approval> Approvals::decide(const Principal& actor, std::string_view id, ApprovalState to,
                                   std::string_view reason) {
  TRY(people::require(actor, Permission::kApprove));
  Approval decided;
  TRY(write([&](store::Transaction& transaction) -> Status {
    decided = TRY(require_open_here(transaction, id));
    const Consenter decider = TRY(consenter(transaction, actor));
    if (decided.asker.name == decider.name) {
      return fail(ErrorCode::kPermissionDenied, "nobody decides what he asked for himself", "approval",
                  "another security officer decides; the asker can withdraw it");
    }
    if (to == ApprovalState::kApproved && decided.state == ApprovalState::kApproved) {
      return in_the_way(decided.decider.name + " has approved it already", "the asker can go on");
    }
    if (to == ApprovalState::kApproved) TRY(check_unchanged(transaction, decided.asker, false));
    decided.decider = decider;
    decided.state = to;
    decided.reason = cut(std::string(reason), kApprovalReasonLimit);
    decided.decided = now();
    return put(transaction, actor, to == ApprovalState::kApproved ? "approval.approve" : "approval.refuse",
               decided);
  }));
  return decided;
}

Result<Approval> Approvals::approve(const Principal& actor, std::string_view id) {
  return decide(actor, id, ApprovalState::kApproved, "");
}

Result<Approval> Approvals::refuse(const Principal& actor, std::string_view id, std::string_view reason) {
  return decide(actor, id, ApprovalState::kRefused, reason);
}

Result<Approval> Approvals::withdraw(const Principal& actor, std::string_view id) {
  Approval approval;
  TRY(write([&](store::Transaction& transaction) -> Status {
    approval = TRY(require_open_here(transaction, id));
    if (approval.asker.name != actor.name) {
      return fail(ErrorCode::kPermissionDenied, "only the asker withdraws a request", "approval",
                  "refuse it instead");
    }
    approval.state = ApprovalState::kWithdrawn;
    approval.decided = now();
    return put(transaction, actor, "approval.withdraw", approval);
  }));
  return approval;
}

Result<Approval> Approvals::check(store::Reader& reader, const Principal& actor, std::string_view id,
                                  const Hash256& digest) const {
  Approval approval = TRY(require(reader, id));
  if (approval.asker.name != actor.name) {
    return fail(ErrorCode::kPermissionDenied, "this approval was given to " + approval.asker.name, "approval",
                "ask for one of your own");
  }
  if (approval.server != options_.server) {
    return in_the_way("this was approved for the server " + approval.server_name,
                      "use it there, or ask anew here");
  }
  TRY(check_state(approval, now()));
  if (approval.digest != digest) {
    return in_the_way("this is not what was approved: " + approval.summary,
                      "repeat exactly what was asked for, or ask anew without an approval");
  }
  TRY(check_unchanged(reader, approval.asker, false));
  TRY(check_unchanged(reader, approval.decider, true));
  return approval;
}

Result<Approval> Approvals::check(const Principal& actor, std::string_view id, const Hash256& digest) {
  Approval approval;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    approval = TRY(check(reader, actor, id, digest));
    return {};
  }));
  return approval;
}

Result<Approval> Approvals::use(store::Transaction& transaction, const Principal& actor, std::string_view id,
                                const Hash256& digest) const {
  Approval approval = TRY(check(transaction, actor, id, digest));
  approval.state = ApprovalState::kUsed;
  approval.used = now();
  TRY(put(transaction, actor, "approval.use", approval));
  return approval;
}

Result<Approval> Approvals::use(const Principal& actor, std::string_view id, const Hash256& digest) {
  Approval approval;
  TRY(write([&](store::Transaction& transaction) -> Status {
    approval = TRY(use(transaction, actor, id, digest));
    return {};
  }));
  return approval;
}

Result<Approval> Approvals::find(std::string_view id) {
  Approval approval;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    approval = TRY(require(reader, id));
    return {};
  }));
  return approval;
}

Result<ApprovalPage> Approvals::list(std::optional<ApprovalState> state, std::size_t limit,
                                     std::string_view after) {
  ApprovalPage page;
  const std::size_t most = std::clamp<std::size_t>(limit, 1, kApprovalPage);
  const std::int64_t time = to_millis(now());
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    page = {};
    std::string where = "1 = 1";
    std::vector<store::Value> parameters;
    if (!after.empty()) {
      const Approval last = TRY(require(reader, after));
      where += " AND (asked_ms < ? OR (asked_ms = ? AND id < ?))";
      parameters = {to_millis(last.asked), to_millis(last.asked), last.id};
    }
    if (state == ApprovalState::kExpired) {
      where += " AND state IN (1, 2) AND expires_ms <= ?";
      parameters.emplace_back(time);
    } else if (state) {
      where += " AND state = ?";
      parameters.emplace_back(static_cast<std::int64_t>(*state));
      const bool open = *state == ApprovalState::kAsked || *state == ApprovalState::kApproved;
      if (open) {
        where += " AND expires_ms > ?";
        parameters.emplace_back(time);
      }
    }
    parameters.emplace_back(static_cast<std::int64_t>(most));
    for (const auto& row : TRY(reader.query(
             approval_table(), where + " ORDER BY asked_ms DESC, id DESC LIMIT ?", parameters))) {
      page.items.push_back(Approval::from_row(row));
    }
    if (page.items.size() == most) page.next = page.items.back().id;
    return {};
  }));
  return page;
}

Result<ApprovalHealth> Approvals::health() {
  ApprovalHealth health;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    health.two_person = TRY(options_.policy(reader)).two_person;
    health.officers =
        static_cast<std::size_t>(TRY(reader.aggregate(people_table(), "COUNT(*)", "role = ? AND disabled = 0",
                                                      {static_cast<std::int64_t>(Role::kSecurityOfficer)})));
    health.open = static_cast<std::size_t>(TRY(reader.aggregate(
        approval_table(), "COUNT(*)", "state IN (1, 2) AND expires_ms > ?", {to_millis(now())})));
    return {};
  }));
  return health;
}

}  // namespace tapewarden::people
