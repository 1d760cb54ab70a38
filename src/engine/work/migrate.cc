#include "engine/work/migrate.h"

#include <algorithm>
#include <set>

#include "engine/catalogue/limits.h"
#include "engine/work/clear_hold.h"
#include "engine/work/image_file.h"
#include "engine/work/limits.h"
#include "engine/work/recall.h"
#include "engine/work/reclaim.h"

namespace tapewarden::engine {
namespace {

struct Waiting {
  WallTime since{};
  Pool pool;
  CopyNumber copy = CopyNumber::kPrimary;
};

// Volumes of which a copy went bad, and that are not in the cache: they are brought back first.
struct Missing {
  Pool pool;
  CopyNumber copy = CopyNumber::kPrimary;
  std::vector<LogicalVolume> volumes;
};

struct Due {
  std::vector<Waiting> waiting;
  std::vector<Missing> missing;
};

bool is_put_off(const WorkState& state, const LogicalVolume& volume, CopyNumber copy) {
  const auto name = copy_name(volume.volser, copy);
  return state.copies.claimed(name) || state.pauses.paused(copy_pause(name));
}

// Of the copies that are due the oldest that can be written now, at most `limit`. Neither what is not in the
// cache nor what is put off hides others, however much of it there is.
Result<std::vector<LogicalVolume>> ready(CatalogueView& view, const WorkState& state, CopyNumber copy,
                                         std::uint8_t pool, std::size_t limit) {
  std::vector<LogicalVolume> out;
  std::vector<LogicalVolume> page;
  std::optional<LogicalVolume> last;
  do {
    page = TRY(view.due(copy, pool, kMaximumPage, {.cached = true, .after = last ? &*last : nullptr}));
    if (!page.empty()) last = page.back();
    for (auto& volume : page)
      if (out.size() < limit && !is_put_off(state, volume, copy)) out.push_back(std::move(volume));
  } while (out.size() < limit && page.size() == kMaximumPage);
  return out;
}

// Of the copies that are due and whose volumes are not in the cache the oldest: those that may be asked for
// now, and those that were.
Result<std::vector<LogicalVolume>> absent(CatalogueView& view, const WorkState& state, CopyNumber copy,
                                          std::uint8_t pool) {
  std::set<std::string> wanted;
  for (const auto& one : state.parts.desk.wanted()) wanted.insert(one.volser);
  std::vector<LogicalVolume> out;
  std::vector<LogicalVolume> page;
  std::optional<LogicalVolume> last;
  do {
    page = TRY(view.due(copy, pool, kMaximumPage, {.cached = false, .after = last ? &*last : nullptr}));
    if (!page.empty()) last = page.back();
    for (auto& volume : page)
      if (volume.has_content() && (!is_put_off(state, volume, copy) || wanted.contains(volume.volser)))
        out.push_back(std::move(volume));
  } while (out.size() < kMaximumPage && page.size() == kMaximumPage);
  return out;
}

Result<Due> what_is_due(const WorkState& state) {
  Due out;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    out = {};
    for (const auto copy : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
      if (TRY(view.due(copy, std::nullopt, 1)).empty()) continue;
      for (auto& pool : TRY(view.pools())) {
        const auto first = TRY(ready(view, state, copy, pool.number, 1));
        if (!first.empty()) out.waiting.push_back({first.front().written, pool, copy});
        auto missing = TRY(absent(view, state, copy, pool.number));
        if (!missing.empty()) out.missing.push_back({std::move(pool), copy, std::move(missing)});
      }
    }
    return {};
  }));
  std::ranges::sort(out.waiting, {}, &Waiting::since);
  return out;
}

bool held_up(const WorkState& state, const Pool& pool) {
  const bool encrypts = need_of(pool).encryption != TapeEncryption::kClear;
  return pool.encryption == PoolEncryption::kHeld || state.pauses.paused(pool_name(pool.number)) ||
         state.pauses.paused(left_pause(pool.number)) || (encrypts && state.pauses.paused(kKeysPause));
}

