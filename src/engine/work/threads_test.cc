// One thread for each drive over one Work, as the program runs it: on the real clock and disk.
#include <atomic>
#include <thread>

#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

constexpr unsigned kVolumes = 24;
constexpr std::chrono::seconds kPatience{120};

class LockedKeys final : public DriveKeys {
 public:
  Result<KeyNames> serve(tape::TapeDrive& drive) override {
    const MutexLock lock(mutex_);
    return keys_.serve(drive);
  }
  Status confirm(tape::TapeDrive& drive, std::chrono::milliseconds patience) override {
    const MutexLock lock(mutex_);
    return keys_.confirm(drive, patience);
  }

 private:
  Mutex mutex_;
  FakeDriveKeys keys_;
};

// Two LTO drives and everything that they need, thread-safe throughout.
struct Plant {
  store::testing::TemporaryDirectory directory{store::testing::Storage::kMemory};
  store::testing::RealEnv real;
  LockedKeys keys;
  tape::test::FakeExchange exchange;
  tape::LibrarySpec spec = tape::test::small_spec();
  std::unique_ptr<tape::Library> robot;
  std::unique_ptr<tape::Changer> changer;
  std::unique_ptr<FaultyTransport> to_changer;
  std::vector<std::unique_ptr<FaultyTransport>> to_drives;
  std::unique_ptr<PhysicalLibrary> library;
  std::vector<std::unique_ptr<PhysicalDrive>> drives;
  std::vector<std::unique_ptr<TapeStation>> stations;
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<Notices> notices;
  OpenedCache opened;
  std::unique_ptr<CachedVolumes> cached;
  std::unique_ptr<VolumeDesk> desk;
  std::unique_ptr<Work> work;
  std::map<std::string, Bytes> contents;

  Plant() {
    spec.folder = directory.file("library");
    spec.identities = directory.file("drives");
    EXPECT_TRUE(take(tape::LibraryFolder::create(real.env(), spec)));
    auto folder = take(tape::LibraryFolder::open(real.env(), spec));
    BackEnd::add(*folder, "A00001L9-A00004L9", tape::MediumKind::kLto, 64U << 20, 0);
    folder.reset();
    open_library();
    catalogue = take(Catalogue::open(real.env(), {directory.file("catalogue.db"), uuid_of(7)},
                                     store::first_version(crypto::SecretBytes::copy_of(Bytes(32, 7)))));
    notices = std::make_unique<Notices>(*real.env().clock, nullptr);
    opened = take(open_cache(real.env(), *catalogue, *notices, directory.file("cache")));
    cached = std::make_unique<CachedVolumes>(real.env(), *catalogue, *opened.cache, *notices,
                                             CacheLimits{.bytes = 1ULL << 30});
    desk = std::make_unique<VolumeDesk>(nullptr);
    std::vector<WorkDrive> work_drives;
    for (const auto& station : stations) work_drives.push_back({station.get(), MediumKind::kLto});
    work = std::make_unique<Work>(WorkParts{real.env(), *catalogue, *cached, *desk, *notices}, work_drives,
                                  WorkOptions{.engine = uuid_of(7)});
  }
  void open_library() {
    std::vector<std::shared_ptr<tape::DriveBay>> bays;
    for (std::size_t i = 0; i < spec.drives.size(); ++i)
      bays.push_back(std::make_shared<tape::DriveBay>(std::make_unique<tape::Drive>(
          real.env(), tape::test::identity_of(i),
          tape::DriveOptions{.management = tape::KeyManagement::kSystem}, &exchange)));
    robot = take(tape::Library::open(take(tape::LibraryFolder::open(real.env(), spec)), bays));
    changer = std::make_unique<tape::Changer>(*robot, tape::ChangerOptions{.serial = "TWL0000001"});
    to_changer = std::make_unique<FaultyTransport>(*changer);
    std::vector<LibraryDrivePort> ports;
    for (const auto& bay : bays) {
      to_drives.push_back(std::make_unique<FaultyTransport>(*bay));
      ports.push_back({.serial = bay->serial()});
    }
    library = std::make_unique<PhysicalLibrary>("LIB1", *to_changer, std::move(ports));
    done(library->open());
    for (const std::size_t index : {BackEnd::kLtoDrive, BackEnd::kOtherLtoDrive}) {
      drives.push_back(std::make_unique<PhysicalDrive>(bays[index]->serial(), *to_drives[index]));
      done(drives.back()->probe());
      stations.push_back(std::make_unique<TapeStation>(
          *library, *drives.back(), keys, *real.env().clock,
          StationOptions{.pause = [](std::chrono::milliseconds) { std::this_thread::yield(); }}));
    }
  }
  void change(const std::function<Status(CatalogueChange&)>& work_of) { done(catalogue->change(work_of)); }
  void write(const std::string& volser, const Bytes& content, std::uint8_t pool) {
    change([&](CatalogueChange& change) -> Status {
      LogicalVolume volume;
      volume.volser = volser;
      volume.volume = Uuid::random(*real.env().random);
      return change.put(volume);
    });
    const auto coming = take(cached->begin_arrival(volser));
    {
      const auto file = take(cached->env().disk->open(coming.path, OpenMode::kCreateNew));
      done(file->write_at(0, content));
      done(file->sync());
    }
    done(cached->finish_arrival(coming, [&](CatalogueChange&, LogicalVolume& volume) -> Status {
      volume.generation = 1;
      volume.category = Category::kPrivate;
      volume.primary_due = true;
      volume.primary_pool = pool;
      return {};
    }));
    contents[volser] = content;
  }
  // A thread for each drive steps until `ready`, or patience ends.
  void run_until(const std::function<bool()>& ready) {
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < stations.size(); ++i)
      threads.emplace_back([&] {
        while (!stop) {
          const auto worked = work->step();
          EXPECT_TRUE(worked) << worked.error().text();
          if (!worked || !*worked) std::this_thread::yield();
        }
      });
    const auto until = std::chrono::steady_clock::now() + kPatience;
    bool is_ready = false;
    while (!(is_ready = ready()) && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    stop = true;
    for (auto& thread : threads) thread.join();
    ASSERT_TRUE(is_ready);
  }
  std::size_t count(const std::function<bool(const LogicalVolume&)>& which) {
    std::size_t found = 0;
    for (const auto& [volser, content] : contents) found += which(take(catalogue->volume(volser))) ? 1U : 0U;
    return found;
  }
};

