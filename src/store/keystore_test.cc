// What a keystore promises while nothing goes wrong with its files.
#include "store/keystore.h"

#include <atomic>
#include <future>
#include <thread>

#include "store/session.h"
#include "store/store_test_tables.h"

namespace tapewarden::store::testing {
namespace {

TEST(Keystore, K16_SecretsComeBackAfterReopen) {
  Fixture f;
  ASSERT_TRUE(f.open());
  const auto info = add_key(*f.keystore, "ABC000000000000000001", "the secret");
  ASSERT_TRUE(info) << info.error().text();
  EXPECT_EQ(info->sequence, 2U);
  EXPECT_EQ(read_key(*f.keystore, "ABC000000000000000001").value(), "the secret");
  ASSERT_TRUE(f.open());
  EXPECT_EQ(f.keystore->head().sequence, 2U);
  EXPECT_EQ(read_key(*f.keystore, "ABC000000000000000001").value(), "the secret");
  EXPECT_EQ(read_key(*f.keystore, "ABC000000000000000002").value(), "-");
  EXPECT_TRUE(f.keystore->verify().value().empty());
}

TEST(Keystore, K16_NoSecretLiesInClearOnDisk) {
  Fixture f;
  ASSERT_TRUE(f.open());
  const std::string needle = "needle-in-the-clear-0123456789";
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", needle));
  for (const char* suffix : {"", "-wal"}) {
    const Bytes content = file_content(f.path() + suffix);
    EXPECT_EQ(as_text(content).find(needle), std::string_view::npos) << suffix;
  }
  for (const std::string& record : f.log.records()) EXPECT_EQ(record.find(needle), std::string::npos);
}

TEST(Keystore, K16_OnlyTheOwnerMayReadTheFiles) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "x"));
  ASSERT_TRUE(f.keystore->copy_to(f.path() + "-copy"));
  for (const char* suffix : {"", "-wal", "-shm", ".lock", "-copy"}) {
    const auto permissions = std::filesystem::status(f.path() + suffix).permissions();
    EXPECT_EQ(permissions & std::filesystem::perms::mask,
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << suffix;
  }
}

TEST(Keystore, K16_WrongMasterKeyIsRefused) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "x"));
  const Status opened = f.open(8);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kWrongKey);
  ASSERT_TRUE(f.open(7));
  EXPECT_EQ(read_key(*f.keystore, "KEY1").value(), "x");
}

TEST(Keystore, K16_AnotherServersKeystoreIsRefused) {
  Fixture f;
  ASSERT_TRUE(f.open());
  f.server = server_id(2);
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kConflict);
}

