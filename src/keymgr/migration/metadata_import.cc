#include "keymgr/migration/metadata_import.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <utility>

#include "base/text.h"
#include "crypto/hash.h"
#include "eedk/data_key_identifier.h"
#include "keymgr/audit_note.h"
#include "keymgr/migration/ekm_metadata.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::size_t kRecordIdBytes = 16;

// The same record has the same id wherever it is read: it stands in the row's request id.
Bytes record_id(const EkmUsage& usage) {
  ByteWriter out;
  out.text("tapewarden ekm metadata 1");
  for (const auto& text : {usage.volser, usage.drive, usage.wwnn, usage.alias_1, usage.alias_2}) {
    out.bytes16(as_bytes(text));
  }
  out.bytes16(usage.dki).u64(static_cast<std::uint64_t>(to_millis(usage.created)));
  const auto hash = crypto::sha256(out.view());
  return to_bytes(ByteView(hash).first(kRecordIdBytes));
}

// A DKi is told for LTO alone. Without one it is told by the second alias, by what the drive is, or by what
// is known under the name; a name that nobody here knows is a certificate's, since for LTO the DKi is
// recorded.
Result<Method> method_of(store::Reader& reader, const KeyManager& manager, const EkmUsage& usage) {
  if (!usage.dki.empty()) return Method::kIdentifiedKey;
  if (!usage.alias_2.empty()) return Method::kWrappedKey;
  const auto drive = TRY(manager.drives().find(reader, usage.drive));
  if (drive) return drive->kind == DriveKind::kLto ? Method::kIdentifiedKey : Method::kWrappedKey;
  if (!TRY(manager.keks().find_by_label(reader, usage.alias_1)).empty()) return Method::kWrappedKey;
  if (!eedk::canonical_alias(usage.alias_1)) return Method::kWrappedKey;
  // It may mean several keys that were imported beside each other: a data key's name all the same.
  const bool known = !TRY(manager.keys().find_all(reader, usage.alias_1)).empty();
  return known ? Method::kIdentifiedKey : Method::kWrappedKey;
}

Result<Bytes> kek_of(store::Reader& reader, const KeyManager& manager, const std::string& label) {
  if (label.empty()) return Bytes();
  const auto keks = TRY(manager.keks().find_by_label(reader, label));
  return keks.size() == 1 ? to_bytes(ByteView(keks.front().id)) : Bytes();
}

Status fill_identified(const EkmUsage& usage, LedgerEntry& entry) {
  auto dki = usage.dki.empty() ? eedk::DataKeyIdentifier::from_alias(usage.alias_1)
                               : eedk::DataKeyIdentifier::from_tape(usage.dki);
  if (!dki) return std::unexpected(dki.error());
  entry.dki = to_bytes(dki->view());
  const auto from_dki = dki->folded().alias();
  entry.alias = usage.alias_1.empty() && from_dki ? *from_dki : to_upper(usage.alias_1);
  return {};
}

Result<LedgerEntry> entry_of(store::Reader& reader, const KeyManager& manager, const EkmUsage& usage) {
  LedgerEntry entry;
  entry.volser = usage.volser;
  entry.method = TRY(method_of(reader, manager, usage));
  entry.purpose = Purpose::kWrite;
  entry.request_id = record_id(usage);
  entry.drive = usage.drive;
  entry.wwnn = usage.wwnn;
  entry.issued = usage.created;
  if (entry.method == Method::kIdentifiedKey) {
    TRY(fill_identified(usage, entry));
    return entry;
  }
  entry.label_1 = {usage.alias_1, LabelMode::kClear};
  entry.label_2 = {usage.alias_2, LabelMode::kClear};
  entry.kek_1 = TRY(kek_of(reader, manager, usage.alias_1));
  entry.kek_2 = TRY(kek_of(reader, manager, usage.alias_2));
  return entry;
}

