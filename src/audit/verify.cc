#include "audit/verify.h"

#include "audit/walk.h"

namespace tapewarden::audit {

namespace {

class Checker {
 public:
  Checker(VerifyReport& report, const crypto::PublicKey* key) : report_(report), key_(key) {}

  Status take(const Visited& visited) {
    const Line& line = visited.line;
    if (report_.lines == 0) {
      report_.first_line = line.number;
      // Without the oldest files the first header says which commit came before.
      report_.last_commit = TRY(parse_header(line.body)).mark;
    }
    ++report_.lines;
    report_.last = {line.number, line.chain};
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

 private:
  static std::unexpected<Error> wrong(const Visited& visited, const std::string& what) {
    return fail(ErrorCode::kCorrupt,
                visited.file + ", line number " + std::to_string(visited.line.number) + ": " + what,
                visited.file);
  }

  Status take_mark(const Visited& visited) {
    const store::CommitMark mark = TRY(parse_mark(visited.line.body));
    if (mark.sequence != report_.last_commit.sequence + 1) {
      return wrong(visited, "commit " + std::to_string(mark.sequence) + " follows commit " +
                                std::to_string(report_.last_commit.sequence));
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
};

}  // namespace

Result<VerifyReport> verify_files(Disk& disk, const std::string& directory, const crypto::PublicKey* key) {
  VerifyReport report;
  const Walk walk = TRY(plan_walk(disk, directory));
  report.files = walk.files.size();
  Checker checker(report, key);
  const auto walked =
      walk_lines(disk, directory, walk, [&](const Visited& visited) { return checker.take(visited); });
  if (walked) {
    report.unfinished_bytes = *walked;
  } else if (walked.error().code == ErrorCode::kCorrupt) {
    report.fault = walked.error();
  } else {
    return std::unexpected(walked.error());
  }
  return report;
}

}  // namespace tapewarden::audit
