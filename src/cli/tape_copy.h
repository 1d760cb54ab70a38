// Data between a file descriptor and the cartridge in a drive, virtual or real: what `tapewarden tape write`
// and `read` do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/keyed_drive.h"

namespace tapewarden::cli {

inline constexpr std::size_t kDefaultBlockBytes = 256U << 10;

// Called now and then with the bytes copied so far.
using CopyProgress = std::function<void(std::uint64_t bytes)>;

struct TapeWriteOptions {
  bool append = false;
  // Asked once, before anything is changed, when a write from the beginning would overwrite data; empty: no.
  std::function<bool()> may_overwrite;
  bool clear = false;                  // write without encryption
  std::string group;                   // identified-key method; empty: the key server chooses
  std::vector<scsi::KeyLabel> labels;  // wrapped-key method; empty: the key server chooses
  std::size_t block_bytes = kDefaultBlockBytes;
  bool compression = true;
};

// What is known of the end of a tape file.
enum class FileEnd : std::uint8_t {
  kWhole,       // with its filemark; the cartridge tells of no cut
  kCutOff,      // its writing was interrupted: it is less than was to be written
  kFilemark,    // there is a filemark; whether the blocks before it are all, nobody tells
  kNoFilemark,  // the data ends without one; no cut is told of, but an unload ends also what a host left
};

struct CopyReport {
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;
  std::uint64_t file_number = 0;  // of the tape file written or read
  bool encrypted = false;
  keyproxy::Served served;        // meaningful when encrypted, unless somebody else brought the key
  std::string brought_by;         // who did: "the library"; empty: nobody
  FileEnd end = FileEnd::kWhole;  // read: of this tape file
  // Written: the tape file before it had no filemark, cut off or not, and was ended by one first.
  std::optional<std::uint64_t> ended_before;
};

// Everything from `input` up to its end as one tape file, ended by a filemark that is on stable storage when
// this returns, the key confirmed to the server. An append never goes on in a tape file: one without a
// filemark is ended by one first. kAlreadyExists when
// there is data that is not to be overwritten. REQUIRES: a cartridge is inserted.
Result<CopyReport> write_tape(KeyedDrive& bench, int input, const TapeWriteOptions& options,
                              const CopyProgress& progress);

// Tape file `file_number` (0 is the first) to `output`. kNotFound when the tape has fewer files. A block that
// cannot be read is named in the error; what came before it is written.
Result<CopyReport> read_tape(KeyedDrive& bench, int output, std::uint64_t file_number,
                             const CopyProgress& progress);

enum class Sealing : std::uint8_t { kClear, kEncrypted, kNotTold };
struct TapeFile {
  std::uint64_t number = 0;
  std::uint64_t blocks = 0;
  Sealing sealing = Sealing::kNotTold;  // of its first block
  FileEnd end = FileEnd::kWhole;
  std::uint8_t partition = 0;  // `number` counts from 0 in each
};
// The files of the tape, in every partition that it has, without any key: their data is not read, but for a
// first block of which the drive tells nothing before, when it takes its key from the host: another would ask
// for it.
Result<std::vector<TapeFile>> list_tape(KeyedDrive& bench);

}  // namespace tapewarden::cli
