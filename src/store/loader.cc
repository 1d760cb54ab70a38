#include "store/loader.h"

#include <algorithm>
#include <optional>

#include "store/database.h"
#include "store/own_tables.h"
#include "store/session.h"

namespace tapewarden::store {

namespace {

// The file is worth nothing before finish() has synced it, so nothing is synced on the way.
constexpr const char* kLoaderSettings =
    "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; "
    "PRAGMA cache_size = -131072; PRAGMA secure_delete = OFF; PRAGMA locking_mode = NORMAL;";

std::unexpected<Error> bad_row(const Layout& layout, const Row& row, std::string_view what) {
  return fail(ErrorCode::kCorrupt,
              "a row of the table " + layout.name + " does not fit (" + std::string(what) +
                  "): " + printable_key(key_of(layout.spec, row)),
              layout.name);
}

class Loader final : public KeystoreLoader {
 public:
  Loader(Env env, const KeystoreOptions& options, const crypto::SecretBytes& master)
      : env_(env),
        path_(options.path),
        server_(options.server),
        keys_(first_version(master)),
        layouts_(with_own_tables(options.tables)) {}

  Status open() {
    (void)TRY(env_.disk->open(path_, OpenMode::kCreateNew, 0600));
    connection_ = TRY(sqlite::Connection::open(path_, sqlite::Access::kReadWrite));
    TRY(connection_->execute(kLoaderSettings));
    TRY(connection_->execute("BEGIN IMMEDIATE"));
    Meta meta;
    meta.server = server_;
    meta.created = env_.clock->wall_now();
    TRY(make_tables(*connection_, vault(), layouts_, meta));
    for (const Layout& layout : layouts_.all()) state_.tables[layout.name] = {};
    return {};
  }

  Result<const TableSpec*> begin_table(std::string_view name, std::span<const std::string> columns) override {
    layout_ = layouts_.find(name);
    if (layout_ == nullptr) {
      return fail(ErrorCode::kNotFound, "the table is not known here: " + std::string(name), "table",
                  "use the program that wrote it, or a newer one");
    }
    const auto& own = layout_->spec.columns;
    const bool fits = !columns.empty() && columns.size() <= own.size() &&
                      std::ranges::equal(columns, std::span(own).first(columns.size()), {}, {},
                                         [](const Column& column) { return column.name; });
    if (!fits) {
      return fail(ErrorCode::kUnsupported, "the table " + layout_->name + " has other columns here", "table",
                  "use the program that wrote it, or a newer one");
    }
    columns_ = columns.size();
    sum_ = &state_.tables[layout_->name];
    return &layout_->spec;
  }

  Status put(const SnapshotRow& row, std::span<const crypto::SecretBytes> secrets, bool fresh) override {
    TRY(check(row));
    StoredRow stored;
    stored.row = row.row;
    stored.row.resize(layout_->spec.columns.size());
    stored.head = {row.version, row.origin,       row.commit, row.erased, static_cast<std::int64_t>(columns_),
                   {},          vault().version()};
    for (std::size_t i = 0; i < columns_; ++i) {
      if (layout_->spec.columns[i].role == ColumnRole::kSecret && !row.erased) {
        stored.row[i] = seal(row.row, i, secrets[i]);
      }
    }
    stored.head.mac = vault().row_mac(canonical_row(layout_->spec, stored.head, stored.row));
    if (!fresh) TRY(make_way(stored));
    TRY(insert(stored));
    sum_->macs.add(stored.head.mac);
    ++sum_->rows;
    if (!stored.head.erased) ++sum_->live;
    return {};
  }

  TableTotals totals(std::string_view table) const override {
    const auto found = state_.tables.find(table);
    if (found == state_.tables.end()) return {};
    return {found->second.rows, found->second.live};
  }

  Status finish(const CommitMark& mark) override {
    TRY(make_indexes(*connection_, layouts_));
    state_.mark = mark;
    TRY(write_state(*connection_, vault(), state_));
    TRY(connection_->execute("COMMIT"));
    connection_.reset();
    const auto file = TRY(env_.disk->open(path_, OpenMode::kReadWrite));
    TRY(file->sync());
    return env_.disk->sync_directory(parent_directory(path_));
  }

