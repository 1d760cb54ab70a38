#include "engine/rebuild/volume_merge.h"

#include <algorithm>

namespace tapewarden::engine {
namespace {

// Up to eight characters in one number, the first in its highest byte: numbers sort as volsers do.
std::uint64_t packed(std::string_view volser) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < sizeof(out); ++i)
    out = out << 8U | (i < volser.size() ? static_cast<std::uint8_t>(volser[i]) : 0U);
  return out;
}

std::string unpacked(std::uint64_t number) {
  std::string out;
  for (; number != 0; number <<= 8U) out += static_cast<char>(number >> 56U);
  return out;
}

}  // namespace

std::uint32_t NameTable::of(const std::string& name) {
  const auto [found, is_new] = indexes_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
  if (is_new) names_.push_back(name);
  return found->second;
}

VolumeFate* VolumeMerge::find(std::string_view volser) {
  const auto found = fates_.find(packed(volser));
  return found == fates_.end() ? nullptr : &found->second;
}

std::vector<std::string> VolumeMerge::volsers() const {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(fates_.size());
  for (const auto& [number, fate] : fates_) numbers.push_back(number);
  std::ranges::sort(numbers);
  std::vector<std::string> out;
  out.reserve(numbers.size());
  for (const auto number : numbers) out.push_back(unpacked(number));
  return out;
}

std::vector<SeenContent> VolumeMerge::others(std::string_view volser) const {
  const auto found = others_.find(packed(volser));
  return found == others_.end() ? std::vector<SeenContent>() : found->second;
}

SeenContent* VolumeMerge::same_content(std::uint64_t number, const SeenContent& content) {
  const auto same = [&](const SeenContent& known) {
    return known.written == content.written && known.volume == content.volume;
  };
  SeenContent& taken = fates_[number];
  if (content.generation < taken.generation) return nullptr;
  if (content.generation > taken.generation) {
    taken = content;
    others_.erase(number);
  }
  if (same(taken)) return &taken;
  auto& others = others_[number];
  if (const auto known = std::ranges::find_if(others, same); known != others.end()) return &*known;
  return &others.emplace_back(content);
}

bool VolumeMerge::beats(const SeenContent& content, const SeenContent& taken) const {
  const auto key = [this](const SeenContent& one) {
    const auto read = [this](const SeenCopy& copy) {
      return copy.file != 0 && ranks_.at(copy.cartridge).read;
    };
    return std::tuple(std::ranges::any_of(one.copies, read), one.written, one.volume);
  };
  return key(taken) < key(content);
}

// What was told last of one content counts for it.
void VolumeMerge::see(std::uint64_t number, const SeenContent& told, std::uint8_t copy,
                      const SeenCopy& where) {
  auto* content = same_content(number, told);
  if (content == nullptr) return;
  const auto copies = content->copies;
  const auto others = content->others;
  *content = told;
  content->copies = copies;
  content->others = others;
  place(*content, copy, where);
  choose(number);
}

void VolumeMerge::choose(std::uint64_t number) {
  const auto others = others_.find(number);
  if (others == others_.end()) return;
  SeenContent& taken = fates_.at(number);
  for (auto& content : others->second)
    if (beats(content, taken)) std::swap(content, taken);
}

VolumeMerge::Rank VolumeMerge::rank(const SeenCopy& seen) const {
  return {ranks_.at(seen.cartridge), seen.cartridge, seen.file};
}

void VolumeMerge::place(SeenContent& content, std::uint8_t copy, const SeenCopy& where) {
  auto& best = content.copies.at(copy - 1U);
  auto& other = content.others.at(copy - 1U);
  const auto beats = [&](const SeenCopy& now) { return now.file == 0 || rank(now) < rank(where); };
  if (beats(best)) {
    if (best.file != 0 && best.cartridge != where.cartridge) other = best;
    best = where;
  } else if (best.cartridge != where.cartridge && beats(other)) {
    other = where;
  }
}

std::array<SeenCopy, 2> VolumeMerge::places(const VolumeFate& fate) const {
  auto [primary, secondary] = fate.copies;
  if (primary.file == 0 || secondary.file == 0 || primary.cartridge != secondary.cartridge)
    return {primary, secondary};
  const auto& [primary_elsewhere, secondary_elsewhere] = fate.others;
  const bool secondary_gives_way =
      secondary_elsewhere.file != 0 &&
      (primary_elsewhere.file == 0 || rank(primary_elsewhere) < rank(secondary_elsewhere));
  if (secondary_gives_way) return {primary, secondary_elsewhere};
  if (primary_elsewhere.file != 0) return {primary_elsewhere, secondary};
  return {primary, SeenCopy{}};
}

bool VolumeMerge::see_image(std::uint32_t cartridge, const FoundImage& image) {
  if (!check_volser(image.volser) || image.generation == 0 || image.copy < 1 || image.copy > 2) return false;
  if (image.is_void) return true;
  const auto number = packed(image.volser);
  const SeenContent told{.generation = image.generation,
                         .volume = image.volume,
                         .inserted = image.inserted,
                         .written = image.written,
                         .storage_group = names_.of(image.storage_group),
                         .management_class = names_.of(image.management_class),
                         .category = image.category,
                         .preference = image.preference};
  see(number, told, image.copy, {cartridge, image.file, image.block, image.bytes});
  return true;
}

void VolumeMerge::see_copy(std::uint32_t cartridge, const LogicalVolume& volume, CopyNumber number) {
  const auto& copy = *volume.copy(number);
  const bool is_private = volume.category == Category::kPrivate;
  const SeenContent told{.generation = copy.generation,
                         .volume = volume.volume,
                         .inserted = volume.inserted,
                         .written = volume.written,
                         .storage_group = names_.of(volume.storage_group),
                         .management_class = names_.of(volume.management_class),
                         .category = is_private ? ImageCategory::kPrivate : ImageCategory::kScratch,
                         .preference = volume.preference};
  see(packed(volume.volser), told, static_cast<std::uint8_t>(number),
      {cartridge, copy.file, copy.block, copy.bytes});
}

bool VolumeMerge::see_deletion(std::string_view volser, std::uint64_t generation, bool told) {
  if (!check_volser(volser) || generation == 0) return false;
  auto& fate = fates_[packed(volser)];
  if (generation > fate.deleted) fate.told_deleted = false;
  if (generation >= fate.deleted) fate.told_deleted = fate.told_deleted || told;
  fate.deleted = std::max(fate.deleted, generation);
  return true;
}

void VolumeMerge::see_withdrawn(const std::string& volser, std::uint64_t generation) {
  if (see_deletion(volser, generation, false)) find(volser)->withdrawn = true;
}

}  // namespace tapewarden::engine
