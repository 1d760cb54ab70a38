// Volumes. Cartridges are in catalogue_loader_cartridges.cc.
#include "engine/rebuild/catalogue_loader.h"

#include <algorithm>
#include <limits>

#include "engine/catalogue/limits.h"
#include "engine/rebuild/limits.h"

namespace tapewarden::engine {
namespace {

constexpr CopyNumber kCopies[] = {CopyNumber::kPrimary, CopyNumber::kSecondary};

std::string generation_text(std::uint64_t generation) {
  return "generation " + std::to_string(generation);
}

}  // namespace

Status CatalogueLoader::run() {
  TRY(check_empty());
  TRY(take_settings());
  TRY(settle_cartridges());
  TRY(hold_pools());
  TRY(put_cartridges());
  TRY(see_everything());
  TRY(settle_known());
  TRY(settle_others());
  TRY(put_deletions());
  TRY(begin_generations());
  TRY(finish_cartridges());
  return catalogue_.change([](CatalogueChange& change) { return change.note_rebuilt(); });
}

Status CatalogueLoader::check_empty() {
  return catalogue_.read([](CatalogueView& view) -> Status {
    if (TRY(view.volumes({}, {.limit = 1})).items.empty() &&
        TRY(view.cartridges({}, {.limit = 1})).items.empty())
      return {};
    return fail(ErrorCode::kConflict, "the catalogue that is to be filled is not empty", "catalogue",
                "rebuild into a new one");
  });
}

Status CatalogueLoader::take_settings() {
  if (!input_.backup) {
    report_.find(FindingKind::kNoBackup, "", "no cartridge that was read holds a backup of the catalogue");
    groups_.emplace(kDefaultConstruct, default_storage_group());
    new_names_.emplace(kDefaultConstruct, false);
    classes_.emplace(kDefaultConstruct, default_management_class());
    return {};
  }
  std::vector<Pool> pools;
  BackupReaders readers;
  readers.pool = [&](Pool pool) -> Status {
    pools.push_back(std::move(pool));
    return {};
  };
  readers.storage_group = [&](StorageGroup group) -> Status {
    groups_[group.name] = group;
    return {};
  };
  readers.management_class = [&](ManagementClass management) -> Status {
    classes_[management.name] = management;
    return {};
  };
  readers.cartridge = [&](PhysicalVolume cartridge) -> Status {
    backup_cartridges_[cartridge.barcode] = std::move(cartridge);
    return {};
  };
  readers.withdrawn = [&](WithdrawnVolume withdrawn) -> Status {
    withdrawn_.push_back(std::move(withdrawn));
    return {};
  };
  readers.deleted = [&](DeletedVolume deleted) -> Status {
    deleted_.push_back(std::move(deleted));
    return {};
  };
  readers.least_generation = [&](std::uint64_t least) -> Status {
    see_generation(least);
    return {};
  };
  const auto header = TRY(read_catalogue_image(disk_, *input_.backup, readers));
  report_.backup_made = header.made;
  report_.find(FindingKind::kSettingsSince, "", "the backup is of " + format_utc(header.made));
  return catalogue_.change([&](CatalogueChange& change) -> Status {
    for (const auto& pool : pools) TRY(change.put(pool));
    for (const auto& [name, group] : groups_) TRY(change.put(group));
    for (const auto& [name, management] : classes_) TRY(change.put(management));
    return {};
  });
}

Status CatalogueLoader::see_everything() {
  std::vector<CartridgeRank> ranks;
  for (const auto& entry : entries_) ranks.push_back(entry.rank);
  merge_.emplace(std::move(ranks));
  for (const auto& path : input_.examinations) TRY(see_examination(path));
  for (const auto& withdrawn : withdrawn_) {
    merge_->see_withdrawn(withdrawn.volser, withdrawn.generation);
    see_generation(withdrawn.generation);
  }
  for (const auto& deleted : deleted_) {
    (void)merge_->see_deletion(deleted.volser, deleted.generation, false);
    see_generation(deleted.generation);
  }
  if (!input_.backup) return {};
  BackupReaders readers;
  readers.volume = [this](const LogicalVolume& volume) -> Status {
    see_generation(volume.generation);
    see_unread(volume);
    return {};
  };
  (void)TRY(read_catalogue_image(disk_, *input_.backup, readers));
  return {};
}

Status CatalogueLoader::see_examination(const std::string& path) {
  const auto found = TRY(read_examination(disk_, path));
  if (found.label.engine != input_.engine) return {};
  const auto cartridge = entry_of_.at(found.label.barcode);
  for (const auto& image : found.images) {
    see_generation(image.generation);
    if (merge_->see_image(cartridge, image)) continue;
    report_.find(
        FindingKind::kDamagedImage, found.label.barcode,
        "tape file " + std::to_string(image.file) + " says that it holds a volume that there cannot be");
  }
  for (const auto& tombstone : found.tombstones) {
    (void)merge_->see_deletion(tombstone.volser, tombstone.generation, true);
    see_generation(tombstone.generation);
  }
  return {};
}

// Copies on cartridges that were not read lie there as far as the backup knows. Where a cartridge was begun
// anew since, it is said as the backup had it: nothing else is known.
void CatalogueLoader::see_unread(const LogicalVolume& volume) {
  for (const auto number : kCopies) {
    if (!volume.active(number)) continue;
    const auto found = entry_of_.find(volume.copy(number)->cartridge);
    if (found == entry_of_.end()) continue;
    const auto& entry = entries_[found->second];
    if (entry.read || entry.blank || entry.volume.medium != volume.copy(number)->medium) continue;
    merge_->see_copy(found->second, volume, number);
  }
}

Status CatalogueLoader::settle_known() {
  if (!input_.backup) return {};
  BackupReaders readers;
  readers.volume = [this](LogicalVolume volume) { return settle_known(std::move(volume)); };
  (void)TRY(read_catalogue_image(disk_, *input_.backup, readers));
  return flush();
}

Status CatalogueLoader::settle_known(LogicalVolume row) {
  auto* fate = merge_->find(row.volser);
  const auto deleted = std::max(row.deleted_generation, fate == nullptr ? 0 : fate->deleted);
  if (fate != nullptr) fate->settled = true;
  if (fate == nullptr || fate->generation <= deleted) {
    if (fate != nullptr) row.generation = std::max(row.generation, fate->generation);
    return settle_without_image(std::move(row), deleted);
  }
  const auto known = row.generation;
  if (fate->generation < known)
    report_.find(FindingKind::kOlderContent, row.volser,
                 generation_text(known) + " was not found, " + generation_text(fate->generation) + " was");
  // What was found of this generation was written at another time: the row speaks of another content.
  const bool other = fate->generation == known && fate->written != row.written;
  if (other) tell_other_content(row, *fate);
  if (fate->generation > known || other) {
    auto newer = from_images(row.volser, *fate);
    newer.capacity_bytes = row.capacity_bytes;
    newer.cache_file = row.cache_file;
    newer.inserted = row.inserted;
    row = std::move(newer);
  }
  if (fate->generation != known || other) row.stamp.clear();
  row.volume = fate->volume;
  row.deleted_generation = deleted;
  return settle_content(std::move(row), *fate);
}

// No image of it counts.
Status CatalogueLoader::settle_without_image(LogicalVolume row, std::uint64_t deleted) {
  const bool deleted_since = deleted > row.deleted_generation && deleted >= row.generation;
  row.generation = std::max(row.generation, deleted);
  if (deleted_since) {
    report_.find(FindingKind::kDeletedSince, row.volser, "up to " + generation_text(deleted));
    return settle_empty(std::move(row), deleted);
  }
  row.deleted_generation = deleted;
  const auto known = row.generation;
  if (!row.has_content()) return settle_empty(std::move(row), known);
  report_.find(FindingKind::kLostVolume, row.volser,
               generation_text(row.generation) + ", written " + format_utc(row.written));
  if (row.category == Category::kScratch) {
    planned_deletions_.push_back({row.volser, known});
    return settle_empty(std::move(row), known);
  }
  row.primary.reset();
  row.secondary.reset();
  return plan(std::move(row), true);
}

// Only scratch volumes have no content.
Status CatalogueLoader::settle_empty(LogicalVolume row, std::uint64_t generation) {
  if (row.category != Category::kScratch && generation > 0) {
    row.category = Category::kScratch;
    row.scratched = input_.now;
  }
  row.generation = generation;
  row.deleted_generation = generation;
  row.primary.reset();
  row.secondary.reset();
  row.delete_after.reset();
  row.stamp.clear();
  return plan(std::move(row));
}

Status CatalogueLoader::settle_content(LogicalVolume volume, const VolumeFate& fate) {
  volume.generation = fate.generation;
  if (const auto kept = keep_others(volume.volser); !kept.empty())
    report_.find(FindingKind::kTwoContents, volume.volser,
                 generation_text(fate.generation) + " was given out twice; taken is what was written " +
                     format_utc(fate.written) + ", kept are " + kept);
  const auto places = merge_->places(fate);
  volume.primary = copy_at(places[0], fate.generation);
  volume.secondary = copy_at(places[1], fate.generation);
  volume.primary_pool = pool_of(volume.primary);
  volume.secondary_pool = pool_of(volume.secondary);
  settle_constructs(volume);
  note_copies(volume);
  return plan(std::move(volume));
}

// The backup knows another content of that generation than the one that is taken.
void CatalogueLoader::tell_other_content(const LogicalVolume& row, const VolumeFate& fate) {
  const auto twice = generation_text(fate.generation) + " was given out twice; ";
  const auto taken = format_utc(fate.written);
  const auto known = format_utc(row.written);
  if (row.written > fate.written)
    report_.find(FindingKind::kOlderContent, row.volser,
                 twice + "what was written " + known + " was not found, what was written " + taken + " was");
  else if (merge_->others(row.volser).empty())
    report_.find(
        FindingKind::kTwoContents, row.volser,
        twice + "taken is what was written " + taken + ", the backup knows what was written " + known);
}

std::optional<Copy> CatalogueLoader::copy_at(const SeenCopy& seen, std::uint64_t generation) const {
  if (seen.file == 0) return std::nullopt;
  const auto& on = entries_.at(seen.cartridge).volume;
  return Copy{on.barcode, on.medium, seen.file, seen.block, seen.bytes, generation};
}

std::uint8_t CatalogueLoader::pool_of(const std::optional<Copy>& copy) const {
  return copy ? entries_.at(entry_of_.at(copy->cartridge)).volume.pool : std::uint8_t{0};
}

void CatalogueLoader::note_copies(const LogicalVolume& volume) {
  bool on_read = false;
  std::string where;
  for (const auto number : kCopies) {
    const auto& copy = volume.copy(number);
    if (!copy) continue;
    on_read = on_read || entries_.at(entry_of_.at(copy->cartridge)).read;
    where += (where.empty() ? "" : ", ") + copy->cartridge;
  }
  if (!on_read) report_.find(FindingKind::kNeedsCartridge, volume.volser, where);
  const bool wants_second = classes_.at(volume.management_class).pool != 0;
  if (!volume.primary || (wants_second && !volume.secondary))
    report_.find(FindingKind::kOneCopyLess, volume.volser, "found on " + where);
}

LogicalVolume CatalogueLoader::from_images(const std::string& volser, const VolumeFate& fate) const {
  LogicalVolume out;
  out.volser = volser;
  out.volume = fate.volume;
  out.category = fate.category == ImageCategory::kPrivate ? Category::kPrivate : Category::kScratch;
  out.storage_group = merge_->names().text(fate.storage_group);
  out.management_class = merge_->names().text(fate.management_class);
  out.preference = fate.preference;
  out.inserted = fate.inserted;
  out.written = fate.written;
  out.accessed = fate.written;
  if (out.category == Category::kScratch) out.scratched = input_.now;
  out.capacity_bytes = input_.default_capacity_bytes;
  return out;
}

// What the backup does not know.
Status CatalogueLoader::settle_others() {
  for (const auto& volser : merge_->volsers()) {
    const auto& fate = *merge_->find(volser);
    if (fate.settled) continue;
    if (fate.has_content()) {
      auto volume = from_images(volser, fate);
      volume.deleted_generation = fate.deleted;
      report_.find(FindingKind::kNewVolume, volser, generation_text(fate.generation));
      TRY(settle_content(std::move(volume), fate));
      continue;
    }
    if (!fate.withdrawn)
      report_.find(FindingKind::kDeletedSince, volser, "up to " + generation_text(fate.deleted));
    planned_withdrawn_.push_back({volser, std::max(fate.deleted, fate.generation)});
    if (planned_withdrawn_.size() >= kRowsOfChange) TRY(flush());
  }
  return flush();
}

Status CatalogueLoader::plan(LogicalVolume volume, bool missing) {
  settle_constructs(volume);
  ++report_.volumes;
  if (volume.has_content() && !missing) ++report_.with_content;
  planned_.push_back({std::move(volume), missing});
  return planned_.size() < kRowsOfChange ? Status() : flush();
}

Status CatalogueLoader::flush() {
  TRY(catalogue_.change([this](CatalogueChange& change) -> Status {
    for (const auto& group : new_groups_) TRY(change.put(group));
    for (const auto& management : new_classes_) TRY(change.put(management));
    for (const auto& [volume, missing] : planned_)
      TRY(missing ? change.put_missing(volume) : change.put(volume));
    for (const auto& gone : planned_withdrawn_) TRY(change.put_withdrawn(gone.volser, gone.generation));
    return {};
  }));
  new_groups_.clear();
  new_classes_.clear();
  planned_.clear();
  planned_withdrawn_.clear();
  return {};
}

// A cartridge that was not here may hold a newer image of any volume, of which neither the others nor the
// backup tell. What hosts write from now on must be newer than that, or the next rebuild would take the old
// one for it. What was written after an earlier rebuild may be all on such cartridges, so nothing that is
// seen tells where its generations began: the time goes on by itself, and faster than a volume is changed.
Status CatalogueLoader::begin_generations() {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  const auto beyond = highest_ < kLargest - kGenerationsUnseen ? highest_ + kGenerationsUnseen : kLargest;
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(to_millis(input_.now), 0));
  return catalogue_.change(
      [&](CatalogueChange& change) { return change.begin_generations_at(std::max(beyond, time)); });
}

// Deletions that no trailer on a cartridge tells are to be told by one that is written next.
Status CatalogueLoader::put_deletions() {
  for (const auto& deleted : deleted_) {
    const auto* fate = merge_->find(deleted.volser);
    if (fate == nullptr || !fate->told_deleted)
      planned_deletions_.push_back({deleted.volser, deleted.generation});
  }
  for (std::size_t at = 0; at < planned_deletions_.size(); at += kRowsOfChange) {
    TRY(catalogue_.change([&](CatalogueChange& change) -> Status {
      const auto end = std::min(at + kRowsOfChange, planned_deletions_.size());
      for (std::size_t i = at; i < end; ++i)
        TRY(change.put_deletion(planned_deletions_[i].volser, planned_deletions_[i].generation));
      return {};
    }));
  }
  return {};
}

}  // namespace tapewarden::engine
