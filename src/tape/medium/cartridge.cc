#include "tape/medium/cartridge.h"

#include <algorithm>

#include "base/assert.h"
#include "tape/medium/cartridge_state.h"
#include "tape/medium/layout.h"
#include "tape/medium/limits.h"

namespace tapewarden::tape {

namespace {

constexpr std::uint64_t kMostEarlyWarningBytes = 512U << 20;
constexpr std::uint8_t kMediumTypeWorm = 0x80;
constexpr std::uint8_t kMediumTypeData = 0x00;

Status check_spec(const CartridgeSpec& spec) {
  const auto volser_character = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (spec.volser.empty() || spec.volser.size() > kMaxVolserBytes ||
      !std::ranges::all_of(spec.volser, volser_character)) {
    return fail(ErrorCode::kInvalidArgument, "a volser has 1 to 8 characters of A-Z and 0-9", "volser");
  }
  if (spec.capacity_bytes == 0 || spec.capacity_bytes > kMaxCapacityBytes) {
    return fail(ErrorCode::kInvalidArgument, "the capacity is out of range", "capacity_bytes");
  }
  if (spec.early_warning_bytes > spec.capacity_bytes) {
    return fail(ErrorCode::kInvalidArgument, "the early warning lies before the beginning",
                "early_warning_bytes");
  }
  if (spec.compression_level > kMaxCompressionLevel) {
    return fail(ErrorCode::kInvalidArgument, "the compression level is 0 to 3", "compression_level");
  }
  return {};
}

Superblock first_superblock(Env env, const CartridgeSpec& spec) {
  Superblock block;
  block.volume = spec.volume.is_nil() ? Uuid::random(*env.random) : spec.volume;
  block.volser = spec.volser;
  block.kind = spec.kind;
  block.density = spec.density;
  block.worm = spec.worm;
  block.management = spec.management;
  block.compression_level = spec.compression_level;
  block.capacity_bytes = spec.capacity_bytes;
  block.early_warning_bytes = spec.early_warning_bytes != 0
                                  ? spec.early_warning_bytes
                                  : std::min(spec.capacity_bytes / 100, kMostEarlyWarningBytes);
  block.created = env.clock->wall_now();
  block.mark = ChainState::beginning().mark();
  return block;
}

AttributeMap first_attributes(const Superblock& block) {
  const std::string made = format_utc(block.created);
  AttributeMap out;
  out[attribute::kLoadCount] = number_attribute(0, 8);
  out[attribute::kMediumManufacturer] = ascii_attribute("TAPEWDN", 8);
  out[attribute::kMediumSerialNumber] = ascii_attribute(block.volume.text().substr(4), 32);
  out[attribute::kMediumDensity] = number_attribute(block.density, 1);
  out[attribute::kMediumManufactureDate] =
      ascii_attribute(made.substr(0, 4) + made.substr(5, 2) + made.substr(8, 2), 8);
  out[attribute::kMediumType] = number_attribute(block.worm ? kMediumTypeWorm : kMediumTypeData, 1);
  out[attribute::kBarcode] = ascii_attribute(block.volser, 32);
  return out;
}

// Everything before the data region, in a file of its own that then takes the cartridge's name.
Status make_file(Env env, const std::string& path, const Superblock& block) {
  const auto file = TRY(env.disk->open(path, OpenMode::kCreate));
  TRY(file->truncate(0));
  TRY(file->truncate(kDataStart));
  MemoryArea memory;
  TRY(memory.write(*file, first_attributes(block)));
  SuperblockPair superblocks = SuperblockPair::fresh(block);
  TRY(superblocks.write(*file, block));
  return superblocks.write(*file, block);
}

}  // namespace

Cartridge::Cartridge(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cartridge::~Cartridge() = default;

Result<std::unique_ptr<Cartridge>> Cartridge::create(Env env, const std::string& path,
                                                     const CartridgeSpec& spec) {
  TRY(check_spec(spec));
  if (env.disk->exists(path))
    return fail(ErrorCode::kAlreadyExists, path + " exists", "path",
                "choose another name; a cartridge that is there is never written over by a new one");
  if (const auto left = partition_files(*env.disk, path); !left.empty())
    return fail(ErrorCode::kAlreadyExists, left.front() + " exists", "path",
                "it is a partition of another cartridge: keep it with that one, or choose another name");
  const std::string made = path + ".new";
  TRY(make_file(env, made, first_superblock(env, spec)));
  TRY(env.disk->rename(made, path));
  TRY(env.disk->sync_directory(parent_directory(path)));
  return open(env, path, CartridgeMode::kReadWrite);
}

Result<std::unique_ptr<Cartridge>> Cartridge::open(Env env, const std::string& path, CartridgeMode mode) {
  std::unique_ptr<File> lock;
  if (mode == CartridgeMode::kReadWrite) {
    (void)TRY(env.disk->open(path, OpenMode::kRead));  // a lock would make a missing file
    lock = TRY(env.disk->lock(path));
  }
  auto state = TRY(open_state(env, path, mode, std::move(lock)));
  if (state->partition() != 0)
    return fail(ErrorCode::kInvalidArgument, path + " is partition 1 of a cartridge", "path",
                "name the file of its partition 0, beside it without \".partition1\"");
  auto opened = std::unique_ptr<Cartridge>(new Cartridge(std::move(state)));
  TRY(opened->open_second());
  return opened;
}

Result<std::unique_ptr<Cartridge::State>> Cartridge::open_state(Env env, const std::string& path,
                                                                CartridgeMode mode,
                                                                std::unique_ptr<File> lock) {
  const bool writing = mode == CartridgeMode::kReadWrite;
  auto file = TRY(env.disk->open(path, writing ? OpenMode::kReadWrite : OpenMode::kRead));
  SuperblockPair superblocks = TRY(SuperblockPair::load(*file));
  if (writing && superblocks.current().formatting) TRY(finish_format(env, path, *file, superblocks));
  MemoryArea memory = TRY(MemoryArea::load(*file));
  KeyArea keys = TRY(KeyArea::load(*file));
  auto state = std::make_unique<State>(env, path, mode, std::move(lock), std::move(file),
                                       std::move(superblocks), std::move(memory), std::move(keys));
  const Superblock& block = state->superblocks.current();
  state->physical_bytes = bytes_that_count(block, TRY(state->file->size()));
  Recovered found = TRY(recover(state->stream, block, state->physical_bytes));
  if (found.damage && writing) return std::unexpected(*found.damage);
  if (found.stopped) state->damage = std::move(found.damage);
  state->index = std::move(found.index);
  state->end = found.end;
  state->last_type = found.last_type;
  state->file_bytes = found.end.offset;
  state->pos = ChainState::beginning();
  const bool judged = !state->damage && state->stream.newer_sessions().empty();
  state->cut_off_here = judged && !found.ended && state->inside_file(state->end.object);
  return state;
}

CartridgeIdentity Cartridge::identity() const {
  const Superblock& block = first().superblocks.current();
  return {block.volume,
          block.volser,
          block.kind,
          block.density,
          block.worm,
          block.management,
          block.compression_level,
          medium_bytes(block),
          block.created,
          block.partitions};
}

bool Cartridge::writable() const {
  return state_->require_writable().has_value();
}

Status Cartridge::set_management(KeyManagement management) {
  TRY(state_->require_writable());
  Superblock block = first().superblocks.current();
  block.management = management;
  return first().write_superblock(block);
}

Status Cartridge::set_compression_level(std::uint8_t level) {
  TRY(state_->require_writable());
  if (level > kMaxCompressionLevel) {
    return fail(ErrorCode::kInvalidArgument, "the compression level is 0 to 3", "compression_level");
  }
  Superblock block = first().superblocks.current();
  block.compression_level = level;
  return first().write_superblock(block);
}

Status Cartridge::count_load() {
  const std::uint64_t loads = attribute_number(attributes(), attribute::kLoadCount) + 1;
  return set_attributes({{attribute::kLoadCount, number_attribute(loads, 8)}});
}

const KeyInfoReport& Cartridge::key_info() const {
  return first().keys.report();
}

Status Cartridge::set_key_info(const KeyInfo& info) {
  TRY(state_->require_writable());
  TRY(check_key_info(info));
  return first().guard(first().keys.write(*first().file, info, SlotsToWrite::kOlder));
}

Status Cartridge::repair_key_info(const KeyInfo* content) {
  TRY(state_->require_writable());
  if (content == nullptr && key_info().generation == 0) {
    return fail(ErrorCode::kNotFound, "no copy of the key information can be read", "key area",
                "repair it from the key ledger");
  }
  const KeyInfo info = content != nullptr ? *content : key_info().info;
  TRY(check_key_info(info));
  return first().guard(first().keys.write(*first().file, info, SlotsToWrite::kBoth));
}

SessionKeys Cartridge::session_keys() const {
  SessionKeys out;
  for (const State* state : {state_.get(), other_.get()}) {
    if (state == nullptr) continue;
    const auto& read = state->stream.sessions();
    out.unknown = out.unknown || std::ranges::any_of(state->index.sessions(), [&](const auto& session) {
                    return !read.contains(session.id);
                  });
    for (const auto& [id, entry] : read) {
      const bool known =
          std::ranges::find(out.check_values, entry.info.check_value) != out.check_values.end();
      if (entry.info.encrypted() && !known) out.check_values.push_back(entry.info.check_value);
    }
  }
  return out;
}

CapacityState Cartridge::State::capacity() const {
  const Superblock& block = superblocks.current();
  CapacityState out;
  out.capacity_bytes = block.capacity_bytes;
  out.used_bytes = end.offset - kDataStart;
  out.used_to_position_bytes = pos.offset - kDataStart;
  const std::uint64_t used = out.used_to_position_bytes;
  const std::uint64_t warning = block.capacity_bytes - block.early_warning_bytes;
  out.early_warning = used >= warning;
  const std::uint64_t zone = std::min(programmable_early_warning, warning);
  out.programmable_early_warning = zone != 0 && used >= warning - zone;
  out.end_of_medium = used >= block.capacity_bytes;
  return out;
}

CapacityState Cartridge::capacity() const {
  return state_->capacity();
}

void Cartridge::set_programmable_early_warning(std::uint64_t bytes) {
  state_->programmable_early_warning = bytes;
  if (other_) other_->programmable_early_warning = bytes;
}

void Cartridge::set_seal_observer(SealObserver observer) {
  if (other_) other_->observer = observer;
  state_->observer = std::move(observer);
}

Status Cartridge::State::require_writable() const {
  if (mode != CartridgeMode::kReadWrite || unloaded) {
    return fail(ErrorCode::kPermissionDenied, "the cartridge is open for reading only", "mode", {},
                detail(MediumFault::kWriteProtected));
  }
  if (failure) return std::unexpected(*failure);
  if (sibling != nullptr && sibling->failure) return std::unexpected(*sibling->failure);
  if (sibling_lost) {
    return fail(ErrorCode::kCorrupt,
                "partition 1 of the cartridge is lost: nothing is written to what is left", "partition 1",
                "put its file back, or format the cartridge", detail(MediumFault::kHeaderDamaged));
  }
  return {};
}

Status Cartridge::State::guard(Status result) {
  if (!result && !failure) {
    live.reset();
    left.reset();
    spec.key.reset();
    failure = Error{result.error().code,
                    "an earlier write to the cartridge failed: " + result.error().message,
                    {},
                    "open the cartridge again; what was synced is safe",
                    result.error().detail};
  }
  return result;
}

Status Cartridge::State::write_superblock(Superblock block) {
  return guard(superblocks.write(*file, std::move(block)));
}

}  // namespace tapewarden::tape
