// Lines of an audit file, noted checkpoints and change lines of a keystore, as they lie on a disk that
// anybody may have written.
#include "audit/checkpoint_note.h"
#include "audit/line.h"
#include "audit/record.h"
#include "fuzz.h"
#include "store/change_lines.h"
#include "store/row_codec.h"

namespace {

using namespace tapewarden;

const store::TableSpec kTable{
    .name = "table",
    .columns = {{"a", store::ColumnType::kText, store::ColumnRole::kKey},
                {"b", store::ColumnType::kInteger, store::ColumnRole::kKey},
                {"c", store::ColumnType::kBlob, store::ColumnRole::kKey}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
};

void read_line(std::string_view text) {
  const auto line = audit::parse_line(text);
  if (!line) return;
  TW_ASSERT(text.starts_with(line->content));
  const auto mark = audit::parse_mark(line->body);
  if (mark) TW_ASSERT(audit::mark_body(*mark) == line->body);
  const auto header = audit::parse_header(line->body);
  if (header) TW_ASSERT(audit::header_body(*header) == line->body);
  const auto checkpoint = audit::parse_checkpoint(line->body);
  if (checkpoint) TW_ASSERT(audit::checkpoint_body(*checkpoint) == line->body);
}

// Whatever comes from outside, it becomes one record whose parts the file takes for nothing of its own.
void write_text(std::string_view text) {
  const std::string json = audit::Record(audit::EventType::kRuntime, audit::Outcome::kFailure, text).json();
  TW_ASSERT(audit::is_record(json));
  std::string line;
  audit::ChainPoint point;
  audit::append_line(line, point, WallTime{}, std::string_view(json).substr(1, json.size() - 2), 1);
  TW_ASSERT(line.find('\n') == line.size() - 1);
  const auto parsed = audit::parse_line(std::string_view(line).substr(0, line.size() - 1));
  TW_ASSERT(parsed && parsed->kind == audit::LineKind::kRecord && parsed->end == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  read_line(text);
  write_text(text);
  const auto note = audit::parse_note(text);
  if (note) TW_ASSERT(audit::parse_note(audit::note_text(*note)) == *note);
  (void)audit::parse_notes(text);
  (void)store::logged_rows(text);
  const auto key = store::parse_printable_key(kTable, text);
  if (key) TW_ASSERT(store::parse_printable_key(kTable, store::printable_key(*key)) == *key);
  return 0;
}
