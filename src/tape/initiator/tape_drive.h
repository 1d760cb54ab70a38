// One typed tape API over any drive: virtual ones in this process, real ones through SG_IO or iSCSI. The
// engine and the host command use nothing else, so they cannot tell the drives apart.
//
// One user at a time. The transport outlives it. Nothing is retried here: a unit attention means that the
// drive's state may not be what the caller believes, so it is the caller's to look.
#pragma once

#include <optional>
#include <vector>

#include "crypto/secret_bytes.h"
#include "scsi/cdb.h"
#include "scsi/encryption_capabilities.h"
#include "scsi/encryption_status.h"
#include "scsi/inquiry.h"
#include "scsi/key_path_pages.h"
#include "scsi/log_page.h"
#include "scsi/medium_attribute.h"
#include "scsi/mode.h"
#include "scsi/position.h"
#include "scsi/set_data_encryption.h"
#include "scsi/tape_cdb.h"
#include "tape/initiator/tape_error.h"
#include "tape/initiator/transport.h"

namespace tapewarden::tape {

struct ReadOutcome {
  enum class Kind : std::uint8_t { kBlock, kFilemark, kEndOfData };
  Kind kind = Kind::kBlock;
  Bytes data{};                 // one block, or whole blocks of the fixed length
  std::size_t block_bytes = 0;  // variable: the block's own length, larger than data when it did not fit
  // Fixed: the last block in `data` had another length than asked for.
  bool incorrect_length = false;
};

struct WriteOutcome {
  bool early_warning = false;  // everything was written, and the end is near
};

struct SpaceOutcome {
  enum class Stop : std::uint8_t { kDone, kFilemark, kEndOfData, kBeginningOfTape };
  Stop stop = Stop::kDone;
  std::uint64_t moved = 0;  // of what was counted
};

// A persistent reservation, and the key under which its holder is registered.
struct PersistentHold {
  std::uint64_t key = 0;  // 0 when every registrant is a holder
  std::uint8_t type = 0;  // SPC-4 table 67
};

struct Timeouts {
  std::chrono::milliseconds quick{30'000};
  std::chrono::milliseconds data{300'000};
  std::chrono::milliseconds motion{1'800'000};  // rewind, space, locate, load
  std::chrono::milliseconds erase{43'200'000};
};

class TapeDrive {
 public:
  explicit TapeDrive(Transport& transport, Timeouts timeouts = {})
      : transport_(transport), timeouts_(timeouts) {}

  // Readiness.
  TapeStatus test_ready();
  // Unit attentions that are pending now, oldest first; they are told no more.
  TapeResult<std::vector<scsi::SenseCode>> drain_attentions();
  TapeStatus load();
  TapeStatus unload();
  TapeStatus prevent_removal(bool prevent);
  TapeStatus reserve();
  TapeStatus release();

  // Persistent reservations (SPC-4 section 5.13). A registration belongs to the way from initiator to drive:
  // all programs that use the kernel's way have one together.
  // From `existing` (0: none) to `key` (0: unregisters, which ends what this one reserves). kReserved when
  // `existing` is not what the drive has.
  TapeStatus register_key(std::uint64_t existing, std::uint64_t key);
  TapeStatus register_whatever_there_was(std::uint64_t key);
  // Nobody else reads, writes or moves (exclusive access). REQUIRES: registered with `key`.
  TapeStatus reserve_exclusively(std::uint64_t key);
  // The registration and the reservation of `whom` end; the drive is then reserved exclusively for `key`.
  TapeStatus preempt(std::uint64_t key, std::uint64_t whom);
  TapeResult<std::vector<std::uint64_t>> registered_keys();
  TapeResult<std::optional<PersistentHold>> persistent_hold();

  // Who it is.
  TapeResult<scsi::StandardInquiry> inquiry();
  TapeResult<std::string> serial_number();
  TapeResult<std::vector<scsi::Designator>> designators();
  TapeResult<scsi::BlockLimits> block_limits();

  // Data. Lengths in bytes, below 2^24 a command.
  TapeResult<ReadOutcome> read_block(std::size_t limit);
  TapeResult<WriteOutcome> write_block(ByteView block);
  // With the block length of set_block_length(). REQUIRES: it is not 0; data.size() is a multiple of it.
  TapeResult<ReadOutcome> read_fixed(std::uint32_t blocks, std::uint32_t block_length);
  TapeResult<WriteOutcome> write_fixed(ByteView data, std::uint32_t block_length);
  TapeResult<WriteOutcome> write_filemarks(std::uint32_t count, bool immediate = false);
  TapeStatus sync();   // everything written is on stable storage
  TapeStatus erase();  // from here to the end of the partition
  // FORMAT MEDIUM (SSC-4 section 7.1) at the beginning of partition 0: everything on the cartridge is gone.
  // One partition, or those that the medium partition page asks for.
  enum class Layout : std::uint8_t { kOnePartition = 0, kAsPageSays = 2 };
  TapeStatus format(Layout layout);
  // Asks for two partitions at the next format, of so many units of 10^`power` bytes; 65,535: the rest.
  TapeStatus ask_for_partitions(std::uint16_t first, std::uint16_t second, std::uint8_t power);

  // Motion and position.
  TapeStatus rewind();
  TapeResult<SpaceOutcome> space_blocks(std::int64_t count);
  TapeResult<SpaceOutcome> space_filemarks(std::int64_t count);
  TapeStatus to_end_of_data();
  TapeStatus locate(std::uint64_t logical_object);  // kEndOfData beyond the end
  // The same in that partition; kIllegalRequest for one that the cartridge does not have.
  TapeStatus locate_in(std::uint8_t partition, std::uint64_t logical_object);
  TapeStatus locate_file(std::uint64_t file_number);
  TapeResult<scsi::PositionData> position();  // long form

  // Parameters.
  TapeResult<scsi::ModeParameters> mode_sense(std::uint8_t page);
  TapeStatus mode_select(const scsi::ModeParameters& parameters);
  TapeStatus set_block_length(std::uint32_t bytes);  // 0: variable
  TapeStatus set_compression(bool enabled);
  TapeResult<scsi::EncryptionMethod> encryption_method();
  TapeResult<scsi::LogPage> log_page(std::uint8_t code);
  TapeResult<std::vector<scsi::MediumAttribute>> attributes(std::uint16_t first = 0,
                                                            std::uint8_t partition = 0);
  // An empty value removes it.
  TapeStatus set_attribute(const scsi::MediumAttribute& attribute, std::uint8_t partition = 0);

  // Security protocols. spin() gives what came, at most `limit` bytes.
  TapeResult<Bytes> spin(std::uint8_t protocol, std::uint16_t page, std::uint32_t limit);
  TapeStatus spout(std::uint8_t protocol, std::uint16_t page, ByteView parameters);

  // Tape data encryption (protocol 20h).
  TapeResult<scsi::EncryptionCapabilities> encryption_capabilities();
  TapeResult<scsi::EncryptionStatus> encryption_status();
  TapeResult<scsi::NextBlockStatus> next_block_status();
  TapeResult<std::vector<scsi::KeyFormat>> key_formats();
  TapeResult<scsi::EncryptionManagement> encryption_management();
  TapeResult<scsi::WrappingKeyPage> wrapping_key();
  TapeResult<Bytes> certificate();  // DER; empty: none
  // kEncryptionRefused without asking the drive when a plain key would leave the local bus and
  // `allow_remote_plain_key` is not set. The parameter list lives in secure memory.
  TapeStatus set_encryption(const scsi::SetDataEncryption& page, bool allow_remote_plain_key = false);

  // Key path (protocol F0h).
  TapeResult<scsi::KeyRequestPage> key_request();
  TapeResult<scsi::KeyPathStatusPage> key_path_status();
  TapeResult<scsi::WritePolicyPage> write_policy();
  TapeStatus set_write_policy(const scsi::WritePolicyPage& policy);
  TapeStatus ask_for_rekey(const scsi::RekeyPage& page);
  TapeStatus send_challenge(const scsi::ChallengePage& challenge);
  TapeResult<scsi::ExchangeMessagePage> signed_request();
  TapeStatus send_answer(const scsi::ExchangeMessagePage& answer);
  TapeStatus send_refusal(const scsi::RefusalPage& refusal);

 private:
  TapeResult<TransportAnswer> run(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                  std::chrono::milliseconds timeout);
  TapeStatus plain(ByteView cdb, std::chrono::milliseconds timeout);
  TapeResult<Bytes> fetch(ByteView cdb, std::size_t limit);
  TapeResult<Bytes> vpd_content(std::uint8_t page);
  TapeResult<SpaceOutcome> space(scsi::SpaceCode code, std::int64_t count);
  TapeResult<WriteOutcome> write(ByteView cdb, ByteView data);
  TapeStatus persistent_out(scsi::ReservationAction action, std::uint64_t key, std::uint64_t service_key);
  TapeResult<Bytes> persistent_in(scsi::ReservationReport report);

  Transport& transport_;
  Timeouts timeouts_;
};

}  // namespace tapewarden::tape
