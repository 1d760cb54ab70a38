#include "audit/segments.h"

#include <algorithm>

namespace tapewarden::audit {

namespace {

constexpr std::size_t kPieceBytes = 1U << 20;
constexpr std::string_view kPrefix = "audit-";
constexpr std::string_view kSuffix = ".jsonl";
constexpr std::size_t kNumberDigits = 12;

bool is_full_segment(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return false;
  if (name.size() != kPrefix.size() + kNumberDigits + kSuffix.size()) return false;
  const std::string digits = name.substr(kPrefix.size(), kNumberDigits);
  return std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string segment_name(std::uint64_t first_line) {
  std::string digits = std::to_string(first_line);
  if (digits.size() < kNumberDigits) digits.insert(0, kNumberDigits - digits.size(), '0');
  return std::string(kPrefix) + digits + std::string(kSuffix);
}

Result<std::vector<std::string>> list_segments(Disk& disk, const std::string& directory) {
  std::vector<std::string> segments;
  bool current = false;
  for (const std::string& name : TRY(disk.list(directory))) {
    if (is_full_segment(name)) segments.push_back(name);
    current = current || name == kCurrentName;
  }
  std::ranges::sort(segments);
  if (current) segments.emplace_back(kCurrentName);
  return segments;
}

Result<LineReader> LineReader::open(Disk& disk, const std::string& path) {
  std::shared_ptr<File> file = TRY(disk.open(path, OpenMode::kRead));
  const std::uint64_t size = TRY(file->size());
  return LineReader(std::move(file), size);
}

Status LineReader::fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, limit_ - read_)));
  const std::size_t got = TRY(file_->read_at(read_, piece));
  buffer_ += as_text(ByteView(piece).first(got));
  read_ += got;
  at_end_ = got == 0 || read_ >= limit_;
  return {};
}

Result<std::optional<std::string_view>> LineReader::next() {
  std::size_t search = used_;
  while (true) {
    const std::size_t end = buffer_.find('\n', search);
    const bool too_long = end == std::string::npos && buffer_.size() - used_ > kLineLimit;
    if (end != std::string::npos || at_end_ || too_long) {
      const std::size_t stop = end == std::string::npos ? buffer_.size() : end;
      complete_ = end != std::string::npos;
      offset_ = next_offset_;
      const std::string_view line = std::string_view(buffer_).substr(used_, stop - used_);
      if (line.empty() && !complete_) return std::optional<std::string_view>();
      used_ = stop + (complete_ ? 1 : 0);
      next_offset_ = offset_ + line.size() + (complete_ ? 1 : 0);
      return std::optional<std::string_view>(line);
    }
    const std::size_t pending = buffer_.size() - used_;
    TRY(fill());
    search = pending;
  }
}

Result<SegmentStart> read_start(Disk& disk, const std::string& path) {
  return read_start(TRY(disk.open(path, OpenMode::kRead)), path);
}

Result<SegmentStart> read_start(const std::shared_ptr<File>& file, const std::string& path) {
  LineReader reader(file, TRY(file->size()));
  const auto text = TRY(reader.next());
  const auto line = text ? parse_line(*text) : Result<Line>(fail(ErrorCode::kCorrupt, "the file is empty"));
  if (!line || line->kind != LineKind::kHeader || line->number == 0) {
    return fail(ErrorCode::kCorrupt, path + " does not begin as an audit file", {},
                "put the file back as it was");
  }
  SegmentStart start;
  start.header = TRY(parse_header(line->body));
  start.before = {line->number - 1, start.header.before};
  ChainPoint point = start.before;
  if (const Status followed = follow(point, *line); !followed) {
    return in_context(path, followed.error());
  }
  return start;
}

}  // namespace tapewarden::audit
