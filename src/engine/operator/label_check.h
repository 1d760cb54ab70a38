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
  // kNotFound naming the label and the key server that does not know it; kUnavailable when no key server can
  // be asked.
  virtual Status check_labels(const std::vector<std::string>& labels) = 0;
  // The same for a key group from which a write can take a key.
  virtual Status check_group(const std::string& name) = 0;
};

}  // namespace tapewarden::engine
