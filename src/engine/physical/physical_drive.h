// A drive behind the engine: who it is, whether it can be used and for what, and the typed commands to it.
//
// Thread-safe: status() and take_offline(). Everything else belongs to the drive's worker. The transport
// outlives it.
//
//   offline --probe()--> idle --note_mounted()--> mounted --note_empty()--> idle
//   any --take_offline(), note_refused(), note_block_refused(), failed()--> offline
//
// Who brings one that is offline back: itself where `asked_again` or `refused` says so, else an operator.
#pragma once

#include <optional>

#include "base/thread_annotations.h"
#include "engine/physical/mount_fault.h"
#include "tape/initiator/tape_drive.h"

namespace tapewarden::engine {

// How a cartridge is written, or was.
enum class TapeEncryption : std::uint8_t { kClear, kWrapped, kIdentified };
std::string_view to_string(TapeEncryption encryption);

struct PhysicalDriveFacts {
  std::string vendor{};
  std::string product{};
  std::string revision{};
  scsi::EncryptionMethod management = scsi::EncryptionMethod::kNone;
  bool key_path = false;  // it tells of its key exchange by the pages of the key path
  // The method by which it encrypts through the key path.
  TapeEncryption method = TapeEncryption::kClear;
  bool operator==(const PhysicalDriveFacts&) const = default;
};

struct PhysicalDriveStatus {
  enum class State : std::uint8_t { kOffline, kIdle, kMounted };
  State state = State::kOffline;
  std::string reason{};   // why it is offline
  std::string barcode{};  // of the cartridge in it
  // The key servers refused the drive, and none has given it a key since. Offline for that, or online again
  // to be tried.
  bool refused = false;
  bool switched_off = false;  // offline because it said so
  // Offline because it did not answer, over a connection that broke, say, or is switched off: whoever has the
  // way to it asks it again from time to time, over a new connection.
  bool asked_again = false;
  // How often in a row it broke at work so that it is asked again, with no mount in between from which its
  // cartridge came back well. What an operator does begins anew.
  unsigned breaks = 0;
  PhysicalDriveFacts facts{};
  // Feature row T9: it encrypts, and its keys are brought by the engine.
  bool can_encrypt() const;
};

class PhysicalDrive {
 public:
  // Offline until probe().
  PhysicalDrive(std::string serial, tape::Transport& transport);

  const std::string& serial() const { return serial_; }
  std::string name() const { return "drive " + serial_; }
  tape::TapeDrive& tape() { return tape_; }
  PhysicalDriveStatus status() const TW_EXCLUDES(mutex_);
  bool can_encrypt() const { return status().can_encrypt(); }

  // Asks the drive who it is and how its encryption is set up; takes it online, or offline with the reason,
  // which the error says too.
  Status probe() TW_EXCLUDES(mutex_);
  // T9, before a cartridge is encrypted: asks the drive anew how it is set up, and takes it offline when its
  // keys are not the engine's to bring. kConfiguration; also, and the drive stays online, when it encrypts by
  // another method than `wanted`. REQUIRES: wanted is not kClear.
  Status require(TapeEncryption wanted) TW_EXCLUDES(mutex_);
  void take_offline(const std::string& reason) TW_EXCLUDES(mutex_);
  // Its cartridge could not be put away, by an error of TapeStation::demount(): it is offline, with what
  // failed() said where the drive is at fault. Where the library did not answer it is asked again.
  void note_stuck(const Error& error) TW_EXCLUDES(mutex_);
  // The key servers give this drive no key, whatever the cartridge: it goes offline with what they said.
  void note_refused(const Error& error) TW_EXCLUDES(mutex_);
  void note_served() TW_EXCLUDES(mutex_);
  // It refused a block of this begun cartridge for its encryption, with no key concerned. Which of the two is
  // at fault one cartridge does not tell: false. For the second one in a row it is the drive, which is
  // offline then. A mount in which a key was given and no block was refused ends the row, as does an
  // operator's probe.
  bool note_block_refused(const std::string& barcode, const std::string& why) TW_EXCLUDES(mutex_);
  void forget_breaks() TW_EXCLUDES(mutex_);
  void note_mounted(const std::string& barcode) TW_EXCLUDES(mutex_);
  void note_empty() TW_EXCLUDES(mutex_);

  // The command's error as a mount's; a drive that is at fault is offline then. After a hardware error it
  // waits for an operator.
  std::unexpected<Error> failed(const std::string& doing, const tape::TapeError& error) TW_EXCLUDES(mutex_);

 private:
  std::unexpected<Error> not_asked(const std::string& doing, const tape::TapeError& error)
      TW_EXCLUDES(mutex_);
  tape::TapeResult<PhysicalDriveFacts> ask();
  tape::TapeStatus ask_encryption(PhysicalDriveFacts& facts);
  std::unexpected<Error> unusable(const std::string& reason, std::string field, std::string remedy)
      TW_EXCLUDES(mutex_);

  const std::string serial_;
  tape::TapeDrive tape_;
  mutable Mutex mutex_;
  PhysicalDriveStatus status_ TW_GUARDED_BY(mutex_);
  std::string refused_block_of_ TW_GUARDED_BY(mutex_);  // barcode; empty: of none since
  bool served_ TW_GUARDED_BY(mutex_) = false;           // in this mount
  bool refused_block_ TW_GUARDED_BY(mutex_) = false;    // in this mount
  bool goes_well_ TW_GUARDED_BY(mutex_) = false;        // this mount, as yet
};

}  // namespace tapewarden::engine
