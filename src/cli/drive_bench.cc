#include "cli/drive_bench.h"

#include <thread>

#include "base/nearest_words.h"
#include "base/text.h"
#include "cli/key_servers.h"

namespace tapewarden::cli {

namespace {

constexpr std::uint64_t kNexus = 1;

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
  std::unique_ptr<KeyServers> servers;
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
  if (!env.disk->exists(config.drives + "/" + serial + "/drive.txt")) {
    const auto there = env.disk->list(config.drives);
    return fail(ErrorCode::kNotFound, "this site has no virtual drive " + escape_unprintable(serial),
                "--drive",
                there && !there->empty() ? nearest_words(serial, *there)
                                         : "make one: tapewarden drive create --site DIR --serial SERIAL");
  }
  auto identity = tape::DriveIdentity::load(*env.disk, config.drives + "/" + serial);
  if (!identity) return in_context("drive " + serial, identity.error());
  parts.servers = TRY(KeyServers::connect(env, config));
  prefer_primary(parts.servers->client());
  tape::DriveOptions options;
  options.management = (*identity)->facts().kind == tape::MediumKind::kLto ? tape::KeyManagement::kApplication
                                                                           : tape::KeyManagement::kSystem;
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
  if (!set_by_host()) return parts_->servers->proxy().serve(*parts_->tape);
  auto key = TRY(parts_->servers->proxy().set_key(*parts_->tape, intent, group));
  auto served = key.served;
  if (intent == keyproxy::HostIntent::kWriteFromBeginning) parts_->unconfirmed = std::move(key);
  return served;
}

Status DriveBench::confirm() {
  if (!set_by_host()) return parts_->servers->proxy().confirm(*parts_->tape);
  if (!parts_->unconfirmed) return {};
  TRY(parts_->servers->proxy().confirm(*parts_->tape, *parts_->unconfirmed));
  parts_->unconfirmed.reset();
  return {};
}

}  // namespace tapewarden::cli
