#include "engine/catalogue/constructs.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"
#include "engine/catalogue/limits.h"
#include "engine/catalogue/volume.h"

namespace tapewarden::engine {

namespace {

std::unexpected<Error> bad(const std::string& message, std::string_view field, std::string remedy = {}) {
  return fail(ErrorCode::kInvalidArgument, message, std::string(field), std::move(remedy));
}

Status check_text(std::string_view text, std::size_t limit, std::string_view field) {
  if (text.size() <= limit && is_printable(text)) return {};
  return bad("up to " + std::to_string(limit) + " printable ASCII characters", field);
}

Status check_percent(std::uint8_t percent, bool may_be_off, std::string_view field) {
  if (percent >= kMinimumPercent && percent <= kMaximumPercent) return {};
  if (may_be_off && percent == 0) return {};
  return bad("a share of active data is 5 to 95 percent" + std::string(may_be_off ? ", or 0 for off" : ""),
             field);
}

Status check_days(std::uint16_t days, std::string_view field) {
  if (days <= kMaximumDays) return {};
  return bad("1 to 365 days, or 0 for off", field);
}

Status check_encryption(const Pool& pool) {
  TRY(check_label(pool.labels[0], "label 1"));
  TRY(check_label(pool.labels[1], "label 2"));
  TRY(check_text(pool.key_group, kMaximumKeyGroupCharacters, "key group"));
  if (pool.encryption == PoolEncryption::kWrapped && pool.labels[0].text.empty())
    return bad("wrapped keys need a label", "label 1", "name the label of a KEK at the key servers");
  if (pool.encryption == PoolEncryption::kIdentified && pool.key_group.empty())
    return bad("identified keys need a key group", "key group", "name a key group of the key servers");
  if (pool.number == kCommonPool && pool.encryption != PoolEncryption::kOff)
    return bad("the common pool holds scratch cartridges alone", "encryption",
               "settle encryption in the pools that borrow from it");
  return {};
}

Status check_reclaim(const Pool& pool) {
  const ReclaimPolicies& reclaim = pool.reclaim;
  TRY(check_percent(reclaim.threshold_percent, true, "threshold percent"));
  TRY(check_percent(reclaim.max_active_percent, false, "maximum active percent"));
  TRY(check_days(reclaim.days_without_access, "days without access"));
  TRY(check_days(reclaim.days_since_written, "days since written"));
  TRY(check_days(reclaim.days_without_inactivation, "days without inactivation"));
  if (pool.number == kCommonPool) return {};
  if (pool.reclaim_pool < 1 || pool.reclaim_pool > kMaximumPool)
    return bad("active data goes to a pool of 1 to 32", "reclaim pool");
  return {};
}

}  // namespace

std::string_view to_string(Borrow borrow) {
  static constexpr std::array<std::string_view, 3> kNames{"no", "return", "keep"};
  return kNames.at(static_cast<std::size_t>(borrow));
}

std::string_view to_string(PoolEncryption encryption) {
  static constexpr std::array<std::string_view, 4> kNames{"off", "wrapped", "identified", "held"};
  return kNames.at(static_cast<std::size_t>(encryption));
}

Status check_pool_number(std::uint64_t number, std::string_view field) {
  if (number <= kMaximumPool) return {};
  return bad("pools are numbered from 0 to 32", field);
}

Status check_construct_name(std::string_view name, std::string_view field) {
  const auto fits = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '$' || c == '@' || c == '#';
  };
  if (name == kDefaultConstruct) return {};
  if (!name.empty() && name.size() <= kMaximumConstructCharacters && std::ranges::all_of(name, fits))
    return {};
  return bad("a construct's name has 1 to 8 characters of A-Z, 0-9, $, @ and #", field,
             "-------- is the one of hosts that name none");
}

Status check(const Pool& pool) {
  TRY(check_pool_number(pool.number, "pool"));
  TRY(check_text(pool.name, kMaximumPoolNameCharacters, "name"));
  if (pool.number == kCommonPool && pool.borrow != Borrow::kNo)
    return bad("the common pool lends and does not borrow", "borrow");
  TRY(check_encryption(pool));
  TRY(check_days(pool.secure_erase_days, "secure erase days"));
  TRY(check_reclaim(pool));
  if (pool.max_drives > kMaximumDrivesOfPool)
    return bad("at most 64 drives, or 0 for no limit", "maximum drives");
  return {};
}

Status check(const StorageGroup& group) {
  TRY(check_construct_name(group.name, "storage group"));
  if (group.pool < 1 || group.pool > kMaximumPool)
    return bad("primary copies go to a pool of 1 to 32", "pool");
  return check_text(group.description, kMaximumDescriptionCharacters, "description");
}

Status check(const ManagementClass& management) {
  TRY(check_construct_name(management.name, "management class"));
  TRY(check_pool_number(management.pool, "pool"));
  return check_text(management.description, kMaximumDescriptionCharacters, "description");
}

std::vector<Pool> default_pools() {
  std::vector<Pool> pools(kMaximumPool + 1U);
  for (std::size_t i = 0; i < pools.size(); ++i) {
    pools[i].number = static_cast<std::uint8_t>(i);
    pools[i].reclaim_pool = pools[i].number;
  }
  pools.front().borrow = Borrow::kNo;
  return pools;
}

StorageGroup default_storage_group() {
  return {std::string(kDefaultConstruct), 1, "volumes whose host named no storage group"};
}

ManagementClass default_management_class() {
  return {std::string(kDefaultConstruct), 0, "volumes whose host named no management class"};
}

bool needs_clear_leave(const Pool& home, const Pool& target) {
  return home.number != target.number && home.encryption != PoolEncryption::kOff &&
         target.encryption == PoolEncryption::kOff;
}

bool has_clear_leave(const PhysicalVolume& cartridge, const Pool& home, std::uint8_t target) {
  const MoveRequest& move = cartridge.move;
  if (move.when != MoveRequest::When::kNone && move.target_pool == target && move.to_clear) return true;
  return home.reclaim_pool == target && home.clear_reclaim_pool == target;
}

void lend(PhysicalVolume& cartridge, const Pool& pool) {
  TW_ASSERT(cartridge.state == CartridgeState::kScratch);
  TW_ASSERT(cartridge.pool == pool.number || cartridge.pool == kCommonPool);
  if (cartridge.pool == pool.number) return;
  cartridge.pool = pool.number;
  cartridge.home_pool = kCommonPool;
  cartridge.borrowed = true;
}

void give_back(PhysicalVolume& cartridge, const Pool& pool) {
  TW_ASSERT(cartridge.active_volumes == 0 && cartridge.pool == pool.number);
  cartridge.state = CartridgeState::kScratch;
  cartridge.move = {};
  cartridge.rekey = {};
  cartridge.full_since.reset();
  if (!cartridge.borrowed || pool.borrow == Borrow::kBorrowAndKeep) return;
  cartridge.pool = cartridge.home_pool;
  cartridge.borrowed = false;
}

}  // namespace tapewarden::engine
