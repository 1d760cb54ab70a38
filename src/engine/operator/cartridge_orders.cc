#include "engine/operator/cartridge_orders.h"

#include <algorithm>

#include "base/counted.h"
#include "engine/catalogue/limits.h"
#include "engine/operator/cartridge_support.h"
#include "engine/operator/clear_refusal.h"
#include "engine/operator/limits.h"
#include "engine/operator/names.h"
#include "tape/library/barcode.h"

namespace tapewarden::engine {
namespace {

using Barcodes = std::vector<std::string>;

Status fits_pool(const std::string& barcode, MediumKind kind, const Pool& pool) {
  if (pool.number == kCommonPool || pool.media == kind) return {};
  return fail(ErrorCode::kConflict,
              barcode + " is a cartridge of kind " + std::string(to_string(kind)) + ", and pool " +
                  std::to_string(pool.number) + " is for " + std::string(to_string(pool.media)),
              "pool", "name a pool of its medium, or change the pool's");
}

PhysicalVolume new_cartridge(const OperatorParts& parts, const std::string& barcode,
                             const BackEndCartridge& there, std::uint8_t pool) {
  PhysicalVolume cartridge;
  cartridge.barcode = barcode;
  cartridge.volume = Uuid::random(*parts.env.random);
  cartridge.kind = there.kind;
  cartridge.pool = pool;
  cartridge.home_pool = pool;
  cartridge.library = there.library;
  return cartridge;
}

// Full when it was filled. One that took more was in other hands meanwhile, and is closed: what lies behind
// its last image is not the engine's to write over. Reclaim looks at both.
PhysicalVolume come_back(PhysicalVolume cartridge, const BackEndCartridge& there) {
  const auto written = cartridge.full_since ? CartridgeState::kFull : CartridgeState::kClosed;
  const auto unwritten = cartridge.unexamined ? CartridgeState::kDamaged : CartridgeState::kScratch;
  cartridge.state = cartridge.medium > 0 ? written : unwritten;
  cartridge.move = {};
  cartridge.library = there.library;
  return cartridge;
}

bool is_out(const PhysicalVolume& cartridge) {
  return cartridge.state == CartridgeState::kEjected || cartridge.state == CartridgeState::kExported;
}

Result<OrderLine> insert_one(const OperatorParts& parts, const std::string& barcode, std::uint8_t pool) {
  const auto there = TRY(parts.back_end.find(barcode));
  OrderLine line{barcode, ""};
  TRY(parts.catalogue.change([&](CatalogueChange& change) -> Status {
    const auto known = TRY(change.find_cartridge(barcode));
    if (known && !is_out(*known))
      return fail(ErrorCode::kAlreadyExists,
                  "it is there already, in pool " + std::to_string(known->pool) + " and " +
                      std::string(to_string(known->state)),
                  "barcodes");
    if (known) {
      const auto back = come_back(*known, there);
      line.outcome =
          "back in pool " + std::to_string(known->pool) + ", " + std::string(to_string(back.state));
      if (back.state == CartridgeState::kClosed) line.outcome += ": it takes no more";
      return change.put(back);
    }
    TRY(fits_pool(barcode, there.kind, TRY(change.pool(pool))));
    line.outcome = "in pool " + std::to_string(pool) + ", scratch";
    return change.put(new_cartridge(parts, barcode, there, pool));
  }));
  return line;
}

// Those of a range are there or do not matter; those named by themselves are there.
Result<std::vector<PhysicalVolume>> chosen(CatalogueView& view, const CartridgeChoice& choice) {
  std::vector<PhysicalVolume> out;
  for (const auto& barcode : choice.barcodes) {
    auto known = TRY(view.find_cartridge(barcode));
    if (!known && !choice.range) (void)TRY(view.cartridge(barcode));
    if (known && (!choice.pool || known->pool == *choice.pool)) out.push_back(*std::move(known));
  }
  if (choice.barcodes.empty() && choice.pool)
    out = TRY(view.cartridges({.pool = choice.pool}, {.limit = kMaximumOrdered})).items;
  if (out.empty())
    return fail(ErrorCode::kNotFound, "there are no such cartridges", "barcodes", "look at the list");
  return out;
}

Status check_target(CatalogueView& view, MoveRequest::When when, std::uint8_t target_pool) {
  if (when == MoveRequest::When::kNone) return {};
  if (target_pool == kCommonPool)
    return fail(ErrorCode::kInvalidArgument, "the common pool takes no volumes", "target_pool",
                "name a pool of 1 to 32");
  (void)TRY(view.pool(target_pool));
  return {};
}

// What is the line's outcome; changes the cartridge.
Result<std::string> wish(PhysicalVolume& cartridge, MoveRequest::When when, std::uint8_t target_pool) {
  if (when == MoveRequest::When::kNone) {
    cartridge.move = {};
    return std::string("stays where it is");
  }
  if (!readable(cartridge.state) || cartridge.active_volumes == 0)
    return fail(ErrorCode::kConflict,
                "nothing of it can be moved: it is " + std::string(to_string(cartridge.state)) + " with " +
                    counted(cartridge.active_volumes, "active volume"),
                "barcodes");
  cartridge.move = {when, target_pool};
  if (when == MoveRequest::When::kNow && cartridge.state == CartridgeState::kFilling)
    cartridge.state = CartridgeState::kClosed;
  return "to pool " + std::to_string(target_pool) +
         (when == MoveRequest::When::kNow ? " now" : " when reclaim would take it");
}

// What its pool had encrypted stays so unless the leave is there, or was given with the pool's reclaim pool.
Status check_clear(CatalogueView& view, PhysicalVolume& cartridge, ClearLeave leave) {
  if (cartridge.move.when == MoveRequest::When::kNone) return {};
  const auto home = TRY(view.pool(cartridge.pool));
  const auto target = TRY(view.pool(cartridge.move.target_pool));
  if (!needs_clear_leave(home, target)) return {};
  cartridge.move.to_clear = leave == ClearLeave::kYes;
  if (has_clear_leave(cartridge, home, target.number)) return {};
  return refuse_clear("what lies on " + cartridge.barcode, home, target, "target_pool");
}

Result<OrderLine> move_one(const OperatorParts& parts, const std::string& barcode, const MoveRequest& move,
                           ClearLeave leave) {
  // A wish is taken back also while it is carried out.
  std::shared_ptr<void> hold;
  if (move.when != MoveRequest::When::kNone) hold = TRY(parts.back_end.hold(barcode));
  OrderLine line{barcode, ""};
  TRY(parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto cartridge = TRY(change.cartridge(barcode));
    line.outcome = TRY(wish(cartridge, move.when, move.target_pool));
    TRY(check_clear(change, cartridge, leave));
    return change.put(cartridge);
  }));
  return line;
}

