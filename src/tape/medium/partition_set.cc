#include "tape/medium/partition_set.h"

#include <algorithm>

#include "base/assert.h"
#include "tape/medium/cartridge.h"
#include "tape/medium/layout.h"
#include "tape/medium/record_stream.h"

namespace tapewarden::tape {
namespace {

constexpr std::uint64_t kLeastShare = 40;

// Where the new partition 1 lies until the new layout has begun.
std::string made_path(const std::string& path) {
  return partition_path(path) + ".new";
}

Result<Superblock> superblock_of(Disk& disk, const std::string& path) {
  const auto file = TRY(disk.open(path, OpenMode::kRead));
  return TRY(SuperblockPair::load(*file)).current();
}

bool is_second_of(const Superblock& block, const Superblock& first) {
  return block.volume == first.volume && block.partition == 1 && block.format == first.format;
}

std::unexpected<Error> lost(const std::string& what) {
  return fail(ErrorCode::kCorrupt, "partition 1 cannot be reached: " + what, "partition 1",
              "put the file of this cartridge's partition 1 back beside it, or format the cartridge anew",
              detail(MediumFault::kHeaderDamaged));
}

// Whether the file may be replaced or removed by a format of the cartridge `first`: it is gone already, a
// part of this very volume, or an unfinished one of ours that never came to a superblock.
Status check_ours(Disk& disk, const std::string& path, const Superblock& first) {
  if (!disk.exists(path)) return {};
  const auto block = superblock_of(disk, path);
  if (block && block->volume == first.volume && block->partition == 1) return {};
  if (!block && block.error().code == ErrorCode::kIo) return std::unexpected(block.error());
  return fail(ErrorCode::kConflict, path + " is no partition of this cartridge", "partition 1",
              "move that file away; nothing was formatted");
}

std::uint64_t share(std::uint64_t whole, std::uint64_t part, std::uint64_t of) {
  // Both below 2^50; the quotient first, so that nothing overflows.
  return whole / of * part + whole % of * part / of;
}

// What all partitions of the new layout have in common; `bytes`: of this one.
Superblock fresh_block(const Superblock& old, std::uint64_t bytes) {
  Superblock block = old;
  const std::uint64_t medium = medium_bytes(old);
  const std::uint64_t warning = old.medium_bytes != 0 ? old.medium_warning_bytes : old.early_warning_bytes;
  block.medium_bytes = medium;
  block.medium_warning_bytes = warning;
  block.capacity_bytes = bytes;
  block.early_warning_bytes = std::min(share(std::min(warning, medium), bytes, medium), bytes);
  block.mark = ChainState::beginning().mark();
  block.closed = false;
  block.index_offset = 0;
  return block;
}

// The file of partition 1: all of it before anything says that it is one.
Status make_second(Env env, const std::string& path, Superblock block) {
  const auto file = TRY(env.disk->open(path, OpenMode::kCreate));
  TRY(file->truncate(0));
  TRY(file->truncate(kDataStart));
  block.partition = 1;
  block.formatting = false;
  block.generation = 0;
  block.next_session_id = 1;
  SuperblockPair pair = SuperblockPair::fresh(block);
  TRY(pair.write(*file, block));
  TRY(pair.write(*file, block));
  return env.disk->sync_directory(parent_directory(path));
}

// What of an earlier layout lies under the names of partition 1.
Status remove_others(Env env, const std::string& path, const Superblock& first) {
  for (const std::string& name : {partition_path(path), made_path(path)}) {
    if (!env.disk->exists(name)) continue;
    const auto block = superblock_of(*env.disk, name);
    const bool of_volume = block && block->volume == first.volume && block->partition == 1;
    if (of_volume && !(first.partitions == 2 && is_second_of(*block, first))) TRY(env.disk->remove(name));
  }
  return {};
}

Status take_second(Env env, const std::string& path, const Superblock& first) {
  if (first.partitions == 2) {
    // Should it be gone by now, partition 1 is lost, which is told when the cartridge is opened.
    const auto found = find_second(*env.disk, path, first);
    if (found && *found != partition_path(path)) {
      TRY(check_ours(*env.disk, partition_path(path), first));
      TRY(env.disk->rename(*found, partition_path(path)));
    }
  }
  TRY(remove_others(env, path, first));
  return env.disk->sync_directory(parent_directory(path));
}

}  // namespace

std::uint64_t least_partition_bytes(std::uint64_t medium_bytes) {
  return std::max<std::uint64_t>(medium_bytes / kLeastShare, 1);
}

std::string partition_path(const std::string& path) {
  return path + ".partition1";
}

std::vector<std::string> partition_files(Disk& disk, const std::string& path) {
  std::vector<std::string> out;
  for (const std::string& name : {partition_path(path), made_path(path)})
    if (disk.exists(name)) out.push_back(name);
  return out;
}

std::uint64_t bytes_that_count(const Superblock& block, std::uint64_t file_bytes) {
  return block.formatting ? std::min(file_bytes, block.mark.length) : file_bytes;
}

std::uint64_t medium_bytes(const Superblock& block) {
  return block.medium_bytes != 0 ? block.medium_bytes : block.capacity_bytes;
}

Result<std::string> find_second(Disk& disk, const std::string& path, const Superblock& first) {
  TW_ASSERT(first.partitions == 2);
  const auto here = superblock_of(disk, partition_path(path));
  if (here && is_second_of(*here, first)) return partition_path(path);
  // A format that was cut off before the file took its name.
  if (first.formatting) {
    const auto made = superblock_of(disk, made_path(path));
    if (made && is_second_of(*made, first)) return made_path(path);
  }
  const std::string name = partition_path(path);
  if (!here && here.error().code == ErrorCode::kNotFound) return lost(name + " is missing");
  if (!here) return lost(name + ": " + here.error().message);
  if (here->volume != first.volume) return lost(name + " belongs to the cartridge " + here->volser);
  if (here->partition != 1) return lost(name + " is partition 0 of this cartridge");
  return lost(name + " is of an earlier format of this cartridge");
}

Status begin_format(Env env, const std::string& path, File& file, SuperblockPair& superblocks,
                    const PartitionSizes& sizes, std::uint32_t next_session_id) {
  const Superblock& old = superblocks.current();
  Superblock block = fresh_block(old, sizes.first);
  block.next_session_id = std::max(old.next_session_id, next_session_id);
  block.partitions = sizes.second ? 2 : 1;
  block.format = sizes.second ? Uuid::random(*env.random) : Uuid{};
  block.formatting = true;
  if (sizes.second) {
    TRY(check_ours(*env.disk, partition_path(path), old));
    Superblock second = fresh_block(old, *sizes.second);
    second.partitions = 2;
    second.format = block.format;
    TRY(make_second(env, made_path(path), std::move(second)));
  }
  return superblocks.write(file, std::move(block));
}

Status finish_format(Env env, const std::string& path, File& file, SuperblockPair& superblocks) {
  Superblock block = superblocks.current();
  TW_ASSERT(block.formatting);
  // In both slots: with the newer one damaged the older must not speak of records that are gone.
  TRY(superblocks.write(file, block));
  TRY(file.truncate(block.mark.length));
  TRY(file.sync());
  KeyArea keys = TRY(KeyArea::load(file));
  if (!keys.report().info.empty() || keys.report().all_lost)
    TRY(keys.write(file, KeyInfo{}, SlotsToWrite::kBoth));
  TRY(take_second(env, path, block));
  block.formatting = false;
  if (block.partitions == 1) block.medium_bytes = block.medium_warning_bytes = 0;
  TRY(superblocks.write(file, block));
  return superblocks.write(file, std::move(block));
}

}  // namespace tapewarden::tape
