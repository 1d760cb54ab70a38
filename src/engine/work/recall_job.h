// One mount of a cartridge from which wanted volumes are brought back. Internal to recall.cc.
#pragma once

#include <vector>

#include "engine/work/recall.h"

namespace tapewarden::engine {

// Of a copy that could not be read, while the other one is tried that is not sure either: not before it ends.
std::string read_pause(const std::string& volser, CopyNumber copy);

class RecallJob final : public Job {
 public:
  RecallJob(WorkState& state, DriveDesk::Claim drive, Claims::Claim claim, PhysicalVolume cartridge)
      : state_(state),
        drive_(std::move(drive)),
        claim_(std::move(claim)),
        cartridge_(std::move(cartridge)),
        mount_(state, drive_.station(), cartridge_) {}
  Status run() override;

 private:
  struct Wish {
    LogicalVolume volume;
    CopyNumber copy = CopyNumber::kPrimary;
  };
  // How it ended for one volume.
  enum class Ended : std::uint8_t {
    kWell,
    kWithVolume,  // others on this cartridge may go better
    kWithMount,   // nothing more can be read now
  };
  Result<std::vector<Wish>> wishes();
  bool another_brings(const std::string& volser) const;
  Result<bool> first_has_room(const Wish& wish);
  Result<bool> has_room(const Wish& wish);
  void give_up_room(const Wish& wish);
  Result<Ended> bring(const Wish& wish);
  Result<Ended> read_into(const Wish& wish, const CachedVolumes::Coming& coming);
  Result<Ended> tape_failed(const Wish& wish, const Error& error);
  Status unreadable(const Wish& wish, const Error& error);
  Status all_failed(const std::vector<Wish>& wanted, const Error& error);
  Status note_access();

  WorkState& state_;
  DriveDesk::Claim drive_;
  Claims::Claim claim_;
  const PhysicalVolume cartridge_;
  JobMount mount_;
  std::optional<Claims::Claim> first_;  // of the arrival for which there was room before the mount
  bool accessed_ = false;
};

}  // namespace tapewarden::engine
