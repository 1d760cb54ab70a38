// The certificate of erasure (D6): the key server's signature on what was reported to it about a cartridge
// that was erased, with what that does and does not guarantee, and with what the server itself knows about
// the key. The server did not see the cartridge, and the certificate says so. Stateless; thread-safe; waits
// for the disk.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eedk/data_key_identifier.h"
#include "keymgr/key_manager.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kMaximumSharedCartridges = 20'000;
inline constexpr std::size_t kMaximumErasedKeys = 64;

// Another cartridge that a key seals.
struct SealedCartridge {
  std::string volser;
  Uuid volume;  // nil: imported from a key manager that knew none
  std::string alias;
  WallTime last{};
};

// How a cartridge's key is found: by its volume's rows in the ledger, and by the DKi that stands on it.
struct CartridgeKey {
  std::string volser;
  Uuid volume;
  std::optional<eedk::DataKeyIdentifier> dki;
};

// The other cartridges that the stored keys of this one seal, by volser. A wrapped-key cartridge has a data
// key of its own, so it shares none. kExhausted beyond the limit.
Result<std::vector<SealedCartridge>> sealed_with_same_key(KeyManager& manager, const CartridgeKey& key);

enum class ErasureMethod : std::uint8_t { kOverwrite, kCryptographic };

struct Erasure {
  CartridgeKey cartridge;
  ErasureMethod method = ErasureMethod::kOverwrite;
  WallTime began{};
  WallTime ended{};
  std::uint64_t bytes_overwritten = 0;
  std::uint64_t records_dropped = 0;
  std::uint64_t partitions = 1;           // that the cartridge has; all of them were erased
  std::uint64_t key_generation = 0;       // of the key area before the erasure
  std::vector<std::string> check_values;  // of the keys that had sealed it, in hex
};

// The signed file, as proof/signed_document.h reads it, and an audit record. kInvalidArgument naming the
// field; kConflict when the ledger knows the volume under another volser.
Result<std::string> certify_erasure(KeyManager& manager, const Actor& actor, const Erasure& erasure);

}  // namespace tapewarden::keymgr
