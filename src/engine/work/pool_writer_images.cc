// What is written on the cartridge in the drive, and how it counts.
#include "base/assert.h"
#include "engine/work/backup_job.h"
#include "engine/work/image_file.h"
#include "engine/work/limits.h"
#include "engine/work/pool_writer.h"

namespace tapewarden::engine {

Result<std::optional<WrittenImage>> PoolWriter::finish_image(std::optional<Hash256> sha256) {
  StackWriter::Ending ending{.sha256 = sha256};
  told_ = 0;
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    for (auto& deleted : TRY(view.deleted_volumes(kTombstonesTold))) {
      told_ = deleted.number;
      ending.tombstones.push_back({std::move(deleted.volser), deleted.generation});
    }
    return {};
  }));
  return tape().finish_image(std::move(ending));
}

Result<bool> PoolWriter::commit(const WrittenImage& image, ImageFrom from,
                                const std::function<Status(CatalogueChange&, const Copy&)>& with,
                                std::uint64_t generation) {
  const auto barcode = mount_->cartridge().barcode;
  bool counts = true;
  TRY(state_.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto cartridge = TRY(change.cartridge(barcode));
    cartridge.written_bytes += image.bytes;
    cartridge.next_file = image.file + 1;
    cartridge.last_written = change.now();
    if (!cartridge.first_written) cartridge.first_written = change.now();
    counts = TRY(may_count(change, cartridge));
    TRY(change.put(cartridge));
    if (!counts) return {};
    if (told_ > 0) TRY(change.drop_deleted(told_));
    return with(change, {.cartridge = barcode,
                         .medium = cartridge.medium,
                         .file = image.file,
                         .block = image.block,
                         .bytes = image.bytes,
                         .generation = generation});
  }));
  if (!counts) {
    TRY(end());
    return false;
  }
  const bool encrypted = tape_encryption(mount_->cartridge().encryption) != TapeEncryption::kClear;
  state_.parts.meter->image_written(pool_, encrypted, image.bytes, from);
  return true;
}

// What went wrong before the first byte for the tape was read is the engine's own disk's fault, whatever its
// code says: only the cartridge says that it has no room.
Result<bool> PoolWriter::write_backup(std::string_view name) {
  // As of before: what is changed meanwhile, or ordered, is due again.
  BackedUp content;
  std::uint64_t order = 0;
  const BackupPlace place{mount_->cartridge().barcode, mount_->cartridge().medium};
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    content = TRY(to_be_backed_up(view));
    order = TRY(view.engine_state()).backup_ordered;
    return {};
  }));
  const auto path = TRY(state_.parts.backup->make());
  auto& disk = *state_.parts.env.disk;
  auto written = put_backup(disk, path, name, order);
  (void)disk.remove(path);  // one that stays is written over by a later one
  if (written && *written) state_.backup_due.written(std::move(content), place, state_.steady_now());
  return written;
}

Result<bool> PoolWriter::put_backup(Disk& disk, const std::string& path, std::string_view name,
                                    std::uint64_t order) {
  auto source = TRY(ImageSource::open(disk, path));
  auto header = source.header(LogicalVolume{}, CopyNumber::kPrimary);
  header.identity.kind = ImageKind::kCatalogueBackup;
  header.parts.front().name = name;
  header.written = state_.now();
  auto fit = TRY(tape().begin_image(std::move(header)));
  while (fit == ImageFit::kFits) {
    const auto bytes = TRY(source.next());
    if (bytes.empty()) break;
    fit = TRY(tape().append(bytes));
  }
  std::optional<WrittenImage> image;
  if (fit == ImageFit::kFits) image = TRY(finish_image());
  if (!image) {
    tape().abandon_image();
    return false;
  }
  const auto carried_out = [&](CatalogueChange& change, const Copy&) {
    return change.end_backup_order(order);
  };
  if (!TRY(commit(*image, ImageFrom::kCatalogue, carried_out, 0)))
    return fail(ErrorCode::kConflict, "its pool encrypts now, and it was written in clear");
  return true;
}

void PoolWriter::say_backup(const PhysicalVolume& cartridge) {
  state_.parts.notices.say(NoticeKind::kDatabaseBackup, cartridge.barcode,
                           database_backup_text(cartridge.barcode, tape_encryption(cartridge.encryption) !=
                                                                       TapeEncryption::kClear));
}

Result<bool> PoolWriter::back_up() {
  TW_ASSERT(mount_ && state_.parts.backup != nullptr);
  const auto cartridge = mount_->cartridge();
  const auto written = write_backup(kEarlyBackupName);
  if (!written && fault_of(written.error()) == MountFault::kNone) {
    if (mount_) tape().abandon_image();
    return in_context("a backup of the catalogue for cartridge " + cartridge.barcode, written.error());
  }
  if (!written) TRY(mount_->met(written.error()));
  if (!written) return false;
  if (!*written) {
    // What is left of it is too little even for that: the next one is another's.
    TRY(end_full());
    return false;
  }
  say_backup(cartridge);
  return true;
}

Status PoolWriter::end_full() {
  TW_ASSERT(mount_);
  const auto cartridge = mount_->cartridge();
  bool backed_up = false;
  if (state_.parts.backup != nullptr) {
    const auto written = write_backup(kFinalBackupName);
    backed_up = written && *written;
    if (!written && fault_of(written.error()) != MountFault::kNone) TRY(mount_->met(written.error()));
  }
  TRY(state_.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto full = TRY(change.cartridge(cartridge.barcode));
    full.full_since = change.now();
    // One that was closed meanwhile says why.
    if (full.state == CartridgeState::kFilling) {
      full.state = CartridgeState::kFull;
      if (!backed_up && state_.parts.backup != nullptr)
        full.note = "filled without a backup of the catalogue";
    }
    return change.put(full);
  }));
  if (backed_up) say_backup(cartridge);
  return end();
}

Status PoolWriter::end() {
  if (!mount_) return {};
  const auto done = mount_->end();
  mount_.reset();
  claim_.reset();
  return done;
}

}  // namespace tapewarden::engine
