// What a Cartridge holds. Internal to tape/medium; the functions lie in cartridge.cc (opening, areas),
// cartridge_read.cc (reading, motion), cartridge_ahead.cc (reading ahead) and cartridge_write.cc (sessions,
// records, sync marks).
//
//                 begin_session()            append()               leave_session(), cut(), failure
//   no session ───────────────────► live ───────────► live ────────────────────────────► no session
//
// Invariants beyond those of cartridge.h
//  6. end.offset == file_bytes + pending: bytes in `buffer` are the records that the file does not hold yet.
//  7. Reads and motion begin with settle(): they never look at the file while something is pending.
//  8. `ready` exists only while pos, the key and the file are as they were when it was made; bytes of a
//     record that nobody asked for lie in ahead_buffer only while it does.
//  9. `live` exists only while its session record is the last one before end, and `pos` may be anywhere.
#pragma once

#include <memory>
#include <optional>

#include "tape/medium/cartridge.h"
#include "tape/medium/header_areas.h"
#include "tape/medium/record_opener.h"
#include "tape/medium/record_stream.h"
#include "tape/medium/recovery.h"
#include "tape/medium/tape_index.h"

namespace tapewarden::tape {

struct LiveSession {
  std::uint32_t id = 0;
  SessionSalt salt{};
  std::optional<crypto::AesGcm> cipher;  // none: clear
  Hash256 key_fingerprint{};             // only for an observer
  std::uint64_t next_counter = 0;
  unsigned compression_level = 0;
  unsigned since_smaller = 0;  // data records since the last one that compression made smaller
};

// The record at pos, opened before anybody asked for it. Its bytes lie at the front of ahead_buffer.
struct ReadyRecord {
  RecordHeader header;
  ChainState behind;
};

// What is left of a session that nothing can be appended to any more: its end-of-data record, sealed before
// the key went. It is written when the cartridge is unloaded and nothing came behind the session.
struct LeftSession {
  LiveSession session;  // without its cipher
  RecordHeader header;
  Bytes end_record;
  Link link{};
};

struct Cartridge::State {
  State(Env system, std::string file_path, CartridgeMode open_mode, std::unique_ptr<File> held,
        std::unique_ptr<File> opened, SuperblockPair blocks, MemoryArea chip, KeyArea key_area)
      : env(system),
        path(std::move(file_path)),
        mode(open_mode),
        lock(std::move(held)),
        file(std::move(opened)),
        superblocks(std::move(blocks)),
        memory(std::move(chip)),
        keys(std::move(key_area)),
        stream(*file, superblocks.current().volume, superblocks.current().partition) {}
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Env env;
  std::string path;
  CartridgeMode mode;
  std::unique_ptr<File> lock;
  std::unique_ptr<File> file;
  SuperblockPair superblocks;
  MemoryArea memory;
  KeyArea keys;
  RecordStream stream;
  RecordOpener opener;
  Compressor compressor;
  TapeIndex index;
  ChainState pos;
  ChainState end;
  std::optional<RecordType> last_type;  // of the record right before end
  std::optional<RecordHeader> peeked;   // header of the object at pos, when it was looked at
  std::optional<Error> damage;          // at end, when opened for reading in spite of it
  std::optional<Error> failure;         // of a write or sync; nothing more is written
  bool cut_off_here = false;            // nothing ended the writing of the tape file that end lies in
  bool unloaded = false;
  State* sibling = nullptr;     // the other partition; lives as long
  bool sibling_lost = false;    // there is one that cannot be reached
  bool change_counted = false;  // the volume change reference tells of what is written from now on

  Bytes buffer;  // kept at its largest size: growing costs, shrinking saves nothing
  std::size_t pending = 0;
  std::uint64_t file_bytes = 0;      // where the next flush writes
  std::uint64_t physical_bytes = 0;  // length of the file; more than file_bytes while a torn tail hangs on

  SessionSpec spec;
  std::optional<LiveSession> live;
  std::optional<LeftSession> left;  // of the last session before end; gone with the next record
  Bytes read_buffer;
  Bytes ahead_buffer;
  std::optional<ReadyRecord> ready;
  std::uint64_t programmable_early_warning = 0;
  CartridgeStats stats;
  SealObserver observer;

  const SyncMark& mark() const { return superblocks.current().mark; }
  bool at_end() const { return pos.object == end.object; }
  std::uint8_t partition() const { return stream.partition(); }
  // Partition 0, which has the memory and the key areas of the cartridge.
  State& first() { return partition() == 0 || sibling == nullptr ? *this : *sibling; }
  bool alone() const { return !sibling_lost && (sibling == nullptr || sibling->end.object == 0); }

  // cartridge.cc
  CapacityState capacity() const;
  Status require_writable() const;            // opened for writing, no failure, not unloaded
  Status guard(Status result);                // remembers a failure to write
  Status write_superblock(Superblock block);  // a new generation, synced

  // cartridge_read.cc
  Status settle();
  void move_to(const ChainState& state);
  Result<const RecordHeader*> peek();  // nullptr at end of data
  Status seek(std::uint64_t object);
  void drop_ready();
  RecordView take_ready(MutableByteView into);
  void count_read(const RecordHeader& header);
  // Opens the object at pos into `into`, which becomes the read buffer when it is too small.
  Status open_record(const RecordHeader& header, MutableByteView& into);
  bool inside_file(std::uint64_t object) const;  // blocks of its tape file lie before it
  // Between the objects around it stands the end of a writing, which a cut there would take away.
  bool ended_at(const ChainState& at);
  bool ends_before_next_object(ChainState at);
  bool ended_since_object(std::uint64_t offset);  // the same, from the record at `offset` back
  // A session that begins before that object says that the file was cut off there.
  bool cut_off_before(std::uint64_t object);
  // The session says so of the tape file that it goes on behind, or, when it was written before sessions did,
  // it only ends that file by a filemark, and no end stands before it.
  bool says_cut_off(const SessionEntry& session);
  // The encoded record, in `into` or in read_buffer; `into` is set to it.
  Status copy_raw(const RecordHeader& header, MutableByteView& into);

  // cartridge_write.cc
  Status check_spec(const SessionSpec& candidate) const;
  Status prepare_write();  // permission, then a live session that continues at pos
  Status begin_session();
  Status write_key_info_at_beginning(bool overwriting);
  // `ended`: the tape ends there as somebody wants, so that no crash may make it look cut off.
  Status cut(const ChainState& at, bool ended);
  void leave_session(Leaving how);
  bool broken_within_file() const;  // the live session wrote to the tape file that end lies in
  Status append(RecordType type, ByteView plain);
  RecordHeader next_header(RecordType type, std::size_t host_bytes, std::size_t stored_bytes) const;
  Link seal(RecordHeader& header, ByteView stored, MutableByteView record);
  void take_in(const RecordHeader& header, const Link& link);
  Status append_end();
  Status check_room(std::uint64_t record_bytes, std::uint64_t reserve) const;
  Status flush();
  Status commit_mark();
  Status write_end();
  Status count_unload(const CartridgeStats& total);
  // cartridge_partitions.cc
  Status count_change();  // before something is written
};

}  // namespace tapewarden::tape
