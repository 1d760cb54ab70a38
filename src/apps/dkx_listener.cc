#include "apps/dkx_listener.h"

#include "dkx/limits.h"

namespace tapewarden::apps {

namespace {

class DkxHandler final : public net::SessionHandler {
 public:
  DkxHandler(Env env, keymgr::KeyService& keys, std::shared_ptr<dkx::ServerSession> session)
      : env_(env), keys_(keys), session_(std::move(session)) {}

  void on_message(Bytes message, net::Reply reply) override {
    const auto held = std::make_shared<Bytes>(std::move(message));
    env_.executor->post([session = session_, held, reply = std::move(reply), coming = keys_.announce()] {
      session->handle(std::move(*held), reply);
    });
  }

  Bytes on_bad_message(const Error& error) override { return session_->refuse(error); }

 private:
  Env env_;
  keymgr::KeyService& keys_;
  std::shared_ptr<dkx::ServerSession> session_;
};

dkx::ServerPeer peer_of(const net::SessionInfo& info) {
  dkx::ServerPeer peer;
  peer.binding = info.channel_binding;
  peer.certificate = info.peer.certificate;
  peer.fingerprint = info.peer.fingerprint;
  peer.name = info.peer.common_name;
  peer.unit = info.peer.organizational_unit;
  peer.expired = info.peer.expired || info.peer.not_yet_valid;
  peer.address = info.remote_address;
  return peer;
}

}  // namespace

Result<std::unique_ptr<net::FramedServer>> listen_dkx(net::Loop& loop, const ListenConfig& listen,
                                                      net::TlsContext tls,
                                                      const dkx::ServerDependencies& dependencies,
                                                      net::RefusalObserver refused) {
  net::FramedServerOptions options;
  options.listen = {listen.address, listen.port};
  options.tls = std::move(tls);
  options.max_message_bytes = dkx::kMaxMessageBytes;
  options.on_refused = std::move(refused);
  return net::FramedServer::start(
      loop, std::move(options),
      [&dependencies](const net::SessionInfo& info, std::shared_ptr<net::SessionControl>) {
        return std::make_shared<DkxHandler>(dependencies.env, *dependencies.keys,
                                            dkx::open_session(dependencies, peer_of(info)));
      });
}

}  // namespace tapewarden::apps
