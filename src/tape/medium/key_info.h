// What a cartridge tells about its key, readable without any key: the EEDKs and the key server's signature
// over them (wrapped-key method), or the DKi (identified-key method), and the key check value. It is stored
// four times: in the cartridge memory and at three places on the medium, each in two slots that take turns,
// so it can be rewritten on WORM media too (rekey) and a torn rewrite leaves the old content. Values; codecs
// are pure.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "tape/medium/data_key.h"
#include "tape/medium/limits.h"

namespace tapewarden::tape {

enum class KeyMethod : std::uint8_t { kNone = 0, kIdentifiedKey = 1, kWrappedKey = 2 };
std::string_view to_string(KeyMethod method);

struct KeyInfo {
  KeyMethod method = KeyMethod::kNone;
  std::vector<Bytes> eedks;  // up to kMaxEedks, opaque, 1 to kMaxEedkBytes each
  Bytes signature;           // the key server's, over {EEDKs, key check value, volume UUID}; opaque
  Bytes akad;                // the DKi or another authenticated key-associated datum, up to kMaxKadBytes
  Bytes ukad;                // unauthenticated, up to kMaxKadBytes
  std::optional<KeyCheckValue> check_value;

  bool empty() const { return *this == KeyInfo{}; }
  bool operator==(const KeyInfo&) const = default;
};

// kInvalidArgument naming the field that goes beyond a limit.
Status check_key_info(const KeyInfo& info);

// One slot of the key area (docs/formats/cartridge.md, "Key area"): exactly kKeySlotBytes.
struct KeySlot {
  std::uint64_t generation = 0;
  KeyInfo info;
};
inline constexpr std::size_t kKeySlotBytes = 16384;
// REQUIRES: check_key_info(slot.info) holds.
Bytes encode_key_slot(const KeySlot& slot);
// kNotFound for a slot of zeros (never written), kCorrupt otherwise.
Result<KeySlot> decode_key_slot(ByteView bytes);

// Health of one of the two slots of a two-generation area.
enum class SlotHealth : std::uint8_t { kNeverWritten, kGood, kDamaged };
std::string_view to_string(SlotHealth health);

// One of the four copies. A copy whose newest readable generation is behind the newest of all is stale.
struct KeyCopyHealth {
  std::array<SlotHealth, 2> slots{};
  std::optional<std::uint64_t> generation;  // of its newest good slot
  bool stale = false;
  bool good() const;  // written, not stale, and no slot damaged
  // For a person, of the copy as a whole: "good, generation 1; its second slot is not used yet".
  std::string text() const;
};
inline constexpr std::size_t kKeyCopies = 4;  // 0 is the cartridge memory, 1 to 3 the places on the medium

struct KeyInfoReport {
  KeyInfo info;  // from the newest good slot; empty when none was ever written
  std::uint64_t generation = 0;
  std::array<KeyCopyHealth, kKeyCopies> copies{};
  bool all_lost = false;  // written once, and no copy can be read: repair from the ledger
  unsigned damaged_copies() const;
};

}  // namespace tapewarden::tape
