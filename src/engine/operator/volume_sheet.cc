#include "engine/operator/volume_sheet.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "engine/catalogue/limits.h"

namespace tapewarden::engine {
namespace {

Result<CopySheet> copy_sheet(CatalogueView& view, const LogicalVolume& volume, CopyNumber number) {
  CopySheet sheet{.number = number,
                  .copy = *volume.copy(number),
                  .active = volume.active(number),
                  .cartridge = TRY(view.find_cartridge(volume.copy(number)->cartridge))};
  sheet.there = sheet.active && sheet.cartridge && readable(sheet.cartridge->state) &&
                sheet.cartridge->medium == sheet.copy.medium;
  return sheet;
}

CartridgeFilter cartridges_of(const CopyFilter& filter) {
  return {.pool = filter.pool, .encryption = filter.encryption, .label = filter.label};
}

// Where a page goes on: BARCODE:FILE, the first of the cartridge's files that was not told.
struct Place {
  std::string barcode;
  std::uint32_t file = 0;
};
Result<Place> place_of(const std::string& after) {
  if (after.empty()) return Place{};
  const auto colon = after.find(':');
  const auto file = colon == std::string::npos
                        ? Result<std::uint64_t>(fail(ErrorCode::kInvalidArgument, ""))
                        : parse_number(after.substr(colon + 1), 0, UINT32_MAX, "after");
  const std::string barcode = after.substr(0, colon);
  if (!file || !check_barcode(barcode))
    return fail(ErrorCode::kInvalidArgument, "no page ends there", "after", "give `next` of the page before");
  return Place{barcode, static_cast<std::uint32_t>(*file)};
}

bool matches(const PhysicalVolume& cartridge, const CopyFilter& filter) {
  const auto is_it = [&](const std::string& name) { return equal_ignoring_case(name, filter.label); };
  const bool labelled = filter.label.empty() || is_it(cartridge.alias) ||
                        std::ranges::any_of(cartridge.labels, is_it, &KeyLabel::text);
  return labelled && (!filter.pool || cartridge.pool == *filter.pool) &&
         (!filter.encryption || cartridge.encryption == *filter.encryption);
}

// Collects copies until a page is full.
class CopySearch {
 public:
  CopySearch(CatalogueView& view, const CopyFilter& filter, std::size_t limit)
      : view_(view), filter_(filter), limit_(std::clamp<std::size_t>(limit, 1, kMaximumPage - 1)) {}

  Result<Page<FoundCopy>> run(const Place& from) {
    if (!from.barcode.empty()) {
      const auto first = TRY(view_.find_cartridge(from.barcode));
      if (first && matches(*first, filter_)) TRY(add(*first, from.file));
    }
    std::string after = from.barcode;
    while (!full()) {
      auto cartridges =
          TRY(view_.cartridges(cartridges_of(filter_), {.limit = kMaximumPage, .after = after}));
      for (const auto& cartridge : cartridges.items) {
        if (full()) break;
        if (cartridge.active_volumes > 0) TRY(add(cartridge, 0));
      }
      if (cartridges.next.empty()) break;
      after = cartridges.next;
    }
    return cut();
  }

 private:
  bool full() const { return page_.items.size() > limit_; }
  // One more than the page takes tells that it goes on.
  Status add(const PhysicalVolume& cartridge, std::uint32_t first) {
    const auto wanted = limit_ + 1 - page_.items.size();
    for (auto& placed : TRY(view_.volumes_on(cartridge.barcode, first, wanted)))
      page_.items.push_back({placed.volume.volser, placed.copy, *placed.volume.copy(placed.copy), cartridge});
    return {};
  }
  Page<FoundCopy> cut() {
    if (!full()) return std::move(page_);
    page_.items.resize(limit_ + 1);
    page_.next = page_.items.back().copy.cartridge + ":" + std::to_string(page_.items.back().copy.file);
    page_.items.pop_back();
    return std::move(page_);
  }

  CatalogueView& view_;
  const CopyFilter& filter_;
  const std::size_t limit_;
  Page<FoundCopy> page_;
};

}  // namespace

Result<VolumeSheet> volume_sheet(Catalogue& catalogue, const std::string& volser) {
  VolumeSheet sheet;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    sheet = {};
    sheet.volume = TRY(view.volume(volser));
    for (const auto number : {CopyNumber::kPrimary, CopyNumber::kSecondary})
      if (sheet.volume.copy(number)) sheet.copies.push_back(TRY(copy_sheet(view, sheet.volume, number)));
    sheet.next_primary_pool = TRY(view.storage_group(sheet.volume.storage_group)).pool;
    sheet.next_secondary_pool = TRY(view.management_class(sheet.volume.management_class)).pool;
    return {};
  }));
  return sheet;
}

Result<Page<FoundCopy>> find_copies(Catalogue& catalogue, const CopyFilter& filter, const PageRequest& page) {
  const auto from = TRY(place_of(page.after));
  Page<FoundCopy> found;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    found = TRY(CopySearch(view, filter, page.limit).run(from));
    return {};
  }));
  return found;
}

Result<std::vector<PoolUse>> pool_use(Catalogue& catalogue, const CopyFilter& filter) {
  using Key = std::tuple<std::uint8_t, MediumEncryption, std::string, LabelMode, std::string, LabelMode>;
  std::map<Key, PoolUse> uses;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    uses.clear();
    Page<PhysicalVolume> page;
    do {
      page = TRY(view.cartridges(cartridges_of(filter), {.limit = kMaximumPage, .after = page.next}));
      for (const auto& one : page.items) {
        auto& use = uses[{one.pool, one.encryption, to_lower(one.labels[0].text), one.labels[0].mode,
                          to_lower(one.labels[1].text), one.labels[1].mode}];
        if (use.cartridges == 0) use = {.pool = one.pool, .encryption = one.encryption, .labels = one.labels};
        ++use.cartridges;
        use.written_bytes += one.written_bytes;
        use.active_bytes += one.active_bytes;
        use.active_volumes += one.active_volumes;
      }
    } while (!page.next.empty());
    return {};
  }));
  std::vector<PoolUse> out;
  for (auto& [key, use] : uses) out.push_back(std::move(use));
  return out;
}

Result<std::string> unknown_label(Catalogue& catalogue, KeyNameCheck& names, const std::string& label) {
  bool written = false;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    written = !TRY(view.cartridges({.label = label}, {.limit = 1})).items.empty();
    return {};
  }));
  if (written) return std::string();
  const auto known = names.check_labels({label});
  if (known) return std::string();
  return "No cartridge is written with \"" + label + "\", and " +
         (known.error().code == ErrorCode::kUnavailable
              ? "no key server can be asked whether there is such a key label: " + known.error().message
              : "there is no such key label: " + known.error().message);
}

}  // namespace tapewarden::engine
