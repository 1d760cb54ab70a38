#include "store/own_tables.h"

namespace tapewarden::store {

const TableSpec kKeyVersionTable{
    .name = "master_key_version",
    .columns = {{"version", ColumnType::kInteger, ColumnRole::kKey},
                {"first_commit", ColumnType::kInteger},
                {"began", ColumnType::kInteger},
                {"ended", ColumnType::kInteger},
                {"started_by", ColumnType::kText},
                {"head_key", ColumnType::kBlob, ColumnRole::kSecret}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
    .backup = BackupRole::kNone,
};

KeyVersionRow KeyVersionRow::from_row(const Row& row) {
  KeyVersionRow out;
  out.version = static_cast<KeyVersion>(integer(row, 0));
  out.first_commit = static_cast<std::uint64_t>(integer(row, 1));
  out.began = from_millis(integer(row, 2));
  out.ended = from_millis(integer(row, 3));
  out.started_by = text(row, 4);
  return out;
}

Row KeyVersionRow::to_row(Bytes sealed_head_key) const {
  return {Value(std::int64_t{version}),
          Value(static_cast<std::int64_t>(first_commit)),
          Value(to_millis(began)),
          Value(to_millis(ended)),
          Value(started_by),
          Value(std::move(sealed_head_key))};
}

std::vector<const TableSpec*> with_own_tables(std::vector<const TableSpec*> tables) {
  tables.push_back(&kKeyVersionTable);
  return tables;
}

}  // namespace tapewarden::store
