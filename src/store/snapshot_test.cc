// A keystore's rows out of a snapshot and into a new keystore under another master key.
#include "crypto/aead.h"
#include "store/loader.h"
#include "store/store_test_tables.h"

namespace tapewarden::store::testing {
namespace {

class TestSealer final : public ChangeSealer {
 public:
  Bytes seal(ByteView associated, const crypto::SecretBytes& secret) override {
    return crypto::seal_box(key_, associated, secret.reveal(), random_);
  }
  Result<crypto::SecretBytes> open(ByteView associated, ByteView box) override {
    return crypto::open_box(key_, associated, box);
  }

 private:
  crypto::SecretBytes key_ = master_key(99);
  crypto::SystemRandom random_;
};

// Keeps what it is given.
struct Snapshot final : SnapshotSink {
  struct Table {
    const TableSpec* spec = nullptr;
    std::vector<SnapshotRow> rows;
    TableTotals totals;
    Hash256 digest{};
  };
  CommitMark mark;
  std::vector<Table> tables;

  Status begin(const CommitMark& at) override {
    mark = at;
    return {};
  }
  Status begin_table(const TableSpec& spec) override {
    tables.push_back({&spec, {}, {}, {}});
    return {};
  }
  Status row(const SnapshotRow& row) override {
    tables.back().rows.push_back(row);
    return {};
  }
  Status end_table(const TableTotals& totals, const RowsDigest& digest) override {
    tables.back().totals = totals;
    tables.back().digest = digest.bytes();
    return {};
  }
  std::size_t rows() const {
    std::size_t count = 0;
    for (const Table& table : tables) count += table.rows.size();
    return count;
  }
};

Snapshot snapshot_of(Keystore& keystore, std::uint64_t after = 0) {
  TestSealer sealer;
  Snapshot out;
  const Status read = keystore.snapshot(after, sealer, out);
  EXPECT_TRUE(read) << read.error().text();
  return out;
}

std::vector<std::string> names_of(const TableSpec& spec) {
  std::vector<std::string> names;
  for (const Column& column : spec.columns) names.emplace_back(column.name);
  return names;
}

Status load(KeystoreLoader& loader, const Snapshot& snapshot, bool fresh) {
  TestSealer opener;
  for (const auto& table : snapshot.tables) {
    const TableSpec* spec = TRY(loader.begin_table(table.spec->name, names_of(*table.spec)));
    RowsDigest digest;
    for (const SnapshotRow& row : table.rows) {
      std::vector<crypto::SecretBytes> secrets(row.row.size());
      for (std::size_t i = 0; i < row.row.size(); ++i) {
        const Bytes* box = std::get_if<Bytes>(&row.row[i]);
        if (spec->columns[i].role != ColumnRole::kSecret || box == nullptr || box->empty()) continue;
        const Bytes place = secret_place(*spec, key_of(*spec, row.row), spec->columns[i].name);
        secrets[i] = TRY(opener.open(place, *box));
      }
      digest.add(*spec, row, secrets);
      TRY(loader.put(row, secrets, fresh));
    }
    if (digest.bytes() != table.digest) return fail(ErrorCode::kCorrupt, "digest");
    if (loader.totals(spec->name) != table.totals) return fail(ErrorCode::kCorrupt, "totals");
  }
  return {};
}

// A keystore made from snapshots under another master key, opened.
struct Loaded {
  Fixture fixture;
  Status make(const std::vector<const Snapshot*>& snapshots) {
    KeystoreOptions options;
    options.path = fixture.path();
    options.server = fixture.server;
    options.tables = fixture.tables;
    auto loader = TRY(KeystoreLoader::create(fixture.real.env(), options, master_key(8)));
    for (const Snapshot* snapshot : snapshots) {
      TRY(load(*loader, *snapshot, snapshot == snapshots.front()));
    }
    TRY(loader->finish(snapshots.back()->mark));
    TRY(fixture.log.append(snapshots.back()->mark, {}));
    return fixture.open(8);
  }
};

TEST(Snapshot, K17_EveryRowComesBackUnderAnotherMasterKey) {
  Fixture a;
  ASSERT_TRUE(a.open());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(add_key(*a.keystore, "KEY" + std::to_string(i), "secret " + std::to_string(i)));
  }
  ASSERT_TRUE(a.keystore->write([](Transaction& t) -> Status {
    TRY(t.erase(kKeys, {std::string("KEY7")}));
    return t.put(kSettings, {std::string("only"), std::string("here")});
  }));
  const Snapshot snapshot = snapshot_of(*a.keystore);
  EXPECT_EQ(snapshot.rows(), 51U);
  EXPECT_EQ(snapshot.mark, a.keystore->head());

