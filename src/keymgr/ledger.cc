#include "keymgr/ledger.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "eedk/ekm_code.h"
#include "keymgr/limits.h"
#include "keymgr/row_codec.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::string_view kSequenceCounter = "ledger";

// The place of a row in the order of answers: issued, server, sequence.
std::string page_mark(const LedgerEntry& entry) {
  return std::to_string(to_millis(entry.issued)) + "/" + entry.server.text() + "/" +
         std::to_string(entry.sequence);
}

struct PageMark {
  std::int64_t issued = std::numeric_limits<std::int64_t>::max();
  Uuid server;
  std::int64_t sequence = 0;
};

Result<PageMark> read_page_mark(const std::string& text) {
  PageMark mark;
  if (text.empty()) return mark;
  const auto parts = split(text, '/');
  if (parts.size() != 3) return fail(ErrorCode::kInvalidArgument, "this is no place in an answer", "after");
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  mark.issued = static_cast<std::int64_t>(TRY(parse_number(parts[0], 0, kLargest, "after")));
  mark.server = TRY(Uuid::parse(parts[1]));
  mark.sequence = static_cast<std::int64_t>(TRY(parse_number(parts[2], 0, kLargest, "after")));
  return mark;
}

// A condition with its parameters, put together from parts.
class Condition {
 public:
  void add(std::string_view sql, std::initializer_list<store::Value> values) {
    sql_ += sql_.empty() ? "" : " AND ";
    sql_ += sql;
    values_.insert(values_.end(), values);
  }
  std::string& sql() { return sql_; }
  std::vector<store::Value>& values() { return values_; }

 private:
  std::string sql_;
  std::vector<store::Value> values_;
};

Condition condition_of(const LedgerQuery& query) {
  Condition out;
  if (!query.volser.empty()) out.add("volser = ?", {to_upper(query.volser)});
  if (query.volume) out.add("volume = ?", {to_bytes(query.volume->view())});
  if (!query.alias.empty()) out.add("alias = ? AND alias <> ''", {to_upper(query.alias)});
  if (!query.drive.empty()) out.add("drive = ?", {query.drive});
  if (query.from) out.add("issued >= ?", {to_millis(*query.from)});
  if (query.until) out.add("issued < ?", {to_millis(*query.until)});
  return out;
}

// A label and a KEK stand in one of two columns each. SQLite would answer an OR by looking at every row, so
// the question is asked once for each column, and again finds its index.
std::vector<Condition> conditions_of(const LedgerQuery& query) {
  std::vector<Condition> out;
  const auto add = [&](std::string_view first, std::initializer_list<store::Value> values) -> Condition& {
    out.push_back(condition_of(query));
    out.back().add(first, values);
    return out.back();
  };
  const std::string label = to_upper(query.label);
  const Bytes kek = query.kek ? to_bytes(ByteView(*query.kek)) : Bytes();
  if (!query.label.empty()) {
    for (const auto* column : {"label_1 = ? AND label_1 <> ''", "label_2 = ? AND label_2 <> ''"}) {
      Condition& condition = add(column, {label});
      if (query.kek) condition.add("(kek_1 = ? OR kek_2 = ?)", {kek, kek});
    }
  } else if (query.kek) {
    add("kek_1 = ? AND kek_1 <> x''", {kek});
    add("kek_2 = ? AND kek_2 <> x''", {kek});
  } else {
    out.push_back(condition_of(query));
  }
  return out;
}

bool same_row(const LedgerEntry& a, const LedgerEntry& b) {
  return a.server == b.server && a.sequence == b.sequence;
}

// The order of an answer.
bool before(const LedgerEntry& a, const LedgerEntry& b) {
  if (a.issued != b.issued) return a.issued > b.issued;
  if (a.server != b.server) return a.server < b.server;
  return a.sequence > b.sequence;
}

}  // namespace

Result<LedgerEntry> Ledger::insert(store::Transaction& transaction, LedgerEntry entry) const {
  entry.server = context_.server;
  const store::Value server = to_bytes(context_.server.view());
  do {  // a number that is taken is passed over: an old local counter came back
    entry.sequence = TRY(keys_.next_counter(transaction, kSequenceCounter));
  } while (TRY(transaction.get(kLedgerTable, {server, entry.sequence})));
  entry.volser = to_upper(entry.volser);
  entry.label_1.label = to_upper(entry.label_1.label);
  entry.label_2.label = to_upper(entry.label_2.label);
  TRY(transaction.put(kLedgerTable, entry.to_row()));
  return entry;
}

Status Ledger::begin_sequences(store::Transaction& transaction, std::int64_t first) {
  const auto row = TRY(transaction.get(kLocalCounterTable, {std::string(kSequenceCounter)}));
  if (row && store::integer(*row, 1) >= first) return {};
  return transaction.put(kLocalCounterTable,
                         RowWriter(kLocalCounterTable).text(kSequenceCounter).integer(first).take());
}

Result<LedgerEntry> Ledger::add(store::Transaction& transaction, LedgerEntry entry) const {
  entry.state = LedgerState::kIssued;
  entry.issued = context_.now();
  entry.confirmed = kNever;
  return insert(transaction, std::move(entry));
}

Result<LedgerEntry> Ledger::import(store::Transaction& transaction, LedgerEntry entry) const {
  entry.state = LedgerState::kImported;
  entry.confirmed = kNever;
  return insert(transaction, std::move(entry));
}

