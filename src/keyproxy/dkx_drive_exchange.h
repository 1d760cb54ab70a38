// A drive's messages of the key exchange, in DKX: what tape/device asks for by DriveExchange. Runs inside the
// drive; the private keys stay behind DriveKeys. Stateless, thread-safe.
#pragma once

#include "tape/device/key_exchange.h"

namespace tapewarden::keyproxy {

class DkxDriveExchange final : public tape::DriveExchange {
 public:
  Result<Bytes> build_signed_request(const tape::ServerChallenge& challenge, const tape::DriveFacts& drive,
                                     const tape::CartridgeFacts& cartridge, const tape::KeyAsk& ask,
                                     const tape::DriveKeys& keys) override;
  Result<tape::KeyGrant> accept_answer(const tape::ServerChallenge& challenge, ByteView signed_request,
                                       ByteView answer, const tape::CartridgeFacts& cartridge,
                                       const tape::KeyAsk& ask, const tape::DriveKeys& keys) override;
  Status accept_confirmation(const tape::ServerChallenge& challenge, ByteView signed_request,
                             ByteView answer) override;
};

}  // namespace tapewarden::keyproxy