// What lies on tape of a volume that is not in the cache.
std::uint64_t recalled_bytes(const LogicalVolume& volume) {
  std::uint64_t bytes = 0;
  for (const auto copy : {CopyNumber::kPrimary, CopyNumber::kSecondary})
    if (volume.active(copy)) bytes = std::max(bytes, volume.copy(copy)->bytes);
  return bytes;
}

void note_no_drive(WorkState& state, const Pool& pool, const DriveNeed& need) {
  const auto name = pool_name(pool.number);
  if (state.drives.usable(need)) {
    (void)state.parts.notices.clear(NoticeKind::kDriveOffline, name, "a drive can write to it again");
    return;
  }
  state.parts.notices.raise(NoticeKind::kDriveOffline, name,
                            name + " has volumes to write, and no drive is online that writes " +
                                std::string(to_string(need.kind)) + " cartridges, " +
                                std::string(to_string(need.encryption)));
}

Status note_no_cartridge(const WorkState& state, const Pool& pool) {
  bool none = false;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    none = TRY(takers_of(view, pool)).empty();
    return {};
  }));
  const auto name = pool_name(pool.number);
  if (none)
    state.parts.notices.raise(NoticeKind::kNoScratchCartridge, name,
                              name +
                                  " has volumes to write and no cartridge that takes them; insert scratch "
                                  "cartridges, or let it borrow");
  return {};
}

// Those that some cartridge of the pool takes: not the one alone that their other copy lies on.
Result<std::vector<LogicalVolume>> that_fit(WorkState& state, const Missing& missing) {
  std::vector<std::string> takers;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    takers = TRY(takers_of(view, missing.pool));
    return {};
  }));
  auto out = missing.volumes;
  if (takers.size() != 1) return out;
  const auto& only = takers.front();
  const auto gone = std::erase_if(
      out, [&](const LogicalVolume& volume) { return other_cartridge(volume, missing.copy) == only; });
  if (gone != 0 && out.empty()) note_avoided(state, missing.pool.number, only);
  return out;
}

// What comes back cannot leave the cache before it is written: only so much of it is asked for at a time as
// the pool can take soon, and nothing that it could not. Whether anything was.
Result<bool> ask_for(WorkState& state, const Missing& missing) {
  const auto& [pool, copy, all] = missing;
  if (held_up(state, pool)) return false;
  note_no_drive(state, pool, need_of(pool));
  const auto most = TRY(may_come_for(state, pool));
  if (most == 0) {
    TRY(note_no_cartridge(state, pool));
    return false;
  }
  const auto volumes = TRY(that_fit(state, missing));
  const auto wanted = state.parts.desk.wanted();
  std::size_t coming = 0;
  std::uint64_t bytes = 0;
  for (const auto& volume : all) {
    if (std::ranges::find(wanted, volume.volser, &VolumeDesk::Wanted::volser) == wanted.end()) continue;
    ++coming;
    bytes += recalled_bytes(volume);
  }
  bool asked = false;
  for (const auto& volume : volumes) {
    if (coming >= kDueRecalls || bytes >= most) break;
    if (is_put_off(state, volume, copy)) continue;
    state.pauses.put_off(copy_pause(copy_name(volume.volser, copy)), kFirstPause);
    (void)state.parts.desk.ask(volume.volser, RecallReason::kOperator, {});
    asked = true;
    ++coming;
    bytes += recalled_bytes(volume);
  }
  return asked;
}

}  // namespace

