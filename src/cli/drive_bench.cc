#include "cli/drive_bench.h"

#include "cli/key_link.h"
#include "keyproxy/dkx_drive_exchange.h"

namespace tapewarden::cli {

namespace {

constexpr std::uint64_t kNexus = 1;

}  // namespace

// In the order of dependence; destroyed from the end.
struct DriveBench::Parts {
  Env env;
  std::unique_ptr<KeyLink> link;
  keyproxy::DkxDriveExchange exchange;
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
  parts.link = TRY(KeyLink::open(env, config));
  tape::DriveOptions options;
  options.management = (*identity)->facts().kind == tape::MediumKind::kLto ? tape::KeyManagement::kApplication
                                                                           : tape::KeyManagement::kSystem;
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
  return parts_->link->proxy();
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
