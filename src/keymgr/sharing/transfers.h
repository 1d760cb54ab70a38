// What went to partners and what came from them: one row for each file and direction, and the fingerprints of
// its keys. By it a key's origin is told, and an import that was cut off is found. Stateless; thread-safe.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "keymgr/key_manager.h"

namespace tapewarden::keymgr::sharing {

enum class Direction : std::uint8_t { kGiven = 1, kReceived = 2 };
std::string_view to_string(Direction direction);  // "given", "received"

struct Transfer {
  Uuid file;
  Direction direction = Direction::kGiven;
  std::string partner;     // as it was called then
  Hash256 fingerprint{};   // of the partner
  Uuid server;             // that made the file
  std::int64_t keys = 0;   // in the file
  std::int64_t added = 0;  // of an import; likewise those below
  std::int64_t kept_both = 0;
  std::int64_t merged = 0;
  std::int64_t refused = 0;
  WallTime made{};   // the file
  WallTime began{};  // the export or import here
  WallTime ended{};  // kNever: an import that was cut off; importing the file again ends it
  std::string by;
  std::string approved_by;

  store::Row to_row() const;
  static Transfer from_row(const store::Row& row);
};

Result<std::optional<Transfer>> find_transfer(store::Reader& reader, const Uuid& file, Direction direction);
// Newest first, at most kMaximumTransfers.
Result<std::vector<Transfer>> list_transfers(store::Reader& reader);
Status put_transfer(store::Transaction& transaction, const Transfer& transfer);
// `number` names the part within the file; the same again takes its place.
Status put_transfer_keys(store::Transaction& transaction, const Transfer& transfer, std::int64_t number,
                         std::span<const KeyFingerprint> keys);
// The transfers that a key was in, oldest first.
Result<std::vector<Transfer>> transfers_of(store::Reader& reader, const KeyFingerprint& key);

}  // namespace tapewarden::keymgr::sharing
