#include "engine/rebuild/examination.h"

#include "base/text.h"
#include "engine/catalogue/limits.h"
#include "engine/rebuild/record_fields.h"
#include "engine/rebuild/record_file.h"

namespace tapewarden::engine {
namespace {

constexpr std::string_view kMagic = "TWEXAMIN";
constexpr std::size_t kMaxWhyBytes = 1000;
constexpr std::uint64_t kLargestFile = 0xFFFFFFFF;
enum RecordKind : std::uint16_t { kImage = 1, kBackup = 2, kTombstone = 3, kDamaged = 4 };

enum HeaderTag : std::uint16_t {
  kLibrary = 1,
  kKind,
  kEncryption,
  kEngine,
  kBarcode,
  kMedium,
  kPool,
  kCreated,
  kWrittenBytes,
  kNextFile,
  kTorn,
  kAlias
};

Bytes encode_header(const Examination& found) {
  FieldWriter out;
  out.text(kLibrary, found.library).number(kKind, static_cast<std::uint64_t>(found.kind));
  out.number(kEncryption, static_cast<std::uint64_t>(found.encryption));
  out.uuid(kEngine, found.label.engine).text(kBarcode, found.label.barcode);
  out.number(kMedium, found.label.medium).number(kPool, found.label.pool).time(kCreated, found.label.created);
  out.number(kWrittenBytes, found.written_bytes).number(kNextFile, found.next_file);
  out.number(kTorn, found.torn ? 1 : 0).text(kAlias, found.alias);
  return out.take();
}

Result<Examination> decode_header(ByteView fields) {
  auto in = TRY(FieldReader::parse(fields));
  Examination out;
  out.library = TRY(in.text(kLibrary, kMaximumLibraryNameCharacters, "library"));
  out.kind = TRY(in.number(kKind, "kind", 2)) == 2 ? MediumKind::k3592 : MediumKind::kLto;
  out.encryption = TRY(in.small<MediumEncryption>(kEncryption, "encryption",
                                                  static_cast<std::uint64_t>(MediumEncryption::kIdentified)));
  out.label.engine = TRY(in.uuid(kEngine, "engine"));
  out.label.barcode = TRY(in.text(kBarcode, kMaxBarcodeBytes, "barcode"));
  out.label.medium = TRY(in.number(kMedium, "medium generation"));
  out.label.pool = TRY(in.small<std::uint8_t>(kPool, "pool", kMaxPool));
  out.label.created = TRY(in.time(kCreated, "time"));
  out.written_bytes = TRY(in.number(kWrittenBytes, "bytes"));
  out.next_file = TRY(in.small<std::uint32_t>(kNextFile, "tape file", kLargestFile));
  out.torn = TRY(in.number(kTorn, "torn", 1)) == 1;
  out.alias = TRY(in.text(kAlias, kMaximumKeyAliasCharacters, "alias"));
  TRY(in.finish());
  return out;
}

enum ImageTag : std::uint16_t {
  kVolser = 1,
  kVolume,
  kGeneration,
  kCopy,
  kFile,
  kBlock,
  kBytes,
  kVoid,
  kStorageGroup,
  kManagementClass,
  kCategory,
  kPreference,
  kInserted,
  kWritten
};

Bytes encode(const FoundImage& image) {
  FieldWriter out;
  out.text(kVolser, image.volser).uuid(kVolume, image.volume).number(kGeneration, image.generation);
  out.number(kCopy, image.copy).number(kFile, image.file).number(kBlock, image.block);
  out.number(kBytes, image.bytes).number(kVoid, image.is_void ? 1 : 0);
  out.text(kStorageGroup, image.storage_group).text(kManagementClass, image.management_class);
  out.number(kCategory, static_cast<std::uint64_t>(image.category)).number(kPreference, image.preference);
  out.time(kInserted, image.inserted).time(kWritten, image.written);
  return out.take();
}

Result<FoundImage> decode_image(ByteView body) {
  auto in = TRY(FieldReader::parse(body));
  FoundImage out;
  out.volser = TRY(in.text(kVolser, kMaxVolserBytes, "volser"));
  out.volume = TRY(in.uuid(kVolume, "UUID"));
  out.generation = TRY(in.number(kGeneration, "generation"));
  out.copy = TRY(in.small<std::uint8_t>(kCopy, "copy", 2));
  out.file = TRY(in.small<std::uint32_t>(kFile, "tape file", kLargestFile));
  out.block = TRY(in.number(kBlock, "block"));
  out.bytes = TRY(in.number(kBytes, "bytes"));
  out.is_void = TRY(in.number(kVoid, "void", 1)) == 1;
  out.storage_group = TRY(in.text(kStorageGroup, kMaxConstructBytes, "storage group"));
  out.management_class = TRY(in.text(kManagementClass, kMaxConstructBytes, "management class"));
  out.category =
      TRY(in.number(kCategory, "category", 2)) == 1 ? ImageCategory::kScratch : ImageCategory::kPrivate;
  out.preference = TRY(in.small<std::uint8_t>(kPreference, "preference", 1));
  out.inserted = TRY(in.time(kInserted, "inserted"));
  out.written = TRY(in.time(kWritten, "written"));
  TRY(in.finish());
  return out;
}

Bytes encode(const FoundBackup& backup) {
  FieldWriter out;
  out.number(1, backup.file).time(2, backup.written).number(3, backup.early ? 1 : 0);
  return out.take();
}

Bytes encode(const Tombstone& tombstone) {
  FieldWriter out;
  out.text(1, tombstone.volser).number(2, tombstone.generation);
  return out.take();
}

Bytes encode(const DamagedFile& damaged) {
  FieldWriter out;
  out.number(1, damaged.file).text(2, escape_unprintable(damaged.why).substr(0, kMaxWhyBytes));
  return out.take();
}

Status take(Examination& into, const Record& record) {
  if (record.kind == kImage) {
    into.images.push_back(TRY(decode_image(record.body)));
    return {};
  }
  auto in = TRY(FieldReader::parse(record.body));
  if (record.kind == kBackup) {
    const auto file = TRY(in.small<std::uint32_t>(1, "tape file", kLargestFile));
    const auto written = TRY(in.time(2, "written"));
    into.backups.push_back({file, written, TRY(in.number(3, "early", 1)) == 1});
  } else if (record.kind == kTombstone) {
    auto volser = TRY(in.text(1, kMaxVolserBytes, "volser"));
    into.tombstones.push_back({std::move(volser), TRY(in.number(2, "generation"))});
  } else if (record.kind == kDamaged) {
    const auto file = TRY(in.small<std::uint32_t>(1, "tape file", kLargestFile));
    into.damaged.push_back({file, TRY(in.text(2, kMaxWhyBytes, "reason"))});
  } else if (record.kind >= kRecordMustBeKnown) {
    return fail(ErrorCode::kUnsupported, "a newer program wrote what was found on a cartridge", "record");
  } else {
    return {};
  }
  return in.finish();
}

}  // namespace

Status write_examination(Disk& disk, const std::string& path, const Examination& found) {
  const auto part = path + ".new";
  auto out = TRY(RecordFileWriter::create(disk, part, kMagic, encode_header(found)));
  for (const auto& image : found.images) TRY(out.append(kImage, encode(image)));
  for (const auto& backup : found.backups) TRY(out.append(kBackup, encode(backup)));
  for (const auto& tombstone : found.tombstones) TRY(out.append(kTombstone, encode(tombstone)));
  for (const auto& damaged : found.damaged) TRY(out.append(kDamaged, encode(damaged)));
  TRY(out.finish());
  TRY(disk.rename(part, path));
  return disk.sync_directory(parent_directory(path));
}

Result<Examination> read_examination(Disk& disk, const std::string& path) {
  auto file = TRY(RecordFileReader::open(disk, path, kMagic));
  auto found = TRY(decode_header(file.header_fields()));
  while (const auto record = TRY(file.next())) TRY(take(found, *record));
  if (const auto fits = found.label.check(); !fits)
    return fail(ErrorCode::kCorrupt, "what was found on a cartridge is damaged: " + fits.error().message,
                "label");
  return found;
}

}  // namespace tapewarden::engine
