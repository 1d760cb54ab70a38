#include "engine/rebuild/catalogue_records.h"

#include "engine/catalogue/limits.h"
#include "engine/rebuild/record_fields.h"

namespace tapewarden::engine {
namespace {

// Values of a record are what check() of the catalogue says, or the record is damaged.
template <typename Value>
Result<Value> sound(Value value) {
  if (const auto fits = check(value); !fits)
    return fail(ErrorCode::kCorrupt, "a record of the catalogue's backup: " + fits.error().message,
                fits.error().field);
  return value;
}

constexpr std::uint64_t kLargestSmall = 0xFF;
constexpr std::uint64_t kLargestShort = 0xFFFF;

void put_label(FieldWriter& out, std::uint16_t tag, const KeyLabel& label) {
  if (label.text.empty()) return;
  out.text(tag, label.text)
      .number(static_cast<std::uint16_t>(tag + 1), static_cast<std::uint64_t>(label.mode));
}

Result<KeyLabel> take_label(FieldReader& in, std::uint16_t tag) {
  KeyLabel label;
  label.text = TRY(in.text(tag, kMaximumKeyLabelCharacters, "key label"));
  const auto mode = TRY(in.number(static_cast<std::uint16_t>(tag + 1), "label mode", 2));
  if (!label.text.empty() && mode == static_cast<std::uint64_t>(LabelMode::kHash))
    label.mode = LabelMode::kHash;
  return label;
}

}  // namespace

namespace {
enum PoolTag : std::uint16_t {
  kNumber = 1,
  kName,
  kMedia,
  kBorrow,
  kReclaimPool,
  kEncryption,
  kLabel1,
  kMode1,
  kLabel2,
  kMode2,
  kKeyGroup,
  kEraseDays,
  kThreshold,
  kDaysAccess,
  kDaysWritten,
  kDaysInactivation,
  kMaxActive,
  kMaxDrives,
};
}  // namespace

Bytes encode_record(const Pool& pool) {
  FieldWriter out;
  out.number(kNumber, pool.number).text(kName, pool.name);
  out.number(kMedia, static_cast<std::uint64_t>(pool.media));
  out.number(kBorrow, static_cast<std::uint64_t>(pool.borrow)).number(kReclaimPool, pool.reclaim_pool);
  out.number(kEncryption, static_cast<std::uint64_t>(pool.encryption));
  put_label(out, kLabel1, pool.labels[0]);
  put_label(out, kLabel2, pool.labels[1]);
  out.text(kKeyGroup, pool.key_group).number(kEraseDays, pool.secure_erase_days);
  const auto& reclaim = pool.reclaim;
  out.number(kThreshold, reclaim.threshold_percent).number(kDaysAccess, reclaim.days_without_access);
  out.number(kDaysWritten, reclaim.days_since_written);
  out.number(kDaysInactivation, reclaim.days_without_inactivation);
  out.number(kMaxActive, reclaim.max_active_percent).number(kMaxDrives, pool.max_drives);
  return out.take();
}

Result<Pool> decode_pool(ByteView body) {
  auto in = TRY(FieldReader::parse(body));
  Pool pool;
  pool.number = TRY(in.small<std::uint8_t>(kNumber, "pool", kMaximumPool));
  pool.name = TRY(in.text(kName, kMaximumPoolNameCharacters, "name"));
  pool.media = TRY(in.number(kMedia, "media", 2)) == 2 ? MediumKind::k3592 : MediumKind::kLto;
  pool.borrow = TRY(in.small<Borrow>(kBorrow, "borrow", static_cast<std::uint64_t>(Borrow::kBorrowAndKeep)));
  pool.reclaim_pool = TRY(in.small<std::uint8_t>(kReclaimPool, "reclaim pool", kMaximumPool));
  pool.encryption = TRY(
      in.small<PoolEncryption>(kEncryption, "encryption", static_cast<std::uint64_t>(PoolEncryption::kHeld)));
  pool.labels = {TRY(take_label(in, kLabel1)), TRY(take_label(in, kLabel2))};
  pool.key_group = TRY(in.text(kKeyGroup, kMaximumKeyGroupCharacters, "key group"));
  pool.secure_erase_days = TRY(in.small<std::uint16_t>(kEraseDays, "secure erase days", kLargestShort));
  auto& reclaim = pool.reclaim;
  reclaim.threshold_percent = TRY(in.small<std::uint8_t>(kThreshold, "threshold", kLargestSmall));
  reclaim.days_without_access = TRY(in.small<std::uint16_t>(kDaysAccess, "days", kLargestShort));
  reclaim.days_since_written = TRY(in.small<std::uint16_t>(kDaysWritten, "days", kLargestShort));
  reclaim.days_without_inactivation = TRY(in.small<std::uint16_t>(kDaysInactivation, "days", kLargestShort));
  reclaim.max_active_percent = TRY(in.small<std::uint8_t>(kMaxActive, "most active data", kLargestSmall));
  pool.max_drives = TRY(in.small<std::uint8_t>(kMaxDrives, "drives", kLargestSmall));
  TRY(in.finish());
  return sound(std::move(pool));
}

namespace {

template <typename Construct>
Bytes encode_construct(const Construct& construct) {
  FieldWriter out;
  out.text(1, construct.name).number(2, construct.pool).text(3, construct.description);
  return out.take();
}

template <typename Construct>
Result<Construct> decode_construct(ByteView body) {
  auto in = TRY(FieldReader::parse(body));
  Construct construct;
  construct.name = TRY(in.text(1, kMaximumConstructCharacters, "name"));
  construct.pool = TRY(in.small<std::uint8_t>(2, "pool", kMaximumPool));
  construct.description = TRY(in.text(3, kMaximumDescriptionCharacters, "description"));
  TRY(in.finish());
  return sound(std::move(construct));
}

}  // namespace

Bytes encode_record(const StorageGroup& group) {
  return encode_construct(group);
}
Bytes encode_record(const ManagementClass& management) {
  return encode_construct(management);
}
Result<StorageGroup> decode_storage_group(ByteView body) {
  return decode_construct<StorageGroup>(body);
}
Result<ManagementClass> decode_management_class(ByteView body) {
  return decode_construct<ManagementClass>(body);
}

namespace {

template <typename Gone>
Bytes encode_gone(const Gone& gone) {
  FieldWriter out;
  out.text(1, gone.volser).number(2, gone.generation);
  return out.take();
}

template <typename Gone>
Result<Gone> decode_gone(ByteView body) {
  auto in = TRY(FieldReader::parse(body));
  Gone gone;
  gone.volser = TRY(in.text(1, kMaximumVolserCharacters, "volser"));
  gone.generation = TRY(in.number(2, "generation"));
  TRY(in.finish());
  if (gone.generation == 0 || !check_volser(gone.volser))
    return fail(ErrorCode::kCorrupt, "a record of the catalogue's backup names no volume", "volser");
  return gone;
}

}  // namespace

Bytes encode_record(const WithdrawnVolume& withdrawn) {
  return encode_gone(withdrawn);
}
Bytes encode_record(const DeletedVolume& deleted) {
  return encode_gone(deleted);
}
Result<WithdrawnVolume> decode_withdrawn(ByteView body) {
  return decode_gone<WithdrawnVolume>(body);
}
Result<DeletedVolume> decode_deleted(ByteView body) {
  return decode_gone<DeletedVolume>(body);
}

Bytes encode_least_generation(std::uint64_t generation) {
  FieldWriter out;
  out.number(1, generation);
  return out.take();
}
Result<std::uint64_t> decode_least_generation(ByteView body) {
  auto in = TRY(FieldReader::parse(body));
  const auto generation = TRY(in.number(1, "generation"));
  TRY(in.finish());
  return generation;
}

namespace {
enum CartridgeTag : std::uint16_t {
  kBarcode = 1,
  kVolume,
  kKind,
  kPool,
  kHomePool,
  kBorrowed,
  kState,
  kMedium,
  kWritten,
  kCartridgeLabel1,
  kCartridgeMode1,
  kCartridgeLabel2,
  kCartridgeMode2,
  kAlias,
  kWrittenBytes,
  kNextFile,
  kLibrary,
  kFirstWritten,
  kLastWritten,
  kLastAccessed,
  kLastInactivated,
  kFullSince,
  kMoveWhen,
  kMovePool,
  kNote,
  // Not in images of before.
  kEraseFirst,
  kNewLabel1,
  kNewMode1,
  kNewLabel2,
  kNewMode2,
};
}  // namespace

Bytes encode_record(const PhysicalVolume& cartridge) {
  FieldWriter out;
  out.text(kBarcode, cartridge.barcode).uuid(kVolume, cartridge.volume);
  out.number(kKind, static_cast<std::uint64_t>(cartridge.kind)).number(kPool, cartridge.pool);
  out.number(kHomePool, cartridge.home_pool).number(kBorrowed, cartridge.borrowed ? 1 : 0);
  out.number(kState, static_cast<std::uint64_t>(cartridge.state)).number(kMedium, cartridge.medium);
  out.number(kWritten, static_cast<std::uint64_t>(cartridge.encryption));
  put_label(out, kCartridgeLabel1, cartridge.labels[0]);
  put_label(out, kCartridgeLabel2, cartridge.labels[1]);
  out.text(kAlias, cartridge.alias).number(kWrittenBytes, cartridge.written_bytes);
  out.number(kNextFile, cartridge.next_file).text(kLibrary, cartridge.library);
  out.time(kFirstWritten, cartridge.first_written).time(kLastWritten, cartridge.last_written);
  out.time(kLastAccessed, cartridge.last_accessed).time(kLastInactivated, cartridge.last_inactivated);
  out.time(kFullSince, cartridge.full_since);
  out.number(kMoveWhen, static_cast<std::uint64_t>(cartridge.move.when));
  out.number(kMovePool, cartridge.move.target_pool).text(kNote, cartridge.note);
  out.number(kEraseFirst, cartridge.erase_first ? 1 : 0);
  put_label(out, kNewLabel1, cartridge.rekey.labels[0]);
  put_label(out, kNewLabel2, cartridge.rekey.labels[1]);
  return out.take();
}

Result<PhysicalVolume> decode_cartridge(ByteView body) {
  auto in = TRY(FieldReader::parse(body));
  PhysicalVolume out;
  out.barcode = TRY(in.text(kBarcode, kMaximumBarcodeCharacters, "barcode"));
  out.volume = TRY(in.uuid(kVolume, "UUID"));
  out.kind = TRY(in.number(kKind, "kind", 2)) == 2 ? MediumKind::k3592 : MediumKind::kLto;
  out.pool = TRY(in.small<std::uint8_t>(kPool, "pool", kMaximumPool));
  out.home_pool = TRY(in.small<std::uint8_t>(kHomePool, "home pool", kMaximumPool));
  out.borrowed = TRY(in.number(kBorrowed, "borrowed", 1)) == 1;
  out.state =
      TRY(in.small<CartridgeState>(kState, "state", static_cast<std::uint64_t>(CartridgeState::kExported)));
  out.medium = TRY(in.number(kMedium, "medium generation"));
  out.encryption = TRY(in.small<MediumEncryption>(kWritten, "encryption",
                                                  static_cast<std::uint64_t>(MediumEncryption::kIdentified)));
  out.labels = {TRY(take_label(in, kCartridgeLabel1)), TRY(take_label(in, kCartridgeLabel2))};
  out.alias = TRY(in.text(kAlias, kMaximumKeyAliasCharacters, "alias"));
  out.written_bytes = TRY(in.number(kWrittenBytes, "written bytes", kMaximumBytes));
  out.next_file = TRY(in.small<std::uint32_t>(kNextFile, "next file", 0xFFFFFFFF));
  out.library = TRY(in.text(kLibrary, kMaximumLibraryNameCharacters, "library"));
  out.first_written = TRY(in.time_or_none(kFirstWritten, "first written"));
  out.last_written = TRY(in.time_or_none(kLastWritten, "last written"));
  out.last_accessed = TRY(in.time_or_none(kLastAccessed, "last accessed"));
  out.last_inactivated = TRY(in.time_or_none(kLastInactivated, "last inactivated"));
  out.full_since = TRY(in.time_or_none(kFullSince, "full since"));
  out.move.when = TRY(
      in.small<MoveRequest::When>(kMoveWhen, "move", static_cast<std::uint64_t>(MoveRequest::When::kNow)));
  out.move.target_pool = TRY(in.small<std::uint8_t>(kMovePool, "target pool", kMaximumPool));
  out.note = TRY(in.text(kNote, kMaximumNoteCharacters, "note"));
  out.erase_first = TRY(in.number(kEraseFirst, "erase first", 1)) == 1;
  out.rekey.labels = {TRY(take_label(in, kNewLabel1)), TRY(take_label(in, kNewLabel2))};
  TRY(in.finish());
  return sound(std::move(out));
}

}  // namespace tapewarden::engine
