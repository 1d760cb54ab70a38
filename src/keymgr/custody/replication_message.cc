#include "keymgr/custody/replication_message.h"

#include <string>

#include "base/assert.h"
#include "crypto/kdf.h"

namespace tapewarden::keymgr {

namespace {

constexpr std::string_view kHelloMagic = "TWRH";
constexpr std::string_view kWelcomeMagic = "TWRW";
constexpr std::string_view kChangesMagic = "TWRC";
constexpr std::size_t kFieldLimit = 15U << 20;
constexpr std::size_t kColumnLimit = 256;
constexpr std::size_t kRowLimit = 100'000;
constexpr unsigned kEveryOrigin = 1;
constexpr unsigned kComplete = 2;
constexpr unsigned kNoted = 4;

enum class ValueTag : std::uint8_t { kNull = 0, kInteger = 1, kText = 2, kBlob = 3 };

void put_header(ByteWriter& out, std::string_view magic) {
  out.text(magic).u16(kReplicationVersion);
}

Status take_header(ByteReader& in, std::string_view magic) {
  const auto found = TRY(in.bytes(magic.size(), "magic"));
  if (as_text(found) != magic)
    return fail(ErrorCode::kCorrupt, "not a replication message of this kind", "magic");
  if (TRY(in.u16("version")) != kReplicationVersion) {
    return fail(ErrorCode::kUnsupported, "the peer speaks another version of replication", "version",
                "run the same release on both servers");
  }
  return {};
}

Result<Uuid> take_uuid(ByteReader& in, std::string_view what) {
  return Uuid::from(TRY(in.bytes(16, what)));
}

void put_value(ByteWriter& out, const store::Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out.u8(static_cast<std::uint8_t>(ValueTag::kInteger)).u64(static_cast<std::uint64_t>(*number));
  } else if (const auto* words = std::get_if<std::string>(&value)) {
    out.u8(static_cast<std::uint8_t>(ValueTag::kText)).bytes32(as_bytes(*words));
  } else if (const auto* raw = std::get_if<Bytes>(&value)) {
    out.u8(static_cast<std::uint8_t>(ValueTag::kBlob)).bytes32(*raw);
  } else {
    out.u8(static_cast<std::uint8_t>(ValueTag::kNull));
  }
}

Result<store::Value> take_value(ByteReader& in) {
  switch (static_cast<ValueTag>(TRY(in.u8("value type")))) {
    case ValueTag::kNull:
      return store::Value{};
    case ValueTag::kInteger:
      return store::Value{static_cast<std::int64_t>(TRY(in.u64("integer")))};
    case ValueTag::kText:
      return store::Value{std::string(as_text(TRY(in.bytes32(kFieldLimit, "text"))))};
    case ValueTag::kBlob:
      return store::Value{to_bytes(TRY(in.bytes32(kFieldLimit, "blob")))};
  }
  return fail(ErrorCode::kCorrupt, "unknown value type", "value type");
}

void put_row(ByteWriter& out, const store::RowChange& change) {
  out.bytes16(as_bytes(change.table))
      .u64(static_cast<std::uint64_t>(change.version))
      .bytes(change.origin.bytes);
  out.u64(change.commit).u8(change.erased ? 1 : 0).u16(static_cast<std::uint16_t>(change.row.size()));
  for (const auto& value : change.row) put_value(out, value);
}

Result<store::RowChange> take_row(ByteReader& in) {
  store::RowChange change;
  change.table = as_text(TRY(in.bytes16(64, "table name")));
  change.version = static_cast<std::int64_t>(TRY(in.u64("row version")));
  change.origin = TRY(take_uuid(in, "row origin"));
  change.commit = TRY(in.u64("row commit"));
  change.erased = TRY(in.u8("erased")) != 0;
  const std::size_t columns = TRY(in.u16("column count"));
  if (columns > kColumnLimit) return fail(ErrorCode::kCorrupt, "too many columns", "column count");
  change.row.reserve(columns);
  for (std::size_t i = 0; i < columns; ++i) change.row.push_back(TRY(take_value(in)));
  return change;
}

crypto::SecretBytes derive(const crypto::SecretBytes& key, const Uuid& session, std::string_view purpose) {
  return crypto::hkdf_sha256(key, session.view(), as_bytes(purpose), 32);
}

}  // namespace

