// What a group commit does when the disk is full, and how long change lines are.
#include "store/committer.h"

#include "base/testing/sim_env.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "store/change_lines.h"
#include "store/database.h"
#include "store/own_tables.h"
#include "store/store_test_tables.h"
#include "store/verifier.h"

namespace tapewarden::store::testing {
namespace {

struct Bench {
  TemporaryDirectory directory{Storage::kMemory};
  crypto::SystemRandom random;
  MemoryCommitLog log;
  KeyRing ring{first_version(master_key())};
  KeyView keys{ring};
  Layouts layouts{with_own_tables({&kKeys, &kSettings})};
  std::unique_ptr<sqlite::Connection> connection;
  std::unique_ptr<Committer> committer;

  Bench() {
    write_content(directory.file("keystore.db"), Bytes());
    connection = open_writer(directory.file("keystore.db")).value();
    Meta meta;
    meta.server = server_id();
    EXPECT_TRUE(create_database(*connection, *keys.find(kFirstKeyVersion), layouts, meta, log.chain_hash()));
    State state = read_state(*connection, keys).value();
    EXPECT_TRUE(reconcile(state, log));
    committer = std::make_unique<Committer>(RowAccess(*connection, layouts, keys), random, server_id(), log,
                                            std::move(state));
  }
  Status run(const Keystore::Work& work) {
    const Keystore::Work* works[] = {&work};
    return committer->run(works)[0].result;
  }
};

TEST(Committer, K13_FullDatabaseDiskRefusesAndStillRecords) {
  Bench b;
  ASSERT_TRUE(b.run([](Transaction& t) { return put_key(t, "KEY1", "one"); }));
  const auto pages = b.connection->integer_of("PRAGMA page_count").value();
  ASSERT_TRUE(b.connection->execute("PRAGMA max_page_count = " + std::to_string(pages)));
  const std::uint64_t before = b.committer->state().mark.sequence;
  const Status full = b.run([](Transaction& t) -> Status {
    for (int i = 0; i < 1000; ++i) TRY(put_key(t, "MANY" + std::to_string(i), "x"));
    return {};
  });
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kExhausted);
  EXPECT_FALSE(b.committer->failed());
  EXPECT_EQ(b.committer->state().mark.sequence, before);
  // A refusal is recorded all the same.
  ASSERT_TRUE(b.run([](Transaction& t) -> Status {
    t.record(R"({"type":"key_serving","outcome":"failure"})");
    return {};
  }));
  EXPECT_EQ(b.log.notes(), 1U);
  // With room again everything goes on.
  ASSERT_TRUE(b.connection->execute("PRAGMA max_page_count = 1000000"));
  ASSERT_TRUE(b.run([](Transaction& t) { return put_key(t, "KEY2", "two"); }));
  EXPECT_EQ(b.committer->state().mark.sequence, before + 1);
  EXPECT_EQ(b.committer->state().tables.at("data_key").live, 2U);
}

// SQLite undoes the whole group then, and would take each later statement for a transaction of its own.
TEST(Committer, K13_AWorkThatOverlooksTheFullDiskWritesNothingBehindTheGroup) {
  Bench b;
  ASSERT_TRUE(b.run([](Transaction& t) { return t.put(kSettings, {std::string("a"), std::string("1")}); }));
  const auto pages = b.connection->integer_of("PRAGMA page_count").value();
  ASSERT_TRUE(b.connection->execute("PRAGMA max_page_count = " + std::to_string(pages)));
  const std::uint64_t before = b.committer->state().mark.sequence;
  const Status overlooked = b.run([](Transaction& t) -> Status {
    bool full = false;
    for (int i = 0; i < 1000 && !full; ++i) full = !put_key(t, "MANY" + std::to_string(i), "x").has_value();
    EXPECT_TRUE(full) << "else this test would prove nothing";
    const Status later = t.put(kSettings, {std::string("a"), std::string("2")});
    EXPECT_EQ(later ? ErrorCode::kConflict : later.error().code, ErrorCode::kIo)
        << "no code that anybody passes over";
    return {};
  });
  EXPECT_FALSE(overlooked);
  EXPECT_EQ(b.committer->state().mark.sequence, before);
  ASSERT_TRUE(b.connection->execute("PRAGMA max_page_count = 1000000"));
  EXPECT_EQ(b.connection->text_of("SELECT value FROM setting WHERE name = 'a'").value(), "1");
  RowAccess rows(*b.connection, b.layouts, b.keys);
  const auto faults = verify_database(rows, b.log);
  ASSERT_TRUE(faults);
  EXPECT_TRUE(faults->empty());
  EXPECT_TRUE(b.run([](Transaction& t) { return put_key(t, "KEY2", "two"); }));
}

// A log that stopped after its last append took it keeps the database from getting ahead of it.
TEST(Committer, K13_TheDatabaseCommitsNothingThatTheStoppedAuditWouldLack) {
  Bench b;
  ASSERT_TRUE(b.run([](Transaction& t) { return put_key(t, "KEY1", "one"); }));
  b.log.stop_after_append({ErrorCode::kIo, "its checkpoint could not be synced", {}, {}, 0});
  const Status refused = b.run([](Transaction& t) { return put_key(t, "KEY2", "two"); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(b.committer->failed());
  EXPECT_EQ(read_state(*b.connection, b.keys).value().mark, b.log.last_mark());
}

std::string setting(Reader& reader, const std::string& name) {
  const auto row = reader.get(kSettings, {name});
  return row && *row ? text(**row, 1) : "-";
}

// The others of its group are done as if it had not been there.
TEST(Committer, K16_AWorkThatFailsAfterAChangeIsUndoneAlone) {
  Bench b;
  int runs = 0;
  const auto puts = [](const char* name) {
    return Keystore::Work([name](Transaction& t) -> Status {
      t.record(std::string("{\"put\":\"") + name + "\"}");
      return t.put(kSettings, {std::string(name), std::string("1")});
    });
  };
  const auto first = puts("first");
  const auto last = puts("last");
  const Keystore::Work undone = [&](Transaction& t) -> Status {
    ++runs;
    t.record(R"({"put":"undone"})");
    TRY(t.put(kSettings, {std::string("undone"), std::string("1")}));
    return fail(ErrorCode::kConflict, "no");
  };
  const Keystore::Work* works[] = {&first, &undone, &last};
  const auto outcomes = b.committer->run(works);
  EXPECT_TRUE(outcomes[0].result && outcomes[0].changed);
  EXPECT_EQ(outcomes[1].result.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(outcomes[2].result && outcomes[2].changed);
  EXPECT_EQ(runs, 1);
  std::string text;
  for (const auto& line : b.log.records()) text += line + "\n";
  EXPECT_EQ(text.find("undone"), std::string::npos) << text;
  EXPECT_TRUE(b.run([&](Transaction& t) -> Status {
    EXPECT_EQ(setting(t, "first") + setting(t, "undone") + setting(t, "last"), "1-1");
    return {};
  }));
  // Alone, it is undone with its group.
  EXPECT_FALSE(b.run(undone));
  EXPECT_EQ(runs, 2);
}

// Of groups of works at random, of which every third fails after its changes: what the others changed stands,
// and nothing else. The sums of the MACs would tell of a row that came back as another one.
TEST(Committer, K16_WhateverAWorkChangedStandsAsBeforeWhenItFails) {
  Bench b;
  tapewarden::testing::SimRandom random{7};
  std::map<std::string, std::string> expected;
  int failures = 0;
  for (int group = 0; group < 120; ++group) {
    auto now = expected;
    std::vector<Keystore::Work> works;
    std::vector<bool> fails;
    const auto count = 1 + random.below(5);
    for (std::uint64_t w = 0; w < count; ++w) {
      const auto before = now;
      std::vector<std::pair<std::string, std::string>>
          steps;  // an alias and its new secret, "": it is erased
      for (auto step = 1 + random.below(6); step > 0; --step) {
        const std::string alias = "KEY" + std::to_string(random.below(12));
        const bool there = now.contains(alias);
        steps.emplace_back(
            alias, there && random.below(3) == 0 ? "" : "secret " + std::to_string(random.below(1'000'000)));
        if (steps.back().second.empty()) {
          now.erase(alias);
        } else {
          now[alias] = steps.back().second;
        }
      }
      const bool failing = random.below(3) == 0;
      if (failing) now = before;
      fails.push_back(failing);
      works.emplace_back([steps, failing](Transaction& t) -> Status {
        for (const auto& [alias, secret] : steps) {
          if (secret.empty()) {
            TRY(t.erase(kKeys, {alias}));
          } else {
            TRY(put_key(t, alias, secret, secret.size() % 2 == 0 ? "even" : "odd"));
          }
        }
        if (failing) return fail(ErrorCode::kConflict, "no");
        return {};
      });
    }
    std::vector<const Keystore::Work*> pointers;
    for (const auto& work : works) pointers.push_back(&work);
    const auto outcomes = b.committer->run(pointers);
    for (std::size_t w = 0; w < works.size(); ++w) {
      ASSERT_EQ(outcomes[w].result.has_value(), !fails[w]) << outcomes[w].result.error().text();
      failures += fails[w] && works.size() > 1 ? 1 : 0;
    }
    expected = now;
    RowAccess rows(*b.connection, b.layouts, b.keys);
    ASSERT_EQ(rows.aggregate(kKeys, "COUNT(*)", "", {}).value(), static_cast<std::int64_t>(expected.size()));
    for (const auto& [alias, secret] : expected) {
      const Value key = alias;
      const auto row = rows.get(kKeys, {&key, 1}).value();
      ASSERT_TRUE(row.has_value()) << alias;
      EXPECT_EQ(as_text(rows.unseal(kKeys, *row, kSecret)->reveal()), secret);
    }
    const auto faults = verify_database(rows, b.log);
    ASSERT_TRUE(faults);
    ASSERT_TRUE(faults->empty()) << describe(*faults);
  }
  EXPECT_GT(failures, 50);
}

// The rows that a group keeps in memory are those of its transaction, also when a work in between is undone.
TEST(Committer, K16_WorksOfAGroupSeeEachOthersRowsAndNoUndoneOnes) {
  Bench b;
  ASSERT_TRUE(b.run([](Transaction& t) { return t.put(kSettings, {std::string("a"), std::string("1")}); }));
  std::vector<std::string> seen;
  const auto look = [&](Transaction& t) {
    for (const auto* name : {"a", "b"}) seen.push_back(setting(t, name));
    const auto rows = t.query(kSettings, "name = ?", {std::string("a")});
    seen.push_back(rows && !rows->empty() ? text(rows->front(), 1) : "-");
  };
  const Keystore::Work change = [&](Transaction& t) -> Status {
    look(t);
    TRY(t.put(kSettings, {std::string("a"), std::string("2")}));
    TRY(t.put(kSettings, {std::string("b"), std::string("2")}));
    look(t);
    return {};
  };
  const Keystore::Work undone = [&](Transaction& t) -> Status {
    TRY(t.put(kSettings, {std::string("a"), std::string("3")}));
    TRY(t.erase(kSettings, {std::string("b")}));
    look(t);
    return fail(ErrorCode::kConflict, "no");
  };
  const Keystore::Work last = [&](Transaction& t) -> Status {
    look(t);
    return t.erase(kSettings, {std::string("a")});
  };
  const Keystore::Work* works[] = {&change, &undone, &last};
  const auto outcomes = b.committer->run(works);
  EXPECT_TRUE(outcomes[0].result);
  EXPECT_FALSE(outcomes[1].result);
  EXPECT_TRUE(outcomes[2].result);
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "-", "1", "2", "2", "2", "3", "-", "3", "2", "2", "2"}));
  EXPECT_TRUE(b.run([&](Transaction& t) -> Status {
    seen.clear();
    look(t);
    return {};
  }));
  EXPECT_EQ(seen, (std::vector<std::string>{"-", "2", "-"}));
  // A row that was erased comes back with the version after the tombstone's, and all its columns.
  ASSERT_TRUE(b.run([](Transaction& t) { return t.put(kSettings, {std::string("a"), std::string("4")}); }));
  EXPECT_EQ(logged_rows(b.log.records().back()).value().front().version, 4);
  EXPECT_TRUE(b.run([&](Transaction& t) -> Status {
    EXPECT_EQ(setting(t, "a"), "4");
    return {};
  }));
}

// Only changed columns are written; their indexes and the row's MAC follow.
TEST(Committer, K16_AChangedColumnIsFoundByItsIndexes) {
  Bench b;
  ASSERT_TRUE(b.run([](Transaction& t) { return put_key(t, "KEY1", "one", "old", 1); }));
  const auto change = [&](std::size_t column, const Value& value) {
    return b.run([&](Transaction& t) -> Status {
      Row row = *TRY(t.get(kKeys, {std::string("KEY1")}));
      row[column] = value;
      return t.put(kKeys, row);
    });
  };
  const auto found = [&](std::string_view where, const Value& value) {
    std::size_t rows = 0;
    EXPECT_TRUE(b.run([&](Transaction& t) -> Status {
      rows = TRY(t.query(kKeys, where, {value})).size();
      return {};
    }));
    return rows;
  };
  ASSERT_TRUE(change(kUsed, std::int64_t{5}));
  EXPECT_EQ(found("used = ?", std::int64_t{5}), 1U);
  ASSERT_TRUE(change(kGroup, std::string("new")));
  EXPECT_EQ(found("group_name = ?", std::string("new")), 1U);
  EXPECT_EQ(found("group_name = ?", std::string("old")), 0U);
  ASSERT_TRUE(change(kDki, to_bytes("another")));
  EXPECT_EQ(found("dki = ?", to_bytes("another")), 1U);
  ASSERT_TRUE(change(kDki, to_bytes("another"))) << "nothing but the version changes";
  RowAccess rows(*b.connection, b.layouts, b.keys);
  const auto faults = verify_database(rows, b.log);
  ASSERT_TRUE(faults);
  EXPECT_TRUE(faults->empty());
}

TEST(Committer, K16_WriteAheadLogStaysSmall) {
  Bench b;
  const std::string wal = b.directory.file("keystore.db-wal");
  const std::string large(200'000, 'x');
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(b.run([&](Transaction& t) { return t.put(kSettings, {std::to_string(i), large}); }));
    b.committer->tidy();
  }
  // 80 MB went through it.
  EXPECT_GT(std::filesystem::file_size(b.directory.file("keystore.db")), 60U << 20);
  EXPECT_LT(std::filesystem::file_size(wal), 2 * kCheckpointPages * 4200U);
  EXPECT_FALSE(b.committer->failed());
}

TEST(Committer, K16_LargeCommitHasLinesOfBoundedLength) {
  Bench b;
  ASSERT_TRUE(b.run([](Transaction& t) -> Status {
    for (int i = 0; i < 2500; ++i) TRY(put_key(t, "KEY" + std::to_string(i), "x"));
    return {};
  }));
  const auto records = b.log.records();
  ASSERT_EQ(records.size(), 4U);
  std::size_t rows = 0;
  for (std::size_t i = 1; i < records.size(); ++i) {
    EXPECT_LT(records[i].size(), kChangeLineBytes + 10'000);
    EXPECT_EQ(records[i].find("\"tables\"") != std::string::npos, i == 1);
    rows += logged_rows(records[i]).value().size();
  }
  EXPECT_EQ(rows, 2500U);
}

TEST(Committer, K16_OneRowChangedOftenIsNamedOnce) {
  Bench b;
  ASSERT_TRUE(b.run([](Transaction& t) -> Status {
    for (int i = 0; i < 10; ++i) {
      TRY(t.put(kSettings, {std::string("cursor \"1\""), std::to_string(i)}));
    }
    return {};
  }));
  const auto rows = logged_rows(b.log.records().back()).value();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].table, "setting");
  EXPECT_EQ(rows[0].key, "cursor \"1\"");
  EXPECT_EQ(rows[0].version, 10);
}

