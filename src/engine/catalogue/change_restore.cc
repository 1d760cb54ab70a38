// What a catalogue that is put together again must be able to say, and to tell for the next time.
#include <algorithm>
#include <limits>

#include "engine/catalogue/change.h"
#include "engine/catalogue/limits.h"
#include "engine/catalogue/tables.h"

namespace tapewarden::engine {

using store::Row;

namespace {

Status check_generation(std::uint64_t generation) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  if (generation > 0 && generation <= kLargest) return {};
  return fail(ErrorCode::kInvalidArgument, "a generation is a number above 0", "generation");
}

std::unexpected<Error> there_already(const std::string& volser) {
  return fail(ErrorCode::kAlreadyExists, "there is a logical volume " + volser, "volser");
}

}  // namespace

Status CatalogueChange::put_missing(const LogicalVolume& volume) {
  TRY(check(volume));
  if (volume.residence() != Residence::kMissing)
    return fail(ErrorCode::kInvalidArgument, "the content of the volume " + volume.volser + " is somewhere",
                "residence");
  if (TRY(find_volume(volume.volser))) return there_already(volume.volser);
  TRY(check_constructs({}, volume));
  TRY(transaction_.put(kVolumeTable, to_row(volume, {}, {})));
  return count_volume(std::nullopt, volume);
}

Status CatalogueChange::put_withdrawn(const std::string& volser, std::uint64_t generation) {
  TRY(check_volser(volser));
  TRY(check_generation(generation));
  if (TRY(find_volume(volser))) return there_already(volser);
  return transaction_.put(kWithdrawnVolumeTable,
                          {volser, static_cast<std::int64_t>(generation), std::int64_t{0}});
}

Status CatalogueChange::put_deletion(const std::string& volser, std::uint64_t generation) {
  TRY(check_volser(volser));
  TRY(check_generation(generation));
  return note_deletion(volser, generation);
}

Result<Page<WithdrawnVolume>> CatalogueView::withdrawn_volumes(const PageRequest& page) {
  const auto limit = std::clamp<std::size_t>(page.limit, 1, kMaximumPage);
  Page<WithdrawnVolume> out;
  for (const Row& row :
       TRY(reader_.query(kWithdrawnVolumeTable, "generation > 0 AND volser > ? ORDER BY volser LIMIT ?",
                         {page.after, static_cast<std::int64_t>(limit + 1)})))
    out.items.push_back({store::text(row, 0), static_cast<std::uint64_t>(store::integer(row, 1))});
  if (out.items.size() > limit) {
    out.items.pop_back();
    out.next = out.items.back().volser;
  }
  return out;
}

Result<std::vector<DeletedVolume>> CatalogueView::deleted_volumes_after(std::uint64_t after,
                                                                        std::size_t limit) {
  std::vector<DeletedVolume> deleted;
  const auto most = static_cast<std::int64_t>(std::clamp<std::size_t>(limit, 1, kMaximumPage));
  for (const Row& row : TRY(reader_.query(kDeletedVolumeTable, "number > ? ORDER BY number LIMIT ?",
                                          {static_cast<std::int64_t>(after), most})))
    deleted.push_back(deleted_volume_from(row));
  return deleted;
}

}  // namespace tapewarden::engine
