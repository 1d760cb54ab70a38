#include "apps/taped_admin.h"

#include <algorithm>
#include <iterator>

#include "apps/certificate_watch.h"
#include "apps/log.h"
#include "base/real_env.h"
#include "net/http.h"

namespace tapewarden::apps {
namespace {

constexpr std::chrono::milliseconds kDrain{5'000};
constexpr unsigned kWorkers = 4;
constexpr std::size_t kBodyLimit = 64U << 10;  // bytes: no route takes a file

Result<net::TlsContext> tls_context(Env env, const HttpsConfig& config) {
  auto tls = TRY(net::read_tls_files(*env.disk, {config.certificate, config.key, config.authorities}));
  tls.minimum = net::TlsVersion::k12;
  tls.client_certificates = net::ClientCertificates::kOptional;
  tls.allow_expired_peers = true;  // a person with an expired certificate is told so at login
  return net::TlsContext::server(tls);
}

}  // namespace

// In the order of dependence; destroyed from the end.
struct TapedAdmin::Parts {
  std::optional<CertificateWatch> certificates;
  EngineStore store;
  std::unique_ptr<people::People> people;
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<admin::Router> router;
  std::unique_ptr<ThreadPool> workers;  // of the router: ends before it
  std::unique_ptr<net::HttpServer> server;
};

TapedAdmin::TapedAdmin() : parts_(std::make_unique<Parts>()) {}
TapedAdmin::~TapedAdmin() {
  stop();
}

Result<std::unique_ptr<TapedAdmin>> TapedAdmin::start(Env env, const HttpsConfig& config, AdminParts given) {
  std::unique_ptr<TapedAdmin> taped(new TapedAdmin());
  auto& parts = *taped->parts_;
  parts.certificates = TRY(CertificateWatch::start(env, config.certificate, config.authorities));
  parts.store = TRY(open_engine_store(env, config.store));
  parts.people = std::make_unique<people::People>(env, *parts.store.keystore);
  parts.loop = std::make_unique<net::Loop>(1);
  parts.workers = std::make_unique<ThreadPool>(kWorkers);
  parts.router = std::make_unique<admin::Router>(*parts.people, *parts.workers,
                                                 admin::RouterOptions{.origin = "engine"});
  auto& keystore = *parts.store.keystore;
  admin::TapedServices services{.env = env,
                                .people = *parts.people,
                                .library = given.library,
                                .library_serial = std::move(given.library_serial),
                                .units = std::move(given.units),
                                .sessions = std::move(given.sessions),
                                .key_servers = std::move(given.key_servers),
                                .record = {},
                                .ready = {},
                                .warnings = {},
                                .version = TAPEWARDEN_VERSION,
                                .engine = std::move(given.engine)};
  services.record = [&keystore](const people::Event& event) -> Status {
    TRY(keystore.write([&event](store::Transaction& transaction) -> Status {
      transaction.record(people::to_record(event));
      return {};
    }));
    return {};
  };
  services.ready = [&keystore, &audit = *parts.store.audit] {
    return !audit.health().stopped && keystore.health().has_value();
  };
  services.warnings = [&certificates = *parts.certificates, more = std::move(given.warnings)] {
    auto warnings = certificates.warnings();
    if (more) std::ranges::move(more(), std::back_inserter(warnings));
    return warnings;
  };
  admin::add_taped_routes(*parts.router, services);
  net::HttpServerOptions options;
  options.listen = {config.address, config.port};
  options.tls = TRY(tls_context(env, config));
  options.http.body_bytes = options.http.anonymous_body_bytes = kBodyLimit;
  options.on_refused = [](const std::string& address, const Error& reason) {
    log(LogLevel::kDebug, "https: connection from " + address + " refused: " + reason.text());
  };
  parts.server = TRY(net::HttpServer::start(*parts.loop, std::move(options), parts.router->handler()));
  return taped;
}

std::uint16_t TapedAdmin::port() const {
  return parts_->server->port();
}

void TapedAdmin::stop() {
  if (parts_ == nullptr) return;
  if (parts_->server && !parts_->server->stop(kDrain)) log(LogLevel::kWarning, "https calls were cut");
  parts_->server.reset();
  parts_->workers.reset();
  parts_.reset();
}

}  // namespace tapewarden::apps
