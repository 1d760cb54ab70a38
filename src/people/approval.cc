#include "people/approval.h"

#include <array>

#include "base/assert.h"
#include "base/text.h"
#include "people/tables.h"

namespace tapewarden::people {
namespace {

constexpr std::array kStates{ApprovalState::kAsked,     ApprovalState::kApproved, ApprovalState::kRefused,
                             ApprovalState::kWithdrawn, ApprovalState::kUsed,     ApprovalState::kExpired};

constexpr std::size_t at(ApprovalColumn column) {
  return static_cast<std::size_t>(column);
}

}  // namespace

std::string_view to_string(ApprovalState state) {
  switch (state) {
    case ApprovalState::kAsked:
      return "asked";
    case ApprovalState::kApproved:
      return "approved";
    case ApprovalState::kRefused:
      return "refused";
    case ApprovalState::kWithdrawn:
      return "withdrawn";
    case ApprovalState::kUsed:
      return "used";
    case ApprovalState::kExpired:
      return "expired";
  }
  return "unknown";
}

Result<ApprovalState> parse_approval_state(std::string_view text) {
  for (const ApprovalState state : kStates) {
    if (equal_ignoring_case(text, to_string(state))) return state;
  }
  return fail(ErrorCode::kInvalidArgument, "this is not a state of an approval", "state",
              "use asked, approved, refused, withdrawn, used or expired");
}

ApprovalState Approval::state_at(WallTime now) const {
  const bool waiting = state == ApprovalState::kAsked || state == ApprovalState::kApproved;
  return waiting && (now >= expires || now < asked) ? ApprovalState::kExpired : state;
}

bool Approval::open_at(WallTime now) const {
  const ApprovalState current = state_at(now);
  return current == ApprovalState::kAsked || current == ApprovalState::kApproved;
}

store::Row Approval::to_row() const {
  return {id,
          to_bytes(server.view()),
          server_name,
          request,
          to_bytes(ByteView(digest)),
          summary,
          asker.name,
          asker.generation,
          decider.name,
          decider.generation,
          static_cast<std::int64_t>(state),
          reason,
          to_millis(asked),
          to_millis(expires),
          to_millis(decided),
          to_millis(used)};
}

Approval Approval::from_row(const store::Row& row) {
  Approval out;
  out.id = store::text(row, at(ApprovalColumn::kId));
  out.server = Uuid::from(store::blob(row, at(ApprovalColumn::kServer)));
  out.server_name = store::text(row, at(ApprovalColumn::kServerName));
  out.request = store::text(row, at(ApprovalColumn::kRequest));
  const Bytes& digest = store::blob(row, at(ApprovalColumn::kDigest));
  TW_ASSERT(digest.size() == out.digest.size());
  copy_bytes(out.digest, digest);
  out.summary = store::text(row, at(ApprovalColumn::kSummary));
  out.asker = {store::text(row, at(ApprovalColumn::kAsker)),
               store::integer(row, at(ApprovalColumn::kAskerGeneration))};
  out.decider = {store::text(row, at(ApprovalColumn::kDecider)),
                 store::integer(row, at(ApprovalColumn::kDeciderGeneration))};
  out.state = static_cast<ApprovalState>(store::integer(row, at(ApprovalColumn::kState)));
  out.reason = store::text(row, at(ApprovalColumn::kReason));
  out.asked = from_millis(store::integer(row, at(ApprovalColumn::kAsked)));
  out.expires = from_millis(store::integer(row, at(ApprovalColumn::kExpires)));
  out.decided = from_millis(store::integer(row, at(ApprovalColumn::kDecided)));
  out.used = from_millis(store::integer(row, at(ApprovalColumn::kUsed)));
  return out;
}

}  // namespace tapewarden::people
