// Operators, pools and cartridges.
#include <algorithm>
#include <gtest/gtest.h>

#include "engine/operator/cartridge_orders.h"
#include "engine/operator/construct_orders.h"
#include "engine/operator/pool_orders.h"
#include "engine_model.h"

namespace tapewarden::engine::test {
namespace {

// What an order may say when things are as they happen to be.
bool is_refusal(const Error& error) {
  static const std::set<ErrorCode> kRefusals{ErrorCode::kConflict, ErrorCode::kNotFound,
                                             ErrorCode::kExhausted, ErrorCode::kAlreadyExists,
                                             ErrorCode::kUnavailable};
  return kRefusals.contains(error.code);
}

Status first_error(const std::vector<OrderLine>& lines) {
  for (const auto& line : lines)
    if (line.error) return std::unexpected(*line.error);
  return {};
}

bool is_out(const PhysicalVolume& cartridge) {
  return cartridge.state == CartridgeState::kEjected || cartridge.state == CartridgeState::kExported;
}

}  // namespace

void EngineModel::order(const std::string& name, const std::function<Status()>& give) {
  const bool cut = chance(5);
  if (cut) world_.back.sim.disk.fail_after(below(20));
  note_clear_cartridges();
  const auto done = give();
  count(name + (done ? "" : "-refused"));
  if (!cut && !done) {
    EXPECT_TRUE(is_refusal(done.error())) << name << ": " << done.error().text();
  }
  if (cut) {
    count("power-loss-in-order");
    crash();
  }
  note_bad_copies(true);
}

// As an operator does it at the beginning, and when the catalogue is one that was put together again.
void EngineModel::set_up_pools() {
  const auto parts = world_.parts();
  for (std::uint8_t pool = 1; pool <= kPools; ++pool) {
    auto change = with_keys(pool, pool != kOtherLtoPool);
    change.media = pool == k3592Pool ? MediumKind::k3592 : MediumKind::kLto;
    change.reclaim_pool = pool;
    change.threshold_percent = 70;
    change.borrow = Borrow::kBorrowAndReturn;
    const auto set = set_pool(parts, pool, change);
    ASSERT_TRUE(set) << set.error().text();
  }
  for (const auto* name : {"GROUPA", "GROUPB"}) {
    const auto added = add_storage_group(parts, name, {.pool = any_pool()});
    ASSERT_TRUE(added || added.error().code == ErrorCode::kAlreadyExists) << added.error().text();
  }
  const auto added = add_management_class(parts, "TWICE", {.pool = any_pool()});
  ASSERT_TRUE(added || added.error().code == ErrorCode::kAlreadyExists) << added.error().text();
}

PoolChange EngineModel::with_keys(std::uint8_t pool, bool encrypts) {
  PoolChange change;
  change.key_group = "";
  change.labels = {"", ""};
  change.encryption = PoolEncryption::kOff;
  if (encrypts && pool == k3592Pool) {
    change.encryption = PoolEncryption::kWrapped;
    const auto first = below(2);
    change.labels = {kKekLabels.at(first), chance(80) ? kKekLabels.at(1 - first) : ""};
    for (auto& mode : change.modes) mode = chance(50) ? LabelMode::kHash : LabelMode::kClear;
  } else if (encrypts) {
    change.encryption = PoolEncryption::kIdentified;
    change.key_group = kKeyGroups.at(below(kKeyGroups.size()));
  }
  return change;
}

void EngineModel::change_pool() {
  const auto number = any_pool();
  PoolChange change;
  if (chance(50)) {
    change = with_keys(number, world_.pool(number).encryption == PoolEncryption::kOff);
    change.unchecked = chance(50);
  } else {
    change.reclaim_pool = any_pool();
    change.borrow = chance(50) ? Borrow::kBorrowAndReturn : Borrow::kBorrowAndKeep;
    change.secure_erase_days = static_cast<std::uint16_t>(below(3));
    change.max_drives = static_cast<std::uint8_t>(below(3));
  }
  change.leave = any_leave();
  order("pool", [&]() -> Status {
    (void)TRY(set_pool(world_.parts(), number, change));
    return {};
  });
}

void EngineModel::move_cartridge() {
  const auto& barcode = any_barcode();
  const auto when = below(4) == 0 ? MoveRequest::When::kWhenEligible : MoveRequest::When::kNow;
  const auto target = any_pool();
  const auto leave = any_leave();
  order("move", [&]() -> Status {
    return first_error(TRY(move_contents(world_.parts(), {.barcodes = {barcode}}, when, target, leave)));
  });
}

void EngineModel::change_cartridge() {
  const auto barcode = any_barcode();
  const auto known = world_.catalogue->cartridge(barcode);
  if (known && is_out(*known)) return bring_back(barcode);
  const bool may_go = !guarded(barcode);
  switch (below(8)) {
    case 0:
    case 1:
      if (may_go) eject(barcode);
      return;
    case 2:
      return order("close", [&] { return close_cartridge(world_.parts(), barcode); });
    case 3:
      if (!may_go) return;
      return order("mark-damaged", [&]() -> Status {
        (void)TRY(mark_damaged(world_.parts(), barcode, "the model says so", false));
        return {};
      });
    case 4:
      return order("clear-damage", [&] { return clear_damage(world_.parts(), barcode); });
    case 5:
      return order("erase", [&] { return request_erase(world_.parts(), barcode); });
    case 6:
      return order("withdraw-cartridge", [&]() -> Status {
        TRY(withdraw_cartridge(world_.parts(), barcode));
        return first_error(TRY(insert_cartridges(world_.parts(), {barcode}, kCommonPool)));
      });
    default:
      return order("assign", [&] {
        return assign_cartridges(world_.parts(), {barcode}, static_cast<std::uint8_t>(below(kPools + 1U)));
      });
  }
}

void EngineModel::eject(const std::string& barcode) {
  const bool exported = chance(30);
  order("eject", [&]() -> Status {
    (void)TRY(eject_cartridge(world_.parts(), barcode, exported, false));
    return {};
  });
  if (failed() || world_.place_of(barcode) != tape::PlaceKind::kPort || chance(30)) return;
  const auto out = world_.carry_out(barcode);
  ASSERT_TRUE(out) << out.error().text();
}

void EngineModel::bring_back(const std::string& barcode) {
  if (world_.place_of(barcode) == tape::PlaceKind::kOutside) {
    const auto in = world_.carry_in(barcode);
    EXPECT_TRUE(in || in.error().code == ErrorCode::kExhausted) << in.error().text();
    if (!in) return;
  }
  order("bring-back", [&]() -> Status {
    return first_error(TRY(insert_cartridges(world_.parts(), {barcode}, kCommonPool)));
  });
  world_.empty_ports();
}

// Also those that a catalogue which was put together again does not know, and those that were damaged by
// word.
void EngineModel::bring_all_back() {
  world_.empty_ports();
  for (const auto& barcode : ModelWorld::barcodes()) {
    for (int tries = 0; tries < 3 && !failed(); ++tries) {
      const auto known = world_.catalogue->cartridge(barcode);
      if (known && !is_out(*known)) break;
      bring_back(barcode);
    }
    const auto known = world_.catalogue->cartridge(barcode);
    if (known && known->state == CartridgeState::kDamaged) make_good(*known);
  }
}

void EngineModel::make_good(const PhysicalVolume& cartridge) {
  const auto parts = world_.parts();
  if (!cartridge.unexamined) {
    const auto good = clear_damage(parts, cartridge.barcode);
    EXPECT_TRUE(good) << good.error().text();
    return;
  }
  // A rebuild found nothing on it where the backup says that there was something.
  EXPECT_EQ(cartridge.active_volumes, 0U) << cartridge.barcode;
  const auto anew = [&]() -> Status {
    (void)TRY(eject_cartridge(parts, cartridge.barcode, false, false));
    TRY(withdraw_cartridge(parts, cartridge.barcode));
    return first_error(TRY(insert_cartridges(parts, {cartridge.barcode}, kCommonPool)));
  }();
  EXPECT_TRUE(anew) << anew.error().text();
  world_.empty_ports();
  count("taken-anew");
}

void EngineModel::migrate_pool() {
  auto migrations = world_.migrations();
  if (chance(40)) {
    for (const auto& one : take(migrations.all())) {
      if (ended(one.migration.state) || one.migration.state == PoolMigrationState::kTakingBack) continue;
      const bool keep_settings = chance(50);
      return order("cancel-migration", [&]() -> Status {
        (void)TRY(migrations.cancel(one.migration.number, keep_settings));
        return {};
      });
    }
  }
  MigrationRequest request{.source = any_pool(), .target = any_pool()};
  if (chance(30)) request.when = MoveRequest::When::kWhenEligible;
  if (request.source == request.target && request.source != k3592Pool)
    request.keys = PoolKeys{PoolEncryption::kIdentified, {}, kKeyGroups.at(below(kKeyGroups.size()))};
  order("migration", [&]() -> Status {
    (void)TRY(world_.migrations().start(request, "operator-1"));
    return {};
  });
}

}  // namespace tapewarden::engine::test
