#include "engine/outer_library.h"

#include <filesystem>
#include <fstream>

#include "apps/taped_config.h"
#include "harness/loopback.h"
#include "tape/library/library_folder.h"

namespace tapewarden::testing {
namespace {

constexpr std::chrono::seconds kStart{30};
constexpr auto kTarget = "iqn.2026-11.internal.tapewarden:outer";
// People of its own, in a copy of what the site made for the engine.
constexpr auto kPanel =
    "certificate = \"tls/server.crt\"\nkey = \"tls/server.key\"\nauthorities = \"tls/authorities.crt\"\n"
    "data = \"outer-data\"\nmaster_key = \"master.key\"\npassphrase_file = \"master-passphrase\"\n";

}  // namespace

Result<std::unique_ptr<OuterLibrary>> OuterLibrary::beside(TestSite& site, const std::string& barcodes) {
  const auto ports = free_ports(2);
  if (ports.size() != 2) return fail(ErrorCode::kIo, "no free ports");
  std::unique_ptr<OuterLibrary> made(new OuterLibrary(site));
  TRY(made->configure(ports[0], ports[1]));
  TRY(made->make_drive());
  TRY(made->make_cartridges(barcodes));
  made->panel_ = TRY(RestClient::make(site.loop(), site.disk(), ports[1], site.path("people/operator"),
                                      site.path("engine/tls/authorities.crt")));
  TRY(made->start());
  return made;
}

Status OuterLibrary::configure(std::uint16_t iscsi_port, std::uint16_t https_port) {
  std::ofstream(config_path()) << "[iscsi]\nport = " << iscsi_port << "\ntarget = \"" << kTarget << "\"\n"
                               << "[library]\nfolder = \"outer\"\nidentities = \"drives\"\n"
                               << "serial = \"TWOUTER\"\nslots = 10\n"
                               << "drives = [\"LTO " << kDrive << " system\"]\n"
                               << "key_servers = \"engine.toml\"\n"
                               << "[https]\nport = " << https_port << "\n"
                               << kPanel;
  const std::string url = "iscsi://127.0.0.1:" + std::to_string(iscsi_port) + "/" + kTarget;
  std::ofstream(site_.path("engine/taped.toml"), std::ios::app)
      << "[[engine.back_end]]\nkind = \"iscsi\"\nname = \"" << kName << "\"\nchanger = \"" << url << "/0\"\n"
      << "drives = [\"" << kDrive << " " << url << "/1\"]\n";
  std::error_code error;
  std::filesystem::copy(site_.path("engine/data"), site_.path("engine/outer-data"),
                        std::filesystem::copy_options::recursive, error);
  if (error) return fail(ErrorCode::kIo, error.message());
  return {};
}

Status OuterLibrary::make_drive() {
  const auto& folder = site_.directory();
  (void)TRY(tapewarden({"drive", "create", "--site", folder, "--kind", "LTO", "--serial", kDrive}));
  (void)TRY(tapewarden({"library", "enrol", "--site", folder, "--config", config_path()}));
  (void)TRY(site_.rest(Which::kPrimary).post("/v1/drives/00" + std::string(kDrive) + "/accept"));
  return {};
}

Status OuterLibrary::make_cartridges(const std::string& barcodes) {
  RealClock clock;
  const Env env{&clock, &site_.disk(), &site_.random(), nullptr};
  const auto read = TRY(apps::read_taped_config(site_.disk(), config_path()));
  (void)TRY(tape::LibraryFolder::create(env, read.library));
  (void)TRY(tapewarden({"library", "add-cartridges", barcodes, "--capacity", "1G", "--site",
                        site_.directory(), "--config", config_path()}));
  return {};
}

Result<std::string> OuterLibrary::tapewarden(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program("tapewarden"));
  const auto result = TRY(run_command(arguments, site_.path("outer-commands.log")));
  if (result.end.exit_code == 0) return result.output;
  return fail(ErrorCode::kInternal, arguments[1] + " " + arguments[2] + ": " + result.output);
}

Status OuterLibrary::start() {
  process_ = TRY(Process::start({program("tapewarden-taped"), "run", "--config", config_path()},
                                site_.path("outer.log")));
  if (eventually([&] { return output().find("ready: iSCSI") != std::string::npos; }, kStart)) return {};
  return fail(ErrorCode::kUnavailable, output());
}

void OuterLibrary::kill_hard() {
  if (process_) process_->kill();
}

Status OuterLibrary::power(const std::string& wanted) {
  (void)TRY(
      panel_->post("/v1/tape-drives/" + std::string(kDrive) + "/power", json::object{{"power", wanted}}));
  return {};
}

}  // namespace tapewarden::testing
