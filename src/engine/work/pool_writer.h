// Images onto the cartridges of one pool, one cartridge after another in one drive: those that are filling,
// then scratch ones. Belongs to the job's thread; state and station outlive it.
//
// Invariants
//  1. A scratch cartridge counts as filling, with its next medium generation, in the catalogue before its
//     label is written: no label says more than the catalogue knows.
//  2. A cartridge is written as its pool says when it is begun, and as it was begun ever after. In a pool
//     that encrypts, none is written in clear, whenever it was begun, and no image counts that was: the pool
//     is looked at in the very change by which it would. For a pool that is held nothing is written at all.
//  3. Both copies of a volume never lie on one cartridge: who asks for one to write on says which it must not
//     be.
//  4. An image counts when commit() has returned; before that it is written over by the next one.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "engine/work/job_mount.h"

namespace tapewarden::engine {

// What writing to the pool asks of a drive.
DriveNeed need_of(const Pool& pool);
// The same for each library where a cartridge takes the pool's volumes now, those first that go on with a
// cartridge. Where there is one library, or none has such a cartridge: in any.
Result<std::vector<DriveNeed>> needs_of(const WorkState& state, const Pool& pool);

// On which cartridge the volume's other copy lies, if one does.
std::string other_cartridge(const LogicalVolume& volume, CopyNumber copy);

// The pool has no other cartridge for volumes whose other copy lies on this one.
void note_avoided(const WorkState& state, std::uint8_t pool, const std::string& avoid);

class PoolWriter {
 public:
  // LeavesLast: the last scratch cartridge is left to reclaim when reclaim would make others scratch with it.
  enum class LeavesLast : std::uint8_t { kNo, kYes };
  // Begins: whether a scratch cartridge is begun when none takes more. With kNo nobody is told that there is
  // none.
  enum class Begins : std::uint8_t { kNo, kYes };
  PoolWriter(WorkState& state, TapeStation& station, std::uint8_t pool, LeavesLast leaves = LeavesLast::kNo,
             Begins begins = Begins::kYes)
      : state_(state), station_(station), pool_(pool), leaves_(leaves), begins_(begins) {}

  // A cartridge that takes images is in the drive, and its pool, as it is now, lets it take them; another one
  // than `avoid`. False: none now; what is to be done about it is raised.
  Result<bool> ready(const std::string& avoid = {});
  // ready() said no because `avoid` alone takes images: others may go there.
  bool avoided() const { return avoided_; }
  bool mounted() const { return mount_.has_value(); }
  // REQUIRES: mounted().
  MountedCartridge& tape() { return mount_->tape(); }
  JobMount& mount() { return *mount_; }
  // Nothing was written on the cartridge but its label: what does not fit now fits on none.
  bool fresh() { return tape().next_file() == 1; }

  // The image that is open, whole and synced, with the deletions that no trailer tells yet; nothing when it
  // does not fit. `sha256`: when it was begun with the caller's hash.
  Result<std::optional<WrittenImage>> finish_image(std::optional<Hash256> sha256 = {});
  // The image counts, together with what `with` puts. False: it was written in clear, and the pool was set to
  // encrypt meanwhile: it counts for nothing, and the cartridge, which takes no more, was put away.
  Result<bool> commit(const WrittenImage& image, ImageFrom from,
                      const std::function<Status(CatalogueChange&, const Copy&)>& with,
                      std::uint64_t generation);
  // A backup of the catalogue behind the last image; the cartridge takes more. False: it was not written, and
  // what there is to do about it is done. Errors are those of the catalogue and of the engine's own disk: the
  // cartridge takes more all the same.
  Result<bool> back_up();
  // The cartridge is full: the backup of the catalogue goes behind its images, and it is put away.
  Status end_full();
  // It is put away, and takes more later.
  Status end();

 private:
  struct Choice {
    PhysicalVolume cartridge;
    bool begins = false;  // from its beginning
    Claims::Claim claim;
  };
  Result<Pool> pool_now();
  // What is mounted is clear, and the pool was set to encrypt since: it is put away, and nothing mounted.
  Result<bool> still_takes();
  Result<std::optional<Choice>> choose(const std::string& avoid);
  std::vector<PhysicalVolume> within_reach(std::vector<PhysicalVolume> cartridges) const;
  Result<std::optional<Choice>> choose_filling(const Pool& pool, const std::string& avoid);
  Result<std::optional<Choice>> choose_scratch(const Pool& pool);
  Result<PhysicalVolume> begin_anew(const std::string& barcode);
  Status mount_chosen(Choice& choice);
  Status close_clear(const PhysicalVolume& cartridge);
  Result<bool> may_count(CatalogueChange& change, PhysicalVolume& cartridge);
  // False: the cartridge has no room for it.
  Result<bool> write_backup(std::string_view name);
  Result<bool> put_backup(Disk& disk, const std::string& path, std::string_view name, std::uint64_t order);
  void say_backup(const PhysicalVolume& cartridge);
  void note_none(const std::string& avoid);

  WorkState& state_;
  TapeStation& station_;
  const std::uint8_t pool_;
  const LeavesLast leaves_;
  const Begins begins_;
  bool left_ = false;  // a scratch cartridge, to reclaim
  std::optional<Claims::Claim> claim_;
  std::optional<JobMount> mount_;
  bool busy_ = false;  // a cartridge that takes more is in other hands just now
  bool avoided_ = false;
  std::uint64_t told_ = 0;  // deletions up to this one stand in the trailer written last
};

}  // namespace tapewarden::engine
