// What recoverability remembers across restarts: which pools were told to be short of places, where the
// self-check stands, and what the last one of each server found. Constants; thread-safe once main() runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/uuid.h"
#include "keymgr/rows.h"
#include "store/keystore.h"

namespace tapewarden::keymgr::recoverability {

extern const store::TableSpec kAlarmTable;  // never copied: each server tells what it sees itself
extern const store::TableSpec kNoteTable;   // never copied
extern const store::TableSpec kCheckTable;  // replicated: each server writes its own row alone

std::vector<const store::TableSpec*> tables();

// A pool of which it was told that cartridges are short of places.
struct Alarm {
  std::string pool;
  std::int64_t cartridges = 0;  // 0: it is well again
  std::int64_t wanted = 0;
  WallTime since{};

  store::Row to_row() const;
  static Alarm from_row(const store::Row& row);
};

// One self-check of one server's keystore, from its beginning to its end.
struct CheckResult {
  Uuid server;
  WallTime began{};
  WallTime ended{};
  std::int64_t data_keys = 0;  // opened and compared
  std::int64_t keks = 0;       // private halves, used once
  std::int64_t failed = 0;
  std::string first_failed;  // names, at most a line

  store::Row to_row() const;
  static CheckResult from_row(const store::Row& row);
};
Result<std::optional<CheckResult>> check_of(store::Reader& reader, const Uuid& server);

// A number and bytes under a name.
struct Note {
  std::int64_t number = 0;
  Bytes bytes{};
};
Result<std::optional<Note>> load_note(store::Reader& reader, const std::string& name);
Status save_note(store::Transaction& transaction, const std::string& name, const Note& note);

}  // namespace tapewarden::keymgr::recoverability
