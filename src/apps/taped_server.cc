#include "apps/taped_server.h"

#include "apps/engine_operator.h"
#include "apps/log.h"
#include "apps/taped_admin.h"
#include "apps/taped_engine.h"
#include "apps/taped_keys.h"
#include "apps/taped_targets.h"
#include "base/disk_space.h"
#include "scsi/ram_disk.h"
#include "tape/device/reservation_file.h"
#include "tape/library/library.h"

namespace tapewarden::apps {
namespace {

constexpr std::chrono::milliseconds kDrain{5'000};

tape::DriveOptions named_as(const DrivesConfig& config, tape::MediumKind kind) {
  tape::DriveOptions options;
  if (!config.vendor.empty()) options.vendor = config.vendor;
  if (!config.product.empty()) options.product = config.product;
  if (!config.revision.empty()) options.revision = config.revision;
  if (kind == tape::MediumKind::kLto) options.density = config.density;
  return options;
}

// `volumes`: what opens the cartridges' files.
Result<std::vector<std::shared_ptr<tape::DriveBay>>> make_bays(Env env, Env volumes,
                                                               const TapedConfig& config, TapedKeys* keys) {
  const auto& spec = config.library;
  std::vector<std::shared_ptr<tape::DriveBay>> bays;
  for (const auto& drive : spec.drives) {
    auto identity = tape::DriveIdentity::load(*env.disk, spec.identities + "/" + drive.serial);
    if (!identity && identity.error().code == ErrorCode::kNotFound)
      return fail(ErrorCode::kNotFound, "drive " + drive.serial + " has no identity in " + spec.identities,
                  "library.drives", "make it: tapewarden library init");
    if (!identity) return in_context("drive " + drive.serial, identity.error());
    tape::DriveOptions options = named_as(config.drives, drive.kind);
    options.management = drive.management;
    const auto* partition = spec.partition_of_drive(drive.serial);
    options.library_serial = tape::changer_serial(spec, partition);
    if (partition != nullptr) options.partition = partition->name;
    options.free_bytes = free_disk_bytes;
    options.reservations =
        TRY(tape::ReservationFile::open(*env.disk, spec.folder + "/reservations/" + drive.serial));
    auto* exchange = keys == nullptr ? nullptr : &keys->exchange();
    bays.push_back(std::make_shared<tape::DriveBay>(
        std::make_unique<tape::Drive>(volumes, *std::move(identity), std::move(options), exchange), keys));
  }
  return bays;
}

std::string who(const iscsi::SessionInfo& session) {
  std::string text = session.initiator + " from " + session.remote_address;
  if (!session.chap_name.empty()) text += " as " + session.chap_name;
  return text;
}

iscsi::SessionEvents log_events() {
  return {.opened =
              [](const iscsi::SessionInfo& session) {
                log(session.target.empty() ? LogLevel::kDebug : LogLevel::kInfo,
                    "iSCSI session of " + who(session));
              },
          .closed =
              [](const iscsi::SessionInfo& session, const std::string& reason) {
                log(session.target.empty() ? LogLevel::kDebug : LogLevel::kInfo,
                    "end of the iSCSI session of " + who(session) + ": " + reason);
              },
          .refused =
              [](const std::string& address, const Error& reason) {
                log(LogLevel::kWarning, "iSCSI login from " + address + " refused: " + reason.text());
              }};
}

}  // namespace

// In the order of dependence; destroyed from the end.
struct TapedServer::Parts {
  std::unique_ptr<TapedKeys> keys;      // none: every drive is application-managed
  std::unique_ptr<TapedEngine> engine;  // none: cartridges are files of the library's folder
  std::unique_ptr<tape::Library> library;
  std::vector<std::unique_ptr<tape::PartitionRobot>> partitions;  // none: hosts see the library as one
  std::unique_ptr<iscsi::Server> server;
  std::vector<admin::ServedUnit> units;    // what operators are told of; counted where they are watched
  std::unique_ptr<EngineOperator> orders;  // with the engine
  std::unique_ptr<TapedAdmin> admin;       // none: no REST