void put_mark(ByteWriter& out, const store::CommitMark& mark) {
  out.u64(mark.sequence).bytes(mark.head);
}

Result<store::CommitMark> take_mark(ByteReader& in) {
  store::CommitMark mark;
  mark.sequence = TRY(in.u64("head sequence"));
  mark.head = TRY(in.array<32>("head"));
  return mark;
}

void put_incarnation(ByteWriter& out, const Incarnation& incarnation) {
  out.u64(static_cast<std::uint64_t>(incarnation.epoch)).u64(incarnation.start).u32(incarnation.installation);
}

Result<Incarnation> take_incarnation(ByteReader& in) {
  Incarnation out;
  const std::uint64_t epoch = TRY(in.u64("epoch"));
  if (epoch > static_cast<std::uint64_t>(kMaximumEpoch)) {
    return fail(ErrorCode::kCorrupt, "an epoch beyond what is possible", "epoch");
  }
  out.epoch = static_cast<std::int64_t>(epoch);
  out.start = TRY(in.u64("epoch start"));
  out.installation = TRY(in.u32("installation"));
  return out;
}

Bytes replication_oaep_label(const Uuid& session) {
  return ByteWriter().text("tapewarden replication").bytes(session.bytes).take();
}

Bytes ReplicationHello::signed_part() const {
  ByteWriter out;
  put_header(out, kHelloMagic);
  out.bytes(sender.bytes).bytes(receiver.bytes).bytes(session.bytes).bytes16(wrapped_key);
  put_mark(out, sender_head);
  put_incarnation(out, sender_incarnation);
  return out.take();
}

Bytes ReplicationHello::encode() const {
  return ByteWriter().bytes(signed_part()).bytes16(signature).take();
}

Result<ReplicationHello> ReplicationHello::decode(ByteView bytes) {
  ByteReader in(bytes);
  TRY(take_header(in, kHelloMagic));
  ReplicationHello hello;
  hello.sender = TRY(take_uuid(in, "sender"));
  hello.receiver = TRY(take_uuid(in, "receiver"));
  hello.session = TRY(take_uuid(in, "session"));
  hello.wrapped_key = to_bytes(TRY(in.bytes16(1024, "wrapped key")));
  hello.sender_head = TRY(take_mark(in));
  hello.sender_incarnation = TRY(take_incarnation(in));
  hello.signature = to_bytes(TRY(in.bytes16(256, "signature")));
  TRY(in.expect_done("hello"));
  return hello;
}

Bytes ReplicationWelcome::encode() const {
  ByteWriter out;
  put_header(out, kWelcomeMagic);
  out.bytes(receiver.bytes).u64(applied).u64(held);
  put_mark(out, last_seen_head);
  out.u8(wants_everything ? 1 : 0);
  put_mark(out, receiver_head);
  put_incarnation(out, receiver_incarnation);
  out.u32(static_cast<std::uint32_t>(refused.size()));
  for (const auto& one : refused) {
    out.u32(one.row).bytes16(as_bytes(std::string_view(one.why).substr(0, kRefusalTextLimit)));
  }
  return out.take();
}

Result<ReplicationWelcome> ReplicationWelcome::decode(ByteView bytes) {
  ByteReader in(bytes);
  TRY(take_header(in, kWelcomeMagic));
  ReplicationWelcome welcome;
  welcome.receiver = TRY(take_uuid(in, "receiver"));
  welcome.applied = TRY(in.u64("applied"));
  welcome.held = TRY(in.u64("held"));
  welcome.last_seen_head = TRY(take_mark(in));
  welcome.wants_everything = TRY(in.u8("wants everything")) != 0;
  welcome.receiver_head = TRY(take_mark(in));
  welcome.receiver_incarnation = TRY(take_incarnation(in));
  const std::size_t count = TRY(in.u32("refused count"));
  if (count > kRowLimit) return fail(ErrorCode::kCorrupt, "too many refused rows", "refused count");
  for (std::size_t i = 0; i < count; ++i) {
    RefusedPlace one;
    one.row = TRY(in.u32("refused row"));
    one.why = as_text(TRY(in.bytes16(kRefusalTextLimit, "refusal")));
    welcome.refused.push_back(std::move(one));
  }
  TRY(in.expect_done("welcome"));
  return welcome;
}