  Loaded b;
  const Status made = b.make({&snapshot});
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(read_key(*b.fixture.keystore, "KEY3").value(), "secret 3");
  EXPECT_EQ(read_key(*b.fixture.keystore, "KEY7").value(), "-");
  EXPECT_TRUE(b.fixture.keystore->verify().value().empty());
  EXPECT_EQ(b.fixture.keystore->head(), snapshot.mark);
  // It goes on where the other stood.
  const auto next = add_key(*b.fixture.keystore, "KEY7", "again");
  ASSERT_TRUE(next) << next.error().text();
  EXPECT_EQ(next->sequence, snapshot.mark.sequence + 1);
  const Snapshot again = snapshot_of(*b.fixture.keystore, snapshot.mark.sequence);
  ASSERT_EQ(again.rows(), 1U);
  EXPECT_EQ(again.tables[0].rows[0].version, 3);
}

TEST(Snapshot, K17_AnIncrementHoldsWhatChangedSince) {
  Fixture a;
  ASSERT_TRUE(a.open());
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(add_key(*a.keystore, "KEY" + std::to_string(i), "old"));
  const Snapshot base = snapshot_of(*a.keystore);
  EXPECT_FALSE(a.keystore->content_changed(base.mark.sequence).value());
  ASSERT_TRUE(add_key(*a.keystore, "KEY4", "new"));
  ASSERT_TRUE(a.keystore->write([](Transaction& t) { return t.erase(kKeys, {std::string("KEY5")}); }));
  EXPECT_TRUE(a.keystore->content_changed(base.mark.sequence).value());
  const Snapshot first = snapshot_of(*a.keystore, base.mark.sequence);
  EXPECT_EQ(first.rows(), 2U);
  ASSERT_TRUE(add_key(*a.keystore, "KEY9", "last"));
  const Snapshot second = snapshot_of(*a.keystore, first.mark.sequence);
  EXPECT_EQ(second.rows(), 1U);

  Loaded b;
  const Status made = b.make({&base, &first, &second});
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(read_key(*b.fixture.keystore, "KEY4").value(), "new");
  EXPECT_EQ(read_key(*b.fixture.keystore, "KEY5").value(), "-");
  EXPECT_EQ(read_key(*b.fixture.keystore, "KEY9").value(), "last");
  EXPECT_TRUE(b.fixture.keystore->verify().value().empty());
  // One left out does not go unnoticed.
  Loaded c;
  EXPECT_EQ(c.make({&base, &second}).error().message, "totals");
}

TEST(Snapshot, K17_TheWriterGoesOnMeanwhile) {
  Fixture a;
  ASSERT_TRUE(a.open());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(add_key(*a.keystore, "KEY" + std::to_string(i), "old"));
  struct Writing final : SnapshotSink {
    explicit Writing(Keystore& k) : keystore(k) {}
    Keystore& keystore;
    std::size_t rows = 0;
    CommitMark mark;
    Status begin(const CommitMark& at) override {
      mark = at;
      return {};
    }
    Status begin_table(const TableSpec&) override { return {}; }
    Status row(const SnapshotRow&) override {
      ++rows;
      TRY(add_key(keystore, "NEW" + std::to_string(rows), "x"));
      return {};
    }
    Status end_table(const TableTotals&, const RowsDigest&) override { return {}; }
  } sink(*a.keystore);
  TestSealer sealer;
  const std::uint64_t before = a.keystore->head().sequence;
  ASSERT_TRUE(a.keystore->snapshot(0, sealer, sink));
  EXPECT_EQ(sink.rows, 20U);
  EXPECT_EQ(sink.mark.sequence, before);
  EXPECT_EQ(a.keystore->head().sequence, before + 20);
}

TEST(Snapshot, K17_RowsThatDoNotFitAreRefused) {
  Fixture a;
  ASSERT_TRUE(a.open());
  ASSERT_TRUE(add_key(*a.keystore, "KEY1", "one"));
  const Snapshot good = snapshot_of(*a.keystore);
  const auto refused = [&](auto change) {
    Snapshot bad = good;
    change(bad.tables[0]);
    Loaded b;
    const Status made = b.make({&bad});
    return !made && made.error().code == ErrorCode::kCorrupt;
  };
  EXPECT_TRUE(refused([](Snapshot::Table& t) { t.rows.push_back(t.rows[0]); }));
  EXPECT_TRUE(refused([](Snapshot::Table& t) { t.rows[0].row.pop_back(); }));
  EXPECT_TRUE(refused([](Snapshot::Table& t) { t.rows[0].row[kPlace] = std::string("text"); }));
  EXPECT_TRUE(refused([](Snapshot::Table& t) { t.rows[0].row[kAlias] = Value(); }));
  EXPECT_TRUE(refused([](Snapshot::Table& t) { t.rows[0].version = 0; }));
  EXPECT_TRUE(refused([](Snapshot::Table& t) { t.rows[0].row[kPlace] = std::int64_t{77}; }));
  // Two live rows with one DKi: the unique index says no.
  EXPECT_TRUE(refused([](Snapshot::Table& t) {
    t.rows.push_back(t.rows[0]);
    t.rows[1].row[kAlias] = std::string("KEY2");
  }));
}

TEST(Snapshot, K17_ColumnsThatCameLaterGetTheirDefault) {
  Fixture a;
  ASSERT_TRUE(a.open());
  ASSERT_TRUE(a.keystore->write(
      [](Transaction& t) { return t.put(kSettings, {std::string("name"), std::string("value")}); }));
  const Snapshot snapshot = snapshot_of(*a.keystore);
  TableSpec wider = kSettings;
  wider.columns.push_back({"note", ColumnType::kText, ColumnRole::kPlain});
  Loaded b;
  b.fixture.tables = {&kKeys, &wider};
  ASSERT_TRUE(b.make({&snapshot}));
  ASSERT_TRUE(b.fixture.keystore->read([&](Reader& reader) -> Status {
    const auto row = TRY(reader.get(wider, {std::string("name")}));
    EXPECT_EQ(text(*row, 2), "");
    return {};
  }));
  TableSpec other = kSettings;
  other.columns[1].name = "content";
  Loaded c;
  c.fixture.tables = {&kKeys, &other};
  EXPECT_EQ(c.make({&snapshot}).error().code, ErrorCode::kUnsupported);
  Loaded d;
  d.fixture.tables = {&kKeys};
  EXPECT_EQ(d.make({&snapshot}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace tapewarden::store::testing
