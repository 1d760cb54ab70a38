// Fills an empty catalogue with what examinations and a backup say. One thread; what it is given outlives it.
// Internal to engine/rebuild/.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/catalogue/catalogue.h"
#include "engine/rebuild/catalogue_image.h"
#include "engine/rebuild/rebuild.h"
#include "engine/rebuild/rebuild_report.h"
#include "engine/rebuild/volume_merge.h"

namespace tapewarden::engine {

struct LoaderInput {
  Uuid engine;
  std::vector<std::string> examinations;  // paths, of every engine
  std::vector<UnreadCartridge> unread;
  std::optional<std::string> backup;  // path
  std::uint64_t default_capacity_bytes = 0;
  WallTime now{};
};

class CatalogueLoader {
 public:
  CatalogueLoader(Catalogue& catalogue, Disk& disk, LoaderInput input, RebuildReport& report)
      : catalogue_(catalogue), disk_(disk), input_(std::move(input)), report_(report) {}

  Status run();

 private:
  // A cartridge of the new catalogue.
  struct Entry {
    PhysicalVolume volume;
    CartridgeState wanted = CartridgeState::kClosed;  // when its volumes are known
    bool read = false;
    bool blank = false;          // or written by something else: what the backup knows of it is gone
    bool filled = false;         // the backup of a filled cartridge stands at its end
    bool backup_at_end = false;  // one of a cartridge that took more
    bool new_to_backup = false;  // begun after the backup was made, or there is none
    bool damaged_files = false;
    std::string not_taken;  // volser whose other content lies there: it is neither written nor given back
    std::optional<CartridgeState> before;  // as the backup has it, for the same beginning
    CartridgeRank rank;
  };
  struct Planned {
    LogicalVolume volume;
    bool missing = false;
  };

  Status check_empty();
  Status take_settings();
  // Cartridges (catalogue_loader_cartridges.cc).
  Status settle_cartridges();
  void settle_read(const Examination& found);
  void settle_unread(const UnreadCartridge& unread);
  void note_encrypted(const PhysicalVolume* known);
  void settle_absent();
  void add(Entry entry);
  // Pools whose settings are not known (held).
  Status hold_pools();
  void tell_held(const std::vector<Pool>& held);
  Status put_cartridges();
  Status finish_cartridges();
  static void hold(PhysicalVolume& cartridge, const std::string& volser);
  static CartridgeState final_state(const Entry& entry, const PhysicalVolume& now);
  // Volumes.
  Status see_everything();
  Status see_examination(const std::string& path);
  void see_unread(const LogicalVolume& volume);
  void see_generation(std::uint64_t generation) { highest_ = std::max(highest_, generation); }
  Status settle_known();
  Status settle_known(LogicalVolume row);
  Status settle_others();
  LogicalVolume from_images(const std::string& volser, const VolumeFate& fate) const;
  Status settle_empty(LogicalVolume row, std::uint64_t generation);
  Status settle_without_image(LogicalVolume row, std::uint64_t deleted);
  Status settle_content(LogicalVolume volume, const VolumeFate& fate);
  Status put_deletions();
  Status begin_generations();
  void tell_other_content(const LogicalVolume& row, const VolumeFate& fate);
  // Keeps what was not taken; the cartridges where it lies.
  std::string keep_others(const std::string& volser);
  void note_copies(const LogicalVolume& volume);
  std::optional<Copy> copy_at(const SeenCopy& seen, std::uint64_t generation) const;
  std::uint8_t pool_of(const std::optional<Copy>& copy) const;
  // Constructs (catalogue_loader_constructs.cc).
  void settle_constructs(LogicalVolume& volume);
  void settle_group(LogicalVolume& volume);
  void settle_class(LogicalVolume& volume);
  bool is_encrypted(const std::optional<Copy>& copy) const;
  Status plan(LogicalVolume volume, bool missing = false);
  Status flush();

  Catalogue& catalogue_;
  Disk& disk_;
  const LoaderInput input_;
  RebuildReport& report_;
  std::map<std::string, PhysicalVolume> backup_cartridges_;
  // Pools of cartridges that were not read and encrypt, as the backup does not know; or it may be any pool.
  std::set<std::uint8_t> may_encrypt_;
  bool all_may_encrypt_ = false;
  std::vector<Entry> entries_;
  std::map<std::string, std::uint32_t> entry_of_;  // by barcode
  std::map<std::string, StorageGroup> groups_;
  std::map<std::string, ManagementClass> classes_;
  // Of groups that the backup does not know: whether their pool is one that a cartridge is encrypted in.
  std::map<std::string, bool> new_names_;
  std::vector<StorageGroup> new_groups_;  // to be put with what is planned
  std::vector<ManagementClass> new_classes_;
  std::vector<WithdrawnVolume> withdrawn_;
  std::vector<DeletedVolume> deleted_;
  std::optional<VolumeMerge> merge_;
  std::uint64_t highest_ = 0;  // generation that anything tells of any volume
  std::vector<Planned> planned_;
  std::vector<WithdrawnVolume> planned_withdrawn_;
  std::vector<WithdrawnVolume> planned_deletions_;
};

}  // namespace tapewarden::engine
