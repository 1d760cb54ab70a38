#include <limits>

#include "base/text.h"
#include "engine/report/limits.h"
#include "engine/report/row_source.h"

namespace tapewarden::engine {
namespace {

constexpr CopyNumber kCopies[] = {CopyNumber::kPrimary, CopyNumber::kSecondary};

std::string words(std::string_view text) {
  return std::string(text);
}

// The volumes of each cartridge, in the order in which they lie there: what a job that recalls many of them
// goes by.
class VolumeMap final : public RowSource {
 public:
  const std::vector<Column>& columns() const override {
    static const std::vector<Column> kColumns{{"physical_volume", "PHYSICAL", 8}, {"pool", "POOL", 4},
                                              {"tape_file", "FILE", 8},           {"block", "BLOCK", 12},
                                              {"volser", "LOGICAL", 8},           {"copy", "COPY", 9},
                                              {"generation", "GENERATION", 10},   {"bytes", "BYTES", 16},
                                              {"storage_group", "GROUP", 8},      {"in_cache", "CACHE", 5}};
    return kColumns;
  }
  Result<bool> page(CatalogueView& view, const TakeRow& take) override {
    if (goes_on_) on_ = TRY(view.find_cartridge(after_));
    goes_on_ = false;
    if (!on_) {
      auto next = TRY(view.cartridges({}, {.limit = 1, .after = after_}));
      if (next.items.empty()) return false;
      on_ = std::move(next.items.front());
      after_ = on_->barcode;
      file_ = 0;
      // Without volumes there is nothing to say of it.
      if (on_->active_volumes == 0) on_.reset();
      return true;
    }
    const auto placed = TRY(view.volumes_on(on_->barcode, file_, kReportRows));
    for (const auto& [volume, number] : placed) {
      const auto& copy = *volume.copy(number);
      take({copy.cartridge, std::uint64_t{on_->pool}, std::uint64_t{copy.file}, copy.block, volume.volser,
            words(to_string(number)), copy.generation, copy.bytes, volume.storage_group,
            words(volume.cached ? "yes" : "no")});
      file_ = copy.file + 1;
    }
    if (placed.size() < kReportRows) on_.reset();
    return true;
  }
  // "BARCODE", which is done, or "BARCODE.FILE"
  std::string place() const override { return on_ ? after_ + "." + std::to_string(file_) : after_; }
  Status go_to(std::string_view place) override {
    const auto dot = place.find('.');
    after_ = place.substr(0, dot);
    if (!check_barcode(after_, "after")) return no_such_place();
    if (dot == std::string_view::npos) return {};
    const auto file =
        parse_number(place.substr(dot + 1), 0, std::numeric_limits<std::uint32_t>::max(), "after");
    if (!file) return no_such_place();
    file_ = static_cast<std::uint32_t>(*file);
    goes_on_ = true;
    return {};
  }

 private:
  std::optional<PhysicalVolume> on_;
  std::string after_;
  std::uint32_t file_ = 0;
  bool goes_on_ = false;  // on the cartridge `after_`, which may be gone by now
};

class CacheContents final : public RowSource {
 public:
  const std::vector<Column>& columns() const override {
    static const std::vector<Column> kColumns{
        {"volser", "LOGICAL", 8},       {"preference", "PG", 2},         {"category", "CATEGORY", 8},
        {"residence", "RESIDENCE", 11}, {"cached_bytes", "BYTES", 16},   {"accessed", "LAST ACCESS", 24},
        {"drive", "DRIVE", 12},         {"primary_due", "P DUE", 5},     {"secondary_due", "S DUE", 5},
        {"storage_group", "GROUP", 8},  {"management_class", "CLASS", 8}};
    return kColumns;
  }
  Result<bool> page(CatalogueView& view, const TakeRow& take) override {
    auto found = TRY(view.volumes({}, {.limit = kReportRows, .after = after_}));
    for (const auto& volume : found.items) {
      if (!volume.cached) continue;
      take({volume.volser, std::uint64_t{volume.preference}, words(to_string(volume.category)),
            words(to_string(volume.residence())), volume.cached_bytes, volume.accessed, volume.mounted,
            words(volume.primary_due ? "yes" : "no"), words(volume.secondary_due ? "yes" : "no"),
            volume.storage_group, volume.management_class});
    }
    after_ = std::move(found.next);
    return !after_.empty();
  }
  std::string place() const override { return after_; }
  Status go_to(std::string_view place) override {
    if (!check_volser(place)) return no_such_place();
    after_ = place;
    return {};
  }

