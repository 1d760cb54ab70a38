// Random actions of hosts, operators, key servers, drives and the power, against a model that knows for each
// logical volume what its host wrote. Deterministic: a seed that fails replays.
//
// What must hold, whatever happens:
//  M1 A volume reads back exactly what was acknowledged as synced; of what was under way when the power went,
//     a beginning.
//  M2 Content of a volume is in the cache or on a readable cartridge (the catalogue's own check, and no
//     volume is missing).
//  M3 In a pool that encrypts nothing more is written in clear, on cartridges of whatever beginning.
//  M4 Every encrypted cartridge's key is served: each volume is recalled at the end of each round.
#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <iostream>
#include <set>

#include "model_world.h"

namespace tapewarden::engine::test {
namespace {

constexpr std::size_t kMountPatience = 200;  // rounds of work until a volume must have come

struct ModelVolume {
  HostTape content;     // what the host has acknowledged
  bool scratch = true;  // by the operator, or from the beginning
  bool gone = true;     // nothing is to be found: never written, or given up by a scratch mount
  bool unsure = false;  // cut off in its first write, with nothing of it there: scratch still, or written
  std::optional<std::size_t> drive;
  bool in_use = false;  // the drive was ready with it
};

class Model {
 public:
  Model(std::uint64_t seed, std::size_t steps) : world_(seed), random_(seed ^ 0x5eedU), left_(steps) {}

  void run() {
    constexpr std::size_t kRound = 1'500;
    set_up();
    while (left_ > 0 && !::testing::Test::HasFailure()) {
      for (std::size_t i = 0; i < kRound && left_ > 0 && !::testing::Test::HasFailure(); ++i, --left_) act();
      if (!::testing::Test::HasFailure()) settle_and_read();
    }
    std::cout << "actions:";
    for (const auto& [name, count] : counts_) std::cout << " " << name << " " << count;
    std::cout << "; keys brought " << world_.back.keys.served << ", cartridges filled " << world_.backup.made
              << "\n";
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_.below(limit); }
  bool chance(unsigned percent) { return below(100) < percent; }
  unsigned any_volume() { return static_cast<unsigned>(below(ModelWorld::kVolumes)); }

  void set_up() {
    for (const std::uint8_t pool : {std::uint8_t{1}, std::uint8_t{2}})
      world_.edit_pool(pool, [&](Pool& settings) {
        settings.reclaim.threshold_percent = 70;
        settings.reclaim_pool = pool;
      });
  }

  void act() {
    const auto dice = below(100);
    if (dice < 22) return mount_or_unmount();
    if (dice < 42) return write();
    if (dice < 50) return read();
    if (dice < 74) return work();
    if (dice < 80) return pass_time();
    if (dice < 84) return evict();
    if (dice < 89) return change_category();
    if (dice < 93) return change_settings();
    if (dice < 95) return move_cartridge();
    if (dice < 97) return key_servers();
    if (dice < 99) return drive_fault();
    power_loss();
  }
  void count(const std::string& what) { ++counts_[what]; }

