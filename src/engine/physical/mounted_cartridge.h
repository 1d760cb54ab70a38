// A cartridge in a drive, ready to be written or read: images go on and come off tape file by tape file.
// Made by a TapeStation, which outlives it, as does the trace. Belongs to the drive's worker. Its end puts
// nothing away: demount() does.
//
// Invariants
//  1. next_file() is the number of the first tape file that holds nothing: an image counts when
//     finish_image() has given it, its filemark synced.
//  2. A new image begins where tape file next_file() begins, whatever was abandoned or read meanwhile.
//
// Errors carry a MountFault. After one of writing the image that was open is only abandoned.
#pragma once

#include <optional>

#include "engine/physical/held_labels.h"
#include "engine/physical/keyed_tape.h"

namespace tapewarden::engine {

class TapeStation;
struct DemountOutcome;

// New EEDKs are on a cartridge.
struct RekeyOutcome {
  // The label was not read by them: the key servers that were asked have no KEK of theirs, or none was
  // reached. The cartridge has the new ones all the same.
  std::optional<Error> unproven{};
};

// An image that is whole on the cartridge.
struct WrittenImage {
  std::uint32_t file = 0;
  std::uint64_t block = 0;  // logical object number of its header
  std::uint64_t bytes = 0;  // on tape, header and trailer included
  ImageTrailer trailer{};
  bool early_warning = false;  // the end is near: no image of a logical volume fits behind it
};

class MountedCartridge {
 public:
  const CartridgeLabel& label() const { return label_; }
  TapeEncryption encryption() const { return encryption_; }
  std::uint32_t next_file() const { return next_file_; }

  // Writing. REQUIRES: mounted for it.
  // Begins an image; engine, barcode, medium and file of its identity are filled in. kCartridgeFull as
  // append().
  Result<ImageFit> begin_image(ImageHeader header, StackWriter::Hash by = StackWriter::Hash::kWriter);
  // kCartridgeFull: the image does not fit, or would take the room kept for a backup of the catalogue:
  // abandon it, and write it anew on the next cartridge.
  Result<ImageFit> append(ByteView data);
  // The image, synced on the cartridge; nothing when it does not fit. kInvalidArgument when bytes are missing
  // and it is not ended as void.
  Result<std::optional<WrittenImage>> finish_image(StackWriter::Ending ending);
  void abandon_image() { writer_.abandon(); }
  // What the drive says is left, uncompressed; nothing when it does not tell.
  Result<std::optional<std::uint64_t>> remaining_bytes();

  // Reading.
  // Opens the image in a tape file. kIdentity when something else stands there.
  Result<ImageHeader> open_image(std::uint32_t file);
  // The next bytes of it; nothing when all have come and are the ones that were written. Errors as
  // StackReader::next(): what came before one is not to be used.
  Result<std::optional<ByteView>> read_image();
  const ImageTrailer& trailer() const { return reader_.trailer(); }
  // The trailer of a tape file without its data; for putting a catalogue together again.
  Result<ImageTrailer> read_trailer(std::uint32_t file);

  // The alias of the data key that the cartridge names, as the key servers write it
  // (eedk/data_key_identifier.h); in hexadecimal what stands there of another system. Empty for one that
  // names no key, and where the drive does not tell.
  Result<std::string> held_alias();

  // Row K9 (mounted_cartridge_rekey.cc).
  // By which labels the data key can be had, as the cartridge itself says. Clear for one that has no EEDKs.
  Result<HeldLabels> held_labels();
  // New EEDKs for one or two labels: the data and its key stay. When it returns the cartridge has them; then
  // its label was read by them, or `unproven` says why not. After an error it has the old or the new ones:
  // held_labels() tells. REQUIRES: mounted for reading, encrypted by the wrapped-key method.
  Result<RekeyOutcome> rekey(const std::vector<scsi::KeyLabel>& labels);

  // Ends the mount. REQUIRES: nothing is used of this any more.
  Result<DemountOutcome> demount();

 private:
  friend class TapeStation;
  MountedCartridge(TapeStation& station, PhysicalDrive& drive, DriveKeys& keys, MountTrace& trace,
                   const std::string& barcode, std::uint64_t reserve_bytes, Meter& meter);

  Status begin_label(const CartridgeLabel& label);
  Status read_label();
  // To where the next image begins.
  Status to_append_point();
  Status to_beginning();
  Status prove_label();
  // What the drive calls the end of the tape may be that of the disk under a virtual cartridge.
  Result<ImageFit> judged_full(ImageFit fit) const;
  Result<ImageFit> room_left();
  std::string place(std::uint32_t file) const;

  TapeStation& station_;
  PhysicalDrive& drive_;
  MountTrace& trace_;
  const std::string barcode_;
  const std::uint64_t reserve_bytes_;
  KeyedTape tape_;
  StackWriter writer_;
  StackReader reader_;
  CartridgeLabel label_{};
  TapeEncryption encryption_ = TapeEncryption::kClear;
  std::uint32_t next_file_ = 1;
  std::uint64_t image_block_ = 0;
  std::uint64_t bytes_since_check_ = 0;
};

}  // namespace tapewarden::engine