OrderLine line_of(const std::string& barcode, Result<OrderLine> line) {
  return line ? *std::move(line) : OrderLine::refused(barcode, line.error());
}

}  // namespace

Status change_held(const OperatorParts& parts, const std::string& barcode,
                   const std::function<Status(CatalogueChange&, PhysicalVolume&)>& work) {
  const auto hold = TRY(parts.back_end.hold(barcode));
  TRY(parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto cartridge = TRY(change.cartridge(barcode));
    return work(change, cartridge);
  }));
  parts.wake_up();
  return {};
}

Result<std::vector<OrderLine>> insert_cartridges(const OperatorParts& parts, const Barcodes& barcodes,
                                                 std::uint8_t pool) {
  TRY(check_pool_number(pool, "pool"));
  std::vector<OrderLine> lines;
  for (const auto& barcode : barcodes) lines.push_back(line_of(barcode, insert_one(parts, barcode, pool)));
  parts.wake_up();
  return lines;
}

Status assign_cartridges(const OperatorParts& parts, const Barcodes& barcodes, std::uint8_t pool_number) {
  std::vector<std::shared_ptr<void>> holds;
  for (const auto& barcode : barcodes) holds.push_back(TRY(parts.back_end.hold(barcode)));
  TRY(parts.catalogue.change([&](CatalogueChange& change) -> Status {
    const auto pool = TRY(change.pool(pool_number));
    for (const auto& barcode : barcodes) {
      auto cartridge = TRY(change.cartridge(barcode));
      TRY(fits_pool(barcode, cartridge.kind, pool));
      cartridge.pool = pool_number;
      cartridge.home_pool = pool_number;
      cartridge.borrowed = false;
      TRY(change.put(cartridge));
    }
    return {};
  }));
  parts.wake_up();
  return {};
}

Result<std::vector<OrderLine>> move_contents(const OperatorParts& parts, const CartridgeChoice& choice,
                                             MoveRequest::When when, std::uint8_t target_pool,
                                             ClearLeave leave) {
  std::vector<PhysicalVolume> cartridges;
  TRY(parts.catalogue.read([&](CatalogueView& view) -> Status {
    TRY(check_target(view, when, target_pool));
    cartridges = TRY(chosen(view, choice));
    return {};
  }));
  std::vector<OrderLine> lines;
  for (const auto& cartridge : cartridges) {
    // Of a whole pool: one that is empty stands in nobody's way.
    if (choice.pool && cartridge.state == CartridgeState::kScratch)
      lines.push_back({cartridge.barcode, "scratch: nothing lies on it"});
    else
      lines.push_back(
          line_of(cartridge.barcode, move_one(parts, cartridge.barcode, {when, target_pool}, leave)));
  }
  parts.wake_up();
  return lines;
}

}  // namespace tapewarden::engine
