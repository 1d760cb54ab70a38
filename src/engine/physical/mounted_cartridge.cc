#include "engine/physical/mounted_cartridge.h"

#include "base/assert.h"
#include "engine/physical/limits.h"
#include "engine/physical/tape_station.h"

namespace tapewarden::engine {
namespace {

// What the format says of a block, as a mount's fault.
std::unexpected<Error> judged(const std::string& place, const Error& error) {
  if (fault_of(error) != MountFault::kNone) return std::unexpected(error);
  const bool other = error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kUnsupported;
  return mount_fail(other ? MountFault::kIdentity : MountFault::kMedium, place, error);
}

}  // namespace

MountedCartridge::MountedCartridge(TapeStation& station, PhysicalDrive& drive, DriveKeys& keys,
                                   MountTrace& trace, const std::string& barcode, std::uint64_t reserve_bytes,
                                   Meter& meter)
    : station_(station),
      drive_(drive),
      trace_(trace),
      barcode_(barcode),
      reserve_bytes_(reserve_bytes),
      tape_(drive, keys, trace, barcode, meter),
      writer_(tape_),
      reader_(tape_) {}

std::string MountedCartridge::place(std::uint32_t file) const {
  return "tape file " + std::to_string(file) + " of cartridge " + barcode_;
}

Status MountedCartridge::begin_label(const CartridgeLabel& label) {
  tape_.name_place("the label of cartridge " + barcode_);
  TRY(writer_.write_label(label));
  label_ = label;
  next_file_ = 1;
  return {};
}

Status MountedCartridge::read_label() {
  const auto where = "the label of cartridge " + barcode_;
  tape_.name_place(where);
  auto label = engine::read_label(tape_);
  if (!label) return judged(where, label.error());
  label_ = *std::move(label);
  return {};
}

Status MountedCartridge::to_append_point() {
  tape_.name_place(place(next_file_));
  return tape_.locate_file(next_file_);
}

Result<std::optional<std::uint64_t>> MountedCartridge::remaining_bytes() {
  const auto page = drive_.tape().log_page(scsi::log_page::kTapeCapacity);
  if (!page && page.error().fault == tape::TapeFault::kIllegalRequest) return std::nullopt;
  if (!page) return drive_.failed("asking what is left of cartridge " + barcode_, page.error());
  constexpr std::uint16_t kRemainingMebibytes = 1;
  const auto* parameter = page->find(kRemainingMebibytes);
  if (parameter == nullptr) return std::nullopt;
  return scsi::number_of(*parameter) << 20U;
}

Result<ImageFit> MountedCartridge::room_left() {
  bytes_since_check_ = 0;
  if (reserve_bytes_ == 0) return ImageFit::kFits;
  const auto left = TRY(remaining_bytes());
  return left && *left < reserve_bytes_ ? ImageFit::kCartridgeFull : ImageFit::kFits;
}

Result<ImageFit> MountedCartridge::judged_full(ImageFit fit) const {
  if (fit == ImageFit::kCartridgeFull && station_.disk_is_short())
    return station_.no_room("writing " + place(next_file_));
  return fit;
}

Result<ImageFit> MountedCartridge::begin_image(ImageHeader header, StackWriter::Hash by) {
  if (station_.disk_is_short()) return station_.no_room("writing " + place(next_file_));
  header.identity.engine = label_.engine;
  header.identity.barcode = label_.barcode;
  header.identity.medium = label_.medium;
  header.identity.file = next_file_;
  TRY(header.check());
  TRY(to_append_point());
  const auto position = drive_.tape().position();
  if (!position) return drive_.failed("asking the position on cartridge " + barcode_, position.error());
  image_block_ = position->logical_object;
  if (header.identity.kind == ImageKind::kLogicalVolume && TRY(room_left()) == ImageFit::kCartridgeFull)
    return ImageFit::kCartridgeFull;
  return judged_full(TRY(writer_.begin(std::move(header), by)));
}

Result<ImageFit> MountedCartridge::append(ByteView data) {
  TW_ASSERT(writer_.open());
  const auto fit = TRY(judged_full(TRY(writer_.append(data))));
  bytes_since_check_ += data.size();
  if (fit == ImageFit::kCartridgeFull || bytes_since_check_ < kRoomCheckBytes ||
      writer_.kind() != ImageKind::kLogicalVolume)
    return fit;
  return room_left();
}

Result<std::optional<WrittenImage>> MountedCartridge::finish_image(StackWriter::Ending ending) {
  TW_ASSERT(writer_.open());
  if (writer_.kind() == ImageKind::kLogicalVolume && TRY(room_left()) == ImageFit::kCartridgeFull)
    return std::nullopt;
  if (TRY(judged_full(TRY(writer_.finish(std::move(ending))))) == ImageFit::kCartridgeFull)
    return std::nullopt;
  const WrittenImage written{.file = next_file_,
                             .block = image_block_,
                             .bytes = writer_.bytes_written(),
                             .trailer = writer_.trailer(),
                             .early_warning = writer_.early_warning() && !station_.disk_is_short()};
  ++next_file_;
  return written;
}

Result<ImageHeader> MountedCartridge::open_image(std::uint32_t file) {
  TW_ASSERT(!writer_.open());
  tape_.name_place(place(file));
  TRY(tape_.locate_file(file));
  auto header = reader_.begin();
  if (!header) return judged(place(file), header.error());
  const auto& identity = header->identity;
  if (identity.engine != label_.engine || identity.barcode != label_.barcode ||
      identity.medium != label_.medium || identity.file != file)
    return mount_fail(MountFault::kIdentity, ErrorCode::kConflict,
                      place(file) + " holds an image that was written as tape file " +
                          std::to_string(identity.file) + " of cartridge " + identity.barcode +
                          ", medium generation " + std::to_string(identity.medium),
                      "barcode");
  return *std::move(header);
}

Result<std::optional<ByteView>> MountedCartridge::read_image() {
  auto piece = reader_.next();
  if (!piece) return judged(place(reader_.header().identity.file), piece.error());
  return *std::move(piece);
}

Result<ImageTrailer> MountedCartridge::read_trailer(std::uint32_t file) {
  TW_ASSERT(!writer_.open());
  tape_.name_place(place(file));
  TRY(tape_.locate_file(file));
  // Behind the file's filemark, then back over that and the trailer.
  const auto ahead = drive_.tape().space_filemarks(1);
  if (!ahead) return drive_.failed("positioning to the end of " + place(file), ahead.error());
  if (ahead->stop != tape::SpaceOutcome::Stop::kDone)
    return mount_fail(MountFault::kMedium, ErrorCode::kCorrupt, place(file) + " was not written to its end");
  const auto position = drive_.tape().position();
  if (!position) return drive_.failed("asking the position on cartridge " + barcode_, position.error());
  if (position->logical_object < 2)
    return mount_fail(MountFault::kMedium, ErrorCode::kCorrupt, place(file) + " has no trailer");
  const auto back = drive_.tape().locate(position->logical_object - 2);
  if (!back) return drive_.failed("positioning to the trailer of " + place(file), back.error());
  const auto block = TRY(tape_.read_block());
  auto trailer = ImageTrailer::decode(block.data);
  if (!trailer) return judged(place(file), trailer.error());
  return *std::move(trailer);
}

Result<DemountOutcome> MountedCartridge::demount() {
  writer_.abandon();
  return station_.demount(trace_);
}

}  // namespace tapewarden::engine
