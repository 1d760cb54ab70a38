// The engine's catalogue with a million logical volumes on ten thousand cartridges: opening it, mounting,
// searching, choosing what to reclaim, and the memory that it takes. TAPEWARDEN_BENCH_VOLUMES sets another
// number than 1,000,000; only that number has goals.
#include <cstdlib>
#include <functional>
#include <map>
#include <random>

#include "base/real_env.h"
#include "crypto/random.h"
#include "engine/catalogue/catalogue.h"
#include "engine/catalogue/tables.h"
#include "harness.h"
#include "store/loader.h"
#include "support.h"

namespace tapewarden::bench {
namespace {

using engine::CatalogueChange;
using engine::CatalogueView;

constexpr std::uint64_t kVolumes = 1'000'000;
constexpr std::uint64_t kVolumesOnCartridge = 100;
constexpr std::uint64_t kImageBytes = 2ULL << 30;
constexpr std::uint8_t kPools = 8;
constexpr unsigned kAsked = 500;  // of each question
constexpr double kGoalMilliseconds = 10;
constexpr double kGoalMegabytes = 500;

std::uint64_t volumes_wanted() {
  const char* text = std::getenv("TAPEWARDEN_BENCH_VOLUMES");
  return text == nullptr ? kVolumes : std::strtoull(text, nullptr, 10);
}

std::string numbered(char letter, std::uint64_t number) {
  std::string digits = std::to_string(number);
  return letter + std::string(7 - std::min<std::size_t>(7, digits.size()), '0') + digits;
}

// What an engine has after years: most volumes on tape, some of them also in the cache, many scratch, and
// cartridges of which more or less is active.
class Content {
 public:
  Content(store::KeystoreLoader& loader, std::uint64_t volumes, const Uuid& engine)
      : loader_(loader), volumes_(volumes), engine_(engine) {}

  void load() {
    std::vector<engine::PhysicalVolume> cartridges = make_cartridges();
    begin(engine::kVolumeTable);
    for (std::uint64_t i = 0; i < volumes_; ++i) {
      auto& on = cartridges[i / kVolumesOnCartridge];
      const auto volume = make_volume(i, on);
      if (volume.active(engine::CopyNumber::kPrimary)) {
        on.active_bytes += kImageBytes;
        on.active_volumes += 1;
      }
      add(engine::VolumeTotal::of(volume), volume_totals_);
      put(engine::kVolumeTable, engine::to_row(volume, pools_of(volume, on), {}));
    }
    begin(engine::kCartridgeTable);
    for (const auto& cartridge : cartridges) {
      add(engine::CartridgeTotal::of(cartridge), cartridge_totals_);
      put(engine::kCartridgeTable, engine::to_row(cartridge));
    }
    load_constructs();
  }

 private:
  std::vector<engine::PhysicalVolume> make_cartridges() {
    std::vector<engine::PhysicalVolume> cartridges(volumes_ / kVolumesOnCartridge + 1);
    for (std::size_t i = 0; i < cartridges.size(); ++i) {
      auto& one = cartridges[i];
      one.barcode = numbered('P', i);
      one.pool = static_cast<std::uint8_t>(1 + i % kPools);
      one.state = i % 10 == 9 ? engine::CartridgeState::kFilling : engine::CartridgeState::kFull;
      one.medium = 1;
      one.encryption = engine::MediumEncryption::kWrapped;
      one.labels[0].text = "KEK " + std::to_string(i % 50);
      one.written_bytes = kVolumesOnCartridge * kImageBytes;
      one.last_written = from_millis(1'600'000'000'000 + static_cast<std::int64_t>(i));
    }
    return cartridges;
  }

  engine::LogicalVolume make_volume(std::uint64_t i, const engine::PhysicalVolume& on) {
    engine::LogicalVolume volume;
    volume.volser = numbered('V', i);
    volume.volume = engine_;
    volume.category = i % 4 == 0 ? engine::Category::kScratch : engine::Category::kPrivate;
    volume.generation = 1 + i % 5;
    volume.stamp = Bytes(32, static_cast<std::uint8_t>(i));
    volume.capacity_bytes = kImageBytes;
    volume.preference = i % 3 == 0 ? 0 : 1;
    volume.written = volume.accessed = volume.scratched =
        from_millis(1'600'000'000'000 + static_cast<std::int64_t>(random_() % 100'000'000));
    const bool deleted = volume.category == engine::Category::kScratch && random_() % 100 < 20 + i / 100 % 80;
    if (deleted) volume.deleted_generation = volume.generation;
    volume.primary =
        engine::Copy{on.barcode, 1,           static_cast<std::uint32_t>(1 + i % kVolumesOnCartridge),
                     i * 8,      kImageBytes, volume.generation};
    return volume;
  }

