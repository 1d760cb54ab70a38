// One line of the audit file (docs/formats/audit.md):
//
//   {"n":17,"at":"2026-11-21T02:40:32.123Z",BODY,"end":15,"chain":"64 hex digits"}
//
// chain = SHA-256(chain of the line before || the line's text before ,"chain"). The last line of each append
// has "end": the number of its first line. Bodies of the file's own lines begin with "audit" (first line of a
// file), "mark" (end of a commit) or "checkpoint". Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "store/commit_log.h"

namespace tapewarden::audit {

inline constexpr std::size_t kLineLimit = 2U << 20;

// The chain as it stands after a line.
struct ChainPoint {
  std::uint64_t line = 0;
  Hash256 chain{};
};

enum class LineKind : std::uint8_t { kRecord, kHeader, kMark, kCheckpoint };

struct Line {
  std::uint64_t number = 0;
  std::string_view time;
  std::string_view body;     // without braces and without "end"
  std::string_view content;  // what the chain covers
  Hash256 chain{};
  LineKind kind = LineKind::kRecord;
  std::optional<std::uint64_t> end;
};

// Appends the line (with its line end) to `out` and moves `point` on.
void append_line(std::string& out, ChainPoint& point, WallTime time, std::string_view body,
                 std::optional<std::uint64_t> end);

// Splits a line (without line end); views into `text`. kCorrupt when it has another form.
Result<Line> parse_line(std::string_view text);
// Checks number and chain against the line before and moves `point` on.
Status follow(ChainPoint& point, const Line& line);

struct Header {
  store::CommitMark mark;  // the last one before this file
  Hash256 before{};        // chain before this line
};
std::string header_body(const Header& header);
Result<Header> parse_header(std::string_view body);

std::string mark_body(const store::CommitMark& mark);
Result<store::CommitMark> parse_mark(std::string_view body);

struct Checkpoint {
  store::CommitMark mark;
  Bytes signature;
};
std::string checkpoint_body(const Checkpoint& checkpoint);
Result<Checkpoint> parse_checkpoint(std::string_view body);
// What a checkpoint's signature covers: `point` is before the checkpoint's own line.
Bytes checkpoint_message(const store::CommitMark& mark, const ChainPoint& point);

// True when `record` is one object in one line of printable ASCII that uses no name of the file's own.
bool is_record(std::string_view record);

}  // namespace tapewarden::audit
