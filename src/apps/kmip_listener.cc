#include "apps/kmip_listener.h"

namespace tapewarden::apps {
namespace {

class KmipHandler final : public net::SessionHandler {
 public:
  KmipHandler(kmip::Engine& engine, kmip::Peer peer) : engine_(engine), peer_(std::move(peer)) {}

  void on_message(Bytes message, net::Reply reply) override {
    engine_.receive(std::move(message), peer_, std::move(reply));
  }

  Bytes on_bad_message(const Error& error) override { return engine_.refuse(error); }

 private:
  kmip::Engine& engine_;
  const kmip::Peer peer_;
};

}  // namespace

kmip::ServerSettings kmip_settings(const KmipConfig& config) {
  kmip::ServerSettings settings;
  settings.key_group = config.key_group;
  settings.maximum_message_bytes = config.message_bytes;
  settings.lease_seconds = config.lease_seconds;
  settings.maximum_batch = static_cast<std::int32_t>(config.batch_items);
  settings.maximum_located = config.located;
  settings.maximum_searched = config.searched;
  settings.most_rsa_bits = config.rsa_bits;
  settings.most_iterations = static_cast<std::int32_t>(config.derivation_rounds);
  return settings;
}

kmip::Peer kmip_peer(const net::SessionInfo& session) {
  kmip::Peer peer;
  peer.fingerprint = session.peer.fingerprint;
  peer.name = session.peer.common_name;
  peer.address = session.remote_address;
  peer.expired = session.peer.expired || session.peer.not_yet_valid;
  return peer;
}

net::ServerLimits kmip_limits(const KmipConfig& config) {
  net::ServerLimits limits;
  limits.max_sessions = config.connections;
  limits.max_sessions_per_address = config.connections_per_address;
  limits.max_in_flight = config.requests;
  limits.idle_timeout = std::chrono::minutes(config.idle_minutes);
  limits.max_handshakes = config.handshakes;
  limits.handshake_timeout = std::chrono::seconds(config.handshake_seconds);
  limits.message_timeout = std::chrono::seconds(config.message_seconds);
  limits.write_timeout = std::chrono::seconds(config.answer_seconds);
  return limits;
}

Result<std::unique_ptr<net::FramedServer>> listen_kmip(net::Loop& loop, const KmipConfig& config,
                                                       net::TlsContext tls, kmip::Engine& engine,
                                                       net::RefusalObserver refused) {
  net::FramedServerOptions options;
  options.listen = {config.listen.address, config.listen.port};
  options.tls = std::move(tls);
  options.max_message_bytes = config.message_bytes;
  options.limits = kmip_limits(config);
  options.on_refused = std::move(refused);
  return net::FramedServer::start(
      loop, std::move(options),
      [&engine](const net::SessionInfo& info, std::shared_ptr<net::SessionControl>) {
        return std::make_shared<KmipHandler>(engine, kmip_peer(info));
      });
}

}  // namespace tapewarden::apps
