// The target's end of one connection: bytes in, PDUs out, from the first login request to the logout. No
// sockets and no threads of its own. One thread at a time.
//
//   login ──last response──► full feature ──logout, error, silence──► ended
#pragma once

#include <optional>

#include "iscsi/full_feature.h"
#include "iscsi/login.h"
#include "iscsi/pdu_reader.h"

namespace tapewarden::iscsi {

// A session that was let in.
struct Opening {
  std::uint16_t tsih = 0;
  std::shared_ptr<Nexus> nexus;
  FlowMemory memory;
};

class EndpointSurroundings : public Surroundings {
 public:
  // The login is complete. kExhausted or kUnavailable when there is no room for the session.
  virtual Result<Opening> open_session(const LoginOutcome& login) = 0;
  // A login did not succeed; the connection is ended after this.
  virtual void login_refused(const Error& reason) = 0;
};

class Endpoint final : private PduSink {
 public:
  // All must outlive this. `portal_address` is what discovery tells: "address:port".
  Endpoint(EndpointSurroundings& surroundings, const ServerConfig& config, Random& random,
           std::string portal_address);

  // What to read next; never empty.
  MutableByteView want() { return reader_.want(); }
  // All of want() was read. An error ends the connection.
  Status filled();
  // When on_deadline() wants to be called; it may come early.
  SteadyTime deadline() const;
  // kTimeout ends the connection.
  Status on_deadline();
  // When the connection ends whatever it does: as long as it is no session of a host.
  std::optional<SteadyTime> expires() const;
  // kTimeout at and after expires().
  Status check_expiry() const;
  // How many bytes of answers may wait for the initiator before nothing more is read from it.
  std::size_t write_queue() const;
  void request_logout(std::uint16_t seconds);
  bool in_session() const { return session_.has_value(); }

 private:
  Result<MutableByteView> on_header(const Header& header, ByteView ahs) override;
  Status on_pdu(const Header& header, ByteView ahs, ByteView data, bool digest_right) override;
  Status login(const Header& header, ByteView data);
  bool discovers() const { return session_ && discovery_; }
  void open_session(LoginAnswer& answer);
  void send(const LoginAnswer& answer);

  EndpointSurroundings& surroundings_;
  const ServerConfig& config_;
  const std::string portal_address_;
  PduReader reader_;
  Login login_;
  std::optional<FullFeature> session_;
  const SteadyTime begun_;
  SteadyTime opened_{};     // of a session
  SteadyTime pdu_begun_{};  // of the one that is being read: when its header was here
  bool discovery_ = false;
  std::uint32_t stat_sn_ = 1;
  bool ended_ = false;
};

}  // namespace tapewarden::iscsi
