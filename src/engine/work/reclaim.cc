// Which cartridge is emptied next, and what both ways have in common. The ways: reclaim_job.cc (tape to
// tape), stage_job.cc (through the cache).
#include "engine/work/reclaim.h"

#include <algorithm>

#include "engine/catalogue/damage_note.h"
#include "engine/catalogue/limits.h"
#include "engine/work/clear_hold.h"
#include "engine/work/limits.h"
#include "engine/work/recall.h"

namespace tapewarden::engine {
namespace {

struct Candidate {
  PhysicalVolume cartridge;
  Pool target;
};

bool due_here(const PlacedVolume& placed) {
  return placed.copy == CopyNumber::kPrimary ? placed.volume.primary_due : placed.volume.secondary_due;
}

bool waits(const WorkState& state, const Pool& target) {
  return target.encryption == PoolEncryption::kHeld || state.pauses.paused(pool_name(target.number)) ||
         (need_of(target).encryption != TapeEncryption::kClear && state.pauses.paused(kKeysPause));
}

// Those that can be emptied now. Those that are held, put off or wait for their target stand before no
// others.
class CandidateSearch {
 public:
  CandidateSearch(WorkState& state, CatalogueView& view) : state_(state), view_(view) {}

  Status run(bool inhibited) {
    auto moves = TRY(view_.move_requests(MoveRequest::When::kNow, kCandidates));
    TRY(take(moves));
    std::vector<ReclaimCandidate> eligible;
    if (!inhibited) eligible = TRY(view_.reclaim_candidates(state_.now(), kCandidates));
    TRY(take(eligible, 0));
    for (std::size_t looked = kCandidates; may.empty() && moves.size() == kCandidates;) {
      if (looked >= kMaximumLookedAt) break;
      looked += kCandidates;
      moves = TRY(view_.move_requests(MoveRequest::When::kNow, kCandidates, moves.back().barcode));
      TRY(take(moves));
    }
    if (!may.empty() || eligible.size() < kCandidates) return {};
    eligible = TRY(view_.reclaim_candidates(state_.now(), kMaximumPage));
    return take(eligible, kCandidates);
  }

  std::vector<Candidate> may;
  std::vector<Candidate> held;  // from cartridges in clear

 private:
  Status take(const std::vector<PhysicalVolume>& found) {
    for (const auto& cartridge : found)
      if (readable(cartridge.state)) TRY(take(cartridge));
    return {};
  }
  Status take(const std::vector<ReclaimCandidate>& found, std::size_t from) {
    for (auto i = from; i < found.size(); ++i) TRY(take(found[i].cartridge));
    return {};
  }
  Status take(const PhysicalVolume& cartridge) {
    if (state_.cartridges.claimed(cartridge.barcode) || put_off(state_, cartridge) ||
        state_.pauses.paused(source_pause(cartridge.barcode)))
      return {};
    auto target = TRY(view_.pool(target_of(cartridge, TRY(view_.pool(cartridge.pool)))));
    const bool is_held = TRY(held_from_clear(view_, cartridge, target.number));
    if (is_held)
      held.push_back({cartridge, std::move(target)});
    else if (!waits(state_, target))
      may.push_back({cartridge, std::move(target)});
    return {};
  }

  WorkState& state_;
  CatalogueView& view_;
};

Result<std::vector<Candidate>> candidates(WorkState& state, bool inhibited) {
  std::vector<Candidate> may;
  std::vector<Candidate> held;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    CandidateSearch search(state, view);
    TRY(search.run(inhibited));
    may = std::move(search.may);
    held = std::move(search.held);
    return {};
  }));
  for (const auto& [cartridge, target] : held) tell_held(state, cartridge, target.number);
  return may;
}

// With a single drive everything that is still to be moved may be in the cache already, and due.
Result<bool> worth_staging(WorkState& state, const std::string& barcode) {
  bool worth = false;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    for (std::uint32_t first = 0;;) {
      const auto placed = TRY(view.volumes_on(barcode, first, kReclaimBatch));
      worth = worth || std::ranges::any_of(placed, [](const PlacedVolume& one) { return !due_here(one); });
      if (worth || placed.size() < kReclaimBatch) return {};
      first = placed.back().volume.copy(placed.back().copy)->file + 1;
    }
  }));
  return worth;
}

