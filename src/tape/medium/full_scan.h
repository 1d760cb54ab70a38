// A walk over every record from the first to the last, going on behind damage where the index knows how.
// Shared by inspection and verification. Internal to tape/medium.
#pragma once

#include <functional>

#include "tape/medium/record_stream.h"
#include "tape/medium/recovery.h"

namespace tapewarden::tape {

struct ScanEnd {
  ChainState end = ChainState::beginning();  // behind the last record that was met
  std::uint64_t torn_bytes = 0;              // behind it, after the sync mark
  std::optional<RecordType> last_type;
  bool ended = false;   // as Recovered::ended
  bool erased = false;  // by an erase right behind the last record
  bool newer = false;   // a record needs a newer reader: what the end means is for that one to say
  // The torn bytes are the beginning of an index or session record behind an end of data, and nothing else.
  bool torn_harmless = false;
};

struct ScanVisitor {
  // `linked`: the record continues the chain, so that its tag can be checked.
  std::function<Status(const RecordHeader&, const ChainState& before, bool linked)> record;
  std::function<void(const Error&, std::uint64_t offset, std::uint64_t object)> fault;
};

// Errors of the visitor and kIo end the walk; damage goes to the visitor.
Result<ScanEnd> scan_records(RecordStream& stream, const Superblock& block, std::uint64_t file_bytes,
                             const ScanVisitor& visitor);

}  // namespace tapewarden::tape
