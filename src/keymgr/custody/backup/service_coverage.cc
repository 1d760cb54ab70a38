// What backups hold, as keys may be given out by it (S5), and what else lies in the targets' folders.
#include <algorithm>
#include <set>
#include <tuple>

#include "base/text.h"
#include "keymgr/audit_note.h"
#include "keymgr/custody/backup/chain.h"
#include "keymgr/custody/backup/file_reader.h"
#include "keymgr/custody/backup/limits.h"
#include "keymgr/custody/backup/run.h"
#include "keymgr/custody/backup/service.h"
#include "keymgr/epoch.h"

namespace tapewarden::keymgr::backup {

// New targets hold nothing; those that are gone are forgotten; the others stay as they are.
Status Service::remember_targets() {
  std::vector<Target> targets;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    targets = TRY(list_targets(reader));
    return {};
  }));
  const MutexLock lock(mutex_);
  std::erase_if(covered_, [&](const auto& entry) {
    return std::ranges::none_of(targets, [&](const Target& t) { return t.name == entry.first; });
  });
  for (const Target& target : targets) covered_[target.name].counts = target.counts;
  return {};
}

std::uint64_t Service::backed_up_commit(std::string_view target, bool verified) const {
  const MutexLock lock(mutex_);
  const auto found = covered_.find(target);
  if (found == covered_.end()) return 0;
  return verified ? found->second.verified : found->second.backed_up;
}

std::uint64_t Service::backed_up_commit(bool verified) const {
  const MutexLock lock(mutex_);
  std::uint64_t best = 0;
  for (const auto& [name, covered] : covered_) {
    if (covered.counts) best = std::max(best, verified ? covered.verified : covered.backed_up);
  }
  return best;
}

bool Service::has_counted_target() const {
  const MutexLock lock(mutex_);
  return std::ranges::any_of(covered_, [](const auto& entry) { return entry.second.counts; });
}

void Service::kick() {
  {
    const MutexLock lock(mutex_);
    kicked_ = true;
  }
  wake_.notify_all();
}

void Service::want(std::uint64_t commit) {
  {
    const MutexLock lock(mutex_);
    if (commit <= wanted_) return;
    wanted_ = commit;
    kicked_ = true;
  }
  wake_.notify_all();
}

// A run for it was made, whatever came of it. Who still lacks it asks again.
void Service::served_want(std::uint64_t commit) {
  const MutexLock lock(mutex_);
  if (wanted_ <= commit) wanted_ = 0;
}

void Service::advance_without_run(const std::string& target, std::uint64_t head) {
  const MutexLock lock(mutex_);
  Covered& covered = covered_[target];
  covered.backed_up = std::max(covered.backed_up, head);
}

bool Service::is_wanted(const TargetStatus& status) {
  if (!status.target.counts || status.busy) return false;
  {
    const MutexLock lock(mutex_);
    std::uint64_t best = 0;
    for (const auto& [name, covered] : covered_) {
      if (covered.counts) best = std::max(best, covered.backed_up);
    }
    if (wanted_ <= best) {
      wanted_ = 0;
      return false;
    }
  }
  const auto since_failure = context_.now() - status.state.last_failure;
  const bool failed = status.state.last_failure > status.state.last_success;
  if (failed && since_failure >= std::chrono::milliseconds(0) && since_failure < kRetryWanted) return false;
  if (status.target.mode == Mode::kAfterChange) return true;
  const auto all = list();
  return all && std::ranges::none_of(*all, [](const TargetStatus& other) {
           return other.target.counts && other.target.mode == Mode::kAfterChange;
         });
}

namespace {

Error not_whole(const std::string& path, const Error& why) {
  Error out = why;
  out.message = "the newest chain is not whole: " + path + ": " + why.message;
  return out;
}

std::unexpected<Error> another_file(const std::string& path) {
  return std::unexpected(
      not_whole(path, {ErrorCode::kCorrupt, "it is not the file that was written", {}, {}}));
}

}  // namespace

// Up to which commit the newest chain holds everything; 0 without a chain. `whole`: every byte is read.
Result<std::uint64_t> Service::chain_holds(const Target& target, bool whole) {
  std::vector<KnownFile> chain;
  std::int64_t epoch = 0;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    chain = newest_chain(TRY(known_files(reader, target.name, FileKind::kKeystore)));
    epoch = TRY(own_epoch(reader));
    return {};
  }));
  for (const KnownFile& file : chain) {
    const std::string path = target.directory + "/" + file.name;
    const auto reader = FileReader::open(*context_.env.disk, path);
    if (!reader) return std::unexpected(not_whole(path, reader.error()));
    if ((*reader)->bytes() != static_cast<std::uint64_t>(file.bytes)) return another_file(path);
    if ((*reader)->header().epoch != static_cast<std::uint64_t>(epoch)) {
      return fail(ErrorCode::kConflict, "the newest chain was begun before this server's epoch", "epoch");
    }
    if (!whole) continue;
    const auto digest = (*reader)->check_signature();
    if (!digest) return std::unexpected(not_whole(path, digest.error()));
    if (*digest != file.digest) return another_file(path);
  }
  return chain.empty() ? 0 : static_cast<std::uint64_t>(chain.back().to);
}

