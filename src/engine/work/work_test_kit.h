// The work with tape over a virtual library, a real catalogue and a real cache on one simulated disk, for
// tests of this folder and of what stands on it. Not part of the library.
#pragma once

#include <gtest/gtest.h>

#include "engine/catalogue/limits.h"
#include "engine/physical/physical_test_kit.h"
#include "engine/residence/residence_test_kit.h"
#include "engine/work/work.h"

namespace tapewarden::engine::test {

using engine::testing::MixedDisk;

// Instead of an image of the catalogue.
class FakeBackup final : public CatalogueBackup {
 public:
  explicit FakeBackup(Disk& disk) : disk_(disk) {}
  Result<std::string> make() override {
    ++made;
    if (broken) return fail(broken_as, "no room for a backup");
    if (meanwhile) std::exchange(meanwhile, nullptr)();
    const std::string path = "backup-of-the-catalogue";
    const auto file = TRY(disk_.open(path, OpenMode::kCreate));
    TRY(file->write_at(0, volume_content(10'000, 99)));
    TRY(file->sync());
    return path;
  }
  unsigned made = 0;
  bool broken = false;
  ErrorCode broken_as = ErrorCode::kIo;
  std::function<void()> meanwhile{};  // called within the next one

 private:
  Disk& disk_;
};

struct WorkBenchOptions {
  std::uint64_t capacity = 64U << 20;  // of a cartridge
  std::uint64_t early_warning = 0;
  CacheLimits cache{.bytes = 1ULL << 30};
  std::size_t capable_drives = 0;
  bool early_backups = false;
  std::uint16_t slots = 8;  // of the library
  // Of the catalogue, instead of FakeBackup; made anew at each start.
  std::function<std::unique_ptr<CatalogueBackup>(Env, Catalogue&)> make_backup = {};
};

struct WorkBench {
  explicit WorkBench(WorkBenchOptions with = {})
      : options(with),
        back(tape::KeyManagement::kSystem, with.capacity, with.early_warning, false, with.slots) {
    start();
    add_scratch("A00001L9");
    add_scratch("A00002L9");
  }
  WorkBench(const WorkBench&) = delete;
  WorkBench& operator=(const WorkBench&) = delete;

  Env env() {
    Env out = back.sim.env();
    out.disk = &disk;
    return out;
  }
  void start() {
    catalogue = take(Catalogue::open(env(), {directory.file(catalogue_name), uuid_of(7)},
                                     store::first_version(crypto::SecretBytes::copy_of(Bytes(32, 7)))));
    notices = std::make_unique<Notices>(back.sim.clock, nullptr);
    opened = take(open_cache(env(), *catalogue, *notices, "cache"));
    cached =
        std::make_unique<CachedVolumes>(env(), *catalogue, *opened.cache, *notices, options.cache, *meter);
    desk = std::make_unique<VolumeDesk>([this] { ++woken; });
    if (options.make_backup) real_backup = options.make_backup(env(), *catalogue);
    start_work();
  }
  // With the drives as they are now, and as many of them.
  void start_work(std::vector<std::size_t> of = {BackEnd::kLtoDrive, BackEnd::kOtherLtoDrive,
                                                 BackEnd::k3592Drive}) {
    std::vector<WorkDrive> drives;
    for (const auto index : of)
      drives.push_back(
          {back.stations[index].get(), index == BackEnd::k3592Drive ? MediumKind::k3592 : MediumKind::kLto});
    work.reset();
    work = std::make_unique<Work>(WorkParts{.env = env(),
                                            .catalogue = *catalogue,
                                            .cached = *cached,
                                            .desk = *desk,
                                            .notices = *notices,
                                            .backup = real_backup ? real_backup.get() : &backup,
                                            .meter = meter},
                                  drives,
                                  WorkOptions{.engine = uuid_of(7),
                                              .capable_drives = options.capable_drives,
                                              .early_backups = options.early_backups});
  }
  void lose_power() {
    stop();
    back.stations.clear();
    back.drives.clear();
    back.library.reset();
    back.to_drives.clear();
    back.to_changer.reset();
    back.changer.reset();
    back.robot.reset();
    back.sim.disk.clear_faults();
    back.sim.disk.power_loss(&back.sim.random);
    back.start(tape::KeyManagement::kSystem, false);
    start();
  }
  void stop() {
    work.reset();
    desk.reset();
    cached.reset();
    opened = {};
    notices.reset();
    real_backup.reset();
    catalogue.reset();
  }

  template <typename... Values>
  void put(const Values&... values) {
    done(catalogue->change([&](CatalogueChange& change) -> Status {
      Status put;
      ((put = put ? change.put(values) : put), ...);
      return put;
    }));
  }
  void add_scratch(const std::string& barcode, std::uint8_t pool = kCommonPool,
                   MediumKind kind = MediumKind::kLto) {
    PhysicalVolume cartridge;
    cartridge.barcode = barcode;
    cartridge.kind = kind;
    cartridge.pool = pool;
    cartridge.home_pool = pool;
    put(cartridge);
  }
  template <typename Edit>
  void edit_pool(std::uint8_t number, const Edit& edit) {
    done(catalogue->change([&](CatalogueChange& change) -> Status {
      auto pool = TRY(change.pool(number));
      edit(pool);
      return change.put(pool);
    }));
  }
  template <typename Edit>
  void edit_volume(const std::string& volser, const Edit& edit) {
    done(catalogue->change([&](CatalogueChange& change) -> Status {
      auto volume = TRY(change.volume(volser));
      edit(volume);
      return change.put(volume);
    }));
  }
  template <typename Edit>
  void edit_cartridge(const std::string& barcode, const Edit& edit) {
    done(catalogue->change([&](CatalogueChange& change) -> Status {
      auto cartridge = TRY(change.cartridge(barcode));
      edit(cartridge);
      return change.put(cartridge);
    }));
  }
  void encrypt_pool(std::uint8_t number) {
    edit_pool(number, [](Pool& pool) {
      pool.encryption = PoolEncryption::kIdentified;
      pool.key_group = "POOL1";
    });
  }
  LogicalVolume volume(const std::string& volser) { return take(catalogue->volume(volser)); }
  PhysicalVolume cartridge(const std::string& barcode) { return take(catalogue->cartridge(barcode)); }

  // As when a host has written the volume and unmounted it.
  void write(const std::string& volser, const Bytes& content, std::uint8_t pool = 1,
             std::uint8_t second_pool = 0) {
    const auto settle = [&](LogicalVolume& volume) {
      ++volume.generation;
      volume.category = Category::kPrivate;
      volume.primary_due = true;
      volume.primary_pool = pool;
      volume.secondary_due = second_pool != 0;
      volume.secondary_pool = second_pool;
      volume.written = back.sim.clock.wall_now();
      volume.accessed = volume.written;
    };
    LogicalVolume known;
    done(catalogue->change([&](CatalogueChange& change) -> Status {
      if (auto found = TRY(change.find_volume(volser))) {
        known = *found;
        return {};
      }
      known.volser = volser;
      known.volume = Uuid::random(back.sim.random);
      return change.put(known);
    }));
    if (known.cached) {
      const auto file = take(cached->env().disk->open(take(cached->path_of(known)), OpenMode::kReadWrite));
      done(file->truncate(0));
      done(file->write_at(0, content));
      done(file->sync());
      edit_volume(volser, settle);
    } else {
      const auto coming = take(cached->begin_arrival(volser));
      {
        const auto file = take(cached->env().disk->open(coming.path, OpenMode::kCreateNew));
        done(file->write_at(0, content));
        done(file->sync());
      }
      done(cached->finish_arrival(coming, [&](CatalogueChange&, LogicalVolume& volume) -> Status {
        settle(volume);
        return {};
      }));
    }
    contents[volser] = content;
  }
  Bytes cached_content(const std::string& volser) {
    return take(read_file(*cached->env().disk, take(cached->path_of(volume(volser))), 1U << 28));
  }
  // Out of the cache, if the catalogue lets it go.
  std::size_t evict(const std::string& volser) {
    return take(cached->drop({volser}, [](CatalogueChange&, LogicalVolume& volume) -> Result<bool> {
      return volume.may_leave_cache();
    }));
  }
  void ask(const std::string& volser, RecallReason reason = RecallReason::kHost) {
    desk->ask(volser, reason, [this, volser](const Status& outcome) {
      told.push_back(volser + (outcome ? "" : " " + std::string(to_string(outcome.error().code))));
    });
  }
  // Until there is nothing to do now.
  std::size_t steps() {
    std::size_t count = 0;
    while (count < 1000 && take(work->step())) ++count;
    EXPECT_LT(count, 1000U) << "work without an end";
    return count;
  }
  // What was put off comes due.
  void wait_and_step(std::chrono::milliseconds time = std::chrono::minutes(30)) {
    back.sim.clock.advance(time);
    steps();
  }
  std::vector<std::string> interventions() {
    std::vector<std::string> out;
    for (const auto& notice : notices->open())
      out.push_back(std::string(code_of(notice.kind)) + " " + notice.subject);
    return out;
  }
  std::string open_texts() {
    std::string out;
    for (const auto& notice : notices->open()) out += notice.text + "; ";
    return out;
  }
  bool raised(NoticeKind kind, const std::string& subject) {
    for (const auto& notice : notices->open())
      if (notice.kind == kind && notice.subject == subject) return true;
    return false;
  }
  std::vector<std::string> messages() {
    std::vector<std::string> out;
    for (const auto& notice : notices->since(0))
      if (class_of(notice.kind) == NoticeClass::kHostMessage) out.push_back(notice.text);
    return out;
  }
  // Every volume that was written is there, byte for byte, when it is taken out of the cache and brought
  // back.
  void expect_everything_readable() {
    for (const auto& [volser, content] : contents) {
      (void)evict(volser);
      if (!volume(volser).cached) ask(volser);
    }
    steps();
    for (const auto& [volser, content] : contents) {
      if (volume(volser).cached) {
        EXPECT_EQ(cached_content(volser), content) << volser;
      } else {
        ADD_FAILURE() << volser << " did not come back: " << on(volser) << ", "
                      << ::testing::PrintToString(told) << ", " << open_texts();
      }
    }
    expect_sound();
  }
  void expect_sound() {
    const auto faults = catalogue->check();
    ASSERT_TRUE(faults) << faults.error().text();
    EXPECT_EQ(*faults, std::vector<std::string>());
  }
  std::string on(const std::string& volser, CopyNumber copy = CopyNumber::kPrimary) {
    const auto found = volume(volser);
    return found.active(copy) ? found.copy(copy)->cartridge + "/" + std::to_string(found.copy(copy)->file)
                              : "nowhere";
  }

  // All parts tell it from now on.
  void tell(Meter& to) {
    meter = &to;
    auto stations = back.options;
    stations.meter = meter;
    back.set_options(std::move(stations));
    stop();
    start();
  }

  const WorkBenchOptions options;
  Meter* meter = &no_meter();
  BackEnd back;
  store::testing::TemporaryDirectory directory{store::testing::Storage::kMemory};
  store::testing::RealEnv real;
  MixedDisk disk{*real.env().disk, back.sim.disk, directory.path()};
  FakeBackup backup{back.sim.disk};
  std::unique_ptr<CatalogueBackup> real_backup;
  std::string catalogue_name = "catalogue.db";
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<Notices> notices;
  OpenedCache opened;
  std::unique_ptr<CachedVolumes> cached;
  std::unique_ptr<VolumeDesk> desk;
  std::unique_ptr<Work> work;
  std::map<std::string, Bytes> contents;
  std::vector<std::string> told;
  unsigned woken = 0;
};

}  // namespace tapewarden::engine::test
