#include "engine/host/volume_mounts.h"

#include <algorithm>

#include "engine/host/limits.h"
#include "engine/host/volume_stamp.h"
#include "engine/residence/expiry.h"

namespace tapewarden::engine {
namespace {

std::unexpected<Error> changed_meanwhile(const std::string& volser) {
  return fail(ErrorCode::kConflict, "the volume " + volser + " changed while it was being mounted", "volser");
}

std::unexpected<Error> deleted_meanwhile(const std::string& volser) {
  return fail(ErrorCode::kConflict,
              "the content of the volume " + volser + " was deleted while the drive waited for it", "volser",
              "load it anew to have it as a blank one");
}

// Whether nothing happened to it that a mount must know.
bool same(const LogicalVolume& now, const LogicalVolume& before) {
  return now.mounted.empty() && now.category == before.category && now.generation == before.generation &&
         now.deleted_generation == before.deleted_generation && now.cached == before.cached &&
         now.cache_file == before.cache_file;
}

}  // namespace

Result<Mounting> VolumeMounts::mount(const std::string& volser, const Uuid& uuid, const std::string& drive,
                                     WantedOf wanted) {
  auto mounted = mount_at_last(volser, uuid, drive, wanted);
  // What is promised to one that waits for its answer is that answer's.
  const bool keeps = mounted && mounted->state != Mounting::State::kWantsRecall;
  if (!keeps) cached_.release_growth(volser);
  return mounted;
}

Result<Mounting> VolumeMounts::mount_at_last(const std::string& volser, const Uuid& uuid,
                                             const std::string& drive, WantedOf wanted) {
  if (awaits_answer(volser)) return Mounting{.state = Mounting::State::kWantsAnswer, .content = true};
  for (std::size_t i = 0; i < kMountTries; ++i) {
    const auto volume = TRY(catalogue_.volume(volser));
    if (volume.volume != uuid)
      return fail(
          ErrorCode::kConflict,
          "the cartridge " + volser + " of the library is not the volume " + volser + " of the catalogue",
          "volume", "take it off the library's inventory and put it there anew");
    // A file that could not be looked at when its drive gave it back, or an end of the program.
    if (!volume.mounted.empty()) {
      if (const auto settled = settle_file(volume, false); !settled) {
        tell_unsettled(volser, settled.error());
        return in_context("the volume " + volser + " is not settled yet since it was in the drive " +
                              volume.mounted + ", and goes into no other before",
                          settled.error());
      }
      continue;
    }
    if (wanted == WantedOf::kContent && !volume.has_content()) return deleted_meanwhile(volser);
    const bool wants_blank =
        wanted == WantedOf::kAsItIs && (volume.category == Category::kScratch || !volume.has_content());
    auto mounted = TRY(wants_blank ? mount_blank(volume, drive) : mount_content(volume, drive));
    if (mounted) return *std::move(mounted);
  }
  return fail(ErrorCode::kUnavailable, "the volume " + volser + " changed again and again", "volser",
              "try again");
}

Result<std::optional<Mounting>> VolumeMounts::mount_content(const LogicalVolume& volume,
                                                            const std::string& drive) {
  if (volume.residence() == Residence::kMissing) {
    const std::string why = "the content of the volume " + volume.volser + " is nowhere";
    notices_.raise(NoticeKind::kVolumeUnreadable, volume.volser, why);
    return fail(ErrorCode::kCorrupt, why, "volser", "bring back the cartridge that it lay on");
  }
  if (!volume.cached) return Mounting{.state = Mounting::State::kWantsRecall, .content = true};
  const auto path = cached_.path_of(volume);
  if (!path) {
    if (path.error().code != ErrorCode::kCorrupt) return std::unexpected(path.error());
    TRY(leave_without_file(volume));
    return std::nullopt;
  }
  const std::uint64_t taken = TRY(cached_.measure(volume));
  const std::uint64_t most = most_file_bytes(blank_of(volume).capacity_bytes);
  if (!TRY(cached_.reserve_growth(volume.volser, most > taken ? most - taken : 0)))
    return Mounting{.state = Mounting::State::kWantsRoom, .content = true};
  if (!TRY(note_mounted(volume, *path, drive))) return std::nullopt;
  return Mounting{.state = Mounting::State::kIn, .path = *path, .content = true};
}

Result<bool> VolumeMounts::note_mounted(const LogicalVolume& volume, const std::string& path,
                                        const std::string& drive) {
  // A catalogue that was put together again from cartridges has no stamps.
  const Bytes stamp = volume.stamp.empty() ? TRY(volume_stamp(*cached_.env().disk, path)) : volume.stamp;
  bool noted = false;
  desk_.take(volume.volser);
  const auto done = catalogue_.change([&](CatalogueChange& change) -> Status {
    LogicalVolume now = TRY(change.volume(volume.volser));
    noted = same(now, volume);
    if (!noted) return {};
    now.mounted = drive;
    now.category = Category::kPrivate;  // or the next start would give the drive a blank file
    now.delete_after.reset();
    now.accessed = change.now();
    now.stamp = stamp;
    return change.put(now);
  });
  if (!done || !noted) desk_.give_back(volume.volser);
  if (!done) return std::unexpected(done.error());
  return noted;
}

// Where content is on tape it is recalled; where it is not, the volume stays as the catalogue has it.
Status VolumeMounts::leave_without_file(const LogicalVolume& volume) {
  const auto left = cached_.drop({volume.volser}, [&](CatalogueChange&, LogicalVolume& now) -> Result<bool> {
    now.mounted.clear();
    return now.cached && now.cache_file == volume.cache_file;
  });
  if (left) return {};
  if (left.error().code != ErrorCode::kConflict) return std::unexpected(left.error());
  const std::string why =
      "the file of the volume " + volume.volser + " in the cache is missing, and its content is nowhere else";
  notices_.raise(NoticeKind::kVolumeUnreadable, volume.volser, why);
  return fail(ErrorCode::kCorrupt, why, "volser", "look at what happened to the cache's disk");
}

tape::CartridgeSpec VolumeMounts::blank_of(const LogicalVolume& volume) const {
  auto spec = options_.blank ? options_.blank(volume.volser) : tape::CartridgeSpec{};
  spec.volser = volume.volser;
  spec.volume = volume.volume;
  if (volume.capacity_bytes != 0) spec.capacity_bytes = volume.capacity_bytes;
  return spec;
}

Status VolumeMounts::check_hold(const LogicalVolume& volume) const {
  if (!expire_hold() || !volume.delete_after || *volume.delete_after <= env_.clock->wall_now()) return {};
  return fail(ErrorCode::kConflict,
              "the scratch volume " + volume.volser + " is held until " + format_utc(*volume.delete_after) +
                  ", when its content may be deleted",
              "delete after", "mount another scratch volume, or make this one private again");
}

Result<std::optional<Mounting>> VolumeMounts::mount_blank(const LogicalVolume& volume,
                                                          const std::string& drive) {
  TRY(check_hold(volume));
  const auto spec = blank_of(volume);
  if (!TRY(cached_.reserve_growth(volume.volser, most_file_bytes(spec.capacity_bytes))))
    return Mounting{.state = Mounting::State::kWantsRoom};
  const auto entered = enter_blank(volume, spec, drive);
  if (!entered) {
    if (entered.error().code != ErrorCode::kConflict) return std::unexpected(entered.error());
    return std::nullopt;
  }
  const auto now = TRY(catalogue_.volume(volume.volser));
  // What the file takes already is counted by itself.
  const std::uint64_t most = most_file_bytes(spec.capacity_bytes);
  (void)TRY(cached_.reserve_growth(volume.volser, most - std::min(most, now.cached_bytes)));
  return Mounting{.state = Mounting::State::kIn, .path = TRY(cached_.path_of(now))};
}

// kConflict: something happened to the volume meanwhile.
Status VolumeMounts::enter_blank(const LogicalVolume& volume, const tape::CartridgeSpec& spec,
                                 const std::string& drive) {
  // Before the old file goes, so that no copy of it counts.
  desk_.take(volume.volser);
  auto entered = replace_by_blank(volume, spec, drive);
  if (!entered) desk_.give_back(volume.volser);
  return entered;
}

Status VolumeMounts::replace_by_blank(const LogicalVolume& volume, const tape::CartridgeSpec& spec,
                                      const std::string& drive) {
  const auto before = TRY(without_old_file(volume));
  const bool ends_content = before.has_content() || volume.has_content();
  const auto coming = TRY(cached_.begin_arrival(before.volser));
  const auto stamp = make_blank(coming, spec);
  if (!stamp) {
    cached_.abandon_arrival(coming);
    return std::unexpected(stamp.error());
  }
  TRY(cached_.finish_arrival(coming, [&](CatalogueChange&, LogicalVolume& now) -> Status {
    if (now.generation != before.generation || now.category != before.category || !now.mounted.empty())
      return changed_meanwhile(now.volser);
    delete_content(now);
    ++now.generation;
    now.stamp = *stamp;
    now.mounted = drive;
    return {};
  }));
  if (ends_content) options_.meter->volumes_deleted(1);
  return {};
}

Result<LogicalVolume> VolumeMounts::without_old_file(const LogicalVolume& volume) {
  if (!volume.cached) return volume;
  const auto dropped =
      TRY(cached_.drop({volume.volser}, [&](CatalogueChange&, LogicalVolume& now) -> Result<bool> {
        if (!same(now, volume)) return false;
        delete_content(now);
        return true;
      }));
  if (dropped == 0) return changed_meanwhile(volume.volser);
  return catalogue_.volume(volume.volser);
}

Result<Bytes> VolumeMounts::make_blank(const CachedVolumes::Coming& coming, const tape::CartridgeSpec& spec) {
  const Env env = cached_.env();
  TRY(TRY(tape::Cartridge::create(env, coming.path, spec))->unload());
  return volume_stamp(*env.disk, coming.path);
}

}  // namespace tapewarden::engine