Result<bool> may_stage(const WorkState& state, const std::string& barcode, const Pool& target) {
  return !state.pauses.paused(stage_pause(barcode)) && TRY(may_come_for(state, target)) > 0;
}

// The drives of both by which the source could be moved from tape to tape, in the order of preference: where
// the target's cartridges stand, the robot brings them. None: there are not two such drives.
Result<std::vector<PairWait::Needs>> pairs_for(const WorkState& state, const Candidate& candidate) {
  std::vector<PairWait::Needs> out;
  const auto from = need_of(candidate.cartridge);
  for (const auto& to : TRY(needs_of(state, candidate.target)))
    if (state.drives.two_usable(from, to)) out.push_back({from, to});
  return out;
}

Result<std::unique_ptr<Job>> job_for(WorkState& state, const Candidate& candidate) {
  const auto& [cartridge, target] = candidate;
  const auto pairs = TRY(pairs_for(state, candidate));
  const bool pair = !pairs.empty();
  if (!pair && cartridge.active_volumes > 0 && !TRY(may_stage(state, cartridge.barcode, target)))
    return nullptr;
  if (!pair && !TRY(worth_staging(state, cartridge.barcode)) && cartridge.active_volumes > 0) return nullptr;
  auto claimed = TRY(claim_cartridge(state, cartridge.barcode));
  const auto& known = claimed ? claimed->cartridge : cartridge;
  if (!claimed || known.medium != cartridge.medium || !readable(known.state)) return nullptr;
  if (pair) {
    auto seat = state.seats.take(target.number, target.max_drives);
    if (!seat) return nullptr;
    std::optional<DriveDesk::Pair> drives;
    for (const auto& [from, to] : pairs)
      if (!drives) drives = state.drives.claim_two(from, to);
    if (!drives) return nullptr;
    return std::make_unique<ReclaimJob>(state, *std::move(drives), *std::move(seat),
                                        std::move(claimed->claim), known, target.number);
  }
  auto drive = state.claim_one(need_of(cartridge));
  if (!drive) return nullptr;
  return std::make_unique<StageJob>(state, *std::move(drive), std::move(claimed->claim), known,
                                    target.number);
}

}  // namespace

std::uint8_t target_of(const PhysicalVolume& cartridge, const Pool& pool) {
  const auto wanted =
      cartridge.move.when == MoveRequest::When::kNone ? pool.reclaim_pool : cartridge.move.target_pool;
  return wanted == kCommonPool ? cartridge.pool : wanted;
}

Result<std::unique_ptr<Job>> pick_reclaim(WorkState& state, bool inhibited) {
  for (const auto& candidate : TRY(candidates(state, inhibited)))
    if (auto job = TRY(job_for(state, candidate))) return job;
  return nullptr;
}

Status watch_pair(WorkState& state, bool inhibited) {
  for (const auto& candidate : TRY(candidates(state, inhibited))) {
    auto pairs = TRY(pairs_for(state, candidate));
    std::erase_if(pairs, [&](const PairWait::Needs& needs) {
      return state.drives.rests(needs.first) || state.drives.rests(needs.second);
    });
    if (pairs.empty()) continue;
    state.pair.wants(std::move(pairs.front()), state.steady_now());
    return {};
  }
  state.pair.wants_none();
  return {};
}

Result<std::vector<std::string>> takers_of(CatalogueView& view, const Pool& pool) {
  std::vector<std::string> takers;
  for (const auto& one : TRY(view.filling(pool.number, pool.media, kCandidates)))
    if (one.move.when != MoveRequest::When::kNow && !doubtful(one)) takers.push_back(one.barcode);
  for (const auto& one : TRY(view.scratch_cartridges(pool.number, pool.media, kCandidates)))
    takers.push_back(one.barcode);
  return takers;
}

