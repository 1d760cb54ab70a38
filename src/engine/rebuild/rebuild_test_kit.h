// A back end with cartridges that the tests write as the engine does, the catalogue of that time, and a new
// one to be filled. Not part of the library.
#pragma once

#include <numeric>

#include "engine/catalogue/catalogue_test_kit.h"
#include "engine/physical/physical_test_kit.h"
#include "engine/rebuild/file_catalogue_backup.h"
#include "engine/rebuild/rebuild.h"

namespace tapewarden::engine::test {

using engine::testing::Box;

// An image to be written.
struct Image {
  std::string volser;
  std::uint64_t generation = 1;
  std::uint8_t copy = 1;
  bool is_void = false;
  bool torn = false;  // no filemark: the last one on the cartridge
  std::vector<Tombstone> tombstones = {};
  std::string group = std::string(kDefaultConstruct);
  std::string management = std::string(kDefaultConstruct);
  std::size_t bytes = 300'000;
  std::int64_t later_ms = 0;  // than what has that generation was written
};

inline Bytes content_of(const std::string& volser, std::uint64_t generation, std::size_t bytes = 300'000) {
  const auto seed = std::accumulate(volser.begin(), volser.end(), generation * 7, std::plus<>());
  return content(bytes, static_cast<std::uint8_t>(seed));
}
inline Uuid uuid_of_volume(const std::string& volser) {
  Bytes bytes(16, 3);
  copy_bytes(bytes, as_bytes(volser));
  return Uuid::from(bytes);
}

struct Site {
  BackEnd back;
  Box live;
  Box fresh;
  std::uint8_t pool = 1;
  std::string backup_name = std::string(kFinalBackupName);
  Uuid engine = uuid_of(7);
  std::vector<RebuildProgress> progress;

  std::size_t drive_for(const std::string& barcode) const {
    return kind_of_barcode(barcode) == MediumKind::kLto ? BackEnd::kLtoDrive : BackEnd::k3592Drive;
  }
  ImageHeader header_of(const Image& image) const {
    auto header = sample_header(image.bytes);
    header.identity.volser = image.volser;
    header.identity.volume = uuid_of_volume(image.volser);
    header.identity.generation = image.generation;
    header.identity.copy = image.copy;
    header.storage_group = image.group;
    header.management_class = image.management;
    header.parts[0].name = image.volser;
    header.written =
        from_millis(1'789'500'000'000 + static_cast<std::int64_t>(image.generation) * 1000 + image.later_ms);
    return header;
  }
  std::optional<WrittenImage> write_one(MountedCartridge& cartridge, const Image& image) const {
    EXPECT_EQ(take(cartridge.begin_image(header_of(image))), ImageFit::kFits);
    EXPECT_EQ(take(cartridge.append(content_of(image.volser, image.generation, image.bytes))),
              ImageFit::kFits);
    if (image.torn) return {};
    return take(cartridge.finish_image({image.is_void, image.tombstones}));
  }
  // Begins the cartridge anew and writes the images; the live catalogue learns of those that are whole.
  std::vector<Copy> write(const std::string& barcode, std::uint64_t medium, TapeEncryption encryption,
                          const std::vector<Image>& images, bool with_backup = false) {
    auto trace = back.trace();
    back.sim.clock.advance(std::chrono::minutes(1));
    CartridgeLabel label{.engine = engine,
                         .barcode = barcode,
                         .medium = medium,
                         .pool = pool,
                         .created = back.sim.clock.wall_now()};
    const auto tape = take(back.stations[drive_for(barcode)]->mount_for_write_from_beginning(
        label, policy_of(encryption), trace));
    return fill(*tape, images, with_backup);
  }
  std::vector<Copy> append(const std::string& barcode, std::uint64_t medium, TapeEncryption encryption,
                           std::uint32_t next_file, const std::vector<Image>& images,
                           bool with_backup = false) {
    auto trace = back.trace();
    auto wanted = wanted_of(barcode, encryption, medium);
    wanted.engine = engine;
    const auto tape = take(back.stations[drive_for(barcode)]->mount_for_append(wanted, next_file, trace));
    return fill(*tape, images, with_backup);
  }
  std::vector<Copy> fill(MountedCartridge& tape, const std::vector<Image>& images, bool with_backup) {
    std::vector<Copy> copies;
    for (const auto& image : images) {
      const auto written = write_one(tape, image);
      if (written)
        copies.push_back({tape.label().barcode, tape.label().medium, written->file, written->block,
                          written->bytes, image.generation});
    }
    if (with_backup) write_backup(tape);
    (void)take(tape.demount());
    return copies;
  }
  // As the engine does behind the last image of a filled cartridge.
  void write_backup(MountedCartridge& tape) {
    auto env = live.env();
    env.clock = &back.sim.clock;
    back.sim.clock.advance(std::chrono::minutes(1));
    FileCatalogueBackup backup(env, *live, engine, live.folder());
    const auto path = take(backup.make());
    const auto bytes = take(read_file(*env.disk, path, 100U << 20));
    done(env.disk->remove(path));
    auto header = sample_header(bytes.size());
    header.identity = {.kind = ImageKind::kCatalogueBackup};
    header.written = back.sim.clock.wall_now();
    header.parts[0].name = backup_name;
    EXPECT_EQ(take(tape.begin_image(header)), ImageFit::kFits);
    EXPECT_EQ(take(tape.append(bytes)), ImageFit::kFits);
    EXPECT_TRUE(take(tape.finish_image({})));
  }