TEST(Keystore, K16_SecondOpenerIsRefused) {
  Fixture f;
  ASSERT_TRUE(f.open());
  MemoryCommitLog other;
  KeystoreOptions options;
  options.path = f.path();
  options.server = server_id();
  const auto second = Keystore::open(f.real.env(), options, master_key(), other);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST(Keystore, K16_FailedWorkLeavesNothing) {
  Fixture f;
  ASSERT_TRUE(f.open());
  const auto failed = f.keystore->write([](Transaction& t) -> Status {
    t.record(R"({"type":"runtime","text":"never"})");
    TRY(put_key(t, "KEY1", "x"));
    return fail(ErrorCode::kConflict, "changed its mind");
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kConflict);
  EXPECT_EQ(read_key(*f.keystore, "KEY1").value(), "-");
  EXPECT_EQ(f.log.records().size(), 1U);  // the line of the creation
  EXPECT_EQ(f.keystore->head().sequence, 1U);
  EXPECT_TRUE(f.keystore->verify().value().empty());
}

TEST(Keystore, K16_GroupKeepsGoodWorksBesideFailedOnes) {
  Fixture f;
  ASSERT_TRUE(f.open());
  std::promise<void> gate;
  std::shared_future<void> opened(gate.get_future());
  std::atomic<int> good{0};
  std::atomic<int> bad{0};
  std::atomic<int> done{0};
  // The first work holds the writer, so that all others end up in one group.
  f.keystore->submit(
      [opened](Transaction&) {
        opened.wait();
        return Status();
      },
      [&](auto) { ++done; });
  for (int i = 0; i < 40; ++i) {
    const auto work = [i](Transaction& t) -> Status {
      TRY(put_key(t, "KEY" + std::to_string(i), "s" + std::to_string(i)));
      if (i % 3 == 0) return fail(ErrorCode::kConflict, "no");
      return {};
    };
    f.keystore->submit(work, [&](const Result<CommitInfo>& result) {
      ++(result ? good : bad);
      ++done;
    });
  }
  gate.set_value();
  while (done < 41) std::this_thread::yield();
  EXPECT_EQ(good, 26);
  EXPECT_EQ(bad, 14);
  for (int i = 0; i < 40; ++i) {
    const std::string expected = i % 3 == 0 ? "-" : "s" + std::to_string(i);
    EXPECT_EQ(read_key(*f.keystore, "KEY" + std::to_string(i)).value(), expected);
  }
  EXPECT_LE(f.keystore->head().sequence, 3U);
  EXPECT_TRUE(f.keystore->verify().value().empty());
}

TEST(Keystore, K13_RecordsAreDurableWithTheirCommit) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(f.keystore->write([](Transaction& t) -> Status {
    t.record(R"({"type":"key_serving"})");
    return put_key(t, "KEY1", "x");
  }));
  const auto records = f.log.records();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_TRUE(records[1].starts_with(R"({"commit":2,"tables":")")) << records[1];
  EXPECT_NE(records[1].find(R"(["data_key","KEY1",1,")"), std::string::npos) << records[1];
  EXPECT_EQ(records[2], R"({"type":"key_serving"})");
}

TEST(Keystore, K13_RecordAloneTakesNoCommit) {
  Fixture f;
  ASSERT_TRUE(f.open());
  const auto info = f.keystore->write([](Transaction& t) -> Status {
    t.record(R"({"type":"authentication","outcome":"failure"})");
    return {};
  });
  ASSERT_TRUE(info);
  EXPECT_EQ(info->sequence, 1U);
  EXPECT_EQ(f.log.notes(), 1U);
  EXPECT_EQ(f.log.records().back(), R"({"type":"authentication","outcome":"failure"})");
}

TEST(Keystore, K13_ForgedRecordIsRefused) {
  Fixture f;
  ASSERT_TRUE(f.open());
  for (const char* forged : {"{\"a\":1}\n{\"b\":2}", "{}", "text", "{\"a\":\"\x01\"}"}) {
    const auto result = f.keystore->write([&](Transaction& t) -> Status {
      t.record(forged);
      return put_key(t, "KEY1", "x");
    });
    ASSERT_FALSE(result) << forged;
    EXPECT_EQ(result.error().code, ErrorCode::kInternal);
  }
  EXPECT_EQ(read_key(*f.keystore, "KEY1").value(), "-");
}

TEST(Keystore, K13_RecordsAreEscapedToAscii) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(f.keystore->write([](Transaction& t) -> Status {
    t.record("{\"a\":\"\xC3\xA9 \xF0\x9F\x94\x91 \xFF\x7F\"}");
    return {};
  }));
  EXPECT_EQ(f.log.records().back(), R"({"a":"\u00e9 \ud83d\udd11 \ufffd\u007f"})");
}

TEST(Keystore, K13_ARecordThatEscapingMakesTooLongIsRefused) {
  Fixture f;
  ASSERT_TRUE(f.open());
  std::string letters;
  while (letters.size() < kRecordBytesLimit / 2) letters += "\xC3\xA9";  // six bytes each when escaped
  const auto result = f.keystore->write([&](Transaction& t) -> Status {
    t.record("{\"a\":\"" + letters + "\"}");
    return put_key(t, "KEY1", "x");
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInternal);
  EXPECT_EQ(read_key(*f.keystore, "KEY1").value(), "-");
  EXPECT_TRUE(add_key(*f.keystore, "KEY2", "served on"));
}

TEST(Keystore, K16_VersionsGrowAcrossErasure) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "one"));
  ASSERT_TRUE(f.keystore->write([](Transaction& t) { return t.erase(kKeys, {std::string("KEY1")}); }));
  EXPECT_EQ(read_key(*f.keystore, "KEY1").value(), "-");
  const auto again = f.keystore->write([](Transaction& t) { return t.erase(kKeys, {std::string("KEY1")}); });
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "two"));
  EXPECT_EQ(read_key(*f.keystore, "KEY1").value(), "two");
  EXPECT_NE(f.log.records().back().find(R"("KEY1",3,)"), std::string::npos) << f.log.records().back();
  EXPECT_TRUE(f.keystore->verify().value().empty());
}

