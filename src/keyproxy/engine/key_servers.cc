#include "keyproxy/engine/key_servers.h"

#include <thread>

#include "dkx/client/net_transport.h"

namespace tapewarden::keyproxy {
namespace {

Result<net::TlsContext> client_tls(Env env, const EngineConfig& config, ProxyIdentity& identity,
                                   dkx::ServerTrust& trust) {
  net::TlsConfig tls =
      TRY(net::read_tls_files(*env.disk, {config.certificate, config.key, config.authorities}));
  identity = {config.proxy_name, tls.key};
  trust.authorities = tls.authorities;
  tls.allow_expired_peers =
      true;  // an expired server certificate must not close the archive; its signature counts
  return net::TlsContext::client(tls);
}

}  // namespace

Result<std::unique_ptr<KeyServers>> KeyServers::connect(
    Env env, const EngineConfig& config, std::function<void(const dkx::ServerStatus&)> on_state_change) {
  std::unique_ptr<KeyServers> made(new KeyServers());
  made->loop_ = std::make_unique<net::Loop>(1);
  ProxyIdentity identity;
  dkx::ClientConfig client;
  client.env = env;
  client.on_state_change = std::move(on_state_change);
  const net::TlsContext tls = TRY(client_tls(env, config, identity, client.trust));
  const auto resolver = TRY(net::make_resolver(config.name_servers));
  for (const auto& server : config.servers) {
    net::FramedClientOptions options;
    options.resolver = resolver;
    options.host = server.host;
    options.port = server.port;
    options.tls = tls;
    client.servers.push_back({dkx::make_net_connector(*made->loop_, std::move(options)), std::nullopt});
  }
  made->client_ = std::make_unique<dkx::Client>(std::move(client));
  made->proxy_ = std::make_unique<KeyProxy>(*made->client_, std::move(identity), env);
  return made;
}

void KeyServers::prefer_primary() const {
  constexpr int kPolls = 50;
  constexpr std::chrono::milliseconds kPoll{10};
  for (int i = 0; i < kPolls; ++i) {
    if (client_->status().front().connection != dkx::Connection::kConnecting) return;
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace tapewarden::keyproxy
