// Which cartridge is written. What is written on it is in pool_writer_images.cc.
#include "engine/work/pool_writer.h"

#include <algorithm>
#include <iterator>

#include "engine/catalogue/limits.h"
#include "engine/work/limits.h"
#include "engine/work/reclaim.h"

namespace tapewarden::engine {
namespace {

TapeEncryption encryption_of(const Pool& pool) {
  if (pool.encryption == PoolEncryption::kWrapped) return TapeEncryption::kWrapped;
  if (pool.encryption == PoolEncryption::kIdentified) return TapeEncryption::kIdentified;
  return TapeEncryption::kClear;
}

TapeWritePolicy policy_of(const PhysicalVolume& cartridge) {
  TapeWritePolicy policy{.encryption = tape_encryption(cartridge.encryption)};
  if (policy.encryption == TapeEncryption::kIdentified) policy.alias_or_group = cartridge.alias;
  if (policy.encryption != TapeEncryption::kWrapped) return policy;
  for (const auto& label : cartridge.labels) {
    if (label.text.empty()) continue;
    const auto mode =
        label.mode == LabelMode::kHash ? scsi::LabelModeCode::kHash : scsi::LabelModeCode::kClear;
    policy.labels.push_back({label.text, mode});
  }
  return policy;
}

// It was begun before its pool was set to encrypt.
void close_as_clear(PhysicalVolume& cartridge) {
  cartridge.state = CartridgeState::kClosed;
  cartridge.note = "written in clear, and its pool encrypts now: it takes no more";
}

// Begun, and nothing was ever written behind its label, nor perhaps that: it is begun once more.
bool barely_begun(const PhysicalVolume& cartridge) {
  return cartridge.state == CartridgeState::kFilling && cartridge.next_file <= 1 &&
         cartridge.active_volumes == 0;
}

void begin_by(PhysicalVolume& cartridge, const Pool& pool) {
  if (cartridge.state == CartridgeState::kScratch) lend(cartridge, pool);
  ++cartridge.medium;
  cartridge.state = CartridgeState::kFilling;
  cartridge.encryption = medium_encryption(encryption_of(pool));
  cartridge.labels = pool.encryption == PoolEncryption::kWrapped ? pool.labels : decltype(pool.labels){};
  cartridge.alias = pool.encryption == PoolEncryption::kIdentified ? pool.key_group : "";
  cartridge.written_bytes = 0;
  cartridge.next_file = 1;
  cartridge.first_written.reset();
  cartridge.last_written.reset();
  cartridge.last_accessed.reset();
  cartridge.full_since.reset();
  cartridge.move = {};
  cartridge.note.clear();
}

}  // namespace

DriveNeed need_of(const Pool& pool) {
  return {pool.media, encryption_of(pool)};
}

Result<std::vector<DriveNeed>> needs_of(const WorkState& state, const Pool& pool) {
  std::vector<DriveNeed> needs;
  if (state.drives.libraries().size() < 2) return std::vector{need_of(pool)};
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    needs.clear();
    auto found = TRY(view.filling(pool.number, pool.media, kCandidates));
    std::ranges::move(TRY(view.scratch_cartridges(pool.number, pool.media, kCandidates)),
                      std::back_inserter(found));
    for (const auto& cartridge : found) {
      if (cartridge.move.when == MoveRequest::When::kNow || put_off_itself(state, cartridge) ||
          std::ranges::find(needs, cartridge.library, &DriveNeed::library) != needs.end())
        continue;
      needs.push_back(need_of(pool));
      needs.back().library = cartridge.library;
    }
    return {};
  }));
  if (needs.empty()) needs.push_back(need_of(pool));
  return needs;
}

// Those that the robot brings to this drive.
std::vector<PhysicalVolume> PoolWriter::within_reach(std::vector<PhysicalVolume> cartridges) const {
  std::erase_if(cartridges, [&](const PhysicalVolume& cartridge) {
    return !state_.drives.reaches(station_, cartridge.library);
  });
  return cartridges;
}

std::string other_cartridge(const LogicalVolume& volume, CopyNumber copy) {
  const auto other = copy == CopyNumber::kPrimary ? CopyNumber::kSecondary : CopyNumber::kPrimary;
  return volume.active(other) ? volume.copy(other)->cartridge : std::string();
}

