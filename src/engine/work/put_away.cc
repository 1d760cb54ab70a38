#include "engine/work/put_away.h"

#include "engine/work/limits.h"

namespace tapewarden::engine {
namespace {

std::string pause_of(const std::string& barcode) {
  return "put away " + barcode;
}

class PutAwayJob final : public Job {
 public:
  PutAwayJob(WorkState& state, DriveDesk::Claim drive) : state_(state), drive_(std::move(drive)) {}

  Status run() override {
    auto& station = drive_.station();
    const auto barcode = station.loaded().value_or("");
    MountTrace trace(*state_.parts.env.clock);
    const auto away = station.demount(trace);
    KeptTrace kept{.barcode = barcode, .drive = station.drive().serial(), .purpose = "put away"};
    if (!away) {
      kept.fault = away.error().text();
      state_.pauses.put_off(pause_of(barcode), kFirstPause);
    }
    kept.steps = trace.steps();
    state_.traces.keep(std::move(kept));
    return {};
  }

 private:
  WorkState& state_;
  DriveDesk::Claim drive_;
};

}  // namespace

std::unique_ptr<Job> pick_put_away(WorkState& state) {
  auto drive = state.drives.claim_loaded([&](const TapeStation& station) {
    return !state.pauses.paused(pause_of(station.loaded().value_or("")));
  });
  if (!drive) return nullptr;
  return std::make_unique<PutAwayJob>(state, *std::move(drive));
}

}  // namespace tapewarden::engine
