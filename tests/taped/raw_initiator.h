// An initiator that may do everything wrong: it makes its PDUs itself, may break or cut them, and reads what
// the target says. Blocking, with ten seconds of patience; one thread.
#pragma once

#include <optional>
#include <string>

#include "iscsi/login_pdu.h"
#include "iscsi/session_pdu.h"
#include "net/testing/plain_client.h"

namespace tapewarden::testing {

struct RawLogin {
  std::uint16_t port = 0;
  std::string target;        // empty: a discovery session
  std::uint16_t number = 1;  // with the name the initiator port (ISID)
  iscsi::Digests digests{};
};

// How a command ended.
struct RawAnswer {
  std::uint8_t status = 0xff;  // SAM status
  std::uint8_t sense_key = 0;
  std::uint8_t asc = 0;
  std::uint8_t ascq = 0;
  Bytes data;

  bool good() const { return status == 0; }
};

class RawInitiator {
 public:
  explicit RawInitiator(std::uint16_t port) : client_(port) {}

  // What a login in one step is answered with; kInvalidDuringLogin when it is not.
  iscsi::LoginStatus login(const RawLogin& login);
  // The login request as bytes, to be sent by drops.
  static Bytes login_bytes(const RawLogin& login, std::uint32_t cmd_sn);

  // A command with the next number and tag; `data_out` bytes are announced for a write.
  iscsi::ScsiCommandPdu command(unsigned lun, ByteView cdb, std::uint32_t data_in,
                                std::uint32_t data_out = 0);
  Bytes wire(const iscsi::Header& header, ByteView data = {}) const {
    return iscsi::encode_pdu(header, data, digests_);
  }
  bool send(const iscsi::Header& header, ByteView data = {}) { return client_.write(wire(header, data)); }
  // The next PDU's header; its data lies in data().
  std::optional<iscsi::Header> receive();
  const Bytes& data() const { return data_; }

  // A whole command with its data, sent as immediate data up to `immediate` bytes and by R2T beyond. Nothing
  // when the connection is gone or another tag is answered.
  std::optional<RawAnswer> run(unsigned lun, ByteView cdb, std::uint32_t data_in = 0, ByteView data_out = {},
                               std::size_t immediate = 0);
  std::optional<RawAnswer> run_past_attentions(unsigned lun, ByteView cdb, std::uint32_t data_in = 0,
                                               ByteView data_out = {});
  // The answer to a command whose data was sent already.
  std::optional<RawAnswer> answer(const iscsi::ScsiCommandPdu& command, ByteView data_out = {});
  bool logout();

  net::testing::PlainClient& client() { return client_; }

 private:
  bool send_asked(const iscsi::ScsiCommandPdu& command, const iscsi::R2tPdu& r2t, ByteView data_out);

  net::testing::PlainClient client_;
  iscsi::Digests digests_{};
  Bytes data_;
  std::uint32_t cmd_sn_ = 100;
  std::uint32_t tag_ = 0;
};

}  // namespace tapewarden::testing
