#include "audit/walk.h"

#include <limits>

namespace tapewarden::audit {

namespace {

// `first`: number of the file's first line, so that people find the place with their editor.
std::unexpected<Error> damaged(const std::string& file, std::uint64_t line, std::uint64_t first,
                               const Error& cause) {
  return fail(ErrorCode::kCorrupt,
              "the audit record is damaged in " + file + ", line number " + std::to_string(line) + " (line " +
                  std::to_string(line - first + 1) + " of the file): " + cause.message,
              file, "keep the damaged file as evidence and put an undamaged copy in its place");
}

class FileWalk {
 public:
  FileWalk(const std::string& file, LineReader reader, ChainPoint& point)
      : file_(file), reader_(std::move(reader)), point_(point), first_(point.line + 1) {}

  // The length of an unfinished last line.
  Result<std::uint64_t> run(bool last, const std::function<Status(const Visited&)>& visit) {
    while (const auto text = TRY(reader_.next())) {
      // An append is unfinished only where the file ends; any other long line is damage.
      if (!reader_.complete() && last && reader_.at_end()) return text->size();
      const ChainPoint before = point_;
      const auto line = parse_line(*text);
      if (!line) return damaged(file_, before.line + 1, first_, line.error());
      if (const Status followed = follow(point_, *line); !followed) {
        return damaged(file_, before.line + 1, first_, followed.error());
      }
      if (!reader_.complete()) {
        return damaged(file_, line->number, first_,
                       Error{ErrorCode::kCorrupt, "the line end is missing", {}, {}, 0});
      }
      TRY(visit({file_, line->number - first_ + 1, *line, before, *text}));
    }
    return std::uint64_t{0};
  }

 private:
  const std::string& file_;
  LineReader reader_;
  ChainPoint& point_;
  const std::uint64_t first_;  // number of the file's first line
};

}  // namespace

Result<Walk> plan_walk(Disk& disk, const std::string& directory) {
  Walk walk;
  std::vector<std::string> before;
  // A running server may change files over between the listing and the opening.
  do {
    before = TRY(list_segments(disk, directory));
    if (before.empty()) return fail(ErrorCode::kNotFound, directory + " holds no audit files", "directory");
    walk.last = TRY(disk.open(directory + "/" + before.back(), OpenMode::kRead));
    walk.files = TRY(list_segments(disk, directory));
  } while (walk.files != before);
  walk.last_size = TRY(walk.last->size());
  return walk;
}

Result<std::uint64_t> walk_lines(Disk& disk, const std::string& directory, const Walk& walk,
                                 const std::function<Status(const Visited&)>& visit) {
  ChainPoint point;
  std::uint64_t unfinished = 0;
  for (std::size_t i = 0; i < walk.files.size(); ++i) {
    const std::string& name = walk.files[i];
    const std::string path = directory + "/" + name;
    const bool last = i + 1 == walk.files.size();
    std::shared_ptr<File> file = walk.last;
    if (!last) file = TRY(disk.open(path, OpenMode::kRead));
    const auto start = read_start(file, path);
    if (!start) return damaged(name, point.line + 1, point.line + 1, start.error());
    if (i == 0) point = start->before;
    if (start->before.line != point.line || start->before.chain != point.chain) {
      return damaged(name, point.line + 1, point.line + 1,
                     Error{ErrorCode::kCorrupt, "it does not follow the file before it", {}, {}, 0});
    }
    const std::uint64_t limit = last ? walk.last_size : std::numeric_limits<std::uint64_t>::max();
    FileWalk file_walk(name, LineReader(std::move(file), limit), point);
    unfinished = TRY(file_walk.run(last, visit));
  }
  return unfinished;
}

}  // namespace tapewarden::audit
