#include "engine/work/bring_back.h"

#include "engine/work/limits.h"

namespace tapewarden::engine {
namespace {

class BringBackJob final : public Job {
 public:
  BringBackJob(WorkState& state, DriveDesk::Claim drive) : state_(state), drive_(std::move(drive)) {}

  // What is wrong with it besides, it says itself; one that is busy is asked again.
  Status run() override {
    auto& drive = drive_.station().drive();
    if (!drive.probe()) state_.pauses.put_off(drive_pause(drive.serial()), kFirstPause);
    return {};
  }

 private:
  WorkState& state_;
  DriveDesk::Claim drive_;
};

}  // namespace

std::unique_ptr<Job> pick_bring_back(WorkState& state) {
  auto drive = state.drives.claim_offline([&](const PhysicalDrive& one) {
    return one.status().refused && !state.pauses.paused(drive_pause(one.serial()));
  });
  if (!drive) return nullptr;
  return std::make_unique<BringBackJob>(state, *std::move(drive));
}

}  // namespace tapewarden::engine
