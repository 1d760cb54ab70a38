// Databases made by older and newer programs.
#include "store/database.h"
#include "store/store_test_tables.h"

namespace tapewarden::store::testing {
namespace {

TableSpec older_keys() {
  TableSpec spec = kKeys;
  spec.columns.resize(4);  // alias, secret, dki, group_name
  spec.indexes.clear();
  return spec;
}

TEST(Migration, K16_ColumnsTablesAndIndexesAreAdded) {
  Fixture f;
  const TableSpec older = older_keys();
  f.tables = {&older};
  ASSERT_TRUE(f.open());
  const auto put_old = [&](const std::string& alias) {
    return f.keystore->write([&](Transaction& t) {
      const Value key = alias;
      return t.put(older, {alias, t.seal(older, {&key, 1}, "secret", secret_of("old " + alias)),
                           to_bytes(alias), std::string("g")});
    });
  };
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(put_old("KEY" + std::to_string(i)));
  ASSERT_TRUE(f.keystore->write([&](Transaction& t) { return t.erase(older, {std::string("KEY4")}); }));

  f.tables = {&kKeys, &kSettings};
  const Status opened = f.open();
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_EQ(f.keystore->head().sequence, 8U);
  EXPECT_NE(f.log.records().back().find(R"("schema":["data_key","setting"])"), std::string::npos);
  EXPECT_TRUE(f.keystore->verify().value().empty());
  EXPECT_EQ(read_key(*f.keystore, "KEY1").value(), "old KEY1");
  ASSERT_TRUE(f.keystore->read([](Reader& reader) -> Status {
    const auto row = TRY(reader.get(kKeys, {std::string("KEY1")}));
    EXPECT_TRUE(row.has_value());
    EXPECT_EQ(integer(*row, kPlace), 0);
    EXPECT_EQ(integer(*row, kUsed), 0);
    return {};
  }));
  // Old and new rows live side by side, and an old one is written anew with all columns.
  ASSERT_TRUE(add_key(*f.keystore, "KEY9", "new", "g", 9));
  ASSERT_TRUE(add_key(*f.keystore, "KEY2", "changed", "g", 2));
  ASSERT_TRUE(f.open());
  EXPECT_EQ(f.keystore->head().sequence, 10U);  // nothing left to migrate
  EXPECT_EQ(read_key(*f.keystore, "KEY2").value(), "changed");
  EXPECT_EQ(read_key(*f.keystore, "KEY3").value(), "old KEY3");
  EXPECT_TRUE(f.keystore->verify().value().empty());
}

TEST(Migration, K16_ValueSmuggledIntoAnOldRowIsFound) {
  Fixture f;
  const TableSpec older = older_keys();
  f.tables = {&older};
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(f.keystore->write([&](Transaction& t) {
    return t.put(older, {std::string("KEY1"), Bytes(), Bytes(), std::string("g")});
  }));
  f.tables = {&kKeys, &kSettings};
  ASSERT_TRUE(f.open());
  f.close();
  {
    const auto connection = sqlite::Connection::open(f.path(), sqlite::Access::kReadWrite);
    ASSERT_TRUE(connection);
    ASSERT_TRUE((*connection)->execute("UPDATE data_key SET place = 5"));
  }
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("KEY1: changed"), std::string::npos) << opened.error().message;
}

TEST(Migration, K16_NewerDatabaseIsRefused) {
  Fixture f;
  ASSERT_TRUE(f.open());
  const TableSpec older = older_keys();
  f.tables = {&older, &kSettings};
  Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(opened.error().message.find("data_key"), std::string::npos);
  f.tables = {&kKeys};
  opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(opened.error().message.find("setting"), std::string::npos);
  f.tables = {&kKeys, &kSettings};
  EXPECT_TRUE(f.open());
}

TEST(Migration, K16_DroppedIndexIsMadeAgain) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "x"));
  f.close();
  {
    const auto connection = sqlite::Connection::open(f.path(), sqlite::Access::kReadWrite);
    ASSERT_TRUE(connection);
    ASSERT_TRUE((*connection)->execute("DROP INDEX tw_data_key_unique__dki"));
  }
  ASSERT_TRUE(f.open());
  EXPECT_FALSE(f.keystore->write([](Transaction& t) {
    return t.put(kKeys, {std::string("KEY2"), Bytes(), to_bytes("dki KEY1"), std::string("g"),
                         std::int64_t{0}, std::int64_t{0}});
  }));
}

