#include "keymgr/custody/backup/content.h"

#include "base/assert.h"
#include "base/text.h"

namespace tapewarden::keymgr::backup {

namespace {

constexpr std::size_t kRecordStart = 5;
constexpr std::size_t kColumnLimit = 200;
constexpr std::size_t kWordLimit = 256;

Bytes site_file_place(std::string_view path) {
  ByteWriter place;
  place.bytes16(as_bytes("site file")).bytes16(as_bytes(path));
  return place.take();
}

}  // namespace

Status ContentWriter::record(RecordType type, ByteView body) {
  if (body.size() > kRecordLimit) {
    return fail(ErrorCode::kExhausted, "a row is too large for a backup", "row");
  }
  ByteWriter start;
  start.u8(static_cast<std::uint8_t>(type)).u32(static_cast<std::uint32_t>(body.size()));
  TRY(writer_->write(start.view()));
  return writer_->write(body);
}

Status ContentWriter::begin(const store::CommitMark& mark) {
  mark_ = mark;
  writer_ = TRY(open_(mark));
  for (const SiteFile& file : files_) {
    ByteWriter body;
    body.bytes16(as_bytes(file.path)).u32(file.permissions);
    body.bytes32(writer_->sealer().seal(site_file_place(file.path), file.content));
    TRY(record(RecordType::kSiteFile, body.view()));
    ++counts_.site_files;
  }
  return {};
}

Status ContentWriter::begin_table(const store::TableSpec& table) {
  ByteWriter body;
  body.bytes16(as_bytes(table.name)).u16(static_cast<std::uint16_t>(table.columns.size()));
  for (const store::Column& column : table.columns) {
    body.bytes16(as_bytes(column.name)).u8(static_cast<std::uint8_t>(column.role));
  }
  return record(RecordType::kTable, body.view());
}

Status ContentWriter::row(const store::SnapshotRow& row) {
  ByteWriter body;
  body.u64(static_cast<std::uint64_t>(row.version)).bytes(row.origin.view());
  body.u64(static_cast<std::uint64_t>(row.commit)).u8(row.erased ? 1 : 0);
  for (const store::Value& value : row.row) store::encode_value(body, value);
  ++counts_.rows;
  return record(RecordType::kRow, body.view());
}

Status ContentWriter::end_table(const store::TableTotals& totals, const store::RowsDigest& digest) {
  ByteWriter body;
  body.u64(digest.rows()).bytes(digest.bytes()).u64(totals.rows).u64(totals.live);
  return record(RecordType::kTableEnd, body.view());
}

Result<WrittenFile> ContentWriter::finish(const crypto::PrivateKey& signing_key) {
  ByteWriter body;
  body.u64(mark_.sequence).bytes(mark_.head).u64(counts_.site_files).u64(counts_.rows);
  TRY(record(RecordType::kEnd, body.view()));
  return writer_->finish(signing_key);
}

namespace {

class ContentParser {
 public:
  ContentParser(FileReader& file, ContentVisitor& visitor) : file_(file), visitor_(visitor) {}

  Result<ContentCounts> parse() {
    while (true) {
      ByteReader start(TRY(file_.read(kRecordStart)));
      const auto type = static_cast<RecordType>(TRY(start.u8("record type")));
      const std::uint32_t size = TRY(start.u32("record length"));
      ByteReader body(TRY(file_.read(size)));
      TRY(take(type, body));
      TRY(body.expect_done("record"));
      if (type == RecordType::kEnd) break;
    }
    TRY(file_.finish());
    return counts_;
  }

 private:
  Status take(RecordType type, ByteReader& body) {
    switch (type) {
      case RecordType::kSiteFile:
        return site_file(body);
      case RecordType::kTable:
        return table(body);
      case RecordType::kRow:
        return row(body);
      case RecordType::kTableEnd:
        return table_end(body);
      case RecordType::kEnd:
        return end(body);
      case RecordType::kAuditLines:
        break;
    }
    return damaged("a record has an unknown type");
  }

  Status site_file(ByteReader& body) {
    SiteFile file;
    file.path = std::string(as_text(TRY(body.bytes16(kPathLimit, "path"))));
    file.permissions = TRY(body.u32("permissions")) & 0777U;
    file.content =
        TRY(file_.sealer().open(site_file_place(file.path), TRY(body.bytes32(kSiteFileLimit, "site file"))));
    if (++counts_.site_files > kSiteFiles) return damaged("it holds too many site files");
    return visitor_.site_file(std::move(file));
  }

