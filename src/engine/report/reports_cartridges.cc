#include <algorithm>
#include <map>

#include "engine/report/limits.h"
#include "engine/report/row_source.h"

namespace tapewarden::engine {
namespace {

std::string words(std::string_view text) {
  return std::string(text);
}

std::uint64_t percent_of(std::uint64_t part, std::uint64_t whole) {
  constexpr std::uint64_t kHundredth = 100;
  return whole == 0 ? 0
                    : static_cast<std::uint64_t>(static_cast<double>(part) * kHundredth /
                                                 static_cast<double>(whole));
}

void add_label(std::vector<Cell>& cells, const KeyLabel& label) {
  cells.emplace_back(label.text);
  cells.emplace_back(label.text.empty() ? std::string() : words(to_string(label.mode)));
}

class PhysicalVolumeStatus final : public RowSource {
 public:
  explicit PhysicalVolumeStatus(const BulkRequest& request)
      : barcode_(request.volume), filter_{.pool = request.pool} {}
  const std::vector<Column>& columns() const override {
    static const std::vector<Column> kColumns{
        {"physical_volume", "PHYSICAL", 8},
        {"pool", "POOL", 4},
        {"home_pool", "HOME", 4},
        {"borrowed", "BORROWED", 8},
        {"media", "MEDIA", 5},
        {"state", "STATE", 14},
        {"encryption", "ENCRYPTION", 10},
        {"label1", "KEY LABEL 1", 20},
        {"mode1", "MODE", 5},
        {"label2", "KEY LABEL 2", 20},
        {"mode2", "MODE", 5},
        {"alias", "ALIAS", 21},
        {"written_bytes", "WRITTEN BYTES", 16},
        {"active_bytes", "ACTIVE BYTES", 16},
        {"active_percent", "ACT%", 4},
        {"active_volumes", "VOLUMES", 8},
        {"medium", "BEGUN", 6},
        {"first_written", "FIRST WRITTEN", 24},
        {"last_written", "LAST WRITTEN", 24},
        {"last_accessed", "LAST RECALL", 24},
        {"full_since", "", 0},
        {"last_inactivated", "", 0},
        {"library", "LIBRARY", 12},
        {"move_to_pool", "", 0},
        {"note", "NOTE", 1},
    };
    return kColumns;
  }
  Result<bool> page(CatalogueView& view, const TakeRow& take) override {
    if (!barcode_.empty()) {
      give(TRY(view.cartridge(barcode_)), take);
      return false;
    }
    auto found = TRY(view.cartridges(filter_, {.limit = kReportRows, .after = after_}));
    for (const auto& cartridge : found.items) give(cartridge, take);
    after_ = std::move(found.next);
    return !after_.empty();
  }
  std::string place() const override { return after_; }
  Status go_to(std::string_view place) override {
    if (!check_barcode(place, "after")) return no_such_place();
    after_ = place;
    return {};
  }

 private:
  static void give(const PhysicalVolume& on, const TakeRow& take) {
    std::vector<Cell> cells{on.barcode,
                            std::uint64_t{on.pool},
                            std::uint64_t{on.home_pool},
                            words(on.borrowed ? "yes" : "no"),
                            words(to_string(on.kind)),
                            words(to_string(on.state)),
                            words(to_string(on.encryption))};
    for (const auto& label : on.labels) add_label(cells, label);
    const bool moves = on.move.when != MoveRequest::When::kNone;
    cells.insert(cells.end(),
                 {on.alias, on.written_bytes, on.active_bytes, percent_of(on.active_bytes, on.written_bytes),
                  std::uint64_t{on.active_volumes}, on.medium, on.first_written.value_or(WallTime{}),
                  on.last_written.value_or(WallTime{}), on.last_accessed.value_or(WallTime{}),
                  on.full_since.value_or(WallTime{}), on.last_inactivated.value_or(WallTime{}), on.library,
                  moves ? Cell(std::uint64_t{on.move.target_pool}) : Cell(), on.note});
    take(cells);
  }

