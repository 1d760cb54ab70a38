// Reading commits back out of the audit files, for the keystore's verification.
#include <limits>

#include "audit/audit_file.h"
#include "audit/walk.h"

namespace tapewarden::audit {

namespace {

// Puts the lines of each append together and hands commits on.
class CommitCollector {
 public:
  CommitCollector(std::uint64_t from, const std::function<Status(const store::LoggedCommit&)>& visit)
      : from_(from), visit_(visit) {}

  Status take(const Visited& visited) {
    const Line& line = visited.line;
    if (!open_) commit_ = {{}, visited.before.chain, {}};
    open_ = !line.end;
    if (line.kind == LineKind::kRecord) commit_.records.push_back("{" + std::string(line.body) + "}");
    if (line.kind != LineKind::kMark) return {};
    commit_.mark = TRY(parse_mark(line.body));
    if (commit_.mark.sequence < from_) return {};
    return visit_(commit_);
  }

 private:
  std::uint64_t from_;
  const std::function<Status(const store::LoggedCommit&)>& visit_;
  store::LoggedCommit commit_;
  bool open_ = false;
};

// Leaves out the files that hold only commits before `from`.
Status skip_old_files(Disk& disk, const std::string& directory, std::uint64_t from, Walk& walk) {
  std::size_t first = walk.files.empty() ? 0 : walk.files.size() - 1;
  while (first > 0) {
    const auto start = TRY(read_start(disk, directory + "/" + walk.files[first]));
    if (start.header.mark.sequence < from) break;
    --first;
  }
  walk.files.erase(walk.files.begin(), walk.files.begin() + static_cast<std::ptrdiff_t>(first));
  return {};
}

}  // namespace

Status AuditFile::replay(std::uint64_t from, const std::function<Status(const store::LoggedCommit&)>& visit) {
  Walk walk;
  {
    const MutexLock lock(mutex_);
    walk = TRY(plan_walk(*env_.disk, options_.directory));
    walk.last_size = offset_;
  }
  TRY(skip_old_files(*env_.disk, options_.directory, from, walk));
  CommitCollector collector(from, visit);
  (void)TRY(walk_lines(*env_.disk, options_.directory, walk,
                       [&](const Visited& visited) { return collector.take(visited); }));
  return {};
}

}  // namespace tapewarden::audit
