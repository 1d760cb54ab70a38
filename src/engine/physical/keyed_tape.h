// A loaded tape as a sink and source of blocks, with the key brought whenever the drive's sense asks for one:
// the command that met the lack is run again, and whoever writes or reads blocks knows nothing of it. Belongs
// to the drive's worker; everything that it is made of outlives it.
//
// Invariants
//  1. A command is run again only after it ended with sense by which it did and moved nothing: a key was
//     asked for, or the refusal of an exchange before was told (07/74/61 to 6F, told once).
//  2. For one command a key is brought once.
//  3. A drive that was found fit for the mount and then refuses a block for its encryption (07/74/xx, no key
//     concerned) is not at fault when the cartridge was begun before: what lies there does not go together.
//     The first cartridge that it refuses to begin is the drive's fault, as is the second begun one that it
//     refuses in a row (PhysicalDrive::note_block_refused()).
#pragma once

#include "engine/meter.h"
#include "engine/physical/drive_keys.h"
#include "engine/physical/mount_trace.h"
#include "engine/physical/physical_drive.h"
#include "engine/stack/stack_reader.h"
#include "engine/stack/stack_writer.h"

namespace tapewarden::engine {

// The step numbers of the overview by which an exchange is told.
struct KeySteps {
  std::string asked{};      // the drive asks for a key
  std::string exchanged{};  // engine and key server talk
  std::string given{};      // the key is in the drive
  std::string resumed{};    // the command goes on
};

class KeyedTape final : public BlockSink, public BlockSource {
 public:
  KeyedTape(PhysicalDrive& drive, DriveKeys& keys, MountTrace& trace, std::string barcode, Meter& meter)
      : drive_(drive), keys_(keys), trace_(trace), barcode_(std::move(barcode)), meter_(meter) {}

  void use_steps(KeySteps steps) { steps_ = std::move(steps); }
  // The cartridge is written from its beginning in this mount.
  void begins() { begins_ = true; }
  // What is done next, for error texts: "tape file 3 of A00001L9".
  void name_place(std::string place) { place_ = std::move(place); }

  Result<SinkRoom> write_block(ByteView block) override;
  Result<SinkRoom> write_filemark() override;
  Result<SourceBlock> read_block() override;
  // New EEDKs for the data key of the cartridge, asked of the drive and brought to it: they are on the
  // cartridge when this returns. After an error the old or the new ones are. REQUIRES: the tape stands at its
  // beginning.
  Status rekey(const std::vector<scsi::KeyLabel>& labels);
  // To the beginning of a tape file. kNotFound with kIdentity when the tape does not have that many.
  Status locate_file(std::uint32_t file);

 private:
  template <typename Operation>
  auto with_key(const std::string& doing, Operation operation)
      -> Result<typename decltype(operation())::value_type>;
  Status bring_key(bool is_new);
  void count_exchange(bool is_new, const Result<KeyNames>& answer);
  std::unexpected<Error> failed(const std::string& doing, const tape::TapeError& error);
  // Of a command that reads or writes a block.
  std::unexpected<Error> failed_at_block(const std::string& doing, const tape::TapeError& error);
  // Of the key servers; a drive that they refuse is offline then.
  std::unexpected<Error> refused(const std::string& doing, const Error& error);

  PhysicalDrive& drive_;
  DriveKeys& keys_;
  MountTrace& trace_;
  const std::string barcode_;
  Meter& meter_;
  KeySteps steps_{};
  std::string place_{};
  bool begins_ = false;
};

}  // namespace tapewarden::engine
