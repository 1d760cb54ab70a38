// The tape engine's work with tape, as a worker does it: mount, key exchange with a real key server, images,
// their commits in the catalogue, demount. Against the bare loop that reads, opens, seals, writes and syncs
// once at the end. What is read lies in the page cache for both; so rates are those of the processor and of
// writing. Volumes hold what does not compress.
#include <algorithm>

#include "apps/engine_operator.h"
#include "bare_file.h"
#include "engine_site.h"
#include "harness.h"
#include "scsi/cdb.h"

namespace tapewarden::bench {
namespace {

using engine::CatalogueChange;

constexpr std::uint64_t kMebibyte = 1U << 20;
constexpr std::uint64_t kVolumeBytes = 256 * kMebibyte;
constexpr std::size_t kVolumes = 4;
constexpr std::uint64_t kSmallBytes = kMebibyte;
constexpr std::size_t kSmallVolumes = 256;
constexpr std::uint64_t kReclaimedBytes = 128 * kMebibyte;
constexpr unsigned kRounds = 11;
constexpr unsigned kMounts = 100;
constexpr double kMigrateGoal = 0.8;
constexpr double kTapeGoal = 0.7;

double megabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}
unsigned mebibytes(std::uint64_t bytes) {
  return static_cast<unsigned>(bytes / kMebibyte);
}

// What the process came to use at most while `measure` ran; the part that was in use before is in it.
Figures with_memory(const std::string& name, const std::function<Figures()>& measure) {
  forget_peak();
  auto figures = measure();
  figures.push_back({name + "-memory", peak_megabytes(), "MB", {}, {}, Better::kLower});
  return figures;
}

void expect_copied(EngineSite& site, const EngineSite::Volsers& volsers) {
  for (const auto& volser : volsers)
    if (!site.volume(volser).active(engine::CopyNumber::kPrimary))
      throw std::runtime_error(volser + " was not copied");
}

Figures migrate() {
  EngineSite site;
  const auto volsers = site.make_volumes(kVolumes, kVolumeBytes);
  constexpr auto kBytes = kVolumes * kVolumeBytes;
  BareCopy bare(site.disk(), site.random(), site.folder(), kBytes, BareCopy::Earlier::kKept);
  return with_memory("engine-migrate", [&] {
    return compare_rates(
        "engine-migrate", "MB/s", kMigrateGoal, kRounds, mebibytes(kBytes),
        [&] {
          const double seconds = seconds_of([&] { site.work(); });
          expect_copied(site, volsers);
          return megabytes(kBytes) / seconds;
        },
        [&] { return megabytes(kBytes) / bare.seconds(); }, [&] { site.make_due(volsers); });
  });
}

// Each counts by itself, so the yardstick syncs each by itself.
Figures migrate_small() {
  EngineSite site;
  const auto volsers = site.make_volumes(kSmallVolumes, kSmallBytes);
  BareCopy bare(site.disk(), site.random(), site.folder(), kSmallVolumes * kSmallBytes,
                BareCopy::Earlier::kKept);
  return compare_rates(
      "engine-migrate-1-MiB", "volumes/s", {}, kRounds, kSmallVolumes,
      [&] {
        const double seconds = seconds_of([&] { site.work(); });
        expect_copied(site, volsers);
        return static_cast<double>(kSmallVolumes) / seconds;
      },
      [&] { return static_cast<double>(kSmallVolumes) / bare.seconds(kSmallBytes); },
      [&] { site.make_due(volsers); });
}

Figures recall() {
  EngineSite site;
  const auto volsers = site.make_volumes(kVolumes, kVolumeBytes);
  site.make_due(volsers);
  site.work();
  constexpr auto kBytes = kVolumes * kVolumeBytes;
  BareCopy bare(site.disk(), site.random(), site.folder(), kBytes, BareCopy::Earlier::kReplaced);
  return with_memory("engine-recall", [&] {
    return compare_rates(
        "engine-recall", "MB/s", kTapeGoal, kRounds, mebibytes(kBytes),
        [&] {
          const double seconds = seconds_of([&] { site.work(); });
          for (const auto& volser : volsers)
            if (!site.volume(volser).cached) throw std::runtime_error(volser + " did not come back");
          return megabytes(kBytes) / seconds;
        },
        [&] { return megabytes(kBytes) / bare.seconds(); },
        [&] {
          site.evict(volsers);
          site.ask(volsers);
        });
  });
}

// A cartridge on which every second volume is of now, which an operator wants moved.
std::string half_dead_cartridge(EngineSite& site, const EngineSite::Volsers& all,
                                const EngineSite::Volsers& dead) {
  site.make_due(all);
  site.work();
  expect_copied(site, all);
  const auto barcode = site.volume(all.front()).primary->cartridge;
  must(site.catalogue().change([&](CatalogueChange& change) -> Status {
    for (const auto& volser : dead) {
      auto volume = TRY(change.volume(volser));
      volume.primary.reset();
      TRY(change.put(volume));
    }
    auto cartridge = TRY(change.cartridge(barcode));
    cartridge.move = {.when = engine::MoveRequest::When::kNow, .target_pool = EngineSite::kOtherPool};
    return change.put(cartridge);
  }));
  return barcode;
}

Figures reclaim() {
  EngineSite site;
  const auto all = site.make_volumes(2 * kVolumes, kReclaimedBytes);
  EngineSite::Volsers kept, dead;
  for (std::size_t i = 0; i < all.size(); ++i) (i % 2 == 0 ? dead : kept).push_back(all[i]);
  constexpr auto kBytes = kVolumes * kReclaimedBytes;
  BareCopy bare(site.disk(), site.random(), site.folder(), kBytes, BareCopy::Earlier::kKept);
  std::string source;
  return with_memory("engine-reclaim", [&] {
    return compare_rates(
        "engine-reclaim", "MB/s", kTapeGoal, kRounds, mebibytes(kBytes),
        [&] {
          const double seconds = seconds_of([&] { site.work(); });
          for (const auto& volser : kept)
            if (site.volume(volser).primary->cartridge == source)
              throw std::runtime_error(volser + " was not moved");
          return megabytes(kBytes) / seconds;
        },
        [&] { return megabytes(kBytes) / bare.seconds(); },
        [&] { source = half_dead_cartridge(site, all, dead); });
  });
}

// Until the drive says that it is ready.
void wait_until_ready(tape::DriveBay& bay) {
  constexpr scsi::NexusId kHost{7};
  while (!bay.execute({.cdb = scsi::plain_cdb(scsi::Opcode::kTestUnitReady), .nexus = kHost}).good())
    std::this_thread::yield();
}

void move(tape::Library& library, std::uint16_t from, std::uint16_t to) {
  if (const auto moved = library.move(from, to); !moved)
    throw std::runtime_error("the changer: " + moved.error().text());
}

// What a small write, synced, costs on this disk: a mount is made of such.
double synced_write_milliseconds(EngineSite& site) {
  constexpr std::size_t kPage = 4096;
  const auto file = must(site.disk().open(site.folder() + "/synced", OpenMode::kCreateNew, 0600));
  const Bytes page(kPage, 1);
  std::vector<double> milliseconds;
  for (unsigned i = 0; i < kMounts; ++i)
    milliseconds.push_back(1000 * seconds_of([&] {
                             must(file->write_at(i * kPage, page));
                             must(file->sync());
                           }));
  return median(milliseconds);
}

// From the changer's command to the drive's GOOD, of a volume that gets a blank file.
Figures fast_ready_mount() {
  EngineSite site;
  auto& library = site.library();
  engine::LogicalVolume scratch;
  scratch.volser = "SCR001";
  scratch.volume = Uuid::random(site.random());
  must(site.catalogue().change([&](CatalogueChange& change) { return change.put(scratch); }));
  must(apps::LibraryShelf(library).put({{.volser = scratch.volser, .volume = scratch.volume}}));
  const auto slot = library.layout().storage.first;
  const auto drive = library.layout().data_transfer.first;
  std::vector<double> milliseconds;
  for (unsigned i = 0; i <= kMounts; ++i) {
    const double seconds = seconds_of([&] {
      move(library, slot, drive);
      wait_until_ready(*library.bays().front());
    });
    if (i > 0) milliseconds.push_back(seconds * 1000);
    move(library, drive, slot);
  }
  const double synced = synced_write_milliseconds(site);
  return {{"engine-fast-ready-mount-median", median(milliseconds), "ms", synced, {}, Better::kLower},
          {"engine-fast-ready-mount-p99", percentile(milliseconds, 99), "ms", {}, {}, Better::kLower}};
}

const Registrar kMigrate("engine-migrate", "volumes of the cache copied to an encrypted cartridge", migrate);
const Registrar kSmall("engine-migrate-small", "the same, with many small volumes", migrate_small);
const Registrar kRecall("engine-recall", "volumes brought back from an encrypted cartridge", recall);
const Registrar kReclaim("engine-reclaim", "a half-dead cartridge emptied onto another, both encrypted",
                         reclaim);
const Registrar kMount("engine-mount", "a host's mount of a scratch volume", fast_ready_mount);

}  // namespace
}  // namespace tapewarden::bench
