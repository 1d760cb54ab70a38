#include "iscsi/negotiation.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace tapewarden::iscsi {

namespace {

constexpr std::string_view kReject = "Reject";
constexpr std::string_view kNotUnderstood = "NotUnderstood";
constexpr std::uint32_t kMax24 = (1U << 24) - 1;

enum class Kind : std::uint8_t {
  kLower,     // the lower of both numbers
  kHigher,    // the higher of both numbers
  kBoth,      // Yes when both say so
  kEither,    // Yes when one says so
  kDeclared,  // a number of the initiator that is not answered
  kDigest,    // the first of a list that is CRC32C or None
  kNoted,     // declared text that is not answered
  kNo,        // an obsolete key whose answer is No
  kRefused,   // known, and answered with Reject
};

// `ours` is what this side brings where the offer does not say it.
struct Rule {
  std::string_view key;
  std::string_view section;  // of RFC 7143
  Kind kind;
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  std::uint32_t ours = 0;
  std::uint32_t Agreed::* number = nullptr;
  bool Agreed::* truth = nullptr;
  bool Digests::* digest = nullptr;
  std::uint32_t Offer::* offered = nullptr;
  bool full_feature = false;  // may be given after the login too
};

constexpr auto kRules = std::to_array<Rule>({
    {.key = "HeaderDigest", .section = "13.1", .kind = Kind::kDigest, .digest = &Digests::header},
    {.key = "DataDigest", .section = "13.1", .kind = Kind::kDigest, .digest = &Digests::data},
    {.key = "MaxConnections",
     .section = "13.2",
     .kind = Kind::kLower,
     .low = 1,
     .high = 65535,
     .ours = 1,
     .number = &Agreed::max_connections},
    {.key = "InitiatorAlias", .section = "13.7", .kind = Kind::kNoted, .full_feature = true},
    {.key = "InitialR2T",
     .section = "13.10",
     .kind = Kind::kEither,
     .ours = 0,
     .truth = &Agreed::initial_r2t},
    {.key = "ImmediateData",
     .section = "13.11",
     .kind = Kind::kBoth,
     .ours = 1,
     .truth = &Agreed::immediate_data},
    {.key = "MaxRecvDataSegmentLength",
     .section = "13.12",
     .kind = Kind::kDeclared,
     .low = 512,
     .high = kMax24,
     .number = &Agreed::their_max_segment,
     .full_feature = true},
    {.key = "MaxBurstLength",
     .section = "13.13",
     .kind = Kind::kLower,
     .low = 512,
     .high = kMax24,
     .number = &Agreed::max_burst,
     .offered = &Offer::max_burst},
    {.key = "FirstBurstLength",
     .section = "13.14",
     .kind = Kind::kLower,
     .low = 512,
     .high = kMax24,
     .number = &Agreed::first_burst,
     .offered = &Offer::first_burst},
    {.key = "DefaultTime2Wait",
     .section = "13.15",
     .kind = Kind::kHigher,
     .low = 0,
     .high = 3600,
     .ours = 0,
     .number = &Agreed::time_to_wait},
    {.key = "DefaultTime2Retain",
     .section = "13.16",
     .kind = Kind::kLower,
     .low = 0,
     .high = 3600,
     .ours = 0,
     .number = &Agreed::time_to_retain},
    {.key = "MaxOutstandingR2T",
     .section = "13.17",
     .kind = Kind::kLower,
     .low = 1,
     .high = 65535,
     .number = &Agreed::max_outstanding_r2t,
     .offered = &Offer::max_outstanding_r2t},
    {.key = "DataPDUInOrder",
     .section = "13.18",
     .kind = Kind::kEither,
     .ours = 1,
     .truth = &Agreed::data_pdu_in_order},
    {.key = "DataSequenceInOrder",
     .section = "13.19",
     .kind = Kind::kEither,
     .ours = 1,
     .truth = &Agreed::data_sequence_in_order},
    {.key = "ErrorRecoveryLevel",
     .section = "13.20",
     .kind = Kind::kLower,
     .low = 0,
     .high = 2,
     .ours = 0,
     .number = &Agreed::error_recovery_level},
    {.key = "TaskReporting", .section = "13.23", .kind = Kind::kRefused},
    {.key = "iSCSIProtocolLevel", .section = "13.24", .kind = Kind::kLower, .low = 0, .high = 31, .ours = 1},
    {.key = "IFMarker", .section = "13.25", .kind = Kind::kNo},
    {.key = "OFMarker", .section = "13.25", .kind = Kind::kNo},
    {.key = "IFMarkInt", .section = "13.25", .kind = Kind::kRefused},
    {.key = "OFMarkInt", .section = "13.25", .kind = Kind::kRefused},
    {.key = "NodeArchitecture", .section = "RFC 4850", .kind = Kind::kNoted, .full_feature = true},
});

std::optional<bool> truth_of(std::string_view value) {
  if (value == "Yes") return true;
  if (value == "No") return false;
  return std::nullopt;
}

// Each gives the answer's value; none for a declaration.
using Answer = std::optional<std::string>;

Answer answer_number(const Rule& rule, std::string_view value, const Offer& offer, Agreed& agreed) {
  const auto number = parse_numerical(value);
  if (!number || *number < rule.low || *number > rule.high) return std::string(kReject);
  const auto theirs = static_cast<std::uint32_t>(*number);
  const auto ours = rule.offered != nullptr ? offer.*rule.offered : rule.ours;
  auto result = theirs;
  if (rule.kind == Kind::kLower) result = std::min(theirs, ours);
  if (rule.kind == Kind::kHigher) result = std::max(theirs, ours);
  if (rule.number != nullptr) agreed.*rule.number = result;
  if (rule.kind == Kind::kDeclared) return std::nullopt;
  return std::to_string(result);
}

Answer answer_truth(const Rule& rule, std::string_view value, Agreed& agreed) {
  const auto theirs = truth_of(value);
  if (!theirs) return std::string(kReject);
  const bool ours = rule.ours != 0;
  const bool result = rule.kind == Kind::kBoth ? *theirs && ours : *theirs || ours;
  agreed.*rule.truth = result;
  return result ? "Yes" : "No";
}

Answer answer_digest(const Rule& rule, std::string_view value, Agreed& agreed) {
  for (const auto& name : split(value, ',')) {
    if (name != "CRC32C" && name != "None") continue;
    agreed.digests.*rule.digest = name == "CRC32C";
    return name;
  }
  return std::string(kReject);
}

Answer answer_by(const Rule& rule, std::string_view value, const Offer& offer, Agreed& agreed) {
  switch (rule.kind) {
    case Kind::kLower:
    case Kind::kHigher:
    case Kind::kDeclared:
      return answer_number(rule, value, offer, agreed);
    case Kind::kBoth:
    case Kind::kEither:
      return answer_truth(rule, value, agreed);
    case Kind::kDigest:
      return answer_digest(rule, value, agreed);
    case Kind::kNo:
      return "No";
    case Kind::kRefused:
      return std::string(kReject);
    case Kind::kNoted:
      break;
  }
  return std::nullopt;
}

}  // namespace

Status Negotiation::answer(const KeyValue& pair, bool full_feature, Text& out) {
  const auto rule = std::ranges::find(kRules, pair.key, &Rule::key);
  if (rule == kRules.end()) {
    // An answer to a key of ours would be here; nothing but the standard's words may be said to a stranger.
    if (pair.value != kNotUnderstood) out.add(pair.key, kNotUnderstood);
    return {};
  }
  if (full_feature && !rule->full_feature) {
    out.add(pair.key, kReject);
    return {};
  }
  if (!full_feature && !answered_.insert(pair.key).second)
    return fail(ErrorCode::kInvalidArgument, pair.key + " is negotiated twice", pair.key);
  if (auto value = answer_by(*rule, pair.value, offer_, agreed_)) out.add(pair.key, *value);
  return {};
}

void Negotiation::declare(Text& out) {
  if (std::exchange(declared_, true)) return;
  out.add("MaxRecvDataSegmentLength", std::to_string(offer_.max_segment));
}

Agreed Negotiation::agreed() const {
  auto agreed = agreed_;
  agreed.first_burst = std::min(agreed.first_burst, agreed.max_burst);
  return agreed;
}

}  // namespace tapewarden::iscsi
