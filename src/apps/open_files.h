// How many files and connections this process may have open at once: the limit that a shell or systemd gives
// a program unasked (1024) is lower than what the server's own limits on connections allow, and who meets it
// is not refused in order: the keystore then cannot open its files either. Called at the start, by one
// thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace tapewarden::apps {

struct OpenFilesNeeded {
  std::uint64_t at_least = 0;  // fewer: not started
  std::uint64_t all = 0;       // as many connections as the program would ever let in
  std::string field, remedy;   // of the configuration, for at_least
};

// Raises the soft limit to `needed.all`, or as far as the hard limit lets it. What the operator is to be
// told, empty: nothing. kExhausted: the hard limit is below `needed.at_least`; nothing was changed then.
Result<std::string> allow_open_files(const OpenFilesNeeded& needed);

}  // namespace tapewarden::apps
