#include "apps/keyd_server.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "admin/keyd/keyd_routes.h"
#include "apps/anchor_keeper.h"
#include "apps/backup_site.h"
#include "apps/certificate_watch.h"
#include "apps/dkx_listener.h"
#include "apps/draining_executor.h"
#include "apps/keyd_parts.h"
#include "apps/kit_passphrase.h"
#include "apps/kmip_https.h"
#include "apps/kmip_listener.h"
#include "apps/log.h"
#include "apps/old_key_servers.h"
#include "apps/peer_channel.h"
#include "apps/recoverability_site.h"
#include "apps/sweeper.h"
#include "apps/terminal_secret.h"
#include "base/real_env.h"
#include "keymgr/audit_note.h"
#include "keymgr/custody/rewrite.h"
#include "keymgr/epoch.h"
#include "keymgr/key_service.h"
#include "keymgr/objects/managed_objects.h"
#include "keymgr/objects/tables.h"
#include "keymgr/rewrap.h"
#include "keymgr/rotation_note.h"
#include "kmip/server/symmetric_key.h"
#include "people/people.h"
#include "store/key_rotation.h"

namespace tapewarden::apps {

namespace {

constexpr std::chrono::milliseconds kDrain{5000};
constexpr std::size_t kPemLimit = 64U << 10;
constexpr std::chrono::minutes kFirstSweep{1};  // after the start
constexpr unsigned kRestWorkers = 4;
constexpr std::size_t kHostNameLimit = 256;

Result<crypto::PublicKey> read_public_key(Disk& disk, const std::string& path) {
  const Bytes pem = TRY(read_file(disk, path, kPemLimit));
  auto certificate = crypto::Certificate::from_pem(as_text(pem));
  if (!certificate) return in_context(path, certificate.error());
  return certificate->public_key();
}

Result<net::TlsConfig> tls_config(Env env, const KeydConfig& config) {
  return net::read_tls_files(*env.disk, {config.tls_certificate, config.tls_key, config.tls_authorities});
}

// Refused connections are told once a second at most: a flood must not fill the log.
class RefusalLog {
 public:
  RefusalLog(Clock& clock, std::string port) : clock_(clock), port_(std::move(port)) {}
  void operator()(const std::string& address, const Error& reason) {
    const MutexLock lock(mutex_);
    ++count_;
    const SteadyTime now = clock_.steady_now();
    if (now - last_ < std::chrono::seconds(1)) return;
    last_ = now;
    log(LogLevel::kWarning, port_ + ": connection from " + address + " refused: " + reason.text() + " (" +
                                std::to_string(count_) + " since the last line)");
    count_ = 0;
  }

 private:
  Clock& clock_;
  std::string port_;
  Mutex mutex_;
  SteadyTime last_ TW_GUARDED_BY(mutex_){};
  std::uint64_t count_ TW_GUARDED_BY(mutex_) = 0;
};

net::RefusalObserver observe_refusals(Env env, const std::string& port) {
  const auto refusals = std::make_shared<RefusalLog>(*env.clock, port);
  return [refusals](const std::string& address, const Error& reason) { (*refusals)(address, reason); };
}

std::string host_name() {
  std::string name(kHostNameLimit, '\0');
  if (::gethostname(name.data(), name.size()) != 0) return {};
  name.back() = '\0';
  return name.c_str();
}

}  // namespace

// In the order of dependence: what is below uses what is above, and is destroyed first.
struct KeydServer::Parts {
  Env env;  // with `executor`
  std::unique_ptr<DrainingExecutor> executor;
  KeydConfig config;
  std::vector<std::string> start_warnings;
  std::optional<CertificateWatch> certificates;
  KeystoreParts store;
  std::unique_ptr<store::KeyRotation> rotation;
  std::unique_ptr<keymgr::KeyManager> manager;
  std::unique_ptr<keymgr::ManagedObjects> objects;
  std::unique_ptr<keymgr::backup::Service> backups;
  std::unique_ptr<people::People> people;
  std::unique_ptr<keymgr::KeyFactory> factory;
  std::unique_ptr<keymgr::Rewrapper> rewrapper;
  std::unique_ptr<RecoverabilitySite> recoverability;
  std::unique_ptr<keymgr::KeyService> service;
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<HttpPeerLink> link;
  std::unique_ptr<HttpPeerLink> compare_link;  // so that a comparison holds back nothing
  std::unique_ptr<keymgr::Replicator> replicator;
  std::unique_ptr<keymgr::Comparer> comparer;               // with a peer
  std::unique_ptr<keymgr::CheckpointExchange> checkpoints;  // with a peer
  std::unique_ptr<net::SyslogSender> syslog;                // when one is configured
  std::unique_ptr<AnchorKeeper> anchors;
  std::unique_ptr<keymgr::RefusalRecords> refusals;
  dkx::ServerDependencies dkx;
  std::unique_ptr<ThreadPool> rest_workers;  // REST handlers wait for commits, which complete on env.executor
  std::unique_ptr<people::Approvals> approvals;
  std::unique_ptr<admin::Router> router;
  std::unique_ptr<Sweeper> sweeper;
  std::unique_ptr<OldKeyServers> old_servers;  // with a section [[kmip.read_through]]
  std::unique_ptr<kmip::Engine> kmip;          // with a section [kmip]
  std::unique_ptr<net::FramedServer> dkx_server;
  std::unique_ptr<net::FramedServer> kmip_server;
  std::unique_ptr<net::HttpServer> kmip_https_server;  // where it is asked for
  std::unique_ptr<net::HttpServer> https_server;

