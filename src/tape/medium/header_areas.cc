#include "tape/medium/header_areas.h"

#include <algorithm>

#include "tape/medium/area_codec.h"
#include "tape/medium/cartridge.h"
#include "tape/medium/layout.h"

namespace tapewarden::tape {

namespace {

// A slot as it lies in the file; shorter when the file ends within it.
Result<Bytes> read_slot(File& file, std::uint64_t offset, std::size_t size) {
  Bytes bytes(size);
  bytes.resize(TRY(file.read_at(offset, bytes)));
  return bytes;
}

template <typename Slot>
SlotHealth health_of(const Result<Slot>& slot) {
  if (slot) return SlotHealth::kGood;
  return slot.error().code == ErrorCode::kNotFound ? SlotHealth::kNeverWritten : SlotHealth::kDamaged;
}

bool same_cartridge(const Superblock& a, const Superblock& b) {
  return a.volume == b.volume && a.volser == b.volser && a.kind == b.kind && a.worm == b.worm &&
         a.partition == b.partition;
}

}  // namespace

Result<SuperblockPair> SuperblockPair::load(File& file) {
  SuperblockPair out;
  bool any_magic = false;
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < 2; ++i) {
    const Bytes bytes = TRY(read_slot(file, kSuperblockOffsets.at(i), kSuperblockBytes));
    any_magic |= bytes.size() >= kSuperblockMagic.size() &&
                 equal(ByteView(bytes).first(kSuperblockMagic.size()), as_bytes(kSuperblockMagic));
    out.slots_.at(i) = decode_superblock(bytes);
    const auto& slot = out.slots_.at(i);
    if (slot && (!best || slot->generation > out.slots_.at(*best)->generation)) best = i;
  }
  if (!best && !any_magic) {
    return fail(ErrorCode::kInvalidArgument, "this file is no Tapewarden cartridge", "path");
  }
  const auto is_newer = [](const auto& slot) {
    return !slot && slot.error().code == ErrorCode::kUnsupported;
  };
  // Also when the other slot can be read: it says what was true before the newer one.
  if (std::ranges::any_of(out.slots_, is_newer)) {
    return fail(ErrorCode::kUnsupported,
                "the superblock has a later version: the cartridge needs a newer reader", "superblock",
                "use the version of Tapewarden that wrote it, or a later one",
                detail(MediumFault::kNewerFormat));
  }
  if (!best) {
    return fail(ErrorCode::kCorrupt, "neither superblock can be read: " + out.slots_[0].error().message,
                "superblock", "copy the cartridge again from another pool or restore the file",
                detail(MediumFault::kHeaderDamaged));
  }
  out.current_ = *out.slots_.at(*best);
  out.current_slot_ = *best;
  const auto& other = out.slots_.at(1 - *best);
  if (other && !same_cartridge(*other, out.current_)) {
    return fail(ErrorCode::kCorrupt, "the two superblocks belong to different cartridges", "superblock", {},
                detail(MediumFault::kHeaderDamaged));
  }
  return out;
}

SuperblockPair SuperblockPair::fresh(Superblock first) {
  SuperblockPair out;
  out.current_ = std::move(first);
  return out;
}

Status SuperblockPair::write(File& file, Superblock next) {
  const std::size_t slot = 1 - current_slot_;
  next.generation = TRY(next_generation(current_.generation, "superblock"));
  TRY(file.write_at(kSuperblockOffsets.at(slot), encode_superblock(next)));
  TRY(file.sync());
  current_ = next;
  current_slot_ = slot;
  slots_.at(slot) = std::move(next);
  return {};
}

Result<MemoryArea> MemoryArea::load(File& file) {
  MemoryArea out;
  for (std::size_t i = 0; i < 2; ++i) {
    auto slot = decode_memory_slot(TRY(read_slot(file, kMemoryOffsets.at(i), kMemorySlotBytes)));
    out.slots_.at(i) = health_of(slot);
    if (!slot || slot->generation <= out.generation_) continue;
    out.generation_ = slot->generation;
    out.attributes_ = std::move(slot->attributes);
    out.current_slot_ = i;
  }
  return out;
}

Status MemoryArea::write(File& file, AttributeMap attributes) {
  (void)TRY(memory_bytes_left(attributes));
  const std::size_t slot = 1 - current_slot_;
  MemorySlot next{TRY(next_generation(generation_, "cartridge memory")), std::move(attributes)};
  TRY(file.write_at(kMemoryOffsets.at(slot), encode_memory_slot(next)));
  TRY(file.sync());
  generation_ = next.generation;
  attributes_ = std::move(next.attributes);
  current_slot_ = slot;
  slots_.at(slot) = SlotHealth::kGood;
  return {};
}

Result<KeyArea> KeyArea::load(File& file) {
  KeyArea out;
  TRY(out.reload(file));
  return out;
}

Status KeyArea::reload(File& file) {
  report_ = {};
  bool any_damage = false;
  for (std::size_t copy = 0; copy < kKeyCopies; ++copy) {
    KeyCopyHealth& health = report_.copies.at(copy);
    newest_slot_.at(copy) = 1;
    for (std::size_t i = 0; i < 2; ++i) {
      auto slot = decode_key_slot(TRY(read_slot(file, key_slot_offset(copy, i), kKeySlotBytes)));
      health.slots.at(i) = health_of(slot);
      any_damage |= health.slots.at(i) == SlotHealth::kDamaged;
      if (!slot || slot->generation <= health.generation.value_or(0)) continue;
      health.generation = slot->generation;
      newest_slot_.at(copy) = i;
      if (slot->generation <= report_.generation) continue;
      report_.generation = slot->generation;
      report_.info = std::move(slot->info);
    }
  }
  for (KeyCopyHealth& health : report_.copies) {
    health.stale = health.generation.value_or(0) < report_.generation;
  }
  report_.all_lost = report_.generation == 0 && any_damage;
  return {};
}

Status KeyArea::write(File& file, const KeyInfo& info, SlotsToWrite slots) {
  TRY(check_key_info(info));
  TRY(write_once(file, info));
  if (slots == SlotsToWrite::kBoth) TRY(write_once(file, info));
  return {};
}

Status KeyArea::write_once(File& file, const KeyInfo& info) {
  const KeySlot slot{TRY(next_generation(report_.generation, "key area")), info};
  const Bytes bytes = encode_key_slot(slot);
  for (std::size_t copy = 0; copy < kKeyCopies; ++copy) {
    TRY(file.write_at(key_slot_offset(copy, 1 - newest_slot_.at(copy)), bytes));
  }
  TRY(file.sync());
  TRY(reload(file));
  // EEDKs exist nowhere else on the cartridge: no record may follow unless they are what a reader will find.
  const bool all_hold = std::ranges::all_of(
      report_.copies, [&](const KeyCopyHealth& copy) { return copy.generation == slot.generation; });
  if (all_hold && report_.generation == slot.generation && report_.info == info) return {};
  return fail(ErrorCode::kCorrupt, "the key areas do not hold what was written to them", "key area",
              "write on another cartridge", detail(MediumFault::kHeaderDamaged));
}

}  // namespace tapewarden::tape
