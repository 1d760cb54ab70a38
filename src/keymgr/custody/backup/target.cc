#include "keymgr/custody/backup/target.h"

#include "base/text.h"
#include "keymgr/custody/backup/limits.h"
#include "keymgr/row_codec.h"

namespace tapewarden::keymgr::backup {

using store::TableSpec;
using enum store::ColumnType;
using enum store::ColumnRole;

const TableSpec kTargetTable{
    .name = "backup_target",
    .columns = {{"name", kText, kKey},
                {"directory", kText, kPlain},
                {"domain", kText, kPlain},
                {"seal", kInteger, kPlain},
                {"scrypt_n", kInteger, kPlain},
                {"scrypt_r", kInteger, kPlain},
                {"scrypt_p", kInteger, kPlain},
                {"passphrase_key", kBlob, kSecret},
                {"salt", kBlob, kPlain},
                {"recipients", kBlob, kPlain},
                {"keep_bases", kInteger, kPlain},
                {"increments", kInteger, kPlain},
                {"mode", kInteger, kPlain},
                {"every_hours", kInteger, kPlain},
                {"counts", kInteger, kPlain},
                {"created", kInteger, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
};

const TableSpec kKnownFileTable{
    .name = "backup_file",
    .columns = {{"target", kText, kKey},
                {"slot", kInteger, kKey},
                {"name", kText, kPlain},
                {"kind", kInteger, kPlain},
                {"base", kInteger, kPlain},
                {"increment", kInteger, kPlain},
                {"from_number", kInteger, kPlain},
                {"to_number", kInteger, kPlain},
                {"head", kBlob, kPlain},
                {"digest", kBlob, kPlain},
                {"bytes", kInteger, kPlain},
                {"created", kInteger, kPlain},
                {"file_key", kBlob, kSecret},
                {"place", kBlob, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .backup = store::BackupRole::kNone,
};

const TableSpec kTargetStateTable{
    .name = "backup_state",
    .columns = {{"target", kText, kKey},
                {"last_success", kInteger, kPlain},
                {"last_failure", kInteger, kPlain},
                {"failure", kText, kPlain},
                {"covered", kInteger, kPlain},
                {"verified_at", kInteger, kPlain},
                {"verified", kInteger, kPlain},
                {"verify_failure", kText, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .backup = store::BackupRole::kNone,
};

std::vector<const TableSpec*> tables() {
  return {&kTargetTable, &kKnownFileTable, &kTargetStateTable};
}

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::kOnDemand:
      return "on-demand";
    case Mode::kSchedule:
      return "schedule";
    case Mode::kAfterChange:
      return "after-change";
  }
  return "";
}

Result<Mode> parse_mode(std::string_view text) {
  for (const Mode mode : {Mode::kOnDemand, Mode::kSchedule, Mode::kAfterChange}) {
    if (equal_ignoring_case(text, to_string(mode))) return mode;
  }
  return fail(ErrorCode::kInvalidArgument, "this is no mode of a backup", "mode",
              "use on-demand, schedule or after-change");
}

std::string_view to_string(SealKind kind) {
  return kind == SealKind::kPassphrase ? "passphrase" : "recipients";
}

Result<store::Row> Target::to_row() const {
  ByteWriter certificates;
  for (const auto& recipient : recipients) certificates.bytes32(recipient.der());
  return RowWriter(kTargetTable)
      .text(name)
      .text(directory)
      .text(domain)
      .number_of(seal)
      .integer(static_cast<std::int64_t>(cost.n))
      .integer(cost.r)
      .integer(cost.p)
      .blob(sealed_key)
      .blob(salt)
      .blob(certificates.view())
      .integer(keep_bases)
      .integer(increments)
      .number_of(mode)
      .integer(every_hours)
      .flag(counts)
      .time(created)
      .take();
}

Result<Target> Target::from_row(const store::Row& row) {
  RowReader in(kTargetTable, row);
  Target out;
  out.name = in.text();
  out.directory = in.text();
  out.domain = in.text();
  out.seal = in.enumeration<SealKind>();
  out.cost.n = static_cast<std::uint64_t>(in.integer());
  out.cost.r = static_cast<std::uint32_t>(in.integer());
  out.cost.p = static_cast<std::uint32_t>(in.integer());
  out.sealed_key = in.blob();
  out.salt = in.blob();
  ByteReader certificates(in.blob());
  while (!certificates.done()) {
    out.recipients.push_back(TRY(crypto::Certificate::from_der(
        TRY(certificates.bytes32(kCertificateLimit, "recipient's certificate")))));
  }
  out.keep_bases = in.integer();
  out.increments = in.integer();
  out.mode = in.enumeration<Mode>();
  out.every_hours = in.integer();
  out.counts = in.flag();
  out.created = in.time();
  return out;
}

store::Row KnownFile::to_row() const {
  return RowWriter(kKnownFileTable)
      .text(target)
      .integer(slot)
      .text(name)
      .number_of(kind)
      .integer(base)
      .integer(increment)
      .integer(from)
      .integer(to)
      .blob(head)
      .blob(digest)
      .integer(bytes)
      .time(created)
      .blob(sealed_key)
      .blob(place)
      .take();
}

KnownFile KnownFile::from_row(const store::Row& row) {
  RowReader in(kKnownFileTable, row);
  KnownFile out;
  out.target = in.text();
  out.slot = in.integer();
  out.name = in.text();
  out.kind = in.enumeration<FileKind>();
  out.base = in.integer();
  out.increment = in.integer();
  out.from = in.integer();
  out.to = in.integer();
  out.head = in.array<32>();
  out.digest = in.array<32>();
  out.bytes = in.integer();
  out.created = in.time();
  out.sealed_key = in.blob();
  out.place = in.blob();
  return out;
}

store::Row TargetState::to_row() const {
  return RowWriter(kTargetStateTable)
      .text(target)
      .time(last_success)
      .time(last_failure)
      .text(failure)
      .integer(covered)
      .time(verified_at)
      .integer(verified)
      .text(verify_failure)
      .take();
}

TargetState TargetState::from_row(const store::Row& row) {
  RowReader in(kTargetStateTable, row);
  TargetState out;
  out.target = in.text();
  out.last_success = in.time();
  out.last_failure = in.time();
  out.failure = in.text();
  out.covered = in.integer();
  out.verified_at = in.time();
  out.verified = in.integer();
  out.verify_failure = in.text();
  return out;
}

Result<std::optional<Target>> find_target(store::Reader& reader, const std::string& name) {
  const auto row = TRY(reader.get(kTargetTable, {name}));
  if (!row) return std::optional<Target>();
  return std::optional<Target>(TRY(Target::from_row(*row)));
}

Result<std::vector<Target>> list_targets(store::Reader& reader) {
  std::vector<Target> out;
  for (const auto& row : TRY(reader.query(kTargetTable, "1 ORDER BY name", {}))) {
    out.push_back(TRY(Target::from_row(row)));
  }
  return out;
}

Result<TargetState> load_state(store::Reader& reader, const std::string& target) {
  const auto row = TRY(reader.get(kTargetStateTable, {target}));
  if (row) return TargetState::from_row(*row);
  TargetState out;
  out.target = target;
  return out;
}

Result<std::int64_t> free_slot(store::Reader& reader, const std::string& target) {
  std::int64_t slot = 1;
  for (const auto& row : TRY(reader.query(kKnownFileTable, "target = ? ORDER BY slot", {target}))) {
    if (KnownFile::from_row(row).slot != slot) break;
    ++slot;
  }
  return slot;
}

Result<std::vector<KnownFile>> known_files(store::Reader& reader, const std::string& target, FileKind kind) {
  std::vector<KnownFile> out;
  for (const auto& row : TRY(reader.query(kKnownFileTable, "target = ? AND kind = ? ORDER BY base, increment",
                                          {target, static_cast<std::int64_t>(kind)}))) {
    out.push_back(KnownFile::from_row(row));
  }
  return out;
}

}  // namespace tapewarden::keymgr::backup
