#include "keymgr/custody/backup/file_header.h"

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "keymgr/custody/backup/limits.h"

namespace tapewarden::keymgr::backup {

namespace {

constexpr std::uint8_t kPassphraseKind = 1;
constexpr std::uint8_t kRecipientKind = 2;

void encode_seal(ByteWriter& writer, const Seal& seal) {
  if (const auto* passphrase = std::get_if<PassphraseSeal>(&seal)) {
    writer.u8(kPassphraseKind).u64(passphrase->cost.n).u32(passphrase->cost.r).u32(passphrase->cost.p);
    writer.bytes(passphrase->salt).bytes32(passphrase->envelope);
  } else {
    writer.u8(kRecipientKind).bytes32(std::get<RecipientSeal>(seal).envelope);
  }
}

Result<Seal> decode_seal(ByteReader& reader) {
  const std::uint8_t kind = TRY(reader.u8("kind of seal"));
  if (kind == kRecipientKind) {
    return RecipientSeal{to_bytes(TRY(reader.bytes32(kSealLimit, "sealed file key")))};
  }
  if (kind != kPassphraseKind) {
    return fail(ErrorCode::kUnsupported, "the backup is sealed in a way that this program does not know",
                "kind of seal", "use the program that wrote it, or a newer one");
  }
  PassphraseSeal seal;
  seal.cost.n = TRY(reader.u64("scrypt n"));
  seal.cost.r = TRY(reader.u32("scrypt r"));
  seal.cost.p = TRY(reader.u32("scrypt p"));
  seal.salt = TRY(reader.array<32>("salt"));
  seal.envelope = to_bytes(TRY(reader.bytes32(kSealLimit, "sealed file key")));
  return seal;
}

Result<std::string> take_name(ByteReader& reader, std::string_view what) {
  std::string name(as_text(TRY(reader.bytes16(kNameLimit, what))));
  if (!is_printable(name)) {
    return fail(ErrorCode::kCorrupt, "a name in the backup is not printable", std::string(what));
  }
  return name;
}

Status check(const FileHeader& header) {
  const bool fits =
      (header.kind == FileKind::kKeystore || header.kind == FileKind::kAudit) && header.base > 0 &&
      header.from <= header.to.sequence &&
      (header.kind == FileKind::kKeystore ? !header.is_base() || header.from == 0 : header.increment == 0);
  if (fits) return {};
  return fail(ErrorCode::kCorrupt, "the backup's header contradicts itself", "header");
}

}  // namespace

Bytes encode_header(const FileHeader& header) {
  ByteWriter body;
  body.u8(static_cast<std::uint8_t>(header.kind)).bytes(header.server.view());
  body.bytes16(as_bytes(header.server_name)).u64(header.epoch);
  body.bytes16(as_bytes(header.target)).bytes16(as_bytes(header.domain));
  body.u32(header.base).u32(header.increment);
  body.u64(header.from).u64(header.to.sequence).bytes(header.to.head);
  body.bytes(header.predecessor).u64(static_cast<std::uint64_t>(to_millis(header.created)));
  body.bytes32(header.signer);
  encode_seal(body, header.seal);
  ByteWriter out;
  out.text(kMagic).u16(kVersion).bytes32(body.view());
  return out.take();
}

Result<std::size_t> header_size(ByteView start) {
  ByteReader reader(start);
  if (!equal(TRY(reader.bytes(kMagic.size(), "magic")), as_bytes(kMagic))) {
    return fail(ErrorCode::kCorrupt, "this is no backup file", "magic");
  }
  if (TRY(reader.u16("version")) != kVersion) {
    return fail(ErrorCode::kUnsupported, "the backup has a version that this program does not know",
                "version", "use the program that wrote it, or a newer one");
  }
  const std::uint32_t size = TRY(reader.u32("header length"));
  if (size > kHeaderLimit)
    return fail(ErrorCode::kCorrupt, "the backup's header is too long", "header length");
  return kHeaderStart + size;
}

Result<FileHeader> decode_header(ByteView encoded) {
  const std::size_t size = TRY(header_size(encoded));
  if (encoded.size() != size) return fail(ErrorCode::kCorrupt, "the backup's header is cut short", "header");
  ByteReader reader(encoded.subspan(kHeaderStart));
  FileHeader header;
  header.kind = static_cast<FileKind>(TRY(reader.u8("kind of file")));
  header.server = Uuid::from(TRY(reader.bytes(16, "server")));
  header.server_name = TRY(take_name(reader, "server name"));
  header.epoch = TRY(reader.u64("epoch"));
  header.target = TRY(take_name(reader, "target"));
  header.domain = TRY(take_name(reader, "failure domain"));
  header.base = TRY(reader.u32("base number"));
  header.increment = TRY(reader.u32("increment number"));
  header.from = TRY(reader.u64("from"));
  header.to.sequence = TRY(reader.u64("to"));
  header.to.head = TRY(reader.array<32>("head"));
  header.predecessor = TRY(reader.array<32>("predecessor"));
  header.created = from_millis(static_cast<std::int64_t>(TRY(reader.u64("time"))));
  header.signer = to_bytes(TRY(reader.bytes32(kCertificateLimit, "signing certificate")));
  header.seal = TRY(decode_seal(reader));
  TRY(reader.expect_done("header"));
  TRY(check(header));
  return header;
}

std::string file_name(const FileHeader& header) {
  std::string server = header.server_name;
  std::ranges::replace_if(
      server,
      [](char c) { return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')); },
      '_');
  std::string time = format_utc(header.created).substr(0, 19) + "Z";
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  char numbers[64];
  if (header.kind == FileKind::kAudit) {
    std::snprintf(numbers, sizeof numbers, "-e%05llu-a%05u-", static_cast<unsigned long long>(header.epoch),
                  header.base);
  } else {
    std::snprintf(numbers, sizeof numbers, "-e%05llu-b%05u-i%05u-",
                  static_cast<unsigned long long>(header.epoch), header.base, header.increment);
  }
  return server + "-" + header.server.text().substr(0, 8) + numbers + time + std::string(kFileSuffix);
}

}  // namespace tapewarden::keymgr::backup
