#include "engine/work/rekey_job.h"

#include <algorithm>

#include "engine/catalogue/label_text.h"
#include "engine/catalogue/limits.h"
#include "engine/work/limits.h"

namespace tapewarden::engine {
namespace {

using Labels = std::array<KeyLabel, 2>;

std::vector<scsi::KeyLabel> to_drive(const Labels& labels) {
  std::vector<scsi::KeyLabel> out;
  for (const auto& label : labels) {
    if (label.text.empty()) continue;
    const bool hash = label.mode == LabelMode::kHash;
    out.push_back({label.text, hash ? scsi::LabelModeCode::kHash : scsi::LabelModeCode::kClear});
  }
  return out;
}

Labels named_by(const HeldLabels& held) {
  Labels out;
  for (std::size_t i = 0; i < out.size() && i < held.labels.size(); ++i) out[i] = {held.labels[i].text, {}};
  for (auto& label : out) label.mode = LabelMode::kClear;
  return out;
}

// All that ask for them.
std::string labels_pause(const Labels& labels) {
  return "rekey to " + text_of(labels);
}

class RekeyJob final : public Job {
 public:
  RekeyJob(WorkState& state, DriveDesk::Claim drive, PoolSeats::Seat seat, Claims::Claim claim,
           PhysicalVolume cartridge)
      : state_(state),
        drive_(std::move(drive)),
        seat_(std::move(seat)),
        claim_(std::move(claim)),
        cartridge_(std::move(cartridge)),
        mount_(state, drive_.station(), cartridge_) {}

  Status run() override {
    const auto mounted = mount_.read("rekey");
    if (!mounted) return failed(mounted.error());
    const auto done = rekey();
    const auto away = mount_.end();
    return done ? away : done;
  }

 private:
  Status rekey();
  Status failed(const Error& error);
  Status note_done();
  void tell_done(const RekeyOutcome& outcome);
  void learn_labels();

  WorkState& state_;
  DriveDesk::Claim drive_;
  PoolSeats::Seat seat_;
  Claims::Claim claim_;
  const PhysicalVolume cartridge_;
  JobMount mount_;
};

// The old EEDKs stay whole until the new ones are there: only what came of it is told apart.
Status RekeyJob::rekey() {
  const auto outcome = mount_.tape().rekey(to_drive(cartridge_.rekey.labels));
  if (outcome) {
    TRY(note_done());
    tell_done(*outcome);
    return {};
  }
  learn_labels();
  const auto fault = fault_of(outcome.error());
  // Neither speaks against reading the cartridge, nor against using the drive for anything else.
  const bool refused = fault == MountFault::kConfiguration ||
                       (fault == MountFault::kKeys && lies_with_cartridge(outcome.error()));
  if (refused)
    mount_.note_fault(outcome.error());
  else
    TRY(mount_.met(outcome.error()));
  return failed(outcome.error());
}

// Whatever the rules did of its error.
Status RekeyJob::failed(const Error& error) {
  const auto& barcode = cartridge_.barcode;
  const auto fault = fault_of(error);
  if (fault == MountFault::kConfiguration || (fault == MountFault::kKeys && lies_with_cartridge(error))) {
    state_.rekeys_refused.add(barcode, state_.steady_now());
    state_.parts.notices.raise(NoticeKind::kRekeyRefused, barcode,
                               "cartridge " + barcode + " does not get the key labels " +
                                   text_of(cartridge_.rekey.labels) + ": " + error.message);
    state_.pauses.clear(rekey_pause(barcode));  // it does not grow
    state_.pauses.put_off(rekey_pause(barcode), kRefusedRekeyPause);
    state_.pauses.put_off(labels_pause(cartridge_.rekey.labels), kFirstPause);
    return {};
  }
  state_.pauses.put_off(rekey_pause(barcode), kFirstPause);
  if (fault == MountFault::kNone) return std::unexpected(error);
  return {};
}

// What was done stands in the row. A request that was changed meanwhile goes on standing.
Status RekeyJob::note_done() {
  return state_.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto row = TRY(change.cartridge(cartridge_.barcode));
    if (row.medium != cartridge_.medium) return {};
    row.labels = cartridge_.rekey.labels;
    if (row.rekey == cartridge_.rekey) row.rekey = {};
    return change.put(row);
  });
}

void RekeyJob::tell_done(const RekeyOutcome& outcome) {
  const auto& barcode = cartridge_.barcode;
  auto& notices = state_.parts.notices;
  state_.pauses.clear(rekey_pause(barcode));
  state_.pauses.clear(labels_pause(cartridge_.rekey.labels));
  state_.rekeys_refused.remove(barcode);
  (void)notices.clear(NoticeKind::kRekeyRefused, barcode, "it has the key labels that were asked for");
  auto text = "Key Labels of Physical Tape " + barcode + " changed from " + text_of(cartridge_.labels) +
              " to " + text_of(cartridge_.rekey.labels);
  if (outcome.unproven) text += "; its label was not read by the new ones: " + outcome.unproven->message;
  notices.say(NoticeKind::kRekeyed, barcode, std::move(text));
}

