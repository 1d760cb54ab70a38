#include "audit/verify.h"

#include <algorithm>
#include <vector>

#include "audit/walk.h"

namespace tapewarden::audit {

namespace {

class Checker {
 public:
  Checker(VerifyReport& report, const VerifyOptions& options)
      : report_(report),
        key_(options.key),
        newest_(options.newest),
        notes_(options.against.begin(), options.against.end()) {
    std::ranges::sort(notes_, {}, [](const CheckpointNote& note) { return note.point.line; });
  }

  Status take(const Visited& visited) {
    const Line& line = visited.line;
    if (report_.lines == 0) {
      report_.first_line = line.number;
      // Without the oldest files, and after a restore, the first header says which commit came before.
      report_.last_commit = TRY(parse_header(line.body)).mark;
      if (line.number == 1 && report_.last_commit.sequence > 0) begin_anew(std::string(line.time));
      TRY(compare(visited, visited.before));
    }
    ++report_.lines;
    report_.last = {line.number, line.chain};
    TRY(compare(visited, report_.last));
    switch (line.kind) {
      case LineKind::kMark:
        return take_mark(visited);
      case LineKind::kCheckpoint:
        return take_checkpoint(visited);
      case LineKind::kHeader:
        return take_header(visited);
      case LineKind::kRecord:
        return {};
    }
    return {};
  }

  // Once all was read: what was noted must have been there.
  Status finish() const {
    if (newest_ && report_.last_commit.sequence < newest_->sequence) {
      return fail(ErrorCode::kCorrupt,
                  "the record ends at commit " + std::to_string(report_.last_commit.sequence) +
                      ", but the keystore is at commit " + std::to_string(newest_->sequence) +
                      ": the end of the record was taken away",
                  "audit record", "keep what is there as evidence and compare it with the other server's");
    }
    if (next_ == notes_.size()) return {};
    const CheckpointNote& note = notes_[next_];
    return fail(ErrorCode::kCorrupt,
                "the record ends at line number " + std::to_string(report_.last.line) +
                    ", but a checkpoint of line number " + std::to_string(note.point.line) +
                    " was noted at " + note.at + ": the end of the record was taken away",
                "against", "look for the missing files, and keep what is there as evidence");
  }

 private:
  static std::unexpected<Error> wrong(const Visited& visited, const std::string& what,
                                      const std::string& remedy = {}) {
    return fail(ErrorCode::kCorrupt,
                visited.file + ", line number " + std::to_string(visited.line.number) + " (line " +
                    std::to_string(visited.file_line) + " of the file): " + what,
                visited.file, remedy);
  }

  // A restore: what was noted before it speaks of another record.
  void begin_anew(const std::string& time) {
    report_.began_after = report_.last_commit.sequence;
    report_.notes_of_earlier_record =
        std::erase_if(notes_, [&](const CheckpointNote& note) { return note.at < time; });
  }

  // Compares the notes of `point` with it, and passes over older ones.
  Status compare(const Visited& visited, const ChainPoint& point) {
    for (; next_ < notes_.size() && notes_[next_].point.line <= point.line; ++next_) {
      const CheckpointNote& note = notes_[next_];
      if (note.point.line < point.line) {
        ++report_.notes_too_old;
        continue;
      }
      if (note.point.chain != point.chain) {
        return wrong(visited,
                     "it is not what the checkpoint noted at " + note.at +
                         " says: lines up to here were changed and the chain was made anew",
                     "keep the record as evidence and compare it with the other server's");
      }
      ++report_.notes_compared;
    }
    return {};
  }

  Status take_mark(const Visited& visited) {
    const store::CommitMark mark = TRY(parse_mark(visited.line.body));
    if (mark.sequence != report_.last_commit.sequence + 1) {
      return wrong(visited, "commit " + std::to_string(mark.sequence) + " follows commit " +
                                std::to_string(report_.last_commit.sequence));
    }
    if (newest_ && mark.sequence == newest_->sequence && mark.head != newest_->head) {
      return wrong(visited, "commit " + std::to_string(mark.sequence) + " is another one than the keystore's",
                   "keep the record as evidence and compare it with the other server's");
    }
    ++report_.commits;
    report_.last_commit = mark;
    return {};
  }

  Status take_header(const Visited& visited) {
    const Header header = TRY(parse_header(visited.line.body));
    if (header.mark == report_.last_commit) return {};
    return wrong(visited, "the file does not continue the last commit");
  }

  Status take_checkpoint(const Visited& visited) {
    ++report_.checkpoints;
    const Checkpoint checkpoint = TRY(parse_checkpoint(visited.line.body));
    if (checkpoint.mark != report_.last_commit) return wrong(visited, "the checkpoint is of another commit");
    if (key_ == nullptr) return {};
    if (!key_->verify(checkpoint_message(checkpoint.mark, visited.before), checkpoint.signature)) {
      return wrong(visited, "the checkpoint's signature does not fit");
    }
    ++report_.signatures_checked;
    return {};
  }

  VerifyReport& report_;
  const crypto::PublicKey* key_;
  const std::optional<store::CommitMark> newest_;
  std::vector<CheckpointNote> notes_;  // by line
  std::size_t next_ = 0;               // of notes_, to be compared
};

Status check_notes(const VerifyOptions& options) {
  if (options.key == nullptr) return {};
  for (const CheckpointNote& note : options.against) {
    if (is_signed_by(note, *options.key)) continue;
    return fail(ErrorCode::kInvalidArgument,
                "the checkpoint of line number " + std::to_string(note.point.line) + " noted at " + note.at +
                    " was not signed by this server",
                "against", "compare only with checkpoints of the server whose record it is");
  }
  return {};
}

Result<VerifyReport> verify_walk(Disk& disk, const std::string& directory, const Walk& walk,
                                 const VerifyOptions& options) {
  TRY(check_notes(options));
  VerifyReport report;
  report.files = walk.files.size();
  Checker checker(report, options);
  const auto walked =
      walk_lines(disk, directory, walk, [&](const Visited& visited) { return checker.take(visited); });
  if (!walked) {
    if (walked.error().code != ErrorCode::kCorrupt) return std::unexpected(walked.error());
    report.fault = walked.error();
    return report;
  }
  report.unfinished_bytes = *walked;
  if (const Status whole = checker.finish(); !whole) report.fault = whole.error();
  return report;
}

}  // namespace

Result<VerifyReport> verify_files(Disk& disk, const std::string& directory, const VerifyOptions& options) {
  return verify_walk(disk, directory, TRY(plan_walk(disk, directory)), options);
}

Result<VerifyReport> verify_file(Disk& disk, const std::string& path, const VerifyOptions& options) {
  Walk walk;
  walk.last = TRY(disk.open(path, OpenMode::kRead));
  walk.last_size = TRY(walk.last->size());
  const auto slash = path.rfind('/');
  walk.files = {slash == std::string::npos ? path : path.substr(slash + 1)};
  return verify_walk(disk, slash == std::string::npos ? "." : path.substr(0, slash), walk, options);
}

}  // namespace tapewarden::audit
