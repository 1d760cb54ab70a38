// Rows copied between two keystores, each with its own master key.
#include "crypto/aead.h"
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

struct Pair {
  Pair() {
    b.server = server_id(2);
    EXPECT_TRUE(a.open(7));
    EXPECT_TRUE(b.open(8));
  }
  // Everything that `from` changed since the last call; returns the conflicts.
  std::vector<RowConflict> copy(Fixture& from, Fixture& to, std::uint64_t& after, std::size_t limit = 1000) {
    const std::uint64_t knows = &from == &a ? b_done : a_done;
    std::vector<RowConflict> conflicts;
    while (true) {
      const auto changes = from.keystore->export_changes({after, limit}, sealer);
      EXPECT_TRUE(changes) << changes.error().text();
      if (!changes || (changes->rows.empty() && changes->through == after)) return conflicts;
      EXPECT_GT(changes->through, after);
      const auto written = to.keystore->write([&](Transaction& t) -> Status {
        auto report = TRY(to.keystore->apply_changes(t, changes->rows, {from.server, knows, after}, sealer));
        std::ranges::move(report.conflicts, std::back_inserter(conflicts));
        return {};
      });
      EXPECT_TRUE(written) << written.error().text();
      if (!written) return conflicts;
      after = changes->through;
      if (after == from.keystore->head().sequence) return conflicts;
    }
  }
  std::vector<RowChange> changes(Fixture& from, std::uint64_t after = 0, std::size_t limit = 100) {
    return from.keystore->export_changes({after, limit}, sealer).value().rows;
  }
  Fixture a;
  Fixture b;
  TestSealer sealer;
  std::uint64_t a_done = 0;
  std::uint64_t b_done = 0;
};

TEST(Replication, K19_RowsSecretsAndTombstonesReachThePeer) {
  Pair p;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(add_key(*p.a.keystore, "KEY" + std::to_string(i), "secret " + std::to_string(i)));
  }
  ASSERT_TRUE(p.a.keystore->write([](Transaction& t) { return t.erase(kKeys, {std::string("KEY3")}); }));
  EXPECT_TRUE(p.copy(p.a, p.b, p.a_done, 3).empty());
  for (int i = 0; i < 10; ++i) {
    const std::string expected = i == 3 ? "-" : "secret " + std::to_string(i);
    EXPECT_EQ(read_key(*p.b.keystore, "KEY" + std::to_string(i)).value(), expected);
  }
  EXPECT_TRUE(p.b.keystore->verify().value().empty());
  // What came from the peer does not go back to it.
  const auto back = p.b.keystore->export_changes({0, 100}, p.sealer).value();
  EXPECT_TRUE(back.rows.empty());
  EXPECT_EQ(back.through, p.b.keystore->head().sequence);
  // Asked for rows of every origin it gives them all, a tombstone too.
  EXPECT_EQ(p.b.keystore->export_changes({0, 100, true}, p.sealer).value().rows.size(), 10U);
}

TEST(Replication, K19_NoSecretTravelsInClear) {
  Pair p;
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "needle in the clear"));
  const auto changes = p.changes(p.a);
  ASSERT_EQ(changes.size(), 1U);
  const Bytes& box = blob(changes[0].row, kSecret);
  EXPECT_EQ(as_text(box).find("needle"), std::string_view::npos);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(changes[0].row[kUsed]));
}

TEST(Replication, K19_LocalColumnsStay) {
  Pair p;
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "one"));
  p.copy(p.a, p.b, p.a_done);
  ASSERT_TRUE(p.b.keystore->write([](Transaction& t) -> Status {
    auto row = TRY(t.get(kKeys, {std::string("KEY1")}));
    EXPECT_EQ(integer(*row, kUsed), 0);
    (*row)[kUsed] = std::int64_t{5};
    return t.put(kKeys, *row);
  }));
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "two"));
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "three"));
  p.copy(p.a, p.b, p.a_done);
  EXPECT_EQ(read_key(*p.b.keystore, "KEY1").value(), "three");
  ASSERT_TRUE(p.b.keystore->read([](Reader& reader) -> Status {
    EXPECT_EQ(integer(*TRY(reader.get(kKeys, {std::string("KEY1")})), kUsed), 5);
    return {};
  }));
}

