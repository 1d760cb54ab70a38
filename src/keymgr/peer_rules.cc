#include "keymgr/peer_rules.h"

#include <algorithm>

#include "base/assert.h"
#include "keymgr/access_rules.h"
#include "keymgr/drive_check.h"
#include "keymgr/drive_table.h"
#include "keymgr/epoch.h"
#include "keymgr/incoming_row.h"
#include "keymgr/key_groups.h"
#include "keymgr/limits.h"
#include "keymgr/settings.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {

using store::IncomingRow;
using store::TableSpec;

namespace {

constexpr std::size_t kLongestName = 256;
constexpr std::size_t kLongestShown = 4 * kMaximumProxyNameCharacters;  // escaped
constexpr std::size_t kLongestCertificate = 64U << 10;
constexpr std::size_t kLongestEedkSet = 64U << 10;
constexpr std::size_t kLongestReference = 64;  // request ids, key check values
constexpr std::int64_t kEpochsAhead = 64;      // promotions of this server that it did not hear of
constexpr std::int64_t kEpochsKept = 256;      // of this server's, which nobody else may use up

std::unexpected<Error> no(std::string why, std::string_view column) {
  return fail(ErrorCode::kPermissionDenied, std::move(why), std::string(column));
}

}  // namespace

std::size_t RowChecks::place(std::string_view column) const {
  const auto found = std::ranges::find(table_.columns, column, &store::Column::name);
  TW_ASSERT(found != table_.columns.end());
  return static_cast<std::size_t>(found - table_.columns.begin());
}

Status check_group_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.canonical("name", canonical_group(row.text("name")));
  if (in.erased) return row.take();
  row.within("policy", 1, 2).within("keys_ahead", 0, kMaximumKeysAhead).flag("default_write");
  const std::string& prefix = row.text("alias_prefix");
  const bool letters = std::ranges::all_of(prefix, [](char c) { return c >= 'A' && c <= 'Z'; });
  row.that(prefix.empty() || (prefix.size() == 3 && letters), "is no prefix", "alias_prefix");
  return row.counts({"created"}).take();
}

Status check_cursor_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("server", {16}).words({"group_name"}, kMaximumGroupNameCharacters);
  TRY(row.take());
  if (in.erased) {  // goes with its group alone
    const bool orphan = !TRY(in.reader.get(kKeyGroupTable, {row.text("group_name")})).has_value();
    if (orphan || row.is_senders("server")) return {};
    return no("it erases another server's place in a group that goes on", "server");
  }
  row.counts({"position", "next_position"}).within("warned_percent", 0, 100);
  row.within("total", -kLargestNumber, kLargestNumber).within("used", -kLargestNumber, kLargestNumber);
  TRY(row.take());
  if (in.everything || row.is_senders("server") || row.is_known()) return {};
  // This server's own comes back after a restore, as the lost copy left it: with places of an earlier epoch.
  const std::int64_t before = first_of_epoch(TRY(own_epoch(in.reader)));
  const std::int64_t position = in.mine != nullptr ? row.my_integer("position") : 0;
  const std::int64_t next = in.mine != nullptr ? row.my_integer("next_position") : 0;
  const bool known = row.integer("position") <= std::max(position, before) &&
                     row.integer("next_position") <= std::max(next, before + 1);
  if (known) return {};
  return no("it moves another server's place in a group", "server");
}

Status check_drive_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.canonical("serial", canonical_serial(row.text("serial")));
  if (in.erased) return row.take();
  row.words({"wwnn", "default_alias", "default_group", "label_1", "label_2"}, kMaximumLabelCharacters);
  row.within("kind", 1, 2).within("state", 1, 3).within("mode_1", 1, 2).within("mode_2", 1, 2);
  row.most_bytes("certificate", kLongestCertificate).bytes("identity_hash", {0, 32});
  row.most_bytes("offered_certificate", kLongestCertificate).bytes("offered_proxy", {0, 32});
  row.most_bytes("offered_wrapping_spki", kLongestCertificate);
  row.words({"offered_proxy_name"}, kLongestShown).words({"decided_by"}, kLongestName);
  row.counts({"first_seen", "decided_at"});
  const Bytes& wrapping = row.blob("wrapping_spki");
  row.that(wrapping.empty() || check_wrapping_key(wrapping), "is no key to wrap to", "wrapping_spki");
  return row.take();
}

Status check_proxy_drive_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("proxy", {32}).canonical("serial", canonical_serial(row.text("serial")));
  if (in.erased) return row.take();
  return row.words({"proxy_name"}, kLongestShown).counts({"added"}).take();
}

namespace {
void check_rule(RowChecks& row) {
  row.bytes("id", {16}).within("subject_kind", 1, 5).within("object_kind", 1, 3).counts({"added"});
  if (!row.good()) return;
  const auto subject = static_cast<SubjectKind>(row.integer("subject_kind"));
  const auto object = static_cast<ObjectKind>(row.integer("object_kind"));
  row.canonical("subject", canonical_subject(subject, row.text("subject")));
  row.canonical("object", canonical_object(object, row.text("object")));
}
}  // namespace

Status check_access_rule_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  if (in.erased) return row.bytes("id", {16}).take();
  check_rule(row);
  return row.flag("may_write").flag("may_read").take();
}

