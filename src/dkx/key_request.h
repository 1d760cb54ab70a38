// The signed request: a key for writing, appending or reading, new EEDKs (rekey), or the word that the drive
// has written with the key (confirm). Values.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dkx/drive.h"
#include "eedk/data_key_identifier.h"
#include "eedk/eedk_set.h"

namespace tapewarden::dkx {

// What the cartridge holds already.
struct NothingHeld {
  friend bool operator==(const NothingHeld&, const NothingHeld&) = default;
};
using Held = std::variant<NothingHeld, eedk::EedkSet, eedk::DataKeyIdentifier>;

// What is asked for; NothingAsked leaves the choice to the drive's entry and the server's defaults (K4).
struct NothingAsked {
  friend bool operator==(const NothingAsked&, const NothingAsked&) = default;
};
struct LabelChoice {
  std::string label;
  eedk::LabelMode mode = eedk::LabelMode::kClear;
  friend bool operator==(const LabelChoice&, const LabelChoice&) = default;
};
using LabelsAsked = std::vector<LabelChoice>;  // 1 or 2
struct GroupAsked {
  std::string name;
  friend bool operator==(const GroupAsked&, const GroupAsked&) = default;
};
struct AliasAsked {
  std::string alias;
  friend bool operator==(const AliasAsked&, const AliasAsked&) = default;
};
using Asked = std::variant<NothingAsked, LabelsAsked, GroupAsked, AliasAsked>;

// What confirm confirms: the request that got the key, and the ledger row that its answer named.
struct Confirmation {
  Uuid request;
  LedgerReference ledger;
  friend bool operator==(const Confirmation&, const Confirmation&) = default;
};

// Which fields an intent has (checked by decoding; anything else is EE23):
//
//   intent                held                 asked     confirmation
//   write-from-beginning  anything             anything  –
//   append, read          EedkSet or DKi       –         –
//   rekey                 EedkSet              labels    –
//   confirm               –                    –         yes
//
// What a write-from-beginning holds is what it is about to overwrite: a server may refuse to orphan it.
struct KeyRequest {
  Intent intent = Intent::kRead;
  Nonce nonce{};             // of the server that is asked
  ChannelBinding binding{};  // of the connection that carries it
  Uuid request_id;           // the same on a retry, also at the other server
  Drive drive;
  std::string volser;  // up to 8 printable characters; may be empty
  Uuid volume;         // of this cartridge since it was last written from its beginning
  Held held;
  Asked asked;
  std::optional<std::string> proxy;      // the name of the proxy that asserts the drive
  std::optional<std::string> partition;  // the library partition or pool that the drive works for
  std::optional<Confirmation> confirmation;
  friend bool operator==(const KeyRequest&, const KeyRequest&) = default;
};

Bytes encode(const KeyRequest& request);
Result<KeyRequest> read_key_request(ttlv::Cursor in);

}  // namespace tapewarden::dkx
