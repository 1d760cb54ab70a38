// What rows say, compared between keystores with different master keys.
#include "crypto/aead.h"
#include "store/store_test_tables.h"

namespace tapewarden::store::testing {
namespace {

class PlainSealer final : public ChangeSealer {
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

PrintRequest all_of(const std::string& table) {
  PrintRequest request;
  request.table = table;
  request.salt.fill(3);
  return request;
}

std::vector<std::string> aliases(const RowPrints& prints) {
  std::vector<std::string> out;
  for (const auto& row : prints.rows) out.push_back(text(row.key, 0));
  return out;
}

TEST(RowPrints, K19_CopiedRowsHaveTheSamePrintsUnderAnotherMasterKey) {
  Fixture a;
  Fixture b;
  b.server = server_id(2);
  ASSERT_TRUE(a.open(7));
  ASSERT_TRUE(b.open(8));
  for (const char* alias : {"A", "B", "C"}) ASSERT_TRUE(add_key(*a.keystore, alias, alias));
  ASSERT_TRUE(a.keystore->write([](Transaction& t) { return t.erase(kKeys, {std::string("B")}); }));
  PlainSealer sealer;
  const auto changes = a.keystore->export_changes({0, 100}, sealer).value();
  ASSERT_TRUE(b.keystore->write([&](Transaction& t) -> Status {
    (void)TRY(b.keystore->apply_changes(t, changes.rows, {a.server, 0, 0}, sealer));
    return {};
  }));
  const auto here = a.keystore->prints(all_of("data_key")).value();
  auto there = b.keystore->prints(all_of("data_key")).value();
  ASSERT_EQ(here.rows.size(), 3U);
  ASSERT_EQ(there.rows.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(here.rows[i].digest, there.rows[i].digest);
  EXPECT_TRUE(here.rows[1].erased);
  // Another salt, another secret, another value: another print. A local note: the same.
  PrintRequest salted = all_of("data_key");
  salted.salt.fill(4);
  EXPECT_NE(a.keystore->prints(salted)->rows[0].digest, here.rows[0].digest);
  ASSERT_TRUE(add_key(*b.keystore, "A", "another"));
  there = b.keystore->prints(all_of("data_key")).value();
  EXPECT_NE(here.rows[0].digest, there.rows[0].digest);
  EXPECT_EQ(here.rows[2].digest, there.rows[2].digest);
}

TEST(RowPrints, K19_RangesAreInTheOrderOfKeysAndBounded) {
  Fixture at;
  ASSERT_TRUE(at.open());
  for (const char* alias : {"D", "A", "C", "B", "E"}) ASSERT_TRUE(add_key(*at.keystore, alias, alias));
  PrintRequest request = all_of("data_key");
  request.limit = 2;
  const auto first = at.keystore->prints(request).value();
  EXPECT_EQ(aliases(first), (std::vector<std::string>{"A", "B"}));
  EXPECT_TRUE(first.cut);
  request.after = first.rows.back().key;
  request.until = Row{std::string("D")};
  const auto second = at.keystore->prints(request).value();
  EXPECT_EQ(aliases(second), (std::vector<std::string>{"C", "D"}));
  EXPECT_FALSE(second.cut);
  PrintRequest named = all_of("data_key");
  named.keys = {{std::string("E")}, {std::string("none")}};
  named.digests = false;
  EXPECT_EQ(aliases(*at.keystore->prints(named)), (std::vector<std::string>{"E"}));
  EXPECT_EQ(at.keystore->replicated_tables(), (std::vector<std::string>{"data_key"}));
}

TEST(RowPrints, K19_WhatStaysHereAndKeysOfNoTableAreRefused) {
  Fixture at;
  ASSERT_TRUE(at.open());
  for (const char* table : {"setting", "tw_meta", "", "data_key\""}) {
    EXPECT_EQ(at.keystore->prints(all_of(table)).error().code, ErrorCode::kInvalidArgument) << table;
  }
  PrintRequest bad = all_of("data_key");
  bad.after = Row{std::int64_t{1}};
  EXPECT_EQ(at.keystore->prints(bad).error().code, ErrorCode::kInvalidArgument);
  bad.after = Row{std::string("A"), std::string("B")};
  EXPECT_EQ(at.keystore->prints(bad).error().code, ErrorCode::kInvalidArgument);
  bad = all_of("data_key");
  bad.keys = {Row{}};
  EXPECT_EQ(at.keystore->prints(bad).error().code, ErrorCode::kInvalidArgument);
}

TEST(RowPrints, K19_WhereTheSendersWordStandsNoVersionGoesBack) {
  Fixture a;
  Fixture b;
  b.server = server_id(2);
  ASSERT_TRUE(a.open(7));
  ASSERT_TRUE(b.open(8));
  ASSERT_TRUE(add_key(*a.keystore, "A", "the same", "of a"));
  ASSERT_TRUE(add_key(*b.keystore, "A", "the same", "of b"));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(add_key(*b.keystore, "A", "the same", "of b " + std::to_string(i)));
  PlainSealer sealer;
  const auto send = [&](Fixture& from, Fixture& to, std::span<const std::string_view> stand) {
    const auto changes = from.keystore->export_changes({0, 100}, sealer).value();
    EXPECT_TRUE(to.keystore->write([&](Transaction& t) -> Status {
      ChangeSource source{from.server, 0, 0};
      source.theirs_stand = stand;
      const auto report = TRY(to.keystore->apply_changes(t, changes.rows, source, sealer));
      EXPECT_TRUE(report.conflicts.empty() || stand.empty());
      return {};
    }));
  };
  const std::array<std::string_view, 1> all{"data_key"};
  send(a, b, all);
  const auto at_b = b.keystore->prints(all_of("data_key")).value().rows.front();
  EXPECT_EQ(at_b.version, 5);
  send(b, a, {});
  const auto at_a = a.keystore->prints(all_of("data_key")).value().rows.front();
  EXPECT_EQ(at_a.digest, at_b.digest);
  ASSERT_TRUE(a.keystore->read([&](Reader& reader) -> Status {
    EXPECT_EQ(text(*TRY(reader.get(kKeys, {std::string("A")})), kGroup), "of a");
    return {};
  }));
}

}  // namespace
}  // namespace tapewarden::store::testing
