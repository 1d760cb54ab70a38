#include "audit/audit_file.h"

#include <algorithm>

#include "audit/segments.h"
#include "base/text.h"

namespace tapewarden::audit {

namespace {
// How long a reserve that was given up, or could not be made, is left alone.
constexpr std::chrono::seconds kReservePause{60};
constexpr std::size_t kReservePieceBytes = 1U << 20;
// Other records tell what a commit changed.
constexpr std::string_view kEventStart = "\"type\":\"";
}  // namespace

AuditFile::~AuditFile() = default;

Result<std::unique_ptr<AuditFile>> AuditFile::open(Env env, AuditOptions options) {
  std::unique_ptr<AuditFile> audit(new AuditFile(env, std::move(options)));
  const MutexLock lock(audit->mutex_);
  TRY(audit->open_directory());
  return audit;
}

Status AuditFile::check(std::span<const std::string> records) const {
  if (stopped_) return std::unexpected(*stopped_);
  for (const std::string& record : records) {
    if (!is_record(record)) {
      return fail(ErrorCode::kInvalidArgument, "an audit record has a form that the audit file cannot take");
    }
  }
  return {};
}

Status AuditFile::append(const store::CommitMark& mark, std::span<const std::string> records) {
  const MutexLock lock(mutex_);
  TRY(check(records));
  std::string text;
  ChainPoint point = point_;
  const WallTime now = env_.clock->wall_now();
  const std::uint64_t first = point.line + 1;
  for (const std::string& record : records) {
    append_line(text, point, now, std::string_view(record).substr(1, record.size() - 2), std::nullopt);
  }
  append_line(text, point, now, mark_body(mark), first);
  TRY(write(text, point));
  mark_ = mark;
  tell(text);
  write_checkpoint_when_due();
  change_over_when_full();
  return {};
}

Status AuditFile::ready() const {
  const MutexLock lock(mutex_);
  return check({});
}

Status AuditFile::note(std::span<const std::string> records) {
  const MutexLock lock(mutex_);
  TRY(check(records));
  if (records.empty()) return {};
  std::string text;
  ChainPoint point = point_;
  const WallTime now = env_.clock->wall_now();
  const std::uint64_t first = point.line + 1;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::string_view body = std::string_view(records[i]).substr(1, records[i].size() - 2);
    append_line(text, point, now, body, i + 1 == records.size() ? std::optional(first) : std::nullopt);
  }
  TRY(write(text, point));
  tell(text);
  write_checkpoint_when_due();
  change_over_when_full();
  return {};
}

Result<CheckpointNote> AuditFile::checkpoint() {
  const MutexLock lock(mutex_);
  if (!signer_) return fail(ErrorCode::kConflict, "the audit file has no key to sign checkpoints with");
  TRY(check({}));
  return write_checkpoint();
}

// An append of its own (A1): its line says that an append ends with it, which within the write of another
// append would make what a crash left of that one look like damage.
Result<CheckpointNote> AuditFile::write_checkpoint() {
  std::string text;
  ChainPoint point = point_;
  const WallTime now = env_.clock->wall_now();
  CheckpointNote made{options_.server, format_utc(now), point, mark_,
                      signer_(checkpoint_message(mark_, point))};
  append_line(text, point, now, checkpoint_body({mark_, made.signature}), point.line + 1);
  TRY(write(text, point));
  checkpoint_line_ = point.line;
  if (observer_ != nullptr) observer_->checkpointed(made);
  return made;
}

// What was appended before it is safe whether this succeeds or not; a failure has stopped the file.
void AuditFile::write_checkpoint_when_due() {
  const bool due = signer_ && options_.checkpoint_every_lines != 0 &&
                   point_.line - checkpoint_line_ >= options_.checkpoint_every_lines;
  if (due) static_cast<void>(write_checkpoint().has_value());
}

// Hands on the events among the lines that have just been written.
void AuditFile::tell(std::string_view text) {
  if (observer_ == nullptr) return;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    const auto line = parse_line(one);
    if (line && line->kind == LineKind::kRecord && line->body.starts_with(kEventStart)) {
      observer_->recorded(*line, one);
    }
  }
}

Status AuditFile::write(const std::string& text, ChainPoint point) {
  Status written = write_bytes(as_bytes(text));
  if (!written && written.error().code == ErrorCode::kExhausted && release_reserve()) {
    written = write_bytes(as_bytes(text));
  }
  if (!written) return stop(written.error());
  offset_ += text.size();
  point_ = point;
  keep_reserve();
  return {};
}

Status AuditFile::write_bytes(ByteView bytes) {
  TRY(file_->write_at(offset_, bytes));
  return file_->sync();
}