  // Puts a unit behind a meter into the target.
  void serve(iscsi::TargetConfig& target, std::uint16_t lun, std::shared_ptr<scsi::LogicalUnit> unit,
             std::string what) {
    auto meter = std::make_shared<admin::UnitMeter>(std::move(unit));
    target.units.push_back({lun, meter});
    units.push_back({target.name, lun, std::move(what), meter});
  }
  Status start_admin(Env env, const TapedConfig& config);
};

Status TapedServer::Parts::start_admin(Env env, const TapedConfig& config) {
  if (!config.https) {
    log(LogLevel::kWarning,
        "no [https] is configured: the library can be managed only while this is stopped");
    return {};
  }
  AdminParts given{.library = *library,
                   .library_serial = config.library.changer.serial,
                   .units = units,
                   .sessions = [this] { return server->sessions(); },
                   .key_servers = {},
                   .warnings = {},
                   .engine = orders ? orders->services() : nullptr};
  if (keys)
    given.key_servers = [this] { return keys->servers(); };
  else if (engine)
    given.key_servers = [this] { return engine->key_servers(); };
  if (engine) given.warnings = [this] { return engine->warnings(); };
  admin = TRY(TapedAdmin::start(env, *config.https, std::move(given)));
  return {};
}

TapedServer::TapedServer() : parts_(std::make_unique<Parts>()) {}
TapedServer::~TapedServer() = default;

Result<std::unique_ptr<TapedServer>> TapedServer::start(Env env, const TapedConfig& config) {
  std::unique_ptr<TapedServer> taped(new TapedServer());
  auto& parts = *taped->parts_;
  iscsi::ServerConfig serving;
  serving.portals = {{.address = config.iscsi.address, .port = config.iscsi.port}};
  serving.unprotected_network = config.iscsi.unprotected_network;
  serving.limits.max_sessions = config.iscsi.max_sessions;
  serving.events = log_events();

  auto spec = config.library;
  spec.kept = config.engine.has_value();
  auto folder = TRY(tape::LibraryFolder::open(env, spec));
  if (!config.library.key_servers.empty())
    parts.keys = TRY(TapedKeys::connect(env, config.library.key_servers));
  if (config.engine) parts.engine = TRY(TapedEngine::start(env, config, folder->inventory()));
  const Env volumes = parts.engine ? parts.engine->volume_env() : env;
  parts.library = TRY(tape::Library::open(
      std::move(folder), TRY(make_bays(env, volumes, config, parts.keys.get())),
      [](const std::string& text) { log(LogLevel::kWarning, text); },
      parts.engine ? &parts.engine->keeper() : nullptr));
  const UnitSeat seat = [&parts](iscsi::TargetConfig& target, std::uint16_t lun,
                                 std::shared_ptr<scsi::LogicalUnit> unit, std::string what) {
    parts.serve(target, lun, std::move(unit), std::move(what));
  };
  auto made = TRY(make_targets(env, config, *parts.library, seat));
  parts.partitions = std::move(made.robots);
  serving.targets = std::move(made.targets);
  if (config.ram_disk) {
    iscsi::TargetConfig disk{.name = config.ram_disk->target, .alias = "Tapewarden RAM disk", .units = {}};
    disk.allowed_initiators = config.iscsi.initiators;
    disk.authentication = TRY(read_authentication(*env.disk, config.iscsi));
    parts.serve(disk, 0,
                std::make_shared<scsi::RamDisk>(config.ram_disk->blocks, config.library.changer.serial),
                "RAM disk");
    serving.targets.push_back(std::move(disk));
  }
  if (parts.engine) {
    parts.orders = std::make_unique<EngineOperator>(env, *parts.engine, *parts.library);
    parts.engine->serve(parts.library->bays());
  }
  auto server = iscsi::Server::start(std::move(serving), env);
  if (!server && server.error().field == "portals") {
    server.error().field = "iscsi.address";
    server.error().remedy =
        "listen on 127.0.0.1, or set iscsi.unprotected_network = true and run it inside IPsec or WireGuard";
  }
  parts.server = TRY(std::move(server));
  TRY(parts.start_admin(env, config));
  return taped;
}

std::uint16_t TapedServer::iscsi_port() const {
  return parts_->server->port();
}

std::uint16_t TapedServer::https_port() const {
  return parts_->admin ? parts_->admin->port() : std::uint16_t{0};
}

Status TapedServer::stop() {
  if (parts_->admin) parts_->admin->stop();
  if (!parts_->server->stop(kDrain)) log(LogLevel::kWarning, "iSCSI sessions were cut");
  const auto engine_off = parts_->engine ? parts_->engine->stop() : Status{};
  const auto library_off = parts_->library->power_off();
  return library_off ? engine_off : library_off;
}

}  // namespace tapewarden::apps
