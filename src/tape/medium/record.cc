#include "tape/medium/record.h"

#include <algorithm>

#include "base/assert.h"
#include "base/crc32c.h"
#include "crypto/hash.h"
#include "tape/medium/layout.h"
#include "tape/medium/limits.h"

namespace tapewarden::tape {

namespace {

constexpr std::uint8_t kFlagEncrypted = 1;
constexpr std::uint8_t kFlagCompressed = 2;
constexpr std::size_t kPayloadCrcAt = 56;
constexpr std::size_t kHeaderCrcAt = 60;
constexpr std::uint8_t kSessionRawReadBlocked = 1;
constexpr std::uint8_t kSessionBehindCutOff = 2;
constexpr std::uint8_t kSessionEndsConsidered = 4;
constexpr std::uint8_t kSessionBehindEnd = 8;
constexpr std::uint8_t kKnownSessionFlags =
    kSessionRawReadBlocked | kSessionBehindCutOff | kSessionEndsConsidered | kSessionBehindEnd;
constexpr std::uint8_t kKnownRecordFlags = kFlagEncrypted | kFlagCompressed;
constexpr std::uint8_t kMaxKadFormat = 2;

// A header is built for every record, so it is put together in place, without the heap.
class HeaderWriter {
 public:
  template <typename T>
  HeaderWriter& put(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      out_[at_ + i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1 - i)));
    }
    at_ += sizeof(T);
    return *this;
  }
  HeaderWriter& bytes(ByteView view) {
    copy_bytes(MutableByteView(out_).subspan(at_, view.size()), view);
    at_ += view.size();
    return *this;
  }
  std::size_t size() const { return at_; }
  const HeaderBytes& view() const { return out_; }

 private:
  HeaderBytes out_{};
  std::size_t at_ = 0;
};

HeaderWriter write_fields(const RecordHeader& header) {
  HeaderWriter out;
  out.bytes(as_bytes(kRecordMagic));
  out.put(static_cast<std::uint8_t>(kFormatVersion)).put(static_cast<std::uint8_t>(header.type));
  const int flags = (header.encrypted ? kFlagEncrypted : 0) | (header.compressed ? kFlagCompressed : 0);
  out.put(static_cast<std::uint8_t>(flags)).put(header.partition);
  out.put(header.host_length).put(header.stored_length);
  out.put(header.logical_object).put(header.file_number).put(header.session_id);
  out.put(header.counter).put(header.previous_offset).bytes(header.previous_link);
  TW_ASSERT(out.size() == kPayloadCrcAt);
  return out;
}

std::unexpected<Error> damaged(const char* what) {
  return fail(ErrorCode::kCorrupt, std::string("record header ") + what, "record header", {},
              detail(MediumFault::kHeaderDamaged));
}

// The checksum fits, so that this is what was written: by a later version than this one.
std::unexpected<Error> newer(const char* where, const std::string& what) {
  return fail(ErrorCode::kUnsupported,
              std::string(where) + " has " + what + ": the cartridge needs a newer reader", where,
              "use the version of Tapewarden that wrote it, or a later one",
              detail(MediumFault::kNewerFormat));
}

bool lengths_fit(const RecordHeader& header) {
  const std::uint32_t host = header.host_length;
  const std::uint32_t stored = header.stored_length;
  switch (header.type) {
    case RecordType::kData:
      if (host == 0 || host > kMaxRecordBytes) return false;
      return header.compressed ? stored > 0 && stored < host : stored == host;
    case RecordType::kSession:
      return !header.encrypted && !header.compressed && stored == host && stored <= kMaxSessionBytes;
    case RecordType::kIndex:
      return !header.encrypted && !header.compressed && stored == host && stored <= kMaxIndexBytes;
    case RecordType::kFilemark:
    case RecordType::kEndOfData:
    case RecordType::kSyncMark:
      return !header.compressed && host == 0 && stored == 0;
  }
  return false;
}

}  // namespace

HeaderBytes encode_header(const RecordHeader& header) {
  HeaderWriter out = write_fields(header);
  out.put(header.payload_crc);
  out.put(crc32c(ByteView(out.view()).first(kHeaderCrcAt)));
  return out.view();
}

Result<RecordHeader> decode_header(ByteView bytes) {
  if (bytes.size() < kHeaderBytes) return damaged("is cut short");
  bytes = bytes.first(kHeaderBytes);
  ByteReader in(bytes);
  if (!equal(TRY(in.bytes(kRecordMagic.size(), "magic")), as_bytes(kRecordMagic)))
    return damaged("has no magic");
  RecordHeader out;
  const auto version = TRY(in.u8("version"));
  const auto type = TRY(in.u8("type"));
  const auto flags = TRY(in.u8("flags"));
  out.partition = TRY(in.u8("partition"));
  out.host_length = TRY(in.u32("host length"));
  out.stored_length = TRY(in.u32("stored length"));
  out.logical_object = TRY(in.u64("logical object"));
  out.file_number = TRY(in.u32("file number"));
  out.session_id = TRY(in.u32("session"));
  out.counter = TRY(in.u64("counter"));
  out.previous_offset = TRY(in.u64("previous offset"));
  out.previous_link = TRY(in.array<8>("previous link"));
  out.payload_crc = TRY(in.u32("payload checksum"));
  out.header_crc = TRY(in.u32("header checksum"));
  if (out.header_crc != crc32c(bytes.first(kHeaderCrcAt))) return damaged("does not fit its checksum");
  if (version != kFormatVersion) return newer("record header", "version " + std::to_string(version));
  if (type > 6) return newer("record header", "type " + std::to_string(type));
  if ((flags & ~kKnownRecordFlags) != 0)
    return newer("record header", "flags " + std::to_string(flags & ~kKnownRecordFlags));
  if (type < 1 || out.partition > 1) return damaged("has a value out of range");
  out.type = static_cast<RecordType>(type);
  out.encrypted = (flags & kFlagEncrypted) != 0;
  out.compressed = (flags & kFlagCompressed) != 0;
  if (!lengths_fit(out)) return damaged("has lengths that do not fit its type");
  return out;
}

