// Connections over TLS (net/) for the client.
#pragma once

#include <memory>

#include "dkx/client/transport.h"
#include "net/client.h"

namespace tapewarden::dkx {

// `options` names the server, the client's certificate and whom to trust; framing and message limit are set
// here. `loop` must outlive the connector and its connections. Thread-safe.
std::unique_ptr<Connector> make_net_connector(net::Loop& loop, net::FramedClientOptions options);

}  // namespace tapewarden::dkx
