#include "keymgr/custody/backup/service.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "keymgr/audit_note.h"
#include "keymgr/custody/backup/limits.h"
#include "keymgr/custody/backup/run.h"
#include "keymgr/custody/backup/service_busy.h"

namespace tapewarden::keymgr::backup {

Service::Service(KeyManager& manager, ServiceOptions options)
    : manager_(manager), context_(manager.context()), options_(std::move(options)) {}

Service::~Service() {
  stop();
}

Status Service::start() {
  TRY(remember_targets());
  thread_ = std::thread([this] { loop(); });
  return {};
}

void Service::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<Target> Service::require(const std::string& name) {
  std::optional<Target> found;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    found = TRY(find_target(reader, name));
    return {};
  }));
  if (found) return *std::move(found);
  return fail(ErrorCode::kNotFound, "there is no backup target " + escape_unprintable(name.substr(0, 64)),
              "name", "list the targets to see their names");
}

namespace {

std::string warning_of(const TargetStatus& status, WallTime now) {
  const Target& target = status.target;
  const std::string start = "backup target " + target.name + ": ";
  const bool failed = status.state.last_failure > status.state.last_success;
  if (!status.state.failure.empty()) {
    return start + (failed ? "the last run failed: " : "its backups count for nothing: ") +
           status.state.failure;
  }
  if (!status.state.verify_failure.empty()) {
    return start + "the last verification failed: " + status.state.verify_failure;
  }
  if (!target.counts)
    return start +
           "its files lie on the keystore's own file system or on tape, so it counts for nothing: name a "
           "folder "
           "on another disk or machine";
  if (status.state.covered == 0) return start + "there is no backup yet";
  const auto age = now - status.state.last_success;
  if (target.mode == Mode::kSchedule && age > std::chrono::hours(2 * target.every_hours)) {
    return start + "the last success was at " + format_utc(status.state.last_success);
  }
  return {};
}

}  // namespace

Result<TargetStatus> Service::status_of(store::Reader& reader, const Target& target) {
  TargetStatus out;
  out.target = target;
  out.state = TRY(load_state(reader, target.name));
  for (const FileKind kind : {FileKind::kKeystore, FileKind::kAudit}) {
    for (const KnownFile& file : TRY(known_files(reader, target.name, kind))) {
      ++out.files;
      out.bytes += static_cast<std::uint64_t>(file.bytes);
    }
  }
  const std::uint64_t head = manager_.keystore().head().sequence;
  const auto covered =
      std::max(static_cast<std::uint64_t>(out.state.covered), backed_up_commit(target.name, false));
  out.behind = head > covered ? head - covered : 0;
  out.warning = warning_of(out, context_.now());
  const MutexLock lock(mutex_);
  out.busy = std::ranges::find(busy_, target.name) != busy_.end();
  return out;
}

Result<std::vector<TargetStatus>> Service::list() {
  std::vector<TargetStatus> out;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    for (const Target& target : TRY(list_targets(reader))) out.push_back(TRY(status_of(reader, target)));
    return {};
  }));
  return out;
}

Result<TargetStatus> Service::status(const std::string& name) {
  const Target target = TRY(require(name));
  TargetStatus out;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    out = TRY(status_of(reader, target));
    return {};
  }));
  return out;
}

std::vector<std::string> Service::warnings() {
  const auto all = list();
  if (!all) return {"the backup targets could not be read: " + all.error().text()};
  std::vector<std::string> out;
  bool safe = false;
  for (const TargetStatus& status : *all) {
    if (!status.warning.empty()) out.push_back(status.warning);
    safe = safe || (status.target.counts && status.state.covered > 0);
  }
  if (!safe) out.emplace_back("there is no backup in another failure domain: add a target and run it");
  return out;
}

Status Service::note_run(const Actor& actor, const Target& target, const Result<RunReport>& result) {
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    AuditNote record{.type = AuditType::kResourceManagement,
                     .action = "backup.run",
                     .actor = actor,
                     .success = result.has_value(),
                     .fields = {{"target", target.name}, {"directory", target.directory}}};
    if (TRY(t.get(kTargetTable, {target.name}))) {
      TargetState state = TRY(load_state(t, target.name));
      if (result) {
        state.last_success = context_.now();
        state.failure.clear();
        state.covered = std::max(state.covered, static_cast<std::int64_t>(result->commit));
      } else {
        state.last_failure = context_.now();
        state.failure = result.error().text();
      }
      TRY(t.put(kTargetStateTable, state.to_row()));
    }
    if (result) {
      record.fields.emplace_back("file", result->nothing_new ? "nothing new" : result->file);
      record.fields.emplace_back("covered", std::to_string(result->commit));
      record.fields.emplace_back("rows", std::to_string(result->rows));
    } else {
      record.fields.emplace_back("reason", result.error().text());
    }
    note(t, context_, record);
    return {};
  }));
  if (!result) return {};
  const MutexLock lock(mutex_);
  Covered& covered = covered_[target.name];
  covered.backed_up = std::max(covered.backed_up, result->commit);
  covered.counts = target.counts;
  ++covered.runs;
  return {};
}

Result<RunReport> Service::run(const Actor& actor, const std::string& name, bool new_base) {
  Busy busy(*this, name);
  TRY(busy.take());
  const Target target = TRY(require(name));
  const Status place = check_place(target);
  Result<RunReport> result = place ? Run(manager_, options_, target).run(new_base)
                                   : Result<RunReport>(std::unexpected(place.error()));
  TRY(note_run(actor, target, result));
  return result;
}

bool Service::due(const TargetStatus& status) {
  if (status.busy || status.target.mode == Mode::kOnDemand) return false;
  const WallTime now = context_.now();
  const bool failed_lately =
      status.state.last_failure > status.state.last_success && now - status.state.last_failure < kRetryAfter;
  if (failed_lately && now >= status.state.last_failure) return false;
  if (status.state.covered == 0) return true;
  if (status.target.mode == Mode::kAfterChange) return status.behind > 0;
  const auto age = now - status.state.last_success;
  // A clock that was set back must not keep backups from being made.
  return age < std::chrono::milliseconds(0) || age >= std::chrono::hours(status.target.every_hours);
}

void Service::look_after_targets() {
  const auto all = list();
  if (!all) return;
  for (const TargetStatus& status : *all) {
    const bool wanted = is_wanted(status);
    if (!wanted && !due(status)) continue;
    const std::uint64_t head = manager_.keystore().head().sequence;
    if (status.target.mode == Mode::kAfterChange && status.state.covered > 0) {
      // What only this service noted asks for nothing (S4).
      const auto from = backed_up_commit(status.target.name, false);
      const auto changed = manager_.keystore().content_changed(from);
      if (changed && !*changed && from > 0) {
        advance_without_run(status.target.name, head);
        continue;
      }
    }
    // Its outcome stands in the target's state and in the audit.
    (void)run(Actor::system(), status.target.name, false);
    if (wanted) served_want(head);
  }
}

void Service::loop() {
  while (true) {
    {
      const MutexLock lock(mutex_);
      if (!stopping_ && !kicked_) wake_.wait_for(mutex_, options_.poll);
      if (stopping_) return;
      kicked_ = false;
    }
    keep_coverage_true();
    look_after_targets();
  }
}

}  // namespace tapewarden::keymgr::backup