  static engine::CopyPools pools_of(const engine::LogicalVolume& volume, const engine::PhysicalVolume& on) {
    engine::CopyPools pools;
    if (volume.active(engine::CopyNumber::kPrimary)) pools.primary = on.pool;
    return pools;
  }

  void load_constructs() {
    begin(engine::kPoolTable);
    for (engine::Pool pool : engine::default_pools()) {
      pool.reclaim.days_without_inactivation = 30;
      put(engine::kPoolTable, engine::to_row(pool));
    }
    begin(engine::kStorageGroupTable);
    put(engine::kStorageGroupTable, engine::to_row(engine::default_storage_group()));
    begin(engine::kManagementClassTable);
    put(engine::kManagementClassTable, engine::to_row(engine::default_management_class()));
    begin(engine::kVolumeTotalTable);
    for (const auto& [key, total] : volume_totals_) put(engine::kVolumeTotalTable, engine::to_row(total));
    begin(engine::kCartridgeTotalTable);
    for (const auto& [key, total] : cartridge_totals_)
      put(engine::kCartridgeTotalTable, engine::to_row(total));
  }

  template <typename Total, typename Totals>
  static void add(const Total& total, Totals& totals) {
    totals.try_emplace(total.key, Total{total.key, {}}).first->second.add(total.sums, 1);
  }

  void begin(const store::TableSpec& table) {
    std::vector<std::string> columns;
    for (const auto& column : table.columns) columns.emplace_back(column.name);
    (void)must(loader_.begin_table(table.name, columns));
    secrets_ = std::vector<crypto::SecretBytes>(columns.size());
  }
  void put(const store::TableSpec&, store::Row row) {
    must(loader_.put({std::move(row), 1, engine_, 1, false}, secrets_, true));
  }

  store::KeystoreLoader& loader_;
  std::uint64_t volumes_;
  Uuid engine_;
  std::vector<crypto::SecretBytes> secrets_;
  std::map<engine::VolumeTotal::Key, engine::VolumeTotal> volume_totals_;
  std::map<engine::CartridgeTotal::Key, engine::CartridgeTotal> cartridge_totals_;
  std::mt19937_64 random_{1};
};

class Site {
 public:
  explicit Site(std::uint64_t volumes) : volumes_(volumes) {
    store::KeystoreOptions options;
    options.path = path();
    options.server = kEngine;
    options.tables = engine::catalogue_tables();
    const auto loader = must(store::KeystoreLoader::create(env(), options, key()));
    Content(*loader, volumes, kEngine).load();
    store::CommitMark mark;
    mark.sequence = 1;
    must(loader->finish(mark));
    const auto heads = must(engine::HeadFile::open(disk_, path() + ".heads"));
    must(heads->append(mark, {}));
  }

  void open() {
    catalogue_ = must(engine::Catalogue::open(env(), {path(), kEngine}, store::first_version(key())));
  }
  engine::Catalogue& catalogue() { return *catalogue_; }
  std::string any_volser() { return numbered('V', random_() % volumes_); }
  std::string any_barcode() { return numbered('P', random_() % volumes_ / kVolumesOnCartridge); }
  Clock& clock() { return clock_; }

 private:
  inline static const Uuid kEngine = Uuid::from(Bytes(16, 3));
  static crypto::SecretBytes key() { return crypto::SecretBytes::copy_of(Bytes(32, 4)); }
  Env env() { return {&clock_, &disk_, &system_random_, &pool_}; }
  std::string path() const { return folder_ / "catalogue.db"; }

  std::uint64_t volumes_;
  Folder folder_;
  RealClock clock_;
  RealDisk disk_;
  crypto::SystemRandom system_random_;
  ThreadPool pool_{2};
  std::mt19937_64 random_{2};
  std::unique_ptr<engine::Catalogue> catalogue_;
};

// The row is read, and a commit says in which drive the volume is; the next one takes it out.
void mount(Site& site, const std::string& volser, const std::string& drive) {
  must(site.catalogue().change([&](CatalogueChange& change) -> Status {
    engine::LogicalVolume volume = TRY(change.volume(volser));
    volume.mounted = drive;
    volume.accessed = change.now();
    return change.put(volume);
  }));
}

template <typename Ask>
void ask(Site& site, const Ask& question) {
  must(site.catalogue().read([&](CatalogueView& view) -> Status {
    if (TRY(question(view)) == 0) return fail(ErrorCode::kNotFound, "a question found nothing");
    return {};
  }));
}

class Measured {
 public:
  explicit Measured(std::uint64_t volumes) : volumes_(volumes) {}