TEST(Replication, K19_ConflictKeepsOneAndReportsTheOther) {
  Pair p;
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "from a"));
  ASSERT_TRUE(add_key(*p.b.keystore, "KEY1", "from b"));
  const auto at_b = p.copy(p.a, p.b, p.a_done);
  const auto at_a = p.copy(p.b, p.a, p.b_done);
  // Same version: the higher origin (b) wins on both. b, where the two met first, tells of a's row; a gets
  // b's, which was kept in knowledge of its own.
  EXPECT_EQ(read_key(*p.a.keystore, "KEY1").value(), "from b");
  EXPECT_EQ(read_key(*p.b.keystore, "KEY1").value(), "from b");
  ASSERT_EQ(at_b.size(), 1U);
  EXPECT_TRUE(at_a.empty());
  EXPECT_EQ(at_b[0].low.origin, p.a.server);
  EXPECT_TRUE(at_b[0].kept_high);
  EXPECT_EQ(at_b[0].low.content.find("from a"), std::string::npos);  // no secret
  EXPECT_TRUE(p.a.keystore->verify().value().empty());
  EXPECT_TRUE(p.b.keystore->verify().value().empty());
}

TEST(Replication, K19_ConcurrentChangesThatAreVersionsApartAreAConflict) {
  Pair p;
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "one"));
  p.copy(p.a, p.b, p.a_done);
  ASSERT_TRUE(add_key(*p.b.keystore, "KEY1", "from b"));
  for (const char* value : {"a 2", "a 3", "a 4"}) ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", value));
  // b receives a later version that was made without knowing b's.
  const auto at_b = p.copy(p.a, p.b, p.a_done);
  ASSERT_EQ(at_b.size(), 1U);
  EXPECT_EQ(at_b[0].low.origin, p.b.server);
  EXPECT_TRUE(at_b[0].kept_high);
  EXPECT_EQ(read_key(*p.b.keystore, "KEY1").value(), "a 4");
  EXPECT_TRUE(p.copy(p.b, p.a, p.b_done).empty());
  EXPECT_EQ(read_key(*p.a.keystore, "KEY1").value(), "a 4");
}

TEST(Replication, K19_WhatIsSentAgainIsNoConflict) {
  Pair p;
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "one"));
  p.copy(p.a, p.b, p.a_done);
  ASSERT_TRUE(add_key(*p.b.keystore, "KEY1", "two"));
  // a's old version comes once more, for example in a full copy: b changed the row in knowledge of it.
  const auto rows = p.changes(p.a);
  ASSERT_TRUE(p.b.keystore->write([&](Transaction& t) -> Status {
    const auto report = TRY(p.b.keystore->apply_changes(t, rows, {p.a.server, p.b_done, p.a_done}, p.sealer));
    EXPECT_TRUE(report.conflicts.empty());
    EXPECT_TRUE(report.changed.empty());
    return {};
  }));
  EXPECT_EQ(read_key(*p.b.keystore, "KEY1").value(), "two");
}

// A table whose merge keeps the larger place and the older group name, whatever the versions say; a row of
// place 9 holds no secret any more.
MergedRow larger_place(const TableSpec&, const RowOpinion& high, const RowOpinion& low, bool) {
  MergedRow out{high.row, Side::kHigh, false};
  out.row[kPlace] = std::max(integer(high.row, kPlace), integer(low.row, kPlace));
  out.row[kGroup] = std::min(text(high.row, kGroup), text(low.row, kGroup));
  if (integer(out.row, kPlace) == 9) out.secrets = Side::kNone;
  return out;
}
const TableSpec& merging_table() {
  static const TableSpec spec = [] {
    TableSpec out = kKeys;
    out.merge = larger_place;
    return out;
  }();
  return spec;
}

struct MergingPair : Pair {
  MergingPair() {
    for (Fixture* side : {&a, &b}) {
      side->tables = {&merging_table(), &kSettings};
      EXPECT_TRUE(side->open(side == &a ? 7 : 8));
    }
  }
  std::string row_text(Fixture& at) {
    std::string out;
    EXPECT_TRUE(at.keystore->read([&](Reader& reader) -> Status {
      const auto row = TRY(reader.get(merging_table(), {std::string("KEY1")}));
      out = text(*row, kGroup) + " " + std::to_string(integer(*row, kPlace));
      return {};
    }));
    return out + " " + read_key(*at.keystore, "KEY1").value_or("gone");
  }
};