TEST(Keystore, K2_UniqueIndexNamesItsColumns) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "one"));
  const auto put_same_dki = [](Transaction& t) {
    return t.put(kKeys, {std::string("KEY2"), Bytes(), to_bytes("dki KEY1"), std::string("g"),
                         std::int64_t{0}, std::int64_t{0}});
  };
  const auto refused = f.keystore->write(put_same_dki);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(refused.error().field, "dki");
  // A tombstone does not hold the value.
  ASSERT_TRUE(f.keystore->write([](Transaction& t) { return t.erase(kKeys, {std::string("KEY1")}); }));
  EXPECT_TRUE(f.keystore->write(put_same_dki));
  EXPECT_TRUE(f.keystore->verify().value().empty());
}

TEST(Keystore, K16_SecretOfAnotherRowIsRefused) {
  Fixture f;
  ASSERT_TRUE(f.open());
  const auto refused = f.keystore->write([](Transaction& t) -> Status {
    const Value other = std::string("KEY2");
    Bytes box = t.seal(kKeys, {&other, 1}, "secret", secret_of("x"));
    return t.put(kKeys,
                 {std::string("KEY1"), box, Bytes(), std::string("g"), std::int64_t{0}, std::int64_t{0}});
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "secret");
}

TEST(Keystore, K3_QueriesSeeLiveRowsInOrder) {
  Fixture f;
  ASSERT_TRUE(f.open());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(add_key(*f.keystore, "KEY" + std::to_string(i), "s", "g", 9 - i));
  ASSERT_TRUE(f.keystore->write([](Transaction& t) { return t.erase(kKeys, {std::string("KEY5")}); }));
  const Status read = f.keystore->read([](Reader& reader) -> Status {
    const auto rows = TRY(reader.query(kKeys, "group_name = ? AND place > ? ORDER BY place LIMIT 3",
                                       {std::string("g"), std::int64_t{2}}));
    EXPECT_EQ(rows.size(), 3U);
    EXPECT_EQ(text(rows[0], kAlias), "KEY6");
    EXPECT_EQ(text(rows[1], kAlias), "KEY4");
    EXPECT_EQ(TRY(reader.query(kKeys, "", {})).size(), 9U);
    EXPECT_EQ(TRY(reader.query(kKeys, "ORDER BY alias DESC LIMIT 2", {})).size(), 2U);
    EXPECT_EQ(TRY(reader.query(kKeys, "place = 0 OR place = 4", {})).size(), 1U);  // 4 is erased
    EXPECT_EQ(TRY(reader.aggregate(kKeys, "count(*)", "", {})), 9);
    EXPECT_EQ(TRY(reader.aggregate(kKeys, "max(place)", "group_name = ?", {std::string("none")})), 0);
    return {};
  });
  EXPECT_TRUE(read) << read.error().text();
}

TEST(Keystore, K3_HintsNameLiveRowsFromTheIndexAlone) {
  TableSpec hinted = kKeys;
  hinted.indexes = {"group_name, place, row_erased"};
  Fixture f;
  f.tables.front() = &hinted;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(f.keystore->write([&](Transaction& t) -> Status {
    for (int i = 0; i < 5; ++i)
      TRY(t.put(hinted, {"KEY" + std::to_string(i), Bytes(), to_bytes("dki " + std::to_string(i)),
                         std::string("g"), std::int64_t{9 - i}, std::int64_t{0}}));
    return t.erase(hinted, {std::string("KEY3")});
  }));
  const auto hints = [&](Reader& reader) {
    return reader.hints(hinted, {kPlace, kAlias}, "group_name = ? AND place < ? ORDER BY place DESC",
                        {std::string("g"), std::int64_t{9}});
  };
  const std::vector<Row> expected{{std::int64_t{8}, std::string("KEY1")},
                                  {std::int64_t{7}, std::string("KEY2")},
                                  {std::int64_t{5}, std::string("KEY4")}};
  EXPECT_TRUE(f.keystore->read([&](Reader& reader) -> Status {
    EXPECT_EQ(TRY(hints(reader)), expected);
    return {};
  }));
  ASSERT_TRUE(f.keystore->write([&](Transaction& t) -> Status {
    TRY(t.erase(hinted, {std::string("KEY2")}));
    EXPECT_EQ(TRY(hints(t)).size(), 2U) << "a transaction sees its own changes";
    return {};
  }));
  f.close();
  const auto connection = sqlite::Connection::open(f.path(), sqlite::Access::kRead);
  ASSERT_TRUE(connection);
  auto plan = (*connection)
                  ->prepare("EXPLAIN QUERY PLAN " +
                            Layout(hinted, 0).live_sql("place, alias", "group_name = ? AND place < ?"));
  ASSERT_TRUE(plan);
  ASSERT_TRUE(plan->step().value());
  EXPECT_NE(plan->text(3).find("USING COVERING INDEX"), std::string_view::npos) << plan->text(3);
}

TEST(Keystore, K16_ReadSeesOneSnapshot) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "one"));
  const Status read = f.keystore->read([&](Reader& reader) -> Status {
    EXPECT_EQ(TRY(reader.aggregate(kKeys, "count(*)", "", {})), 1);
    EXPECT_TRUE(add_key(*f.keystore, "KEY2", "two"));
    EXPECT_EQ(TRY(reader.aggregate(kKeys, "count(*)", "", {})), 1);
    return {};
  });
  EXPECT_TRUE(read);
  EXPECT_EQ(read_key(*f.keystore, "KEY2").value(), "two");
}

