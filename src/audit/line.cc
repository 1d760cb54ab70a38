#include "audit/line.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "crypto/hash.h"

namespace tapewarden::audit {

namespace {

constexpr std::string_view kNumber = "{\"n\":";
constexpr std::string_view kTime = ",\"at\":\"";
constexpr std::size_t kTimeLength = 24;
constexpr std::string_view kEnd = ",\"end\":";
constexpr std::string_view kChain = ",\"chain\":\"";
constexpr std::size_t kHashDigits = 64;
constexpr std::string_view kClose = "\"}";
constexpr std::string_view kHeaderStart = "\"audit\":\"tapewarden\",\"format\":1,\"after\":";
constexpr std::string_view kMarkStart = "\"mark\":";
constexpr std::string_view kCheckpointStart = "\"checkpoint\":";
constexpr std::string_view kHead = ",\"head\":\"";
constexpr std::string_view kBefore = ",\"before\":\"";
constexpr std::string_view kSignature = ",\"signature\":\"";
constexpr std::size_t kSignatureDigitsLimit = 4096;

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kCorrupt, "the line has no valid " + std::string(what));
}

// A cursor over the fixed pieces of a line.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : rest_(text) {}

  Status literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) return malformed("form");
    rest_.remove_prefix(expected.size());
    return {};
  }
  Result<std::uint64_t> number() {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    const auto length = static_cast<std::size_t>(end - rest_.data());
    if (error != std::errc() || length == 0 || (rest_[0] == '0' && length > 1)) return malformed("number");
    rest_.remove_prefix(length);
    return value;
  }
  Result<std::string_view> take(std::size_t count) {
    if (rest_.size() < count) return malformed("length");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  Result<Hash256> hash() { return parse_hash(TRY(take(kHashDigits))); }
  static Result<Hash256> parse_hash(std::string_view digits) {
    // Upper-case digits would be another spelling of the same line.
    const auto bytes = from_hex(digits);
    Hash256 hash;
    if (!bytes || bytes->size() != hash.size() || to_hex(*bytes) != digits) return malformed("hash");
    copy_bytes(hash, *bytes);
    return hash;
  }
  std::string_view rest() const { return rest_; }
  Status done() const {
    if (!rest_.empty()) return malformed("end");
    return {};
  }

 private:
  std::string_view rest_;
};

LineKind kind_of(std::string_view body) {
  if (body.starts_with(kMarkStart)) return LineKind::kMark;
  if (body.starts_with(kHeaderStart)) return LineKind::kHeader;
  if (body.starts_with(kCheckpointStart)) return LineKind::kCheckpoint;
  return LineKind::kRecord;
}

// Takes ,"end":N off the end of a body.
Status split_end(Line& line) {
  const std::size_t at = line.body.rfind(kEnd);
  if (at == std::string_view::npos) return {};
  Pieces pieces(line.body.substr(at + kEnd.size()));
  line.end = TRY(pieces.number());
  TRY(pieces.done());
  line.body = line.body.substr(0, at);
  return {};
}

}  // namespace

void append_line(std::string& out, ChainPoint& point, WallTime time, std::string_view body,
                 std::optional<std::uint64_t> end) {
  const std::size_t start = out.size();
  out += kNumber;
  out += std::to_string(++point.line);
  out += kTime;
  out += format_utc(time);
  out += "\",";
  out += body;
  if (end) {
    out += kEnd;
    out += std::to_string(*end);
  }
  const std::string_view content = std::string_view(out).substr(start);
  point.chain = crypto::sha256({point.chain, as_bytes(content)});
  out += kChain;
  out += to_hex(point.chain);
  out += kClose;
  out += '\n';
}

Result<Line> parse_line(std::string_view text) {
  constexpr std::size_t kTail = kChain.size() + kHashDigits + kClose.size();
  if (text.size() < kTail || text.size() > kLineLimit) return malformed("length");
  Line line;
  line.content = text.substr(0, text.size() - kTail);
  Pieces tail(text.substr(line.content.size()));
  TRY(tail.literal(kChain));
  line.chain = TRY(tail.hash());
  TRY(tail.literal(kClose));
  Pieces head(line.content);
  TRY(head.literal(kNumber));
  line.number = TRY(head.number());
  TRY(head.literal(kTime));
  line.time = TRY(head.take(kTimeLength));
  TRY(head.literal("\","));
  line.body = head.rest();
  TRY(split_end(line));
  line.kind = kind_of(line.body);
  return line;
}

