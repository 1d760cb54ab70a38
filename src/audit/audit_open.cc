// Opening an audit directory: making the first file, finishing a changeover of files, removing an append that
// a crash cut off, and refusing damage.
#include <algorithm>
#include <limits>

#include "audit/audit_file.h"
#include "audit/segments.h"

namespace tapewarden::audit {

namespace {

std::unexpected<Error> damaged(std::uint64_t line, const std::string& what) {
  return fail(ErrorCode::kCorrupt,
              "the audit record is damaged in " + std::string(kCurrentName) + ", line number " +
                  std::to_string(line) + ": " + what,
              std::string(kCurrentName),
              "keep the damaged file as evidence and put an undamaged copy in its place");
}

// Whether bytes after a bad line look as a crash leaves them. A crash leaves a write short, or holes of zeros
// where pages did not reach the disk, and only within the last append.
class TornTail {
 public:
  explicit TornTail(std::uint64_t bad_line) : bad_line_(bad_line) {}

  void add(std::string_view text, bool complete) {
    short_ = short_ || !complete;
    zeros_ = zeros_ || text.find(std::string_view("\0\0\0\0\0\0\0\0", 8)) != std::string_view::npos;
    const auto line = parse_line(text);
    if (line && line->end && *line->end > bad_line_) later_append_ = true;
  }
  bool from_crash() const { return (short_ || zeros_) && !later_append_; }

 private:
  std::uint64_t bad_line_;
  bool short_ = false;
  bool zeros_ = false;
  bool later_append_ = false;
};

}  // namespace

// What a file holds up to the end of its last complete append.
struct AuditFile::Recovered {
  SegmentStart start;
  ChainPoint point;
  store::CommitMark mark;
  std::uint64_t size = 0;
  std::uint64_t checkpoint_line = 0;
};

Status AuditFile::open_directory() {
  TRY(env_.disk->make_directories(options_.directory));
  lock_ = TRY(env_.disk->lock(path("audit.lock")));
  TRY(finish_changeover());
  if (!env_.disk->exists(path(kCurrentName))) {
    const auto files = TRY(list_segments(*env_.disk, options_.directory));
    if (!files.empty()) {
      return fail(ErrorCode::kCorrupt,
                  path(kCurrentName) + " is missing; the file before it is " + files.back(),
                  std::string(kCurrentName), "put the file back");
    }
    TRY(start_first_file());
  }
  TRY(open_current());
  reserve_kept_ = false;
  keep_reserve();
  return {};
}

Status AuditFile::start_first_file() {
  // Under another name first: a crash must not leave half a header.
  (void)env_.disk->remove(path(kNextName));
  ChainPoint point;
  TRY(make_file(std::string(kNextName), Header{options_.begin_after, {}}, point));
  TRY(env_.disk->rename(path(kNextName), path(kCurrentName)));
  return env_.disk->sync_directory(options_.directory);
}

Status AuditFile::finish_changeover() {
  if (!env_.disk->exists(path(kNextName))) return {};
  if (env_.disk->exists(path(kCurrentName)) || !read_start(*env_.disk, path(kNextName))) {
    return env_.disk->remove(path(kNextName));
  }
  TRY(env_.disk->rename(path(kNextName), path(kCurrentName)));
  return env_.disk->sync_directory(options_.directory);
}

Status AuditFile::open_current() {
  file_ = TRY(env_.disk->open(path(kCurrentName), OpenMode::kReadWrite));
  const Recovered found = TRY(recover());
  TRY(check_predecessor(found.start.header));
  if (TRY(file_->size()) > found.size) {
    TRY(file_->truncate(found.size));
    TRY(file_->sync());
  }
  offset_ = found.size;
  point_ = found.point;
  mark_ = found.mark;
  first_line_ = found.start.before.line + 1;
  full_at_ = options_.file_bytes;
  checkpoint_line_ = found.checkpoint_line;
  return {};
}

Result<AuditFile::Recovered> AuditFile::recover() {
  Recovered found;
  found.start = TRY(read_start(*env_.disk, path(kCurrentName)));
  found.mark = found.start.header.mark;
  ChainPoint point = found.start.before;
  LineReader reader = TRY(LineReader::open(*env_.disk, path(kCurrentName)));
  while (const auto text = TRY(reader.next())) {
    const auto line = parse_line(*text);
    const std::uint64_t expected = point.line + 1;
    Status valid = line ? follow(point, *line) : Status(std::unexpected(line.error()));
    if (valid && !reader.complete()) valid = fail(ErrorCode::kCorrupt, "the line end is missing");
    if (!valid) {
      TornTail tail(expected);
      tail.add(*text, reader.complete());
      while (const auto more = TRY(reader.next())) tail.add(*more, reader.complete());
      if (!tail.from_crash()) return damaged(expected, valid.error().message);
      return found;
    }
    if (line->kind == LineKind::kCheckpoint) found.checkpoint_line = line->number;
    if (!line->end) continue;
    if (line->kind == LineKind::kMark) found.mark = TRY(parse_mark(line->body));
    found.point = point;
    found.size = reader.next_offset();
  }
  return found;
}

Status AuditFile::check_predecessor(const Header& header) {
  const auto files = TRY(list_segments(*env_.disk, options_.directory));
  if (files.size() < 2) return {};
  // The last line of the file before this one must be what this one continues.
  const std::string& name = files[files.size() - 2];
  LineReader reader = TRY(LineReader::open(*env_.disk, path(name)));
  Hash256 last{};
  while (const auto text = TRY(reader.next())) {
    const auto line = parse_line(*text);
    if (line) last = line->chain;
  }
  if (last == header.before) return {};
  return fail(ErrorCode::kCorrupt, name + " is not the file that " + std::string(kCurrentName) + " continues",
              name, "put the file back as it was");
}

}  // namespace tapewarden::audit
