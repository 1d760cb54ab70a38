// The two ends of replication over HTTPS: the client that reaches the peer's /v1/peer/…, and the handler of
// the same paths here. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "keymgr/custody/checkpoint_exchange.h"
#include "keymgr/custody/comparer.h"
#include "keymgr/custody/replicator.h"
#include "net/http.h"

namespace tapewarden::apps {

inline constexpr std::string_view kPeerPath = "/v1/peer/";
inline constexpr std::string_view kServerUnit = "keyd";  // OU of a key server's certificate

class HttpPeerLink final : public keymgr::PeerLink {
 public:
  HttpPeerLink(net::Loop& loop, const std::string& host, std::uint16_t port, net::TlsContext tls,
               std::shared_ptr<net::Resolver> resolver);
  Result<Bytes> post(std::string_view path, ByteView body) override;

 private:
  net::HttpClient client_;
};

// What the calls of the peer go to. Borrowed.
struct PeerServices {
  keymgr::Replicator& replicator;
  keymgr::CheckpointExchange& checkpoints;
  keymgr::Comparer& comparer;
};
// Answers a request below kPeerPath; heavy work goes to the executor. Others than the configured peer get
// 403.
void serve_peer(Env env, const PeerServices& services, const std::string& peer_name, net::HttpRequest request,
                net::HttpCompletion completion);

}  // namespace tapewarden::apps
