// Internal to net/, for the files that may see Asio: how a listening socket is opened, and what is said when
// it cannot be.
#pragma once

#include "net/connection_io.h"

namespace tapewarden::net {

// kInvalidArgument for an address that is not numeric; kConflict when the port is taken; kPermissionDenied;
// kIo.
Status open_listener(asio::ip::tcp::acceptor& acceptor, const ListenAddress& listen);

// After accept(2) failed for want of descriptors or memory: try again when some may be free.
inline constexpr std::chrono::milliseconds kAcceptRetry{100};

}  // namespace tapewarden::net
