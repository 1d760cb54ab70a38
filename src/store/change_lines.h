// The records by which the commit log knows what a commit changed, so that a missing or rolled-back row can
// be named:
//   {"commit":7,"tables":"<SHA-256 of the tables' sums>","rows":[["data_key","ABC…01",3,"<16 hex of
//   MAC>"],…]}
// A commit that changes many rows has several such lines; the first holds "tables". Pure, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/layout.h"
#include "store/session.h"
#include "store/state.h"

namespace tapewarden::store {

inline constexpr std::size_t kRowsInLine = 1000;
inline constexpr std::size_t kChangeLineBytes = 128U << 10;  // a line that reached this is ended

struct LoggedRow {
  std::string table;
  std::string key;  // printable_key()
  std::int64_t version = 0;
  std::string mac;  // the first 16 hex digits
};

std::string mac_prefix(const Hash256& mac);

// REQUIRES: `after` holds the sums after the commit and its sequence. Of several changes to one row the last.
std::vector<std::string> change_lines(const State& after, const std::vector<Change>& changes,
                                      const Layouts& layouts);
// A line for a commit that changes tables instead of rows; `what` is "created" or "schema".
std::string schema_line(const State& after, std::string_view what, const std::vector<std::string>& names);

// The rows of a change line; nothing for any other record. kCorrupt for a change line that does not parse.
Result<std::vector<LoggedRow>> logged_rows(std::string_view record);

}  // namespace tapewarden::store
