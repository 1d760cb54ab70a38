#include "iscsi/session_table.h"

#include <algorithm>

namespace tapewarden::iscsi {

namespace {

constexpr std::ptrdiff_t kMaxDiscoverySessions = 16;

// Through the life of the process, also over several servers: a unit may outlive one.
scsi::NexusId next_nexus() {
  static std::atomic<std::uint64_t> next = kFirstNexus;
  return scsi::NexusId(next.fetch_add(1));
}

bool same_port(const SessionInfo& a, const SessionInfo& b) {
  return a.initiator == b.initiator && a.isid == b.isid && a.target == b.target;
}

}  // namespace

SessionTable::SessionTable(unsigned max_sessions, const SessionEvents& events)
    : max_sessions_(std::min(max_sessions, 60'000U)), events_(events) {}

Result<SessionTable::Grant> SessionTable::open(SessionInfo info, std::shared_ptr<const UnitMap> units,
                                               End end) {
  info.nexus = next_nexus();
  const MutexLock lock(mutex_);
  if (refusing_) return fail(ErrorCode::kUnavailable, "the server stops");
  const auto old = std::ranges::find_if(
      entries_, [&info](const auto& e) { return same_port(e.second.nexus->info(), info); });
  if (old != entries_.end()) {
    const auto replaced = old->second;
    entries_.erase(old);
    lose(replaced, "a new session of the same initiator took its place");
    replaced.end({ErrorCode::kConflict, "a new session of the same initiator took its place", "", ""});
  }
  if (entries_.size() >= max_sessions_)
    return fail(ErrorCode::kExhausted, "there are too many sessions", "max_sessions");
  // Discovery may need no proof of who asks, so it must not take the places of hosts.
  const auto discovers = [](const auto& entry) { return entry.second.nexus->info().target.empty(); };
  if (info.target.empty() && std::ranges::count_if(entries_, discovers) >= kMaxDiscoverySessions)
    return fail(ErrorCode::kExhausted, "there are too many discovery sessions", "max_sessions");
  do {
    ++last_tsih_;
  } while (last_tsih_ == 0 || entries_.contains(last_tsih_));
  auto nexus = std::make_shared<Nexus>(std::move(info), std::move(units));
  entries_.emplace(last_tsih_, Entry{nexus, std::move(end)});
  if (events_.opened) events_.opened(nexus->info());
  return Grant{last_tsih_, std::move(nexus)};
}

void SessionTable::lose(const Entry& entry, const std::string& reason) const {
  entry.nexus->lose();
  if (events_.closed) events_.closed(entry.nexus->info(), reason);
}

void SessionTable::close(std::uint16_t tsih, scsi::NexusId nexus, const std::string& reason) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(tsih);
  if (found == entries_.end() || found->second.nexus->id() != nexus) return;
  const auto entry = found->second;
  entries_.erase(found);
  lose(entry, reason);
}

void SessionTable::end_all(const std::string& target, const Error& reason) {
  const MutexLock lock(mutex_);
  for (const auto& [tsih, entry] : entries_)
    if (target.empty() || entry.nexus->info().target == target) entry.end(reason);
}

void SessionTable::refuse_new() {
  const MutexLock lock(mutex_);
  refusing_ = true;
}

std::vector<SessionInfo> SessionTable::list() const {
  const MutexLock lock(mutex_);
  std::vector<SessionInfo> all;
  for (const auto& [tsih, entry] : entries_) all.push_back(entry.nexus->info());
  return all;
}

}  // namespace tapewarden::iscsi