  Status table(ByteReader& body) {
    if (spec_ != nullptr) return damaged("a table begins within another");
    name_ = std::string(as_text(TRY(body.bytes16(kWordLimit, "table"))));
    const std::uint16_t columns = TRY(body.u16("columns"));
    if (columns == 0 || columns > kColumnLimit || !is_printable(name_))
      return damaged("a table has no sense");
    std::vector<std::string> names;
    roles_.clear();
    for (std::uint16_t i = 0; i < columns; ++i) {
      names.emplace_back(as_text(TRY(body.bytes16(kWordLimit, "column"))));
      roles_.push_back(static_cast<store::ColumnRole>(TRY(body.u8("role"))));
    }
    spec_ = TRY(visitor_.begin_table(name_, names));
    TW_ASSERT(spec_->columns.size() >= names.size());
    for (std::size_t i = 0; i < roles_.size(); ++i) {
      if (roles_[i] != spec_->columns[i].role) return damaged("a column of the table " + name_ + " changed");
    }
    digest_ = {};
    return {};
  }

  Status row(ByteReader& body) {
    if (spec_ == nullptr) return damaged("a row stands outside of a table");
    store::SnapshotRow row;
    row.version = static_cast<std::int64_t>(TRY(body.u64("version")));
    row.origin = Uuid::from(TRY(body.bytes(16, "origin")));
    row.commit = static_cast<std::int64_t>(TRY(body.u64("commit")));
    row.erased = TRY(body.u8("erased")) != 0;
    row.row.reserve(roles_.size());
    for (std::size_t i = 0; i < roles_.size(); ++i) row.row.push_back(TRY(store::decode_value(body)));
    std::vector<crypto::SecretBytes> secrets = TRY(open_secrets(row));
    digest_.add(*spec_, row, secrets);
    ++counts_.rows;
    return visitor_.row({row, secrets});
  }

  Result<std::vector<crypto::SecretBytes>> open_secrets(const store::SnapshotRow& row) {
    std::vector<crypto::SecretBytes> secrets(row.row.size());
    for (std::size_t i = 0; i < row.row.size(); ++i) {
      const Bytes* box = std::get_if<Bytes>(&row.row[i]);
      if (roles_[i] != store::ColumnRole::kSecret || box == nullptr || box->empty()) continue;
      const Bytes place = store::secret_place(*spec_, store::key_of(*spec_, row.row), spec_->columns[i].name);
      auto opened = file_.sealer().open(place, *box);
      if (!opened) return damaged("a secret of the table " + name_ + " does not open");
      secrets[i] = std::move(*opened);
    }
    return secrets;
  }

  Status table_end(ByteReader& body) {
    if (spec_ == nullptr) return damaged("a table ends that did not begin");
    const std::uint64_t rows = TRY(body.u64("rows"));
    const auto digest = TRY(body.array<32>("digest"));
    store::TableTotals totals;
    totals.rows = TRY(body.u64("rows"));
    totals.live = TRY(body.u64("live rows"));
    spec_ = nullptr;
    if (rows != digest_.rows() || digest != digest_.bytes()) {
      return damaged("the rows of the table " + name_ + " are not those that the keystore gave");
    }
    return visitor_.end_table(name_, totals);
  }

  Status end(ByteReader& body) {
    store::CommitMark mark;
    mark.sequence = TRY(body.u64("sequence"));
    mark.head = TRY(body.array<32>("head"));
    ContentCounts counts;
    counts.site_files = TRY(body.u64("site files"));
    counts.rows = TRY(body.u64("rows"));
    const bool fits = spec_ == nullptr && counts == counts_ && mark == file_.header().to;
    return fits ? Status{} : damaged("its end does not fit its content");
  }

  std::unexpected<Error> damaged(const std::string& what) const {
    return fail(ErrorCode::kCorrupt, file_.path() + " is not whole: " + what, "backup file",
                "use another copy of the file, or the backup before it");
  }

  FileReader& file_;
  ContentVisitor& visitor_;
  ContentCounts counts_;
  std::string name_;
  const store::TableSpec* spec_ = nullptr;
  std::vector<store::ColumnRole> roles_;
  store::RowsDigest digest_;
};

}  // namespace

Result<ContentCounts> read_content(FileReader& file, ContentVisitor& visitor) {
  return ContentParser(file, visitor).parse();
}

}  // namespace tapewarden::keymgr::backup
