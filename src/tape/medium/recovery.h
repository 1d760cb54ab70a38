// Finds the end of the records when a cartridge is opened: from the stored index when it is sound, else by
// walking all headers. Internal to tape/medium.
#pragma once

#include "tape/medium/record_stream.h"
#include "tape/medium/superblock.h"
#include "tape/medium/tape_index.h"

namespace tapewarden::tape {

struct Recovered {
  ChainState end = ChainState::beginning();  // behind the last good record
  TapeIndex index;
  std::optional<RecordType> last_type;  // of the last record
  bool ended = false;                   // the writing was ended there: by an unload, or by an erase
  bool used_index = false;
  std::optional<Error> damage;  // the first thing before the sync mark that does not check, or a newer format
  bool stopped = false;         // the damage could not be passed: the end is right before it
};

// Everything before the mark must check (a fault there is `damage`); whole records behind it that continue
// the chain count, with their payload's checksum; the first that does not begins the torn tail, unless it
// needs a newer reader: that is `damage` too, with its own code, also when it could be passed. kIo.
Result<Recovered> recover(RecordStream& stream, const Superblock& block, std::uint64_t file_bytes);

struct StoredIndex {
  TapeIndex index;
  ChainState behind;  // the state behind the index record
};
// kNotFound when there is none, kCorrupt when it is damaged.
Result<StoredIndex> load_index(RecordStream& stream, const Superblock& block);

}  // namespace tapewarden::tape
