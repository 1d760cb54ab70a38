#include "cli/key_link.h"

#include <thread>

#include "dkx/client/net_transport.h"
#include "net/client.h"

namespace tapewarden::cli {
namespace {

Result<net::TlsContext> client_tls(Env env, const EngineConfig& config, keyproxy::ProxyIdentity& identity,
                                   dkx::ServerTrust& trust) {
  net::TlsConfig tls =
      TRY(net::read_tls_files(*env.disk, {config.certificate, config.key, config.authorities}));
  identity = {config.proxy_name, tls.key};
  trust.authorities = tls.authorities;
  tls.allow_expired_peers =
      true;  // an expired server certificate must not close the archive; its signature counts
  return net::TlsContext::client(tls);
}

// A process that lives for one command would otherwise ask whoever answers first.
void prefer_primary(const dkx::Client& client) {
  constexpr int kPolls = 50;
  constexpr std::chrono::milliseconds kPoll{10};
  for (int i = 0; i < kPolls; ++i) {
    if (client.status().front().connection != dkx::Connection::kConnecting) return;
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace

// In the order of dependence; destroyed from the end.
struct KeyLink::Parts {
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<dkx::Client> client;
  std::unique_ptr<keyproxy::KeyProxy> proxy;
};

KeyLink::KeyLink() : parts_(std::make_unique<Parts>()) {}
KeyLink::~KeyLink() = default;

Result<std::unique_ptr<KeyLink>> KeyLink::open(Env env, const EngineConfig& config) {
  std::unique_ptr<KeyLink> link(new KeyLink());
  Parts& parts = *link->parts_;
  parts.loop = std::make_unique<net::Loop>(1);
  keyproxy::ProxyIdentity proxy;
  dkx::ClientConfig client;
  client.env = env;
  const net::TlsContext tls = TRY(client_tls(env, config, proxy, client.trust));
  const auto resolver = TRY(net::make_resolver(config.name_servers));
  for (const auto& server : config.servers) {
    net::FramedClientOptions options;
    options.resolver = resolver;
    options.host = server.host;
    options.port = server.port;
    options.tls = tls;
    client.servers.push_back({dkx::make_net_connector(*parts.loop, std::move(options)), std::nullopt});
  }
  parts.client = std::make_unique<dkx::Client>(std::move(client));
  parts.proxy = std::make_unique<keyproxy::KeyProxy>(*parts.client, std::move(proxy), *env.random);
  prefer_primary(*parts.client);
  return link;
}

keyproxy::KeyProxy& KeyLink::proxy() {
  return *parts_->proxy;
}

}  // namespace tapewarden::cli
