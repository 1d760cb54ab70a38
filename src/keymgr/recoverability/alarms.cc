#include "keymgr/recoverability/alarms.h"

#include <algorithm>

#include "base/counted.h"
#include "base/text.h"
#include "keymgr/audit_note.h"

namespace tapewarden::keymgr::recoverability {

Alarms::Standing Alarms::standing(const Catalogue::Cartridge& cartridge, Number number,
                                  const Verdict& verdict, std::size_t wanted, WallTime now) const {
  if (verdict.destroyed) return Standing::kDestroyed;
  if (verdict.independent >= wanted) return Standing::kWell;
  const bool had = number < had_.size() && had_[number];
  const bool old = now - from_millis(cartridge.issued) >= kSettlingTime;
  return had || old ? Standing::kShort : Standing::kSettling;
}

void Alarms::remember(const Survey& survey, std::size_t wanted) {
  had_.resize(survey.size());
  for (Number i = 0; i < survey.size(); ++i) {
    if (survey.of(i).independent >= wanted) had_[i] = true;
  }
}

Alarms::Found Alarms::look(const Catalogue& catalogue, const Survey& survey, std::size_t wanted,
                           WallTime now) {
  Found out;
  short_.resize(survey.size());
  for (Number i = 0; i < survey.size(); ++i) {
    const auto& cartridge = catalogue.cartridges()[i];
    const Standing standing = this->standing(cartridge, i, survey.of(i), wanted, now);
    const bool is_short = standing == Standing::kShort;
    if (is_short) {
      Pool& pool = out[catalogue.pools()[cartridge.pool]];
      ++pool.cartridges;
      if (!short_[i]) ++pool.fell;
      if (pool.examples.size() < kExamplesInAnEvent) pool.examples.push_back(i);
    }
    short_[i] = is_short;
  }
  return out;
}

Status Alarms::load() {
  if (loaded_) return {};
  std::map<std::string, Alarm> told;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    for (const auto& row : TRY(reader.query(kAlarmTable, "1", {}))) {
      Alarm alarm = Alarm::from_row(row);
      if (alarm.cartridges > 0) told.emplace(alarm.pool, std::move(alarm));
    }
    return {};
  }));
  const MutexLock lock(mutex_);
  told_ = std::move(told);
  loaded_ = true;
  return {};
}

Status Alarms::tell(const Found& found, std::size_t wanted, const std::function<std::string(Number)>& name) {
  TRY(load());
  std::vector<Event> events;
  for (const auto& [pool, now] : found) waiting_[pool] += now.fell;
  {
    const MutexLock lock(mutex_);
    const auto before = [&](const std::string& pool) TW_REQUIRES(mutex_) {
      const auto at = told_.find(pool);
      return at == told_.end() ? 0 : at->second.cartridges;
    };
    for (const auto& [pool, now] : found) {
      Event event{pool, now, before(pool)};
      // What fell before the start was told then: only what is more is new.
      event.now.fell = looked_ ? waiting_[pool] : std::max<std::int64_t>(0, now.cartridges - event.before);
      if (event.now.fell > 0 || event.now.cartridges != event.before) events.push_back(std::move(event));
    }
    for (const auto& [pool, alarm] : told_) {
      if (!found.contains(pool)) events.push_back({pool, {}, alarm.cartridges});
    }
  }
  std::erase_if(waiting_, [&](const auto& entry) {
    return std::ranges::none_of(events, [&](const Event& event) { return event.pool == entry.first; });
  });
  const bool all = events.size() <= kEventsAStep;
  if (!all) events.resize(kEventsAStep);
  if (!events.empty()) TRY(write(events, wanted, name));
  for (const Event& event : events) waiting_.erase(event.pool);
  looked_ = looked_ || all;
  return {};
}

Status Alarms::write(const std::vector<Event>& events, std::size_t wanted,
                     const std::function<std::string(Number)>& name) {
  const WallTime now = manager_.context().now();
  std::vector<std::string> lines;
  std::vector<std::string> examples;
  for (const Event& event : events) {
    std::string names;
    for (const Number number : event.now.examples) names += (names.empty() ? "" : ", ") + name(number);
    examples.push_back(std::move(names));
  }
  std::vector<Alarm> alarms;
  {
    const MutexLock lock(mutex_);
    for (const Event& event : events) {
      const auto at = told_.find(event.pool);
      alarms.push_back({event.pool, event.now.cartridges, static_cast<std::int64_t>(wanted),
                        at == told_.end() ? now : at->second.since});
    }
  }
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    for (std::size_t i = 0; i < events.size(); ++i) {
      const Event& event = events[i];
      TRY(t.put(kAlarmTable, alarms[i].to_row()));
      const bool back = event.now.cartridges == 0;
      if (!back && event.now.fell == 0) continue;  // fewer than before, or of another wanted number
      note(t, manager_.context(),
           {.type = AuditType::kResourceManagement,
            .action = back ? "recoverability.restored" : "recoverability.short",
            .actor = Actor::system(),
            .success = back,
            .fields = {{"pool", event.pool},
                       {"cartridges", std::to_string(event.now.cartridges)},
                       {"fell", std::to_string(event.now.fell)},
                       {"before", std::to_string(event.before)},
                       {"wanted", std::to_string(wanted)},
                       {"examples", examples[i]}}});
    }
    return {};
  }));
  {
    const MutexLock lock(mutex_);
    for (std::size_t i = 0; i < events.size(); ++i) {
      const Event& event = events[i];
      if (event.now.cartridges == 0) {
        told_.erase(event.pool);
        lines.push_back("recoverability: the keys of pool " + event.pool + " are in " +
                        std::to_string(wanted) + " independent places again");
        continue;
      }
      told_[event.pool] = alarms[i];
      if (event.now.fell == 0) continue;
      lines.push_back("recoverability: " + counted(event.now.fell, "cartridge") + " of pool " + event.pool +
                      " fell under " + std::to_string(wanted) + " independent places (" + examples[i] +
                      "), " + std::to_string(event.now.cartridges) + " are there in all");
    }
  }
  for (const auto& line : lines) log_(line);
  return {};
}

std::int64_t Alarms::told() const {
  const MutexLock lock(mutex_);
  std::int64_t out = 0;
  for (const auto& [pool, alarm] : told_) out += alarm.cartridges;
  return out;
}

std::vector<std::string> Alarms::warnings() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> out;
  std::int64_t further = 0;
  for (const auto& [pool, alarm] : told_) {
    if (out.size() == kPoolsInTheStatus) {
      ++further;
      continue;
    }
    out.push_back("the keys of " + counted(alarm.cartridges, "cartridge") + " of pool " + pool +
                  " are in fewer than " + std::to_string(alarm.wanted) + " independent places since " +
                  format_utc(alarm.since) + ": see `tapewarden recoverability`");
  }
  if (further > 0) {
    out.push_back("so are cartridges of " + std::to_string(further) +
                  " further pools: see `tapewarden recoverability pools`");
  }
  return out;
}

}  // namespace tapewarden::keymgr::recoverability
