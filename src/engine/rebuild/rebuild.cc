#include "engine/rebuild/rebuild.h"

#include <algorithm>
#include <cctype>

#include "base/assert.h"
#include "base/text.h"
#include "engine/rebuild/catalogue_image.h"
#include "engine/rebuild/catalogue_loader.h"

namespace tapewarden::engine {
namespace {

constexpr std::string_view kExaminationPrefix = "examined-";
constexpr std::string_view kBackupPrefix = "backup-";
constexpr int kMaxTries = 2;

bool is_cleaning(const std::string& barcode) {
  return barcode.starts_with("CLN");
}

std::string backups_of(const Uuid& engine) {
  return std::string(kBackupPrefix) + engine.text();
}

}  // namespace

MediumKind kind_of_barcode(const std::string& barcode) {
  constexpr std::size_t kWithSuffix = 8;
  if (barcode.size() != kWithSuffix) return MediumKind::k3592;
  const bool lto = barcode[6] == 'L' || barcode[6] == 'M';
  return lto && std::isdigit(static_cast<unsigned char>(barcode[7])) != 0 ? MediumKind::kLto
                                                                          : MediumKind::k3592;
}

Result<std::unique_ptr<Rebuild>> Rebuild::begin(Env env, std::vector<RebuildStation> stations,
                                                RebuildOptions options) {
  TRY(env.disk->make_directories(options.folder));
  auto rebuild = std::unique_ptr<Rebuild>(new Rebuild(env, std::move(stations), std::move(options)));
  TRY(rebuild->take_earlier());
  TRY(rebuild->take_stock());
  return rebuild;
}

Status Rebuild::take_earlier() {
  const MutexLock lock(mutex_);
  for (const auto& name : TRY(env_.disk->list(options_.folder))) {
    if (!name.starts_with(kExaminationPrefix) || name.ends_with(".new")) continue;
    const auto found = read_examination(*env_.disk, path(name));
    // One that cannot be read is made again.
    if (found) known_[found->label.barcode] = {found->label.engine, path(name)};
  }
  return {};
}

Status Rebuild::take_stock() {
  std::vector<PhysicalLibrary*> libraries;
  for (const auto& station : stations_)
    if (std::ranges::find(libraries, station.library) == libraries.end())
      libraries.push_back(station.library);
  const MutexLock lock(mutex_);
  std::map<std::string, std::string> seen;
  for (auto* library : libraries) {
    for (const auto& problem : library->problems()) problems_.push_back(library->name() + ": " + problem);
    for (const auto& placed : library->inventory()) {
      if (is_cleaning(placed.barcode)) continue;
      const auto [first, is_new] = seen.try_emplace(placed.barcode, library->name());
      if (!is_new) {
        problems_.push_back(library->name() + ": the barcode " + placed.barcode + " is also in " +
                            first->second + ", from where it was taken");
        continue;
      }
      ++all_;
      if (known_.contains(placed.barcode)) continue;
      const auto kind = options_.kind_of ? options_.kind_of(placed.barcode) : kind_of_barcode(placed.barcode);
      waiting_.push_back({placed.barcode, library, kind, 0});
    }
  }
  // Whatever an earlier rebuild found on a cartridge, it is not here.
  std::erase_if(known_, [&](const auto& known) { return !seen.contains(known.first); });
  return {};
}

Status Rebuild::discard() {
  const MutexLock lock(mutex_);
  waiting_.clear();
  known_.clear();
  for (const auto& name : TRY(env_.disk->list(options_.folder)))
    if (name.starts_with(kExaminationPrefix) || name.starts_with(kBackupPrefix))
      TRY(env_.disk->remove(path(name)));
  return env_.disk->sync_directory(options_.folder);
}

std::optional<Rebuild::Waiting> Rebuild::next_for(const RebuildStation& station) {
  const MutexLock lock(mutex_);
  const auto fits = [&](const Waiting& waiting) {
    return waiting.library == station.library && waiting.kind == station.kind;
  };
  const auto found = std::ranges::find_if(waiting_, fits);
  if (found == waiting_.end()) return std::nullopt;
  auto next = std::move(*found);
  waiting_.erase(found);
  return next;
}

Result<bool> Rebuild::step(std::size_t number) {
  TW_ASSERT(number < stations_.size());
  const auto& station = stations_[number];
  const auto drive = station.station->drive().status();
  if (drive.state == PhysicalDriveStatus::State::kOffline)
    return mount_fail(MountFault::kDrive, ErrorCode::kUnavailable,
                      station.station->drive().name() + " is offline: " + drive.reason, "drive",
                      "mend it, or rebuild with another one");
  auto next = next_for(station);
  if (!next) return false;
  auto found = examine_cartridge(*station.station, next->barcode, *env_.clock,
                                 [this](MountedCartridge& cartridge, const FoundBackup& backup) {
                                   return take_backup(cartridge, backup);
                                 });
  const auto barcode = next->barcode;
  if (found) {
    TRY(keep(*std::move(found), *next));
  } else {
    TRY(give_up(found.error(), *std::move(next)));
  }
  tell_progress(barcode);
  return true;
}

Status Rebuild::examine_all() {
  std::optional<Error> first;
  for (std::size_t i = 0; i < stations_.size(); ++i) {
    auto more = step(i);
    while (more && *more) more = step(i);
    if (!more && !first) first = more.error();
  }
  const MutexLock lock(mutex_);
  if (waiting_.empty() || !first) return {};
  return std::unexpected(*first);
}

// The newest one of each engine is kept: reading it again would be another mount. True when nothing older on
// this cartridge is wanted.
Result<bool> Rebuild::take_backup(MountedCartridge& cartridge, const FoundBackup& backup) {
  const auto& label = cartridge.label();
  if (options_.engine && *options_.engine != label.engine) return true;
  const auto name = backups_of(label.engine) + "-" + label.barcode + "-" + std::to_string(backup.file);
  const auto part = path(name + ".part");
  const auto copied = copy_image(cartridge, backup.file, *env_.disk, part);
  if (!copied) {
    const auto fault = fault_of(copied.error());
    if (fault == MountFault::kMedium || fault == MountFault::kIdentity) return false;
    return std::unexpected(copied.error());
  }
  const auto header = read_catalogue_image(*env_.disk, part, {});
  if (!header || header->engine != label.engine) {
    TRY(env_.disk->remove(part));
    return false;
  }
  const MutexLock lock(backups_mutex_);
  const auto before = TRY(newest_backup(label.engine));
  if (before && TRY(read_backup_header(*env_.disk, *before)).made >= header->made) {
    TRY(env_.disk->remove(part));
    return true;
  }
  TRY(env_.disk->rename(part, path(name)));
  TRY(env_.disk->sync_directory(options_.folder));
  if (before && *before != path(name)) TRY(env_.disk->remove(*before));
  return true;
}

// A crash may have left the one before it beside it.
Result<std::optional<std::string>> Rebuild::newest_backup(const Uuid& engine) {
  std::optional<std::string> newest;
  WallTime made{};
  for (const auto& name : TRY(env_.disk->list(options_.folder))) {
    if (!name.starts_with(backups_of(engine)) || name.ends_with(".part")) continue;
    const auto header = read_backup_header(*env_.disk, path(name));
    if (!header || (newest && header->made <= made)) continue;
    newest = path(name);
    made = header->made;
  }
  return newest;
}

Status Rebuild::keep(Examination found, const Waiting& waiting) {
  found.library = waiting.library->name();
  found.kind = waiting.kind;
  const auto file = path(std::string(kExaminationPrefix) + waiting.barcode);
  const auto written = write_examination(*env_.disk, file, found);
  const MutexLock lock(mutex_);
  if (!written) {
    waiting_.push_back(waiting);
    return written;
  }
  known_[waiting.barcode] = {found.label.engine, file};
  return {};
}

Status Rebuild::give_up(const Error& error, Waiting waiting) {
  const auto fault = fault_of(error);
  const MutexLock lock(mutex_);
  const bool of_the_disk = fault == MountFault::kNone;
  const bool of_the_drive = fault == MountFault::kDriveKeys;  // of none other
  const bool may_pass = fault == MountFault::kInterrupted || fault == MountFault::kDrive;
  // One that took two drives offline is not put into a third.
  if (of_the_disk || of_the_drive || (may_pass && ++waiting.tries < kMaxTries)) {
    waiting_.push_back(std::move(waiting));
    if (fault == MountFault::kInterrupted) return {};
    return std::unexpected(error);
  }
  const bool no_label = fault == MountFault::kIdentity && error.code == ErrorCode::kInvalidArgument;
  unread_[waiting.barcode] = {waiting.barcode, waiting.library->name(), waiting.kind, fault, no_label,
                              error.message};
  return {};
}

RebuildProgress Rebuild::progress() const {
  const MutexLock lock(mutex_);
  return {.done = all_ - waiting_.size(), .all = all_, .barcode = {}};
}

void Rebuild::tell_progress(const std::string& barcode) {
  if (!options_.progress) return;
  auto now = progress();
  now.barcode = barcode;
  options_.progress(now);
}

std::map<Uuid, std::size_t> Rebuild::engines() const {
  const MutexLock lock(mutex_);
  std::map<Uuid, std::size_t> out;
  for (const auto& [barcode, known] : known_) ++out[known.engine];
  return out;
}

Result<RebuildReport> Rebuild::finish(Catalogue& catalogue, const Uuid& engine) {
  RebuildReport report;
  LoaderInput input{.engine = engine,
                    .examinations = {},
                    .unread = {},
                    .backup = {},
                    .default_capacity_bytes = options_.default_capacity_bytes,
                    .now = env_.clock->wall_now()};
  {
    const MutexLock lock(mutex_);
    for (const auto& [barcode, known] : known_) {
      input.examinations.push_back(known.path);
      if (known.engine == engine) ++report.cartridges_read;
    }
    for (const auto& [barcode, unread] : unread_) input.unread.push_back(unread);
    for (const auto& waiting : waiting_)
      input.unread.push_back({waiting.barcode, waiting.library->name(), waiting.kind, MountFault::kDrive,
                              false, "no drive was there to read it"});
    for (const auto& problem : problems_) report.find(FindingKind::kLibrary, "", problem);
  }
  if (report.cartridges_read == 0)
    return fail(ErrorCode::kNotFound, "no cartridge of the engine " + engine.text() + " could be read",
                "engine", "look at the engines found, and at the cartridges that could not be read");
  {
    const MutexLock lock(backups_mutex_);
    input.backup = TRY(newest_backup(engine));
  }
  TRY(CatalogueLoader(catalogue, *env_.disk, std::move(input), report).run());
  return report;
}

Status say_rebuilt(Catalogue& catalogue, Notices& notices) {
  std::optional<WallTime> rebuilt;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    rebuilt = TRY(view.engine_state()).rebuilt;
    return {};
  }));
  if (!rebuilt) return {};
  notices.say(NoticeKind::kCatalogueRebuilt, "catalogue",
              "Catalogue rebuilt from cartridges " + format_utc(*rebuilt) +
                  ": settings are as of its backup, if there was one");
  return catalogue.change([](CatalogueChange& change) { return change.rebuilt_was_told(); });
}

}  // namespace tapewarden::engine