Result<std::uint64_t> may_come_for(const WorkState& state, const Pool& target) {
  if (target.encryption == PoolEncryption::kHeld || !state.drives.usable(need_of(target))) return 0;
  std::uint64_t may = 0;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    may = 0;
    if (TRY(takers_of(view, target)).empty()) return {};
    const auto due = TRY(view.due_sums(target.number)).bytes;
    may = staged_bytes(state) - std::min(due, staged_bytes(state));
    return {};
  }));
  return may;
}

Result<bool> reclaim_wants(WorkState& state, const PhysicalVolume& scratch) {
  if (state.reclaim_inhibited) return false;
  bool wants = false;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    for (const auto& [cartridge, reason] : TRY(view.reclaim_candidates(state.now(), kCandidates))) {
      if (put_off(state, cartridge) || state.pauses.paused(source_pause(cartridge.barcode))) continue;
      const auto target = TRY(view.pool(target_of(cartridge, TRY(view.pool(cartridge.pool)))));
      auto to = need_of(target);
      to.library = scratch.library;
      const bool takes =
          scratch.pool == target.number || (scratch.pool == kCommonPool && target.borrow != Borrow::kNo);
      wants = wants || (takes && target.media == scratch.kind && !waits(state, target) &&
                        state.drives.two_usable(need_of(cartridge), to));
    }
    return {};
  }));
  return wants;
}

Result<bool> ReclaimSource::close() {
  bool empty = false;
  TRY(state_.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto cartridge = TRY(change.cartridge(cartridge_.barcode));
    empty = cartridge.active_volumes == 0;
    if (cartridge.state != CartridgeState::kFilling) return {};
    cartridge.state = CartridgeState::kClosed;
    return change.put(cartridge);
  }));
  return !empty;
}

Result<bool> ReclaimSource::begin() {
  if (state_.ending) return false;
  const auto mounted = mount_.read();
  if (!mounted && fault_of(mounted.error()) == MountFault::kNone) return std::unexpected(mounted.error());
  return mounted.has_value();
}

Result<std::vector<PlacedVolume>> ReclaimSource::next() {
  std::vector<PlacedVolume> out;
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    out = TRY(view.volumes_on(cartridge_.barcode, first_, kReclaimBatch));
    return {};
  }));
  if (!out.empty()) first_ = out.back().volume.copy(out.back().copy)->file + 1;
  return out;
}

Result<bool> ReclaimSource::may_go_on(const PhysicalVolume& onto) {
  bool wanted = true;
  bool held = false;
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    const auto now = TRY(view.cartridge(cartridge_.barcode));
    const bool asked = cartridge_.move.when != MoveRequest::When::kNone;
    wanted = !asked || (now.move.when != MoveRequest::When::kNone &&
                        now.move.target_pool == cartridge_.move.target_pool);
    const bool clear = tape_encryption(onto.encryption) == TapeEncryption::kClear;
    held = clear && TRY(held_from_clear(view, now, target_));
    return {};
  }));
  if (wanted && held) tell_held(state_, cartridge_, target_);  // a wish that was taken back needs nobody
  return wanted && !held;
}

bool ReclaimSource::holds(const LogicalVolume& volume, CopyNumber copy) const {
  return volume.active(copy) && volume.copy(copy)->cartridge == cartridge_.barcode &&
         volume.copy(copy)->medium == cartridge_.medium;
}

Result<bool> ReclaimSource::failed(const PlacedVolume& placed, const Error& error) {
  TRY(mount_.met(error));
  if (!lies_with_cartridge(error)) return false;
  // What is written anew is not known by its cartridge any more, which says whether it may lie in clear.
  std::uint8_t anew = target_;
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    const auto now = TRY(view.cartridge(cartridge_.barcode));
    anew = TRY(held_from_clear(view, now, target_)) ? now.pool : target_;
    return {};
  }));
  (void)TRY(note_bad_copy(state_, placed.volume.volser, placed.copy, cartridge_.barcode, anew, error));
  return fault_of(error) == MountFault::kMedium;
}

Status ReclaimSource::end(bool in_vain) {
  if (in_vain)
    state_.pauses.put_off(source_pause(cartridge_.barcode), kFirstPause);
  else
    state_.pauses.clear(source_pause(cartridge_.barcode));
  return mount_.end();
}

}  // namespace tapewarden::engine
