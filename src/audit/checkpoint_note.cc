#include "audit/checkpoint_note.h"

#include <algorithm>
#include <boost/json.hpp>

#include "audit/record.h"
#include "base/text.h"

namespace tapewarden::audit {

namespace json = boost::json;

namespace {

constexpr std::string_view kStart = "{\"anchor\":\"tapewarden audit 1\"";
constexpr std::size_t kTimeLength = 24;

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, "the noted checkpoint has no valid " + std::string(what),
              std::string(what), "give the whole line as it was printed, unchanged");
}

class Fields {
 public:
  explicit Fields(const json::object& object) : object_(object) {}

  Result<std::string> text(std::string_view name, std::size_t limit) const {
    const auto* value = object_.if_contains(name);
    if (value == nullptr || !value->is_string()) return malformed(name);
    std::string out(value->get_string());
    if (out.size() > limit || !is_printable(out)) return malformed(name);
    return out;
  }
  Result<std::uint64_t> number(std::string_view name) const {
    const auto* value = object_.if_contains(name);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return malformed(name);
    return static_cast<std::uint64_t>(value->get_int64());
  }
  Result<Bytes> bytes(std::string_view name, std::size_t limit) const {
    const auto decoded = from_hex(TRY(text(name, 2 * limit)));
    if (!decoded) return malformed(name);
    return *decoded;
  }
  Result<Hash256> hash(std::string_view name) const {
    Hash256 out;
    const Bytes raw = TRY(bytes(name, out.size()));
    if (raw.size() != out.size()) return malformed(name);
    copy_bytes(out, raw);
    return out;
  }

 private:
  const json::object& object_;
};

}  // namespace

bool CheckpointNote::operator==(const CheckpointNote& other) const {
  return server == other.server && at == other.at && point.line == other.point.line &&
         point.chain == other.point.chain && mark == other.mark && signature == other.signature;
}

std::string note_text(const CheckpointNote& note) {
  std::string out(kStart);
  out += ",\"server\":" + json_quoted(note.server) + ",\"at\":" + json_quoted(note.at);
  out += ",\"line\":" + std::to_string(note.point.line) + ",\"after\":\"" + to_hex(note.point.chain) + "\"";
  out += ",\"commit\":" + std::to_string(note.mark.sequence) + ",\"head\":\"" + to_hex(note.mark.head) + "\"";
  out += ",\"signature\":\"" + to_hex(note.signature) + "\"}";
  return out;
}

Result<CheckpointNote> parse_note(std::string_view text) {
  json::error_code error;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !value.is_object() || !text.starts_with(kStart)) return malformed("form");
  const Fields fields(value.get_object());
  CheckpointNote note;
  note.server = TRY(fields.text("server", kServerNameLimit));
  note.at = TRY(fields.text("at", kTimeLength));
  note.point.line = TRY(fields.number("line"));
  note.point.chain = TRY(fields.hash("after"));
  note.mark.sequence = TRY(fields.number("commit"));
  note.mark.head = TRY(fields.hash("head"));
  note.signature = TRY(fields.bytes("signature", kNoteSignatureLimit));
  return note;
}

Result<std::vector<CheckpointNote>> parse_notes(std::string_view text) {
  const auto wrong = [](std::uint64_t line, const std::string& what) {
    return fail(ErrorCode::kInvalidArgument, "line " + std::to_string(line) + ": " + what, "against",
                "give checkpoints as `audit checkpoint` printed them or as a syslog took them");
  };
  if (text.size() > kNotesTextLimit) return wrong(1, "the text is too long");
  std::vector<CheckpointNote> notes;
  std::uint64_t line = 0;
  while (!text.empty()) {
    ++line;
    const auto length = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    const auto start = whole.find(kStart);
    if (start == std::string_view::npos) continue;
    auto note = parse_note(whole.substr(start, whole.rfind('}') + 1 - start));
    if (!note) return wrong(line, note.error().message);
    if (notes.size() == kNotesLimit) return wrong(line, "there are too many checkpoints");
    notes.push_back(std::move(*note));
  }
  if (notes.empty()) return wrong(std::max<std::uint64_t>(line, 1), "there is no checkpoint in it");
  return notes;
}

bool is_signed_by(const CheckpointNote& note, const crypto::PublicKey& key) {
  return key.verify(checkpoint_message(note.mark, note.point), note.signature);
}

}  // namespace tapewarden::audit
