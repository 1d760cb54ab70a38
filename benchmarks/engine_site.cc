#include "engine_site.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <regex>

#include "apps/log.h"
#include "base/disk_space.h"
#include "harness/process.h"

namespace tapewarden::bench {
namespace {

using engine::CatalogueChange;
using testing::Which;
namespace json = boost::json;

constexpr const char* kCartridges = "BEN001L9-BEN008L9";
constexpr unsigned kCartridgeCount = 8;
constexpr int kKeys = 64;
constexpr std::size_t kPieceBytes = 1U << 20;
constexpr std::size_t kMaximumSteps = 1000;

// The key servers' folder is to lie where everything else does.
std::unique_ptr<testing::TestSite> make_servers(const std::string& folder) {
  if (::setenv("TMPDIR", folder.c_str(), 1) != 0) throw std::runtime_error("TMPDIR cannot be set");
  auto servers = must(testing::TestSite::make());
  must(servers->start_both());
  return servers;
}

}  // namespace

EngineSite::EngineSite() : servers_(make_servers(folder_.path())) {
  must(apps::set_log_level("error"));
  configure();
  make_keys();
  open();
  encrypt_pools();
  add_cartridges();
}

EngineSite::~EngineSite() {
  (void)engine_->stop();
  (void)library_->power_off();
  library_.reset();
  engine_.reset();
}

void EngineSite::run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), testing::program("tapewarden"));
  arguments.insert(arguments.end(), {"--site", servers_->directory()});
  const auto result = must(testing::run_command(arguments, folder_ / "commands.log"));
  if (result.end.exit_code != 0) throw std::runtime_error(arguments[2] + ": " + result.output);
}

void EngineSite::configure() {
  const auto draft = must(testing::run_command(
      {testing::program("tapewarden"), "engine", "draft", "--drives", "2"}, folder_ / "draft.log"));
  std::ofstream(servers_->path("engine/taped.toml"), std::ios::app) << draft.output;
  run({"library", "init"});
  run({"engine", "init"});
  run({"engine", "enrol"});
  run({"engine", "add-cartridges", kCartridges, "--capacity", "1T"});
  static const std::regex kSerial("LTO (TW[0-9A-Z]{8})");
  auto& rest = servers_->rest(Which::kPrimary);
  for (auto drive = std::sregex_iterator(draft.output.begin(), draft.output.end(), kSerial);
       drive != std::sregex_iterator(); ++drive)
    (void)must(rest.post("/v1/drives/00" + (*drive)[1].str() + "/accept"));
}

void EngineSite::make_keys() {
  auto& rest = servers_->rest(Which::kPrimary);
  (void)must(rest.post("/v1/groups", json::object{{"name", kGroup}}));
  (void)must(rest.post("/v1/keys", json::object{{"count", kKeys}, {"group", kGroup}}));
  must(servers_->wait_in_step());
}

// As TapedServer::start() does it, but for iSCSI, REST and the workers.
void EngineSite::open() {
  const auto config = must(apps::read_taped_config(disk_, servers_->path("engine/taped.toml")));
  auto spec = config.library;
  spec.kept = true;
  auto folder = must(tape::LibraryFolder::open(env(), spec));
  engine_ = must(apps::TapedEngine::start(env(), config, folder->inventory()));
  library_ = must(tape::Library::open(
      std::move(folder), host_drives(spec), [](const std::string&) {}, &engine_->keeper()));
  const bool connected = testing::eventually([&] {
    return std::ranges::all_of(engine_->key_servers(),
                               [](const auto& server) { return server.connection == "up"; });
  });
  if (!connected) throw std::runtime_error("the engine is not connected to its key servers");
}

