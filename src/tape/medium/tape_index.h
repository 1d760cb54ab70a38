// Where objects lie: sparse entries every kIndexStrideBytes, one for each filemark, and the session records.
// Kept in memory while a cartridge is open, stored behind the end-of-data record at unload, rebuilt by a scan
// of the headers otherwise. Lookup is O(log n) plus at most one stride of headers to follow. Not thread-safe.
//
// Invariants: in each list offsets and object numbers ascend; filemark number n is filemarks()[n], so that
// its file number is its place in the list.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "tape/medium/record.h"

namespace tapewarden::tape {

class TapeIndex {
 public:
  struct Block {
    std::uint64_t object = 0;
    std::uint64_t offset = 0;
    std::uint32_t file_number = 0;
    bool operator==(const Block&) const = default;
  };
  struct Filemark {
    std::uint64_t object = 0;
    std::uint64_t offset = 0;
    bool operator==(const Filemark&) const = default;
  };
  struct Session {
    std::uint32_t id = 0;
    std::uint64_t offset = 0;
    bool operator==(const Session&) const = default;
  };

  // In the order of the records. Called for every record; keeps what it needs.
  void note(const RecordHeader& header, std::uint64_t offset);
  // Forgets everything at or behind the offset.
  void cut(std::uint64_t offset);

  const std::vector<Block>& blocks() const { return blocks_; }
  const std::vector<Filemark>& filemarks() const { return filemarks_; }
  const std::vector<Session>& sessions() const { return sessions_; }

  // The known object nearest before or at `object`; nullopt when there is none.
  std::optional<Block> nearest(std::uint64_t object) const;
  // How many filemarks have a number below `object`.
  std::uint64_t filemarks_before(std::uint64_t object) const;
  // The smallest offset known behind `offset`, to go on with after damage.
  std::optional<std::uint64_t> next_offset_after(std::uint64_t offset) const;

  // Payload of an index record.
  std::size_t encoded_size() const;
  Bytes encode() const;
  // kCorrupt unless it obeys the invariants and every offset lies in [kDataStart, end).
  static Result<TapeIndex> decode(ByteView payload, std::uint64_t end);

  bool operator==(const TapeIndex&) const = default;

 private:
  std::vector<Block> blocks_;
  std::vector<Filemark> filemarks_;
  std::vector<Session> sessions_;
};

}  // namespace tapewarden::tape