  // Hosts.
  std::optional<unsigned> volume_in(std::size_t drive) {
    for (unsigned i = 0; i < ModelWorld::kVolumes; ++i)
      if (volumes_[i].drive == drive) return i;
    return std::nullopt;
  }
  void mount_or_unmount() {
    const auto drive = below(ModelWorld::kHostDrives);
    if (const auto inside = volume_in(drive)) return unmount(*inside);
    const auto index = any_volume();
    if (!volumes_[index].drive) mount(index, drive);
  }
  void mount(unsigned index, std::size_t drive) {
    count("mount");
    auto& volume = volumes_[index];
    ASSERT_TRUE(world_.move(ModelWorld::slot_of(index), ModelWorld::element_of(drive)))
        << ModelWorld::volser(index) << " " << notes();
    volume.drive = drive;
    look(index);
  }
  void unmount(unsigned index) {
    count("unmount");
    auto& volume = volumes_[index];
    look(index);
    const bool was_in_use = volume.in_use;
    ASSERT_TRUE(world_.move(ModelWorld::element_of(*volume.drive), ModelWorld::slot_of(index)));
    ASSERT_TRUE(world_.notes.empty()) << notes();
    volume.drive.reset();
    volume.in_use = false;
    if (was_in_use && !volume.content.empty()) volume.scratch = false;
    if (!volume.unsure) return;
    volume.unsure = false;
    const auto row = world_.volume(ModelWorld::volser(index));
    volume.scratch = row.category == Category::kScratch;
    volume.gone = !row.has_content();
  }
  // What the drive says; the model follows when a volume has come.
  void look(unsigned index) {
    auto& volume = volumes_[index];
    const auto state = world_.host_drives[*volume.drive]->state();
    ASSERT_TRUE(state) << ModelWorld::volser(index) << ": " << state.error().text();
    ASSERT_NE(*state, HostDrive::State::kEmpty) << ModelWorld::volser(index) << notes();
    if (*state != HostDrive::State::kReady || volume.in_use) return;
    volume.in_use = true;
    if (volume.scratch) {
      volume.content.clear();
      volume.gone = true;
    }
  }
  std::optional<unsigned> ready_volume() {
    const auto drive = below(ModelWorld::kHostDrives);
    const auto index = volume_in(drive);
    if (!index) return std::nullopt;
    look(*index);
    return volumes_[*index].in_use ? index : std::nullopt;
  }
  HostTape new_objects() {
    HostTape objects;
    const auto blocks = 1 + below(4);
    for (std::uint64_t i = 0; i < blocks; ++i) objects.push_back({++last_seed_, 16 + below(96U << 10)});
    objects.push_back({});
    return objects;
  }
  void write() {
    const auto index = ready_volume();
    if (!index) return;
    count("write");
    auto& volume = volumes_[*index];
    const bool append = !volume.content.empty() && volume.content.size() < 12 && chance(50);
    const auto objects = new_objects();
    const bool cut = chance(4);
    if (cut) world_.back.sim.disk.fail_after(below(40));
    std::size_t written = 0;
    const auto outcome = world_.host_drives[*volume.drive]->write(objects, append, written);
    HostTape base = append ? volume.content : HostTape();
    if (outcome) {
      base.insert(base.end(), objects.begin(), objects.end());
      volume.content = base;
      volume.gone = false;
    } else {
      ASSERT_TRUE(cut) << ModelWorld::volser(*index) << ": " << outcome.error().text();
    }
    if (!cut) return;
    count("power-loss-in-write");
    crash();
    if (::testing::Test::HasFailure() || outcome) return;
    // What is there now is what was, or a beginning of what was being written.
    std::vector<HostTape> possible{volume.content};
    for (std::size_t i = 0; i <= objects.size(); ++i) {
      possible.push_back(base);
      if (i < objects.size()) base.push_back(objects[i]);
    }
    wait_for(*index);
    if (::testing::Test::HasFailure()) return;
    const auto found = read_of(*index);
    if (!found) return;
    EXPECT_TRUE(std::ranges::find(possible, *found) != possible.end())
        << ModelWorld::volser(*index) << " has " << text_of(*found) << "instead of "
        << text_of(possible.front()) << "or a beginning of " << text_of(possible.back());
    volume.content = *found;
    volume.gone = volume.gone && found->empty();
    volume.unsure = volume.scratch && found->empty();
  }
  // Of a volume in a drive, when it is ready.
  std::optional<HostTape> read_of(unsigned index) {
    look(index);
    auto& volume = volumes_[index];
    if (!volume.in_use) {
      ADD_FAILURE() << ModelWorld::volser(index) << " was in the cache and in a drive before the power loss";
      return std::nullopt;
    }
    auto found = world_.host_drives[*volume.drive]->read();
    if (!found) {
      ADD_FAILURE() << ModelWorld::volser(index) << ": " << found.error().text();
      return std::nullopt;
    }
    return *std::move(found);
  }
  void read() {
    const auto index = ready_volume();
    if (!index) return;
    count("read");
    compare(*index);
  }
  void compare(unsigned index) {
    const auto found = read_of(index);
    if (!found) return;
    EXPECT_EQ(text_of(*found), text_of(volumes_[index].content)) << ModelWorld::volser(index);  // M1
  }

