// Carries a drive's key exchange to the key servers: for the engine, the library and the host command.
//
// Two ways, by what the drive can do:
//   key path    the drive builds and signs its own messages (protocol F0h, docs/formats/key-path-pages.md);
//   the proxy
//               moves opaque bytes
//   set by host the drive takes a key by SECURITY PROTOCOL OUT (protocol 20h, key format 02h, wrapped to the
//   drive's own
//               key); the proxy asks in the drive's name and signs with its own certificate (K11)
//
// Calls block until the exchange is over: as long as the client's own deadlines, and until a command that the
// exchange has in the drive by then has ended. One call at a time per drive; several drives side by side. No
// data key passes through here in clear.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/env.h"
#include "crypto/keys.h"
#include "dkx/client/client.h"
#include "keyproxy/cartridge_name.h"
#include "tape/device/drive_identity.h"
#include "tape/initiator/tape_drive.h"

namespace tapewarden::keyproxy {

struct ProxyIdentity {
  std::string name;        // common name of its TLS certificate
  crypto::PrivateKey key;  // of that certificate
};

// What a served exchange tells its caller, for traces and statistics.
struct Served {
  Uuid server;
  dkx::ServerRole role = dkx::ServerRole::kPrimary;
  unsigned attempts = 1;
  std::string alias;                // identified-key method
  std::vector<std::string> labels;  // wrapped-key method, as the server knows them now
  bool may_write = false;
};

// A key that was set by the host and is not confirmed yet.
struct SetKey {
  Served served;
  Uuid request;
  dkx::LedgerReference ledger;
};

enum class HostIntent : std::uint8_t { kWriteFromBeginning, kAppend, kRead };

// How a key is given to a drive that takes plain keys alone.
struct PlainKeyUse {
  std::uint8_t algorithm_index = 1;
  bool clear_on_demount = true;                                      // CKOD, where the drive offers it
  bool beyond_local_bus = false;                                     // the key may leave this host in clear
  scsi::DecryptionMode decryption = scsi::DecryptionMode::kDecrypt;  // kMixed: clear blocks are read too
};

class KeyProxy {
 public:
  // Borrows the client and what `env` points to.
  KeyProxy(dkx::Client& client, ProxyIdentity identity, Env env);

  // Key path: answers the request that the drive's sense 07/EF/11 or 07/EF/13 announced. When no key comes
  // the drive is told why, so that the host's next command gets honest sense; the error returned says it in
  // words.
  Result<Served> serve(tape::TapeDrive& drive);
  // Key path: tells the server of every write with a new key that the drive says is due, the cartridge still
  // in the drive or not. One that the server refuses stays due and keeps no other from being made; the error
  // is that of the first. kTimeout when the servers have not answered for all within `patience`: what is left
  // stays due.
  Status confirm(tape::TapeDrive& drive, std::chrono::milliseconds patience = std::chrono::minutes{10});

  // Shows a drive to the key server: asks, in the drive's own name or the proxy's, to read with a key that
  // nobody has. The refusal tells whether the drive is in the drive table (EE32) or waits there to be
  // accepted (EF01).
  Result<dkx::Refusal> introduce(const tape::DriveIdentity& drive, bool signs_itself);

  // Set by host: asks for a key for the cartridge in the drive and sets it. `group` (a key group or alias)
  // counts for a write from the beginning only; empty leaves the choice to the key server. For append and
  // read the identifier comes from the tape. `decryption`: kMixed when clear blocks are to be read too.
  Result<SetKey> set_key(tape::TapeDrive& drive, HostIntent intent, const std::string& group,
                         scsi::DecryptionMode decryption = scsi::DecryptionMode::kDecrypt);
  // The same for a drive that knows nothing of this program and takes plain keys alone (format 00h).
  // `stand_in` is the identity that this host keeps for it, with which it is in the drive table. For append
  // and read the tape stands at a block that names its key. The data key is in clear in this process from the
  // answer to the drive, in SecretBytes.
  Result<SetKey> set_plain_key(tape::TapeDrive& drive, const tape::DriveIdentity& stand_in,
                               const CartridgeName& cartridge, HostIntent intent, const std::string& group,
                               const PlainKeyUse& use);
  Status clear_key(tape::TapeDrive& drive);
  Status confirm(tape::TapeDrive& drive, const SetKey& key);
  // Of a key that set_plain_key() set.
  Status confirm(const tape::DriveIdentity& stand_in, const CartridgeName& cartridge, const SetKey& key);

 private:
  // A key that came for a host, still wrapped to the drive or its stand-in.
  struct HostGrant {
    SetKey key;
    eedk::DataKeyIdentifier identifier;
    Bytes wrapped;
    Bytes oaep_label;
  };
  Result<HostGrant> ask_for_host(tape::TapeDrive& drive, const scsi::KeyRequestPage& page, HostIntent intent,
                                 const std::string& group);
  Status confirm(const scsi::KeyRequestPage& page, const SetKey& key);
  using Until = std::optional<SteadyTime>;  // by the clock of `env`; none: as long as the client waits
  Result<dkx::Answered> exchange(dkx::Builder builder, Until until = {});
  Result<Served> serve_request(tape::TapeDrive& drive, const scsi::KeyRequestPage& page);
  // The server's refusal, or that it took the confirmation. An error: neither came.
  Result<std::optional<dkx::Refusal>> confirm_one(tape::TapeDrive& drive, const Uuid& request, Until until);
  Result<dkx::KeyRequest> host_request(tape::TapeDrive& drive, const scsi::KeyRequestPage& page,
                                       HostIntent intent, const std::string& group);
  Result<dkx::Answered> exchange_as_proxy(const dkx::KeyRequest& request);

  dkx::Client& client_;
  ProxyIdentity identity_;
  Random& random_;
  Clock& clock_;
};

}  // namespace tapewarden::keyproxy
