// The operational keys of login and text negotiation (RFC 7143 sections 6.2 and 13): one table of rules, and
// what two sides agree on by them. Values; pure; one thread at a time.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "iscsi/pdu.h"
#include "iscsi/text.h"

namespace tapewarden::iscsi {

// What holds for a session. Fresh: the defaults of section 13, which hold for what nobody negotiates.
struct Agreed {
  Digests digests{};
  bool initial_r2t = true;
  bool immediate_data = true;
  std::uint32_t max_burst = 262'144;
  std::uint32_t first_burst = 65'536;
  std::uint32_t max_outstanding_r2t = 1;
  std::uint32_t their_max_segment = 8192;  // MaxRecvDataSegmentLength of the initiator
  std::uint32_t max_connections = 1;
  std::uint32_t error_recovery_level = 0;
  std::uint32_t time_to_wait = 2;
  std::uint32_t time_to_retain = 20;
  bool data_pdu_in_order = true;
  bool data_sequence_in_order = true;
  bool operator==(const Agreed&) const = default;
};

// What this side brings.
struct Offer {
  std::uint32_t max_segment = 262'144;  // MaxRecvDataSegmentLength that is declared
  std::uint32_t max_burst = 1U << 20;
  std::uint32_t first_burst = 262'144;
  std::uint32_t max_outstanding_r2t = 1;
};

class Negotiation {
 public:
  explicit Negotiation(Offer offer) : offer_(offer) {}

  // Answers one key of the initiator into `out`, in login or later (`full_feature`). kInvalidArgument when
  // the login has to fail: a key is negotiated twice or is not allowed now.
  Status answer(const KeyValue& pair, bool full_feature, Text& out);
  // What this side declares by itself: MaxRecvDataSegmentLength, once.
  void declare(Text& out);
  // The values of everything that was answered; FirstBurstLength never exceeds MaxBurstLength.
  Agreed agreed() const;

 private:
  Offer offer_;
  Agreed agreed_;
  std::set<std::string, std::less<>> answered_;
  bool declared_ = false;
};

}  // namespace tapewarden::iscsi
