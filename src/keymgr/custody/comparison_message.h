// What the two servers of a pair say when they compare their tables (docs/formats/replication.md, "The full
// comparison"). Pure: bytes in, bytes out. They travel over HTTPS with client certificates and hold no
// secret.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/uuid.h"
#include "keymgr/epoch.h"
#include "store/keystore.h"
#include "store/row_print.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kRowsInOneStretch = 1000;  // compared, or listed, at once
inline constexpr std::size_t kKeysInOneQuestion = 256;
inline constexpr std::size_t kKeyBytesInMessage = 4096;  // of one row's key, encoded
inline constexpr std::size_t kDifferencesKept = 1000;    // with their keys; more are only counted

// A question about the rows of one table at the other server.
struct CompareQuestion {
  Uuid sender;
  Uuid receiver;
  bool listed = false;  // each row by itself; else one digest of all
  store::PrintRequest rows;
  // Of the sender; and the newest head that it saw of the receiver, in which copy of it: the receiver finds
  // out by it whether it holds an older copy of itself.
  Incarnation incarnation{};
  std::uint32_t seen_installation = 0;  // 0: none was seen
  store::CommitMark seen{};

  Bytes encode() const;
  // kCorrupt, kUnsupported; kInvalidArgument beyond the limits above.
  static Result<CompareQuestion> decode(ByteView bytes);
};

struct CompareAnswer {
  // Where the answering server stood before it looked: the asking one holds all of its commits up to here.
  // 0 while one of the two has not had everything.
  std::uint64_t acknowledged = 0;
  // There were more rows in the range than one answer holds: it tells of those up to `until` alone.
  std::optional<store::Row> until{};
  std::uint32_t count = 0;
  Hash256 sum{};                      // of the rows' digests, modulo 2^256
  std::vector<store::RowPrint> rows;  // when they were asked for
  // Of the answering server: an older copy of itself is told by them.
  Incarnation incarnation{};
  store::CommitMark head{};

  // Whether it answers this question and no other: its rows lie in the range in the order of their keys, or
  // are among those asked for, and `until` lies in the range, beyond its beginning. kCorrupt.
  Status check(const CompareQuestion& question) const;
  Bytes encode() const;
  static Result<CompareAnswer> decode(ByteView bytes);
};

// The digests of rows taken together; their order does not matter.
Hash256 sum_of(const std::vector<store::RowPrint>& rows);

enum class DifferenceKind : std::uint8_t { kOnlyHere = 1, kOnlyThere = 2, kDiffers = 3 };
std::string_view to_string(DifferenceKind kind);  // "only here"

// One row that the two servers hold differently though both have had each other's commits. Without secrets.
struct RowDifference {
  std::string table;
  std::string key;  // printable
  DifferenceKind kind = DifferenceKind::kDiffers;
  std::int64_t version_here = 0;  // 0: there is no such row
  std::int64_t version_there = 0;
  Uuid origin_here;
  Uuid origin_there;
};

struct ComparisonReport {
  WallTime started{};
  WallTime ended{};
  std::uint64_t tables = 0;
  std::uint64_t rows = 0;         // here, tombstones too
  std::uint64_t differences = 0;  // all of them
  std::uint64_t moving = 0;       // rows that could not be judged: they changed whenever they were looked at
  std::string error;              // why it did not come to its end; empty: it did
  bool by_peer = false;           // the other server compared
  std::vector<RowDifference> first;

  // It came to its end, and every row was judged.
  bool finished() const { return error.empty() && moving == 0; }
  // Both hold the same: no row differs, and none was left out.
  bool agrees() const { return finished() && differences == 0; }
  // "equal", "3 rows differ", "3 rows differ, 1 row could not be judged", "not finished: why"
  std::string result() const;
  // As the other server sees it.
  ComparisonReport turned() const;
  Bytes encode() const;
  static Result<ComparisonReport> decode(ByteView bytes);
};

}  // namespace tapewarden::keymgr