// What the target held counts for nothing from now on.
Status Service::lose(const Target& target, const Error& why) {
  {
    const MutexLock lock(mutex_);
    Covered& covered = covered_[target.name];
    covered.backed_up = covered.verified = 0;
  }
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    if (!TRY(t.get(kTargetTable, {target.name}))) return {};
    TargetState state = TRY(load_state(t, target.name));
    if (state.covered == 0) return {};
    state.covered = state.verified = 0;
    state.failure = why.message;
    TRY(t.put(kTargetStateTable, state.to_row()));
    note(t, context_,
         {.type = AuditType::kResourceManagement,
          .action = "backup.lost",
          .actor = Actor::system(),
          .success = false,
          .fields = {{"target", target.name}, {"reason", why.message}}});
    return {};
  }));
  return {};
}

// How many runs were noted, when none is under way: what a look found holds only while this stays as it is.
std::optional<std::uint64_t> Service::undisturbed(const std::string& name) const {
  const MutexLock lock(mutex_);
  const auto found = covered_.find(name);
  if (found == covered_.end() || std::ranges::find(busy_, name) != busy_.end()) return std::nullopt;
  return found->second.runs;
}

Status Service::examine(const Target& target, bool whole) {
  const auto runs = undisturbed(target.name);
  if (!runs || (whole && *runs > 0)) return {};  // a run looks itself, and notes what it found
  TargetState state;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    state = TRY(load_state(reader, target.name));
    return {};
  }));
  if (state.covered == 0) return {};  // nothing was noted, or it was lost: the next run begins anew
  const auto holds = chain_holds(target, whole);
  if (undisturbed(target.name) != runs) return {};
  if (!holds) return lose(target, holds.error());
  const MutexLock lock(mutex_);
  const auto found = covered_.find(target.name);
  if (found == covered_.end() || *holds == 0) return {};
  // Later commits may have been found to change nothing that a backup holds (S4).
  const auto noted = std::max(*holds, static_cast<std::uint64_t>(state.covered));
  found->second.backed_up = std::max(found->second.backed_up, noted);
  found->second.verified = std::max(found->second.verified, static_cast<std::uint64_t>(state.verified));
  return {};
}

void Service::examine_targets(bool whole) {
  std::vector<Target> targets;
  const Status read = manager_.keystore().read([&](store::Reader& reader) -> Status {
    targets = TRY(list_targets(reader));
    return {};
  });
  if (!read) return;
  // What cannot be noted now is found again at the next look.
  for (const Target& target : targets) (void)examine(target, whole).has_value();
}

// At the start every byte; then, every minute and when the epoch changed, whether the files are there.
void Service::keep_coverage_true() {
  std::int64_t epoch = 0;
  const Status read = manager_.keystore().read([&](store::Reader& reader) -> Status {
    epoch = TRY(own_epoch(reader));
    return {};
  });
  if (!read) return;
  const SteadyTime now = context_.env.clock->steady_now();
  const bool same_epoch = examined_ && epoch_ == static_cast<std::uint64_t>(epoch);
  if (same_epoch && now - examined_at_ < kLookAgain) return;
  examine_targets(!examined_);
  examined_ = true;
  examined_at_ = now;
  epoch_ = static_cast<std::uint64_t>(epoch);
}

Result<std::vector<Service::MadeBefore>> Service::made_before(WallTime time) {
  std::vector<MadeBefore> out;
  std::vector<Target> targets;
  std::vector<std::vector<KnownFile>> known;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    targets = TRY(list_targets(reader));
    for (const Target& target : targets) {
      known.push_back(TRY(known_files(reader, target.name, FileKind::kKeystore)));
    }
    return {};
  }));
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Target& target = targets[i];
    std::set<std::string> seen;
    // A folder that cannot be read is away, not empty: what was written there is listed all the same.
    if (const auto content = look_into(*context_.env.disk, target.directory)) {
      for (const FoundFile& file : content->files) {
        const std::string name = file.path.substr(file.path.rfind('/') + 1);
        seen.insert(name);
        if (file.header.kind != FileKind::kKeystore || file.header.created >= time) continue;
        out.push_back({escape_unprintable(name), target.name, escape_unprintable(file.header.domain),
                       file.header.created});
      }
    }
    for (const KnownFile& file : known[i]) {
      if (seen.contains(file.name) || file.created >= time) continue;
      out.push_back({file.name, target.name, target.domain, file.created});
    }
  }
  std::ranges::sort(out, [](const MadeBefore& a, const MadeBefore& b) {
    return std::tie(a.made, a.target, a.name) < std::tie(b.made, b.target, b.name);
  });
  return out;
}

Result<Service::Freshness> Service::freshness() {
  Freshness out;
  for (const TargetStatus& status : TRY(list())) {
    if (!status.target.counts) continue;
    if (backed_up_commit(status.target.name, false) > 0) {
      out.backed_up = std::max(out.backed_up, status.state.last_success);
    }
    if (backed_up_commit(status.target.name, true) > 0) {
      out.verified = std::max(out.verified, status.state.verified_at);
    }
  }
  return out;
}

}  // namespace tapewarden::keymgr::backup