Result<std::unique_ptr<Job>> pick_migration(WorkState& state, bool& did_something) {
  const auto due = TRY(what_is_due(state));
  for (const auto& missing : due.missing)
    if (TRY(ask_for(state, missing))) did_something = true;
  for (const auto& [since, pool, copy] : due.waiting) {
    if (held_up(state, pool)) continue;
    note_no_drive(state, pool, need_of(pool));
    auto seat = state.seats.take(pool.number, pool.max_drives);
    if (!seat) continue;
    std::optional<DriveDesk::Claim> drive;
    for (const auto& one : TRY(needs_of(state, pool)))
      if (!drive) drive = state.claim_one(one);
    if (!drive) continue;
    return std::make_unique<MigrateJob>(state, *std::move(drive), *std::move(seat), pool.number, copy);
  }
  return nullptr;
}

Status MigrateJob::run() {
  const auto done = work();
  const auto away = writer_.end();
  return done ? away : done;
}

Status MigrateJob::work() {
  for (auto volumes = TRY(batch()); !volumes.empty(); volumes = TRY(batch())) {
    for (const auto& volume : volumes) {
      auto ended = TRY(write_one(volume.volser));
      // On the next cartridge, in the same drive.
      if (ended == Ended::kFull) ended = TRY(write_one(volume.volser));
      if (ended == Ended::kStop || ended == Ended::kFull) return {};
      const auto pause = copy_pause(copy_name(volume.volser, copy_));
      if (ended == Ended::kWell) state_.pauses.clear(pause);
      // A host has it, or has had it in between: whether it is still due is seen then.
      if (ended == Ended::kSkipped) state_.pauses.put_off(pause, kShortPause);
      const auto barcode = writer_.mounted() ? writer_.mount().cartridge().barcode : "";
      if (must_give_way(state_, drive_.station(), barcode) || state_.left_to_pair(drive_.station()))
        return {};
    }
  }
  return {};
}

Result<std::vector<LogicalVolume>> MigrateJob::batch() {
  std::vector<LogicalVolume> out;
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    out = TRY(ready(view, state_, copy_, pool_, kDueBatch));
    return {};
  }));
  return out;
}

bool MigrateJob::is_due(const LogicalVolume& volume) const {
  const bool primary = copy_ == CopyNumber::kPrimary;
  return (primary ? volume.primary_due : volume.secondary_due) &&
         (primary ? volume.primary_pool : volume.secondary_pool) == pool_;
}

Result<MigrateJob::Ended> MigrateJob::write_one(const std::string& volser) {
  const auto claim = state_.copies.claim(copy_name(volser, copy_));
  if (!claim) return Ended::kSkipped;
  auto& desk = state_.parts.desk;
  const auto copy = desk.begin_copy(volser);
  if (!copy) return Ended::kSkipped;
  // What the catalogue says now is what the file holds until a host takes it.
  auto ended = [&]() -> Result<Ended> {
    const auto volume = TRY(state_.parts.catalogue.volume(volser));
    if (!is_due(volume) || !volume.mounted.empty() || !volume.has_content() || !volume.cached)
      return Ended::kSkipped;
    return write_image(volume, *copy);
  }();
  desk.end_copy(*copy);
  return ended;
}

Result<MigrateJob::Ended> MigrateJob::write_image(const LogicalVolume& volume, VolumeDesk::CopyId copy) {
  const auto now = state_.parts.env.clock->steady_now();
  if (state_.too_large.is(pool_name(pool_), volume.cached_bytes, now)) return too_large(volume);
  if (TRY(is_held(volume))) return Ended::kSkipped;
  if (!TRY(writer_.ready(other_cartridge(volume, copy_))))
    return writer_.avoided() ? Ended::kSkipped : Ended::kStop;
  if (TRY(is_held(volume))) return Ended::kSkipped;  // mounting takes its time
  const auto ended = TRY(stream(volume, copy));
  if (ended == Ended::kFull) return full(volume);
  if (ended == Ended::kSkipped) writer_.tape().abandon_image();
  if (ended != Ended::kWell) return ended;
  const auto image = writer_.finish_image();
  if (!image) return tape_failed(image.error());
  if (!*image) return full(volume);
  if (!TRY(count(volume, **image))) return Ended::kFull;
  writer_.mount().touched(volume.volser);
  room_came(state_);  // what is on tape may leave the cache
  if ((*image)->early_warning) TRY(writer_.end_full());
  return Ended::kWell;
}