TEST(Replication, K10_AMergedRowTravelsBackAndComesToRest) {
  for (const bool a_first : {true, false}) {
    MergingPair p;
    ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "s", "m", 1));
    p.copy(p.a, p.b, p.a_done);
    ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "s", "b", 9));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(add_key(*p.b.keystore, "KEY1", "s", "a", 2 + i));
    if (a_first) p.copy(p.a, p.b, p.a_done);
    p.copy(p.b, p.a, p.b_done);
    p.copy(p.a, p.b, p.a_done);
    p.copy(p.b, p.a, p.b_done);
    EXPECT_EQ(p.row_text(p.a), "a 9 gone");
    EXPECT_EQ(p.row_text(p.b), "a 9 gone");
    // Nothing is left to be said.
    const auto a_head = p.a.keystore->head().sequence;
    const auto b_head = p.b.keystore->head().sequence;
    for (int i = 0; i < 2; ++i) {
      p.copy(p.a, p.b, p.a_done);
      p.copy(p.b, p.a, p.b_done);
    }
    EXPECT_EQ(p.a.keystore->head().sequence, a_head);
    EXPECT_EQ(p.b.keystore->head().sequence, b_head);
    EXPECT_TRUE(p.a.keystore->verify().value().empty());
    EXPECT_TRUE(p.b.keystore->verify().value().empty());
  }
}

TEST(Replication, K19_SameChangeTwiceIsNoChangeAndNoConflict) {
  Pair p;
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "one"));
  p.copy(p.a, p.b, p.a_done);
  const std::uint64_t before = p.b.keystore->head().sequence;
  std::uint64_t again = 0;
  EXPECT_TRUE(p.copy(p.a, p.b, again).empty());
  EXPECT_EQ(p.b.keystore->head().sequence, before);
}

TEST(Replication, K19_ChangesGoBackAndForth) {
  Pair p;
  for (int round = 0; round < 10; ++round) {
    Fixture& from = round % 2 == 0 ? p.a : p.b;
    Fixture& to = round % 2 == 0 ? p.b : p.a;
    ASSERT_TRUE(add_key(*from.keystore, "KEY1", "round " + std::to_string(round)));
    EXPECT_TRUE(p.copy(from, to, round % 2 == 0 ? p.a_done : p.b_done).empty());
    EXPECT_EQ(read_key(*to.keystore, "KEY1").value(), "round " + std::to_string(round));
  }
}

TEST(Replication, K19_UniqueValueThatMovedBetweenRowsArrives) {
  Pair p;
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY2", "x"));
  p.copy(p.a, p.b, p.a_done);
  // In one commit KEY1 (which is sent first) takes over what KEY2 gives up.
  ASSERT_TRUE(p.a.keystore->write([](Transaction& t) -> Status {
    TRY(t.erase(kKeys, {std::string("KEY2")}));
    return t.put(kKeys, {std::string("KEY1"), Bytes(), to_bytes("dki KEY2"), std::string("g"),
                         std::int64_t{0}, std::int64_t{0}});
  }));
  EXPECT_TRUE(p.copy(p.a, p.b, p.a_done).empty());
  EXPECT_EQ(read_key(*p.b.keystore, "KEY2").value(), "-");
}

TEST(Replication, K19_UniqueClashIsAConflict) {
  Pair p;
  const auto put = [](const std::string& alias) {
    return [alias](Transaction& t) {
      return t.put(
          kKeys, {alias, Bytes(), to_bytes("same dki"), std::string("g"), std::int64_t{0}, std::int64_t{0}});
    };
  };
  ASSERT_TRUE(p.a.keystore->write(put("KEYA")));
  ASSERT_TRUE(p.b.keystore->write(put("KEYB")));
  const auto conflicts = p.copy(p.a, p.b, p.a_done);
  ASSERT_EQ(conflicts.size(), 1U);
  EXPECT_NE(conflicts[0].high.content.find("KEYA"), std::string::npos);
  EXPECT_TRUE(p.b.keystore->verify().value().empty());
}

TEST(Replication, K19_CommitLargerThanTheLimitArrivesWhole) {
  Pair p;
  ASSERT_TRUE(add_key(*p.a.keystore, "FIRST", "x"));
  ASSERT_TRUE(p.a.keystore->write([](Transaction& t) -> Status {
    for (int i = 0; i < 50; ++i) TRY(put_key(t, "KEY" + std::to_string(i), "s"));
    return {};
  }));
  const auto expect = [&](std::uint64_t after, std::size_t rows, std::uint64_t through) {
    const auto changes = p.a.keystore->export_changes({after, 10}, p.sealer).value();
    EXPECT_EQ(changes.rows.size(), rows);
    EXPECT_EQ(changes.through, through);
  };
  expect(0, 1, 2);
  expect(2, 50, 3);
  expect(3, 0, 3);
}

