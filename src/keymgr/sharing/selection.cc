#include "keymgr/sharing/selection.h"

#include <map>
#include <set>

#include "base/counted.h"
#include "base/text.h"
#include "keymgr/alias_range.h"
#include "keymgr/key_lookup.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::sharing {
namespace {

constexpr std::int64_t kEntriesOfVolume = 1000;
constexpr auto kMostKeys = static_cast<std::int64_t>(kMaximumSharedKeys) + 1;

// That a ledger row says: this key began a cartridge in [since, until).
constexpr std::string_view kBeganBetween =
    "EXISTS (SELECT 1 FROM ledger WHERE ledger.alias = data_key.alias AND ledger.alias <> '' AND "
    "ledger.row_erased = 0 AND ledger.purpose = 1 AND ledger.issued >= ? AND ledger.issued < ?)";

class Picker {
 public:
  Picker(store::Reader& reader, const KeyManager& manager, const KeySelection& selection)
      : reader_(reader), manager_(manager), selection_(selection) {}

  Result<SelectedKeys> pick() {
    TRY(check_order());
    for (const auto& volume : selection_.volumes) TRY(add_volume(volume));
    for (const auto& alias : selection_.aliases) TRY(add_alias(alias));
    for (const auto& range : selection_.ranges) TRY(add_range(range));
    for (const auto& group : selection_.groups) TRY(add_group(group));
    if (only_dates()) TRY(add_where("1", {}, "the time"));
    if (dated() && !only_dates()) TRY(narrow());
    if (keys_.size() > kMaximumSharedKeys) {
      return fail(ErrorCode::kExhausted, "the selection has more keys than fit into one file", "selection",
                  "export at most " + std::to_string(kMaximumSharedKeys) + " at once, for example by range");
    }
    if (keys_.empty()) {
      return fail(
          ErrorCode::kNotFound,
          "no key fits the selection" + (warnings_.empty() ? std::string() : ": " + warnings_.front()),
          "selection");
    }
    SelectedKeys out;
    for (auto& [place, key] : keys_) out.keys.push_back(std::move(key));
    out.warnings = std::move(warnings_);
    return out;
  }

 private:
  bool dated() const { return selection_.since || selection_.until; }
  bool only_dates() const {
    return dated() && selection_.volumes.empty() && selection_.aliases.empty() && selection_.ranges.empty() &&
           selection_.groups.empty();
  }

  Status check_order() const {
    const std::size_t named = selection_.volumes.size() + selection_.aliases.size() +
                              selection_.ranges.size() + selection_.groups.size();
    if (named > kMaximumSelectors) {
      return fail(ErrorCode::kInvalidArgument, "the selection names too much", "selection",
                  "name at most " + std::to_string(kMaximumSelectors) + " at once");
    }
    if (named > 0 || dated()) return {};
    return fail(ErrorCode::kInvalidArgument, "the selection names no key", "selection",
                "name volumes, aliases, ranges, groups or dates");
  }

  void warn(std::string text) {
    if (warnings_.size() < kMaximumWarnings) warnings_.push_back(std::move(text));
  }

  void keep(DataKey key) {
    auto place = std::pair(key.alias, key.id);
    keys_.insert_or_assign(std::move(place), std::move(key));
  }

  static std::string why_not(const DataKey& key) {
    if (is_tombstone(key.state)) return "was destroyed";
    return key.quarantined != kNever ? "is quarantined" : "";
  }

  // One that was named: it goes, or nothing does.
  Status keep_named(DataKey key, std::string_view field) {
    const std::string why = why_not(key);
    if (!why.empty()) {
      return fail(ErrorCode::kConflict, "the key " + key.alias + " " + why, std::string(field),
                  "leave it out, or release it first");
    }
    keep(std::move(key));
    return {};
  }

  Status add_alias(const std::string& alias) {
    auto key = TRY(manager_.keys().find(reader_, trim(alias)));
    if (key) return keep_named(*std::move(key), "aliases");
    return fail(ErrorCode::kNotFound, "there is no key " + escape_unprintable(alias.substr(0, 64)),
                "aliases");
  }