  // Of the live catalogue.
  void know_cartridge(const std::string& barcode, std::uint64_t medium, MediumEncryption encryption,
                      CartridgeState state = CartridgeState::kFilling) {
    PhysicalVolume cartridge;
    cartridge.barcode = barcode;
    cartridge.kind = kind_of_barcode(barcode);
    cartridge.pool = pool;
    cartridge.home_pool = 0;
    cartridge.borrowed = true;
    cartridge.state = state;
    cartridge.medium = medium;
    cartridge.encryption = encryption;
    if (encryption == MediumEncryption::kWrapped) cartridge.labels[0] = {"June 2026 key", LabelMode::kHash};
    if (encryption == MediumEncryption::kIdentified) cartridge.alias = "KEY000000001";
    cartridge.next_file = 1;
    EXPECT_TRUE(live.put(cartridge));
  }
  LogicalVolume known_volume(const std::string& volser, std::uint64_t generation) const {
    LogicalVolume volume;
    volume.volser = volser;
    volume.volume = uuid_of_volume(volser);
    volume.category = Category::kPrivate;
    volume.generation = generation;
    volume.capacity_bytes = 400'000'000;
    volume.stamp = Bytes(32, 5);
    volume.inserted = from_millis(1'789'000'000'000);
    volume.written = from_millis(1'789'500'000'000 + static_cast<std::int64_t>(generation) * 1000);
    volume.accessed = volume.written;
    return volume;
  }

  std::vector<RebuildStation> stations() {
    return {{back.library.get(), back.stations[BackEnd::kLtoDrive].get(), MediumKind::kLto},
            {back.library.get(), back.stations[BackEnd::k3592Drive].get(), MediumKind::k3592}};
  }
  std::unique_ptr<Rebuild> begin_rebuild(std::optional<Uuid> wanted = {}) {
    return take(
        Rebuild::begin(back.sim.env(), stations(),
                       {.folder = "rebuild",
                        .engine = wanted,
                        .default_capacity_bytes = 800'000'000,
                        .kind_of = {},
                        .progress = [this](const RebuildProgress& now) { progress.push_back(now); }}));
  }
  RebuildReport rebuild() {
    const auto work = begin_rebuild();
    done(work->examine_all());
    auto report = take(work->finish(*fresh, engine));
    fresh.expect_sound();
    return report;
  }
  // Every copy that the new catalogue calls active is on its cartridge.
  void expect_readable(const std::string& volser) {
    const auto volume = take(fresh->volume(volser));
    ASSERT_TRUE(volume.has_content()) << volser;
    for (const auto number : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
      if (!volume.active(number)) continue;
      const auto& copy = *volume.copy(number);
      const auto on = take(fresh->cartridge(copy.cartridge));
      const auto encryption = on.encryption == MediumEncryption::kClear     ? TapeEncryption::kClear
                              : on.encryption == MediumEncryption::kWrapped ? TapeEncryption::kWrapped
                                                                            : TapeEncryption::kIdentified;
      auto trace = back.trace();
      auto wanted = wanted_of(copy.cartridge, encryption, on.medium);
      wanted.engine = engine;
      const auto tape = take(back.stations[drive_for(copy.cartridge)]->mount_for_read(wanted, trace));
      const auto data = read_volume(*tape, copy.file);
      EXPECT_EQ(data, content_of(volser, volume.generation, data.size())) << volser;
      (void)take(tape->demount());
    }
  }
};

// "kind subject", sorted, of the findings of these kinds.
inline std::vector<std::string> subjects(const RebuildReport& report, FindingKind kind) {
  std::vector<std::string> out;
  for (const auto& finding : report.findings)
    if (finding.kind == kind) out.push_back(finding.subject);
  std::ranges::sort(out);
  return out;
}

}  // namespace tapewarden::engine::test
