// Writing and reading encrypted cartridges, each against the bare loop that does only what must be done.
#include <filesystem>
#include <memory>
#include <string>

#include "bare_file.h"
#include "base/bytes.h"
#include "base/real_env.h"
#include "crypto/random.h"
#include "harness.h"
#include "support.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::bench {
namespace {

constexpr std::size_t kRecordBytes = BareFile::kRecordBytes;
constexpr std::uint64_t kRecords = 1024;  // 256 MiB a round
constexpr double kMegabytes = static_cast<double>(kRecordBytes) * static_cast<double>(kRecords) / 1e6;
constexpr unsigned kRounds = 5;

struct System {
  RealClock clock;
  RealDisk disk;
  crypto::SystemRandom random;
  Env env{.clock = &clock, .disk = &disk, .random = &random, .executor = nullptr};
};

// What does not compress, as the records of a host that compresses itself.
Bytes noise(System& system) {
  Bytes record(kRecordBytes);
  system.random.fill(record);
  return record;
}

tape::DataKeyHandle new_key(System& system) {
  return std::make_shared<const tape::DataKey>(crypto::random_secret(system.random, tape::kDataKeyBytes));
}

std::unique_ptr<tape::Cartridge> new_cartridge(System& system, const std::string& path,
                                               const tape::DataKeyHandle& key) {
  std::filesystem::remove(path);
  tape::CartridgeSpec spec;
  spec.volser = "BENCH0L9";
  spec.compression_level = 0;
  auto cartridge = must(tape::Cartridge::create(system.env, path, spec));
  tape::SessionSpec session;
  session.key = key;
  session.method = tape::KeyMethod::kIdentifiedKey;
  must(cartridge->set_write_session(session));
  cartridge->set_read_key(key);
  return cartridge;
}

double megabytes_a_second(const std::function<void()>& work) {
  return kMegabytes / seconds_of(work);
}

void copy_records(tape::Cartridge& from, tape::Cartridge& to) {
  must(from.rewind());
  Bytes buffer(kRecordBytes);
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    const auto record = must(from.read_record(buffer));
    must(to.write_record(record.data));
  }
  must(to.sync());
}

// From a sealed volume in the cache to an encrypted cartridge.
Figures migrate() {
  System system;
  const Folder folder;
  const auto record = noise(system);
  auto cached = new_cartridge(system, folder / "cached", new_key(system));
  BareFile bare_cached(system.disk, system.random, folder / "bare-cached");
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    must(cached->write_record(record));
    bare_cached.write(i, record);
  }
  must(cached->sync());
  bare_cached.sync();

  const auto pair = measure_in_turn(
      kRounds,
      [&] {
        const auto cartridge = new_cartridge(system, folder / "cartridge", new_key(system));
        return megabytes_a_second([&] { copy_records(*cached, *cartridge); });
      },
      [&] {
        BareFile bare(system.disk, system.random, folder / "bare");
        return megabytes_a_second([&] {
          Bytes buffer(kRecordBytes);
          for (std::uint64_t i = 0; i < kRecords; ++i) {
            bare_cached.read(i, buffer);
            bare.write(i, buffer);
          }
          bare.sync();
        });
      });
  return {{"cartridge-migrate", pair.value, "MB/s", pair.yardstick, 0.8}};
}

// Reading an encrypted cartridge from its beginning.
Figures recall() {
  System system;
  const Folder folder;
  const auto record = noise(system);
  auto cartridge = new_cartridge(system, folder / "cartridge", new_key(system));
  BareFile bare(system.disk, system.random, folder / "bare");
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    must(cartridge->write_record(record));
    bare.write(i, record);
  }
  must(cartridge->sync());
  bare.sync();
  Bytes buffer(kRecordBytes);
  const auto pair = measure_in_turn(
      kRounds,
      [&] {
        must(cartridge->rewind());
        return megabytes_a_second([&] {
          for (std::uint64_t i = 0; i < kRecords; ++i) must(cartridge->read_record(buffer));
        });
      },
      [&] {
        return megabytes_a_second([&] {
          for (std::uint64_t i = 0; i < kRecords; ++i) bare.read(i, buffer);
        });
      });
  return {{"cartridge-read", pair.value, "MB/s", pair.yardstick, 0.7}};
}

const Registrar kMigrate("cartridge-migrate", "a sealed volume copied to an encrypted cartridge, synced",
                         migrate);
const Registrar kRecall("cartridge-read", "an encrypted cartridge read from its beginning", recall);

}  // namespace
}  // namespace tapewarden::bench
