#include "keymgr/sharing/shared_file.h"

#include "base/assert.h"
#include "base/text.h"
#include "crypto/kdf.h"
#include "eedk/data_key_identifier.h"
#include "keymgr/custody/backup/chunk.h"
#include "keymgr/custody/backup/limits.h"
#include "keymgr/sharing/limits.h"

namespace tapewarden::keymgr::sharing {
namespace {

constexpr std::string_view kChunkInfo = "tapewarden shared chunks";
constexpr std::string_view kSecretInfo = "tapewarden shared secrets";
constexpr std::string_view kSignaturePurpose = "tapewarden shared keys signature\n";
constexpr std::size_t kHeaderStart = 14;  // magic, version, length
constexpr std::size_t kBoxBytes = 32 + crypto::kBoxOverhead;
constexpr std::uint8_t kKeyRecord = 1;
constexpr std::uint8_t kEndRecord = 2;

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::kCorrupt, "the file was changed or cut short: " + std::string(what), "file",
              "ask the partner to send the file again");
}

std::unexpected<Error> nonsense(std::string_view what, std::string_view field) {
  return fail(ErrorCode::kCorrupt, "the file holds what no sender should write: " + std::string(what),
              std::string(field), "ask the partner to export the keys again");
}

Bytes signed_message(const Hash256& digest) {
  ByteWriter out;
  out.text(kSignaturePurpose).bytes(digest);
  return out.take();
}

void put_time(ByteWriter& out, WallTime time) {
  out.u64(static_cast<std::uint64_t>(to_millis(time)));
}

Result<WallTime> take_time(ByteReader& in) {
  const std::uint64_t millis = TRY(in.u64("time"));
  if (millis >= std::uint64_t{1} << 48) return nonsense("a time", "time");
  return from_millis(static_cast<std::int64_t>(millis));
}

Result<std::string> take_name(ByteReader& in, std::string_view what) {
  std::string name(as_text(TRY(in.bytes16(kSiteNameLimit, what))));
  if (!is_printable(name)) return nonsense("a name that is not printable", what);
  return name;
}

struct Frame {
  std::uint32_t word = 0;
  std::size_t bytes = 0;
  bool final = false;
};
Result<Frame> take_frame(ByteReader& in) {
  const auto word = in.u32("frame");
  if (!word) return damaged("a chunk is cut short");
  const Frame frame{*word, *word & ~backup::kFinalChunk, (*word & backup::kFinalChunk) != 0};
  if (frame.bytes > backup::kChunkBytes || (!frame.final && frame.bytes != backup::kChunkBytes)) {
    return damaged("a chunk has a wrong length");
  }
  return frame;
}

// How many bytes the chunks have: they say it themselves.
Result<std::size_t> chunk_bytes(ByteView rest) {
  ByteReader in(rest);
  while (true) {
    const Frame frame = TRY(take_frame(in));
    if (!in.skip(frame.bytes + crypto::kGcmTagBytes, "chunk")) return damaged("a chunk is cut short");
    if (frame.final) return in.position();
  }
}

Result<Bytes> open_chunks(const SignedFile& file, const crypto::SecretBytes& key) {
  crypto::AesGcm cipher(key);
  Bytes content;
  content.reserve(file.chunks.size());
  ByteReader in(file.chunks);
  for (std::uint64_t number = 0; !in.done(); ++number) {
    const Frame frame = TRY(take_frame(in));
    const auto sealed = TRY(in.bytes(frame.bytes, "chunk"));
    const auto tag = TRY(in.array<crypto::kGcmTagBytes>("tag"));
    const std::size_t before = content.size();
    content.resize(before + frame.bytes);
    if (!cipher.open(backup::chunk_iv(number, frame.final),
                     backup::chunk_associated(file.header_digest, frame.word), sealed, tag,
                     MutableByteView(content).subspan(before))) {
      return fail(ErrorCode::kWrongKey, "the file does not open with its file key", "file",
                  "the sender sealed it wrongly: ask the partner to export the keys again");
    }
  }
  return content;
}

}  // namespace

Bytes encode_header(const FileHeader& header) {
  ByteWriter body;
  body.bytes(header.id.view());
  put_time(body, header.made);
  body.bytes16(as_bytes(header.from)).bytes(header.server.view()).u32(header.keys);
  body.bytes(header.recipient).bytes(header.recipient_identity);
  body.bytes32(header.signer).bytes32(header.envelope);
  ByteWriter out;
  out.text(kMagic).u16(kVersion).bytes32(body.view());
  return out.take();
}

