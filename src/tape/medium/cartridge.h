// A cartridge: one file in the format of docs/formats/cartridge.md, seen as a tape. Serves as a virtual
// physical cartridge and as a logical volume in the cache.
//
// Not thread-safe: one user at a time (a device server with its queue). A read-write Cartridge holds the
// file's lock as long as it lives. Everything of the system comes through Env, which must outlive it.
//
// Invariants
//  1. What a sync mark covers is on stable storage, and is never changed again except by an overwrite that
//     first recorded a shorter mark.
//  2. A session record is on stable storage before the first record that is sealed under its salt; no
//     session is ever continued after the file was closed, overwritten, or failed to be written.
//  3. The counter of a session only grows: a (session key, IV) pair is used once.
//  4. After a failed write or sync nothing more is written through this object: open the file again.
//  5. Bytes leave a read only when every check that the key allows has passed.
//  6. Of two partitions at most one has a running session, the one where the position is; when the position
//     leaves it, what was written there is synced and the session ends.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/uuid.h"
#include "crypto/aead.h"
#include "tape/medium/cartridge_memory.h"
#include "tape/medium/data_key.h"
#include "tape/medium/key_info.h"
#include "tape/medium/partition_set.h"
#include "tape/medium/superblock.h"

namespace tapewarden::tape {

// Error::detail of what this component returns, for the sense data of a drive.
enum class MediumFault : std::uint32_t {
  kNone = 0,
  kHeaderDamaged = 1,   // kCorrupt: a record header or an area does not check
  kPayloadDamaged = 2,  // kCorrupt: stored bytes do not fit their checksum (accident)
  kTagMismatch = 3,     // kCorrupt: checksums fit, the key fits, the tag does not (tampering)
  kChainBroken = 4,     // kCorrupt: a record does not follow the one before it
  kKeyMissing = 5,      // kWrongKey: encrypted, and no key is set
  kKeyDiffers = 6,      // kWrongKey: encrypted under another key
  kEndOfMedium = 7,     // kExhausted: the nominal capacity is used up (a full disk has detail 0)
  kWormOverwrite = 8,   // kPermissionDenied: a write before end of data on WORM
  kWriteProtected = 9,  // kPermissionDenied: opened for reading
  kTruncated = 10,      // kCorrupt: the file ends before its sync mark
  kNewerFormat = 11,    // kUnsupported: whole, and written by a later version: it needs a newer reader
};
constexpr std::uint32_t detail(MediumFault fault) {
  return static_cast<std::uint32_t>(fault);
}

struct CartridgeSpec {
  Uuid volume;         // nil: drawn from Env.random
  std::string volser;  // 1 to 8 of A-Z and 0-9
  MediumKind kind = MediumKind::kLto;
  std::uint8_t density = 0x60;                        // density code of REPORT DENSITY SUPPORT; 60h: LTO-9
  std::uint64_t capacity_bytes = 18'000'000'000'000;  // stored bytes, after compression
  std::uint64_t early_warning_bytes = 0;              // 0: a hundredth of the capacity, at most 512 MiB
  bool worm = false;
  KeyManagement management = KeyManagement::kNone;
  std::uint8_t compression_level = 1;  // default of sessions; 0: off
};

struct CartridgeIdentity {
  Uuid volume;
  std::string volser;
  MediumKind kind;
  std::uint8_t density;
  bool worm;
  KeyManagement management;
  std::uint8_t compression_level;
  std::uint64_t capacity_bytes;  // of all partitions together
  WallTime created;
  std::uint8_t partitions;
};

struct Position {
  std::uint8_t partition = 0;
  std::uint64_t logical_object = 0;  // number of the next object; data records and filemarks count
  std::uint64_t file_number = 0;     // filemarks between here and the beginning
  bool operator==(const Position&) const = default;
};

// How the next records are written. Without a key they are clear.
struct SessionSpec {
  DataKeyHandle key;
  KeyMethod method = KeyMethod::kNone;
  Bytes akad;  // shown by next_block() for every record of the session; up to kMaxKadBytes
  Bytes ukad;
  bool raw_read_blocked = false;                  // RDMC, told again by next_block()
  std::uint8_t kad_format = 0;                    // KAD FORMAT of SSC, 0 to 2; told again by next_block()
  std::optional<std::uint8_t> compression_level;  // nothing: the cartridge's default; 0: off
  // Put into the four key areas before the first record when the session begins at the beginning of tape,
  // also when it is empty: nothing that was in them stays. Ignored elsewhere, and where another partition
  // holds records, which may need what is there (begins_cartridge()).
  KeyInfo key_info;
};

enum class BlockKind : std::uint8_t { kData, kFilemark, kEndOfData };
// In the words of the next-block status page (SSC-5 section 8.5.2.8).
enum class BlockEncryption : std::uint8_t { kNotEncrypted, kReadable, kKeyMissing };

struct NextBlock {
  BlockKind kind = BlockKind::kEndOfData;
  Position position;
  std::uint32_t host_length = 0;  // bytes that read_record() will give
  bool compressed = false;
  BlockEncryption encryption = BlockEncryption::kNotEncrypted;
  // Of the record's session; empty for a clear one.
  Bytes akad;
  Bytes ukad;
  bool raw_read_blocked = false;
  std::uint8_t kad_format = 0;
  std::optional<KeyCheckValue> check_value;
};

// The keys by which a cartridge's sessions say that they are sealed: what stands beside the records, where a
// rewrite of the key areas alone does not reach. No proof against somebody who writes all of the cartridge.
struct SessionKeys {
  std::vector<KeyCheckValue> check_values;  // of encrypted sessions, each once
  bool unknown = false;                     // a session record cannot be read
};

struct RecordView {
  BlockKind kind = BlockKind::kEndOfData;
  ByteView data;  // valid until the next call on the cartridge, or as long as the caller's own buffer
  bool encrypted = false;
};

struct Motion {
  enum class Stop : std::uint8_t { kDone, kFilemark, kEndOfData, kBeginningOfTape };
  Stop stop = Stop::kDone;
  std::uint64_t moved = 0;  // objects or filemarks of the kind asked for that were passed
};

struct CapacityState {
  std::uint64_t capacity_bytes = 0;
  std::uint64_t used_bytes = 0;              // by records, to end of data
  std::uint64_t used_to_position_bytes = 0;  // by records before the current position
  bool early_warning = false;                // at the current position
  bool programmable_early_warning = false;
  bool end_of_medium = false;
};

struct CartridgeStats {  // since open
  std::uint64_t records_written = 0;
  std::uint64_t records_read = 0;
  std::uint64_t host_bytes_written = 0;
  std::uint64_t host_bytes_read = 0;
  std::uint64_t stored_bytes_written = 0;
  std::uint64_t stored_bytes_read = 0;
  std::uint64_t sync_marks = 0;
  std::uint64_t sessions_begun = 0;
};

// Told of every seal, with SHA-256 of the session key: lets a test count that no pair repeats.
using SealObserver = std::function<void(const Hash256& key_fingerprint, const crypto::GcmIv& iv)>;

// How a write session comes to its end when its key is taken from it.
enum class Leaving : std::uint8_t {
  kEnded,   // as its host wanted: the tape file stands as it is
  kBroken,  // nobody ended it: a tape file that it is within counts as cut off
};

enum class CartridgeMode : std::uint8_t { kRead, kReadWrite };

class Cartridge {
 public:
  ~Cartridge();
  Cartridge(const Cartridge&) = delete;
  Cartridge& operator=(const Cartridge&) = delete;

