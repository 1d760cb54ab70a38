// One request for a second person's consent (K22) as a value, and its row. Values.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/uuid.h"
#include "store/schema.h"

namespace tapewarden::people {

inline constexpr std::size_t kApprovalIdBytes = 8;          // drawn at random; shown as 16 hex digits
inline constexpr std::size_t kApprovalSummaryLimit = 2048;  // bytes of what people read
inline constexpr std::size_t kApprovalReasonLimit = 256;    // bytes
inline constexpr std::size_t kOpenApprovalsLimit = 1000;    // asked or approved, not yet expired
inline constexpr std::size_t kApprovalPage = 1000;

//   ask() --> asked --approve()--> approved --use()--> used
//               |                     |
//               +----refuse()---------+--> refused
//               +----withdraw()-------+--> withdrawn
// An asked or approved one whose time is over counts as expired; that is no row of its own.
enum class ApprovalState : std::uint8_t {
  kAsked = 1,
  kApproved = 2,
  kRefused = 3,
  kWithdrawn = 4,
  kUsed = 5,
  kExpired = 6,  // never stored
};
std::string_view to_string(ApprovalState state);
Result<ApprovalState> parse_approval_state(std::string_view text);

// Somebody as he was when he asked or decided. Whatever changes the account moves its generation on, so an
// officer who was removed, disabled or demoted in between is not this one any more.
struct Consenter {
  std::string name;  // empty: nobody yet
  std::int64_t generation = 0;
};

struct Approval {
  std::string id;  // 16 hex digits
  Uuid server;     // where it was asked: it is decided and used there alone
  std::string server_name;
  std::string request;  // method and path pattern: "POST /v1/keks/{kek}/export"
  Hash256 digest{};     // of everything that was asked for, without secrets
  std::string summary;  // for people
  Consenter asker;
  Consenter decider;
  ApprovalState state = ApprovalState::kAsked;
  std::string reason;  // of a refusal
  WallTime asked{};
  WallTime expires{};
  WallTime decided{};  // approved, refused or withdrawn
  WallTime used{};

  // With the time taken into account. A clock that was set back before the asking makes it expired too.
  ApprovalState state_at(WallTime now) const;
  bool open_at(WallTime now) const;  // asked or approved

  store::Row to_row() const;
  static Approval from_row(const store::Row& row);
};

}  // namespace tapewarden::people
