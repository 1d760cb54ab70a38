// The tape engine as one program has it (hosts' library, cache, catalogue, work, back end, operators'
// orders), on a simulated system. Everything is the real code but clock, random bytes, the disk below files,
// and the key server.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/library_shelf.h"
#include "cartridge_files.h"
#include "engine/host/host_volumes.h"
#include "engine/operator/cache_files.h"
#include "engine/operator/operator_test_kit.h"
#include "engine/operator/pool_migrations.h"
#include "engine/operator/recall_orders.h"
#include "engine/rebuild/rebuild.h"
#include "host_drive.h"
#include "seal_record.h"
#include "tape/library/kept_cartridges.h"

namespace tapewarden::engine::test {

inline constexpr std::uint8_t kLtoPool = 1;
inline constexpr std::uint8_t kOtherLtoPool = 2;
inline constexpr std::uint8_t k3592Pool = 3;
inline constexpr std::uint8_t kPools = 3;
// What the key servers know.
inline const std::array<std::string, 3> kKeyGroups{"GROUP0", "GROUP1", "GROUP2"};
inline const std::array<std::string, 2> kKekLabels{"JUNE KEK", "DR SITE KEK"};

// The cartridges and work of the engine, for operators' orders.
class WorkedBackEnd final : public engine::BackEnd {
 public:
  WorkedBackEnd(PhysicalLibrary& library, Work& work) : library_(library), work_(work) {}
  Result<BackEndCartridge> find(const std::string& barcode) override;
  Result<std::shared_ptr<void>> hold(const std::string& barcode) override;
  Result<std::string> hand_out(const std::string& barcode) override;
  // The model's operators stand at the library's door: ModelWorld::carry_out() and carry_in().
  Result<std::string> take_away(const std::string& barcode) override;
  Result<std::string> bring_back(const std::string& barcode) override;

 private:
  PhysicalLibrary& library_;
  Work& work_;
};

class ModelWorld : public WorkBench {
 public:
  static constexpr std::size_t kHostDrives = 2;
  static constexpr unsigned kVolumes = 12;

  explicit ModelWorld(std::uint64_t seed);
  ~ModelWorld();

  // The machine loses its power: every file is as it was last synced, with torn writes, and all starts again.
  void crash();
  // The catalogue and all that was in the cache is lost: it is put together again from the cartridges in the
  // library, which the hosts' library then follows. REQUIRES: no host has a volume in a drive.
  Result<RebuildReport> lose_catalogue();

  static std::string volser(unsigned index);
  static std::uint16_t element_of(std::size_t drive);
  // Between the slots of the hosts' library and its drives; false when the changer refuses.
  bool to_drive(unsigned index, std::size_t drive);
  bool from_drive(std::size_t drive);

  static const std::vector<std::string>& barcodes();
  // Where the cartridge is in the library behind the engine.
  tape::PlaceKind place_of(const std::string& barcode);
  // An operator takes it out of its import/export slot, or puts it there.
  Status carry_out(const std::string& barcode);
  Status carry_in(const std::string& barcode);
  // From the import/export slots, as far as they are the engine's, to where cartridges stand.
  void empty_ports();

  OperatorParts parts();
  PoolMigrations migrations();
  Pool pool(std::uint8_t number);

  SealRecord seals;
  CartridgeFiles files{back};
  engine::testing::FakeNames names;
  std::unique_ptr<HostVolumes> hosts;
  std::unique_ptr<tape::Library> host_library;
  std::vector<std::unique_ptr<HostDrive>> host_drives;
  std::vector<std::string> notes;  // of the hosts' library since its start
  std::unique_ptr<RecallOrders> recalls;

 private:
  void start_hosts();
  void stop_hosts();
  std::vector<RebuildStation> rebuild_stations();
  static std::uint32_t free_slot(const tape::Library& library);
  tape::LibrarySpec host_spec_;
  std::unique_ptr<apps::LibraryShelf> shelf_;
  std::unique_ptr<WorkedBackEnd> back_end_;
  std::unique_ptr<FilesOfCache> cache_files_;
  unsigned catalogues_ = 1;
};

}  // namespace tapewarden::engine::test
