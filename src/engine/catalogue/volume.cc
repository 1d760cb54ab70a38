#include "engine/catalogue/volume.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "engine/catalogue/cartridge.h"
#include "engine/catalogue/constructs.h"
#include "engine/catalogue/limits.h"

namespace tapewarden::engine {

namespace {

constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

Status check_copy(const std::optional<Copy>& copy, std::uint64_t generation, const std::string& field) {
  if (!copy) return {};
  TRY(check_barcode(copy->cartridge, field));
  const bool fits = copy->medium <= kLargest && copy->block <= kLargest && copy->bytes <= kMaximumBytes;
  if (!fits || copy->medium == 0 || copy->bytes == 0) {
    return fail(ErrorCode::kInvalidArgument,
                "a copy has a medium generation and a length, neither of them absurd", field);
  }
  if (copy->generation == 0 || copy->generation > generation) {
    return fail(ErrorCode::kInvalidArgument,
                "the copy says generation " + std::to_string(copy->generation) + ", the volume has " +
                    std::to_string(generation),
                field);
  }
  return {};
}

Status check_numbers(const LogicalVolume& volume) {
  const bool fits = volume.generation <= kLargest && volume.deleted_generation <= volume.generation &&
                    volume.cached_bytes <= kMaximumBytes && volume.capacity_bytes <= kMaximumBytes;
  if (!fits) return fail(ErrorCode::kInvalidArgument, "a number of the volume is out of range", "generation");
  if (volume.preference > kMaximumPreference)
    return fail(ErrorCode::kInvalidArgument, "the preference group is 0 or 1", "preference");
  if (volume.primary_pool > kMaximumPool || volume.secondary_pool > kMaximumPool)
    return fail(ErrorCode::kInvalidArgument, "pools are numbered from 0 to 32", "pool");
  if (volume.stamp.size() > kMaximumStampBytes)
    return fail(ErrorCode::kInvalidArgument, "the content stamp is too long", "stamp");
  return {};
}

}  // namespace

std::string_view to_string(Category category) {
  return category == Category::kScratch ? "scratch" : "private";
}

std::string_view to_string(CopyNumber copy) {
  return copy == CopyNumber::kPrimary ? "primary" : "secondary";
}

std::string_view to_string(Residence residence) {
  switch (residence) {
    case Residence::kEmpty:
      return "empty";
    case Residence::kCached:
      return "cached";
    case Residence::kPremigrated:
      return "premigrated";
    case Residence::kMigrated:
      return "migrated";
    case Residence::kMissing:
      return "missing";
  }
  return "";
}

Residence LogicalVolume::residence() const {
  if (!has_content()) return Residence::kEmpty;
  const bool on_tape = active(CopyNumber::kPrimary) || active(CopyNumber::kSecondary);
  const bool due = primary_due || secondary_due;
  if (cached) return on_tape && !due ? Residence::kPremigrated : Residence::kCached;
  return on_tape ? Residence::kMigrated : Residence::kMissing;
}

bool LogicalVolume::may_leave_cache() const {
  if (!cached || !mounted.empty() || primary_due || secondary_due) return false;
  return !has_content() || active(CopyNumber::kPrimary) || active(CopyNumber::kSecondary);
}

Status check_volser(std::string_view volser) {
  const auto fits = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (!volser.empty() && volser.size() <= kMaximumVolserCharacters && std::ranges::all_of(volser, fits))
    return {};
  return fail(ErrorCode::kInvalidArgument, "a volser has 1 to 8 characters of A-Z and 0-9", "volser");
}

Status check(const LogicalVolume& volume) {
  TRY(check_volser(volume.volser));
  TRY(check_construct_name(volume.storage_group, "storage group"));
  TRY(check_construct_name(volume.management_class, "management class"));
  if (volume.mounted.size() > kMaximumSerialCharacters || !is_printable(volume.mounted))
    return fail(ErrorCode::kInvalidArgument, "a drive's serial has up to 32 printable characters", "mounted");
  TRY(check_numbers(volume));
  TRY(check_copy(volume.primary, volume.generation, "primary copy"));
  return check_copy(volume.secondary, volume.generation, "secondary copy");
}

}  // namespace tapewarden::engine