TEST(Committer, K16_TooLongKeysAndValuesAreRefused) {
  Bench b;
  const Status key =
      b.run([](Transaction& t) { return t.put(kSettings, {std::string(3000, 'k'), std::string("v")}); });
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ErrorCode::kInvalidArgument);
  const Status value = b.run([](Transaction& t) {
    return t.put(kSettings, {std::string("k"), std::string(kValueBytesLimit + 1, 'v')});
  });
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().field, "value");
  EXPECT_FALSE(b.committer->failed());
}

TEST(RowCodec, K16_PrintedKeysAreDistinctAndComeBack) {
  const TableSpec table{
      .name = "t",
      .columns = {{"a", ColumnType::kText, ColumnRole::kKey},
                  {"b", ColumnType::kText, ColumnRole::kKey},
                  {"c", ColumnType::kInteger, ColumnRole::kKey},
                  {"d", ColumnType::kBlob, ColumnRole::kKey}},
      .indexes = {},
      .unique_indexes = {},
      .replicated = false,
  };
  const std::vector<Row> keys = {
      {std::string("x/y"), std::string("z"), std::int64_t{-5}, Bytes{1, 2}},
      {std::string("x"), std::string("y/z"), std::int64_t{-5}, Bytes{1, 2}},
      {std::string(), std::string("\n\\x2f\xC3\xA9"), std::int64_t{7}, Bytes()},
      {std::string("\\"), std::string("\""), std::numeric_limits<std::int64_t>::min(), Bytes{0xFF}},
  };
  std::set<std::string> prints;
  for (const Row& key : keys) {
    const std::string print = printable_key(key);
    EXPECT_TRUE(prints.insert(print).second);
    const auto back = parse_printable_key(table, print);
    ASSERT_TRUE(back) << print;
    EXPECT_EQ(*back, key);
  }
  for (const char* bad :
       {"", "a/b/c/d", "a/b/1/zz", "a/b/1/0g", "a/b/1", "a/b/1/00/x", "a\\/b/1/00", "a\\x2/b/1/00"}) {
    EXPECT_FALSE(parse_printable_key(table, bad)) << bad;
  }
}

