// Active volumes off cartridges that are to be emptied (feature rows T6, T7): reclaim by the pools' policies,
// the least active data first over all pools, and moves that an operator asked for.
//
// With two drives images go from tape to tape, with their identity and generation, and no file in the cache.
// With one drive they come into the cache, due for the target pool, and a migration writes them.
//
// Invariants
//  1. The copy on the source is active until the one commit by which the image on the target, synced, takes
//     its place; or until a migration's commit does.
//  2. A volume that a host has changed meanwhile is left as it is: nothing of the source is active then.
//  3. No image of a cartridge whose pool encrypts is written in clear without leave (clear_hold.h).
#pragma once

#include <memory>

#include "engine/work/pool_writer.h"

namespace tapewarden::engine {

// Where the cartridge's volumes go; `pool` is the one that it is in. Data never goes into the common pool.
std::uint8_t target_of(const PhysicalVolume& cartridge, const Pool& pool);

// With `inhibited` only moves that were asked for at once.
Result<std::unique_ptr<Job>> pick_reclaim(WorkState& state, bool inhibited);

// Notes whether there is something to be moved from tape to tape (WorkState::pair).
Status watch_pair(WorkState& state, bool inhibited);

// The volumes of one source, in the order of tape files. What both ways of moving them have in common.
class ReclaimSource {
 public:
  ReclaimSource(WorkState& state, TapeStation& station, Claims::Claim claim, PhysicalVolume cartridge,
                std::uint8_t target)
      : state_(state),
        claim_(std::move(claim)),
        cartridge_(std::move(cartridge)),
        target_(target),
        mount_(state, station, cartridge_) {}

  const PhysicalVolume& cartridge() const { return cartridge_; }
  JobMount& mount() { return mount_; }
  // It takes no more from now on. False: nothing lies on it.
  Result<bool> close();
  // It is in the drive. False: not now.
  Result<bool> begin();
  // The next ones, behind those that it gave before; empty: no more.
  Result<std::vector<PlacedVolume>> next();
  // Nobody took the move back, and nothing of it is held back from `onto`, the cartridge that is written:
  // looked at before each image.
  Result<bool> may_go_on(const PhysicalVolume& onto);
  // Its copy still lies here: the place of the image that took its place.
  bool holds(const LogicalVolume& volume, CopyNumber copy) const;
  // The source cannot give the image. True: it goes on with the next one.
  Result<bool> failed(const PlacedVolume& placed, const Error& error);
  // It is put away; when nothing of it could be moved it is left alone for a while.
  Status end(bool in_vain);

 private:
  WorkState& state_;
  Claims::Claim claim_;
  const PhysicalVolume cartridge_;
  const std::uint8_t target_;
  JobMount mount_;
  std::uint32_t first_ = 0;
};

// The scratch cartridge is one on which reclaim could write, from tape to tape, what it empties others of.
Result<bool> reclaim_wants(WorkState& state, const PhysicalVolume& scratch);

// How much of the cache is taken at most by what is staged, and cannot leave before it is on tape again.
std::uint64_t staged_bytes(const WorkState& state);

// Cartridges that could take the pool's volumes, begun ones and scratch ones; at most kCandidates of each.
Result<std::vector<std::string>> takers_of(CatalogueView& view, const Pool& pool);

// How much may come into the cache now that is to be written to the pool, and leaves it by that way alone:
// none when no drive or no cartridge is there for it, or as much is to be written there already.
Result<std::uint64_t> may_come_for(const WorkState& state, const Pool& target);

// From tape to tape.
class ReclaimJob final : public Job {
 public:
  ReclaimJob(WorkState& state, DriveDesk::Pair drives, PoolSeats::Seat seat, Claims::Claim claim,
             const PhysicalVolume& cartridge, std::uint8_t target)
      : state_(state),
        drives_(std::move(drives)),
        seat_(std::move(seat)),
        source_(state, drives_.first.station(), std::move(claim), cartridge, target),
        writer_(state, drives_.second.station(), target),
        target_(target) {
    state_.pair.begin();
  }
  ~ReclaimJob() override { state_.pair.end(); }
  ReclaimJob(const ReclaimJob&) = delete;
  ReclaimJob& operator=(const ReclaimJob&) = delete;
  Status run() override;

 private:
  enum class Ended : std::uint8_t { kWell, kSkipped, kFull, kStop };
  Status work();
  Result<Ended> move_one(const PlacedVolume& placed);
  Result<Ended> move_image(const PlacedVolume& placed);
  Result<Ended> stream(const PlacedVolume& placed);
  Result<Ended> full(const PlacedVolume& placed);
  Result<Ended> target_failed(const Error& error);
  // False: it does not count (PoolWriter::commit()).
  Result<bool> count(const PlacedVolume& placed, const WrittenImage& image);
  bool gives_way();

  WorkState& state_;
  DriveDesk::Pair drives_;
  PoolSeats::Seat seat_;
  ReclaimSource source_;
  PoolWriter writer_;
  const std::uint8_t target_;
  bool in_vain_ = false;
};

// Through the cache.
class StageJob final : public Job {
 public:
  StageJob(WorkState& state, DriveDesk::Claim drive, Claims::Claim claim, const PhysicalVolume& cartridge,
           std::uint8_t target)
      : state_(state),
        drive_(std::move(drive)),
        source_(state, drive_.station(), std::move(claim), cartridge, target),
        target_(target) {}
  Status run() override;

 private:
  enum class Ended : std::uint8_t { kWell, kSkipped, kStop };
  Status work();
  Result<Ended> stage(const PlacedVolume& placed);
  Result<bool> still_wanted();
  // Also more than the limit when nothing was staged before: a volume may be that large.
  bool too_much(const PlacedVolume& placed) const;
  Result<Ended> bring(const PlacedVolume& placed);
  void make_due(LogicalVolume& volume, CopyNumber copy) const;

  WorkState& state_;
  DriveDesk::Claim drive_;
  ReclaimSource source_;
  const std::uint8_t target_;
  std::uint64_t staged_ = 0;  // bytes
  bool in_vain_ = false;
};

}  // namespace tapewarden::engine