std::vector<std::shared_ptr<tape::DriveBay>> EngineSite::host_drives(const tape::LibrarySpec& spec) {
  std::vector<std::shared_ptr<tape::DriveBay>> bays;
  for (const auto& drive : spec.drives) {
    tape::DriveOptions options;
    options.management = drive.management;
    options.free_bytes = free_disk_bytes;
    bays.push_back(std::make_shared<tape::DriveBay>(std::make_unique<tape::Drive>(
        engine_->volume_env(), must(tape::DriveIdentity::load(disk_, spec.identities + "/" + drive.serial)),
        std::move(options))));
  }
  return bays;
}

void EngineSite::encrypt_pools() {
  must(catalogue().change([](CatalogueChange& change) -> Status {
    for (const auto number : {kPool, kOtherPool}) {
      auto pool = TRY(change.pool(number));
      pool.encryption = engine::PoolEncryption::kIdentified;
      pool.key_group = kGroup;
      TRY(change.put(pool));
    }
    return {};
  }));
}

void EngineSite::add_cartridges() {
  must(catalogue().change([&](CatalogueChange& change) -> Status {
    for (unsigned i = 1; i <= kCartridgeCount; ++i) {
      engine::PhysicalVolume cartridge;
      cartridge.barcode = "BEN00" + std::to_string(i) + "L9";
      cartridge.library = engine_->back_end().libraries().front()->name();
      TRY(change.put(cartridge));
    }
    return {};
  }));
}

template <typename Edit>
void EngineSite::edit(const Volsers& volsers, const Edit& edit) {
  must(catalogue().change([&](CatalogueChange& change) -> Status {
    for (const auto& volser : volsers) {
      auto volume = TRY(change.volume(volser));
      edit(volume);
      TRY(change.put(volume));
    }
    return {};
  }));
}

EngineSite::Volsers EngineSite::make_volumes(std::size_t count, std::uint64_t bytes) {
  Volsers volsers;
  auto& cached = engine_->cached();
  Bytes piece(kPieceBytes);
  random_.fill(piece);
  for (std::size_t i = 0; i < count; ++i) {
    engine::LogicalVolume volume;
    volume.volser = "V" + std::to_string(10'000 + made_++);
    volume.volume = Uuid::random(random_);
    must(catalogue().change([&](CatalogueChange& change) { return change.put(volume); }));
    const auto coming = must(cached.begin_arrival(volume.volser));
    {
      const auto file = must(cached.env().disk->open(coming.path, OpenMode::kCreateNew));
      for (std::uint64_t at = 0; at < bytes; at += kPieceBytes) must(file->write_at(at, piece));
      must(file->sync());
    }
    must(cached.finish_arrival(coming, [](CatalogueChange&, engine::LogicalVolume& settled) -> Status {
      settled.generation = 1;
      settled.category = engine::Category::kPrivate;
      return {};
    }));
    volsers.push_back(volume.volser);
  }
  return volsers;
}

void EngineSite::make_due(const Volsers& volsers) {
  edit(volsers, [](engine::LogicalVolume& volume) {
    volume.primary.reset();
    volume.primary_due = true;
    volume.primary_pool = kPool;
  });
}

void EngineSite::evict(const Volsers& volsers) {
  const auto left = must(
      engine_->cached().drop(volsers, [](CatalogueChange&, engine::LogicalVolume& volume) -> Result<bool> {
        return volume.may_leave_cache();
      }));
  if (left != volsers.size()) throw std::runtime_error("a volume does not leave the cache");
}

void EngineSite::ask(const Volsers& volsers) {
  for (const auto& volser : volsers) engine_->desk().ask(volser, engine::RecallReason::kHost, [](auto&) {});
}

void EngineSite::work() {
  std::size_t steps = 0;
  while (must(engine_->work().step()))
    if (++steps == kMaximumSteps) throw std::runtime_error("the work with tape does not end");
  const auto open = engine_->notices().open();
  if (!open.empty()) throw std::runtime_error(open.front().text);
}

engine::LogicalVolume EngineSite::volume(const std::string& volser) {
  return must(catalogue().volume(volser));
}

}  // namespace tapewarden::bench
