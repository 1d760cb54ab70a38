#include "tape/medium/erase.h"

#include <algorithm>
#include <set>

#include "tape/medium/header_areas.h"
#include "tape/medium/inspect.h"
#include "tape/medium/layout.h"
#include "tape/medium/partition_set.h"
#include "tape/medium/record_stream.h"

namespace tapewarden::tape {

const std::string_view kOverwriteGuarantees =
    "Every byte of the file behind the superblocks was overwritten with random bytes and synced to stable "
    "storage (of a cartridge with two partitions: of both files): "
    "records, labels, EEDKs, key-associated data and cartridge memory can no longer be read through the "
    "file.";
const std::string_view kOverwriteDoesNotGuarantee =
    "Copies made before, snapshots of the file system or storage, blocks that a copy-on-write file system or "
    "a flash "
    "device remapped, and remnants on a real tape behind the last overwritten block are not reached. Destroy "
    "the data "
    "key too where that matters.";
const std::string_view kCryptographicGuarantees =
    "All EEDKs, the key server's signature, the key-associated data and the check value in the four key "
    "areas were "
    "overwritten in both generations and synced: from this cartridge alone its data key cannot be recovered, "
    "and every "
    "sealed record is unreadable to whoever does not have that key.";
const std::string_view kCryptographicDoesNotGuarantee =
    "The records stay on the cartridge, and so do the check value and the data key identifier in the session "
    "headers. "
    "Whoever holds the data key, its copy in a keystore, backup, ledger or escrow, or an EEDK copied earlier "
    "with its "
    "KEK, can still read them: destroy the key there, after looking at which other cartridges it seals. "
    "Clear records "
    "are not erased at all.";

std::string_view to_string(EraseMethod method) {
  return method == EraseMethod::kOverwrite ? "overwrite" : "cryptographic";
}

namespace {

constexpr std::size_t kChunkBytes = 1U << 20;
constexpr std::uint64_t kSyncEveryBytes = 256U << 20;
constexpr std::uint64_t kAreasStart = kMemoryOffsets[0];

struct Held {
  std::unique_ptr<File> file;
  std::unique_ptr<File> lock;
};

Result<Held> hold(Env env, const std::string& path) {
  Held held;
  held.file = TRY(env.disk->open(path, OpenMode::kReadWrite));
  held.lock = TRY(env.disk->lock(path));
  return held;
}

EraseReport begin_report(Env env, EraseMethod method, const Inspection& before) {
  EraseReport report;
  report.method = method;
  report.volume = before.current.volume;
  report.volser = before.current.volser;
  report.began = env.clock->wall_now();
  report.records_dropped = before.counts.data + before.counts.filemarks;
  report.partitions = before.current.partitions;
  if (before.second) report.records_dropped += before.second->counts.data + before.second->counts.filemarks;
  std::set<KeyCheckValue> keys;
  for (const SessionSummary& session : before.all_sessions()) {
    if (session.encrypted) keys.insert(session.check_value);
  }
  if (before.key_info.info.check_value) keys.insert(*before.key_info.info.check_value);
  report.keys.assign(keys.begin(), keys.end());
  return report;
}

// Says first that nothing is on the cartridge, so that a power loss while overwriting leaves an empty one.
Status declare_empty(File& file, SuperblockPair& superblocks, std::uint32_t last_session) {
  Superblock block = superblocks.current();
  block.mark = ChainState::beginning().mark();
  block.closed = false;
  block.index_offset = 0;
  block.next_session_id = std::max(block.next_session_id, last_session + 1);
  TRY(superblocks.write(file, block));
  return superblocks.write(file, block);
}

Status overwrite(Env env, File& file, std::uint64_t end, const EraseProgress& progress) {
  Bytes noise(kChunkBytes);
  std::uint64_t unsynced = 0;
  for (std::uint64_t at = kAreasStart; at < end;) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kChunkBytes, end - at));
    const MutableByteView chunk = MutableByteView(noise).first(count);
    env.random->fill(chunk);
    TRY(file.write_at(at, chunk));
    at += count;
    unsynced += count;
    if (unsynced >= kSyncEveryBytes) {
      TRY(file.sync());
      unsynced = 0;
    }
    if (progress) progress(at - kAreasStart, end - kAreasStart);
  }
  return file.sync();
}

