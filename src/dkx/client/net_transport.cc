#include "dkx/client/net_transport.h"

#include "dkx/limits.h"

namespace tapewarden::dkx {

namespace {

class NetHandler final : public net::ClientHandler {
 public:
  explicit NetHandler(std::shared_ptr<TransportHandler> handler) : handler_(std::move(handler)) {}
  void on_connected(const net::SessionInfo& info) override { handler_->on_connected(info.channel_binding); }
  void on_message(Bytes message) override { handler_->on_message(std::move(message)); }
  void on_closed(const Error& reason) override { handler_->on_closed(reason); }

 private:
  std::shared_ptr<TransportHandler> handler_;
};

class NetTransport final : public Transport {
 public:
  explicit NetTransport(std::unique_ptr<net::FramedClient> client) : client_(std::move(client)) {}
  void send(Bytes message) override { client_->send(std::move(message)); }
  void close() override { client_->close(); }

 private:
  std::unique_ptr<net::FramedClient> client_;
};

class NetConnector final : public Connector {
 public:
  NetConnector(net::Loop& loop, net::FramedClientOptions options)
      : loop_(loop), options_(std::move(options)) {
    options_.framer = net::ttlv_frame_size;
    options_.max_message_bytes = kMaxMessageBytes;
  }
  std::unique_ptr<Transport> connect(std::shared_ptr<TransportHandler> handler) override {
    return std::make_unique<NetTransport>(
        net::FramedClient::connect(loop_, options_, std::make_shared<NetHandler>(std::move(handler))));
  }
  std::string address() const override { return options_.host + ":" + std::to_string(options_.port); }

 private:
  net::Loop& loop_;
  net::FramedClientOptions options_;
};

}  // namespace

std::unique_ptr<Connector> make_net_connector(net::Loop& loop, net::FramedClientOptions options) {
  return std::make_unique<NetConnector>(loop, std::move(options));
}

}  // namespace tapewarden::dkx
