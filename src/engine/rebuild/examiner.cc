#include "engine/rebuild/examiner.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "engine/rebuild/limits.h"
#include "engine/work/catalogue_backup.h"

namespace tapewarden::engine {
namespace {

// Blocks of a label's tape file: the label and its filemark.
constexpr std::uint64_t kFirstImageBlock = 2;

// Whether an error says something of this tape file, and not of drive, robot or key servers.
bool of_the_tape(const Error& error) {
  const auto fault = fault_of(error);
  return fault == MountFault::kIdentity || fault == MountFault::kMedium || fault == MountFault::kNone;
}

MediumEncryption medium_encryption(TapeEncryption encryption) {
  switch (encryption) {
    case TapeEncryption::kClear:
      return MediumEncryption::kClear;
    case TapeEncryption::kWrapped:
      return MediumEncryption::kWrapped;
    case TapeEncryption::kIdentified:
      return MediumEncryption::kIdentified;
  }
  return MediumEncryption::kUnknown;
}

class Examiner {
 public:
  Examiner(MountedCartridge& cartridge, Examination& found) : cartridge_(cartridge), found_(found) {}

  Status run() {
    for (std::uint32_t file = 1;; ++file) {
      const auto looked = look_at(file);
      if (looked) continue;
      const auto& error = looked.error();
      if (!of_the_tape(error)) return std::unexpected(error);
      if (error.code == ErrorCode::kNotFound) return end(file);
      if (found_.damaged.size() == kMaxDamagedImages)
        return mount_fail(MountFault::kMedium, ErrorCode::kCorrupt,
                          "cartridge " + found_.label.barcode + " has too many damaged tape files");
      block_ = 0;
      // Behind the last filemark stands nothing, or an image that was not written to its end.
      began_ = error.code == ErrorCode::kCorrupt;
      found_.damaged.push_back({file, error.message});
    }
  }

 private:
  Status look_at(std::uint32_t file) {
    const auto header = TRY(cartridge_.open_image(file));
    const auto trailer = TRY(cartridge_.read_trailer(file));
    if (trailer.identity != header.identity)
      return mount_fail(
          MountFault::kMedium, ErrorCode::kCorrupt,
          "header and trailer of tape file " + std::to_string(file) + " do not belong together");
    take(header, trailer);
    return {};
  }

  void take(const ImageHeader& header, const ImageTrailer& trailer) {
    const auto blocks = 2 + (trailer.bytes + kStackBlockBytes - 1) / kStackBlockBytes;
    const auto bytes = header.encode().size() + trailer.bytes + trailer.encode().size();
    const auto& identity = header.identity;
    if (identity.kind == ImageKind::kCatalogueBackup) {
      const bool early = !header.parts.empty() && header.parts.front().name == kEarlyBackupName;
      if (!trailer.is_void) found_.backups.push_back({identity.file, header.written, early});
    } else {
      found_.images.push_back({identity.volser, identity.volume, identity.generation, identity.copy,
                               identity.file, block_, bytes, trailer.is_void, header.storage_group,
                               header.management_class, header.category, header.preference, header.inserted,
                               header.written});
    }
    std::ranges::copy(trailer.tombstones, std::back_inserter(found_.tombstones));
    found_.written_bytes += bytes;
    if (block_ != 0) block_ += blocks + 1;
  }

  Status end(std::uint32_t file) {
    found_.next_file = file;
    if (found_.damaged.empty() || found_.damaged.back().file + 1 != file) return {};
    found_.next_file = file - 1;
    found_.torn = began_;
    found_.damaged.pop_back();
    return {};
  }

  MountedCartridge& cartridge_;
  Examination& found_;
  std::uint64_t block_ = kFirstImageBlock;
  bool began_ = false;
};

Result<Examination> examine(MountedCartridge& cartridge, const BackupTaker& take_backup) {
  Examination found;
  found.label = cartridge.label();
  found.encryption = medium_encryption(cartridge.encryption());
  TRY(Examiner(cartridge, found).run());
  auto backups = found.backups;
  std::ranges::sort(backups, std::greater(),
                    [](const FoundBackup& backup) { return std::pair(backup.written, backup.file); });
  for (const auto& backup : backups)
    if (TRY(take_backup(cartridge, backup))) break;
  return found;
}

}  // namespace

Result<Examination> examine_cartridge(TapeStation& station, const std::string& barcode, Clock& clock,
                                      const BackupTaker& take_backup) {
  MountTrace trace(clock);
  const auto cartridge = TRY(station.mount_to_examine(barcode, trace));
  auto alias = cartridge->held_alias();  // a drive that does not tell is no error
  auto found = examine(*cartridge, take_backup);
  if (found && alias) found->alias = *std::move(alias);
  // What was found is true, whatever becomes of the drive.
  if (const auto away = cartridge->demount(); !away) station.drive().note_stuck(away.error());
  return found;
}

Status copy_image(MountedCartridge& cartridge, std::uint32_t tape_file, Disk& disk, const std::string& path) {
  (void)TRY(cartridge.open_image(tape_file));
  const auto file = TRY(disk.open(path, OpenMode::kCreate));
  TRY(file->truncate(0));
  std::uint64_t at = 0;
  while (const auto piece = TRY(cartridge.read_image())) {
    TRY(file->write_at(at, *piece));
    at += piece->size();
  }
  return file->sync();
}

}  // namespace tapewarden::engine