 private:
  std::string after_;
};

class VolumeStatus final : public RowSource {
 public:
  explicit VolumeStatus(std::string prefix) : prefix_(std::move(prefix)) {}
  const std::vector<Column>& columns() const override {
    static const std::vector<Column> kColumns{
        {"volser", "LOGICAL", 8},
        {"category", "CATEGORY", 8},
        {"residence", "RESIDENCE", 11},
        {"generation", "GENERATION", 10},
        {"capacity_bytes", "CAPACITY", 16},
        {"storage_group", "GROUP", 8},
        {"management_class", "CLASS", 8},
        {"primary_cartridge", "PRIMARY", 8},
        {"primary_pool", "POOL", 4},
        {"primary_encryption", "ENCRYPTION", 10},
        {"secondary_cartridge", "SECOND", 8},
        {"secondary_pool", "POOL", 4},
        {"secondary_encryption", "ENCRYPTION", 10},
        {"drive", "DRIVE", 12},
        {"written", "WRITTEN", 24},
        {"accessed", "LAST ACCESS", 24},
        {"inserted", "", 0},
        {"scratched", "", 0},
        {"delete_after", "", 0},
    };
    return kColumns;
  }
  Result<bool> page(CatalogueView& view, const TakeRow& take) override {
    auto found = TRY(view.volumes({.prefix = prefix_}, {.limit = kReportRows, .after = after_}));
    for (const auto& volume : found.items) {
      std::vector<Cell> cells{volume.volser,
                              words(to_string(volume.category)),
                              words(to_string(volume.residence())),
                              volume.generation,
                              volume.capacity_bytes,
                              volume.storage_group,
                              volume.management_class};
      for (const auto number : kCopies) TRY(add_copy(view, volume, number, cells));
      cells.insert(cells.end(), {volume.mounted, volume.written, volume.accessed, volume.inserted,
                                 volume.scratched, volume.delete_after.value_or(WallTime{})});
      take(cells);
    }
    after_ = std::move(found.next);
    return !after_.empty();
  }
  std::string place() const override { return after_; }
  Status go_to(std::string_view place) override {
    if (!check_volser(place)) return no_such_place();
    after_ = place;
    return {};
  }

 private:
  static Status add_copy(CatalogueView& view, const LogicalVolume& volume, CopyNumber number,
                         std::vector<Cell>& cells) {
    const auto on = volume.active(number) ? TRY(view.find_cartridge(volume.copy(number)->cartridge))
                                          : std::optional<PhysicalVolume>();
    if (on) {
      cells.insert(cells.end(), {on->barcode, std::uint64_t{on->pool}, words(to_string(on->encryption))});
    } else {
      cells.insert(cells.end(), {Cell(), Cell(), Cell()});
    }
    return {};
  }

  const std::string prefix_;
  std::string after_;
};

}  // namespace

std::unique_ptr<RowSource> volume_map() {
  return std::make_unique<VolumeMap>();
}
std::unique_ptr<RowSource> cache_contents() {
  return std::make_unique<CacheContents>();
}
std::unique_ptr<RowSource> volume_status(std::string prefix) {
  return std::make_unique<VolumeStatus>(std::move(prefix));
}

}  // namespace tapewarden::engine
