// Backup targets as rows of the locked database, and what this server knows of the files it made there.
// Values; functions work within a transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymgr/custody/backup/file_header.h"
#include "store/keystore.h"

namespace tapewarden::keymgr::backup {

enum class Mode : std::uint8_t {
  kOnDemand = 1,
  kSchedule = 2,     // every so many hours
  kAfterChange = 3,  // soon after every change
};
std::string_view to_string(Mode mode);  // "on-demand", "schedule", "after-change"
Result<Mode> parse_mode(std::string_view text);

enum class SealKind : std::uint8_t { kPassphrase = 1, kRecipients = 2 };
std::string_view to_string(SealKind kind);

struct Target {
  std::string name;
  std::string directory;
  std::string domain;  // name of the failure domain: what is lost together with it
  SealKind seal = SealKind::kPassphrase;
  // Passphrase: what scrypt made of it, sealed in its row; the passphrase itself is kept nowhere.
  crypto::ScryptCost cost;
  Bytes salt;
  Bytes sealed_key;
  std::vector<crypto::Certificate> recipients;
  std::int64_t keep_bases = 3;
  std::int64_t increments = 100;  // after one base
  Mode mode = Mode::kOnDemand;
  std::int64_t every_hours = 24;
  bool counts = true;  // false: its files lie on the keystore's own file system: no failure domain of its own
  WallTime created{};

  Result<store::Row> to_row() const;
  static Result<Target> from_row(const store::Row& row);
};

// One file that this server wrote and has not removed. Its key is kept, sealed, so that the server can check
// its own backups although it holds no recipient's private key.
struct KnownFile {
  std::string target;
  std::int64_t slot = 0;  // used again when the file is gone, since erased rows stay as tombstones
  std::string name;
  FileKind kind = FileKind::kKeystore;
  std::int64_t base = 0;
  std::int64_t increment = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;
  Hash256 head{};
  Hash256 digest{};
  std::int64_t bytes = 0;
  WallTime created{};
  Bytes sealed_key;
  Bytes place;  // of an audit file: where the next one goes on (audit_series.h)

  store::Row to_row() const;
  static KnownFile from_row(const store::Row& row);
};

// How the last runs went.
struct TargetState {
  std::string target;
  WallTime last_success{};
  WallTime last_failure{};
  std::string failure;       // why; empty after a success
  std::int64_t covered = 0;  // every commit up to here is in a backup
  WallTime verified_at{};
  std::int64_t verified = 0;  // every commit up to here is in a backup that was proved restorable
  std::string verify_failure;

  store::Row to_row() const;
  static TargetState from_row(const store::Row& row);
};

extern const store::TableSpec kTargetTable;
extern const store::TableSpec kKnownFileTable;    // never backed up: it is about this machine's files
extern const store::TableSpec kTargetStateTable;  // likewise
std::vector<const store::TableSpec*> tables();

inline constexpr std::size_t kTargetKeyColumn = 7;
inline constexpr std::size_t kKnownFileKeyColumn = 12;

Result<std::optional<Target>> find_target(store::Reader& reader, const std::string& name);
Result<std::vector<Target>> list_targets(store::Reader& reader);
Result<TargetState> load_state(store::Reader& reader, const std::string& target);
// The smallest slot that no file of the target has.
Result<std::int64_t> free_slot(store::Reader& reader, const std::string& target);
// Oldest first.
Result<std::vector<KnownFile>> known_files(store::Reader& reader, const std::string& target, FileKind kind);

}  // namespace tapewarden::keymgr::backup
