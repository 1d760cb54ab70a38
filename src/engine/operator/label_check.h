// Whether the key servers know what an operator names. Over the drive key exchange in the daemon, a fake in
// tests. Implementations are thread-safe; a call may wait for the network.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace tapewarden::engine {

class KeyNameCheck {
 public:
  virtual ~KeyNameCheck() = default;
  // Of labels that one cartridge is to be written with: what an operator should know of them, as that a key
  // server cannot read back; mostly nothing. kNotFound naming the label and the key server that does not know
  // it; kUnavailable when no key server can be asked.
  virtual Result<std::vector<std::string>> check_labels(const std::vector<std::string>& labels) = 0;
  // The same for a key group: that a write takes a key of it now, or waits for one that comes by itself,
  // which is told.
  virtual Result<std::vector<std::string>> check_group(const std::string& name) = 0;
};

}  // namespace tapewarden::engine
