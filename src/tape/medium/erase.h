// Erasing a cartridge (feature row D6), with what each way does and does not guarantee in words.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/uuid.h"
#include "tape/medium/key_info.h"

namespace tapewarden::tape {

enum class EraseMethod : std::uint8_t { kOverwrite, kCryptographic };
std::string_view to_string(EraseMethod method);

extern const std::string_view kOverwriteGuarantees;
extern const std::string_view kOverwriteDoesNotGuarantee;
extern const std::string_view kCryptographicGuarantees;
extern const std::string_view kCryptographicDoesNotGuarantee;

// What was done; the content of a certificate of erasure.
struct EraseReport {
  EraseMethod method = EraseMethod::kOverwrite;
  Uuid volume;
  std::string volser;
  WallTime began;
  WallTime ended;
  std::uint64_t bytes_overwritten = 0;
  std::uint64_t records_dropped = 0;   // logical objects that were on it
  unsigned partitions = 1;             // that it has; all of them were erased
  std::vector<KeyCheckValue> keys;     // check values of the keys that had sealed it
  unsigned key_slots_overwritten = 0;  // of 2 * kKeyCopies
  std::string_view guarantees;
  std::string_view does_not_guarantee;
};

// `progress` gets bytes done and bytes in all.
using EraseProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// Overwrites everything behind the superblocks with random bytes, syncing at several points, and leaves an
// empty cartridge of the same identity and partitions. A power loss leaves it either as it was or empty with
// the overwriting unfinished: run it again. kPermissionDenied on WORM; kConflict when the cartridge is in
// use; kCorrupt when a partition cannot be reached.
Result<EraseReport> erase_overwrite(Env env, const std::string& path, const EraseProgress& progress = {});

// Drops EEDKs, signature, KADs and key check value from all four key areas, both generations of each
// overwritten. Records stay and cannot be read without the data key. Allowed on WORM. kConflict when the
// cartridge is in use; kInvalidArgument when it holds clear data records, which this cannot erase.
Result<EraseReport> erase_cryptographic(Env env, const std::string& path);

}  // namespace tapewarden::tape
