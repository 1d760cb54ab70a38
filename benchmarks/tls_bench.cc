// New mutual TLS connections over the loopback address, both ends with the project's code, against OpenSSL
// alone: over sockets of its own, and in memory, where neither end pays for TCP.
#include <atomic>
#include <thread>
#include <vector>

#include "flight.h"
#include "harness.h"
#include "key_server.h"
#include "net/client.h"
#include "net/testing/bare_handshake.h"
#include "net/testing/test_site.h"

namespace tapewarden::bench {
namespace {

constexpr unsigned kConnections = 4000;
constexpr unsigned kRounds = 3;
constexpr unsigned kInFlight = 16;
constexpr double kGoal = 0.85;

class Idle final : public net::SessionHandler {
 public:
  void on_message(Bytes, net::Reply) override {}
};

// Lets go of the connection as soon as the server has proved that it took it.
class Visitor final : public net::ClientHandler {
 public:
  explicit Visitor(Flight& flight) : flight_(flight) {}
  void on_connected(const net::SessionInfo&) override { connected_ = true; }
  void on_message(Bytes) override {}
  void on_closed(const Error& reason) override {
    flight_.done(connected_ && reason.code == ErrorCode::kUnavailable ? Status() : std::unexpected(reason));
  }

 private:
  Flight& flight_;
  bool connected_ = false;
};

class Port {
 public:
  Port() {
    net::FramedServerOptions options;
    options.tls = must(net::TlsContext::server(server_config));
    server_ = must(net::FramedServer::start(
        server_loop_, std::move(options),
        [this](const net::SessionInfo&, const std::shared_ptr<net::SessionControl>& control) {
          ++sessions_;
          control->close();
          return std::make_shared<Idle>();
        }));
    client_options_.host = "127.0.0.1";
    client_options_.port = server_->port();
    client_options_.tls = must(net::TlsContext::client(client_config));
  }
  ~Port() { server_->stop(std::chrono::seconds(5)); }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  // Each counts when the server has verified the client, opened a session and closed it again.
  double connections_a_second() {
    const unsigned before = sessions_;
    const double seconds = seconds_of([&] {
      Flight flight(kInFlight);
      std::vector<std::unique_ptr<net::FramedClient>> clients;
      for (unsigned i = 0; i < kConnections; ++i) {
        flight.start();
        clients.push_back(
            net::FramedClient::connect(client_loop_, client_options_, std::make_shared<Visitor>(flight)));
      }
      flight.land();
    });
    if (sessions_ - before != kConnections) throw std::runtime_error("a connection got no session");
    return kConnections / seconds;
  }

  net::testing::TestSite site;
  const net::TlsConfig server_config = site.server_config();
  const net::TlsConfig client_config = site.client_config(site.client_leaf("client"));

 private:
  net::Loop server_loop_{1};
  net::Loop client_loop_{1};
  std::atomic<unsigned> sessions_{0};
  std::unique_ptr<net::FramedServer> server_;
  net::FramedClientOptions client_options_;
};

// Two threads, as server and client above have one each.
template <typename Shake>
double handshakes_a_second(const Shake& shake) {
  constexpr unsigned kThreads = 2;
  std::atomic<unsigned> failures{0};
  const double seconds = seconds_of([&] {
    std::vector<std::jthread> threads;
    for (unsigned thread = 0; thread < kThreads; ++thread)
      threads.emplace_back([&] {
        const net::testing::LoopbackDoor door;
        for (unsigned i = 0; i < kConnections / kThreads; ++i)
          if (!shake(door)) ++failures;
      });
  });
  if (failures != 0) throw std::runtime_error("a bare handshake failed");
  return kConnections / seconds;
}

Figures tls_handshakes() {
  Port port;
  const net::testing::BareHandshakes bare(port.server_config, port.client_config);
  const auto real = [&] { return port.connections_a_second(); };
  Figures figures = compare_rates("tls-handshakes", "connections/s", kGoal, kRounds, kConnections, real, [&] {
    return handshakes_a_second([&](const auto& door) { return bare.shake_over(door); });
  });
  const auto in_memory = measure_in_turn(
      kRounds, real, [&] { return handshakes_a_second([&](const auto&) { return bare.shake(); }); });
  figures.push_back({"tls-handshakes-memory", in_memory.value, "connections/s", in_memory.yardstick, {}});
  return figures;
}

const Registrar kHandshakes("tls-handshakes", "new mutual TLS 1.3 connections on the loopback address",
                            tls_handshakes);

}  // namespace
}  // namespace tapewarden::bench
