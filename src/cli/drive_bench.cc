#include "cli/drive_bench.h"

#include <thread>

#include "base/disk_space.h"
#include "dkx/client/net_transport.h"
#include "keyproxy/dkx_drive_exchange.h"
#include "net/client.h"

namespace tapewarden::cli {

namespace {

constexpr std::uint64_t kNexus = 1;

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
struct DriveBench::Parts {
  Env env;
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<dkx::Client> client;
  keyproxy::DkxDriveExchange exchange;
  std::unique_ptr<keyproxy::KeyProxy> proxy;
  std::unique_ptr<tape::Drive> drive;
  std::unique_ptr<tape::InProcessTransport> transport;
  std::unique_ptr<tape::TapeDrive> tape;
  std::optional<keyproxy::SetKey> unconfirmed;
};

DriveBench::DriveBench() : parts_(std::make_unique<Parts>()) {}
DriveBench::~DriveBench() = default;

Result<std::unique_ptr<DriveBench>> DriveBench::open(Env env, const EngineConfig& config,
                                                     const std::string& serial) {
  std::unique_ptr<DriveBench> bench(new DriveBench());
  Parts& parts = *bench->parts_;
  parts.env = env;
  auto identity = tape::DriveIdentity::load(*env.disk, config.drives + "/" + serial);
  if (!identity) return in_context("drive " + serial, identity.error());
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
  tape::DriveOptions options;
  options.management = (*identity)->facts().kind == tape::MediumKind::kLto ? tape::KeyManagement::kApplication
                                                                           : tape::KeyManagement::kSystem;
  options.free_bytes = free_disk_bytes;
  parts.drive = std::make_unique<tape::Drive>(env, *identity, options, &parts.exchange);
  parts.transport = std::make_unique<tape::InProcessTransport>(*parts.drive, scsi::NexusId(kNexus));
  parts.tape = std::make_unique<tape::TapeDrive>(*parts.transport);
  return bench;
}

tape::TapeDrive& DriveBench::tape() {
  return *parts_->tape;
}
tape::Drive& DriveBench::device() {
  return *parts_->drive;
}
keyproxy::KeyProxy& DriveBench::proxy() {
  return *parts_->proxy;
}
bool DriveBench::set_by_host() const {
  return parts_->drive->management() == tape::KeyManagement::kApplication;
}

Status DriveBench::insert(const std::string& cartridge) {
  TRY(parts_->drive->insert(cartridge));
  if (const auto told = parts_->tape->drain_attentions(); !told) return std::unexpected(told.error().error());
  return {};
}

Result<keyproxy::Served> DriveBench::bring_key(keyproxy::HostIntent intent, const std::string& group) {
  if (!set_by_host()) return parts_->proxy->serve(*parts_->tape);
  auto key = TRY(parts_->proxy->set_key(*parts_->tape, intent, group));
  auto served = key.served;
  if (intent == keyproxy::HostIntent::kWriteFromBeginning) parts_->unconfirmed = std::move(key);
  return served;
}

Status DriveBench::confirm() {
  if (!set_by_host()) return parts_->proxy->confirm(*parts_->tape);
  if (!parts_->unconfirmed) return {};
  TRY(parts_->proxy->confirm(*parts_->tape, *parts_->unconfirmed));
  parts_->unconfirmed.reset();
  return {};
}

}  // namespace tapewarden::cli