TEST(Replication, K19_BadChangesAreRefused) {
  Pair p;
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "x"));
  const auto good = p.changes(p.a);
  const auto apply = [&](const std::function<void(RowChange&)>& spoil) {
    std::vector<RowChange> changes = good;
    spoil(changes[0]);
    return p.b.keystore->write([&](Transaction& t) -> Status {
      TRY(p.b.keystore->apply_changes(t, changes, {p.a.server}, p.sealer));
      return {};
    });
  };
  const auto refused = [&](const std::function<void(RowChange&)>& spoil) {
    const auto result = apply(spoil);
    EXPECT_FALSE(result);
    EXPECT_EQ(p.b.keystore->head().sequence, 1U);
    return result ? ErrorCode::kInternal : result.error().code;
  };
  EXPECT_EQ(refused([](RowChange& c) { c.table = "nothing"; }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused([](RowChange& c) { c.table = "setting"; }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused([](RowChange& c) { c.row.pop_back(); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused([](RowChange& c) { c.row[kAlias] = Value(); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused([](RowChange& c) { c.row[kAlias] = std::string("KEY2"); }), ErrorCode::kCorrupt);
  EXPECT_TRUE(apply([](RowChange&) {}));
}

TEST(Replication, K19_ARowBeyondThePeersRightsChangesNothingAndIsNamed) {
  TableSpec strict = kKeys;
  strict.peer = {
      .may_erase = false, .fixed = {"secret", "dki"}, .check = [](const TableSpec&, const IncomingRow& in) {
        return text(in.row, kGroup) == "bad" ? Status(fail(ErrorCode::kPermissionDenied, "a bad group"))
                                             : Status();
      }};
  Pair p;
  p.b.tables = {&strict, &kSettings};
  ASSERT_TRUE(p.b.open(8));
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "x"));
  EXPECT_TRUE(p.copy(p.a, p.b, p.a_done).empty());
  ASSERT_TRUE(add_key(*p.a.keystore, "KEY1", "x", "other"));
  const auto good = p.changes(p.a, p.a_done);
  const auto head = p.b.keystore->head();
  // Whether it is refused, and why.
  const auto why = [&](const std::function<void(RowChange&)>& spoil) {
    std::vector<RowChange> changes = good;
    spoil(changes[0]);
    ApplyReport report;
    EXPECT_TRUE(p.b.keystore->write([&](Transaction& t) -> Status {
      report = TRY(p.b.keystore->apply_changes(t, changes, {p.a.server}, p.sealer));
      return {};
    }));
    if (report.refused.empty()) return std::string();
    EXPECT_EQ(p.b.keystore->head(), head);
    EXPECT_TRUE(report.changed.empty());
    EXPECT_EQ(report.refused.front().place, 0U);
    EXPECT_EQ(report.refused.front().another, report.refused.front().why.contains("written once"));
    return report.refused.front().why;
  };
  const auto told = [](const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
  };
  EXPECT_TRUE(told(why([](RowChange& c) { c.version = 0; }), "version"));
  EXPECT_TRUE(told(why([](RowChange& c) { c.version = INT64_MAX; }), "version"));
  EXPECT_TRUE(told(why([](RowChange& c) { c.version = std::int64_t{1} << 40; }), "far beyond"));
  EXPECT_TRUE(told(why([&](RowChange& c) { c.origin = p.b.server; }), "another server's word"));
  EXPECT_TRUE(told(why([](RowChange& c) { c.row[kGroup] = std::int64_t{1}; }), "another type"));
  EXPECT_TRUE(told(why([](RowChange& c) { c.row[kDki] = Value(); }), "another type"));
  EXPECT_TRUE(told(why([](RowChange& c) { c.row[kGroup] = std::string(2U << 20, 'x'); }), "too long"));
  EXPECT_TRUE(told(why([](RowChange& c) { c.row[kAlias] = std::string(5000, 'x'); }), "key is too long"));
  EXPECT_TRUE(told(why([](RowChange& c) { c.row[kDki] = to_bytes("mine"); }), "written once"));
  EXPECT_TRUE(told(why([](RowChange& c) { c.row[kGroup] = std::string("bad"); }), "a bad group"));
  EXPECT_TRUE(told(why([](RowChange& c) {
                     c.erased = true;
                     for (std::size_t i = 1; i < c.row.size(); ++i) c.row[i] = Value();
                   }),
                   "never erased"));
  EXPECT_TRUE(told(why([&](RowChange& c) {
                     const Bytes place = secret_place(kKeys, key_of(kKeys, c.row), "secret");
                     c.row[kSecret] = p.sealer.seal(place, secret_of("another"));
                   }),
                   "written once"));
  EXPECT_EQ(why([](RowChange&) {}), "");
  EXPECT_EQ(read_key(*p.b.keystore, "KEY1").value(), "x");
  EXPECT_TRUE(p.b.keystore->verify().value().empty());
}

}  // namespace
}  // namespace tapewarden::store::testing
