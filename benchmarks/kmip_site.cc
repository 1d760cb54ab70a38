#include "kmip_site.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "harness/loopback.h"
#include "keymgr/audit_note.h"
#include "keymgr/data_keys.h"
#include "keymgr/objects/kmip_clients.h"
#include "keymgr/objects/object_terms.h"
#include "keymgr/objects/tables.h"
#include "kmip/tags.h"
#include "kmip_client.h"
#include "kmip_messages.h"

namespace tapewarden::bench {
namespace {

constexpr const char* kGroup = "KMIP";
constexpr const char* kPrefix = "KMI";
constexpr unsigned kAtOnce = 2000;  // keys of one transaction
constexpr auto kDrain = std::chrono::seconds(5);
constexpr auto kStart = std::chrono::seconds(30);

void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace

net::TlsContext KmipTrust::client_context() {
  auto config = site.client_config(client);
  config.minimum = net::TlsVersion::k12;
  return must(net::TlsContext::client(config));
}

KmipSite::KmipSite(KmipTrust& trust) {
  must(server_.manager().create_group(officer(), kGroup, {}));
  keymgr::KmipClient client;
  client.name = "library";
  client.fingerprint = trust.client.certificate.fingerprint();
  must(server_.keystore().write([&](store::Transaction& transaction) -> Status {
    TRY(keymgr::KmipClients(server_.manager().context()).add(transaction, officer(), client));
    return {};
  }));
  apps::KmipConfig config;
  config.listen.port = 0;
  listener_ = must(apps::listen_kmip(loop_, config, trust.site.server(), engine_, {}));
  // The model of all others is made as a client makes one.
  make_ready(1);
  KmipClient maker(port(), trust.client_context(), 1);
  maker.play(1, [&](unsigned, ByteView answer) -> Result<std::optional<Bytes>> {
    if (answer.empty()) return kmip14::create(kmip14::application_data(0));
    ids_.push_back(TRY(kmip14::identifier_in(answer)));
    return std::nullopt;
  });
}

KmipSite::~KmipSite() {
  listener_->stop(kDrain);
}

void KmipSite::make_ready(unsigned keys) {
  must(server_.manager().generate_keys(officer(), keys, kPrefix, kGroup));
}

keymgr::ManagedObject KmipSite::make_model() {
  std::optional<keymgr::ManagedObject> model;
  must(server_.keystore().read([&](store::Reader& reader) -> Status {
    const keymgr::ManagedObjects objects(server_.manager());
    model = TRY(objects.find(reader, *Uuid::parse(ids_.front())));
    return {};
  }));
  const auto fresh = kmip::AttributeId::of(kmip::tag::kFresh);
  model->attributes.set(fresh, kmip::boolean_item(kmip::tag::kFresh, false));  // as after its first Get
  return *std::move(model);
}

Status KmipSite::put_copies(store::Transaction& transaction, const keymgr::ManagedObject& model,
                            unsigned count) {
  auto& manager = server_.manager();
  const auto application = kmip::AttributeId::of(kmip::tag::kApplicationSpecificInformation);
  for (const auto& key : TRY(manager.keys().generate(transaction, officer(), count, kPrefix, ""))) {
    auto object = model;
    object.id = Uuid::random(*server_.env().random);
    object.data_key = key.id;
    object.fingerprint = to_bytes(ByteView(key.fingerprint));
    object.attributes.set(application,
                          kmip14::application_item(application.tag, kmip14::application_data(ids_.size())));
    const store::Value id = to_bytes(object.id.view());
    object.sealed_secret = transaction.seal(keymgr::kManagedObjectTable, {&id, 1}, "secret", {});
    TRY(transaction.put(keymgr::kManagedObjectTable, object.to_row()));
    for (const auto& term : keymgr::terms_of(object.owner, object.attributes)) {
      TRY(transaction.put(keymgr::kObjectTermTable, keymgr::term_row(term, object)));
    }
    ids_.push_back(keymgr::unique_identifier(object));
  }
  return {};
}

void KmipSite::fill(unsigned keys) {
  const auto model = make_model();
  while (ids_.size() < keys) {
    const auto count = std::min<unsigned>(kAtOnce, keys - static_cast<unsigned>(ids_.size()));
    must(server_.keystore().write(
        [&](store::Transaction& transaction) { return put_copies(transaction, model, count); }));
  }
}

class KmipEcho::Handler final : public net::SessionHandler {
 public:
  Handler(KmipEcho& echo, std::string address) : echo_(echo), address_(std::move(address)) {}

  void on_message(Bytes, net::Reply reply) override {
    echo_.server_.keystore().submit(
        [this](store::Transaction& transaction) -> Status {
          keymgr::AuditNote note{keymgr::AuditType::kKeyServing, "kmip.get", officer(), true, {}};
          note.fields = {{"object", "01234567-89ab-cdef-0123-456789abcdef"},
                         {"address", address_},
                         {"answer", "01234567-1"}};
          keymgr::note(transaction, echo_.server_.manager().context(), note);
          return {};
        },
        [this, reply = std::move(reply)](const Result<store::CommitInfo>& done) {
          reply(done ? echo_.answer_ : Bytes());
        });
  }

 private:
  KmipEcho& echo_;
  const std::string address_;
};

KmipEcho::KmipEcho(KmipTrust& trust) {
  net::FramedServerOptions options;
  options.tls = trust.site.server();
  listener_ = must(net::FramedServer::start(
      loop_, std::move(options),
      [this](const net::SessionInfo& info, const std::shared_ptr<net::SessionControl>&) {
        return std::make_shared<Handler>(*this, info.remote_address);
      }));
}

KmipEcho::~KmipEcho() {
  listener_->stop(kDrain);
}

PyKmip::PyKmip(KmipTrust& trust) {
  const auto ports = testing::free_ports(1);
  if (ports.empty()) throw std::runtime_error("no free port");
  port_ = ports.front();
  const auto server = trust.site.server_leaf();
  const auto key = server.key.pem();
  write_file(folder_ / "server.crt", server.certificate.pem());
  write_file(folder_ / "server.key", as_text(key.reveal()));
  write_file(folder_ / "authority.crt", trust.site.authority().pem());
  const auto line = [&](const char* name, const std::string& value) { return name + ("=" + value) + "\n"; };
  write_file(folder_ / "server.conf",
             "[server]\n" + line("hostname", "127.0.0.1") + line("port", std::to_string(port_)) +
                 line("certificate_path", folder_ / "server.crt") + line("key_path", folder_ / "server.key") +
                 line("ca_path", folder_ / "authority.crt") + line("auth_suite", "TLS1.2") +
                 line("policy_path", folder_ / "policies") + line("database_path", folder_ / "pykmip.db"));
  std::filesystem::create_directory(folder_ / "policies");
  process_ = must(testing::Process::start(
      {"/usr/bin/python3", "-c", "from kmip.services.server.server import main; main()", "-f",
       folder_ / "server.conf", "-l", folder_ / "server.log", "-v", "CRITICAL"},
      folder_ / "output.log"));
  const auto deadline = std::chrono::steady_clock::now() + kStart;
  for (;;) {
    try {
      KmipClient(port_, trust.client_context(), 1);
      return;
    } catch (const std::exception& failure) {
      if (!process_->running() || std::chrono::steady_clock::now() > deadline) {
        throw std::runtime_error(std::string(failure.what()) + "\n" + process_->output());
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

PyKmip::~PyKmip() {
  process_->signal(SIGTERM);
  static_cast<void>(process_->wait(kStart));
}

}  // namespace tapewarden::bench