  // Makes an empty cartridge, durable when this returns, and opens it for reading and writing.
  // kAlreadyExists, kInvalidArgument, kIo.
  static Result<std::unique_ptr<Cartridge>> create(Env env, const std::string& path,
                                                   const CartridgeSpec& spec);
  // Positioned at the beginning. kNotFound; kConflict when another holds it; kInvalidArgument when the file
  // is no cartridge; kUnsupported when a record needs a newer reader (kRead opens it all the same: what this
  // one knows can be read); kCorrupt naming the offset when something before the last sync mark does not
  // check (kRead opens it all the same when the superblock is readable: reads then fail from the damage on).
  // Whole records after the mark count as written; what follows them is a torn tail, cut off by the next
  // append.
  static Result<std::unique_ptr<Cartridge>> open(Env env, const std::string& path, CartridgeMode mode);

  CartridgeIdentity identity() const;
  bool writable() const;

  // Partitions (cartridge_partitions.cc). All motion, reading, writing, erasing and cut_off_files() keep to
  // the partition where the position is; that is 0 after opening. Attributes and capacities are asked for by
  // number; everything else is of the whole cartridge.
  std::uint8_t partitions() const;
  // Why partition 1 of a cartridge that has one cannot be reached (find_second()). Nothing is written to such
  // a cartridge until it is formatted: its key areas are all that opens what is there.
  const std::optional<Error>& lost_partition() const;
  // To the beginning of that partition, once what was written in the one before is synced. The keys that were
  // set stay set. kInvalidArgument for one that the cartridge does not have, kCorrupt for a lost one, kIo.
  Status change_partition(std::uint8_t partition);
  // At the beginning, and no other partition holds anything: a write there settles how the cartridge is
  // encrypted.
  bool begins_cartridge() const;
  // FORMAT MEDIUM: the cartridge is empty then and has the partitions asked for; its identity, attributes of
  // partition 0 and sessions' numbers go on. A power loss leaves the old layout or the new one. Keys that
  // were set are let go. kPermissionDenied (WORM, read only), kInvalidArgument when the sizes are none,
  // kConflict when another file has the name of the second; after an error open the cartridge again.
  Status format(const PartitionSizes& sizes);
  // Volume change reference (SPC-4, attribute 0009h): another number whenever something was written since it
  // was last told or the cartridge opened; FFFFFFFFh when there are no more.
  std::uint32_t volume_change_reference() const;
  void volume_change_told();

