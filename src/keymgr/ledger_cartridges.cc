#include "keymgr/ledger_cartridges.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

// `later` is a row of the same cartridge as `ledger`. Two spellings, so that each uses its index.
constexpr std::string_view kSameVolume =
    "later.volume = ledger.volume AND ledger.volume <> zeroblob(16) AND later.row_erased = 0";
constexpr std::string_view kSameVolser =
    "later.volser = ledger.volser AND ledger.volume = zeroblob(16) AND later.row_erased = 0";
constexpr std::string_view kIsLater =
    "(later.issued, later.server, later.sequence) > (ledger.issued, ledger.server, ledger.sequence)";
// purpose 1: write from the beginning; state 2: confirmed.
constexpr std::string_view kWrittenAnew = "(later.purpose = 1 AND later.state = 2)";

struct Condition {
  std::string sql;
  std::vector<store::Value> values;
};

// No later row of the cartridge fulfils `what`.
void add_none_later(Condition& out, const std::string& what, const std::vector<store::Value>& values) {
  for (const auto same : {kSameVolume, kSameVolser}) {
    out.sql += " AND NOT EXISTS (SELECT 1 FROM ledger AS later WHERE " + std::string(same) + " AND " +
               std::string(kIsLater) + " AND (" + what + "))";
    out.values.insert(out.values.end(), values.begin(), values.end());
  }
}

Condition of_data_key(const std::string& alias, CartridgeFilter filter) {
  Condition out{"alias = ?", {alias}};
  std::string later = "later.alias = ?";
  if (filter == CartridgeFilter::kNeeding) later += " OR " + std::string(kWrittenAnew);
  add_none_later(out, later, {alias});
  return out;
}

Condition of_kek(const Hash256& id, CartridgeFilter filter) {
  const Bytes kek = to_bytes(ByteView(id));
  Condition out{"(kek_1 = ? OR kek_2 = ?)", {kek, kek}};
  std::string later = "later.kek_1 = ? OR later.kek_2 = ?";
  if (filter == CartridgeFilter::kNeeding) later += " OR " + std::string(kWrittenAnew);
  add_none_later(out, later, {kek, kek});
  if (filter == CartridgeFilter::kEver) return out;
  // The ledger holds an EEDK of the same data key (purpose 1 and 4: written or rekeyed here) that another
  // KEK opens.
  out.sql +=
      " AND NOT EXISTS (SELECT 1 FROM ledger AS other, kek WHERE other.volume = ledger.volume AND other.kcv "
      "= "
      "ledger.kcv AND other.purpose IN (1, 4) AND other.row_erased = 0 AND kek.id IN (other.kek_1, "
      "other.kek_2) AND kek.id <> ? AND kek.row_erased = 0 AND kek.has_private = 1 AND kek.state IN (1, 2, "
      "3) "
      "AND COALESCE(kek.quarantined, 0) = 0)";
  out.values.emplace_back(kek);
  return out;
}

Condition condition_of(const LedgerKey& key, CartridgeFilter filter) {
  if (const auto* alias = std::get_if<std::string>(&key)) return of_data_key(to_upper(*alias), filter);
  return of_kek(std::get<Hash256>(key), filter);
}

struct Mark {
  Bytes server;
  std::int64_t sequence = -1;
};

Result<Mark> read_mark(const std::string& text) {
  Mark mark;
  if (text.empty()) return mark;
  const auto parts = split(text, '/');
  if (parts.size() != 2) return fail(ErrorCode::kInvalidArgument, "this is no place in an answer", "after");
  mark.server = to_bytes(TRY(Uuid::parse(parts[0])).view());
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  mark.sequence = static_cast<std::int64_t>(TRY(parse_number(parts[1], 0, kLargest, "after")));
  return mark;
}

bool names(const LedgerEntry& row, const LedgerKey& key) {
  if (const auto* alias = std::get_if<std::string>(&key)) return row.alias == to_upper(*alias);
  const ByteView id = std::get<Hash256>(key);
  return equal(row.kek_1, id) || equal(row.kek_2, id);
}

// The whole story of one cartridge with the key, as far as kMaximumPage rows tell it.
Result<SealedBy> gather(store::Reader& reader, const LedgerKey& key, LedgerEntry newest) {
  const bool by_volume = !newest.volume.is_nil();
  const store::Value what =
      by_volume ? store::Value(to_bytes(newest.volume.view())) : store::Value(newest.volser);
  const std::string where = (by_volume ? std::string("volume = ?") : std::string("volser = ?")) +
                            " ORDER BY issued DESC, server, sequence DESC LIMIT ?";
  SealedBy out{std::move(newest), {}, {}, false};
  out.first = out.newest.issued;
  for (const auto& row :
       TRY(reader.query(kLedgerTable, where, {what, static_cast<std::int64_t>(kMaximumPage)}))) {
    const auto entry = LedgerEntry::from_row(row);
    if (!names(entry, key)) continue;
    out.first = std::min(out.first, entry.issued);
    out.written = out.written || entry.purpose != Purpose::kRead;
    if (!entry.drive.empty() && std::ranges::find(out.drives, entry.drive) == out.drives.end()) {
      out.drives.push_back(entry.drive);
    }
  }
  return out;
}

}  // namespace

Result<Page<SealedBy>> cartridges_of(store::Reader& reader, const LedgerKey& key, CartridgeFilter filter,
                                     const PageRequest& page) {
  const auto limit = static_cast<std::int64_t>(std::min(page.limit, kMaximumPage));
  const Mark mark = TRY(read_mark(page.after));
  Condition condition = condition_of(key, filter);
  condition.sql += " AND (server > ? OR (server = ? AND sequence > ?)) ORDER BY server, sequence LIMIT ?";
  for (store::Value value : {store::Value(mark.server), store::Value(mark.server),
                             store::Value(mark.sequence), store::Value(limit)}) {
    condition.values.push_back(std::move(value));
  }
  Page<SealedBy> out;
  for (const auto& row : TRY(reader.query(kLedgerTable, condition.sql, condition.values))) {
    out.items.push_back(TRY(gather(reader, key, LedgerEntry::from_row(row))));
  }
  if (limit > 0 && out.items.size() == static_cast<std::size_t>(limit)) {
    const auto& last = out.items.back().newest;
    out.next = last.server.text() + "/" + std::to_string(last.sequence);
  }
  return out;
}

Result<std::int64_t> count_cartridges(store::Reader& reader, const LedgerKey& key, CartridgeFilter filter) {
  const Condition condition = condition_of(key, filter);
  return reader.aggregate(kLedgerTable, "COUNT(*)", condition.sql, condition.values);
}

}  // namespace tapewarden::keymgr
