// What an operator does with pools (feature row T3). Functions are thread-safe as the parts that they work
// on.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "engine/operator/parts.h"

namespace tapewarden::engine {

// What is not given stays as it is.
struct PoolChange {
  std::optional<std::string> name = {};
  std::optional<MediumKind> media = {};
  std::optional<Borrow> borrow = {};
  std::optional<std::uint8_t> reclaim_pool = {};
  std::optional<PoolEncryption> encryption = {};
  std::array<std::optional<std::string>, 2> labels = {};  // empty text: none
  std::array<std::optional<LabelMode>, 2> modes = {};
  std::optional<std::string> key_group = {};
  std::optional<std::uint16_t> secure_erase_days = {};
  std::optional<std::uint8_t> threshold_percent = {};
  std::optional<std::uint16_t> days_without_access = {};
  std::optional<std::uint16_t> days_since_written = {};
  std::optional<std::uint16_t> days_without_inactivation = {};
  std::optional<std::uint8_t> max_active_percent = {};
  std::optional<std::uint8_t> max_drives = {};
  // Labels and groups are accepted although no key server can be asked now. One that says it does not know
  // them is believed all the same.
  bool unchecked = false;
  // Its data may be reclaimed into a pool that is written in clear. Stands until another reclaim pool, or
  // another encryption of it, is set.
  ClearLeave leave = ClearLeave::kNo;

  Pool applied_to(Pool pool) const;
};

struct ChangedPool {
  Pool pool;
  std::vector<std::string> notes;  // when it takes effect, what was not checked, what key servers say
};

// kInvalidArgument naming the field; kNotFound for a label or group that a key server does not know,
// kUnavailable when none can be asked: nothing is changed then. kConflict when somebody else changed what
// keys the pool takes meanwhile; naming "reclaim_pool" when it would encrypt and be reclaimed into a pool
// that is written in clear, without leave.
Result<ChangedPool> set_pool(const OperatorParts& parts, std::uint8_t number, const PoolChange& change);

// What an operator should know of the pool's key labels. Errors of KeyNameCheck.
Result<std::vector<std::string>> check_keys(KeyNameCheck& names, const Pool& pool);

// kInvalidArgument naming "media" or "encryption": LTO drives take keys of a group, 3592 drives wrapped ones.
Status check_method(const Pool& pool);

}  // namespace tapewarden::engine
