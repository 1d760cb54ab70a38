#include "keymgr/custody/rewrite.h"

#include <algorithm>
#include <array>
#include <set>

#include "keymgr/audit_note.h"
#include "keymgr/tables.h"
#include "people/tables.h"
#include "store/row_codec.h"

namespace tapewarden::keymgr {

namespace {

using store::TableSpec;

constexpr std::size_t kErasedAtOnce = 256;     // rows of one transaction
constexpr std::size_t kNamesInARecord = 2048;  // characters of the keys of rows that went
constexpr std::size_t kConflictsKept = 1000;   // keys told by themselves; all are counted

// Rows here that the peer lacks go. Groups last: a group stays while a key that stays is in it. So do the
// labels of a KEK that stays: without them no tape with a label in clear finds it.
const std::vector<const TableSpec*>& erased_tables() {
  static const std::vector<const TableSpec*> all = {&kAccessRuleTable,       &kSettingTable, &kQuotaTable,
                                                    &kProxyDriveTable,       &kDriveTable,   &kKekLabelTable,
                                                    &people::people_table(), &kKeyGroupTable};
  return all;
}

std::string where_key(const TableSpec& table) {
  std::string out;
  for (const auto& column : table.columns) {
    if (column.role == store::ColumnRole::kKey) out += "\"" + std::string(column.name) + "\" = ? AND ";
  }
  return out + "row_commit <= ?";
}

// The keys of this table that live here, written by commits up to `before`, of which the peer knows nothing.
class OnlyHere {
 public:
  OnlyHere(KeyManager& manager, const ComparisonParties& parties, const TableSpec& table,
           std::uint64_t before)
      : keystore_(manager.keystore()), parties_(parties), before_(before) {
    question_ = {parties.self, parties.peer, true, {}};
    question_.rows.table = table.name;
    question_.rows.limit = kRowsInOneStretch;
    question_.rows.digests = false;
  }

  template <typename Visit>
  Status for_each(const Visit& visit) {
    bool more = true;
    while (more) {
      if (!parties_.go_on(false)) return fail(ErrorCode::kUnavailable, "the rewrite goes on later");
      question_.rows.until.reset();
      auto mine = TRY(keystore_.prints(question_.rows));
      if (mine.cut) question_.rows.until = mine.rows.back().key;
      const auto answer = TRY(parties_.ask(question_));
      TRY(answer.check(question_));
      if (answer.until) question_.rows.until = answer.until;
      std::set<store::Row> theirs;
      for (const auto& row : answer.rows) theirs.insert(row.key);
      for (const auto& row : mine.rows) {
        if (question_.rows.until && *question_.rows.until < row.key) break;
        if (row.erased || row.commit > before_ || theirs.contains(row.key)) continue;
        TRY(visit(row));
      }
      more = question_.rows.until.has_value();
      question_.rows.after = question_.rows.until;
    }
    return {};
  }

 private:
  store::Keystore& keystore_;
  const ComparisonParties& parties_;
  const std::uint64_t before_;
  CompareQuestion question_;
};

class Rewrite {
 public:
  Rewrite(KeyManager& manager, const ComparisonParties& parties, const RewrittenBesides& besides,
          std::uint64_t before)
      : manager_(manager), parties_(parties), besides_(besides), before_(before) {}

  Status erase_rows() {
    auto tables = besides_.erased;
    tables.insert(tables.end(), erased_tables().begin(), erased_tables().end());
    for (const TableSpec* table : tables) {
      std::vector<store::Row> keys;
      TRY(OnlyHere(manager_, parties_, *table, before_).for_each([&](const store::RowPrint& row) -> Status {
        keys.push_back(row.key);
        return {};
      }));
      for (std::size_t at = 0; at < keys.size(); at += kErasedAtOnce) {
        const std::size_t count = std::min(kErasedAtOnce, keys.size() - at);
        TRY(erase(*table, std::span(keys).subspan(at, count)));
      }
    }
    return {};
  }

  Status look_for_keys() {
    std::vector<const TableSpec*> tables{&kDataKeyTable, &kKekTable};
    tables.insert(tables.end(), besides_.kept.begin(), besides_.kept.end());
    for (const TableSpec* table : tables) {
      TRY(OnlyHere(manager_, parties_, *table, before_).for_each([&](const store::RowPrint& row) -> Status {
        ++report_.kept;
        if (table == &kKekTable) kept_keks_.insert(row.key);
        if (conflicts_.size() < kConflictsKept) conflicts_.push_back(TRY(conflict_of(*table, row)));
        return {};
      }));
    }
    return {};
  }