Result<bool> MigrateJob::is_held(const LogicalVolume& volume) {
  bool held = false;
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    held = TRY(held_from_clear(view, volume, copy_, pool_));
    return {};
  }));
  if (held) TRY(hold_copy(state_, volume.volser, copy_, pool_));
  return held;
}

Result<MigrateJob::Ended> MigrateJob::stream(const LogicalVolume& volume, VolumeDesk::CopyId copy) {
  auto& desk = state_.parts.desk;
  // A file that vanished or broke under a copy is the host's doing when a host has taken it.
  const auto file_failed = [&](const Error& error) -> Result<Ended> {
    if (!desk.copy_is_good(copy)) return Ended::kSkipped;
    state_.pauses.put_off(copy_pause(copy_name(volume.volser, copy_)), kFirstPause);
    return std::unexpected(error);
  };
  const auto path = state_.parts.cached.path_of(volume);
  if (!path) return file_failed(path.error());
  auto source = ImageSource::open(*state_.parts.cached.env().disk, *path);
  if (!source) return file_failed(source.error());
  const auto begun = writer_.tape().begin_image(source->header(volume, copy_));
  if (!begun) return tape_failed(begun.error());
  if (*begun == ImageFit::kCartridgeFull) return Ended::kFull;
  while (true) {
    const auto bytes = source->next();
    if (!bytes) return file_failed(bytes.error());
    if (!desk.copy_is_good(copy)) return Ended::kSkipped;
    if (state_.ending) return given_up();
    if (bytes->empty()) return Ended::kWell;
    const auto fit = writer_.tape().append(*bytes);
    if (!fit) return tape_failed(fit.error());
    if (*fit == ImageFit::kCartridgeFull) return Ended::kFull;
  }
}

MigrateJob::Ended MigrateJob::given_up() {
  writer_.tape().abandon_image();
  return Ended::kStop;
}

Result<MigrateJob::Ended> MigrateJob::tape_failed(const Error& error) {
  if (fault_of(error) == MountFault::kNone) return std::unexpected(error);
  TRY(writer_.mount().met(error));
  TRY(writer_.end());
  return Ended::kStop;
}

Result<MigrateJob::Ended> MigrateJob::full(const LogicalVolume& volume) {
  writer_.tape().abandon_image();
  if (!writer_.fresh()) {
    TRY(writer_.end_full());
    return Ended::kFull;
  }
  state_.too_large.note(pool_name(pool_), volume.cached_bytes, state_.parts.env.clock->steady_now());
  (void)too_large(volume);
  return Ended::kStop;
}

MigrateJob::Ended MigrateJob::too_large(const LogicalVolume& volume) {
  state_.parts.notices.raise(
      NoticeKind::kNoScratchCartridge, pool_name(pool_),
      "the logical volume " + volume.volser + " does not fit on an empty cartridge of " + pool_name(pool_));
  state_.pauses.put_off(copy_pause(copy_name(volume.volser, copy_)), kLongestPause);
  return Ended::kSkipped;
}

Result<bool> MigrateJob::count(const LogicalVolume& volume, const WrittenImage& image) {
  return writer_.commit(
      image, ImageFrom::kCache,
      [&](CatalogueChange& change, const Copy& written) -> Status {
        auto now = TRY(change.find_volume(volume.volser));
        if (!now || now->generation != volume.generation || now->volume != volume.volume ||
            !now->has_content() || !is_due(*now) || other_cartridge(*now, copy_) == written.cartridge)
          return {};
        const bool primary = copy_ == CopyNumber::kPrimary;
        (primary ? now->primary : now->secondary) = written;
        (primary ? now->primary_due : now->secondary_due) = false;
        return change.put(*now);
      },
      volume.generation);
}

}  // namespace tapewarden::engine
