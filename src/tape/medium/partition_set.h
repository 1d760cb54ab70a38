// A cartridge with two partitions: two files, PATH (partition 0) and PATH.partition1, each a whole cartridge
// file with its own chain, end of data, index and sync marks, because overwriting rests on cutting a file
// off. Cartridge memory (but for the attributes of partition 1) and the key areas are those of partition 0.
// Here: how the two belong together, and how FORMAT MEDIUM makes one layout out of another. Functions without
// state; internal to tape/medium, but for the names of files.
//
// Invariants
//  1. Both superblocks hold the volume UUID and the format id that the last format drew. A file beside the
//     cartridge that does not hold both is never read as its partition 1, nor changed.
//  2. The new layout begins with one superblock of partition 0, flagged "formatting" with its mark at the
//     beginning: before it is on stable storage the old layout stands whole, from then on nothing of the old
//     one is shown. What is left to do is done at once, or by the next opening for writing.
//  3. The file of the new partition 1 is on stable storage, under its name for the time being, before that.
#pragma once

#include <optional>
#include <string>

#include "base/env.h"
#include "tape/medium/header_areas.h"

namespace tapewarden::tape {

inline constexpr std::uint8_t kMaxMediumPartitions = 2;

// Capacity of each partition in bytes of records; `second` is none: one partition.
struct PartitionSizes {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> second;
};
// The least that a partition has: a fortieth of the medium, as two wraps of the eighty of LTO-5.
std::uint64_t least_partition_bytes(std::uint64_t medium_bytes);

// PATH.partition1, where the second partition of the cartridge at PATH lies.
std::string partition_path(const std::string& path);
// Every file of the cartridge at `path` beside itself that is there now: for whoever moves, copies or removes
// cartridge files.
std::vector<std::string> partition_files(Disk& disk, const std::string& path);

// How much of a file of that length holds records of its layout.
std::uint64_t bytes_that_count(const Superblock& block, std::uint64_t file_bytes);
// Of all partitions together.
std::uint64_t medium_bytes(const Superblock& block);

// The file that is partition 1 of the cartridge at `path` with that superblock. kCorrupt, saying what is
// there instead: nothing, another cartridge's, one of an earlier format.
// REQUIRES: first.partitions == 2.
Result<std::string> find_second(Disk& disk, const std::string& path, const Superblock& first);

// Makes the new layout up to the superblock that begins it.
// kConflict when the name of the second file is taken by what is not this cartridge's; kIo.
Status begin_format(Env env, const std::string& path, File& file, SuperblockPair& superblocks,
                    const PartitionSizes& sizes, std::uint32_t next_session_id);
// Does what is left to do; may be repeated. REQUIRES: superblocks.current().formatting.
Status finish_format(Env env, const std::string& path, File& file, SuperblockPair& superblocks);

}  // namespace tapewarden::tape
