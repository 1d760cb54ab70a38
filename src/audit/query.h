// Listing events of an audit directory, for people: the last ones that fit a filter. Damage is not looked for
// here (see verify.h). Any thread; reads files only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/record.h"
#include "base/env.h"

namespace tapewarden::audit {

inline constexpr std::size_t kEntriesLimit = 10'000;  // of one query

struct Filter {
  std::optional<EventType> type = {};
  std::optional<Outcome> outcome = {};
  std::string since = {};        // as in Entry::at, any prefix of it; empty: from the beginning
  std::string until = {};        // events at or after it are left out; empty: no end
  std::string text = {};         // somewhere in the line, as it stands there; empty: any
  std::uint64_t after_line = 0;  // only lines with a higher number
  std::size_t limit = 100;
};

struct Entry {
  std::uint64_t line = 0;
  std::string at;  // 2026-11-21T02:40:32.123Z
  std::string type;
  std::string outcome;
  std::string action;
  std::string actor;
  std::string json;  // the record as it was given
};

// The newest `limit` entries that fit, newest last.
Result<std::vector<Entry>> query(Disk& disk, const std::string& directory, const Filter& filter);

}  // namespace tapewarden::audit
