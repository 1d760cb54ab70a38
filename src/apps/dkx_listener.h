// The DKX port: TLS sessions of net/ wired to conversations of dkx/server.
#pragma once

#include <memory>

#include "apps/keyd_config.h"
#include "dkx/server/server.h"
#include "net/server.h"

namespace tapewarden::apps {

// `dependencies` must outlive the server.
Result<std::unique_ptr<net::FramedServer>> listen_dkx(net::Loop& loop, const ListenConfig& listen,
                                                      net::TlsContext tls,
                                                      const dkx::ServerDependencies& dependencies,
                                                      net::RefusalObserver refused);

}  // namespace tapewarden::apps