  Status open(std::unique_ptr<store::MasterKeyFile> master);
  Status connect_peer();
  Status start_anchors();
  admin::AuditPlace audit_place();
  void add_routes();
  Status listen();
  Status listen_for_kmip(net::TlsConfig tls);
  void audit_refusal(const dkx::ServerPeer& peer, std::string action, const dkx::Refusal& refusal,
                     std::uint64_t repeated, std::function<void(Status)> done);
  dkx::ServerHealth health() const;
  std::vector<std::string> warnings() const;
  std::int64_t open_conflicts() const;
  std::optional<keymgr::PeerState> peer_state() const;
  std::optional<keymgr::recoverability::PeerFacts> peer_facts() const;
  void add_comparison_warnings(std::vector<std::string>& out) const;
  Result<keymgr::Incarnation> accept(const Uuid& server, const keymgr::Actor& actor);
  void finish_tasks();
};

Status KeydServer::Parts::open(std::unique_ptr<store::MasterKeyFile> master) {
  certificates = TRY(CertificateWatch::start(env, config.tls_certificate, config.tls_authorities));
  store = TRY(open_keystore(env, config, master->keys()));
  manager = TRY(keymgr::KeyManager::open(env, *store.keystore, config.server_id, {config.server_name}));
  objects = std::make_unique<keymgr::ManagedObjects>(*manager);
  store.audit->set_checkpoint_signer(
      [key = manager->context().signing_key](ByteView message) { return key.sign(message); });
  rotation = std::make_unique<store::KeyRotation>(env, *store.keystore, std::move(master),
                                                  keymgr::rotation_note(manager->context()));
  people = std::make_unique<people::People>(env, *store.keystore);
  backups = std::make_unique<keymgr::backup::Service>(*manager, backup_options(env, config));
  manager->set_backups(backups.get());
  factory = std::make_unique<keymgr::KeyFactory>(*manager);
  manager->on_groups_changed([this] { factory->poke(); });
  service = std::make_unique<keymgr::KeyService>(*manager, factory.get());
  return {};
}

Status KeydServer::Parts::connect_peer() {
  if (!config.peer) {
    log(LogLevel::kWarning,
        "no peer is configured: a lost machine is a lost keystore until there is a backup");
    return {};
  }
  net::TlsConfig tls = TRY(tls_config(env, config));
  // Copying must not end with a certificate: each message is signed by a key that is pinned, whatever its
  // age.
  tls.allow_expired_peers = true;
  for (auto* way : {&link, &compare_link}) {
    *way = std::make_unique<HttpPeerLink>(*loop, config.peer->host, config.peer->port,
                                          TRY(net::TlsContext::client(tls)),
                                          TRY(net::make_resolver(config.name_servers)));
  }
  keymgr::ReplicatorOptions options;
  options.peer_name = config.peer->name;
  options.on_applied = [this] {
    factory->poke();  // the peer may have made a group that wants keys of ours
    // Or destroyed a KEK; not here, where the writer would wait for a reader's place.
    env.executor->post([this] { service->drop_stale_keys(); });
  };
  options.on_accepted = [this](store::Transaction& transaction) {
    return checkpoints->begin_new_line(transaction);
  };
  keymgr::PairParties& parties = options.parties;
  parties.self = config.server_id;
  parties.peer = config.peer->id;
  parties.signing_key = manager->context().signing_key;
  parties.exchange_key = manager->context().exchange_key;
  parties.peer_signing_key = TRY(read_public_key(*env.disk, config.peer->signing_certificate));
  parties.peer_exchange_key = TRY(read_public_key(*env.disk, config.peer->exchange_certificate));
  parties.take_in = [this](store::Transaction& transaction, const store::ApplyReport& report) -> Status {
    TRY(manager->take_in(transaction, report));
    return objects->take_in(transaction, report);
  };
  parties.refused = [this](store::Transaction& transaction, std::span<const keymgr::RefusedRow> rows) {
    return manager->note_refused(transaction, rows);
  };
  parties.held = [this](std::span<const keymgr::HeldKey> keys) { return manager->note_held(keys); };
  parties.raise_peer = [this](store::Transaction& transaction, const keymgr::Actor& actor,
                              std::int64_t epoch) {
    return keymgr::raise_epoch_above(transaction, manager->context(), actor, config.peer->id, epoch);
  };
  parties.now = [this] { return env.clock->wall_now(); };
  const keymgr::RewrittenBesides besides{{&keymgr::kKmipClientTable}, {&keymgr::kManagedObjectTable}};
  parties.rewritten = keymgr::rewritten_tables(besides);
  parties.incarnation = [this](store::Reader& reader) {
    return keymgr::own_incarnation(reader, config.server_id);
  };
  checkpoints = std::make_unique<keymgr::CheckpointExchange>(
      env, *store.keystore, config.peer->name, config.peer->id, parties.peer_signing_key, *link);
  replicator = std::make_unique<keymgr::Replicator>(env, *store.keystore, std::move(options), *link);
  manager->set_peer(replicator.get());
  keymgr::ComparerOptions comparing;
  comparing.self = config.server_id;
  comparing.peer = config.peer->id;
  comparing.peer_name = config.peer->name;
  comparing.besides = besides;
  comparing.on_rewritten = [this] {
    factory->poke();
    service->drop_stale_keys();
  };
  comparer =
      std::make_unique<keymgr::Comparer>(env, *manager, *replicator, *compare_link, std::move(comparing));
  TRY(replicator->start());
  return comparer->start();
}

Status KeydServer::Parts::start_anchors() {
  if (config.audit.syslog) {
    syslog = std::make_unique<net::SyslogSender>(
        *env.clock, *config.audit.syslog,
        net::SyslogOrigin{host_name(), "tapewarden-keyd", static_cast<unsigned>(::getpid())},
        TRY(net::make_resolver(config.name_servers)));
  }
  AnchorOptions options;
  options.every = std::chrono::hours(config.audit.checkpoint_hours);
  options.filter = config.audit.filter;
  anchors = std::make_unique<AnchorKeeper>(env, *store.keystore, *store.audit, checkpoints.get(),
                                           syslog.get(), std::move(options));
  return {};
}

Status KeydServer::Parts::listen() {
  net::TlsConfig tls = TRY(tls_config(env, config));
  tls.allow_expired_peers = true;  // an expired drive certificate never blocks a read; keymgr decides
  dkx.env = env;
  dkx.keys = service.get();
  dkx.context = &manager->context();
  dkx.health = [this] { return health(); };
  refusals = std::make_unique<keymgr::RefusalRecords>(*env.clock);
  dkx.refusals = refusals.get();
  dkx.audit = [this](const dkx::ServerPeer& peer, std::string action, const dkx::Refusal& refusal,
                     std::uint64_t repeated, std::function<void(Status)> done) {
    audit_refusal(peer, std::move(action), refusal, repeated, std::move(done));
  };
  dkx_server = TRY(
      listen_dkx(*loop, config.dkx, TRY(net::TlsContext::server(tls)), dkx, observe_refusals(env, "dkx")));

  TRY(listen_for_kmip(tls));

  // Here too, for the peer; a person with an expired certificate is refused at login.
  tls.minimum = net::TlsVersion::k12;
  tls.client_certificates = net::ClientCertificates::kOptional;
  net::HttpServerOptions options;
  options.listen = {config.https.address, config.https.port};
  options.tls = TRY(net::TlsContext::server(tls));
  options.http.body_bytes = keymgr::kReplicationMessageLimit;
  options.on_refused = observe_refusals(env, "https");
  https_server = TRY(net::HttpServer::start(*loop, std::move(options), router->handler()));
  return {};
}

// Clients are known by their own certificate; that somebody trusted has vouched for it keeps strangers from
// asking at all.
Status KeydServer::Parts::listen_for_kmip(net::TlsConfig tls) {
  if (!config.kmip) return {};
  if (config.kmip->tls_1_2) tls.minimum = net::TlsVersion::k12;
  if (!config.kmip->authorities.empty()) {
    tls.authorities = TRY(net::read_tls_files(*env.disk, {{}, {}, config.kmip->authorities})).authorities;
  }
  auto settings = kmip_settings(*config.kmip);
  settings.authorities = tls.authorities;
  kmip = std::make_unique<kmip::Engine>(*manager, factory.get(), std::move(settings),
                                        old_servers ? &old_servers->read_through() : nullptr);
  kmip_server = TRY(listen_kmip(*loop, *config.kmip, TRY(net::TlsContext::server(tls)), *kmip,
                                observe_refusals(env, "kmip")));
  if (!config.kmip->https_port) return {};
  kmip_https_server = TRY(listen_kmip_https(*loop, env, *config.kmip, TRY(net::TlsContext::server(tls)),
                                            *kmip, observe_refusals(env, "kmip-https")));
  return {};
}

admin::AuditPlace KeydServer::Parts::audit_place() {
  admin::AuditPlace place;
  place.disk = env.disk;
  place.directory = config.audit_directory();
  place.checkpoint_key = manager->context().signing_key.public_key();
  place.make_checkpoint = [this] { return anchors->make(); };
  place.newest = [this] { return store.keystore->head(); };
  if (checkpoints) {
    place.held_of_peer = [this] { return checkpoints->held(); };
    place.held_by_peer = [this] { return checkpoints->held_by_peer(); };
  }
  return place;
}

void KeydServer::Parts::add_routes() {
  rewrapper = std::make_unique<keymgr::Rewrapper>(*manager);
  recoverability =
      std::make_unique<RecoverabilitySite>(*manager, config, backups.get(), [this] { return peer_facts(); });
  rest_workers = std::make_unique<ThreadPool>(kRestWorkers);
  approvals = std::make_unique<people::Approvals>(
      env, *store.keystore,
      people::ApprovalOptions{config.server_id, config.server_name, [this](store::Reader& reader) {
                                return manager->settings().approval_policy(reader);
                              }});
  admin::RouterOptions options;
  options.approvals = approvals.get();
  router = std::make_unique<admin::Router>(*people, *rest_workers, options);
  admin::KeydServices services{
      .manager = *manager,
      .service = *service,
      .people = *people,
      .approvals = *approvals,
      .backups = backups.get(),
      .rewrapper = *rewrapper,
      .recoverability = &recoverability->service(),
      .rotation = rotation.get(),
      .audit = audit_place(),
      .kmip = {objects.get(), config.kmip.value_or(KmipConfig()).key_group,
               [this] { return old_servers ? old_servers->states() : std::vector<kmip::OldServerState>(); }},
      .server_name = config.server_name,
      .peer = [this] { return peer_state(); },
      .accept_restored = [this](const Uuid& server,
                                const keymgr::Actor& actor) { return accept(server, actor); },
      .replicator = replicator.get(),
      .comparer = comparer.get(),
      .warnings = [this] { return warnings(); },
      .ready = [this] { return !store.audit->health().stopped && store.keystore->health(); }};
  admin::add_keyd_routes(*router, services);
  if (!replicator) return;
  router->add_raw(std::string(kPeerPath), [this](net::HttpRequest request, net::HttpCompletion completion) {
    serve_peer(env, {*replicator, *checkpoints, *comparer}, config.peer->name, std::move(request),
               std::move(completion));
  });
}

Result<keymgr::Incarnation> KeydServer::Parts::accept(const Uuid& server, const keymgr::Actor& actor) {
  if (!replicator || server != config.peer->id) {
    return fail(ErrorCode::kConflict, "that server is not the peer of this one", "name");
  }
  return replicator->accept_restored(actor);
}

std::optional<keymgr::PeerState> KeydServer::Parts::peer_state() const {
  if (!replicator) return std::nullopt;
  return replicator->state();
}

// What the peer holds is told as serving takes it: nothing while it is copied to for the first time.
std::optional<keymgr::recoverability::PeerFacts> KeydServer::Parts::peer_facts() const {
  if (!replicator) return std::nullopt;
  const auto state = replicator->state();
  return keymgr::recoverability::PeerFacts{state.name, config.peer->id, replicator->acknowledged_commit(),
                                           state.last_success, state.in_step};
}

std::int64_t KeydServer::Parts::open_conflicts() const {
  std::int64_t count = 0;
  const Status read = store.keystore->read([&](store::Reader& reader) -> Status {
    count = TRY(manager->conflicts().open_count(reader));
    return {};
  });
  return read ? count : 0;
}

std::vector<std::string> KeydServer::Parts::warnings() const {
  std::vector<std::string> out = start_warnings;
  if (config.kmip) {
    const Status group = store.keystore->read([&](store::Reader& reader) {
      return kmip::check_key_group(reader, *manager, config.kmip->key_group);
    });
    if (!group) out.push_back(group.error().text());
  }
  if (old_servers) std::ranges::copy(old_servers->warnings(), std::back_inserter(out));
  if (sweeper) std::ranges::copy(sweeper->findings(), std::back_inserter(out));
  if (certificates) std::ranges::copy(certificates->warnings(), std::back_inserter(out));
  if (crypto::secrets_not_locked() > 0) out.emplace_back(kSecretsNotLocked);
  if (const std::string text = store.audit->health().text; !text.empty()) out.push_back(text);
  if (const Status keystore = store.keystore->health(); !keystore) out.push_back(keystore.error().text());
  if (const std::string& fault = rotation->state().fault; !fault.empty()) {
    out.push_back("the rotation of the master key does not come to its end: " + fault);
  }
  if (anchors) std::ranges::copy(anchors->warnings(), std::back_inserter(out));
  if (backups) std::ranges::copy(backups->warnings(), std::back_inserter(out));
  if (recoverability) std::ranges::copy(recoverability->service().warnings(), std::back_inserter(out));
  if (!replicator) {
    out.emplace_back("no peer is configured: a lost machine is a lost keystore until there is a backup");
  } else if (const auto peer = replicator->state(); !peer.in_step) {
    out.push_back("the peer " + peer.name + " is not in step: " + peer.last_error);
  }
  if (comparer) add_comparison_warnings(out);
  if (replicator) {
    if (const auto peer = replicator->state(); peer.refused > 0) {
      out.push_back("the peer " + peer.name + " refused " + std::to_string(peer.refused) +
                    " rows, which exist here alone: " + peer.last_refusal);
    }
  }
  if (const auto conflicts = open_conflicts(); conflicts > 0) {
    out.push_back(std::to_string(conflicts) + " conflicts between the servers wait to be looked at: see " +
                  "`tapewarden server conflicts`");
  }
  return out;
}

void KeydServer::Parts::add_comparison_warnings(std::vector<std::string>& out) const {
  const auto state = comparer->state();
  if (replicator->state().copying_again == keymgr::CopyAgain::kRewrite) {
    out.push_back("this server is being rewritten with what the peer has, and sends it nothing until then" +
                  (state.last_error.empty() ? std::string() : ": " + state.last_error));
  }
  if (!state.last || state.last->agrees()) return;
  const std::string when = format_utc(state.last->ended);
  if (!state.last->error.empty()) {
    out.push_back("the comparison of " + when + " did not come to its end: " + state.last->error);
    return;
  }
  std::string text = "the comparison of " + when + " with the peer: " + state.last->result();
  if (state.last->differences > 0) {
    text +=
        "; see `tapewarden server comparison`, and `tapewarden server sync --mode merge` at the server "
        "that lacks rows";
  }
  out.push_back(std::move(text));
}

void KeydServer::Parts::audit_refusal(const dkx::ServerPeer& peer, std::string action,
                                      const dkx::Refusal& refusal, std::uint64_t repeated,
                                      std::function<void(Status)> done) {
  store.keystore->submit(
      [this, peer_name = peer.name, address = peer.address, action = std::move(action), refusal,
       repeated](store::Transaction& transaction) -> Status {
        keymgr::AuditNote note;
        note.type = keymgr::AuditType::kAuthentication;
        note.action = action;
        note.actor = {peer_name, keymgr::ActorKind::kDevice};
        note.success = false;
        note.fields = {{"code", eedk::to_string(refusal.code)},
                       {"field", refusal.field},
                       {"reason", refusal.message},
                       {"address", address}};
        if (repeated > 0) note.fields.emplace_back("repeated", std::to_string(repeated));
        keymgr::note(transaction, manager->context(), note);
        return {};
      },
      [done = std::move(done)](Result<store::CommitInfo> written) {
        done(written ? Status{} : Status(std::unexpected(written.error())));
      });
}

dkx::ServerHealth KeydServer::Parts::health() const {
  if (const Status keystore = store.keystore->health(); !keystore) {
    return {dkx::ServerState::kNotServing, keystore.error().text()};
  }
  if (replicator && replicator->state().rolled_back) {
    return {dkx::ServerState::kReadsOnly, "the peer has seen later commits of this server than it holds"};
  }
  dkx::ServerHealth out{dkx::ServerState::kServing, {}};
  const std::uint64_t sequence = store.keystore->head().sequence;
  const Status read = store.keystore->read([&](store::Reader& reader) -> Status {
    out.head = dkx::ServerHead{static_cast<std::uint64_t>(TRY(keymgr::own_epoch(reader))), sequence};
    return {};
  });
  if (!read) return {dkx::ServerState::kNotServing, read.error().text()};
  return out;
}

KeydServer::KeydServer() : parts_(std::make_unique<Parts>()) {}
KeydServer::~KeydServer() {
  stop();
}

Result<std::unique_ptr<KeydServer>> KeydServer::start(Env env, const KeydConfig& config,
                                                      std::unique_ptr<store::MasterKeyFile> master,
                                                      std::vector<std::string> warnings) {
  std::unique_ptr<KeydServer> server(new KeydServer());
  Parts& parts = *server->parts_;
  parts.executor = std::make_unique<DrainingExecutor>(*env.executor);
  parts.env = env;
  parts.env.executor = parts.executor.get();
  parts.config = config;
  parts.start_warnings = std::move(warnings);
  TRY(parts.open(std::move(master)));
  parts.loop = std::make_unique<net::Loop>(config.threads == 0 ? 2 : config.threads);
  TRY(parts.connect_peer());
  if (config.kmip && !config.kmip->read_through.empty()) {
    parts.old_servers = TRY(OldKeyServers::open(parts.env, *parts.loop, config));
  }
  TRY(parts.start_anchors());
  TRY(parts.rotation->resume());
  parts.add_routes();
  TRY(parts.listen());
  parts.factory->poke();
  TRY(parts.backups->start());
  parts.recoverability->start();
  parts.sweeper =
      std::make_unique<Sweeper>(*parts.store.keystore, kFirstSweep, std::chrono::hours(config.sweep_hours),
                                [](const std::string& text) { log(LogLevel::kError, text); });
  return server;
}

std::uint16_t KeydServer::dkx_port() const {
  return parts_->dkx_server->port();
}
std::uint16_t KeydServer::kmip_port() const {
  return parts_->kmip_server ? parts_->kmip_server->port() : std::uint16_t{0};
}
std::uint16_t KeydServer::kmip_https_port() const {
  return parts_->kmip_https_server ? parts_->kmip_https_server->port() : std::uint16_t{0};
}
std::uint16_t KeydServer::https_port() const {
  return parts_->https_server->port();
}

// Exchanges and calls of the peer whose connection is gone already may still be under way: what they use must
// not be taken away from under them.
void KeydServer::Parts::finish_tasks() {
  const auto deadline = std::chrono::steady_clock::now() + kDrain;
  bool finished = false;
  while (!finished && std::chrono::steady_clock::now() < deadline) {
    finished = executor->wait_idle(kDrain) && (!service || service->counts().in_flight == 0);
    if (!finished) std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  if (!finished) log(LogLevel::kWarning, "stopping with requests under way");
}

void KeydServer::stop() {
  if (parts_ == nullptr || parts_->executor == nullptr) return;
  Parts& parts = *parts_;
  if (parts.old_servers) parts.old_servers->close();  // else clients would wait for it, and the end for them
  if (parts.dkx_server) parts.dkx_server->stop(kDrain);
  if (parts.kmip_server) parts.kmip_server->stop(kDrain);
  if (parts.kmip_https_server) parts.kmip_https_server->stop(kDrain);
  if (parts.https_server) parts.https_server->stop(kDrain);
  if (parts.old_servers) parts.old_servers->stop();
  parts.sweeper.reset();
  if (parts.recoverability) parts.recoverability->stop();
  if (parts.backups) parts.backups->stop();
  if (parts.comparer) parts.comparer->stop();
  if (parts.replicator) parts.replicator->stop();
  if (parts.rewrapper) parts.rewrapper->stop();
  if (parts.rotation) parts.rotation->stop();
  if (parts.factory) parts.factory->stop();
  parts.rest_workers.reset();  // ends when the calls under way have ended; they use the keystore
  parts.finish_tasks();
  parts.kmip.reset();
  parts.anchors.reset();
  parts.syslog.reset();
  // The keystore goes before what its last commits call: the replicator is its gate, and work of the
  // replicator's own may still wait for the writer. What it answers on closing are tasks again.
  parts.store.keystore.reset();
  parts.executor->wait_idle(kDrain);
  parts_.reset();
}

Result<std::string> check_keystore(Env env, const KeydConfig& config, const store::MasterKeys& master) {
  const auto parts = TRY(open_keystore(env, config, master));
  const auto faults = TRY(parts.keystore->verify());
  if (!faults.empty()) {
    std::string text = std::to_string(faults.size()) + " faults:";
    for (const auto& fault : faults) text += "\n  " + fault.table + " " + fault.key + ": " + fault.what;
    return fail(ErrorCode::kCorrupt, text, {}, "restore this server from its peer or from a backup");
  }
  const auto head = parts.keystore->head();
  return "whole: every row, the chain and the audit agree at commit " + std::to_string(head.sequence) +
         ", head " + to_hex(head.head);
}

namespace {

bool same_file_system(Disk& disk, const std::string& one, const std::string& other) {
  if (parent_directory(one) == parent_directory(other)) return true;
  const auto first = disk.file_system(one);
  const auto second = disk.file_system(other);
  return first && second && *first != 0 && *first == *second;
}

Result<std::string> credential_path(const std::string& name) {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");  // a path; systemd.exec(5), "Credentials"
  if (directory != nullptr && *directory != '\0') return std::string(directory) + "/" + name;
  return fail(ErrorCode::kNotFound, "no credentials were given to this program", "unlock.credential",
              "start it by a systemd unit with LoadCredential=" + name + ":PATH");
}

}  // namespace

Result<std::unique_ptr<store::MasterKeyFile>> unlock(Env env, const KeydConfig& config,
                                                     std::string& warning) {
  if (!config.credential.empty()) {
    const std::string path = TRY(credential_path(config.credential));
    return open_master_key(env, config.master_key_file, TRY(store::read_passphrase_file(*env.disk, path)));
  }
  if (config.passphrase_file.empty()) {
    return open_master_key(env, config.master_key_file,
                           TRY(ask_secret("passphrase of the master key", "unlock.passphrase_file")));
  }
  if (same_file_system(*env.disk, config.passphrase_file, config.master_key_file)) {
    warning =
        "the passphrase file lies on the same file system as the master key: whoever copies that has every "
        "key. Move it to another volume and name it in unlock.passphrase_file";
  }
  return open_master_key(env, config.master_key_file,
                         TRY(store::read_passphrase_file(*env.disk, config.passphrase_file)));
}

}  // namespace tapewarden::apps
