// A drive that can be read and written, and how it comes by its keys: a virtual one in this process
// (DriveBench), or one of this host or the network (HostTape).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keyproxy/key_proxy.h"
#include "tape/initiator/tape_drive.h"

namespace tapewarden::cli {

class KeyedDrive {
 public:
  virtual ~KeyedDrive() = default;
  virtual tape::TapeDrive& tape() = 0;
  // Bytes that one READ may ask for, as far as the way to the drive carries them.
  virtual std::size_t read_limit() const = 0;
  // The host gives the key beforehand (SECURITY PROTOCOL OUT); otherwise the drive asks for it itself.
  virtual bool set_by_host() const = 0;
  // Who brings the keys by himself ("the library"), so that there is nothing to do for them here; empty:
  // nobody.
  virtual std::string keys_brought_by() { return {}; }
  // The exchange that gives the drive its key, and its confirmation when the drive has written with it.
  virtual Result<keyproxy::Served> bring_key(keyproxy::HostIntent intent, const std::string& group) = 0;
  virtual Status confirm() = 0;
  virtual Status clear_key() = 0;
  // Tape files whose writing was interrupted. No SCSI command tells of them: none when only SCSI commands
  // reach the cartridge, and then nobody may take a tape file for whole.
  virtual std::optional<std::vector<std::uint64_t>> cut_off_files() { return std::nullopt; }
};

}  // namespace tapewarden::cli
