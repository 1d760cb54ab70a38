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

Status PoolWriter::write_backup() {
  BackedUp content;  // as of before: what is changed meanwhile is due again
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    content = TRY(to_be_backed_up(view));
    return {};
  }));
  const auto path = TRY(state_.parts.backup->make());
  auto& disk = *state_.parts.env.disk;
  const auto put = [&]() -> Status {
    auto source = TRY(ImageSource::open(disk, path));
    auto header = source.header(LogicalVolume{}, CopyNumber::kPrimary);
    header.identity.kind = ImageKind::kCatalogueBackup;
    header.parts.front().name = "catalogue";
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
      return fail(ErrorCode::kExhausted, "there is no room left for it");
    }
    const auto nothing = [](CatalogueChange&, const Copy&) -> Status { return {}; };
    if (!TRY(commit(*image, ImageFrom::kCatalogue, nothing, 0)))
      return fail(ErrorCode::kConflict, "its pool encrypts now, and it was written in clear");
    return {};
  };
  auto written = put();
  const auto removed = disk.remove(path);
  if (written) state_.backup_due.written(std::move(content), state_.steady_now());
  return written ? removed : written;
}

void PoolWriter::say_backup(const PhysicalVolume& cartridge) {
  state_.parts.notices.say(NoticeKind::kDatabaseBackup, cartridge.barcode,
                           database_backup_text(cartridge.barcode, tape_encryption(cartridge.encryption) !=
                                                                       TapeEncryption::kClear));
}

Result<bool> PoolWriter::back_up() {
  TW_ASSERT(mount_ && state_.parts.backup != nullptr);
  const auto cartridge = mount_->cartridge();
  const auto written = write_backup();
  if (!written && fault_of(written.error()) != MountFault::kNone) TRY(mount_->met(written.error()));
  if (!written && written.error().code == ErrorCode::kExhausted && mount_) {
    // What is left of it is too little even for that: the next one is another's.
    TRY(end_full());
    return false;
  }
  if (!written) return false;
  say_backup(cartridge);
  return true;
}

Status PoolWriter::end_full() {
  TW_ASSERT(mount_);
  const auto cartridge = mount_->cartridge();
  Status backup;
  if (state_.parts.backup != nullptr) {
    backup = write_backup();
    if (!backup && fault_of(backup.error()) != MountFault::kNone) TRY(mount_->met(backup.error()));
  }
  TRY(state_.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto full = TRY(change.cartridge(cartridge.barcode));
    full.full_since = change.now();
    // One that was closed meanwhile says why.
    if (full.state == CartridgeState::kFilling) {
      full.state = CartridgeState::kFull;
      if (!backup) full.note = "filled without a backup of the catalogue";
    }
    return change.put(full);
  }));
  if (backup && state_.parts.backup != nullptr) say_backup(cartridge);
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
