#include "engine/stack/stack_format.h"

#include "base/assert.h"
#include "base/text.h"
#include "engine/stack/tlv_block.h"

namespace tapewarden::engine {
namespace {

constexpr std::string_view kLabelMagic = "TWSTKLBL";
constexpr std::string_view kHeaderMagic = "TWSTKHDR";
constexpr std::string_view kTrailerMagic = "TWSTKTRL";

// One numbering for all three blocks; a number is never given anew.
namespace tag {
constexpr std::uint16_t kKind = 1;
constexpr std::uint16_t kVolser = 2;
constexpr std::uint16_t kVolume = 3;
constexpr std::uint16_t kGeneration = 4;
constexpr std::uint16_t kCopy = 5;
constexpr std::uint16_t kEngine = 6;
constexpr std::uint16_t kBarcode = 7;
constexpr std::uint16_t kMedium = 8;
constexpr std::uint16_t kFile = 9;
constexpr std::uint16_t kPool = 10;
constexpr std::uint16_t kCreated = 11;
constexpr std::uint16_t kStorageGroup = 12;
constexpr std::uint16_t kManagementClass = 13;
constexpr std::uint16_t kCategory = 14;
constexpr std::uint16_t kPreference = 15;
constexpr std::uint16_t kInserted = 16;
constexpr std::uint16_t kWritten = 17;
constexpr std::uint16_t kPart = 18;
constexpr std::uint16_t kBytes = 19;
constexpr std::uint16_t kSha256 = 20;
constexpr std::uint16_t kVoid = 21;
constexpr std::uint16_t kTombstone = 22;
}  // namespace tag

Status check_text(std::string_view value, std::size_t least, std::size_t most, const char* field) {
  if (value.size() >= least && value.size() <= most && is_printable(value)) return {};
  return fail(ErrorCode::kInvalidArgument,
              std::to_string(least) + " to " + std::to_string(most) + " printable characters are asked for",
              field);
}

Status check_range(std::uint64_t value, std::uint64_t least, std::uint64_t most, const char* field) {
  if (value >= least && value <= most) return {};
  return fail(ErrorCode::kInvalidArgument,
              std::to_string(value) + " is not from " + std::to_string(least) + " to " + std::to_string(most),
              field);
}

// What comes off a cartridge and cannot be right is damage, not a mistake of the caller.
Status as_damage(Status checked) {
  if (!checked) return fail(ErrorCode::kCorrupt, checked.error().message, checked.error().field);
  return {};
}

void write_identity(TlvWriter& out, const ImageIdentity& identity) {
  out.u8(tag::kKind, static_cast<std::uint8_t>(identity.kind))
      .text(tag::kVolser, identity.volser)
      .uuid(tag::kVolume, identity.volume)
      .u64(tag::kGeneration, identity.generation)
      .u8(tag::kCopy, identity.copy)
      .uuid(tag::kEngine, identity.engine)
      .text(tag::kBarcode, identity.barcode)
      .u64(tag::kMedium, identity.medium)
      .u32(tag::kFile, identity.file);
}

Result<ImageIdentity> read_identity(TlvReader& in) {
  ImageIdentity identity;
  identity.kind = static_cast<ImageKind>(TRY(in.u8(tag::kKind, "kind")));
  identity.volser = TRY(in.text(tag::kVolser, kMaxVolserBytes, "volser"));
  identity.volume = TRY(in.uuid(tag::kVolume, "volume"));
  identity.generation = TRY(in.u64(tag::kGeneration, "generation"));
  identity.copy = TRY(in.u8(tag::kCopy, "copy"));
  identity.engine = TRY(in.uuid(tag::kEngine, "engine"));
  identity.barcode = TRY(in.text(tag::kBarcode, kMaxBarcodeBytes, "barcode"));
  identity.medium = TRY(in.u64(tag::kMedium, "medium"));
  identity.file = TRY(in.u32(tag::kFile, "file"));
  return identity;
}

Bytes encode_part(const ImagePart& part) {
  return ByteWriter().u8(part.index).u64(part.bytes).text(part.name).take();
}

Result<ImagePart> decode_part(ByteView value) {
  ByteReader in(value);
  ImagePart part;
  part.index = TRY(in.u8("part"));
  part.bytes = TRY(in.u64("part"));
  part.name = TRY(stack_text(in.rest(), kMaxPartNameBytes, "part"));
  return part;
}

Bytes encode_tombstone(const Tombstone& tombstone) {
  return ByteWriter().u64(tombstone.generation).text(tombstone.volser).take();
}

Result<Tombstone> decode_tombstone(ByteView value) {
  ByteReader in(value);
  Tombstone tombstone;
  tombstone.generation = TRY(in.u64("tombstone"));
  tombstone.volser = TRY(stack_text(in.rest(), kMaxVolserBytes, "tombstone"));
  return tombstone;
}

Status check_part(const ImagePart& part) {
  TRY(check_text(part.name, 0, kMaxPartNameBytes, "parts"));
  return check_range(part.bytes, 0, kMaxPartBytes, "parts");
}

}  // namespace

Status CartridgeLabel::check() const {
  TRY(check_text(barcode, 1, kMaxBarcodeBytes, "barcode"));
  return check_range(pool, 0, kMaxPool, "pool");
}

Bytes CartridgeLabel::encode() const {
  TW_ASSERT(check());
  return TlvWriter(kLabelMagic)
      .uuid(tag::kEngine, engine)
      .text(tag::kBarcode, barcode)
      .u64(tag::kMedium, medium)
      .u8(tag::kPool, pool)
      .time(tag::kCreated, created)
      .finish();
}

Result<CartridgeLabel> CartridgeLabel::decode(ByteView block) {
  auto in = TRY(TlvReader::parse(block, kLabelMagic));
  CartridgeLabel label;
  label.engine = TRY(in.uuid(tag::kEngine, "engine"));
  label.barcode = TRY(in.text(tag::kBarcode, kMaxBarcodeBytes, "barcode"));
  label.medium = TRY(in.u64(tag::kMedium, "medium"));
  label.pool = TRY(in.u8(tag::kPool, "pool"));
  label.created = TRY(in.time(tag::kCreated, "created"));
  TRY(in.finish());
  TRY(as_damage(label.check()));
  return label;
}

Status ImageIdentity::check() const {
  TRY(check_range(static_cast<std::uint64_t>(kind), 1, 2, "kind"));
  TRY(check_text(volser, kind == ImageKind::kLogicalVolume ? 1 : 0, kMaxVolserBytes, "volser"));
  TRY(check_range(copy, 1, 2, "copy"));
  TRY(check_text(barcode, 1, kMaxBarcodeBytes, "barcode"));
  return check_range(file, 1, ~std::uint32_t{0}, "file");
}

std::uint64_t ImageHeader::total_bytes() const {
  std::uint64_t total = 0;
  for (const auto& part : parts) total += part.bytes;
  return total;
}

Status ImageHeader::check() const {
  TRY(identity.check());
  TRY(check_text(storage_group, 0, kMaxConstructBytes, "storage group"));
  TRY(check_text(management_class, 0, kMaxConstructBytes, "management class"));
  TRY(check_range(static_cast<std::uint64_t>(category), 1, 2, "category"));
  TRY(check_range(preference, 0, 1, "preference"));
  TRY(check_range(parts.size(), 1, kMaxImageParts, "parts"));
  for (const auto& part : parts) TRY(check_part(part));
  return {};
}

Bytes ImageHeader::encode() const {
  TW_ASSERT(check());
  TlvWriter out(kHeaderMagic);
  write_identity(out, identity);
  out.text(tag::kStorageGroup, storage_group)
      .text(tag::kManagementClass, management_class)
      .u8(tag::kCategory, static_cast<std::uint8_t>(category))
      .u8(tag::kPreference, preference)
      .time(tag::kInserted, inserted)
      .time(tag::kWritten, written);
  for (const auto& part : parts) out.bytes(tag::kPart, encode_part(part));
  return out.finish();
}

Result<ImageHeader> ImageHeader::decode(ByteView block) {
  auto in = TRY(TlvReader::parse(block, kHeaderMagic));
  ImageHeader header;
  header.identity = TRY(read_identity(in));
  header.storage_group = TRY(in.text(tag::kStorageGroup, kMaxConstructBytes, "storage group"));
  header.management_class = TRY(in.text(tag::kManagementClass, kMaxConstructBytes, "management class"));
  header.category = static_cast<ImageCategory>(TRY(in.u8(tag::kCategory, "category")));
  header.preference = TRY(in.u8(tag::kPreference, "preference"));
  header.inserted = TRY(in.time(tag::kInserted, "inserted"));
  header.written = TRY(in.time(tag::kWritten, "written"));
  for (const auto value : in.all(tag::kPart)) header.parts.push_back(TRY(decode_part(value)));
  TRY(in.finish());
  TRY(as_damage(header.check()));
  return header;
}

Status ImageTrailer::check() const {
  TRY(identity.check());
  TRY(check_range(tombstones.size(), 0, kMaxTombstones, "tombstones"));
  for (const auto& tombstone : tombstones)
    TRY(check_text(tombstone.volser, 1, kMaxVolserBytes, "tombstones"));
  return {};
}

Bytes ImageTrailer::encode() const {
  TW_ASSERT(check());
  TlvWriter out(kTrailerMagic);
  write_identity(out, identity);
  out.u64(tag::kBytes, bytes).bytes(tag::kSha256, sha256).u8(tag::kVoid, is_void ? 1 : 0);
  for (const auto& tombstone : tombstones) out.bytes(tag::kTombstone, encode_tombstone(tombstone));
  return out.finish();
}

Result<ImageTrailer> ImageTrailer::decode(ByteView block) {
  auto in = TRY(TlvReader::parse(block, kTrailerMagic));
  ImageTrailer trailer;
  trailer.identity = TRY(read_identity(in));
  trailer.bytes = TRY(in.u64(tag::kBytes, "bytes"));
  ByteReader hash(TRY(in.bytes(tag::kSha256, "sha256")));
  trailer.sha256 = TRY(hash.array<Hash256{}.size()>("sha256"));
  TRY(hash.expect_done("sha256"));
  trailer.is_void = TRY(in.u8(tag::kVoid, "void")) != 0;
  for (const auto value : in.all(tag::kTombstone)) trailer.tombstones.push_back(TRY(decode_tombstone(value)));
  TRY(in.finish());
  TRY(as_damage(trailer.check()));
  return trailer;
}

}  // namespace tapewarden::engine