TEST(Threads, T5_DrivesWorkSideBySideAndLoseNothing) {
  Plant plant;
  for (unsigned i = 1; i <= 4; ++i)
    plant.change([&](CatalogueChange& change) -> Status {
      PhysicalVolume cartridge;
      cartridge.barcode = "A0000" + std::to_string(i) + "L9";
      return change.put(cartridge);
    });
  plant.change([](CatalogueChange& change) -> Status {
    auto pool = TRY(change.pool(2));
    pool.encryption = PoolEncryption::kIdentified;
    pool.key_group = "POOL1";
    return change.put(pool);
  });
  for (unsigned i = 0; i < kVolumes; ++i)
    plant.write("VOL" + std::to_string(100 + i), volume_content(50'000 + i, static_cast<std::uint8_t>(i)),
                i % 2 == 0 ? 1 : 2);
  plant.run_until(
      [&] { return plant.count([](const LogicalVolume& one) { return !one.primary_due; }) == kVolumes; });

  std::set<std::pair<std::string, std::uint32_t>> places;
  std::vector<std::string> volsers;
  for (const auto& [volser, content] : plant.contents) {
    const auto volume = take(plant.catalogue->volume(volser));
    places.emplace(volume.primary->cartridge, volume.primary->file);
    volsers.push_back(volser);
  }
  EXPECT_EQ(places.size(), kVolumes) << "no two in one place";

  // Everything leaves the cache, is wanted back, and what is clear moves to the pool that encrypts meanwhile.
  EXPECT_EQ(take(plant.cached->drop(volsers,
                                    [](CatalogueChange&, LogicalVolume& volume) -> Result<bool> {
                                      return volume.may_leave_cache();
                                    })),
            kVolumes);
  plant.change([](CatalogueChange& change) -> Status {
    for (auto& cartridge : TRY(change.cartridges({.pool = 1}, {})).items) {
      cartridge.move = {.when = MoveRequest::When::kNow, .target_pool = 2};
      TRY(change.put(cartridge));
    }
    return {};
  });
  std::atomic<unsigned> told = 0;
  for (const auto& volser : volsers)
    plant.desk->ask(volser, RecallReason::kHost, [&](const Status& outcome) {
      EXPECT_TRUE(outcome);
      ++told;
    });
  plant.run_until([&] {
    if (told != kVolumes) return false;
    return plant.count([&](const LogicalVolume& one) {
      return take(plant.catalogue->cartridge(one.primary->cartridge)).pool == 2;
    }) == kVolumes;
  });
  for (const auto& [volser, content] : plant.contents) {
    const auto path = take(plant.cached->path_of(take(plant.catalogue->volume(volser))));
    EXPECT_EQ(take(read_file(*plant.cached->env().disk, path, 1U << 20)), content) << volser;
  }
  EXPECT_TRUE(plant.notices->open().empty());
  EXPECT_EQ(take(plant.catalogue->check()), std::vector<std::string>());
}

}  // namespace
}  // namespace tapewarden::engine::test
