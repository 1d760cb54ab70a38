#include "cli/drive_bench.h"

#include "base/disk_space.h"
#include "base/nearest_words.h"
#include "base/text.h"
#include "keyproxy/engine/key_servers.h"

namespace tapewarden::cli {

namespace {

constexpr std::uint64_t kNexus = 1;

}  // namespace

// In the order of dependence; destroyed from the end.
struct DriveBench::Parts {
  Env env;
  std::unique_ptr<keyproxy::KeyServers> servers;
  std::unique_ptr<tape::Drive> drive;
  std::unique_ptr<tape::InProcessTransport> transport;
  std::unique_ptr<tape::TapeDrive> tape;
  std::optional<keyproxy::SetKey> unconfirmed;
};

DriveBench::DriveBench() : parts_(std::make_unique<Parts>()) {}
DriveBench::~DriveBench() = default;

Result<std::unique_ptr<DriveBench>> DriveBench::open(Env env, const keyproxy::EngineConfig& config,
                                                     const std::string& serial) {
  std::unique_ptr<DriveBench> bench(new DriveBench());
  Parts& parts = *bench->parts_;
  parts.env = env;
  if (!env.disk->exists(config.drives + "/" + serial + "/drive.txt")) {
    const auto there = env.disk->list(config.drives);
    return fail(ErrorCode::kNotFound, "this site has no virtual drive " + escape_unprintable(serial),
                "--drive",
                there && !there->empty() ? nearest_words(serial, *there)
                                         : "make one: tapewarden drive create --site DIR --serial SERIAL");
  }
  auto identity = tape::DriveIdentity::load(*env.disk, config.drives + "/" + serial);
  if (!identity) return in_context("drive " + serial, identity.error());
  parts.servers = TRY(keyproxy::KeyServers::connect(env, config));
  parts.servers->prefer_primary();
  tape::DriveOptions options;
  options.management = (*identity)->facts().kind == tape::MediumKind::kLto ? tape::KeyManagement::kApplication
                                                                           : tape::KeyManagement::kSystem;
  options.free_bytes = free_disk_bytes;
  parts.drive = std::make_unique<tape::Drive>(env, *identity, options, &parts.servers->exchange());
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
  return parts_->servers->proxy();
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
  if (!set_by_host()) return proxy().serve(*parts_->tape);
  auto key = TRY(proxy().set_key(*parts_->tape, intent, group));
  auto served = key.served;
  if (intent == keyproxy::HostIntent::kWriteFromBeginning) parts_->unconfirmed = std::move(key);
  return served;
}

std::optional<std::vector<std::uint64_t>> DriveBench::cut_off_files() {
  tape::Cartridge* cartridge = device().cartridge();
  if (cartridge == nullptr) return std::nullopt;
  return cartridge->cut_off_files();
}

Status DriveBench::clear_key() {
  return proxy().clear_key(*parts_->tape);
}

Status DriveBench::confirm() {
  if (!set_by_host()) return proxy().confirm(*parts_->tape);
  if (!parts_->unconfirmed) return {};
  TRY(proxy().confirm(*parts_->tape, *parts_->unconfirmed));
  parts_->unconfirmed.reset();
  return {};
}

}  // namespace tapewarden::cli
