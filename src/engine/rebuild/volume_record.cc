#include "engine/catalogue/limits.h"
#include "engine/rebuild/catalogue_records.h"
#include "engine/rebuild/record_fields.h"

namespace tapewarden::engine {
namespace {

enum VolumeTag : std::uint16_t {
  kVolser = 1,
  kVolume,
  kCategory,
  kStorageGroup,
  kManagementClass,
  kGeneration,
  kDeletedGeneration,
  kStamp,
  kCacheFile,
  kCapacity,
  kPreference,
  kPrimary,
  kSecondary,
  kPrimaryPool,
  kSecondaryPool,
  kInserted,
  kWritten,
  kAccessed,
  kScratched,
  kDeleteAfter,
};
enum CopyTag : std::uint16_t { kCartridge = 1, kMedium, kFile, kBlock, kBytes, kCopyGeneration };

void put_copy(FieldWriter& out, std::uint16_t tag, const std::optional<Copy>& copy) {
  if (!copy) return;
  FieldWriter fields;
  fields.text(kCartridge, copy->cartridge).number(kMedium, copy->medium).number(kFile, copy->file);
  fields.number(kBlock, copy->block).number(kBytes, copy->bytes).number(kCopyGeneration, copy->generation);
  out.bytes(tag, fields.take());
}

Result<std::optional<Copy>> take_copy(FieldReader& from, std::uint16_t tag) {
  const auto body = TRY(from.bytes(tag, 0xFFFF, "copy"));
  if (body.empty()) return std::nullopt;
  auto in = TRY(FieldReader::parse(body));
  Copy copy;
  copy.cartridge = TRY(in.text(kCartridge, kMaximumBarcodeCharacters, "barcode"));
  copy.medium = TRY(in.number(kMedium, "medium generation"));
  copy.file = TRY(in.small<std::uint32_t>(kFile, "tape file", 0xFFFFFFFF));
  copy.block = TRY(in.number(kBlock, "block"));
  copy.bytes = TRY(in.number(kBytes, "bytes"));
  copy.generation = TRY(in.number(kCopyGeneration, "generation"));
  TRY(in.finish());
  return copy;
}

}  // namespace

Bytes encode_record(const LogicalVolume& volume) {
  FieldWriter out;
  out.text(kVolser, volume.volser).uuid(kVolume, volume.volume);
  out.number(kCategory, static_cast<std::uint64_t>(volume.category));
  out.text(kStorageGroup, volume.storage_group).text(kManagementClass, volume.management_class);
  out.number(kGeneration, volume.generation).number(kDeletedGeneration, volume.deleted_generation);
  out.bytes(kStamp, volume.stamp).number(kCacheFile, volume.cache_file);
  out.number(kCapacity, volume.capacity_bytes).number(kPreference, volume.preference);
  put_copy(out, kPrimary, volume.primary);
  put_copy(out, kSecondary, volume.secondary);
  out.number(kPrimaryPool, volume.primary_pool).number(kSecondaryPool, volume.secondary_pool);
  out.time(kInserted, volume.inserted).time(kWritten, volume.written).time(kAccessed, volume.accessed);
  out.time(kScratched, volume.scratched).time(kDeleteAfter, volume.delete_after);
  return out.take();
}

Result<LogicalVolume> decode_volume(ByteView body) {
  auto in = TRY(FieldReader::parse(body));
  LogicalVolume out;
  out.volser = TRY(in.text(kVolser, kMaximumVolserCharacters, "volser"));
  out.volume = TRY(in.uuid(kVolume, "UUID"));
  out.category = TRY(in.number(kCategory, "category", 1)) == 1 ? Category::kPrivate : Category::kScratch;
  out.storage_group = TRY(in.text(kStorageGroup, kMaximumConstructCharacters, "storage group"));
  out.management_class = TRY(in.text(kManagementClass, kMaximumConstructCharacters, "management class"));
  out.generation = TRY(in.number(kGeneration, "generation"));
  out.deleted_generation = TRY(in.number(kDeletedGeneration, "deleted generation"));
  out.stamp = to_bytes(TRY(in.bytes(kStamp, kMaximumStampBytes, "stamp")));
  out.cache_file = TRY(in.number(kCacheFile, "cache file"));
  out.capacity_bytes = TRY(in.number(kCapacity, "capacity", kMaximumBytes));
  out.preference = TRY(in.small<std::uint8_t>(kPreference, "preference", kMaximumPreference));
  out.primary = TRY(take_copy(in, kPrimary));
  out.secondary = TRY(take_copy(in, kSecondary));
  out.primary_pool = TRY(in.small<std::uint8_t>(kPrimaryPool, "pool", kMaximumPool));
  out.secondary_pool = TRY(in.small<std::uint8_t>(kSecondaryPool, "pool", kMaximumPool));
  out.inserted = TRY(in.time(kInserted, "inserted"));
  out.written = TRY(in.time(kWritten, "written"));
  out.accessed = TRY(in.time(kAccessed, "accessed"));
  out.scratched = TRY(in.time(kScratched, "scratched"));
  out.delete_after = TRY(in.time_or_none(kDeleteAfter, "delete after"));
  TRY(in.finish());
  if (const auto fits = check(out); !fits)
    return fail(ErrorCode::kCorrupt, "a volume in the catalogue's backup: " + fits.error().message,
                fits.error().field);
  return out;
}

}  // namespace tapewarden::engine