Status check_quota_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  if (in.erased) return row.bytes("id", {16}).take();
  check_rule(row);
  for (const auto* column : {"writes_hour", "writes_day", "reads_hour", "reads_day"}) {
    row.within(column, 0, kMaximumQuotaLimit);
  }
  return row.take();
}

Status check_quota_writes_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("quota", {16}).bytes("server", {16}).counts({"slot", "began", "count"});
  TRY(row.take());
  if (in.everything || row.is_senders("server") || row.is_known()) return {};
  return no("it counts another server's writes", "server");
}

Status check_quota_reads_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  return row.bytes("quota", {16}).bytes("volume", {16}).counts({"last"}).take();
}

Status check_ledger_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("server", {16}).within("sequence", 1, kLargestNumber).bytes("volume", {16});
  row.words({"volser"}, kMaximumVolserCharacters).within("method", 1, 2).within("purpose", 1, 4);
  row.within("state", 1, 3).most_bytes("request_id", kLongestReference).bytes("dki", {0, 12});
  row.words({"alias", "group_name", "label_1", "label_2", "wwnn", "drive"}, kMaximumLabelCharacters);
  row.within("mode_1", 0, 2).within("mode_2", 0, 2).bytes("kek_1", {0, 32}).bytes("kek_2", {0, 32});
  row.most_bytes("eedk_set", kLongestEedkSet).most_bytes("kcv", kLongestReference);
  row.words({"proxy"}, kLongestShown).counts({"issued", "confirmed"});
  TRY(row.take());
  constexpr auto kImported = static_cast<std::int64_t>(LedgerState::kImported);
  if (in.mine == nullptr) {
    if (in.everything || row.is_senders("server")) return {};
    // What a copy of this server lost since had written comes back after a restore: it has numbers of an
    // earlier epoch.
    const bool known = row.is_mine("server")
                           ? row.integer("sequence") <= first_of_epoch(TRY(own_epoch(in.reader)))
                           : TRY(in.reader.get(kServerTable, {row.blob("server")})).has_value();
    return known ? Status() : no("it is an entry in another server's name", "server");
  }
  if ((row.integer("state") == kImported) == (row.my_integer("state") == kImported)) return {};
  return no("it changes what is written once", "state");
}

Status check_setting_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  if (in.erased) return row.words({"name"}, kLongestName).take();
  TRY(check_setting(row.text("name"), row.text("value")));
  return row.counts({"changed"}).take();
}

namespace {
// `restored`: this server's own, of which the other may have seen any epoch.
Status check_epoch_of_other(const RowChecks& row, bool restored) {
  const std::int64_t epoch = row.integer("epoch");
  const std::int64_t mine = row.my_integer("epoch");
  if (!restored && epoch > mine + kEpochsAhead) {
    return no("its epoch is far beyond any that was seen", "epoch");
  }
  if (row.is_mine("id") && epoch > std::max(mine, kMaximumEpoch - kEpochsKept)) {
    return no("it leaves this server too few epochs to be restored in", "epoch");
  }
  return {};
}
}  // namespace

Status check_server_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("id", {16}).words({"name"}, kLongestName).within("epoch", 0, kMaximumEpoch);
  row.within("installation", 0, 0xFFFFFFFF).most_bytes("signing_certificate", kLongestCertificate);
  row.most_bytes("exchange_certificate", kLongestCertificate);
  TRY(row.take());
  if (row.is_senders("id") || row.is_known()) return {};
  // Of a third server, and of this one, the other may say that its epoch was raised, and nothing else. Of
  // this one it may not have seen the newest name and installation: they stay (KeyManager::take_in()).
  if (in.mine == nullptr) return in.everything ? Status() : no("it is a server that is not known here", "id");
  for (const auto* column : {"signing_certificate", "exchange_certificate"}) {
    if (row.blob(column) != row.my_blob(column)) return no("it changes another server's certificate", column);
  }
  const bool may_differ = in.everything || row.is_mine("id");
  if (!may_differ && row.text("name") != row.my_text("name")) {
    return no("it changes another server's name", "name");
  }
  if (!may_differ && row.integer("installation") != row.my_integer("installation")) {
    return no("it changes another server's installation", "installation");
  }
  return check_epoch_of_other(row, in.everything && row.is_mine("id"));
}

Status check_conflict_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("id", {16}).words({"table_name"}, kLongestName).within("outcome", 1, 2);
  row.bytes("high_origin", {16}).bytes("low_origin", {16}).bytes("found_by", {16});
  row.words({"acknowledged_by"}, kLongestName).counts({"found", "acknowledged"});
  return row.take();
}

Status check_rewrap_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("id", {16}).bytes("server", {16}).bytes("from_kek", {0, 32}).within("state", 1, 4);
  row.words({"label_1", "label_2"}, kMaximumLabelCharacters).within("mode_1", 0, 2).within("mode_2", 0, 2);
  row.words({"started_by", "place"}, kLongestShown);
  row.counts({"total", "wrapped", "skipped", "failed", "started", "ended"});
  TRY(row.take());
  if (in.mine != nullptr || in.everything || row.is_senders("server")) return {};
  return no("it is a job in another server's name", "server");
}

}  // namespace tapewarden::keymgr