Result<FileHeader> decode_header(ByteView encoded) {
  ByteReader start(encoded);
  const auto magic = start.bytes(kMagic.size(), "magic");
  if (!magic || !equal(*magic, as_bytes(kMagic))) {
    return fail(ErrorCode::kCorrupt, "this is no file of shared keys", "file",
                "give the file that the partner's key export wrote");
  }
  if (TRY(start.u16("version")) != kVersion) {
    return fail(ErrorCode::kUnsupported, "the file has a version that this program does not know", "file",
                "use a newer program, or ask the partner for an older form");
  }
  ByteReader in(TRY(start.bytes32(kHeaderLimit, "header")));
  TRY(start.expect_done("header"));
  FileHeader header;
  header.id = Uuid{TRY(in.array<16>("file id"))};
  header.made = TRY(take_time(in));
  header.from = TRY(take_name(in, "sender"));
  header.server = Uuid{TRY(in.array<16>("server"))};
  header.keys = TRY(in.u32("number of keys"));
  if (header.keys == 0 || header.keys > kMaximumSharedKeys) return nonsense("the number of keys", "keys");
  header.recipient = TRY(in.array<32>("recipient"));
  header.recipient_identity = TRY(in.array<32>("recipient's identity"));
  header.signer = to_bytes(TRY(in.bytes32(kCertificateLimit, "signer")));
  header.envelope = to_bytes(TRY(in.bytes32(kEnvelopeLimit, "envelope")));
  TRY(in.expect_done("header"));
  return header;
}

Bytes encode_key(const SharedKey& key) {
  ByteWriter out;
  out.bytes16(as_bytes(key.alias)).u8(static_cast<std::uint8_t>(key.state));
  put_time(out, key.times.created);
  put_time(out, key.times.activated);
  put_time(out, key.times.deactivated);
  put_time(out, key.times.compromised);
  out.bytes(key.owner.view()).bytes16(as_bytes(key.group)).bytes(key.fingerprint).bytes16(key.box);
  return out.take();
}

Result<SharedKey> decode_key(ByteView body) {
  ByteReader in(body);
  SharedKey key;
  key.alias = as_text(TRY(in.bytes16(kSiteNameLimit, "alias")));
  const auto canonical = eedk::canonical_alias(key.alias);
  if (!canonical || *canonical != key.alias) return nonsense("an alias", "alias");
  const std::uint8_t state = TRY(in.u8("state"));
  if (state < static_cast<std::uint8_t>(KeyState::kPreActive) ||
      state > static_cast<std::uint8_t>(KeyState::kCompromised)) {
    return nonsense("a state", "state");
  }
  key.state = static_cast<KeyState>(state);
  key.times.created = TRY(take_time(in));
  key.times.activated = TRY(take_time(in));
  key.times.deactivated = TRY(take_time(in));
  key.times.compromised = TRY(take_time(in));
  key.owner = Uuid{TRY(in.array<16>("owner"))};
  key.group = TRY(take_name(in, "group"));
  key.fingerprint = TRY(in.array<16>("fingerprint"));
  key.box = to_bytes(TRY(in.bytes16(kBoxBytes, "box")));
  if (key.box.size() != kBoxBytes) return nonsense("a sealed key of another length", "box");
  TRY(in.expect_done("key"));
  return key;
}

Bytes box_place(const SharedKey& key) {
  ByteWriter out;
  out.bytes16(as_bytes("shared key")).bytes16(as_bytes(key.alias)).bytes(key.fingerprint);
  return out.take();
}

backup::FileKeys derive_file_keys(const crypto::SecretBytes& file_key, const Hash256& header_digest) {
  return {crypto::hkdf_sha256(file_key, header_digest, as_bytes(kChunkInfo), crypto::kAesKeyBytes),
          crypto::hkdf_sha256(file_key, header_digest, as_bytes(kSecretInfo), crypto::kAesKeyBytes)};
}

FileBuilder::FileBuilder(const FileHeader& header, const crypto::SecretBytes& file_key)
    : file_(encode_header(header)),
      header_digest_(crypto::sha256(file_)),
      keys_(derive_file_keys(file_key, header_digest_)),
      chunks_(keys_.chunks),
      sealer_(keys_.secrets) {}