void note_avoided(const WorkState& state, std::uint8_t pool, const std::string& avoid) {
  state.parts.notices.raise(NoticeKind::kNoScratchCartridge, pool_name(pool),
                            pool_name(pool) + " has no cartridge but " + avoid +
                                " for volumes whose other copy lies there; insert scratch cartridges, or "
                                "send the two copies to different pools");
}

Result<bool> PoolWriter::ready(const std::string& avoid) {
  if (mount_ && mount_->cartridge().barcode != avoid && TRY(still_takes())) return true;
  if (state_.ending || state_.pauses.paused(library_pause(station_.library_name()))) return false;
  for (std::size_t tried = 0; tried < kCartridgesTried; ++tried) {
    // The pool may have been set otherwise since the drive was claimed for it.
    const auto pool = TRY(pool_now());
    if (pool.encryption == PoolEncryption::kHeld || !state_.drives.fits(station_, need_of(pool)))
      return false;
    auto choice = TRY(choose(avoid));
    if (!choice) {
      note_none(avoid);
      return false;
    }
    TRY(end());  // what is mounted is the one to be avoided
    const auto mounted = mount_chosen(*choice);
    if (mounted) {
      (void)state_.parts.notices.clear(NoticeKind::kNoScratchCartridge, pool_name(pool_),
                                       "cartridge " + choice->cartridge.barcode + " takes its volumes");
      state_.pauses.clear(pool_name(pool_));
      state_.pauses.clear(left_pause(pool_));
      if (TRY(still_takes())) return true;  // mounting takes its time
      continue;
    }
    if (fault_of(mounted.error()) == MountFault::kNone) return std::unexpected(mounted.error());
    const bool missing = fault_of(mounted.error()) == MountFault::kLibrary &&
                         state_.pauses.paused(cartridge_pause(choice->cartridge.barcode));
    if (!missing && !lies_with_cartridge(mounted.error())) return false;
    if (state_.pauses.paused(pool_name(pool_))) return false;
  }
  state_.pauses.put_off(pool_name(pool_), kFirstPause);
  return false;
}

void PoolWriter::note_none(const std::string& avoid) {
  if (begins_ == Begins::kNo) return;
  if (avoided_) {
    if (!busy_ && !left_) note_avoided(state_, pool_, avoid);
    return;
  }
  if (left_) {
    state_.pauses.put_off(left_pause(pool_), kFirstPause);
    return;
  }
  if (busy_) {
    state_.pauses.put_off(pool_name(pool_), kShortPause);
    return;
  }
  state_.parts.notices.raise(NoticeKind::kNoScratchCartridge, pool_name(pool_),
                             pool_name(pool_) +
                                 " has volumes to write and no cartridge that takes them; insert scratch "
                                 "cartridges, or let it borrow");
  state_.pauses.put_off(pool_name(pool_), kFirstPause);
}

Result<Pool> PoolWriter::pool_now() {
  Pool pool;
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    pool = TRY(view.pool(pool_));
    return {};
  }));
  return pool;
}

Result<bool> PoolWriter::still_takes() {
  if (TRY(pool_now()).encryption == PoolEncryption::kHeld) {
    TRY(end());
    return false;
  }
  const bool clear = tape_encryption(mount_->cartridge().encryption) == TapeEncryption::kClear;
  if (!clear || TRY(pool_now()).encryption == PoolEncryption::kOff) return true;
  TRY(end());
  return false;
}

Result<std::optional<PoolWriter::Choice>> PoolWriter::choose(const std::string& avoid) {
  busy_ = false;
  avoided_ = false;
  left_ = false;
  const auto pool = TRY(pool_now());
  auto choice = TRY(choose_filling(pool, avoid));
  if (choice || begins_ == Begins::kNo) return choice;
  return choose_scratch(pool);
}