Status AuditFile::stop(const Error& cause) {
  stopped_ = Error{cause.code,
                   "the audit file cannot be written: " + cause.message,
                   {},
                   "make room on the disk or look after it, then start the server again",
                   cause.detail};
  return std::unexpected(*stopped_);
}

void AuditFile::change_over_when_full() {
  if (stopped_ || offset_ < full_at_) return;
  const Status changed = change_over();
  // The full file still takes lines: try again when it has grown further.
  if (!changed && !stopped_) full_at_ = offset_ + options_.file_bytes / 4;
}

Status AuditFile::change_over() {
  ChainPoint point = point_;
  const Header header{mark_, point_.chain};
  (void)env_.disk->remove(path(kNextName));
  auto next = TRY(make_file(std::string(kNextName), header, point));
  const std::uint64_t size = TRY(next->size());
  TRY(env_.disk->rename(path(kCurrentName), path(segment_name(first_line_))));
  // From here on the old name is gone: only the new file may be written. It takes the name only when the full
  // file is known to have its new one: a file system that keeps no order of renames would lose that file.
  Status moved = env_.disk->sync_directory(options_.directory);
  if (moved) moved = env_.disk->rename(path(kNextName), path(kCurrentName));
  if (moved) moved = env_.disk->sync_directory(options_.directory);
  if (!moved) return stop(moved.error());
  file_ = std::move(next);
  offset_ = size;
  first_line_ = point.line;
  full_at_ = options_.file_bytes;
  point_ = point;
  return {};
}

Result<std::unique_ptr<File>> AuditFile::make_file(const std::string& name, const Header& header,
                                                   ChainPoint& point) {
  auto file = TRY(env_.disk->open(path(name), OpenMode::kCreateNew, 0600));
  std::string text;
  append_line(text, point, env_.clock->wall_now(), header_body(header), point.line + 1);
  TRY(file->write_at(0, as_bytes(text)));
  TRY(file->sync());
  TRY(env_.disk->sync_directory(options_.directory));
  return file;
}

std::optional<store::CommitMark> AuditFile::last_mark() const {
  const MutexLock lock(mutex_);
  if (mark_.sequence == 0) return std::nullopt;
  return mark_;
}

Hash256 AuditFile::chain_hash() const {
  const MutexLock lock(mutex_);
  return point_.chain;
}

std::uint64_t AuditFile::lines() const {
  const MutexLock lock(mutex_);
  return point_.line;
}

void AuditFile::set_checkpoint_signer(Signer signer) {
  const MutexLock lock(mutex_);
  signer_ = std::move(signer);
}

void AuditFile::set_observer(AuditObserver* observer) {
  const MutexLock lock(mutex_);
  observer_ = observer;
}

std::uint64_t AuditFile::lines_since_checkpoint() const {
  const MutexLock lock(mutex_);
  return point_.line - checkpoint_line_;
}

Health AuditFile::health() const {
  const MutexLock lock(mutex_);
  Health health;
  health.stopped = stopped_.has_value();
  health.reserve_in_use = options_.reserve_bytes != 0 && !reserve_kept_;
  if (health.reserve_in_use) health.text = "the disk of the audit file is full: its reserve is in use";
  if (stopped_) health.text = stopped_->message;
  return health;
}

// The reserve is a file of zeros: removing it gives the audit file room when the disk has none left.
void AuditFile::keep_reserve() {
  if (reserve_kept_ || options_.reserve_bytes == 0) return;
  const SteadyTime now = env_.clock->steady_now();
  if (reserve_tried_ != SteadyTime{} && now - reserve_tried_ < kReservePause) return;
  reserve_tried_ = now;
  auto file = env_.disk->open(path(kReserveName), OpenMode::kCreate, 0600);
  if (!file) return;
  std::uint64_t at = (*file)->size().value_or(0);
  Status filled;
  while (filled && at < options_.reserve_bytes) {
    const Bytes zeros(
        static_cast<std::size_t>(std::min<std::uint64_t>(kReservePieceBytes, options_.reserve_bytes - at)));
    filled = (*file)->write_at(at, zeros);
    at += zeros.size();
  }
  if (filled) filled = (*file)->sync();
  reserve_kept_ = filled.has_value();
  if (!filled) (void)env_.disk->remove(path(kReserveName));
}

bool AuditFile::release_reserve() {
  if (!reserve_kept_) return false;
  reserve_kept_ = false;
  reserve_tried_ = env_.clock->steady_now();
  return env_.disk->remove(path(kReserveName)).has_value();
}

}  // namespace tapewarden::audit
