// KMIP over HTTPS (KMIP Additional Message Encodings 1.0 section 2; KMIP Profiles 1.4 and 2.1 section 5.3):
// each message is the body of a POST to /kmip, in TTLV, XML or JSON by its Content-Type, and is answered in
// the same.
#pragma once

#include <memory>

#include "apps/keyd_config.h"
#include "kmip/server/engine.h"
#include "net/http.h"

namespace tapewarden::apps {

// `tls`: with a client certificate required. `engine` must outlive the server.
Result<std::unique_ptr<net::HttpServer>> listen_kmip_https(net::Loop& loop, Env env, const KmipConfig& config,
                                                           net::TlsContext tls, kmip::Engine& engine,
                                                           net::RefusalObserver refused);

}  // namespace tapewarden::apps
