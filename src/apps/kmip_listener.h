// The KMIP port (K21): TLS sessions of net/ wired to the engine of kmip/server.
#pragma once

#include <memory>

#include "apps/keyd_config.h"
#include "kmip/server/engine.h"
#include "net/server.h"

namespace tapewarden::apps {

// What the engine is told of the configuration, of a connection, and what net/ is told of it.
kmip::ServerSettings kmip_settings(const KmipConfig& config);
kmip::Peer kmip_peer(const net::SessionInfo& session);
net::ServerLimits kmip_limits(const KmipConfig& config);

// `tls`: with a client certificate required. `engine` must outlive the server.
Result<std::unique_ptr<net::FramedServer>> listen_kmip(net::Loop& loop, const KmipConfig& config,
                                                       net::TlsContext tls, kmip::Engine& engine,
                                                       net::RefusalObserver refused);

}  // namespace tapewarden::apps
