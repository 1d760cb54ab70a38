#include "store/row_print.h"

#include "store/session.h"

namespace tapewarden::store {
namespace {

constexpr std::uint8_t kSecretTag = 4;  // beside the tags of encode_value()

Result<const Layout*> layout_of(RowAccess& access, const std::string& table) {
  const Layout* layout = access.layouts().find(table);
  if (layout != nullptr && layout->spec.replicated) return layout;
  return fail(ErrorCode::kInvalidArgument, "there is no such table that both servers hold", "table",
              "run the same version of the program on both servers");
}

Status check_key(const Layout& layout, const Row& key) {
  bool fits = key.size() == layout.key_columns.size();
  for (std::size_t i = 0; fits && i < key.size(); ++i) {
    fits = has_type(key[i], layout.spec.columns[layout.key_columns[i]].type);
  }
  if (fits) return {};
  return fail(ErrorCode::kInvalidArgument, "this is no key of the table " + layout.name, "key");
}

class Printer {
 public:
  Printer(RowAccess& access, const Layout& layout, const PrintRequest& request)
      : access_(access), layout_(layout), request_(request) {}

  Result<RowPrint> print(const StoredRow& stored) {
    RowPrint out;
    out.key = key_of(layout_.spec, stored.row);
    out.version = stored.head.version;
    out.origin = stored.head.origin;
    out.erased = stored.head.erased;
    out.commit = static_cast<std::uint64_t>(stored.head.commit);
    if (request_.digests) TRY(add_columns(stored));
    if (request_.digests) out.digest = finish(out);
    return out;
  }

 private:
  Status add_columns(const StoredRow& stored) {
    writer_.bytes(request_.salt).bytes16(as_bytes(layout_.name));
    for (std::size_t i = 0; i < stored.row.size(); ++i) {
      const ColumnRole role = layout_.spec.columns[i].role;
      if (role == ColumnRole::kLocal || (stored.head.erased && role != ColumnRole::kKey)) continue;
      const Bytes* box = std::get_if<Bytes>(&stored.row[i]);
      if (role != ColumnRole::kSecret || box == nullptr || box->empty()) {
        encode_value(writer_, stored.row[i]);
        continue;
      }
      // The secret itself goes into the hash and into no buffer.
      const auto secret = TRY(access_.unseal(layout_.spec, stored.row, i));
      writer_.u8(kSecretTag).u32(static_cast<std::uint32_t>(secret.size()));
      hash_.update(writer_.view());
      hash_.update(secret.reveal());
      writer_ = ByteWriter();
    }
    return {};
  }

  Hash256 finish(const RowPrint& print) {
    writer_.u64(static_cast<std::uint64_t>(print.version)).bytes(print.origin.view());
    writer_.u8(print.erased ? 1 : 0);
    hash_.update(writer_.view());
    writer_ = ByteWriter();
    return hash_.finish();
  }

  RowAccess& access_;
  const Layout& layout_;
  const PrintRequest& request_;
  crypto::Sha256 hash_;
  ByteWriter writer_;
};

// "("serial", "slot") > (?1, ?2)": the primary key's own order, so that the table is not sorted.
std::string bound(const Layout& layout, std::string_view compare, std::size_t first) {
  std::string names;
  std::string marks;
  for (std::size_t i = 0; i < layout.key_columns.size(); ++i) {
    const std::string comma = i > 0 ? ", " : "";
    names += comma + "\"" + std::string(layout.spec.columns[layout.key_columns[i]].name) + "\"";
    marks += comma + "?" + std::to_string(first + i);
  }
  return "(" + names + ") " + std::string(compare) + " (" + marks + ")";
}

std::string range_sql(const Layout& layout, const PrintRequest& request) {
  const std::size_t width = layout.key_columns.size();
  std::string sql = layout.scan_sql + " WHERE 1";
  if (request.after) sql += " AND " + bound(layout, ">", 1);
  if (request.until) sql += " AND " + bound(layout, "<=", 1 + (request.after ? width : 0));
  sql += " ORDER BY ";
  for (std::size_t i = 0; i < width; ++i) {
    sql += (i > 0 ? ", \"" : "\"") + std::string(layout.spec.columns[layout.key_columns[i]].name) + "\"";
  }
  return sql + " LIMIT " + std::to_string(request.limit + 1);
}

Result<RowPrints> print_range(RowAccess& access, const Layout& layout, const PrintRequest& request) {
  const std::string sql = range_sql(layout, request);
  sqlite::Statement* statement = TRY(access.connection().cached("prints " + sql, [&] { return sql; }));
  const sqlite::Use use(*statement);
  int place = 1;
  for (const auto* key :
       {request.after ? &*request.after : nullptr, request.until ? &*request.until : nullptr}) {
    if (key == nullptr) continue;
    for (const Value& value : *key) bind_value(*use, place++, value);
  }
  Printer printer(access, layout, request);
  RowPrints out;
  while (TRY(use->step())) {
    if (out.rows.size() == request.limit) {
      out.cut = true;
      break;
    }
    StoredRow stored = TRY(take_row(layout, *use));
    TRY(access.verify(layout, stored));
    out.rows.push_back(TRY(printer.print(stored)));
  }
  return out;
}

}  // namespace

Result<RowPrints> print_rows(RowAccess& access, const PrintRequest& request) {
  const Layout& layout = *TRY(layout_of(access, request.table));
  if (request.after) TRY(check_key(layout, *request.after));
  if (request.until) TRY(check_key(layout, *request.until));
  if (request.keys.empty()) return print_range(access, layout, request);
  Printer printer(access, layout, request);
  RowPrints out;
  for (const Row& key : request.keys) {
    TRY(check_key(layout, key));
    const auto stored = TRY(access.find(layout, key));
    if (stored) out.rows.push_back(TRY(printer.print(*stored)));
  }
  return out;
}

}  // namespace tapewarden::store
