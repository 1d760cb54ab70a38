#include "engine/operator/volume_orders.h"

#include <algorithm>
#include <set>

#include "base/counted.h"
#include "engine/catalogue/limits.h"
#include "engine/operator/clear_refusal.h"
#include "engine/operator/names.h"

namespace tapewarden::engine {
namespace {

using Volsers = std::vector<std::string>;

constexpr std::uint64_t kMib = 1ULL << 20;

Status check_wanted(const NewVolumes& wanted) {
  if (wanted.volsers.empty() || wanted.volsers.size() > kMaximumOrdered)
    return fail(ErrorCode::kExhausted, "these are none, or too many for one call", "volsers",
                "name 1 to " + std::to_string(kMaximumOrdered));
  if (std::ranges::find(kVolumeSizesMib, wanted.size_mib) != kVolumeSizesMib.end()) return {};
  std::string sizes;
  for (const auto size : kVolumeSizesMib) sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
  return fail(ErrorCode::kInvalidArgument, "logical volumes come in other sizes", "size_mib",
              "one of " + sizes);
}

std::unexpected<Error> known_already(const std::string& volser) {
  return fail(ErrorCode::kAlreadyExists, "there is a logical volume " + volser, "volsers",
              "insert others, or withdraw it first");
}

LogicalVolume new_volume(const OperatorParts& parts, const NewVolumes& wanted, const std::string& volser,
                         WallTime now) {
  LogicalVolume volume;
  volume.volser = volser;
  volume.volume = Uuid::random(*parts.env.random);
  volume.storage_group = wanted.storage_group;
  volume.management_class = wanted.management_class;
  volume.preference = wanted.preference;
  volume.capacity_bytes = wanted.size_mib * kMib;
  volume.inserted = now;
  volume.scratched = now;
  return volume;
}

// What an interrupted insertion left: in the catalogue, and nothing has happened to it.
bool fits(const LogicalVolume& known, const NewVolumes& wanted) {
  return known.category == Category::kScratch && !known.has_content() && !known.cached &&
         known.capacity_bytes == wanted.size_mib * kMib && known.storage_group == wanted.storage_group &&
         known.management_class == wanted.management_class;
}

struct Insertion {
  std::vector<ShelvedVolume> shelved;
  Volsers made;
};

// The library is asked beforehand: nobody waits for it within a transaction, for it may wait for one.
Result<Insertion> insert_rows(const OperatorParts& parts, const NewVolumes& wanted) {
  std::set<std::string> standing;
  for (const auto& volser : wanted.volsers)
    if (!parts.shelf.place_of(volser).empty()) standing.insert(volser);
  Insertion out;
  TRY(parts.catalogue.change([&](CatalogueChange& change) -> Status {
    out = {};
    for (const auto& volser : wanted.volsers) {
      const auto known = TRY(change.find_volume(volser));
      if (standing.contains(volser) || (known && !fits(*known, wanted))) return known_already(volser);
      const auto volume = known ? *known : new_volume(parts, wanted, volser, change.now());
      if (!known) {
        TRY(change.put(volume));
        out.made.push_back(volser);
      }
      out.shelved.push_back({volser, volume.volume, wanted.kind});
    }
    return {};
  }));
  return out;
}

// As nobody could have used them, nothing is lost when even this fails: the next insertion finds them.
void undo_rows(const OperatorParts& parts, const Volsers& made) {
  (void)parts.catalogue.change([&](CatalogueChange& change) -> Status {
    for (const auto& volser : made) TRY(change.withdraw_volume(volser));
    return {};
  });
}

std::unexpected<Error> held(const LogicalVolume& volume) {
  return fail(ErrorCode::kConflict,
              "the logical volume " + volume.volser + " is in the drive " + volume.mounted, "volser",
              "have it unmounted first");
}

// A drive has it already while its content is being brought, which the catalogue does not know. Before the
// transaction, for the library may wait for one.
Status check_in_no_drive(const OperatorParts& parts, const Volsers& volsers) {
  for (const auto& volser : volsers) {
    const auto place = parts.shelf.place_of(volser);
    if (!place.starts_with("drive ")) continue;
    return fail(ErrorCode::kConflict, "the logical volume " + volser + " is in the " + place, "volser",
                "have it unmounted first");
  }
  return {};
}

// One transaction over all of them.
Status each_in(const OperatorParts& parts, const Volsers& volsers,
               const std::function<Status(CatalogueChange&, LogicalVolume&)>& work) {
  TRY(parts.catalogue.change([&](CatalogueChange& change) -> Status {
    for (const auto& volser : volsers) {
      auto volume = TRY(change.volume(volser));
      TRY(work(change, volume));
      TRY(change.put(volume));
    }
    return {};
  }));
  parts.wake_up();
  return {};
}
Status each(const OperatorParts& parts, const Volsers& volsers,
            const std::function<Status(LogicalVolume&, WallTime now)>& work) {
  return each_in(parts, volsers,
                 [&](CatalogueChange& change, LogicalVolume& volume) { return work(volume, change.now()); });
}

// The pools by whose settings the volume's copies are written, or were.
Result<std::vector<Pool>> pools_of(CatalogueView& view, const LogicalVolume& volume) {
  std::vector<Pool> out{TRY(view.pool(TRY(view.storage_group(volume.storage_group)).pool))};
  const auto second = TRY(view.management_class(volume.management_class)).pool;
  if (second != kCommonPool) out.push_back(TRY(view.pool(second)));
  for (const auto number : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
    if (!volume.active(number)) continue;
    const auto on = TRY(view.find_cartridge(volume.copy(number)->cartridge));
    if (on && on->pool != kCommonPool) out.push_back(TRY(view.pool(on->pool)));
  }
  return out;
}

// Of a volume whose constructs change from `before`. What one of its copies was encrypted as stays the word
// for the other one, too.
Status check_clear(CatalogueView& view, const LogicalVolume& before, const LogicalVolume& after) {
  const auto look = [&](std::uint8_t from, std::uint8_t to, std::string_view field) -> Status {
    if (from == to || to == kCommonPool) return {};
    const auto target = TRY(view.pool(to));
    for (const auto& home : TRY(pools_of(view, before)))
      if (needs_clear_leave(home, target))
        return refuse_clear("the logical volume " + before.volser, home, target, field);
    return {};
  };
  TRY(look(TRY(view.storage_group(before.storage_group)).pool,
           TRY(view.storage_group(after.storage_group)).pool, "storage_group"));
  return look(TRY(view.management_class(before.management_class)).pool,
              TRY(view.management_class(after.management_class)).pool, "management_class");
}

Status may_be_withdrawn(const LogicalVolume& volume) {
  if (volume.category != Category::kScratch)
    return fail(ErrorCode::kConflict, "the logical volume " + volume.volser + " is private", "volser",
                "return it to scratch first");
  if (!volume.mounted.empty()) return held(volume);
  return {};
}

void shred(const OperatorParts& parts, const LogicalVolume& volume) {
  if (volume.cached && parts.shred) parts.shred({volume.volser, volume.cache_file});
}

// First from the hosts' sight, so that none can load it any more.
Status withdraw(const OperatorParts& parts, const std::string& volser) {
  const auto seen = TRY(parts.catalogue.volume(volser));
  TRY(may_be_withdrawn(seen));
  const auto taken = TRY(parts.shelf.take(volser));
  LogicalVolume volume;
  const auto gone = parts.catalogue.change([&](CatalogueChange& change) -> Status {
    volume = TRY(change.volume(volser));
    return change.withdraw_volume(volser);
  });
  if (gone) {
    shred(parts, volume);
    return {};
  }
  const auto back = taken ? parts.shelf.put({*taken}) : Status();
  if (back) return gone;
  return in_context("it left the library, and could not be put back: " + back.error().text(), gone.error());
}

}  // namespace

Result<InsertedVolumes> insert_volumes(const OperatorParts& parts, const NewVolumes& wanted) {
  TRY(check_wanted(wanted));
  const auto insertion = TRY(insert_rows(parts, wanted));
  if (const auto put = parts.shelf.put(insertion.shelved); !put) {
    undo_rows(parts, insertion.made);
    return std::unexpected(put.error());
  }
  parts.wake_up();
  return InsertedVolumes{insertion.made.size(), insertion.shelved.size() - insertion.made.size()};
}

Status return_to_scratch(const OperatorParts& parts, const Volsers& volsers,
                         std::optional<std::uint32_t> expire_hours) {
  if (expire_hours && *expire_hours > kMaximumExpireHours)
    return fail(ErrorCode::kInvalidArgument, "this is longer than ten years", "expire_hours",
                "give up to " + std::to_string(kMaximumExpireHours) + " hours, or leave it out");
  TRY(check_in_no_drive(parts, volsers));
  return each(parts, volsers, [&](LogicalVolume& volume, WallTime now) -> Status {
    if (!volume.mounted.empty()) return held(volume);
    if (volume.category == Category::kPrivate) volume.scratched = now;
    volume.category = Category::kScratch;
    volume.delete_after.reset();
    if (expire_hours && volume.has_content()) volume.delete_after = now + std::chrono::hours(*expire_hours);
    return {};
  });
}

Status make_private(const OperatorParts& parts, const Volsers& volsers) {
  TRY(check_in_no_drive(parts, volsers));
  return each(parts, volsers, [](LogicalVolume& volume, WallTime) -> Status {
    if (!volume.mounted.empty()) return held(volume);
    if (!volume.has_content())
      return fail(ErrorCode::kConflict,
                  "the logical volume " + volume.volser + " has no content that could be private", "volser",
                  volume.generation == 0 ? "it was never written" : "what it had was deleted for good");
    volume.category = Category::kPrivate;
    volume.delete_after.reset();
    return {};
  });
}

Status change_volumes(const OperatorParts& parts, const Volsers& volsers, const VolumeChange& change) {
  if (!change.storage_group && !change.management_class && !change.preference)
    return fail(ErrorCode::kInvalidArgument, "nothing is to be changed", "storage_group",
                "give a storage group, a management class or a preference group");
  return each_in(parts, volsers, [&](CatalogueChange& now, LogicalVolume& volume) -> Status {
    const auto before = volume;
    if (change.storage_group) volume.storage_group = *change.storage_group;
    if (change.management_class) volume.management_class = *change.management_class;
    if (change.preference) volume.preference = *change.preference;
    return change.leave == ClearLeave::kYes ? Status() : check_clear(now, before, volume);
  });
}

std::vector<OrderLine> withdraw_volumes(const OperatorParts& parts, const Volsers& volsers) {
  std::vector<OrderLine> lines;
  for (const auto& volser : volsers) {
    const auto gone = withdraw(parts, volser);
    lines.push_back(gone ? OrderLine{volser, "withdrawn"} : OrderLine::refused(volser, gone.error()));
  }
  parts.wake_up();
  return lines;
}

Result<DeletedContents> delete_expired(const OperatorParts& parts) {
  const auto shredded = [&parts](const CachedContent& content) {
    if (parts.shred) parts.shred(content);
  };
  const WallTime now = parts.env.clock->wall_now();
  DeletedContents sum{.more = true};
  while (sum.more) {
    const auto some = TRY(delete_expired(parts.catalogue, shredded, now, kMaximumOrdered));
    sum = {.volumes = sum.volumes + some.volumes,
           .cached_bytes = sum.cached_bytes + some.cached_bytes,
           .tape_bytes = sum.tape_bytes + some.tape_bytes,
           .more = some.more};
  }
  if (sum.volumes > 0) parts.wake_up();
  return sum;
}

}  // namespace tapewarden::engine