  Status add_volume(const std::string& text) {
    const std::string volser = to_upper(trim(text));
    const auto rows = TRY(
        reader_.query(kLedgerTable, "volser = ? ORDER BY issued DESC LIMIT ?", {volser, kEntriesOfVolume}));
    std::size_t found = 0;
    bool wrapped = false;
    std::string why;  // the last key of it does not go
    for (const auto& row : rows) {
      const auto entry = LedgerEntry::from_row(row);
      wrapped = wrapped || entry.method == Method::kWrappedKey;
      if (entry.method != Method::kIdentifiedKey || entry.alias.empty()) continue;
      auto key = TRY(key_of_entry(reader_, manager_, entry));
      if (!key || !why_not(*key).empty()) {
        why = "its key " + entry.alias + " " + (key ? why_not(*key) : std::string("is not held here"));
        warn("volume " + volser + ": " + why);
        continue;
      }
      keep(*std::move(key));
      ++found;
    }
    if (wrapped) warn("volume " + volser + " bears EEDKs: " + std::string(kWrappedRemedy));
    if (found > 0) return {};
    if (wrapped) {
      return fail(ErrorCode::kUnsupported, "the key of volume " + volser + " is on the cartridge, under KEKs",
                  "volumes", std::string(kWrappedRemedy));
    }
    return fail(ErrorCode::kNotFound,
                (why.empty() ? "the ledger tells no key of volume " : "no key goes of volume ") +
                    escape_unprintable(volser.substr(0, 64)) + (why.empty() ? std::string() : ": " + why),
                "volumes");
  }

  Status add_range(const std::string& range) {
    const auto aliases = TRY(aliases_of_range(range, "ranges"));
    const std::string first = TRY(eedk::canonical_alias(aliases.front()));
    const std::string last = TRY(eedk::canonical_alias(aliases.back()));
    const auto length = static_cast<std::int64_t>(first.size());
    const std::size_t before = keys_.size();
    TRY(add_rows("alias >= ? AND alias <= ? AND length(alias) = ?", {first, last, length}, true,
                 "the range " + first + " to " + last));
    if (keys_.size() > before) return {};
    return fail(ErrorCode::kNotFound, "there is no key from " + first + " to " + last, "ranges");
  }

  Status add_group(const std::string& name) {
    const std::string group = TRY(KeyGroups::require_name(reader_, trim(name)));
    return add_where("group_name = ?", {group}, "the group " + group);
  }

  // Many at once: what cannot go is left out.
  Status add_where(const std::string& where, std::vector<store::Value> parameters, const std::string& what) {
    return add_rows(where, std::move(parameters), selection_.unused, what);
  }

  Status add_rows(const std::string& where, std::vector<store::Value> parameters, bool unused,
                  const std::string& what) {
    std::string all = "(" + where + ")";
    if (dated()) {
      all += " AND " + std::string(kBeganBetween);
      for (auto& value : date_parameters()) parameters.push_back(std::move(value));
    }
    parameters.emplace_back(kMostKeys);
    std::size_t left_out = 0;
    std::size_t not_used = 0;
    for (const auto& row :
         TRY(reader_.query(kDataKeyTable, all + " ORDER BY alias, id LIMIT ?", parameters))) {
      auto key = DataKey::from_row(row);
      if (!why_not(key).empty()) {
        ++left_out;
      } else if (!unused && key.uses == 0) {
        ++not_used;
      } else {
        keep(std::move(key));
      }
    }
    if (left_out > 0)
      warn(what + ": " + counted(left_out, "destroyed or quarantined key") +
           (left_out == 1 ? " stays out" : " stay out"));
    if (not_used > 0) {
      warn(what + ": " + counted(not_used, "key") + " that began no cartridge yet" +
           (not_used == 1 ? " stays out" : " stay out"));
    }
    return {};
  }

  std::vector<store::Value> date_parameters() const {
    return {to_millis(selection_.since.value_or(WallTime{})),
            selection_.until ? to_millis(*selection_.until) : std::numeric_limits<std::int64_t>::max()};
  }

  // Those that were named by volume or alias, to the dates.
  Status narrow() {
    for (auto at = keys_.begin(); at != keys_.end();) {
      auto parameters = date_parameters();
      parameters.insert(parameters.begin(), to_bytes(at->second.id.view()));
      const auto fits = TRY(reader_.aggregate(kDataKeyTable, "COUNT(*)",
                                              "id = ? AND " + std::string(kBeganBetween), parameters));
      at = fits > 0 ? std::next(at) : keys_.erase(at);
    }
    return {};
  }

  static constexpr std::string_view kWrappedRemedy =
      "import the partner's KEK certificate and give the cartridge new EEDKs (tapewarden cartridge rekey)";

  store::Reader& reader_;
  const KeyManager& manager_;
  const KeySelection& selection_;
  std::map<std::pair<std::string, Uuid>, DataKey> keys_;
  std::vector<std::string> warnings_;
};

}  // namespace

Result<SelectedKeys> select_keys(store::Reader& reader, const KeyManager& manager,
                                 const KeySelection& selection) {
  return Picker(reader, manager, selection).pick();
}

}  // namespace tapewarden::keymgr::sharing
