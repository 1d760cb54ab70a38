#include "store/snapshot.h"

#include <thread>

#include "base/assert.h"
#include "store/snapshot_reader.h"
#include "store/state.h"

namespace tapewarden::store {

// Beside the tags of encode_value().
constexpr std::uint8_t kSecretTag = 4;

void RowsDigest::add(const TableSpec& table, const SnapshotRow& row,
                     std::span<const crypto::SecretBytes> secrets) {
  TW_ASSERT(secrets.size() == row.row.size());
  crypto::Sha256 hash;
  ByteWriter writer;
  writer.bytes16(as_bytes(table.name)).u16(static_cast<std::uint16_t>(row.row.size()));
  for (std::size_t i = 0; i < row.row.size(); ++i) {
    const Bytes* box = std::get_if<Bytes>(&row.row[i]);
    if (table.columns[i].role != ColumnRole::kSecret || box == nullptr || box->empty()) {
      encode_value(writer, row.row[i]);
      continue;
    }
    // The secret itself goes into the hash and into no buffer.
    writer.u8(kSecretTag).u32(static_cast<std::uint32_t>(secrets[i].size()));
    hash.update(writer.view());
    hash.update(secrets[i].reveal());
    writer = ByteWriter();
  }
  writer.u64(static_cast<std::uint64_t>(row.version)).bytes(row.origin.view());
  writer.u64(static_cast<std::uint64_t>(row.commit)).u8(row.erased ? 1 : 0);
  hash.update(writer.view());
  sum_.add(hash.finish());
  ++rows_;
}

namespace {

constexpr std::uint64_t kRowsBetweenYields = 1024;

class TableReader {
 public:
  TableReader(RowAccess& access, const Layout& layout, ChangeSealer& sealer, SnapshotSink& sink)
      : access_(access), layout_(layout), sealer_(sealer), sink_(sink) {}

  Status read(std::uint64_t after, const TableTotals& totals) {
    TRY(sink_.begin_table(layout_.spec));
    // Of a whole table in the order in which it lies, so that whoever loads it appends its rows.
    std::string sql = layout_.scan_sql;
    if (after > 0) sql += " WHERE row_commit > ?1";
    sqlite::Statement statement = TRY(access_.connection().prepare(sql));
    if (after > 0) statement.bind_integer(1, static_cast<std::int64_t>(after));
    while (TRY(statement.step())) {
      TRY(give(TRY(take_row(layout_, statement))));
      // Whoever serves keys at the same time goes first.
      if (digest_.rows() % kRowsBetweenYields == 0) std::this_thread::yield();
    }
    return sink_.end_table(totals, digest_);
  }

 private:
  Status give(StoredRow stored) {
    TRY(access_.verify(layout_, stored));
    SnapshotRow out{std::move(stored.row), stored.head.version, stored.head.origin, stored.head.commit,
                    stored.head.erased};
    std::vector<crypto::SecretBytes> secrets(out.row.size());
    const Row key = key_of(layout_.spec, out.row);
    for (std::size_t i = 0; i < out.row.size(); ++i) {
      if (layout_.spec.columns[i].role != ColumnRole::kSecret) continue;
      const Bytes* box = std::get_if<Bytes>(&out.row[i]);
      if (box == nullptr || box->empty()) continue;
      const Bytes place = secret_place(layout_.spec, key, layout_.spec.columns[i].name);
      auto opened = access_.open_box(place, *box);
      if (!opened) return damaged_row(layout_, out.row, "changed");
      secrets[i] = std::move(*opened);
      out.row[i] = sealer_.seal(place, secrets[i]);
    }
    digest_.add(layout_.spec, out, secrets);
    return sink_.row(out);
  }

  RowAccess& access_;
  const Layout& layout_;
  ChangeSealer& sealer_;
  SnapshotSink& sink_;
  RowsDigest digest_;
};

}  // namespace

Status read_snapshot(RowAccess& access, std::uint64_t after, ChangeSealer& sealer, SnapshotSink& sink) {
  const State state = TRY(read_state(access.connection(), access.keys()));
  TRY(sink.begin(state.mark));
  for (const Layout& layout : access.layouts().all()) {
    if (layout.spec.backup == BackupRole::kNone) continue;
    const auto sum = state.tables.find(layout.name);
    if (sum == state.tables.end()) return damaged("the keystore's table " + layout.name + " has no sum");
    TRY(TableReader(access, layout, sealer, sink).read(after, {sum->second.rows, sum->second.live}));
  }
  return {};
}

Result<bool> content_changed(RowAccess& access, std::uint64_t after) {
  for (const Layout& layout : access.layouts().all()) {
    if (layout.spec.backup != BackupRole::kContent) continue;
    sqlite::Statement* statement = TRY(access.connection().cached("changed " + layout.name, [&] {
      return "SELECT 1 FROM \"" + layout.name + "\" WHERE row_commit > ?1 LIMIT 1";
    }));
    const sqlite::Use use(*statement);
    use->bind_integer(1, static_cast<std::int64_t>(after));
    if (TRY(use->step())) return true;
  }
  return false;
}

}  // namespace tapewarden::store
