// Reads records from a file and follows their chain: every check that needs no key. Shared by the cartridge,
// its inspection and its verification. Not thread-safe. Internal to tape/medium.
#pragma once

#include <cstdint>
#include <map>

#include "base/env.h"
#include "tape/medium/read_window.h"
#include "tape/medium/record.h"
#include "tape/medium/tape_index.h"

namespace tapewarden::tape {

// A place between two records, and what the next one must continue.
struct ChainState {
  std::uint64_t offset = 0;  // where the next record begins
  std::uint64_t previous_offset = 0;
  Link link{};
  std::uint64_t object = 0;
  std::uint32_t file = 0;
  std::uint32_t session_id = 0;

  static ChainState beginning();
  SyncMark mark() const;
  bool operator==(const ChainState&) const = default;
};

// kCorrupt (kChainBroken) when the header does not continue the state: by its numbers (object, file,
// session), and by its links to the record before. Damage to a record breaks the link of the next one, but no
// numbers.
Status check_numbers(const RecordHeader& header, const ChainState& state);
Status check_links(const RecordHeader& header, const ChainState& state);
ChainState after(const RecordHeader& header, const ChainState& state, const Link& link);

struct SessionEntry {
  SessionInfo info;
  std::uint64_t offset = 0;
  Link link{};
};

class RecordStream {
 public:
  RecordStream(File& file, const Uuid& volume, std::uint8_t partition = 0)
      : window_(file), volume_(volume), partition_(partition) {}

  const Uuid& volume() const { return volume_; }
  std::uint8_t partition() const { return partition_; }
  // Header of the record at `offset`, which must end at or before `end`. kCorrupt naming the offset. `ahead`:
  // how many bytes a fetch may bring along.
  Result<RecordHeader> header_at(std::uint64_t offset, std::uint64_t end, std::size_t ahead = kWalkAhead);
  // The same of a record whose end may be missing.
  Result<RecordHeader> header_of(std::uint64_t offset, std::uint64_t end, std::size_t ahead = kHeaderBytes);
  // Stored bytes and tag; valid until the next call.
  Result<ByteView> body_at(const RecordHeader& header, std::uint64_t offset);
  // kCorrupt (kPayloadDamaged) when stored bytes and tag do not fit the header's checksum.
  Status check_payload(const RecordHeader& header, std::uint64_t offset);

  // Checks that the record continues the chain and belongs to its session, and moves the state behind it.
  // Keeps what a session record says.
  Status pass(ChainState& state, const RecordHeader& header);
  // The same for getting past damage: asks for the numbers only. What follows still checks its own links.
  Status skip(ChainState& state, const RecordHeader& header);
  // The state before the record at `offset`, to go on behind damage.
  Result<ChainState> state_at(std::uint64_t offset, std::uint64_t end);
  // The state before an object known from the index.
  Result<ChainState> state_before(const TapeIndex::Block& object, std::uint64_t end);

  // That the record is encrypted exactly when its session is.
  Status check_session(const RecordHeader& header) const;
  // Whether the writing counts as ended behind a record: a session that came to no block changes nothing.
  bool ended_behind(const RecordHeader& header, bool ended_before) const;
  // The session records met that only a newer reader understands, and what was said of each.
  const std::map<std::uint32_t, Error>& newer_sessions() const { return newer_; }
  // kCorrupt when no readable record of that session was met, kUnsupported when it needs a newer reader.
  Result<const SessionEntry*> session(std::uint32_t id) const;
  const std::map<std::uint32_t, SessionEntry>& sessions() const { return sessions_; }
  // Reads and keeps a session record named by the index.
  Status load_session(const TapeIndex::Session& place, std::uint64_t end);
  void add_session(std::uint32_t id, SessionEntry entry) { sessions_[id] = std::move(entry); }
  // After the file was cut: nothing at or behind the offset is remembered.
  void cut(std::uint64_t offset);

  static constexpr std::size_t kWalkAhead = 0;  // fetch by the size of the record before
 private:
  Result<SessionEntry> read_session(const RecordHeader& header, std::uint64_t offset);
  Result<Link> link_at(const RecordHeader& header, std::uint64_t offset);

  ReadWindow window_;
  Uuid volume_;
  std::uint8_t partition_;
  std::map<std::uint32_t, SessionEntry> sessions_;
  std::map<std::uint32_t, Error> newer_;
  std::uint64_t last_total_ = 0;
};

}  // namespace tapewarden::tape
