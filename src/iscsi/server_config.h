// Checks of a server's configuration. Pure, thread-safe.
#pragma once

#include "iscsi/server.h"

namespace tapewarden::iscsi {

// kInvalidArgument naming the first field that is wrong, with the remedy.
Status check_config(const ServerConfig& config);

}  // namespace tapewarden::iscsi