// A snapshot is kept from one read to the next, until something is committed.
TEST(Keystore, K16_AReadSeesWhateverWasAcknowledgedBefore) {
  Fixture f;
  ASSERT_TRUE(f.open());
  for (int i = 0; i < 50; ++i) {
    const std::string secret = std::to_string(i);
    ASSERT_TRUE(add_key(*f.keystore, "KEY", secret));
    for (int again = 0; again < 2; ++again) EXPECT_EQ(read_key(*f.keystore, "KEY").value(), secret);
  }
  EXPECT_FALSE(
      f.keystore->read([&](Reader&) { return Status(fail(ErrorCode::kNotFound, "of the caller")); }));
  EXPECT_EQ(read_key(*f.keystore, "KEY").value(), "49");
}

TEST(Keystore, K16_TheLogIsMovedIntoTheFileWhenNothingChangesForAWhile) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY", "secret"));
  ASSERT_EQ(read_key(*f.keystore, "KEY").value(), "secret");  // leaves its snapshot
  ASSERT_TRUE(add_key(*f.keystore, "LAST", "secret"));
  const std::string copy = f.directory.file("copy.db");
  std::int64_t keys = 0;
  for (int tries = 0; tries < 200 && keys < 2; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    write_content(copy, file_content(f.path()));  // without its log
    const auto connection = sqlite::Connection::open(copy, sqlite::Access::kReadWrite);
    ASSERT_TRUE(connection);
    // A copy made while the pages were moved may hold anything.
    keys = (*connection)->integer_of("SELECT count(*) FROM data_key").value_or(0);
  }
  EXPECT_EQ(keys, 2);
}