  // The engine.
  void work() {
    count("work");
    const bool cut = chance(6);
    if (cut) world_.back.sim.disk.fail_after(below(300));
    note_clear_cartridges();
    auto steps = 1 + below(4);
    while (steps-- > 0) {
      const auto did = world_.work->step();
      if (!did) {
        ASSERT_TRUE(cut) << did.error().text();
        break;
      }
      (void)world_.hosts->retry_waiting();
      if (!*did) break;
    }
    if (cut) {
      count("power-loss-in-work");
      crash();
    }
    check_clear_cartridges();
  }
  void pass_time() {
    count("time");
    constexpr std::uint64_t kSeconds = 6 * 3600;
    world_.back.sim.clock.advance(std::chrono::seconds(1 + below(kSeconds)));
  }
  void evict() {
    count("evict");
    const auto index = any_volume();
    if (volumes_[index].drive) return;
    (void)world_.evict(ModelWorld::volser(index));
  }

  // Operators.
  void change_category() {
    const auto index = any_volume();
    auto& volume = volumes_[index];
    if (volume.drive) return;
    count("category");
    if (!volume.scratch) {
      volume.scratch = true;
      world_.edit_volume(ModelWorld::volser(index), [&](LogicalVolume& row) {
        row.category = Category::kScratch;
        row.scratched = world_.back.sim.clock.wall_now();
      });
      return;
    }
    const bool has = world_.volume(ModelWorld::volser(index)).has_content();
    EXPECT_EQ(has, !volume.gone) << ModelWorld::volser(index);
    if (!has) return;
    volume.scratch = false;
    world_.edit_volume(ModelWorld::volser(index),
                       [](LogicalVolume& row) { row.category = Category::kPrivate; });
  }
  void change_settings() {
    count("settings");
    switch (below(4)) {
      case 0:
        return world_.edit_pool(static_cast<std::uint8_t>(1 + below(2)), [&](Pool& pool) {
          const bool on = pool.encryption == PoolEncryption::kOff;
          pool.encryption = on ? PoolEncryption::kIdentified : PoolEncryption::kOff;
          pool.key_group = on ? "GROUP" + std::to_string(below(3)) : "";
        });
      case 1: {
        auto group = default_storage_group();
        group.pool = static_cast<std::uint8_t>(1 + below(2));
        return world_.put(group);
      }
      case 2: {
        auto management = default_management_class();
        management.pool = static_cast<std::uint8_t>(below(3));
        return world_.put(management);
      }
      default:
        return world_.edit_pool(static_cast<std::uint8_t>(1 + below(2)), [&](Pool& pool) {
          pool.reclaim_pool = static_cast<std::uint8_t>(1 + below(2));
          pool.borrow = chance(50) ? Borrow::kBorrowAndReturn : Borrow::kBorrowAndKeep;
        });
    }
  }
  void move_cartridge() {
    count("move");
    const auto barcode = "A0000" + std::to_string(1 + below(6)) + "L9";
    const auto cartridge = world_.cartridge(barcode);
    if (cartridge.active_volumes == 0) return;
    world_.edit_cartridge(barcode, [&](PhysicalVolume& row) {
      if (row.state == CartridgeState::kFilling) row.state = CartridgeState::kClosed;
      row.move = {.when = MoveRequest::When::kNow, .target_pool = static_cast<std::uint8_t>(1 + below(2))};
    });
  }

