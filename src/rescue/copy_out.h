// The content of a cartridge as ordinary files: what stands between two filemarks becomes one.
//
//   DIR/VOLSER-0001.bin      the blocks of the first tape file, one after the other
//   DIR/VOLSER-0001.damaged  the same, when a block in it could not be read, or its writing was cut off: the
//                            others are there
//   DIR/VOLSER.txt           for each file its blocks with their sizes, and what could not be read
//
// One thread.
#pragma once

#include <functional>

#include "rescue/key_wanted.h"

namespace tapewarden::rescue {

struct CopyReport {
  std::uint64_t files = 0;
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> faults;  // at most kMaximumFaults, then the copy ends
  bool ended_early = false;         // the tape could not be followed to its end
  std::vector<std::string> written;
};

inline constexpr std::size_t kMaximumFaults = 1000;

struct CopyOptions {
  std::string directory;  // made when missing; a file of the same name is never overwritten
  std::vector<FoundKey> keys;
  std::function<void(std::uint64_t bytes)> progress;
};

// kAlreadyExists, kIo; kCorrupt when the cartridge bears a name that is no volser. What the tape lacks stands
// in the report; kWrongKey when none of the keys fits the first encrypted block.
Result<CopyReport> copy_out(Env env, tape::Cartridge& cartridge, const CopyOptions& options);

}  // namespace tapewarden::rescue