Result<LedgerEntry> Ledger::confirm(store::Transaction& transaction, const LedgerReference& reference,
                                    std::string_view drive, const Uuid& volume) const {
  auto entry = TRY(find(transaction, reference));
  if (!entry) {
    return eedk::fail_ekm(ErrorCode::kNotFound, eedk::EkmCode::kMessageOutOfSequence,
                          "no key was issued under this reference", "confirms",
                          "ask the server that issued the key, or ask for the key again");
  }
  if (entry->drive != drive || entry->volume != volume) {
    return eedk::fail_ekm(ErrorCode::kPermissionDenied, eedk::EkmCode::kProhibited,
                          "the key was issued to another drive or for another volume", "confirms");
  }
  if (entry->state != LedgerState::kIssued) return *entry;
  entry->state = LedgerState::kConfirmed;
  entry->confirmed = context_.now();
  TRY(transaction.put(kLedgerTable, entry->to_row()));
  return *entry;
}

Result<std::optional<LedgerEntry>> Ledger::find(store::Reader& reader,
                                                const LedgerReference& reference) const {
  const auto row = TRY(reader.get(kLedgerTable, {to_bytes(reference.server.view()), reference.sequence}));
  if (!row) return std::optional<LedgerEntry>();
  return std::optional(LedgerEntry::from_row(*row));
}

Result<std::optional<LedgerEntry>> Ledger::find_exchange(store::Reader& reader, const Uuid& request_id,
                                                         std::string_view drive, const Uuid& volume,
                                                         Purpose purpose) const {
  // The plus sign keeps SQLite to the index of volume, purpose and request_id. There is one row, or one of
  // each server; for an ORDER BY SQLite would open a table of its own, also where nothing is found.
  const auto rows =
      TRY(reader.query(kLedgerTable, "volume = ? AND purpose = ? AND request_id = ? AND +drive = ? LIMIT 16",
                       {to_bytes(volume.view()), static_cast<std::int64_t>(purpose),
                        to_bytes(request_id.view()), std::string(drive)}));
  std::optional<LedgerEntry> newest;
  for (const auto& row : rows) {
    auto entry = LedgerEntry::from_row(row);
    if (!newest || std::tie(entry.issued, entry.sequence) > std::tie(newest->issued, newest->sequence))
      newest = std::move(entry);
  }
  return newest;
}

Result<bool> Ledger::holds(store::Reader& reader, const eedk::EedkSet& set) const {
  const auto rows =
      TRY(reader.query(kLedgerTable, "volume = ? AND method = ? AND purpose IN (1, 4)",
                       {to_bytes(set.volume.view()), static_cast<std::int64_t>(Method::kWrappedKey)}));
  return std::ranges::any_of(rows, [&](const store::Row& row) {
    const auto kept = eedk::decode_eedk_set(LedgerEntry::from_row(row).eedk_set);
    return kept && kept->eedks == set.eedks && kept->key_check == set.key_check && kept->volume == set.volume;
  });
}

Result<bool> Ledger::holds_imported(store::Reader& reader, const Bytes& request_id) const {
  // The state as the index has it, which holds these rows alone.
  static_assert(static_cast<int>(LedgerState::kImported) == 3);
  const auto rows = TRY(reader.query(kLedgerTable, "request_id = ? AND state = 3 LIMIT 1", {request_id}));
  return !rows.empty();
}

Result<std::vector<eedk::EedkSet>> Ledger::rewrapped(store::Reader& reader, const eedk::EedkSet& set) const {
  std::vector<eedk::EedkSet> out;
  for (const auto& row :
       TRY(reader.query(kLedgerTable,
                        "volume = ? AND +kcv = ? AND purpose = ? ORDER BY issued DESC, sequence DESC LIMIT 8",
                        {to_bytes(set.volume.view()), to_bytes(ByteView(set.key_check)),
                         static_cast<std::int64_t>(Purpose::kRekey)}))) {
    auto kept = eedk::decode_eedk_set(LedgerEntry::from_row(row).eedk_set);
    if (kept) out.push_back(*std::move(kept));
  }
  return out;
}

Result<Page<LedgerEntry>> Ledger::query(store::Reader& reader, const LedgerQuery& query,
                                        const PageRequest& page) const {
  const auto limit = static_cast<std::int64_t>(std::min(page.limit, kMaximumPage));
  const PageMark mark = TRY(read_page_mark(page.after));
  const Bytes server = to_bytes(mark.server.view());
  Page<LedgerEntry> out;
  for (Condition& condition : conditions_of(query)) {
    condition.add("issued <= ? AND (issued < ? OR server > ? OR (server = ? AND sequence < ?))",
                  {mark.issued, mark.issued, server, server, mark.sequence});
    condition.sql() += " ORDER BY issued DESC, server, sequence DESC LIMIT ?";
    condition.values().emplace_back(limit);
    for (const auto& row : TRY(reader.query(kLedgerTable, condition.sql(), condition.values()))) {
      out.items.push_back(LedgerEntry::from_row(row));
    }
  }
  std::ranges::sort(out.items, before);
  out.items.erase(std::ranges::unique(out.items, same_row).begin(), out.items.end());
  if (out.items.size() > static_cast<std::size_t>(limit)) out.items.resize(static_cast<std::size_t>(limit));
  if (limit > 0 && out.items.size() == static_cast<std::size_t>(limit))
    out.next = page_mark(out.items.back());
  return out;
}

}  // namespace tapewarden::keymgr