// The attributes that belong to the cartridge rather than to its content; host attributes go.
AttributeMap lasting_attributes(const AttributeMap& all) {
  constexpr AttributeId kHostAttributes = 0x0800;
  AttributeMap out;
  for (const auto& [id, value] : all) {
    if (id < kHostAttributes || id == attribute::kBarcode) out[id] = value;
  }
  return out;
}

}  // namespace

namespace {

// Every byte of one file behind its superblocks.
Status overwrite_file(Env env, File& file, const Inspection& before, const EraseProgress& progress,
                      EraseReport& report) {
  const std::uint64_t end = std::max(TRY(file.size()), kDataStart);
  TRY(overwrite(env, file, end, progress));
  report.bytes_overwritten += end - kAreasStart;
  report.key_slots_overwritten += 2 * kKeyCopies;
  // Zeros say "never written"; random bytes would say "damaged".
  const Bytes zeros(kChunkBytes - kAreasStart);
  static_assert(kDataStart == kChunkBytes);
  TRY(file.write_at(kAreasStart, zeros));
  TRY(file.truncate(kDataStart));
  TRY(file.sync());
  if (before.attributes.empty()) return {};
  MemoryArea memory;
  return memory.write(file, lasting_attributes(before.attributes));
}

Status declare_empty(File& file, const Inspection& before) {
  SuperblockPair superblocks = TRY(SuperblockPair::load(file));
  return declare_empty(file, superblocks, before.sessions.empty() ? 0 : before.sessions.back().id);
}

// What is on a part that is not there would stay, whatever a report says.
Status check_all_there(const Inspection& before) {
  if (before.current.partition != 0)
    return fail(ErrorCode::kInvalidArgument, "this is partition 1 of a cartridge", "path",
                "name the file of its partition 0: both are erased together");
  if (before.second_lost.empty()) return {};
  return fail(ErrorCode::kCorrupt, before.second_lost, "partition 1",
              "put its file back; nothing was erased");
}

Status finish_begun_format(Env env, const std::string& path, File& file) {
  SuperblockPair superblocks = TRY(SuperblockPair::load(file));
  return superblocks.current().formatting ? finish_format(env, path, file, superblocks) : Status{};
}

}  // namespace

Result<EraseReport> erase_overwrite(Env env, const std::string& path, const EraseProgress& progress) {
  const Held held = TRY(hold(env, path));
  TRY(check_all_there(TRY(inspect(env, path))));
  TRY(finish_begun_format(env, path, *held.file));
  const Inspection before = TRY(inspect(env, path));
  if (before.current.worm) {
    return fail(ErrorCode::kPermissionDenied, "a WORM cartridge cannot be overwritten", "worm",
                "erase it cryptographically, or destroy the medium");
  }
  EraseReport report = begin_report(env, EraseMethod::kOverwrite, before);
  std::unique_ptr<File> second;
  if (before.second) second = TRY(env.disk->open(partition_path(path), OpenMode::kReadWrite));
  TRY(declare_empty(*held.file, before));
  if (second) TRY(declare_empty(*second, *before.second));
  TRY(overwrite_file(env, *held.file, before, progress, report));
  if (second) TRY(overwrite_file(env, *second, *before.second, progress, report));
  report.ended = env.clock->wall_now();
  report.guarantees = kOverwriteGuarantees;
  report.does_not_guarantee = kOverwriteDoesNotGuarantee;
  return report;
}

Result<EraseReport> erase_cryptographic(Env env, const std::string& path) {
  const Held held = TRY(hold(env, path));
  const Inspection before = TRY(inspect(env, path));
  TRY(check_all_there(before));
  const auto sessions = before.all_sessions();
  const auto is_clear = [](const SessionSummary& session) {
    return !session.encrypted && session.data_records > 0;
  };
  if (std::ranges::any_of(sessions, is_clear)) {
    return fail(ErrorCode::kInvalidArgument,
                "the cartridge holds clear records, which need no key to be read", "method",
                "erase it by overwriting");
  }
  EraseReport report = begin_report(env, EraseMethod::kCryptographic, before);
  KeyArea keys = TRY(KeyArea::load(*held.file));
  TRY(keys.write(*held.file, KeyInfo{}, SlotsToWrite::kBoth));
  report.bytes_overwritten = 2 * kKeyCopies * kKeySlotBytes;
  report.key_slots_overwritten = 2 * kKeyCopies;
  report.ended = env.clock->wall_now();
  report.guarantees = kCryptographicGuarantees;
  report.does_not_guarantee = kCryptographicDoesNotGuarantee;
  return report;
}

}  // namespace tapewarden::tape