Result<std::optional<PoolWriter::Choice>> PoolWriter::choose_filling(const Pool& pool,
                                                                     const std::string& avoid) {
  std::vector<PhysicalVolume> found;
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    found = within_reach(TRY(view.filling(pool.number, pool.media, kCandidates)));
    return {};
  }));
  for (const auto& listed : found) {
    avoided_ = avoided_ || listed.barcode == avoid;
    if (listed.barcode == avoid) continue;
    auto claimed = TRY(claim_cartridge(state_, listed.barcode));
    if (!claimed) busy_ = true;
    if (!claimed) continue;
    auto& [claim, cartridge] = *claimed;
    const bool ours = cartridge.state == CartridgeState::kFilling && cartridge.pool == pool.number;
    if (!ours || doubtful(cartridge)) continue;
    if (cartridge.move.when == MoveRequest::When::kNow || put_off(state_, cartridge)) continue;
    if (barely_begun(cartridge)) {
      if (begins_ == Begins::kNo) continue;
      return Choice{std::move(cartridge), true, std::move(claim)};
    }
    const bool clear = tape_encryption(cartridge.encryption) == TapeEncryption::kClear;
    if (clear && pool.encryption != PoolEncryption::kOff) {
      TRY(close_clear(cartridge));
      continue;
    }
    if (!state_.drives.fits(station_, need_of(cartridge))) continue;
    return Choice{std::move(cartridge), false, std::move(claim)};
  }
  return std::nullopt;
}

Status PoolWriter::close_clear(const PhysicalVolume& cartridge) {
  return state_.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto now = TRY(change.cartridge(cartridge.barcode));
    if (now.state != CartridgeState::kFilling) return {};
    close_as_clear(now);
    return change.put(now);
  });
}

Result<bool> PoolWriter::may_count(CatalogueChange& change, PhysicalVolume& cartridge) {
  const bool clear = tape_encryption(cartridge.encryption) == TapeEncryption::kClear;
  if (!clear || TRY(change.pool(pool_)).encryption == PoolEncryption::kOff) return true;
  if (cartridge.state == CartridgeState::kFilling) close_as_clear(cartridge);
  return false;
}

Result<std::optional<PoolWriter::Choice>> PoolWriter::choose_scratch(const Pool& pool) {
  std::vector<PhysicalVolume> found;
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    found = within_reach(TRY(view.scratch_cartridges(pool.number, pool.media, kCandidates)));
    return {};
  }));
  if (leaves_ == LeavesLast::kYes) {
    std::erase_if(found, [&](const auto& one) { return state_.cartridges.claimed(one.barcode); });
    left_ = found.size() == 1 && TRY(reclaim_wants(state_, found.front()));
    if (left_) return std::nullopt;
  }
  for (const auto& listed : found) {
    if (state_.pauses.paused(cartridge_pause(listed.barcode))) continue;
    auto claimed = TRY(claim_cartridge(state_, listed.barcode));
    if (claimed && claimed->cartridge.state == CartridgeState::kScratch)
      return Choice{std::move(claimed->cartridge), true, std::move(claimed->claim)};
  }
  return std::nullopt;
}

Result<PhysicalVolume> PoolWriter::begin_anew(const std::string& barcode) {
  PhysicalVolume begun;
  TRY(state_.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    begun = TRY(change.cartridge(barcode));
    const auto pool = TRY(change.pool(pool_));
    const bool free = begun.state == CartridgeState::kScratch || barely_begun(begun);
    const bool ours = begun.pool == pool_ || begun.pool == kCommonPool;
    if (pool.encryption == PoolEncryption::kHeld)
      return fail(ErrorCode::kConflict, pool_name(pool_) + " is held: how it is written is not known",
                  "pool");
    if (!free || !ours)
      return fail(ErrorCode::kConflict, "cartridge " + barcode + " is not free any more", "barcode");
    begin_by(begun, pool);
    return change.put(begun);
  }));
  return begun;
}

Status PoolWriter::mount_chosen(Choice& choice) {
  claim_.emplace(std::move(choice.claim));
  if (choice.begins) choice.cartridge = TRY(begin_anew(choice.cartridge.barcode));
  const auto& cartridge = choice.cartridge;
  mount_.emplace(state_, station_, cartridge);
  Status mounted;
  if (choice.begins) {
    mounted = mount_->write_new({.engine = state_.options.engine,
                                 .barcode = cartridge.barcode,
                                 .medium = cartridge.medium,
                                 .pool = cartridge.pool,
                                 .created = state_.now()},
                                policy_of(cartridge));
  } else {
    mounted = mount_->append();
  }
  if (!mounted) {
    mount_.reset();
    claim_.reset();
    return mounted;
  }
  return {};
}

}  // namespace tapewarden::engine