  const std::string barcode_;
  const CartridgeFilter filter_;
  std::string after_;
};

// One row for each pool that holds cartridges: how many in each state, and how much of it is clear and how
// much encrypted.
class PhysicalMediaPools final : public RowSource {
 public:
  const std::vector<Column>& columns() const override {
    static const std::vector<Column> kColumns{
        {"pool", "POOL", 4},
        {"name", "NAME", 16},
        {"media", "MEDIA", 5},
        {"encryption", "SETTING", 10},
        {"scratch", "SCRATCH", 7},
        {"filling", "FILLING", 7},
        {"full", "FULL", 7},
        {"closed", "CLOSED", 7},
        {"damaged", "DAMAGED", 7},
        {"awaiting_erase", "ERASE", 7},
        {"out", "OUT", 7},
        {"clear_cartridges", "CLEAR", 7},
        {"encrypted_cartridges", "ENCRYPT", 7},
        {"clear_active_bytes", "CLEAR ACTIVE", 16},
        {"encrypted_active_bytes", "ENCRYPTED ACTIVE", 16},
        {"written_bytes", "WRITTEN BYTES", 16},
        {"active_percent", "ACT%", 4},
        {"active_volumes", "VOLUMES", 8},
        {"reclaim_pool", "", 0},
        {"reclaim_threshold_percent", "", 0},
    };
    return kColumns;
  }
  Result<bool> page(CatalogueView& view, const TakeRow& take) override {
    std::map<std::uint8_t, Sums> pools;
    for (const auto& total : TRY(view.cartridge_totals())) pools[total.key.pool].add(total);
    for (const auto& [number, sums] : pools) give(TRY(view.pool(number)), sums, take);
    return false;
  }

 private:
  struct Sums {
    std::array<std::uint64_t, 8> states{};
    std::uint64_t clear = 0;
    std::uint64_t encrypted = 0;
    std::uint64_t clear_active = 0;
    std::uint64_t encrypted_active = 0;
    std::uint64_t written = 0;
    std::uint64_t volumes = 0;

    // Totals are sound: none is below zero.
    void add(const CartridgeTotal& total) {
      const auto number = [](std::int64_t sum) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
      };
      const auto cartridges = number(total.sums.cartridges);
      const auto active = number(total.sums.active_bytes);
      states.at(static_cast<std::size_t>(total.key.state)) += cartridges;
      const bool is_clear = total.key.encryption == MediumEncryption::kClear;
      if (is_clear) clear += cartridges;
      if (is_clear) clear_active += active;
      const bool is_encrypted = !is_clear && total.key.encryption != MediumEncryption::kUnknown;
      if (is_encrypted) encrypted += cartridges;
      if (is_encrypted) encrypted_active += active;
      written += number(total.sums.written_bytes);
      volumes += number(total.sums.active_volumes);
    }
    std::uint64_t in(CartridgeState state) const { return states.at(static_cast<std::size_t>(state)); }
  };

  static void give(const Pool& pool, const Sums& sums, const TakeRow& take) {
    using enum CartridgeState;
    take({std::uint64_t{pool.number},
          pool.name,
          words(to_string(pool.media)),
          words(to_string(pool.encryption)),
          sums.in(kScratch),
          sums.in(kFilling),
          sums.in(kFull),
          sums.in(kClosed),
          sums.in(kDamaged),
          sums.in(kAwaitingErase),
          sums.in(kEjected) + sums.in(kExported),
          sums.clear,
          sums.encrypted,
          sums.clear_active,
          sums.encrypted_active,
          sums.written,
          percent_of(sums.clear_active + sums.encrypted_active, sums.written),
          sums.volumes,
          std::uint64_t{pool.reclaim_pool},
          std::uint64_t{pool.reclaim.threshold_percent}});
  }
};

}  // namespace

std::unique_ptr<RowSource> physical_volume_status(const BulkRequest& request) {
  return std::make_unique<PhysicalVolumeStatus>(request);
}
std::unique_ptr<RowSource> physical_media_pools() {
  return std::make_unique<PhysicalMediaPools>();
}

}  // namespace tapewarden::engine
