#include "engine/work/job_mount.h"

#include "engine/work/rekey_job.h"

namespace tapewarden::engine {

JobMount::JobMount(WorkState& state, TapeStation& station, PhysicalVolume cartridge)
    : state_(state),
      station_(station),
      cartridge_(std::move(cartridge)),
      trace_(*state.parts.env.clock),
      kept_{.barcode = cartridge_.barcode, .drive = station.drive().serial()} {}

JobMount::~JobMount() {
  (void)end();
}

Status JobMount::take(Mounted mounted) {
  if (!mounted) {
    TRY(met(mounted.error()));
    keep_trace();
    return std::unexpected(mounted.error());
  }
  tape_ = *std::move(mounted);
  meet_success(state_, station_, cartridge_);
  learn_keys();
  return {};
}

// The key server may have chosen labels or key, and a crash come between a cartridge and its row. A mount
// does not fail for it.
void JobMount::learn_keys() {
  auto& catalogue = state_.parts.catalogue;
  if (cartridge_.encryption == MediumEncryption::kWrapped) {
    const auto held = tape_->held_labels();
    if (held && !fits(*held, cartridge_.labels))
      (void)correct_labels(catalogue, cartridge_.barcode, cartridge_.medium, *held).has_value();
  } else if (cartridge_.encryption == MediumEncryption::kIdentified) {
    const auto alias = tape_->held_alias();
    if (alias && !alias->empty() && *alias != cartridge_.alias)
      (void)correct_alias(catalogue, cartridge_.barcode, cartridge_.medium, *alias).has_value();
  }
}

Status JobMount::write_new(const CartridgeLabel& label, const TapeWritePolicy& policy) {
  doing_ = Doing::kWriting;
  auto mounted = station_.mount_for_write_from_beginning(label, policy, trace_);
  TRY(take(std::move(mounted)));
  // From now on it is one that holds something.
  doing_ = Doing::kAppending;
  kept_.purpose = to_string(Doing::kWriting);
  return {};
}

Status JobMount::append() {
  doing_ = Doing::kAppending;
  return take(station_.mount_for_append(state_.wanted(cartridge_), cartridge_.next_file, trace_));
}

Status JobMount::read(std::string_view purpose) {
  doing_ = Doing::kReading;
  kept_.purpose = purpose;
  return take(station_.mount_for_read(state_.wanted(cartridge_), trace_));
}

Status JobMount::erase() {
  doing_ = Doing::kErasing;
  const auto erased = station_.erase(cartridge_.barcode, trace_);
  Status met_rules;
  if (erased)
    state_.pauses.clear(cartridge_pause(cartridge_.barcode));
  else
    met_rules = met(erased.error());
  keep_trace();
  return met_rules ? erased : met_rules;
}

Status JobMount::met(const Error& error) {
  const auto judged = of_the_disk(error);
  kept_.fault = judged.text();
  return meet_fault(state_, judged, station_, cartridge_.barcode, doing_);
}

// A medium that cannot be written because the disk under it is full is sound.
Error JobMount::of_the_disk(const Error& error) const {
  if (fault_of(error) != MountFault::kMedium || doing_ == Doing::kReading || !station_.disk_is_short())
    return error;
  return station_.no_room(error.message).error();
}

Status JobMount::end() {
  if (!tape_) return {};
  const auto away = tape_->demount();
  tape_.reset();
  Status done;
  if (!away) done = met(away.error());
  keep_trace();
  return done;
}

void JobMount::keep_trace() {
  if (kept_.purpose.empty()) kept_.purpose = to_string(doing_);
  kept_.steps = trace_.steps();
  state_.traces.keep(kept_);
}

}  // namespace tapewarden::engine