  void add(const std::string& what, double value, const std::string& unit, std::optional<double> goal) {
    Figure out;
    out.name = what + "-" + std::to_string(volumes_) + "-volumes";
    out.value = value;
    out.unit = unit;
    if (volumes_ == kVolumes) out.goal = goal;
    out.better = Better::kLower;
    figures_.push_back(std::move(out));
  }
  // Median and 99th percentile of what `work` takes. On a busy machine the latter is mostly waiting for a
  // processor.
  void time(const std::string& what, const std::function<void()>& work,
            std::optional<double> goal = kGoalMilliseconds) {
    std::vector<double> milliseconds;
    for (unsigned i = 0; i < kAsked; ++i) milliseconds.push_back(seconds_of(work) * 1000);
    add(what + "-median", median(milliseconds), "ms", std::nullopt);
    add(what + "-p99", percentile(std::move(milliseconds), 99), "ms", goal);
  }
  Figures take() { return std::move(figures_); }

 private:
  std::uint64_t volumes_;
  Figures figures_;
};

void measure_searches(Site& site, Measured& measured) {
  measured.time("volume-by-volser", [&] { must(site.catalogue().volume(site.any_volser())); });
  measured.time("page-of-a-category", [&] {
    ask(site, [&](CatalogueView& view) -> Result<std::size_t> {
      return TRY(view.volumes({.category = engine::Category::kPrivate}, {100, numbered('V', 1)}))
          .items.size();
    });
  });
  measured.time("page-of-a-pool", [&] {
    ask(site, [&](CatalogueView& view) -> Result<std::size_t> {
      return TRY(view.volumes({.pool = 3}, {100, site.any_volser()})).items.size() + 1;
    });
  });
  measured.time("volumes-on-a-cartridge", [&] {
    ask(site, [&](CatalogueView& view) -> Result<std::size_t> {
      return TRY(view.volumes_on(site.any_barcode(), 0, 100)).size();
    });
  });
  measured.time("cartridges-of-a-label", [&] {
    ask(site, [&](CatalogueView& view) -> Result<std::size_t> {
      return TRY(view.cartridges({.label = "KEK 7"}, {})).items.size();
    });
  });
  measured.time("next-scratch-volume", [&] {
    ask(site,
        [&](CatalogueView& view) -> Result<std::size_t> { return TRY(view.scratch_volumes(1)).size(); });
  });
  measured.time("totals", [&] {
    ask(site, [&](CatalogueView& view) -> Result<std::size_t> {
      return TRY(view.cartridge_totals()).size() + TRY(view.volume_totals()).size();
    });
  });
}

void measure_reclaim(Site& site, Measured& measured) {
  const auto next = [&] {
    must(site.catalogue().read([&](CatalogueView& view) -> Status {
      (void)TRY(view.reclaim_candidates(site.clock().wall_now(), 1));
      return {};
    }));
  };
  measured.time("next-reclaim", next);
  must(site.catalogue().change([](CatalogueChange& change) -> Status {
    for (engine::Pool pool : engine::default_pools()) {
      pool.reclaim = {.threshold_percent = 5, .days_without_inactivation = 365};
      TRY(change.put(pool));
    }
    return {};
  }));
  measured.time("next-reclaim-when-there-is-none", next);
}

// What a commit costs on this disk at the least: two files, each written and synced.
void measure_syncs(Measured& measured) {
  Folder folder;
  RealDisk disk;
  const auto first = must(disk.open(folder / "first", OpenMode::kCreateNew, 0600));
  const auto second = must(disk.open(folder / "second", OpenMode::kCreateNew, 0600));
  const Bytes page(4096, 1);
  std::uint64_t at = 0;
  measured.time(
      "two-synced-writes",
      [&] {
        must(first->write_at(at, page));
        must(first->sync());
        must(second->write_at(at, page));
        must(second->sync());
        at += page.size();
      },
      std::nullopt);
}

Figures catalogue_million() {
  const std::uint64_t volumes = volumes_wanted();
  Site site(volumes);
  Measured measured(volumes);
  measured.add("opening", seconds_of([&] { site.open(); }), "s", std::nullopt);
  measure_syncs(measured);
  measured.time("mount", [&] { mount(site, site.any_volser(), "DRIVE1"); });
  measure_searches(site, measured);
  measure_reclaim(site, measured);
  // Of the whole process, with what loading left behind.
  measured.add("memory", megabytes_in_use(), "MB", kGoalMegabytes);
  return measured.take();
}

const Registrar kCatalogue("catalogue", "the engine's catalogue with a million volumes", catalogue_million);

}  // namespace
}  // namespace tapewarden::bench