Status follow(ChainPoint& point, const Line& line) {
  if (line.number != point.line + 1) {
    return fail(ErrorCode::kCorrupt, "line " + std::to_string(line.number) + " follows line " +
                                         std::to_string(point.line) + ": lines are missing or were moved");
  }
  const Hash256 chain = crypto::sha256({point.chain, as_bytes(line.content)});
  if (chain != line.chain) {
    return fail(ErrorCode::kCorrupt,
                "line " + std::to_string(line.number) + " or the one before it was changed");
  }
  point = {line.number, chain};
  return {};
}

std::string header_body(const Header& header) {
  return std::string(kHeaderStart) + std::to_string(header.mark.sequence) + std::string(kHead) +
         to_hex(header.mark.head) + "\"" + std::string(kBefore) + to_hex(header.before) + "\"";
}

Result<Header> parse_header(std::string_view body) {
  Pieces pieces(body);
  Header header;
  TRY(pieces.literal(kHeaderStart));
  header.mark.sequence = TRY(pieces.number());
  TRY(pieces.literal(kHead));
  header.mark.head = TRY(pieces.hash());
  TRY(pieces.literal("\""));
  TRY(pieces.literal(kBefore));
  header.before = TRY(pieces.hash());
  TRY(pieces.literal("\""));
  TRY(pieces.done());
  return header;
}

std::string mark_body(const store::CommitMark& mark) {
  return std::string(kMarkStart) + std::to_string(mark.sequence) + std::string(kHead) + to_hex(mark.head) +
         "\"";
}

Result<store::CommitMark> parse_mark(std::string_view body) {
  Pieces pieces(body);
  store::CommitMark mark;
  TRY(pieces.literal(kMarkStart));
  mark.sequence = TRY(pieces.number());
  TRY(pieces.literal(kHead));
  mark.head = TRY(pieces.hash());
  TRY(pieces.literal("\""));
  TRY(pieces.done());
  return mark;
}

std::string checkpoint_body(const Checkpoint& checkpoint) {
  return std::string(kCheckpointStart) + std::to_string(checkpoint.mark.sequence) + std::string(kHead) +
         to_hex(checkpoint.mark.head) + "\"" + std::string(kSignature) + to_hex(checkpoint.signature) + "\"";
}

Result<Checkpoint> parse_checkpoint(std::string_view body) {
  Pieces pieces(body);
  Checkpoint checkpoint;
  TRY(pieces.literal(kCheckpointStart));
  checkpoint.mark.sequence = TRY(pieces.number());
  TRY(pieces.literal(kHead));
  checkpoint.mark.head = TRY(pieces.hash());
  TRY(pieces.literal("\""));
  TRY(pieces.literal(kSignature));
  const std::string_view rest = pieces.rest();
  if (rest.size() > kSignatureDigitsLimit || !rest.ends_with('"')) return malformed("signature");
  const std::string_view digits = rest.substr(0, rest.size() - 1);
  checkpoint.signature = TRY(from_hex(digits));
  if (to_hex(checkpoint.signature) != digits) return malformed("signature");
  return checkpoint;
}

Bytes checkpoint_message(const store::CommitMark& mark, const ChainPoint& point) {
  ByteWriter writer;
  writer.text("tapewarden audit checkpoint 1\n").u64(point.line).bytes(point.chain);
  writer.u64(mark.sequence).bytes(mark.head);
  return writer.take();
}

bool is_record(std::string_view record) {
  if (record.size() <= 2 || record.size() > kLineLimit / 2 || !is_printable(record)) return false;
  if (record.front() != '{' || record.back() != '}') return false;
  // Within a string every quote is escaped, so these can only be names. Each name is looked at once.
  constexpr std::array<std::string_view, 5> kOwn = {"\"mark", "\"end", "\"chain", "\"audit", "\"checkpoint"};
  constexpr std::string_view kNameEnd = "\":";
  for (std::size_t at = record.find(kNameEnd); at != std::string_view::npos;
       at = record.find(kNameEnd, at + 1)) {
    const std::string_view before = record.substr(0, at);
    if (std::ranges::any_of(kOwn, [&](std::string_view name) { return before.ends_with(name); }))
      return false;
  }
  return true;
}

}  // namespace tapewarden::audit
