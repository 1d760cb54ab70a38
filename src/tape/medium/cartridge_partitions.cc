// The partitions of a cartridge: which file is read and written, what both have in common, and formatting.
#include "base/assert.h"
#include "tape/medium/cartridge_state.h"
#include "tape/medium/layout.h"
#include "tape/medium/limits.h"

namespace tapewarden::tape {
namespace {

constexpr std::uint32_t kNoMoreChanges = 0xffffffff;

Status check_sizes(const Superblock& block, const PartitionSizes& sizes) {
  const std::uint64_t medium = medium_bytes(block);
  const std::uint64_t second = sizes.second.value_or(0);
  const bool none = sizes.first == 0 || (sizes.second && second == 0);
  if (!none && sizes.first <= medium && second <= medium - sizes.first) return {};
  return fail(ErrorCode::kInvalidArgument, "the partitions do not fit the medium", "partition size",
              "give each at least a byte, and all together no more than the capacity");
}

CartridgeStats sum(CartridgeStats a, const CartridgeStats& b) {
  a.records_written += b.records_written;
  a.records_read += b.records_read;
  a.host_bytes_written += b.host_bytes_written;
  a.host_bytes_read += b.host_bytes_read;
  a.stored_bytes_written += b.stored_bytes_written;
  a.stored_bytes_read += b.stored_bytes_read;
  a.sync_marks += b.sync_marks;
  a.sessions_begun += b.sessions_begun;
  return a;
}

}  // namespace

Cartridge::State& Cartridge::first() const {
  return state_->partition() == 0 ? *state_ : *other_;
}

Cartridge::State* Cartridge::of_partition(std::uint8_t partition) const {
  if (state_->partition() == partition) return state_.get();
  return other_ && other_->partition() == partition ? other_.get() : nullptr;
}

// REQUIRES: state_ is partition 0.
Status Cartridge::open_second() {
  other_.reset();
  lost_.reset();
  state_->sibling = nullptr;
  state_->sibling_lost = false;
  const Superblock& block = state_->superblocks.current();
  if (block.partitions == 1) return {};
  const auto path = find_second(*state_->env.disk, state_->path, block);
  auto second = path ? open_state(state_->env, *path, state_->mode, nullptr)
                     : Result<std::unique_ptr<State>>(std::unexpected(path.error()));
  if (!second && second.error().code == ErrorCode::kIo) return std::unexpected(second.error());
  if (!second) {
    lost_ = path ? in_context("partition 1", second.error()).error() : path.error();
    state_->sibling_lost = true;
    return {};
  }
  other_ = *std::move(second);
  other_->sibling = state_.get();
  state_->sibling = other_.get();
  return {};
}

std::uint8_t Cartridge::partitions() const {
  return first().superblocks.current().partitions;
}

const std::optional<Error>& Cartridge::lost_partition() const {
  return lost_;
}

bool Cartridge::begins_cartridge() const {
  return at_beginning() && state_->alone();
}

Status Cartridge::change_partition(std::uint8_t partition) {
  if (partition >= partitions())
    return fail(ErrorCode::kInvalidArgument, "the cartridge has no such partition", "partition");
  if (of_partition(partition) == nullptr) return std::unexpected(*lost_);
  if (partition == state_->partition()) return rewind();
  if (writable()) TRY(sync());
  state_->leave_session(Leaving::kEnded);
  state_->drop_ready();
  std::swap(state_, other_);
  state_->spec = std::exchange(other_->spec, {});
  return rewind();
}

Status Cartridge::format(const PartitionSizes& sizes) {
  State& tape = first();
  if (tape.mode != CartridgeMode::kReadWrite || tape.unloaded || tape.failure) return tape.require_writable();
  const Superblock& block = tape.superblocks.current();
  if (block.worm) {
    return fail(ErrorCode::kPermissionDenied, "a WORM cartridge cannot be formatted", "worm", {},
                detail(MediumFault::kWormOverwrite));
  }
  TRY(check_sizes(block, sizes));
  forget_keys(Leaving::kEnded);
  if (!tape.sibling_lost) TRY(tape.count_change());
  const auto begun =
      begin_format(tape.env, tape.path, *tape.file, tape.superblocks, sizes, tape.end.session_id + 1);
  if (!begun && begun.error().code == ErrorCode::kConflict) return begun;  // nothing was done
  TRY(tape.guard(begun));
  // What the format leaves to do is done by opening, as after a power loss.
  auto opened = open_state(tape.env, tape.path, tape.mode, nullptr);
  if (!opened) return tape.guard(std::unexpected(opened.error()));
  auto& fresh = **opened;
  fresh.lock = std::move(tape.lock);
  fresh.stats = stats();
  fresh.observer = tape.observer;
  fresh.programmable_early_warning = tape.programmable_early_warning;
  fresh.change_counted = tape.change_counted;
  other_.reset();
  state_ = *std::move(opened);
  TRY(open_second());
  if (other_) {
    other_->observer = state_->observer;
    other_->programmable_early_warning = state_->programmable_early_warning;
  }
  return {};
}

const AttributeMap& Cartridge::attributes(std::uint8_t partition) const {
  const State* state = of_partition(partition);
  TW_ASSERT(state != nullptr);
  return state->memory.attributes();
}

Status Cartridge::set_attributes(const AttributeMap& changes, std::uint8_t partition) {
  State* state = of_partition(partition);
  TW_ASSERT(state != nullptr);
  TRY(state->require_writable());
  AttributeMap next = state->memory.attributes();
  for (const auto& [id, attribute] : changes) {
    if (attribute.value.empty()) {
      next.erase(id);
    } else {
      next[id] = attribute;
    }
  }
  (void)TRY(memory_bytes_left(next));
  return state->guard(state->memory.write(*state->file, std::move(next)));
}

CapacityState Cartridge::capacity(std::uint8_t partition) const {
  const State* state = of_partition(partition);
  TW_ASSERT(state != nullptr);
  return state->capacity();
}

CartridgeStats Cartridge::stats() const {
  return other_ ? sum(state_->stats, other_->stats) : state_->stats;
}

std::uint32_t Cartridge::volume_change_reference() const {
  const AttributeMap& memory = first().memory.attributes();
  if (!memory.contains(attribute::kVolumeChangeReference)) {
    const bool empty = state_->alone() && state_->end.object == 0;
    return empty ? 0 : kNoMoreChanges;  // written before it was counted, or there was no room for it
  }
  return static_cast<std::uint32_t>(attribute_number(memory, attribute::kVolumeChangeReference));
}

void Cartridge::volume_change_told() {
  for (State* state : {state_.get(), other_.get()})
    if (state != nullptr) state->change_counted = false;
}

Status Cartridge::State::count_change() {
  if (change_counted) return {};
  State& areas = first();
  if (!areas.change_counted) {
    AttributeMap next = areas.memory.attributes();
    const auto before = attribute_number(next, attribute::kVolumeChangeReference);
    next[attribute::kVolumeChangeReference] =
        number_attribute(before < kNoMoreChanges ? before + 1 : kNoMoreChanges, 4);
    // Where the host's attributes fill the memory they go before; a host then sees a reference that stands.
    if (memory_bytes_left(next)) TRY(areas.guard(areas.memory.write(*areas.file, std::move(next))));
  }
  change_counted = areas.change_counted = true;
  return {};
}

}  // namespace tapewarden::tape
