// The daemon's log for operators, to standard error (systemd keeps it). Never a secret, and text from outside
// is escaped. Thread-safe.
#pragma once

#include <string_view>

#include "base/error.h"

namespace tapewarden::apps {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// kInvalidArgument for another word than debug, info, warning, error.
Status set_log_level(std::string_view level);
void log(LogLevel level, std::string_view text);

}  // namespace tapewarden::apps