struct HoldingGate final : CommitGate {
  void committed(std::uint64_t sequence, std::function<void()> pass) override {
    const std::lock_guard lock(mutex);
    held.emplace_back(sequence, std::move(pass));
  }
  std::mutex mutex;
  std::vector<std::pair<std::uint64_t, std::function<void()>>> held;
};

TEST(Keystore, K19_GateHoldsAnswersOfChangesOnly) {
  Fixture f;
  ASSERT_TRUE(f.open());
  HoldingGate gate;
  f.keystore->set_gate(&gate);
  // A record without a change is not held while nothing waits.
  ASSERT_TRUE(f.keystore->write([](Transaction& t) -> Status {
    t.record(R"({"type":"runtime"})");
    return {};
  }));
  std::atomic<bool> answered{false};
  f.keystore->submit([](Transaction& t) { return put_key(t, "KEY1", "x"); },
                     [&](const Result<CommitInfo>& r) { answered = r.has_value(); });
  while (true) {
    const std::lock_guard lock(gate.mutex);
    if (!gate.held.empty()) break;
  }
  EXPECT_FALSE(answered);
  EXPECT_EQ(gate.held[0].first, 2U);
  gate.held[0].second();
  while (!answered) std::this_thread::yield();
  EXPECT_EQ(read_key(*f.keystore, "KEY1").value(), "x");
}

// A repeated request reads what the first one wrote: its answer must not leave before that passed.
TEST(Keystore, K19_AnUnchangedSuccessWaitsForTheCommitBeforeIt) {
  Fixture f;
  ASSERT_TRUE(f.open());
  HoldingGate gate;
  f.keystore->set_gate(&gate);
  const auto held = [&] {
    const std::lock_guard lock(gate.mutex);
    return gate.held.size();
  };
  std::atomic<int> answered{0};
  const auto count = [&](const Result<CommitInfo>& r) { answered += r ? 1 : 0; };
  f.keystore->submit([](Transaction& t) { return put_key(t, "KEY1", "x"); }, count);
  while (held() < 1) std::this_thread::yield();
  const auto look = [](Transaction& t) -> Status {
    EXPECT_TRUE(TRY(t.get(kKeys, {std::string("KEY1")})));
    return {};
  };
  f.keystore->submit(look, count);
  while (held() < 2) std::this_thread::yield();
  f.keystore->submit_direct(look, count);  // nor does one that is answered at once
  while (held() < 3) std::this_thread::yield();
  EXPECT_EQ(answered, 0);
  {
    const std::lock_guard lock(gate.mutex);
    EXPECT_EQ(gate.held[1].first, gate.held[0].first);
    EXPECT_EQ(gate.held[2].first, gate.held[0].first);
  }
  // A failure, and an answer to the peer, wait for nobody.
  EXPECT_FALSE(f.keystore->write([](Transaction&) { return fail(ErrorCode::kConflict, "no"); }));
  std::promise<bool> done;
  f.keystore->submit_ungated([](Transaction& t) { return put_key(t, "KEY2", "y"); },
                             [&](const Result<CommitInfo>& r) { done.set_value(r.has_value()); });
  EXPECT_TRUE(done.get_future().get());
  EXPECT_EQ(answered, 0);
  while (held() < 4) std::this_thread::yield();  // the ungated change itself goes to the gate too
  std::vector<std::pair<std::uint64_t, std::function<void()>>> all;
  {
    const std::lock_guard lock(gate.mutex);
    all.swap(gate.held);
  }
  for (const auto& [sequence, pass] : all) pass();
  while (answered < 3) std::this_thread::yield();
  // Nothing waits any more: nothing is held.
  EXPECT_TRUE(f.keystore->write([](Transaction&) { return Status(); }));
}

TEST(Keystore, K16_ALogThatEndsBeforeTheKeystoreIsAFault) {
  Fixture f;
  ASSERT_TRUE(f.open());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(add_key(*f.keystore, "KEY" + std::to_string(i), "x"));
  EXPECT_TRUE(f.keystore->verify_log().value().empty());
  f.log.drop_last(2);
  const auto faults = f.keystore->verify_log().value();
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults[0].what.find("missing"), std::string::npos) << faults[0].what;
}

