#include "engine/work/image_arrival.h"

#include "engine/work/image_file.h"

namespace tapewarden::engine {

Result<ImageHeader> open_copy(MountedCartridge& tape, const LogicalVolume& volume, CopyNumber copy) {
  auto header = TRY(tape.open_image(volume.copy(copy)->file));
  const auto& identity = header.identity;
  if (identity.kind == ImageKind::kLogicalVolume && identity.volser == volume.volser &&
      identity.volume == volume.volume && identity.generation == volume.generation &&
      identity.copy == static_cast<std::uint8_t>(copy))
    return header;
  return mount_fail(MountFault::kMedium, ErrorCode::kCorrupt,
                    "tape file " + std::to_string(identity.file) + " of cartridge " + identity.barcode +
                        " does not hold the " + std::string(to_string(copy)) + " copy of " + volume.volser +
                        " at generation " + std::to_string(volume.generation));
}

Result<std::optional<Error>> read_copy(MountedCartridge& tape, const LogicalVolume& volume, CopyNumber copy,
                                       Disk& disk, const std::string& path, const std::atomic<bool>& ending) {
  const auto header = open_copy(tape, volume, copy);
  if (!header) return header.error();
  auto target = TRY(ImageTarget::create(disk, path, *header));
  while (true) {
    const auto piece = tape.read_image();
    if (!piece) return piece.error();
    if (!*piece) break;
    TRY(target.append(**piece));
    if (ending)
      return mount_fail(MountFault::kInterrupted, ErrorCode::kUnavailable, "the engine ends").error();
  }
  TRY(target.sync());
  return std::nullopt;
}

}  // namespace tapewarden::engine