  // The world.
  void key_servers() {
    count("keys");
    world_.back.keys.away = !world_.back.keys.away;
  }
  void drive_fault() {
    const auto drive = below(2);
    auto& meet = world_.back.to_drives[drive]->meet;
    if (meet) return mend_drive(drive);
    count("drive-fault");
    const auto number = static_cast<unsigned>(below(60));
    const auto opcode = chance(50) ? scsi::Opcode::kWrite6 : scsi::Opcode::kRead6;
    meet = fail_from(opcode, number, chance(50) ? codes::kInternalTargetFailure : codes::kPowerOn);
  }
  void mend_drive(std::size_t drive) {
    world_.back.to_drives[drive]->meet = nullptr;
    (void)world_.back.drives[drive]->probe();
  }
  void power_loss() {
    count("power-loss");
    crash();
  }
  void crash() {
    world_.crash();
    world_.back.keys.away = false;
    for (unsigned i = 0; i < ModelWorld::kVolumes; ++i) {
      auto& volume = volumes_[i];
      if (volume.in_use && !volume.content.empty()) volume.scratch = false;
      volume.in_use = false;
      if (volume.drive) look(i);
    }
  }

  Pool settings_of(std::uint8_t number) {
    Pool pool;
    done(world_.catalogue->read([&](CatalogueView& view) -> Status {
      pool = TRY(view.pool(number));
      return {};
    }));
    return pool;
  }
  // M3.
  void note_clear_cartridges() {
    clear_.clear();
    for (unsigned i = 1; i <= 6; ++i) {
      const auto cartridge = world_.cartridge("A0000" + std::to_string(i) + "L9");
      clear_[cartridge.barcode] = cartridge;
    }
    encrypting_.clear();
    for (const std::uint8_t pool : {std::uint8_t{1}, std::uint8_t{2}})
      if (settings_of(pool).encryption != PoolEncryption::kOff) encrypting_.insert(pool);
  }
  void check_clear_cartridges() {
    for (const auto& [barcode, before] : clear_) {
      const auto now = world_.cartridge(barcode);
      if (!encrypting_.contains(now.pool) || now.encryption != MediumEncryption::kClear) continue;
      EXPECT_EQ(now.medium, before.medium) << barcode << " was begun in clear in a pool that encrypts";
      EXPECT_EQ(now.written_bytes, before.written_bytes) << barcode << " was written on in clear";
    }
  }