// What one record comes to, read only. `seen`: the ids of this file's records before it.
Result<RecordReport> judge(store::Reader& reader, const KeyManager& manager, const EkmUsage& usage,
                           std::set<Bytes>& seen) {
  RecordReport report{usage.line, usage.volser, RecordOutcome::kAdded, usage.remark};
  const Bytes id = record_id(usage);
  if (!seen.insert(id).second || TRY(manager.ledger().holds_imported(reader, id))) {
    report.outcome = RecordOutcome::kKnown;
    return report;
  }
  const auto entry = entry_of(reader, manager, usage);
  if (!entry && entry.error().code != ErrorCode::kInvalidArgument) return std::unexpected(entry.error());
  if (!entry) {
    report.outcome = RecordOutcome::kLeftOut;
    report.remark = entry.error().message;
  }
  return report;
}

Status add_batch(KeyManager& manager, const Actor& actor, std::string_view file,
                 std::span<const EkmUsage> batch) {
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    std::size_t added = 0;
    for (const auto& usage : batch) {
      if (TRY(manager.ledger().holds_imported(transaction, record_id(usage)))) continue;
      (void)TRY(manager.ledger().import(transaction, TRY(entry_of(transaction, manager, usage))));
      ++added;
    }
    note(transaction, manager.context(),
         {.type = AuditType::kResourceManagement,
          .action = "ledger.import",
          .actor = actor,
          .fields = {{"source", "ekm-metadata"},
                     {"file_sha256", std::string(file)},
                     {"rows", std::to_string(added)}}});
    return {};
  }));
  return {};
}

void count(MetadataReport& report, RecordReport line) {
  ++(line.outcome == RecordOutcome::kAdded   ? report.added
     : line.outcome == RecordOutcome::kKnown ? report.known
                                             : report.left_out);
  if (report.lines.size() < kMaximumImportLines) report.lines.push_back(std::move(line));
}

// Both are in the file's order already; of two on one line the usable one comes first.
std::vector<RecordReport> in_file_order(const std::vector<RecordReport>& usable,
                                        const std::vector<RecordReport>& faults) {
  std::vector<RecordReport> out;
  std::ranges::merge(usable, faults, std::back_inserter(out), {}, &RecordReport::line, &RecordReport::line);
  if (out.size() > kMaximumImportLines) out.resize(kMaximumImportLines);
  return out;
}

}  // namespace

std::string_view to_string(RecordOutcome outcome) {
  switch (outcome) {
    case RecordOutcome::kAdded:
      return "added";
    case RecordOutcome::kKnown:
      return "known";
    case RecordOutcome::kLeftOut:
      return "left-out";
  }
  return "unknown";
}

Result<MetadataReport> import_ekm_metadata(KeyManager& manager, const Actor& actor, std::string_view text,
                                           bool dry_run) {
  const auto metadata = TRY(read_ekm_metadata(text));
  MetadataReport report;
  report.dry_run = dry_run;
  std::vector<EkmUsage> wanted;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    std::set<Bytes> seen;
    for (const auto& usage : metadata.usages) {
      auto line = TRY(judge(reader, manager, usage, seen));
      if (line.outcome == RecordOutcome::kAdded) wanted.push_back(usage);
      count(report, std::move(line));
    }
    return {};
  }));
  const std::vector<RecordReport> usable = std::exchange(report.lines, {});
  for (const auto& fault : metadata.faults) {
    count(report, {fault.line, fault.volser, RecordOutcome::kLeftOut, fault.reason});
  }
  report.lines = in_file_order(usable, report.lines);
  if (dry_run) return report;
  const std::string file = to_hex(crypto::sha256(as_bytes(text)));
  for (std::span<const EkmUsage> rest = wanted; !rest.empty();) {
    const auto batch = rest.first(std::min(rest.size(), kImportedRowsPerTransaction));
    TRY(add_batch(manager, actor, file, batch));
    rest = rest.subspan(batch.size());
  }
  return report;
}

}  // namespace tapewarden::keymgr