 private:
  const Vault& vault() const { return *keys_.now()->at(kFirstKeyVersion); }

  Status check(const SnapshotRow& row) const {
    if (row.row.size() != columns_) return bad_row(*layout_, Row(row.row), "number of values");
    const auto& columns = layout_->spec.columns;
    for (std::size_t i = 0; i < columns_; ++i) {
      const bool key = columns[i].role == ColumnRole::kKey;
      const bool null = std::holds_alternative<std::monostate>(row.row[i]);
      const bool fits = null ? !key : has_type(row.row[i], columns[i].type) && (key || !row.erased);
      if (!fits) {
        return fail(ErrorCode::kCorrupt, "a value of the table " + layout_->name + " has another type",
                    std::string(columns[i].name));
      }
    }
    if (row.version < 1 || row.commit < 0) return bad_row(*layout_, row.row, "version");
    return {};
  }

  // What held no box holds none again; a box of nothing (a destroyed key) stays a box of nothing.
  Value seal(const Row& row, std::size_t column, const crypto::SecretBytes& secret) const {
    const Bytes* box = std::get_if<Bytes>(&row[column]);
    if (box == nullptr || box->empty()) return row[column];
    return vault().seal(
        secret_place(layout_->spec, key_of(layout_->spec, row), layout_->spec.columns[column].name), secret,
        *env_.random);
  }

  // Removes the older version of a row that an increment brings anew.
  Status make_way(const StoredRow& fresh) {
    RowAccess access(*connection_, layouts_, KeyView(keys_));
    const Row key = key_of(layout_->spec, fresh.row);
    const auto before = TRY(access.find(*layout_, key));
    if (!before) return {};
    if (before->head.version > fresh.head.version) return bad_row(*layout_, fresh.row, "older than before");
    sqlite::Statement* statement =
        TRY(connection_->cached("make way " + layout_->name, [&] { return layout_->delete_sql; }));
    const sqlite::Use use(*statement);
    for (std::size_t i = 0; i < key.size(); ++i)
      bind_value(*use, static_cast<int>(layout_->key_columns[i]) + kHiddenColumns + 1, key[i]);
    TRY(use->run());
    sum_->macs.subtract(before->head.mac);
    --sum_->rows;
    if (!before->head.erased) --sum_->live;
    return {};
  }

  Status insert(const StoredRow& stored) {
    sqlite::Statement* statement =
        TRY(connection_->cached("insert " + layout_->name, [&] { return layout_->insert_sql; }));
    const Bytes mac = stored_mac(stored.head.key, stored.head.mac);
    const sqlite::Use use(*statement);
    use->bind_integer(1, stored.head.version);
    use->bind_blob(2, stored.head.origin.view());
    use->bind_integer(3, stored.head.commit);
    use->bind_integer(4, stored.head.erased ? 1 : 0);
    use->bind_integer(5, stored.head.columns);
    use->bind_blob(6, mac);
    for (std::size_t i = 0; i < stored.row.size(); ++i) {
      bind_value(*use, static_cast<int>(i) + kHiddenColumns + 1, stored.row[i]);
    }
    Status done = use->run();
    if (!done && done.error().code == ErrorCode::kAlreadyExists) {
      return bad_row(*layout_, stored.row, "there twice");
    }
    return done;
  }

  const Env env_;
  const std::string path_;
  const Uuid server_;
  const KeyRing keys_;
  const Layouts layouts_;
  std::unique_ptr<sqlite::Connection> connection_;
  State state_;
  const Layout* layout_ = nullptr;
  TableSum* sum_ = nullptr;
  std::size_t columns_ = 0;
};

}  // namespace

Result<std::unique_ptr<KeystoreLoader>> KeystoreLoader::create(Env env, const KeystoreOptions& options,
                                                               const crypto::SecretBytes& master) {
  auto loader = std::make_unique<Loader>(env, options, master);
  TRY(loader->open());
  return loader;
}

}  // namespace tapewarden::store
