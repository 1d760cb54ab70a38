// Cartridges with bad blocks, and cartridges that somebody else writes on.
#include <algorithm>
#include <gtest/gtest.h>

#include "engine/operator/cartridge_orders.h"
#include "engine_model.h"

namespace tapewarden::engine::test {
namespace {

constexpr std::array<CopyNumber, 2> kCopies{CopyNumber::kPrimary, CopyNumber::kSecondary};

CopyNumber other_of(CopyNumber number) {
  return number == CopyNumber::kPrimary ? CopyNumber::kSecondary : CopyNumber::kPrimary;
}

}  // namespace

// Of one of two copies that can be read.
void EngineModel::spoil_second_copy() {
  const auto index = any_volume();
  const auto row = row_of(index);
  if (std::ranges::find(bad_, index, &BadCopy::volume) != bad_.end()) return;
  for (const auto number : kCopies) {
    if (!row.active(number)) return;
    const auto on = world_.cartridge(row.copy(number)->cartridge);
    if (!readable(on.state) || on.medium != row.copy(number)->medium) return;
  }
  const auto number = kCopies.at(below(2));
  const auto& copy = *row.copy(number);
  const auto good = row.copy(other_of(number))->cartridge;
  if (good == copy.cartridge) return;
  const auto offset = world_.files.spoil(copy.cartridge, copy.block + 1);
  ASSERT_TRUE(offset) << offset.error().text();
  count("bad-block");
  bad_.push_back({index, number, copy, good, *offset});
}

// A host has the volume, so its file stays in the cache, and its cartridge is emptied meanwhile.
void EngineModel::spoil_under_host() {
  const auto index = ready_volume();
  if (!index) return;
  const auto row = row_of(*index);
  if (!row.active(CopyNumber::kPrimary) || row.active(CopyNumber::kSecondary)) return;
  const auto copy = *row.primary;
  const auto on = world_.cartridge(copy.cartridge);
  if (!readable(on.state) || on.medium != copy.medium) return;
  const auto offset = world_.files.spoil(copy.cartridge, copy.block + 1);
  ASSERT_TRUE(offset) << offset.error().text();
  count("bad-block-under-host");
  bad_.push_back({*index, CopyNumber::kPrimary, copy, "", *offset});
  (void)move_contents(world_.parts(), {.barcodes = {copy.cartridge}}, MoveRequest::When::kNow, any_pool());
  work_steps(20, false);
  if (failed()) return;
  const auto left = std::ranges::find_if(bad_, [](const BadCopy& bad) { return bad.good.empty(); });
  if (left == bad_.end()) return;
  count("bad-block-not-met");
  const auto mended = world_.files.mend(copy.cartridge, *offset);
  EXPECT_TRUE(mended) << mended.error().text();
  bad_.erase(left);
}

// M7: those that are not there any more.
void EngineModel::note_bad_copies(bool by_others) {
  std::erase_if(bad_, [&](const BadCopy& bad) {
    const auto row = row_of(bad.volume);
    const auto on = world_.catalogue->cartridge(bad.copy.cartridge);
    if (!on || on->medium != bad.copy.medium) return true;
    if (row.generation != bad.copy.generation || !row.has_content()) return true;
    if (row.active(bad.number) && *row.copy(bad.number) == bad.copy) return false;
    if (row.active(bad.number)) return true;  // a copy from the cache has taken its place, unread
    count("bad-block-met");
    EXPECT_TRUE(by_others || world_.raised(NoticeKind::kCartridgeDamaged, bad.copy.cartridge))
        << bad.copy.cartridge << " has a block that cannot be read";
    return true;
  });
}

// What nobody met is as if it had never been.
void EngineModel::mend_bad_copies() {
  for (const auto& bad : bad_) {
    const auto mended = world_.files.mend(bad.copy.cartridge, bad.offset);
    EXPECT_TRUE(mended) << mended.error().text();
  }
  bad_.clear();
}

// What lies there is the only good copy of something, and nobody knows that.
bool EngineModel::guarded(const std::string& barcode) const {
  return std::ranges::any_of(bad_, [&](const BadCopy& bad) {
    const auto row = take(world_.catalogue->volume(ModelWorld::volser(bad.volume)));
    const auto& good = row.copy(other_of(bad.number));
    return bad.good == barcode || (good && good->cartridge == barcode);
  });
}

void EngineModel::keep_or_write_on() {
  const auto& barcode = any_barcode();
  if (!world_.files.kept(barcode) || chance(30)) {
    const auto row = world_.catalogue->cartridge(barcode);
    if (!row || row->medium == 0) return;
    count("cloned");
    const auto kept = world_.files.keep(barcode);
    ASSERT_TRUE(kept) << kept.error().text();
    return;
  }
  if (world_.back.keys.away) return;
  count("clone-written");
  const auto written = world_.files.write_on_kept(barcode);
  ASSERT_TRUE(written) << barcode << ": " << written.error().text();
}

}  // namespace tapewarden::engine::test