TEST(Keystore, K16_QueueLimitRefusesAtOnce) {
  Fixture f;
  ASSERT_TRUE(f.open());
  std::promise<void> gate;
  std::shared_future<void> opened(gate.get_future());
  std::atomic<int> done{0};
  std::atomic<int> refused{0};
  constexpr int kCount = 5000;  // beyond the default of 4096
  for (int i = 0; i < kCount; ++i) {
    f.keystore->submit(
        [opened](Transaction&) {
          opened.wait();
          return Status();
        },
        [&](const Result<CommitInfo>& result) {
          if (!result && result.error().code == ErrorCode::kUnavailable) ++refused;
          ++done;
        });
  }
  gate.set_value();
  while (done < kCount) std::this_thread::yield();
  EXPECT_GE(refused, kCount - 4096 - 256);
  EXPECT_LE(refused, kCount - 4096);
}

TEST(Keystore, K16_FailedLogStopsTheStore) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "one"));
  EXPECT_TRUE(f.keystore->health());
  f.log.fail_with({ErrorCode::kExhausted, "disk full", {}, {}, 0});
  const auto lost = add_key(*f.keystore, "KEY2", "two");
  ASSERT_FALSE(lost);
  ASSERT_FALSE(f.keystore->health());
  EXPECT_NE(f.keystore->health().error().message.find("disk full"), std::string::npos);
  EXPECT_EQ(lost.error().code, ErrorCode::kUnavailable);
  f.log.clear_fault();
  const auto later = add_key(*f.keystore, "KEY3", "three");
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(later.error().message.find("disk full"), std::string::npos);
  // Opening anew completes the log with the commit that it lacks.
  ASSERT_TRUE(f.open());
  EXPECT_EQ(f.log.last_mark()->sequence, 3U);
  EXPECT_EQ(read_key(*f.keystore, "KEY2").value(), "two");
  EXPECT_EQ(read_key(*f.keystore, "KEY3").value(), "-");
  EXPECT_TRUE(f.keystore->verify().value().empty());
}

TEST(Keystore, K16_MakingThatTheLogMissedIsCompleted) {
  Fixture f;
  f.log.fail_with({ErrorCode::kExhausted, "disk full", {}, {}, 0});
  ASSERT_FALSE(f.open());
  EXPECT_FALSE(f.log.last_mark());
  f.log.clear_fault();
  ASSERT_TRUE(f.open());
  EXPECT_EQ(f.log.last_mark()->sequence, 1U);
  EXPECT_TRUE(f.keystore->verify_log().value().empty());
}

TEST(Keystore, K17_CopyOpensAsItsOwnKeystore) {
  Fixture f;
  ASSERT_TRUE(f.open());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(add_key(*f.keystore, "KEY" + std::to_string(i), "s"));
  const std::string copy = f.directory.file("copy.db");
  ASSERT_TRUE(f.keystore->copy_to(copy));
  const Status again = f.keystore->copy_to(copy);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  KeystoreOptions options;
  options.path = copy;
  options.server = server_id();
  options.tables = f.tables;
  const auto opened = Keystore::open(f.real.env(), options, master_key(), f.log);
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_EQ(read_key(**opened, "KEY7").value(), "s");
}

TEST(Keystore, K16_ManyThreadsWriteAndRead) {
  Fixture f;
  ASSERT_TRUE(f.open());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string alias = "KEY" + std::to_string(t) + "x" + std::to_string(i);
        if (!add_key(*f.keystore, alias, alias)) ++wrong;
        if (read_key(*f.keystore, alias).value_or("error") != alias) ++wrong;
      }
    });
  }
  std::thread verifier([&] {
    for (int i = 0; i < 5; ++i) {
      const auto faults = f.keystore->verify();
      if (!faults || !faults->empty()) ++wrong;
    }
  });
  for (std::thread& thread : threads) thread.join();
  verifier.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(f.keystore->verify().value().empty());
}

}  // namespace
}  // namespace tapewarden::store::testing