TEST(Vault, K16_SecretsAreSealedUnderTheDocumentedKey) {
  // docs/formats/keystore.md: anybody with the master key can open a secret by HKDF and AES-GCM alone.
  const Vault vault(master_key());
  crypto::SystemRandom random;
  const Value key = std::string("KEY1");
  const Bytes place = secret_place(kKeys, {&key, 1}, "secret");
  const Bytes box = vault.seal(place, secret_of("the secret"), random);
  ByteWriter info;
  info.text("tapewarden keystore seal").u8(0).bytes(place);
  const auto derived = crypto::hkdf_sha256(master_key(), {}, info.view(), 32);
  EXPECT_EQ(version_of_box(box), kFirstKeyVersion);
  const auto opened = crypto::open_box(derived, place, ByteView(box).subspan(kKeyVersionBytes));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(*opened == secret_of("the secret"));
  const Bytes elsewhere = secret_place(kKeys, {&key, 1}, "dki");
  EXPECT_FALSE(vault.open(elsewhere, box));
}

TEST(RowCodec, K16_SumsForgetWhatTheySubtract) {
  MacSum sum;
  Hash256 a;
  Hash256 b;
  a.fill(0xFF);
  b.fill(0x80);
  sum.add(a);
  sum.add(b);
  sum.add(a);
  sum.subtract(a);
  sum.subtract(b);
  EXPECT_EQ(sum.bytes(), a);
  sum.subtract(a);
  EXPECT_EQ(sum, MacSum());
  sum.subtract(b);
  sum.add(b);
  EXPECT_EQ(sum, MacSum());
}

}  // namespace
}  // namespace tapewarden::store::testing
