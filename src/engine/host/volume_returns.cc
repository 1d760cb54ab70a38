// What a drive left when it gave a volume back, or when the program or the power ended.
#include "base/text.h"
#include "engine/host/limits.h"
#include "engine/host/volume_mounts.h"
#include "engine/host/volume_stamp.h"

namespace tapewarden::engine {

Status VolumeMounts::unmount(const std::string& volser) {
  if (const auto volume = catalogue_.volume(volser); volume && leave_request(*volume, Requests::kAll))
    return {};
  auto settled = settle(volser);
  if (!settled) tell_unsettled(volser, settled.error());
  let_go(volser);
  return settled;
}

void VolumeMounts::let_go(const std::string& volser) {
  desk_.give_back(volser);
  cached_.release_growth(volser);
}

Status VolumeMounts::settle(const std::string& volser) {
  const auto volume = TRY(catalogue_.volume(volser));
  (void)TRY(settle_file(volume, false));
  return {};
}

Status VolumeMounts::settle_again(const std::string& volser) {
  const auto volume = catalogue_.volume(volser);
  const bool gone = !volume && volume.error().code == ErrorCode::kNotFound;
  if (gone || (volume && volume->mounted.empty())) {
    (void)notices_.clear(NoticeKind::kVolumeUnreadable, volser, "it is settled");
    return {};
  }
  if (!volume) return std::unexpected(volume.error());
  const auto settled = settle_file(*volume, false);
  if (settled) return {};
  tell_unsettled(volser, settled.error());
  return std::unexpected(settled.error());
}

void VolumeMounts::tell_unsettled(const std::string& volser, const Error& error) {
  notices_.raise(
      NoticeKind::kVolumeUnreadable, volser,
      "what the volume " + volser +
          " holds since it was in a drive could not be settled yet; it is tried again by itself, and "
          "until then no drive gets it and no copy of it is made: " +
          error.text());
}

Result<GivenBack> VolumeMounts::look_at(const LogicalVolume& volume, const std::string& path) {
  Disk& disk = *cached_.env().disk;
  TRY(sync_volume(disk, path));
  return GivenBack{.stamp = TRY(volume_stamp(disk, path)),
                   .bytes = TRY(cached_.measure(volume)),
                   .named = TRY(read_named_constructs(disk, path))};
}

Result<bool> VolumeMounts::settle_file(const LogicalVolume& volume, bool keep) {
  if (!volume.cached) {
    TRY(settle_without_file(volume));
    return false;
  }
  const auto path = cached_.path_of(volume);
  const Result<GivenBack> found = path ? look_at(volume, *path) : std::unexpected(path.error());
  if (!found)
    return in_context("the file of the volume " + volume.volser +
                          " in the cache cannot be read after it was in the drive " + volume.mounted,
                      found.error());
  const bool untouched = !keep && blank_as_it_was(volume, found->stamp);
  TRY(untouched ? drop_blank(volume) : enter_settled(volume, *found, keep));
  (void)notices_.clear(NoticeKind::kVolumeUnreadable, volume.volser, "its file was read");
  return !untouched && volume.stamp != found->stamp;
}

// As a program of before left it that was killed at its start: the file was missing, and was given up.
Status VolumeMounts::settle_without_file(const LogicalVolume& volume) {
  return catalogue_.change([&](CatalogueChange& change) -> Status {
    LogicalVolume now = TRY(change.volume(volume.volser));
    now.mounted.clear();
    return change.put(now);
  });
}

Status VolumeMounts::drop_blank(const LogicalVolume& volume) {
  (void)TRY(cached_.drop({volume.volser}, [&](CatalogueChange& change, LogicalVolume& now) -> Result<bool> {
    now.deleted_generation = now.generation;
    now.stamp.clear();
    now.mounted.clear();
    now.accessed = change.now();
    return true;
  }));
  return {};
}

Status VolumeMounts::enter_settled(const LogicalVolume& volume, const GivenBack& found, bool keep) {
  std::vector<std::string> unknown;
  TRY(catalogue_.change([&](CatalogueChange& change) -> Status {
    LogicalVolume now = TRY(change.volume(volume.volser));
    unknown = TRY(engine::settle(change, now, found, change.now()));
    if (!keep) now.mounted.clear();
    return change.put(now);
  }));
  for (const auto& construct : unknown) tell_unknown(volume, construct, found.named);
  return {};
}

void VolumeMounts::tell_unknown(const LogicalVolume& volume, const std::string& construct,
                                const NamedConstructs& named) {
  constexpr std::size_t kShown = 32;
  const bool group = construct == "storage group";
  const std::string name = (group ? named.storage_group : named.management_class).substr(0, kShown);
  notices_.say(NoticeKind::kUnknownConstruct, volume.volser,
               "the host named the " + construct + " \"" + escape_unprintable(name) + "\" for the volume " +
                   volume.volser + ", and there is none of that name: the volume keeps " +
                   (group ? volume.storage_group : volume.management_class));
}

Result<Reconciled> VolumeMounts::reconcile(const std::map<std::string, std::string>& in_drives) {
  std::vector<LogicalVolume> mounted;
  TRY(catalogue_.read([&](CatalogueView& view) -> Status {
    mounted = TRY(view.mounted(kMaximumMounted));
    return {};
  }));
  Reconciled out;
  for (const auto& volume : mounted) {
    const auto in = in_drives.find(volume.volser);
    const bool keep = in != in_drives.end() && in->second == volume.mounted;
    // Also where the inventory has it in that drive: a host may wait there for the answer. Or it had not
    // unmounted it, and what lies there is only the beginning of something else.
    if (leave_request(volume, keep ? Requests::kEnded : Requests::kAll)) {
      (void)cached_.reserve_growth(volume.volser, most_file_bytes(blank_of(volume).capacity_bytes));
      (keep ? out.kept : out.out).push_back(volume.volser);
      continue;
    }
    const auto changed = settle_file(volume, keep);
    if (!changed) {
      out.faults.push_back("volume " + volume.volser + ": " + changed.error().text());
      out.unsettled.push_back(volume.volser);
      tell_unsettled(volume.volser, changed.error());
      continue;
    }
    (keep ? out.kept : out.out).push_back(volume.volser);
    if (*changed) out.changed.push_back(volume.volser);
  }
  return out;
}

}  // namespace tapewarden::engine
