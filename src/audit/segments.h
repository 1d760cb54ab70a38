// The files of an audit directory: audit.jsonl is written, audit-<first line>.jsonl are full ones; the chain
// runs through all of them. Reading only; each object belongs to one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/line.h"
#include "base/env.h"

namespace tapewarden::audit {

inline constexpr std::string_view kCurrentName = "audit.jsonl";
inline constexpr std::string_view kNextName = "audit.jsonl.new";  // while files are being changed over
inline constexpr std::string_view kReserveName = "audit.reserve";

std::string segment_name(std::uint64_t first_line);  // audit-000000000017.jsonl

// Names of the full files, oldest first; then audit.jsonl when it is there.
Result<std::vector<std::string>> list_segments(Disk& disk, const std::string& directory);

// A file's lines from the front, in pieces of bounded size.
class LineReader {
 public:
  // Reads at most the first `limit` bytes of the file.
  LineReader(std::shared_ptr<File> file, std::uint64_t limit) : file_(std::move(file)), limit_(limit) {}
  static Result<LineReader> open(Disk& disk, const std::string& path);

  // The next line without its line end; nothing at the end of the file. The view holds until the next call.
  // A line that is too long, or whose line end is missing, is given as it is: see complete().
  Result<std::optional<std::string_view>> next();
  // Whether the line last given had its line end.
  bool complete() const { return complete_; }
  // Whether the line last given reached the end of what is read.
  bool at_end() const { return next_offset_ >= limit_; }
  // Where the line last given starts, and where the next one does.
  std::uint64_t offset() const { return offset_; }
  std::uint64_t next_offset() const { return next_offset_; }

 private:
  Status fill();

  std::shared_ptr<File> file_;
  std::uint64_t limit_;
  std::string buffer_;
  std::size_t used_ = 0;    // of buffer_
  std::uint64_t read_ = 0;  // of the file
  std::uint64_t offset_ = 0;
  std::uint64_t next_offset_ = 0;
  bool at_end_ = false;
  bool complete_ = false;
};

// The first line of a file: kCorrupt when it is no header or its own chain does not fit.
struct SegmentStart {
  Header header;
  ChainPoint before;  // the point that the header line follows
};
Result<SegmentStart> read_start(Disk& disk, const std::string& path);
Result<SegmentStart> read_start(const std::shared_ptr<File>& file, const std::string& path);

}  // namespace tapewarden::audit
