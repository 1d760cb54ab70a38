#include "engine_model.h"

#include <gtest/gtest.h>
#include <iostream>
#include <numeric>

namespace tapewarden::engine::test {
namespace {

constexpr std::size_t kRound = 1'500;  // actions between two times of quiet

}  // namespace

const std::vector<EngineModel::Action>& EngineModel::actions() {
  using M = EngineModel;
  static const std::vector<Action> kActions{
      {220, &M::mount_or_unmount},
      {200, &M::write},
      {80, &M::read},
      {230, &M::work},
      {60, &M::pass_time},
      {30, &M::evict},
      {15, &M::recall},
      {45, &M::change_category},
      {5, &M::delete_expired_contents},
      {5, &M::withdraw_and_insert},
      {15, &M::change_constructs},
      {20, &M::change_pool},
      {15, &M::move_cartridge},
      {25, &M::change_cartridge},
      {6, &M::migrate_pool},
      {6, &M::spoil_second_copy},
      {3, &M::spoil_under_host},
      {6, &M::keep_or_write_on},
      {20, &M::key_servers},
      {20, &M::drive_fault},
      {8, &M::power_loss},
  };
  return kActions;
}

EngineModel::EngineModel(std::uint64_t seed, std::size_t steps, bool show)
    : world_(seed), random_(seed ^ 0x5eedU), left_(steps), show_(show) {}

void EngineModel::run() {
  set_up_pools();
  while (left_ > 0 && !failed()) {
    for (std::size_t i = 0; i < kRound && left_ > 0 && !failed(); ++i, --left_) act();
    if (!failed()) settle_and_read();
    if (!failed() && chance(50)) lose_catalogue();
  }
  if (failed()) std::cout << "with " << left_ << " steps to go\n";
  std::cout << "actions:";
  for (const auto& [name, count] : counts_) std::cout << " " << name << " " << count;
  std::cout << "; keys brought " << world_.back.keys.served << ", records sealed " << world_.seals.records()
            << " under " << world_.seals.keys() << " keys\n";
}

void EngineModel::act() {
  static const auto kAll = std::accumulate(actions().begin(), actions().end(), 0U,
                                           [](unsigned sum, const Action& one) { return sum + one.weight; });
  auto dice = below(kAll);
  for (const auto& action : actions()) {
    if (dice < action.weight) return (this->*action.run)();
    dice -= action.weight;
  }
}

// The engine's workers.
void EngineModel::work() {
  count("work");
  const bool cut = chance(6);
  if (cut) world_.back.sim.disk.fail_after(below(300));
  work_steps(1 + below(4), cut);
  if (!cut) return;
  count("power-loss-in-work");
  crash();
}

void EngineModel::work_steps(std::size_t steps, bool cut) {
  note_clear_cartridges();
  for (; steps > 0 && !failed(); --steps) {
    const auto did = world_.work->step();
    if (!did && cut) break;
    ASSERT_TRUE(did) << did.error().text();
    (void)world_.hosts->retry_waiting();
    note_bad_copies(cut);
    if (!*did) break;
  }
  if (!cut) {
    const auto advanced = world_.migrations().advance();
    ASSERT_TRUE(advanced) << advanced.error().text();
  } else {
    world_.back.sim.disk.clear_faults();  // what was written until then may be looked at
    note_bad_copies(cut);
  }
  check_clear_cartridges();
}

void EngineModel::pass_time() {
  count("time");
  constexpr std::uint64_t kSeconds = 6 * 3600;
  world_.back.sim.clock.advance(std::chrono::seconds(1 + below(kSeconds)));
}

// The world.
void EngineModel::key_servers() {
  count("keys");
  world_.back.keys.away = !world_.back.keys.away;
}

void EngineModel::drive_fault() {
  const auto drive = below(world_.back.to_drives.size());
  auto& meet = world_.back.to_drives[drive]->meet;
  if (meet) return mend_drive(drive);
  count("drive-fault");
  const auto number = static_cast<unsigned>(below(60));
  const auto opcode = chance(50) ? scsi::Opcode::kWrite6 : scsi::Opcode::kRead6;
  meet = fail_from(opcode, number, chance(50) ? codes::kInternalTargetFailure : codes::kPowerOn);
}

void EngineModel::mend_drive(std::size_t drive) {
  world_.back.to_drives[drive]->meet = nullptr;
  (void)world_.back.drives[drive]->probe();
}

void EngineModel::power_loss() {
  count("power-loss");
  crash();
}

void EngineModel::crash() {
  world_.crash();
  world_.back.keys.away = false;
  for (unsigned i = 0; i < ModelWorld::kVolumes; ++i) {
    auto& volume = volumes_[i];
    if (volume.in_use && !volume.content.empty()) volume.scratch = false;
    volume.in_use = false;
    if (volume.drive) look(i);
  }
}

}  // namespace tapewarden::engine::test
