// Looking at a cartridge file without any key, and checking it with or without one. Nothing is changed and no
// lock is taken. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "tape/medium/cartridge_memory.h"
#include "tape/medium/data_key.h"
#include "tape/medium/key_info.h"
#include "tape/medium/superblock.h"

namespace tapewarden::tape {

struct SessionSummary {
  std::uint32_t id = 0;
  std::uint64_t offset = 0;
  std::uint64_t start_object = 0;
  WallTime begun;
  bool encrypted = false;
  KeyMethod method = KeyMethod::kNone;
  std::uint8_t compression_level = 0;
  KeyCheckValue check_value{};
  Bytes akad;
  Bytes ukad;
  std::uint64_t data_records = 0;
  std::uint64_t host_bytes = 0;
  std::uint64_t stored_bytes = 0;
};

struct SuperblockReport {
  bool readable = false;
  bool current = false;
  Superblock block;   // when readable
  std::string fault;  // when not
};

struct RecordCounts {
  std::uint64_t sessions = 0;
  std::uint64_t data = 0;
  std::uint64_t filemarks = 0;
  std::uint64_t end_of_data = 0;
  std::uint64_t sync_marks = 0;
  std::uint64_t indexes = 0;
  std::uint64_t encrypted = 0;
  std::uint64_t compressed = 0;
};

struct Inspection {
  std::uint64_t file_bytes = 0;
  std::array<SuperblockReport, 2> superblocks;
  Superblock current;
  KeyInfoReport key_info;
  std::array<SlotHealth, 2> memory_slots{};
  AttributeMap attributes;
  std::vector<SessionSummary> sessions;
  RecordCounts counts;
  std::uint64_t host_bytes = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t valid_bytes = 0;       // where the last good record ends
  std::uint64_t bytes_after_mark = 0;  // in good records after the last sync mark
  std::uint64_t torn_bytes = 0;        // after the last good record
  std::optional<std::string> damage;   // the first thing before the mark that does not check
  std::optional<std::uint64_t> damage_offset;
  std::optional<std::string> newer_format;  // what this version does not know, and a later one wrote
  // Partition 1 of a cartridge that has one: what is in its file, or why that cannot be reached.
  std::shared_ptr<const Inspection> second;
  std::string second_lost;

  bool needs_newer_reader() const { return newer_format || (second && second->newer_format); }
  // The sessions of both partitions.
  std::vector<SessionSummary> all_sessions() const;
  // Lines for a person; text from the file is escaped.
  std::string to_text() const;
};

// Reads both superblocks, the areas and every record header, and the same of the second partition; of a
// file that is one itself nothing else. kInvalidArgument when the file is no cartridge,
// kCorrupt when no superblock can be read.
Result<Inspection> inspect(Env env, const std::string& path);

enum class FaultKind : std::uint8_t { kDamage, kTampering, kWrongKey, kTruncated, kNewerFormat };
std::string_view to_string(FaultKind kind);

struct VerifyFault {
  FaultKind kind = FaultKind::kDamage;
  std::uint64_t offset = 0;
  std::uint64_t logical_object = 0;
  std::string message;
};

struct VerifyOptions {
  std::vector<DataKeyHandle> keys;  // each session is opened with the one that fits its check value
  std::size_t max_faults = 16;
  // Called now and then with bytes done and bytes in all; false stops with kConflict.
  std::function<bool(std::uint64_t done, std::uint64_t total)> progress;
};

struct VerifyReport {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t tags_checked = 0;
  std::uint64_t tags_unchecked = 0;  // encrypted, and none of the keys fits
  std::uint64_t torn_bytes = 0;
  bool torn_harmless = false;  // they are within the index or a session record behind an end of data
  bool closed = false;         // ends with an end-of-data record
  bool erased = false;         // ends where it was erased
  bool ended = false;          // one of these, or with a session behind them that came to no block
  bool newer_format = false;   // something needs a newer reader; nothing is said of the end then
  // The last tape file has blocks and no filemark, and what ended it was not its writer: an unload or an
  // erase.
  std::optional<std::uint64_t> last_file_without_filemark;
  // Tape files whose writing was cut off, as Cartridge::cut_off_files() tells them.
  std::vector<std::uint64_t> cut_off_files;
  std::vector<VerifyFault> faults;
  // Partition 1 of a cartridge that has one; one that cannot be reached is a fault.
  std::shared_ptr<const VerifyReport> second;
  // A write was interrupted: what is there may be in order, and yet be less than was to be written.
  bool interrupted() const {
    return (torn_bytes != 0 && !torn_harmless) || !cut_off_files.empty() || (second && second->interrupted());
  }
  // What was found is no damage: a later version of the program reads it.
  bool needs_newer_reader() const;
  bool good() const { return faults.empty() && !interrupted() && (!second || second->good()); }
  std::string to_text() const;
};

// Checks every record's checksums and the chain, and every tag that one of the keys opens. When keys are
// given and none fits a session, that is a kWrongKey fault, told apart from tampering. Errors as inspect();
// kIo.
Result<VerifyReport> verify(Env env, const std::string& path, const VerifyOptions& options = {});

}  // namespace tapewarden::tape
