// What was ever sealed on a cartridge, looked at from outside after each death of its writer: no (record key,
// IV) pair may be seen with two contents. A record key belongs to one salt of one session. One thread.
#pragma once

#include <map>
#include <string>

#include "base/error.h"
#include "crypto/hash.h"
#include "tape/medium/data_key.h"

namespace tapewarden::testing {

class SealWatch {
 public:
  // Takes note of every record of the cartridge file, also behind its sync mark, and of one that was torn.
  // kCorrupt when a pair came again with another content.
  Status look(const std::string& path);
  std::size_t pairs() const { return seen_.size(); }

 private:
  Status note(const tape::SessionSalt& salt, std::uint64_t counter, const Hash256& content);
  std::map<std::pair<tape::SessionSalt, std::uint64_t>, Hash256> seen_;
};

}  // namespace tapewarden::testing
