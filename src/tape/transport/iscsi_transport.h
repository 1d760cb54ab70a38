// A logical unit over iSCSI, by an initiator in this process (libiscsi). One session for the life of the
// object; it is not made anew when it breaks, since a tape's position and the drive's keys may be others
// then. One user at a time. Between commands a thread of the session's own answers the target, which asks
// now and then whether anybody is there and ends sessions that say nothing.
#pragma once

#include <memory>
#include <string>

#include "crypto/secret_bytes.h"
#include "tape/initiator/transport.h"
#include "tape/transport/iscsi_url.h"

namespace tapewarden::tape {

struct IscsiLogin {
  std::string initiator = "iqn.2026-01.invalid.tapewarden:host";
  // CHAP: of the URL's user. RFC 7143 asks for 12 bytes at least; up to 255, none of them zero.
  crypto::SecretBytes password{};
  // Until the session stands, from the first packet of TCP on. A host's name is looked up before.
  std::chrono::seconds connect_timeout{10};
};

class IscsiTransport final : public Transport {
 public:
  // Connects and logs in. kUnavailable, kTimeout, kUnauthenticated, kInvalidArgument.
  static Result<std::unique_ptr<IscsiTransport>> open(const IscsiUrl& url, const IscsiLogin& login);
  ~IscsiTransport() override;  // logs out

  Result<TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                  std::chrono::milliseconds timeout) override;
  bool on_local_bus() const override { return false; }

 private:
  struct Session;
  explicit IscsiTransport(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

}  // namespace tapewarden::tape