void FileBuilder::seal_chunk(bool final) {
  const auto frame = static_cast<std::uint32_t>(buffer_.size()) | (final ? backup::kFinalChunk : 0U);
  ByteWriter head;
  head.u32(frame);
  Bytes sealed(buffer_.size());
  const auto tag = chunks_.seal(backup::chunk_iv(chunk_++, final),
                                backup::chunk_associated(header_digest_, frame), buffer_, sealed);
  file_.insert(file_.end(), head.view().begin(), head.view().end());
  file_.insert(file_.end(), sealed.begin(), sealed.end());
  file_.insert(file_.end(), tag.begin(), tag.end());
  buffer_.clear();
}

void FileBuilder::put(std::uint8_t type, ByteView body) {
  ByteWriter record;
  record.u8(type).bytes32(body);
  for (ByteView rest = record.view(); !rest.empty();) {
    // A full chunk waits until it is known not to be the last.
    if (buffer_.size() == backup::kChunkBytes) seal_chunk(false);
    const auto part = rest.first(std::min(rest.size(), backup::kChunkBytes - buffer_.size()));
    buffer_.insert(buffer_.end(), part.begin(), part.end());
    rest = rest.subspan(part.size());
  }
}

void FileBuilder::add(SharedKey key, const crypto::SecretBytes& secret) {
  key.box = sealer_.seal(box_place(key), secret);
  put(kKeyRecord, encode_key(key));
  ++count_;
}

Bytes FileBuilder::finish(const crypto::PrivateKey& signing_key) {
  ByteWriter end;
  end.u32(count_);
  put(kEndRecord, end.view());
  seal_chunk(true);
  ByteWriter signature;
  signature.bytes16(signing_key.sign(signed_message(crypto::sha256(file_))));
  file_.insert(file_.end(), signature.view().begin(), signature.view().end());
  return std::move(file_);
}

Result<SignedFile> read_file(ByteView file) {
  if (file.size() > kMaximumFileBytes) {
    return fail(ErrorCode::kInvalidArgument, "the file is too large", "file",
                "a file of shared keys has at most 32 MiB");
  }
  ByteReader start(file);
  const auto magic = start.bytes(kMagic.size(), "magic");
  if (!magic || !equal(*magic, as_bytes(kMagic))) return std::unexpected(decode_header(file).error());
  if (!start.u16("version")) return damaged("the header is cut short");
  const auto length = start.u32("length");
  if (!length || *length > kHeaderLimit || !start.skip(*length, "header")) {
    return damaged("the header is cut short");
  }
  const std::size_t header_bytes = kHeaderStart + *length;
  SignedFile out;
  out.header = TRY(decode_header(file.first(header_bytes)));
  out.header_digest = crypto::sha256(file.first(header_bytes));
  const std::size_t chunks = TRY(chunk_bytes(file.subspan(header_bytes)));
  out.chunks = file.subspan(header_bytes, chunks);
  const std::size_t content_end = header_bytes + chunks;
  ByteReader end(file.subspan(content_end));
  const auto signature = end.bytes16(kSignatureLimit, "signature");
  if (!signature) return damaged("the signature is cut short");
  if (!end.done()) return damaged("something follows its signature");
  auto signer = crypto::Certificate::from_der(out.header.signer);
  if (!signer) return damaged("its signing certificate does not parse");
  out.signer = std::move(*signer);
  const auto key = out.signer.public_key();
  if (!key || !key->verify(signed_message(crypto::sha256(file.first(content_end))), *signature)) {
    return damaged("its signature does not fit");
  }
  out.digest = crypto::sha256(file);
  return out;
}

Result<std::vector<SharedKey>> read_records(ByteView content, std::uint32_t keys) {
  ByteReader in(content);
  std::vector<SharedKey> out;
  while (true) {
    const std::uint8_t type = TRY(in.u8("type of record"));
    const auto body = TRY(in.bytes32(kRecordLimit, "record"));
    if (type == kKeyRecord) {
      if (out.size() == keys) return nonsense("more keys than it says", "keys");
      out.push_back(TRY(decode_key(body)));
      continue;
    }
    if (type != kEndRecord) return nonsense("a record of an unknown type", "type of record");
    ByteReader end(body);
    if (TRY(end.u32("number of keys")) != out.size() || !end.done() || out.size() != keys) {
      return nonsense("another number of keys than it says", "keys");
    }
    TRY(in.expect_done("content"));
    return out;
  }
}

Result<SharedContent> open_content(const SignedFile& file, const crypto::SecretBytes& file_key) {
  auto keys = derive_file_keys(file_key, file.header_digest);
  const Bytes content = TRY(open_chunks(file, keys.chunks));
  SharedContent out;
  out.keys = TRY(read_records(content, file.header.keys));
  out.secrets = std::move(keys.secrets);
  return out;
}

}  // namespace tapewarden::keymgr::sharing
