// Random actions of hosts, operators, key servers, drives, cartridges and the power over a ModelWorld,
// against what each host knows that it wrote. Deterministic by its seed.
//
// What must hold, whatever happens:
//  M1 A volume reads back exactly what was acknowledged as synced; of what was under way when the power went,
//     a beginning.
//  M2 Content of a volume is in the cache or on a readable cartridge (the catalogue's own check, and no
//     volume is missing).
//  M3 In a pool that encrypts nothing more is written in clear, on cartridges of whatever beginning; and a
//     cartridge that the catalogue calls encrypted has no block in clear.
//  M4 Every encrypted cartridge's key is served: each is mounted at the end of each round, one with two EEDKs
//     by either of them while the other's KEK is gone, and each volume is recalled.
//  M5 No IV comes twice with one key, on cartridges that were cut off, rolled back or cloned neither.
//  M6 In quiet nothing stays due, and who wants two copies has them on two cartridges.
//  M7 A copy that cannot be read is told by its cartridge's name, and costs nothing while there is another.
//  M8 With the catalogue lost, each volume is what its newest copy on a cartridge holds, and both its copies
//     lie on two cartridges. (Blocks that went bad are good again then: which ones, only the catalogue knew.)
#pragma once

#include <array>
#include <map>
#include <set>

#include "engine/operator/pool_orders.h"
#include "model_world.h"

namespace tapewarden::engine::test {

class EngineModel {
 public:
  EngineModel(std::uint64_t seed, std::size_t steps, bool show);
  // Until the steps are done, or a test has failed.
  void run();

 private:
  struct ModelVolume {
    HostTape content;     // what the host has acknowledged
    bool scratch = true;  // by the operator, or from the beginning
    bool gone = true;     // nothing is to be found: never written, or given up by a scratch mount
    bool unsure = false;  // cut off in its first write, with nothing of it there: scratch still, or written
    bool lost = false;    // in the cache only when the catalogue was lost
    std::optional<WallTime> expires;  // of a scratch volume: when an operator's order may delete it
    std::optional<std::size_t> drive;
    bool in_use = false;                         // the drive was ready with it
    std::map<std::uint64_t, HostTape> contents;  // by the generation that the catalogue gave them
  };
  // A copy that cannot be read, and nobody knows as yet.
  struct BadCopy {
    unsigned volume = 0;
    CopyNumber number = CopyNumber::kPrimary;
    Copy copy;
    std::string good;  // the cartridge with the other copy; empty: the cache has it
    std::uint64_t offset = 0;
  };
  struct Action {
    unsigned weight;
    void (EngineModel::*run)();
  };
  static const std::vector<Action>& actions();

  // engine_model.cc
  void act();
  void work();
  void work_steps(std::size_t steps, bool cut);
  void pass_time();
  void key_servers();
  void drive_fault();
  void mend_drive(std::size_t drive);
  void power_loss();
  void crash();

  // engine_model_hosts.cc
  std::optional<unsigned> volume_in(std::size_t drive);
  void mount_or_unmount();
  void mount(unsigned index, std::size_t drive);
  void unmount(unsigned index);
  // What the drive says; the model follows when a volume has come.
  void look(unsigned index);
  std::optional<unsigned> ready_volume();
  HostTape new_objects();
  void write();
  void cut_off_write(unsigned index, HostTape base, const HostTape& objects);
  std::optional<HostTape> read_of(unsigned index);
  void read();
  void compare(unsigned index);

  // engine_model_volumes.cc: operators and logical volumes.
  void evict();
  void recall();
  void change_category();
  void delete_expired_contents();
  void withdraw_and_insert();
  void change_constructs();

  // engine_model_cartridges.cc: operators, pools and cartridges.
  void set_up_pools();
  void change_pool();
  PoolChange with_keys(std::uint8_t pool, bool encrypts);
  void move_cartridge();
  void change_cartridge();
  void eject(const std::string& barcode);
  void bring_back(const std::string& barcode);
  void bring_all_back();
  void make_good(const PhysicalVolume& cartridge);
  void migrate_pool();
  // An order that may be cut off by a power loss anywhere.
  void order(const std::string& name, const std::function<Status()>& give);

  // engine_model_damage.cc
  void spoil_second_copy();
  void spoil_under_host();
  // Forgets those that are not there any more. Unless others than the work with tape may have done that, it
  // must have said so.
  void note_bad_copies(bool by_others);
  void mend_bad_copies();
  bool guarded(const std::string& barcode) const;
  void keep_or_write_on();

  // engine_model_checks.cc
  void settle_and_read();
  void finish_work();
  void read_at_last(unsigned index);
  void wait_for(unsigned index);
  void check_catalogue();
  void check_quiet();
  void check_keys();
  static bool begun(const PhysicalVolume& cartridge);
  void check_mount(const PhysicalVolume& cartridge, const std::string& how);
  void note_clear_cartridges();
  void check_clear_cartridges();
  void check_sealed();
  void check_seals();

  // engine_model_rebuild.cc
  void lose_catalogue();
  std::uint64_t newest_on_tape(const LogicalVolume& row);
  void follow_rebuilt(unsigned index, std::uint64_t newest);
  void note_contents();

  void show();
  std::string notes() const;
  std::string state_text();
  bool waits_for_a_cartridge(const LogicalVolume& volume);

  std::uint64_t below(std::uint64_t limit) { return random_.below(limit); }
  bool chance(unsigned percent) { return below(100) < percent; }
  unsigned any_volume() { return static_cast<unsigned>(below(ModelWorld::kVolumes)); }
  std::uint8_t any_pool() { return static_cast<std::uint8_t>(1 + below(kPools)); }
  // Whether an officer says that it may lie in clear.
  ClearLeave any_leave() { return chance(50) ? ClearLeave::kYes : ClearLeave::kNo; }
  const std::string& any_barcode() { return ModelWorld::barcodes()[below(ModelWorld::barcodes().size())]; }
  LogicalVolume row_of(unsigned index) { return world_.volume(ModelWorld::volser(index)); }
  void count(const std::string& what) { ++counts_[what]; }
  static bool failed() { return ::testing::Test::HasFailure(); }

  ModelWorld world_;
  tapewarden::testing::SimRandom random_;
  std::size_t left_;
  const bool show_;
  std::array<ModelVolume, ModelWorld::kVolumes> volumes_{};
  std::vector<BadCopy> bad_;
  std::uint64_t last_seed_ = 0;
  std::map<std::string, std::size_t> counts_;
  std::map<std::string, PhysicalVolume> clear_;
  std::set<std::uint8_t> encrypting_;
};

}  // namespace tapewarden::engine::test
