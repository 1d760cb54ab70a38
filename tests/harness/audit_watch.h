// The audit record of a server, as it grows during a test. Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "harness/rest_client.h"

namespace tapewarden::testing {

class AuditWatch {
 public:
  // What is there already does not count.
  static Result<AuditWatch> begin(RestClient& rest);

  // The records since the start or the last call, as text, oldest first.
  Result<std::vector<std::string>> fresh();
  // Whether one of the records since the last call holds all of these texts. `last_seen` gets them all.
  Result<bool> saw(const std::vector<std::string>& texts);
  const std::vector<std::string>& last_seen() const { return last_seen_; }

 private:
  explicit AuditWatch(RestClient& rest) : rest_(&rest) {}

  RestClient* rest_;
  std::int64_t line_ = 0;
  std::vector<std::string> last_seen_;
};

}  // namespace tapewarden::testing