// The error stands; what the cartridge says of itself by now is noted where it can be had.
void RekeyJob::learn_labels() {
  const auto held = mount_.tape().held_labels();
  if (held)
    (void)correct_labels(state_.parts.catalogue, cartridge_.barcode, cartridge_.medium, *held).has_value();
}

// Nobody asks for it any more: an operator took it back, or the cartridge was begun anew.
Status forget_refused(WorkState& state) {
  for (const auto& barcode : state.rekeys_refused.all()) {
    bool wanted = false;
    TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
      const auto row = TRY(view.find_cartridge(barcode));
      wanted = row && row->rekey.wanted();
      return {};
    }));
    if (wanted) continue;
    state.rekeys_refused.remove(barcode);
    state.pauses.clear(rekey_pause(barcode));
    (void)state.parts.notices.clear(NoticeKind::kRekeyRefused, barcode, "nobody asks for it any more");
  }
  return {};
}

// Some of those that ask, from the last one on and round.
Result<std::vector<PhysicalVolume>> next_ones(const WorkState& state) {
  std::vector<PhysicalVolume> found;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    found = TRY(view.rekey_requests(kCandidates, state.last_rekey));
    if (found.size() >= kCandidates || state.last_rekey.empty()) return {};
    for (auto& one : TRY(view.rekey_requests(kCandidates - found.size())))
      if (one.barcode <= state.last_rekey) found.push_back(std::move(one));
    return {};
  }));
  return found;
}

bool waits(const WorkState& state, const PhysicalVolume& cartridge) {
  return put_off(state, cartridge) || state.pauses.paused(rekey_pause(cartridge.barcode)) ||
         state.pauses.paused(labels_pause(cartridge.rekey.labels));
}

Result<std::unique_ptr<Job>> job_for(WorkState& state, const PhysicalVolume& listed) {
  const auto need = need_of(listed);
  if (!state.drives.free_for(need)) return nullptr;
  const auto most = std::clamp<std::size_t>(state.drives.count_usable(need) / 2, 1, kMaximumDrivesOfPool);
  auto seat = state.rekeys.take(0, static_cast<std::uint8_t>(most));
  if (!seat) return nullptr;
  auto claimed = TRY(claim_cartridge(state, listed.barcode));
  if (!claimed) return nullptr;
  auto& [claim, cartridge] = *claimed;
  if (!cartridge.rekey.wanted() || !readable(cartridge.state)) return nullptr;
  auto drive = state.claim_one(need);
  if (!drive) return nullptr;
  return std::make_unique<RekeyJob>(state, *std::move(drive), *std::move(seat), std::move(claim),
                                    std::move(cartridge));
}

}  // namespace

Result<std::unique_ptr<Job>> pick_rekey(WorkState& state) {
  TRY(forget_refused(state));
  const auto found = TRY(next_ones(state));
  for (const auto& cartridge : found) {
    if (waits(state, cartridge)) continue;
    auto job = TRY(job_for(state, cartridge));
    if (!job) continue;
    state.last_rekey = cartridge.barcode;
    return job;
  }
  // None of so many: the next look is at others.
  if (found.size() == kCandidates) state.last_rekey = found.back().barcode;
  return nullptr;
}

bool fits(const HeldLabels& held, const Labels& labels) {
  return held.may_be(to_drive(labels));
}

Result<bool> correct_labels(Catalogue& catalogue, const std::string& barcode, std::uint64_t medium,
                            const HeldLabels& held) {
  bool changed = false;
  TRY(catalogue.change([&](CatalogueChange& change) -> Status {
    changed = false;
    auto row = TRY(change.cartridge(barcode));
    const bool concerns = row.medium == medium && row.encryption == MediumEncryption::kWrapped;
    if (!concerns || fits(held, row.labels)) return {};
    if (row.rekey.wanted() && fits(held, row.rekey.labels)) {
      row.labels = row.rekey.labels;
    } else if (held.named()) {
      row.labels = named_by(held);
    } else {
      return {};
    }
    changed = true;
    return change.put(row);
  }));
  return changed;
}

Status correct_alias(Catalogue& catalogue, const std::string& barcode, std::uint64_t medium,
                     const std::string& alias) {
  return catalogue.change([&](CatalogueChange& change) -> Status {
    auto row = TRY(change.cartridge(barcode));
    if (row.medium != medium || row.encryption != MediumEncryption::kIdentified) return {};
    row.alias = alias;
    return change.put(row);
  });
}

}  // namespace tapewarden::engine
