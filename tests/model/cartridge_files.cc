#include "cartridge_files.h"

#include <algorithm>
#include <limits>

#include "engine/physical/keyed_tape.h"
#include "tape/medium/full_scan.h"
#include "tape/medium/header_areas.h"
#include "tape/medium/inspect.h"

namespace tapewarden::engine::test {
namespace {

constexpr std::uint64_t kCartridgeLimit = 64U << 20;
const std::string kOtherPath = "elsewhere/cartridge.twc";

}  // namespace

std::string CartridgeFiles::path_of(const std::string& barcode) {
  return "library/cartridges/" + barcode + ".twc";
}

Result<std::uint64_t> CartridgeFiles::spoil(const std::string& barcode, std::uint64_t block) {
  Disk& disk = back_.sim.disk;
  const auto file = TRY(disk.open(path_of(barcode), OpenMode::kRead));
  const auto superblocks = TRY(tape::SuperblockPair::load(*file));
  tape::RecordStream stream(*file, superblocks.current().volume);
  std::optional<std::uint64_t> found;
  tape::ScanVisitor visitor;
  visitor.record = [&](const tape::RecordHeader& header, const tape::ChainState& before, bool) -> Status {
    if (header.type == tape::RecordType::kData && header.logical_object == block)
      found = before.offset + tape::kHeaderBytes + header.stored_length / 2;
    return {};
  };
  visitor.fault = [](const Error&, std::uint64_t, std::uint64_t) {};
  (void)TRY(tape::scan_records(stream, superblocks.current(), TRY(file->size()), visitor));
  if (!found) return fail(ErrorCode::kNotFound, barcode + " has no block " + std::to_string(block));
  spoiled_.push_back({barcode, *found, {}});
  TRY(flip(spoiled_.back()));
  return *found;
}

Result<Bytes> CartridgeFiles::around(const Spoiled& spoiled) const {
  constexpr std::size_t kAround = 64;
  Disk& disk = back_.sim.disk;
  const auto file = TRY(disk.open(path_of(spoiled.barcode), OpenMode::kRead));
  Bytes bytes(kAround);
  bytes.resize(TRY(file->read_at(spoiled.offset, bytes)));
  return bytes;
}

Status CartridgeFiles::flip(Spoiled& spoiled) {
  Disk& disk = back_.sim.disk;
  {
    const auto file = TRY(disk.open(path_of(spoiled.barcode), OpenMode::kReadWrite));
    Bytes byte(1);
    (void)TRY(file->read_at(spoiled.offset, byte));
    byte[0] ^= 0xffU;
    TRY(file->write_at(spoiled.offset, byte));
    TRY(file->sync());
  }
  spoiled.around = TRY(around(spoiled));
  return {};
}

Status CartridgeFiles::mend(const std::string& barcode, std::uint64_t offset) {
  const auto found = std::ranges::find_if(
      spoiled_, [&](const Spoiled& one) { return one.barcode == barcode && one.offset == offset; });
  if (found == spoiled_.end()) return {};
  auto spoiled = std::move(*found);
  spoiled_.erase(found);
  const auto now = TRY(around(spoiled));
  return now == spoiled.around && !now.empty() ? flip(spoiled) : Status();
}

Status CartridgeFiles::mend_all() {
  while (!spoiled_.empty()) TRY(mend(std::string(spoiled_.back().barcode), spoiled_.back().offset));
  return {};
}

Result<CartridgeFiles::Sealed> CartridgeFiles::sealed(const std::string& barcode) {
  bool some = false;
  bool clear = false;
  for (const auto& session : TRY(tape::inspect(back_.sim.env(), path_of(barcode))).all_sessions()) {
    if (session.data_records == 0) continue;
    (session.encrypted ? some : clear) = true;
  }
  if (some && clear) return Sealed::kSome;
  if (some) return Sealed::kAll;
  return clear ? Sealed::kNone : Sealed::kNothing;
}

Status CartridgeFiles::keep(const std::string& barcode) {
  kept_[barcode] = TRY(read_file(back_.sim.disk, path_of(barcode), kCartridgeLimit));
  return {};
}

Status CartridgeFiles::write_on_kept(const std::string& barcode) {
  Disk& disk = back_.sim.disk;
  {
    const auto file = TRY(disk.open(kOtherPath, OpenMode::kCreate));
    TRY(file->truncate(0));
    TRY(file->write_at(0, kept_.at(barcode)));
    TRY(file->sync());
  }
  const bool lto = barcode.starts_with("A");
  tape::Drive other(
      back_.sim.env(), tape::test::identity_of(lto ? BackEnd::kLtoDrive : BackEnd::k3592Drive),
      {.management = tape::KeyManagement::kSystem,
       .seal_observer = [this](const Hash256& key, const crypto::GcmIv& iv) { back_.on_seal(key, iv); }},
      &back_.exchange);
  TRY(other.insert(kOtherPath));
  tape::InProcessTransport transport(other, scsi::NexusId{71});
  PhysicalDrive drive(lto ? "1000000001" : "1000000003", transport);
  TRY(drive.probe());
  (void)drive.tape().drain_attentions();
  auto trace = back_.trace();
  KeyedTape tape(drive, back_.keys, trace, barcode, no_meter());
  if (const auto at_end = drive.tape().to_end_of_data(); !at_end)
    return std::unexpected(at_end.error().error());
  if (const auto variable = drive.tape().set_block_length(0); !variable)
    return std::unexpected(variable.error().error());
  (void)TRY(tape.write_block(volume_content(1'000, 7)));
  (void)TRY(tape.write_filemark());
  (void)TRY(other.force_eject());
  kept_[barcode] = TRY(read_file(disk, kOtherPath, kCartridgeLimit));
  return {};
}

}  // namespace tapewarden::engine::test