Bytes ReplicationChanges::encode(const crypto::MacKey& mac) const {
  TW_ASSERT(rows.size() <= kRowLimit);
  ByteWriter out;
  put_header(out, kChangesMagic);
  out.bytes(sender.bytes).bytes(session.bytes).u64(after).u64(through);
  put_mark(out, sender_head);
  put_incarnation(out, sender_incarnation);
  out.u64(sender_knows)
      .u8(static_cast<std::uint8_t>((every_origin ? kEveryOrigin : 0) | (complete ? kComplete : 0) |
                                    (noted ? kNoted : 0)));
  out.u32(static_cast<std::uint32_t>(rows.size()));
  for (const auto& row : rows) put_row(out, row);
  const Hash256 tag = mac.mac(out.view());
  return out.bytes(tag).take();
}

Result<ReplicationChanges> ReplicationChanges::decode(ByteView bytes, const crypto::MacKey& mac) {
  constexpr std::size_t kTagBytes = std::tuple_size_v<Hash256>;
  if (bytes.size() < kTagBytes) return fail(ErrorCode::kCorrupt, "the message is too short", "message");
  const ByteView body = bytes.first(bytes.size() - kTagBytes);
  if (!crypto::equal_constant_time(mac.mac(body), bytes.last(kTagBytes))) {
    return fail(ErrorCode::kUnauthenticated, "the message's MAC does not fit", "mac");
  }
  ByteReader in(body);
  TRY(take_header(in, kChangesMagic));
  ReplicationChanges changes;
  changes.sender = TRY(take_uuid(in, "sender"));
  changes.session = TRY(take_uuid(in, "session"));
  changes.after = TRY(in.u64("after"));
  changes.through = TRY(in.u64("through"));
  changes.sender_head = TRY(take_mark(in));
  changes.sender_incarnation = TRY(take_incarnation(in));
  changes.sender_knows = TRY(in.u64("sender knows"));
  const std::uint8_t flags = TRY(in.u8("flags"));
  changes.every_origin = (flags & kEveryOrigin) != 0;
  changes.complete = (flags & kComplete) != 0;
  changes.noted = (flags & kNoted) != 0;
  const std::size_t count = TRY(in.u32("row count"));
  if (count > kRowLimit) return fail(ErrorCode::kCorrupt, "too many rows in one message", "row count");
  for (std::size_t i = 0; i < count; ++i) changes.rows.push_back(TRY(take_row(in)));
  TRY(in.expect_done("changes"));
  return changes;
}

ReplicationSession::ReplicationSession(Uuid id, const crypto::SecretBytes& key)
    : id_(id), mac_(derive(key, id, "replication mac")), aead_(derive(key, id, "replication secrets")) {}

Bytes ReplicationSession::seal(ByteView associated, const crypto::SecretBytes& secret) {
  const crypto::GcmIv iv = crypto::counter_iv(counter_++);
  Bytes box(crypto::kBoxOverhead + secret.size());
  const MutableByteView all(box);
  copy_bytes(all, iv);
  const auto tag =
      aead_.seal(iv, associated, secret.reveal(), all.subspan(crypto::kGcmIvBytes, secret.size()));
  copy_bytes(all.last(crypto::kGcmTagBytes), tag);
  return box;
}

Result<crypto::SecretBytes> ReplicationSession::open(ByteView associated, ByteView box) {
  if (box.size() < crypto::kBoxOverhead) return fail(ErrorCode::kCorrupt, "a sealed secret is too short");
  crypto::GcmIv iv;
  crypto::GcmTag tag;
  copy_bytes(iv, box.first(crypto::kGcmIvBytes));
  copy_bytes(tag, box.last(crypto::kGcmTagBytes));
  auto secret = crypto::SecretBytes::zeros(box.size() - crypto::kBoxOverhead);
  const ByteView ciphertext = box.subspan(crypto::kGcmIvBytes, secret.size());
  TRY(aead_.open(iv, associated, ciphertext, tag, secret.reveal_mutable()));
  return secret;
}

}  // namespace tapewarden::keymgr
