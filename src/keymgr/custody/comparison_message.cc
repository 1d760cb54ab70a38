#include "keymgr/custody/comparison_message.h"

#include <algorithm>
#include <utility>

#include "keymgr/custody/replication_message.h"
#include "store/row_codec.h"

namespace tapewarden::keymgr {

namespace {

constexpr std::uint16_t kComparisonVersion = 2;  // of questions and answers
constexpr std::uint16_t kReportVersion = 1;
constexpr std::string_view kQuestionMagic = "TWCQ";
constexpr std::string_view kAnswerMagic = "TWCA";
constexpr std::string_view kReportMagic = "TWCR";
constexpr std::size_t kKeyColumns = 16;
constexpr std::size_t kNameLimit = 64;
constexpr std::size_t kKeyTextLimit = 4096;
constexpr std::size_t kErrorLimit = 1024;

enum Flag : unsigned { kListed = 1, kDigests = 2, kAfter = 4, kUntil = 8, kKeys = 16 };

void put_header(ByteWriter& out, std::string_view magic, std::uint16_t version = kComparisonVersion) {
  out.text(magic).u16(version);
}

Status take_header(ByteReader& in, std::string_view magic, std::uint16_t version = kComparisonVersion) {
  const auto found = TRY(in.bytes(magic.size(), "magic"));
  if (as_text(found) != magic) return fail(ErrorCode::kCorrupt, "not a message of a comparison", "magic");
  if (TRY(in.u16("version")) == version) return {};
  return fail(ErrorCode::kUnsupported, "the peer compares by another version", "version",
              "run the same release on both servers");
}

void put_key(ByteWriter& out, const store::Row& key) {
  out.u8(static_cast<std::uint8_t>(key.size()));
  for (const auto& value : key) store::encode_value(out, value);
}

Result<store::Row> take_key(ByteReader& in) {
  const std::size_t columns = TRY(in.u8("key columns"));
  if (columns == 0 || columns > kKeyColumns) return fail(ErrorCode::kCorrupt, "no key", "key columns");
  store::Row key;
  const std::size_t before = in.remaining();
  for (std::size_t i = 0; i < columns; ++i) {
    key.push_back(TRY(store::decode_value(in)));
    if (before - in.remaining() > kKeyBytesInMessage)
      return fail(ErrorCode::kCorrupt, "too long a key", "key");
  }
  return key;
}

std::string rows_text(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " row" : " rows");
}

Result<Uuid> take_uuid(ByteReader& in, std::string_view what) {
  return Uuid::from(TRY(in.bytes(16, what)));
}

void put_print(ByteWriter& out, const store::RowPrint& print) {
  put_key(out, print.key);
  out.u64(static_cast<std::uint64_t>(print.version)).bytes(print.origin.view()).u8(print.erased ? 1 : 0);
  out.u64(print.commit).bytes(print.digest);
}

Result<store::RowPrint> take_print(ByteReader& in) {
  store::RowPrint print;
  print.key = TRY(take_key(in));
  print.version = static_cast<std::int64_t>(TRY(in.u64("row version")));
  print.origin = TRY(take_uuid(in, "row origin"));
  print.erased = TRY(in.u8("erased")) != 0;
  print.commit = TRY(in.u64("row commit"));
  print.digest = TRY(in.array<32>("row digest"));
  return print;
}

void put_difference(ByteWriter& out, const RowDifference& one) {
  out.bytes16(as_bytes(one.table)).bytes16(as_bytes(std::string_view(one.key).substr(0, kKeyTextLimit)));
  out.u8(static_cast<std::uint8_t>(one.kind));
  out.u64(static_cast<std::uint64_t>(one.version_here)).bytes(one.origin_here.view());
  out.u64(static_cast<std::uint64_t>(one.version_there)).bytes(one.origin_there.view());
}

Result<RowDifference> take_difference(ByteReader& in) {
  RowDifference one;
  one.table = as_text(TRY(in.bytes16(kNameLimit, "table name")));
  one.key = as_text(TRY(in.bytes16(kKeyTextLimit, "row key")));
  const std::uint8_t kind = TRY(in.u8("difference"));
  if (kind < 1 || kind > 3) return fail(ErrorCode::kCorrupt, "unknown difference", "difference");
  one.kind = static_cast<DifferenceKind>(kind);
  one.version_here = static_cast<std::int64_t>(TRY(in.u64("row version")));
  one.origin_here = TRY(take_uuid(in, "row origin"));
  one.version_there = static_cast<std::int64_t>(TRY(in.u64("row version")));
  one.origin_there = TRY(take_uuid(in, "row origin"));
  return one;
}

}  // namespace