TEST(Migration, K16_CutOffMakingIsBegunAgain) {
  Fixture f;
  write_content(f.path(), Bytes());  // the file was made, its first transaction was not committed
  ASSERT_TRUE(f.open());
  EXPECT_EQ(f.keystore->head().sequence, 1U);
}

TEST(Migration, K16_AnIndexGetsAConditionInAnOlderDatabase) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "one"));
  TableSpec narrowed = kKeys;
  narrowed.indexes = {"group_name, place WHERE group_name <> ''"};
  f.tables.front() = &narrowed;
  ASSERT_TRUE(f.open());
  EXPECT_EQ(read_key(*f.keystore, "KEY1").value(), "one");
  EXPECT_TRUE(f.keystore->verify().value().empty());
  f.close();
  const auto connection = sqlite::Connection::open(f.path(), sqlite::Access::kRead);
  ASSERT_TRUE(connection);
  EXPECT_EQ((*connection)
                ->text_of("SELECT group_concat(name) FROM sqlite_schema WHERE name LIKE 'tw_data_key_index%'")
                .value(),
            "tw_data_key_index__group_name__place__where__group_name");
}

// Makes the database what programs of format 2 wrote: rows within the tree of their keys.
void write_format_2(const std::string& path, const std::vector<const TableSpec*>& tables) {
  const KeyRing ring(first_version(master_key()));
  const auto connection = open_writer(path).value();
  for (const TableSpec* table : tables) {
    const Layout layout(*table, 0);
    std::string create = layout.create_sql + ", WITHOUT ROWID";
    create.insert(create.find('"') + 1, "moved_");
    const std::string& name = layout.name;
    for (const std::string& sql :
         {create, "INSERT INTO moved_" + name + " SELECT * FROM " + name, "DROP TABLE " + name,
          "ALTER TABLE moved_" + name + " RENAME TO \"" + name + "\""})
      ASSERT_TRUE(connection->execute(sql)) << sql;
    for (const IndexLayout& index : layout.indexes) ASSERT_TRUE(connection->execute(index.sql)) << index.sql;
  }
  Meta meta = read_meta(*connection, KeyView(ring)).value();
  meta.format = 2;
  ASSERT_TRUE(write_meta(*connection, *KeyView(ring).find(kFirstKeyVersion), meta));
}

std::int64_t count_in_schema(const std::string& path, const std::string& where) {
  const auto connection = sqlite::Connection::open(path, sqlite::Access::kRead).value();
  return connection->integer_of("SELECT count(*) FROM sqlite_schema WHERE " + where).value();
}

TEST(Migration, K16_TablesOfFormat2GetThePresentForm) {
  Fixture f;
  const TableSpec older = older_keys();  // and columns and an index are added in the same commit
  f.tables = {&older, &kSettings};
  ASSERT_TRUE(f.open());
  for (int i = 0; i < 300; ++i) {
    const Value key = "KEY" + std::to_string(i);
    ASSERT_TRUE(f.keystore->write([&](Transaction& t) {
      return t.put(
          older, {key, t.seal(older, {&key, 1}, "secret", secret_of("secret " + std::get<std::string>(key))),
                  to_bytes(std::get<std::string>(key)), std::string("g")});
    }));
  }
  ASSERT_TRUE(f.keystore->write([&](Transaction& t) { return t.erase(older, {std::string("KEY299")}); }));
  const std::uint64_t before = f.keystore->head().sequence;
  f.close();
  write_format_2(f.path(), {&older, &kSettings});
  ASSERT_FALSE(HasFailure());
  ASSERT_EQ(count_in_schema(f.path(), "sql LIKE '%WITHOUT ROWID' AND name NOT LIKE 'tw_%'"), 2);

  f.tables = {&kKeys, &kSettings};
  for (int start = 0; start < 2; ++start) {
    const Status opened = f.open();
    ASSERT_TRUE(opened) << opened.error().text();
    EXPECT_EQ(f.keystore->head().sequence, before + 1) << "one commit, and nothing at the second start";
    EXPECT_TRUE(f.keystore->verify().value().empty());
    for (int i = 0; i < 299; ++i) {
      const std::string alias = "KEY" + std::to_string(i);
      EXPECT_EQ(read_key(*f.keystore, alias).value(), "secret " + alias);
    }
    EXPECT_EQ(read_key(*f.keystore, "KEY299").value(), "-");
    f.close();
    EXPECT_EQ(count_in_schema(f.path(), "sql LIKE '%WITHOUT ROWID' AND name NOT LIKE 'tw_%'"), 0);
    EXPECT_EQ(count_in_schema(f.path(), "name LIKE 'tw_data_key_%'"), 3)
        << "of a unique dki, a group, a commit";
    EXPECT_EQ(count_in_schema(f.path(), "name LIKE '%moved%'"), 0);
  }
  ASSERT_TRUE(f.open());
  EXPECT_FALSE(f.keystore->write([](Transaction& t) {
    return t.put(kKeys, {std::string("OTHER"), Bytes(), to_bytes("KEY7"), std::string("g"), std::int64_t{0},
                         std::int64_t{0}});
  })) << "the unique index was made again";
}

