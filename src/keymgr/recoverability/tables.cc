#include "keymgr/recoverability/tables.h"

#include "keymgr/incoming_row.h"
#include "keymgr/row_codec.h"

namespace tapewarden::keymgr::recoverability {

using store::TableSpec;
using enum store::ColumnType;
using enum store::ColumnRole;

namespace {

constexpr std::size_t kLongestNames = 1024;

// Nobody tells what another server's keys are like; an answer to "everything" brings our own back.
Status check_check_row(const TableSpec& table, const store::IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("server", {16}).counts({"began", "ended", "data_keys", "keks", "failed"});
  row.words({"first_failed"}, kLongestNames);
  TRY(row.take());
  if (in.everything || row.is_senders("server") || row.is_known()) return {};
  return fail(ErrorCode::kPermissionDenied, "it is another server's self-check", "server");
}

}  // namespace

const TableSpec kAlarmTable{
    .name = "recoverability_alarm",
    .columns = {{"pool", kText, kKey},
                {"cartridges", kInteger, kPlain},
                {"wanted", kInteger, kPlain},
                {"since", kInteger, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .backup = store::BackupRole::kNone,
};

const TableSpec kNoteTable{
    .name = "recoverability_note",
    .columns = {{"name", kText, kKey}, {"number", kInteger, kPlain}, {"bytes", kBlob, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .backup = store::BackupRole::kNone,
};

const TableSpec kCheckTable{
    .name = "recoverability_check",
    .columns = {{"server", kBlob, kKey},
                {"began", kInteger, kPlain},
                {"ended", kInteger, kPlain},
                {"data_keys", kInteger, kPlain},
                {"keks", kInteger, kPlain},
                {"failed", kInteger, kPlain},
                {"first_failed", kText, kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .backup = store::BackupRole::kNote,
    .peer = {.check = check_check_row},
};

std::vector<const TableSpec*> tables() {
  return {&kAlarmTable, &kNoteTable, &kCheckTable};
}

store::Row Alarm::to_row() const {
  return RowWriter(kAlarmTable).text(pool).integer(cartridges).integer(wanted).time(since).take();
}

Alarm Alarm::from_row(const store::Row& row) {
  RowReader in(kAlarmTable, row);
  Alarm out;
  out.pool = in.text();
  out.cartridges = in.integer();
  out.wanted = in.integer();
  out.since = in.time();
  return out;
}

store::Row CheckResult::to_row() const {
  return RowWriter(kCheckTable)
      .uuid(server)
      .time(began)
      .time(ended)
      .integer(data_keys)
      .integer(keks)
      .integer(failed)
      .text(first_failed)
      .take();
}

CheckResult CheckResult::from_row(const store::Row& row) {
  RowReader in(kCheckTable, row);
  CheckResult out;
  out.server = in.uuid();
  out.began = in.time();
  out.ended = in.time();
  out.data_keys = in.integer();
  out.keks = in.integer();
  out.failed = in.integer();
  out.first_failed = in.text();
  return out;
}

Result<std::optional<CheckResult>> check_of(store::Reader& reader, const Uuid& server) {
  const auto row = TRY(reader.get(kCheckTable, {to_bytes(server.view())}));
  if (!row) return std::optional<CheckResult>();
  return std::optional(CheckResult::from_row(*row));
}

Result<std::optional<Note>> load_note(store::Reader& reader, const std::string& name) {
  const auto row = TRY(reader.get(kNoteTable, {name}));
  if (!row) return std::optional<Note>();
  RowReader in(kNoteTable, *row);
  (void)in.text();
  Note out;
  out.number = in.integer();
  out.bytes = in.blob();
  return std::optional(std::move(out));
}

Status save_note(store::Transaction& transaction, const std::string& name, const Note& note) {
  return transaction.put(kNoteTable,
                         RowWriter(kNoteTable).text(name).integer(note.number).blob(note.bytes).take());
}

}  // namespace tapewarden::keymgr::recoverability