Hash256 sum_of(const std::vector<store::RowPrint>& rows) {
  store::MacSum sum;
  for (const auto& row : rows) sum.add(row.digest);
  return sum.bytes();
}

std::string_view to_string(DifferenceKind kind) {
  switch (kind) {
    case DifferenceKind::kOnlyHere:
      return "only here";
    case DifferenceKind::kOnlyThere:
      return "only at the peer";
    case DifferenceKind::kDiffers:
      break;
  }
  return "differs";
}

Bytes CompareQuestion::encode() const {
  ByteWriter out;
  put_header(out, kQuestionMagic);
  out.bytes(sender.view()).bytes(receiver.view());
  put_incarnation(out, incarnation);
  out.u32(seen_installation);
  put_mark(out, seen);
  out.u8(static_cast<std::uint8_t>((listed ? kListed : 0U) | (rows.digests ? kDigests : 0U) |
                                   (rows.after ? kAfter : 0U) | (rows.until ? kUntil : 0U) |
                                   (rows.keys.empty() ? 0U : kKeys)));
  out.bytes16(as_bytes(rows.table)).u32(static_cast<std::uint32_t>(rows.limit)).bytes(rows.salt);
  if (rows.after) put_key(out, *rows.after);
  if (rows.until) put_key(out, *rows.until);
  if (rows.keys.empty()) return out.take();
  out.u16(static_cast<std::uint16_t>(rows.keys.size()));
  for (const auto& key : rows.keys) put_key(out, key);
  return out.take();
}

Result<CompareQuestion> CompareQuestion::decode(ByteView bytes) {
  ByteReader in(bytes);
  TRY(take_header(in, kQuestionMagic));
  CompareQuestion question;
  question.sender = TRY(take_uuid(in, "sender"));
  question.receiver = TRY(take_uuid(in, "receiver"));
  question.incarnation = TRY(take_incarnation(in));
  question.seen_installation = TRY(in.u32("seen installation"));
  question.seen = TRY(take_mark(in));
  const unsigned flags = TRY(in.u8("flags"));
  question.listed = (flags & kListed) != 0;
  question.rows.digests = (flags & kDigests) != 0;
  question.rows.table = as_text(TRY(in.bytes16(kNameLimit, "table name")));
  question.rows.limit = TRY(in.u32("limit"));
  question.rows.salt = TRY(in.array<32>("salt"));
  if ((flags & kAfter) != 0) question.rows.after = TRY(take_key(in));
  if ((flags & kUntil) != 0) question.rows.until = TRY(take_key(in));
  const std::size_t keys = (flags & kKeys) != 0 ? TRY(in.u16("key count")) : 0;
  if (keys > kKeysInOneQuestion || question.rows.limit == 0 || question.rows.limit > kRowsInOneStretch) {
    return fail(ErrorCode::kInvalidArgument, "the question is about too many rows", "limit");
  }
  for (std::size_t i = 0; i < keys; ++i) question.rows.keys.push_back(TRY(take_key(in)));
  TRY(in.expect_done("question"));
  return question;
}

Bytes CompareAnswer::encode() const {
  ByteWriter out;
  put_header(out, kAnswerMagic);
  put_incarnation(out, incarnation);
  put_mark(out, head);
  out.u64(acknowledged).u8(until ? 1 : 0);
  if (until) put_key(out, *until);
  out.u32(count).bytes(sum).u32(static_cast<std::uint32_t>(rows.size()));
  for (const auto& row : rows) put_print(out, row);
  return out.take();
}

Result<CompareAnswer> CompareAnswer::decode(ByteView bytes) {
  ByteReader in(bytes);
  TRY(take_header(in, kAnswerMagic));
  CompareAnswer answer;
  answer.incarnation = TRY(take_incarnation(in));
  answer.head = TRY(take_mark(in));
  answer.acknowledged = TRY(in.u64("acknowledged"));
  if (TRY(in.u8("cut")) != 0) answer.until = TRY(take_key(in));
  answer.count = TRY(in.u32("count"));
  answer.sum = TRY(in.array<32>("sum"));
  const std::size_t rows = TRY(in.u32("row count"));
  if (rows > kRowsInOneStretch) return fail(ErrorCode::kCorrupt, "too many rows in one answer", "row count");
  for (std::size_t i = 0; i < rows; ++i) answer.rows.push_back(TRY(take_print(in)));
  TRY(in.expect_done("answer"));
  return answer;
}

