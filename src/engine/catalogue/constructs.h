// Pools, storage groups and management classes: what an operator settles about where logical volumes go and
// how their cartridges are treated (feature rows T2, T3, T6). Values; functions are pure and thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/catalogue/cartridge.h"

namespace tapewarden::engine {

// Whether a pool without scratch cartridges takes one of the common pool, and what becomes of it when it is
// scratch again.
enum class Borrow : std::uint8_t { kNo, kBorrowAndReturn, kBorrowAndKeep };
std::string_view to_string(Borrow borrow);  // "no", "return", "keep"

enum class PoolEncryption : std::uint8_t {
  kOff,
  kWrapped,
  kIdentified,
  kHeld,  // not known after a rebuild of the catalogue: nothing is written for the pool until it is set
};
std::string_view to_string(PoolEncryption encryption);  // "off", "wrapped", "identified", "held"

// When a filled cartridge is eligible for reclaim; each policy by itself. 0 switches one off.
struct ReclaimPolicies {
  std::uint8_t threshold_percent = 35;  // less of it than this is active data; 5 to 95
  std::uint16_t days_without_access = 0;
  std::uint16_t days_since_written = 0;
  std::uint16_t days_without_inactivation = 0;
  std::uint8_t max_active_percent = 65;  // goes with the days without inactivation alone; 5 to 95
  bool any() const {
    return threshold_percent != 0 || days_without_access != 0 || days_since_written != 0 ||
           days_without_inactivation != 0;
  }
  friend bool operator==(const ReclaimPolicies&, const ReclaimPolicies&) = default;
};

struct Pool {
  std::uint8_t number = 0;
  std::string name;
  MediumKind media = MediumKind::kLto;
  Borrow borrow = Borrow::kBorrowAndReturn;
  std::uint8_t reclaim_pool = 0;  // where active data of reclaimed cartridges goes
  PoolEncryption encryption = PoolEncryption::kOff;
  std::array<KeyLabel, 2> labels;       // wrapped: the first must be there
  std::string key_group;                // identified
  std::uint16_t secure_erase_days = 0;  // 0: cartridges are not overwritten before they are scratch
  ReclaimPolicies reclaim;
  std::uint8_t max_drives = 0;  // that write to it at once; 0: no limit of its own
  // Who settles encryption said that its data may be reclaimed into this pool in clear; 0: into none.
  std::uint8_t clear_reclaim_pool = 0;
  friend bool operator==(const Pool&, const Pool&) = default;
};

struct StorageGroup {
  std::string name;       // 1 to 8 of A-Z 0-9 $ @ #, or kDefaultConstruct
  std::uint8_t pool = 1;  // of primary copies
  std::string description;
  friend bool operator==(const StorageGroup&, const StorageGroup&) = default;
};

struct ManagementClass {
  std::string name;
  std::uint8_t pool = 0;  // of secondary copies; 0: none is written
  std::string description;
  friend bool operator==(const ManagementClass&, const ManagementClass&) = default;
};

// kInvalidArgument naming the field.
Status check_pool_number(std::uint64_t number, std::string_view field);
Status check_construct_name(std::string_view name, std::string_view field);
// Whether labels and groups are known to the key servers is the caller's to ask.
Status check(const Pool& pool);
Status check(const StorageGroup& group);
Status check(const ManagementClass& management);

// What there is before anybody settles anything: 33 pools without encryption, and the constructs of hosts
// that name none, with primary copies in pool 1 and no secondary ones.
std::vector<Pool> default_pools();
StorageGroup default_storage_group();
ManagementClass default_management_class();

// Data of `home` would be written in clear in `target`, and the settings of `home` do not say so themselves:
// it is not carried there unless who settles encryption said so. What the pool is set to is such a word: data
// of a pool that is off may go anywhere, and within a pool it is written as the pool says now.
bool needs_clear_leave(const Pool& home, const Pool& target);
// It was said: with the request to move the cartridge there, or with the pool's reclaim pool. `home`: the
// pool that the cartridge is in.
bool has_clear_leave(const PhysicalVolume& cartridge, const Pool& home, std::uint8_t target);

// A scratch cartridge of the pool or of the common pool is the pool's from now on. REQUIRES: it is scratch,
// and of one of the two.
void lend(PhysicalVolume& cartridge, const Pool& pool);
// The cartridge is scratch again, in the pool where it then belongs: one that was borrowed goes back unless
// its pool keeps such cartridges now, whatever was settled when it was lent. REQUIRES: nothing active lies on
// it; `pool` is the one that it is in.
void give_back(PhysicalVolume& cartridge, const Pool& pool);

}  // namespace tapewarden::engine