TEST(Migration, K16_TheTreeOfTheKeysGetsAnotherOrder) {
  const TableSpec older{.name = "term",
                        .columns = {{"word", ColumnType::kText, ColumnRole::kKey},
                                    {"object", ColumnType::kInteger, ColumnRole::kKey},
                                    {"made", ColumnType::kInteger, ColumnRole::kPlain}},
                        .indexes = {"object", "word, made"},
                        .unique_indexes = {},
                        .replicated = false};
  TableSpec newer = older;
  newer.key_order = {"object", "word"};
  newer.indexes = {"word, made"};
  Fixture f;
  f.tables = {&kKeys, &kSettings, &older};
  ASSERT_TRUE(f.open());
  for (std::int64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(f.keystore->write([&](Transaction& t) -> Status {
      TRY(t.put(older, {std::string("a"), i, 100 - i}));
      return t.put(older, {std::string("b"), i, i});
    }));
  }
  ASSERT_TRUE(
      f.keystore->write([&](Transaction& t) { return t.erase(older, {std::string("a"), std::int64_t{7}}); }));
  const std::uint64_t before = f.keystore->head().sequence;
  f.tables.back() = &newer;
  for (int start = 0; start < 2; ++start) {
    const Status opened = f.open();
    ASSERT_TRUE(opened) << opened.error().text();
    EXPECT_EQ(f.keystore->head().sequence, before + 1) << "one commit, and nothing at the second start";
    EXPECT_TRUE(f.keystore->verify().value().empty());
    EXPECT_TRUE(f.keystore->read([&](Reader& reader) -> Status {
      EXPECT_EQ(TRY(reader.query(newer, "", {})).size(), 39U);
      const auto row = TRY(reader.get(newer, {std::string("a"), std::int64_t{3}}));
      EXPECT_TRUE(row && integer(*row, 2) == 97);
      EXPECT_FALSE(TRY(reader.get(newer, {std::string("a"), std::int64_t{7}})));
      return {};
    }));
    f.close();
    EXPECT_EQ(count_in_schema(f.path(), "name LIKE 'tw_term_index%'"), 1);
    EXPECT_EQ(count_in_schema(f.path(), "name = 'term' AND sql LIKE '%PRIMARY KEY(\"object\", \"word\")%'"),
              1);
    const auto connection = sqlite::Connection::open(f.path(), sqlite::Access::kRead);
    ASSERT_TRUE(connection);
    auto plan =
        (*connection)->prepare("EXPLAIN QUERY PLAN SELECT * FROM term WHERE object = ? ORDER BY word");
    ASSERT_TRUE(plan);
    ASSERT_TRUE(plan->step().value());
    EXPECT_NE(plan->text(3).find("sqlite_autoindex_term_1 (object=?)"), std::string_view::npos)
        << plan->text(3);
  }
}

TEST(Migration, K16_QueriesUseTheirIndexes) {
  Fixture f;
  ASSERT_TRUE(f.open());
  f.close();
  const auto connection = sqlite::Connection::open(f.path(), sqlite::Access::kRead);
  ASSERT_TRUE(connection);
  auto plan = (*connection)
                  ->prepare(
                      "EXPLAIN QUERY PLAN SELECT * FROM (SELECT * FROM data_key WHERE row_erased = 0) "
                      "WHERE group_name = ? AND place > ? ORDER BY place LIMIT 1");
  ASSERT_TRUE(plan);
  ASSERT_TRUE(plan->step().value());
  EXPECT_NE(plan->text(3).find("USING INDEX tw_data_key_index__group_name__place"), std::string_view::npos)
      << plan->text(3);
}

}  // namespace
}  // namespace tapewarden::store::testing