  // Changes who manages the key, and the default compression. Durable when it returns.
  Status set_management(KeyManagement management);
  Status set_compression_level(std::uint8_t level);

  // Cartridge memory. Changes are durable when they return; on WORM media too. An empty value removes the
  // attribute. kExhausted when they do not fit.
  // REQUIRES: the partition is there and not lost.
  const AttributeMap& attributes(std::uint8_t partition = 0) const;
  Status set_attributes(const AttributeMap& changes, std::uint8_t partition = 0);
  // Adds one to the load count; for a drive that loads the cartridge.
  Status count_load();

  // Key areas. set_key_info() writes all four copies; after a power loss either the old or the new content is
  // there. Also on WORM (rekey).
  const KeyInfoReport& key_info() const;
  Status set_key_info(const KeyInfo& info);
  // Rewrites every copy from the newest readable one, or from `content` (from the ledger) when all are lost
  // or a better one is known. kNotFound when there is nothing to repair from.
  Status repair_key_info(const KeyInfo* content = nullptr);

  SessionKeys session_keys() const;
  // Numbers of the tape files whose writing was cut off, ascending: the last one when it has blocks and,
  // when the cartridge was opened, neither a filemark, an unload nor an erase had ended it, or since then its
  // session was left broken; and those that a session says it found so. What cannot be read for damage counts
  // for none.
  std::vector<std::uint64_t> cut_off_files() const;

  Position position() const;
  bool at_beginning() const;
  bool at_end_of_data() const;
  Position end_of_data() const;

