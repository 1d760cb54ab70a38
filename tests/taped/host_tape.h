// A tape as a host knows it: what it wrote in order, what of it the drive promised to keep, and whether a
// tape that is read holds just that. One thread at a time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "taped/initiator.h"

namespace tapewarden::testing {

// A filemark, or a block whose content follows from its number and size.
struct TapeObject {
  bool filemark = false;
  std::uint64_t number = 0;
  std::uint32_t size = 0;
};
// Half of it can be compressed.
Bytes block_content(const TapeObject& block);

enum class WriteEnd : std::uint8_t { kGone, kWarned, kFull, kRefused };

class HostTape {
 public:
  static constexpr std::uint32_t kLargestBlock = 96U << 10;

  // `seed` for sizes and contents; every block of every tape with another seed is another.
  explicit HostTape(std::uint64_t seed) : next_(seed << 40U), random_(seed) {}

  // Writes at the end of what is there: blocks, filemarks, syncs as they come, until the session is gone, the
  // early warning is told for the first time (`stop_at_warning`), or the drive says that the tape is full.
  WriteEnd write(Initiator& host, unsigned lun, bool stop_at_warning = false);
  // So many blocks, and a filemark that makes them safe. `before_mark` happens between them.
  Status write_file(Initiator& host, unsigned lun, int blocks, const std::function<void()>& before_mark = {});
  // From the beginning to the end of data, where the tape stands afterwards: all that was promised must be
  // there, and nothing but what was written, in its order. What it found is what is there from now on.
  Status read_all(Initiator& host, unsigned lun);
  // Rewinds: the next write begins the tape anew. What stood there may still be found until a sync.
  Status begin_anew(Initiator& host, unsigned lun);

  std::size_t objects() const { return objects_.size(); }
  std::size_t promised() const { return promised_; }
  std::uint64_t bytes() const;
  std::size_t writes() const { return writes_; }         // acknowledged blocks, ever
  std::string last_refusal() const { return refusal_; }  // of kRefused

 private:
  Result<bool> put(Initiator& host, unsigned lun, const Bytes& cdb, const Bytes& data);
  Result<bool> block(Initiator& host, unsigned lun);
  Result<bool> filemarks(Initiator& host, unsigned lun, std::uint32_t count, bool immediate);
  std::uint32_t below(std::uint32_t limit);
  static std::string misfit(const std::vector<TapeObject>& written, std::size_t promised,
                            const std::vector<Bytes>& found);

  std::vector<TapeObject> objects_;
  std::size_t promised_ = 0;  // of objects_, from the front
  std::vector<TapeObject>
      before_;  // what was there when the tape was begun anew and nothing is promised since
  std::size_t promised_before_ = 0;
  std::uint64_t next_;
  std::uint64_t random_;
  std::size_t writes_ = 0;
  bool warned_ = false;
  WriteEnd end_ = WriteEnd::kGone;
  std::string refusal_;
};

}  // namespace tapewarden::testing