Bytes encode_session(const SessionInfo& session) {
  TW_ASSERT(session.akad.size() <= kMaxKadBytes && session.ukad.size() <= kMaxKadBytes);
  ByteWriter out;
  out.bytes(session.salt)
      .bytes(session.volume.view())
      .bytes(session.check_value)
      .bytes(session.previous_link);
  out.u64(session.previous_session).u64(session.start_object).u32(session.start_file).u32(session.algorithm);
  out.u64(static_cast<std::uint64_t>(to_millis(session.begun)));
  out.u8(static_cast<std::uint8_t>(session.method)).u8(session.compression_level);
  const int flags = (session.raw_read_blocked ? kSessionRawReadBlocked : 0) |
                    (session.behind_cut_off ? kSessionBehindCutOff : 0) |
                    (session.ends_considered ? kSessionEndsConsidered : 0) |
                    (session.behind_end ? kSessionBehindEnd : 0);
  out.u8(static_cast<std::uint8_t>(flags)).u8(session.kad_format);
  out.bytes16(session.akad).bytes16(session.ukad);
  return out.take();
}

Result<SessionInfo> decode_session(ByteView payload) {
  ByteReader in(payload);
  SessionInfo out;
  out.salt = TRY(in.array<kSaltBytes>("salt"));
  out.volume.bytes = TRY(in.array<16>("volume"));
  out.check_value = TRY(in.array<16>("check value"));
  out.previous_link = TRY(in.array<16>("previous link"));
  out.previous_session = TRY(in.u64("previous session"));
  out.start_object = TRY(in.u64("start object"));
  out.start_file = TRY(in.u32("start file"));
  out.algorithm = TRY(in.u32("algorithm"));
  out.begun = from_millis(static_cast<std::int64_t>(TRY(in.u64("time"))));
  const auto method = TRY(in.u8("method"));
  out.compression_level = TRY(in.u8("compression level"));
  const auto flags = TRY(in.u8("session flags"));
  // Before the rest is looked at, which may have another shape then.
  if ((flags & ~kKnownSessionFlags) != 0)
    return newer("session record", "flags " + std::to_string(flags & ~kKnownSessionFlags));
  if (out.algorithm != kAlgorithmClear && out.algorithm != kAlgorithmAesGcm)
    return newer("session record", "algorithm " + std::to_string(out.algorithm));
  out.kad_format = TRY(in.u8("KAD format"));
  out.akad = to_bytes(TRY(in.bytes16(kMaxKadBytes, "A-KAD")));
  out.ukad = to_bytes(TRY(in.bytes16(kMaxKadBytes, "U-KAD")));
  TRY(in.expect_done("session record"));
  if (method > 2 || out.compression_level > kMaxCompressionLevel || out.kad_format > kMaxKadFormat) {
    return fail(ErrorCode::kCorrupt, "session record has a value out of range", "session record");
  }
  out.method = static_cast<KeyMethod>(method);
  out.raw_read_blocked = (flags & kSessionRawReadBlocked) != 0;
  out.behind_cut_off = (flags & kSessionBehindCutOff) != 0;
  out.ends_considered = (flags & kSessionEndsConsidered) != 0;
  out.behind_end = (flags & kSessionBehindEnd) != 0;
  return out;
}

Link link_of(const RecordHeader& header, ByteView payload, ByteView tag) {
  Link link{};
  if (header.type == RecordType::kSession) {
    const Hash256 hash = crypto::sha256({encode_header(header), payload});
    copy_bytes(link, ByteView(hash).first(link.size()));
  } else if (header.encrypted) {
    TW_ASSERT(tag.size() == link.size());
    copy_bytes(link, tag);
  } else {
    const HeaderBytes bytes = encode_header(header);
    copy_bytes(link, ByteView(bytes).subspan(kPayloadCrcAt, 8));
    copy_bytes(MutableByteView(link).subspan(8), ByteView(bytes).subspan(16, 8));  // the logical object
  }
  return link;
}

LinkHead head_of(const Link& link) {
  LinkHead head{};
  copy_bytes(head, ByteView(link).first(head.size()));
  return head;
}

AssociatedData associated_data(const RecordHeader& header, const SessionSalt& salt, const Link& previous) {
  AssociatedData out{};
  const HeaderWriter fields = write_fields(header);
  copy_bytes(out, fields.view());
  copy_bytes(MutableByteView(out).subspan(kHeaderBytes), salt);
  copy_bytes(MutableByteView(out).subspan(kHeaderBytes + kSaltBytes), previous);
  return out;
}

bool ends_data(RecordType type) {
  return type == RecordType::kEndOfData || type == RecordType::kIndex;
}

std::string name_of(const RecordHeader& header, std::uint64_t offset) {
  return "record of object " + std::to_string(header.logical_object) + " at offset " + std::to_string(offset);
}

}  // namespace tapewarden::tape