Status CompareAnswer::check(const CompareQuestion& question) const {
  const auto bad = [&](const std::string& what) -> Status {
    return fail(ErrorCode::kCorrupt, "the peer's answer about the table " + question.rows.table + " " + what,
                "peer", "look at the other server: it does not answer what it was asked");
  };
  const auto& asked = question.rows;
  const bool of_keys = !asked.keys.empty();
  if (until) {
    const bool advances = !asked.after || *asked.after < *until;
    const bool within = !asked.until || !(*asked.until < *until);
    if (of_keys || !advances || !within) return bad("ends at a key out of the range");
  }
  if (rows.size() != (question.listed ? count : 0)) return bad("has another number of rows than it says");
  if (count > asked.limit && !of_keys) return bad("has more rows than were asked for");
  const auto& last = until ? until : asked.until;
  const store::Row* before = asked.after ? &*asked.after : nullptr;
  std::size_t place = 0;
  for (const auto& row : rows) {
    if (of_keys) {  // in the order in which they were asked for, without those that it lacks
      while (place < asked.keys.size() && asked.keys[place] != row.key) ++place;
      if (place++ >= asked.keys.size()) return bad("has a row that was not asked for");
      continue;
    }
    if ((before != nullptr && !(*before < row.key)) || (last && *last < row.key)) {
      return bad("has a row out of the range or the order of keys");
    }
    before = &row.key;
  }
  return {};
}

std::string ComparisonReport::result() const {
  if (!error.empty()) return "not finished: " + error;
  if (agrees()) return "equal";
  std::string out;
  if (differences > 0) out = rows_text(differences) + (differences == 1 ? " differs" : " differ");
  if (moving > 0) out += (out.empty() ? "" : ", ") + rows_text(moving) + " could not be judged";
  return out;
}

ComparisonReport ComparisonReport::turned() const {
  ComparisonReport out = *this;
  out.by_peer = !by_peer;
  for (auto& one : out.first) {
    std::swap(one.version_here, one.version_there);
    std::swap(one.origin_here, one.origin_there);
    if (one.kind == DifferenceKind::kDiffers) continue;
    one.kind = one.kind == DifferenceKind::kOnlyHere ? DifferenceKind::kOnlyThere : DifferenceKind::kOnlyHere;
  }
  return out;
}

Bytes ComparisonReport::encode() const {
  ByteWriter out;
  put_header(out, kReportMagic, kReportVersion);
  out.u64(static_cast<std::uint64_t>(to_millis(started))).u64(static_cast<std::uint64_t>(to_millis(ended)));
  out.u64(tables).u64(rows).u64(differences).u64(moving).u8(by_peer ? 1 : 0);
  out.bytes16(as_bytes(std::string_view(error).substr(0, kErrorLimit)));
  const std::size_t kept = std::min(first.size(), kDifferencesKept);
  out.u16(static_cast<std::uint16_t>(kept));
  for (std::size_t i = 0; i < kept; ++i) put_difference(out, first[i]);
  return out.take();
}

Result<ComparisonReport> ComparisonReport::decode(ByteView bytes) {
  ByteReader in(bytes);
  TRY(take_header(in, kReportMagic, kReportVersion));
  ComparisonReport report;
  report.started = from_millis(static_cast<std::int64_t>(TRY(in.u64("started"))));
  report.ended = from_millis(static_cast<std::int64_t>(TRY(in.u64("ended"))));
  report.tables = TRY(in.u64("tables"));
  report.rows = TRY(in.u64("rows"));
  report.differences = TRY(in.u64("differences"));
  report.moving = TRY(in.u64("moving"));
  report.by_peer = TRY(in.u8("by peer")) != 0;
  report.error = as_text(TRY(in.bytes16(kErrorLimit, "error")));
  const std::size_t count = TRY(in.u16("difference count"));
  if (count > kDifferencesKept) return fail(ErrorCode::kCorrupt, "too many differences", "difference count");
  for (std::size_t i = 0; i < count; ++i) report.first.push_back(TRY(take_difference(in)));
  TRY(in.expect_done("report"));
  return report;
}

}  // namespace tapewarden::keymgr