  // The key for reading; none: encrypted records give kWrongKey (kKeyMissing). Each record's session names
  // its key by check value, so the wrong key is told before anything is decrypted.
  void set_read_key(DataKeyHandle key);
  // What the next read_record() will meet, without reading it. kCorrupt.
  Result<NextBlock> next_block();
  // The next object, in `into` when that is large enough, else in a buffer of the cartridge. At end of data:
  // kEndOfData, and the position stays. Errors: kWrongKey (position stays), kCorrupt naming offset and object
  // (the position moves past the record when its header is good, else it stays), kIo.
  Result<RecordView> read_record(MutableByteView into = {});
  // Opens the next object, when that is a record of moderate size, into memory, so that the next
  // read_record() needs neither the disk nor the cipher. Nothing else changes. It is given up, and
  // overwritten, by whatever moves the position or changes the key, the same key set again included; errors
  // are left to read_record().
  void read_ahead();
  bool has_read_ahead() const;
  void forget_read_ahead();
  // The next object as it lies on the cartridge, without any key: of an encrypted data record its header, its
  // sealed bytes and its tag (docs/formats/cartridge.md, "Raw records"), checked for accidental damage only.
  // Any other object as read_record() gives it. Whether that is allowed (raw_read_blocked) is the caller's to
  // look at. Errors as read_record(), without kWrongKey.
  Result<RecordView> read_raw_record(MutableByteView into = {});

  // Chooses how the next write is done; the session record itself is written by that write. A running session
  // ends. kInvalidArgument.
  Status set_write_session(SessionSpec spec);
  // Lets go of every key, for reading and for writing, whatever state the cartridge is in; a running session
  // ends. What is written without another set_write_session() is clear.
  void forget_keys(Leaving how);
  // Writes one record at the position; everything after it vanishes. Not durable before sync() or a filemark.
  // kInvalidArgument (empty, or beyond kMaxRecordBytes), kExhausted, kPermissionDenied, kIo.
  Status write_record(ByteView data);
  // Whether so many records of so many bytes in all, written now, go on with the running session and come to
  // neither a warning nor the end of the medium: then only the disk can make write_record() fail.
  bool writes_on(std::uint64_t records, std::uint64_t bytes) const;
  // `immediate` leaves the sync mark out. Zero filemarks only sync.
  Status write_filemarks(std::uint32_t count, bool immediate = false);
  // Writes everything out and sets a sync mark. Nothing to do when nothing was written since the last one.
  Status sync();
  // Everything from the position on vanishes, as if it had never been written; at the beginning the key areas
  // are emptied too. Durable when it returns.
  Status erase_from_here();

  // Motion. It writes out what is buffered, but sets no sync mark: a device server that must (REWIND) calls
  // sync() first.
  Status rewind();
  Status to_end_of_data();
  // To the object of that number. Beyond the end: stops there, kNotFound.
  Status locate(std::uint64_t logical_object);
  // To just after filemark number `file_number` - 1, the beginning of that file. kNotFound beyond the last.
  Status locate_file(std::uint64_t file_number);
  // SPACE by blocks: stops after a filemark going forward, before it going back.
  Result<Motion> space_records(std::int64_t count);
  // SPACE by filemarks: forward ends after the last one counted, back ends before it.
  Result<Motion> space_filemarks(std::int64_t count);
  // SPACE by sequential filemarks: to the first place where that many follow each other; forward ends after
  // the last of them, back before it. Without one: end of data or beginning of tape, `moved` 0.
  Result<Motion> space_sequential_filemarks(std::int64_t count);

  CapacityState capacity() const;
  // Of that partition, at its end of data when the position is in another one. REQUIRES: as attributes().
  CapacityState capacity(std::uint8_t partition) const;
  // Size of the programmable early warning zone before the early warning; 0: none.
  void set_programmable_early_warning(std::uint64_t bytes);
  CartridgeStats stats() const;

  // Ends the session with an end-of-data record and the index, sets a sync mark in both superblocks, and
  // brings the cartridge memory's counters along. Only destruction is allowed afterwards. Without it nothing
  // that was synced is lost; the next open scans instead of reading the index.
  Status unload();

  void set_seal_observer(SealObserver observer);

 private:
  struct State;
  explicit Cartridge(std::unique_ptr<State> state);
  static Result<std::unique_ptr<State>> open_state(Env env, const std::string& path, CartridgeMode mode,
                                                   std::unique_ptr<File> lock);
  Status open_second();
  State& first() const;
  State* of_partition(std::uint8_t partition) const;  // nullptr for a lost one

  std::unique_ptr<State> state_;  // where the position is
  std::unique_ptr<State> other_;  // of the other partition
  std::optional<Error> lost_;
};

}  // namespace tapewarden::tape