  // All is well again: everything is done that can be, and every volume is read.
  void settle_and_read() {
    count("round");
    world_.back.keys.away = false;
    for (std::size_t drive = 0; drive < 2; ++drive) mend_drive(drive);
    world_.work->try_again();
    for (std::size_t drive = 0; drive < ModelWorld::kHostDrives; ++drive)
      if (const auto inside = volume_in(drive)) unmount(*inside);
    finish_work();
    if (std::getenv("TAPEWARDEN_MODEL_SHOW") != nullptr) show();
    check_catalogue();
    for (unsigned i = 0; i < ModelWorld::kVolumes && !::testing::Test::HasFailure(); ++i) {
      (void)world_.evict(ModelWorld::volser(i));
      if (volumes_[i].scratch) continue;
      read_at_last(i);
    }
    finish_work();
    check_catalogue();
  }
  void finish_work() {
    for (int i = 0; i < 3; ++i) {
      world_.back.sim.clock.advance(std::chrono::hours(2));
      world_.work->try_again();
      world_.steps();
    }
  }
  void read_at_last(unsigned index) {
    mount(index, 0);
    wait_for(index);
    if (!::testing::Test::HasFailure()) compare(index);  // M1, M4
    if (!::testing::Test::HasFailure()) unmount(index);
  }
  // Until the volume that was put into a drive has come, the key servers there and the drives whole.
  void wait_for(unsigned index) {
    world_.back.keys.away = false;
    for (std::size_t drive = 0; drive < 2; ++drive) mend_drive(drive);
    look(index);
    for (std::size_t i = 0; i < kMountPatience && !volumes_[index].in_use; ++i) {
      (void)take(world_.work->step());
      (void)world_.hosts->retry_waiting();
      world_.back.sim.clock.advance(std::chrono::minutes(1));
      look(index);
      if (::testing::Test::HasFailure()) return;
    }
    ASSERT_TRUE(volumes_[index].in_use) << ModelWorld::volser(index) << " does not come; " << state_text();
  }
  void check_catalogue() {
    world_.expect_sound();  // M2
    for (unsigned i = 0; i < ModelWorld::kVolumes; ++i) {
      const auto volume = world_.volume(ModelWorld::volser(i));
      EXPECT_NE(volume.residence(), Residence::kMissing) << volume.volser;
      if (volumes_[i].scratch) continue;
      ++counts_[std::string(to_string(volume.residence()))];
      EXPECT_TRUE(volume.has_content() && volume.category == Category::kPrivate) << volume.volser;
    }
  }
  void show() {
    std::cout << state_text() << "\n";
    for (unsigned i = 1; i <= 6; ++i) {
      const auto cartridge = world_.cartridge("A0000" + std::to_string(i) + "L9");
      std::cout << cartridge.barcode << " pool " << int{cartridge.pool} << " " << to_string(cartridge.state)
                << " " << to_string(cartridge.encryption) << " written " << cartridge.written_bytes
                << " active " << cartridge.active_bytes << " volumes " << cartridge.active_volumes << " "
                << cartridge.note << "\n";
    }
    for (unsigned i = 0; i < ModelWorld::kVolumes; ++i) {
      const auto volume = world_.volume(ModelWorld::volser(i));
      std::cout << volume.volser << " " << to_string(volume.category) << " " << to_string(volume.residence())
                << " bytes " << volume.cached_bytes << " due " << volume.primary_due << volume.secondary_due
                << " pools " << int{volume.primary_pool} << " " << int{volume.secondary_pool} << "\n";
    }
  }
  std::string notes() const {
    std::string text;
    for (const auto& note : world_.notes) text += note + "; ";
    return text;
  }
  std::string state_text() {
    std::string text;
    for (const auto& open : world_.interventions()) text += open + "; ";
    for (const auto& wanted : world_.desk->wanted()) text += "wanted " + wanted.volser + "; ";
    return text;
  }

  ModelWorld world_;
  tapewarden::testing::SimRandom random_;
  std::size_t left_;
  std::array<ModelVolume, ModelWorld::kVolumes> volumes_{};
  std::uint64_t last_seed_ = 0;
  std::map<std::string, std::size_t> counts_;
  std::map<std::string, PhysicalVolume> clear_;
  std::set<std::uint8_t> encrypting_;
};

std::size_t number_from(const char* variable, std::size_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// 100,000 actions in all; TAPEWARDEN_MODEL_STEPS and TAPEWARDEN_MODEL_SEED replay one run.
TEST(EngineModel, T5_NothingIsLostWhateverHappens) {
  const auto only = number_from("TAPEWARDEN_MODEL_SEED", 0);
  const auto steps = number_from("TAPEWARDEN_MODEL_STEPS", 10'000);
  const std::uint64_t first = only == 0 ? 1 : only;
  const std::uint64_t last = only == 0 ? 10 : only;
  for (auto seed = first; seed <= last && !HasFailure(); ++seed) {
    SCOPED_TRACE("TAPEWARDEN_MODEL_SEED=" + std::to_string(seed));
    std::cout << "seed " << seed << "\n";
    try {
      Model(seed, steps).run();
    } catch (const std::exception& fault) {
      ADD_FAILURE() << fault.what();
    }
  }
}

}  // namespace
}  // namespace tapewarden::engine::test