  const RewriteReport& report() const { return report_; }
  const std::vector<store::RowConflict>& conflicts() const { return conflicts_; }

 private:
  Status erase(const TableSpec& table, std::span<const store::Row> keys) {
    std::uint64_t erased = 0;
    std::string names;
    TRY(manager_.keystore().write([&](store::Transaction& transaction) -> Status {
      erased = 0;
      names.clear();
      for (const auto& key : keys) {
        store::Row parameters = key;
        parameters.emplace_back(static_cast<std::int64_t>(before_));
        // Whoever changed it since meant it to be there.
        if (TRY(transaction.aggregate(table, "COUNT(*)", where_key(table), parameters)) == 0) continue;
        if (&table == &kKekLabelTable && kept_keks_.contains(store::Row{key.at(1)})) continue;
        if (&table == &kKeyGroupTable && !TRY(erase_cursors(transaction, store::text(key, 0)))) continue;
        TRY(transaction.erase(table, key));
        ++erased;
        if (names.size() < kNamesInARecord) names += (names.empty() ? "" : ", ") + store::printable_key(key);
      }
      if (erased == 0) return {};
      note(transaction, manager_.context(),
           {.type = AuditType::kDataSynchronization,
            .action = "peer.rewrite",
            .actor = {"peer", ActorKind::kPeer},
            .fields = {
                {"table", std::string(table.name)}, {"erased", std::to_string(erased)}, {"keys", names}}});
      return {};
    }));
    report_.erased += erased;
    return {};
  }

  // False: keys are in the group, so it stays.
  static Result<bool> erase_cursors(store::Transaction& transaction, const std::string& group) {
    if (TRY(transaction.aggregate(kDataKeyTable, "COUNT(*)", "group_name = ?", {group})) > 0) return false;
    for (const auto& row : TRY(transaction.query(kGroupCursorTable, "group_name = ?", {group}))) {
      const auto cursor = GroupCursor::from_row(row);
      TRY(transaction.erase(kGroupCursorTable, {cursor.group, to_bytes(cursor.server.view())}));
    }
    return true;
  }

  Result<store::RowConflict> conflict_of(const TableSpec& table, const store::RowPrint& print) {
    store::RowConflict out;
    out.table = table.name;
    out.key = store::printable_key(print.key);
    out.kept_high = true;
    std::string name;
    TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
      const auto row = TRY(reader.get(table, print.key));
      if (!row) return {};
      if (&table == &kDataKeyTable) name = DataKey::from_row(*row).alias;
      if (&table == &kKekTable) name = Kek::from_row(*row).common_name;
      return {};
    }));
    out.high = {print.version, print.origin,
                R"({"name":)" + audit::json_quoted(name) + R"(,"kept":"the peer did not have it"})"};
    out.low = {0, parties_.peer, R"({"missing":true})"};
    return out;
  }

  KeyManager& manager_;
  const ComparisonParties& parties_;
  const RewrittenBesides& besides_;
  const std::uint64_t before_;
  RewriteReport report_;
  std::set<store::Row> kept_keks_;
  std::vector<store::RowConflict> conflicts_;
};

}  // namespace

std::vector<std::string_view> rewritten_tables(const RewrittenBesides& besides) {
  std::vector<std::string_view> out{kDataKeyTable.name, kKekTable.name};
  for (const auto* tables : {&erased_tables(), &besides.erased, &besides.kept}) {
    for (const TableSpec* table : *tables) out.push_back(table->name);
  }
  return out;
}

Result<RewriteReport> finish_rewrite(KeyManager& manager, Replicator& replicator,
                                     const ComparisonParties& parties, const RewrittenBesides& besides) {
  const PeerProgress progress = TRY(replicator.meeting()).seen;
  Rewrite rewrite(manager, parties, besides, progress.rewrite_before);
  TRY(rewrite.look_for_keys());
  TRY(rewrite.erase_rows());
  const RewriteReport& report = rewrite.report();
  TRY(replicator.finish_rewrite([&](store::Transaction& transaction) -> Status {
    TRY(manager.conflicts().record(transaction, rewrite.conflicts()));
    note(transaction, manager.context(),
         {.type = AuditType::kDataSynchronization,
          .action = "server.rewritten",
          .actor = Actor::system(),
          .fields = {{"erased", std::to_string(report.erased)}, {"kept_keys", std::to_string(report.kept)}}});
    return {};
  }));
  return report;
}

}  // namespace tapewarden::keymgr
