#include "iscsi/session_link.h"

namespace tapewarden::iscsi {

namespace {

// Serial number arithmetic (RFC 1982) as section 4.2.2 asks for.
bool before(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

}  // namespace

SessionLink::Arrival SessionLink::arrival(std::uint32_t cmd_sn) const {
  if (before(cmd_sn, exp_cmd_sn_) || before(numbers().max_cmd_sn, cmd_sn)) return Arrival::kOutside;
  return cmd_sn == exp_cmd_sn_ ? Arrival::kInOrder : Arrival::kGap;
}

Numbers SessionLink::numbers() const {
  return {.stat_sn = stat_sn_,
          .exp_cmd_sn = exp_cmd_sn_,
          .max_cmd_sn = exp_cmd_sn_ + (window_ - std::min(window_, under_way_)) - 1};
}

Numbers SessionLink::status_numbers() {
  const auto numbers = this->numbers();
  ++stat_sn_;
  return numbers;
}

void SessionLink::send(const Header& header) {
  surroundings_.send({.head = encode_head(header, agreed_.digests)});
}

void SessionLink::send(Header header, ByteView data, std::shared_ptr<const void> keep) {
  header.set_data_bytes(data.size());
  surroundings_.send({.head = encode_head(header, agreed_.digests),
                      .body = data,
                      .keep = std::move(keep),
                      .tail = encode_tail(data, agreed_.digests)});
}

void SessionLink::send(Header header, Bytes data) {
  const auto kept = std::make_shared<const Bytes>(std::move(data));
  send(header, *kept, kept);
}

}  // namespace tapewarden::iscsi
