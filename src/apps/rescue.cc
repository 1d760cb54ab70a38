// tapewarden-rescue: reads a cartridge with a KEK, a backup or a key server's folder, and no server.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "apps/rescue_sources.h"
#include "base/real_env.h"
#include "base/text.h"
#include "crypto/random.h"
#include "crypto/self_test.h"
#include "eedk/data_key_identifier.h"
#include "rescue/copy_out.h"

namespace tapewarden::apps {
namespace {

constexpr std::size_t kSecureHeapBytes = 16U << 20;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitWrongKey = 4;
constexpr int kExitDamaged = 6;

int report(const Error& error) {
  std::fprintf(stderr, "tapewarden-rescue: %s\n", error.text().c_str());
  if (error.code == ErrorCode::kCorrupt) return kExitDamaged;
  if (error.code == ErrorCode::kWrongKey) return kExitWrongKey;
  return error.code == ErrorCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

void warn(const Error& error) {
  std::fprintf(stderr, "tapewarden-rescue: warning: %s\n", error.text().c_str());
}

void describe(const rescue::KeyWanted& wanted) {
  std::printf("cartridge %s, volume %s\n", wanted.volser.c_str(), wanted.volume.text().c_str());
  if (!wanted.encrypted()) {
    std::printf("  no block on it is encrypted: no key is needed\n");
    return;
  }
  for (const auto& value : wanted.check_values) std::printf("  key check value %s\n", to_hex(value).c_str());
  if (wanted.key_areas_lost) {
    std::printf("  all copies of its key area are lost: only a backup or a key server's folder can help\n");
  }
  if (const auto dki = eedk::DataKeyIdentifier::from_tape(wanted.akad)) {
    const auto alias = dki->alias();
    std::printf("  identified-key method: data key %s (DKi %s)\n",
                alias ? alias->c_str() : "of another system", dki->hex().c_str());
  }
  for (const auto& eedk : wanted.eedks) {
    std::printf("  wrapped-key method: an EEDK for the KEK %s\n",
                escape_unprintable(to_string(eedk.label)).c_str());
  }
}

Result<std::vector<rescue::FoundKey>> find_keys(Env env, const RescueOptions& options,
                                                const rescue::KeyWanted& wanted) {
  if (!wanted.encrypted()) return std::vector<rescue::FoundKey>{};
  const auto sources = TRY(rescue_sources(env, options));
  if (sources.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "the cartridge is encrypted, and no place to look for its key is named", "kek",
                "give --kek, --backup or --server");
  }
  std::vector<rescue::FoundKey> out;
  std::optional<Error> trouble;
  for (const auto& source : sources) {
    auto found = source->find(wanted);
    if (!found) {
      if (trouble) warn(*trouble);
      trouble = found.error();
      continue;
    }
    for (auto& key : *found) out.push_back(std::move(key));
  }
  if (out.empty() && trouble) return std::unexpected(*trouble);
  if (trouble) warn(*trouble);
  if (!out.empty()) return out;
  return fail(ErrorCode::kWrongKey, "none of the places named holds the key of this cartridge", "kek",
              "`tapewarden-rescue show` says which key it wants");
}

int show(Env env, const std::string& file) {
  const auto cartridge = tape::Cartridge::open(env, file, tape::CartridgeMode::kRead);
  if (!cartridge) return report(cartridge.error());
  describe(rescue::wanted_by(**cartridge));
  return 0;
}

int read(Env env, const std::string& file, const std::string& to, const RescueOptions& options) {
  const auto cartridge = tape::Cartridge::open(env, file, tape::CartridgeMode::kRead);
  if (!cartridge) return report(cartridge.error());
  const auto wanted = rescue::wanted_by(**cartridge);
  auto keys = find_keys(env, options, wanted);
  if (!keys) return report(keys.error());
  for (const auto& key : *keys) std::printf("key: %s\n", escape_unprintable(key.where).c_str());
  rescue::CopyOptions copy;
  copy.directory = to;
  copy.keys = std::move(*keys);
  copy.progress = [](std::uint64_t bytes) {
    std::fprintf(stderr, "%llu MB\n", static_cast<unsigned long long>(bytes / 1'000'000));
  };
  const auto copied = rescue::copy_out(env, **cartridge, copy);
  if (!copied) return report(copied.error());
  std::printf("%llu files, %llu blocks, %llu bytes\n", static_cast<unsigned long long>(copied->files),
              static_cast<unsigned long long>(copied->blocks),
              static_cast<unsigned long long>(copied->bytes));
  for (const auto& path : copied->written) std::printf("  %s\n", path.c_str());
  for (const auto& fault : copied->faults) std::fprintf(stderr, "fault: %s\n", fault.c_str());
  if (copied->ended_early) std::fprintf(stderr, "fault: the rest of the tape could not be read\n");
  return copied->faults.empty() && !copied->ended_early ? 0 : kExitDamaged;
}

void add_places(CLI::App& command, RescueOptions& options) {
  command.add_option("--kek", options.keks, "a KEK's private half: PEM or PKCS#12")->allow_extra_args(false);
  command.add_option("--kek-passphrase-file", options.kek_passphrase_file,
                     "of the KEKs' files; unless given: asked for when one is needed");
  command.add_option("--backup", options.backup.from, "folder with .twb files")->allow_extra_args(false);
  command.add_option("--backup-file", options.backup.file,
                     "the newest file to take; unless given: the newest there is");
  command.add_option("--backup-passphrase-file", options.backup.passphrase_file, "unless given: asked for");
  command.add_option("--recipient-key", options.backup.recipient_key,
                     "PEM: the private key of a recipient of the backup");
  command.add_option("--signer", options.backup.signer, "SHA-256 of the server's signing certificate");
  command.add_option("--ca", options.backup.authority, "PEM: the authority that issued it");
  command.add_option("--server", options.server,
                     "a key server's folder, or a copy of it; its server does not run");
  command.add_option("--server-passphrase-file", options.server_passphrase_file,
                     "of its master key (the recovery kit has it); unless given: asked for");
  command.add_option("--scratch", options.scratch,
                     "where a keystore is laid out, sealed, while it is searched; /tmp unless given");
}

int start(int argc, char** argv) {
  CLI::App app{"Reads a Tapewarden cartridge without a key server"};
  app.set_version_flag("--version", TAPEWARDEN_VERSION);
  app.require_subcommand(1);
  std::string file;
  std::string to;
  RescueOptions options;
  auto* show_command = app.add_subcommand("show", "Say which key a cartridge wants");
  show_command->add_option("FILE", file, "cartridge file")->required();
  auto* read_command = app.add_subcommand("read", "Write what stands on a cartridge into files");
  read_command->add_option("FILE", file, "cartridge file")->required();
  read_command->add_option("--to", to, "folder for the files")->required();
  add_places(*read_command, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  const std::string heap_warning = crypto::harden_process(kSecureHeapBytes);
  if (!heap_warning.empty()) std::fprintf(stderr, "tapewarden-rescue: warning: %s\n", heap_warning.c_str());
  if (const auto tested = crypto::run_self_test(); !tested) return report(tested.error());
  RealClock clock;
  RealDisk disk;
  crypto::SystemRandom random;
  ThreadPool pool{2};
  const Env env{&clock, &disk, &random, &pool};
  return show_command->parsed() ? show(env, file) : read(env, file, to, options);
}

}  // namespace
}  // namespace tapewarden::apps

int main(int argc, char** argv) {
  return tapewarden::apps::start(argc, argv);
}
