// check-labels: may these labels and key groups be used for writing by this peer? Asked before pool settings
// are accepted (T3). Unsigned: the peer is known from TLS, and no key leaves. Values.
#pragma once

#include <string>
#include <vector>

#include "dkx/types.h"

namespace tapewarden::dkx {

enum class CheckKind : std::uint8_t { kLabel = 1, kGroup = 2, kAlias = 3 };

struct Check {
  CheckKind kind = CheckKind::kLabel;
  std::string name;
  friend bool operator==(const Check&, const Check&) = default;
};

struct CheckLabelsRequest {
  Nonce challenge{};
  std::vector<Check> checks;  // 1 to kMaxChecks
  friend bool operator==(const CheckLabelsRequest&, const CheckLabelsRequest&) = default;
};

enum class CheckStatus : std::uint8_t {
  kUsable = 1,
  kPublicHalfOnly =
      2,  // a label whose private half is held elsewhere: writes, but what is written is not read here
  kUnknown = 3,
  kNotPermitted = 4,  // exists, but not for this peer
  kNotActive = 5,     // deactivated, compromised, destroyed or not yet active
  kExhausted = 6,     // a group without a key left
};
std::string_view to_string(CheckStatus status);  // "public-half-only"

struct CheckResult {
  Check check;
  CheckStatus status = CheckStatus::kUnknown;
  std::string text;  // what to do about it; may be empty
  friend bool operator==(const CheckResult&, const CheckResult&) = default;
};

struct CheckLabelsAnswer {
  std::vector<CheckResult> results;  // one for each check, in the order asked
  friend bool operator==(const CheckLabelsAnswer&, const CheckLabelsAnswer&) = default;
};

Bytes encode(const CheckLabelsRequest& request);
Bytes encode(const CheckLabelsAnswer& answer);
Result<CheckLabelsRequest> read_check_labels_request(ttlv::Cursor in);
Result<CheckLabelsAnswer> read_check_labels_answer(ttlv::Cursor in);

}  // namespace tapewarden::dkx
