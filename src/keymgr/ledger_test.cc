// K12: the key ledger.
#include "keymgr/ledger.h"

#include <gtest/gtest.h>
#include <set>

#include "eedk/ekm_code.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

struct LedgerSite : ::testing::Test {
  LedgerSite() {
    EXPECT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
    EXPECT_TRUE(m().create_group(operator_(), "g", {}));
    EXPECT_TRUE(m().generate_keys(operator_(), 9, "ABC", "g"));
    EXPECT_TRUE(m().set_default_group(operator_(), "g"));
  }
  KeyManager& m() { return server.manager(); }
  KeyAnswer write(const std::string& volser, Uuid volume = random_uuid()) {
    auto request = drive.request(Intent::kWrite, volume);
    request.volser = volser;
    auto answer = server.ask(request);
    EXPECT_TRUE(answer) << answer.error().text();
    return answer.value_or(KeyAnswer{});
  }
  std::size_t count(const LedgerQuery& query) { return m().query_ledger(query, {})->items.size(); }

  TestServer server;
  TestDrive drive{"000000000001"};
};

TEST_F(LedgerSite, K12_AsksBothWays) {
  const Uuid volume = random_uuid();
  const auto answer = write("vol001", volume);
  write("VOL002");
  EXPECT_EQ(count({.volser = "VOL001"}), 1U);
  EXPECT_EQ(count({.volume = volume}), 1U);
  EXPECT_EQ(count({.alias = answer.alias}), 1U);
  EXPECT_EQ(count({.drive = drive.serial()}), 2U);
  EXPECT_EQ(count({.volser = "VOL001", .alias = "OTHER"}), 0U);
  EXPECT_EQ(count({.label = "none"}), 0U);
  const auto entry = m().query_ledger({.volser = "VOL001"}, {})->items.front();
  EXPECT_EQ(entry.state, LedgerState::kIssued);
  EXPECT_EQ(entry.purpose, Purpose::kWrite);
  EXPECT_EQ(entry.dki, to_bytes(answer.dki->view()));
  EXPECT_EQ(entry.server, server.id());
}

TEST_F(LedgerSite, K12_LabelsAndKeksAreFoundInEitherColumn) {
  Hash256 first{};
  first.fill(1);
  Hash256 second{};
  second.fill(2);
  const auto add = [&](const std::string& volser, LedgerEntry entry) {
    server.clock.advance(std::chrono::seconds(1));
    entry.volser = volser;
    entry.volume = random_uuid();
    entry.method = Method::kWrappedKey;
    entry.drive = drive.serial();
    ASSERT_TRUE(server.write([&](store::Transaction& t) -> Status {
      TRY(m().ledger().add(t, entry));
      return {};
    }));
  };
  LedgerEntry both;
  both.label_1.label = "Main";
  both.label_2.label = "Main";
  both.kek_1 = both.kek_2 = to_bytes(ByteView(first));
  LedgerEntry crossed = both;
  crossed.label_1.label = "Other";
  crossed.kek_1 = to_bytes(ByteView(second));
  add("A", both);
  add("B", crossed);
  add("C", both);
  add("D", crossed);
  add("E", {});
  const auto volsers = [&](const LedgerQuery& query, std::size_t pages_of = 100) {
    std::string out;
    PageRequest page{.limit = pages_of, .after = ""};
    do {
      const auto part = m().query_ledger(query, page);
      EXPECT_TRUE(part);
      for (const auto& entry : part->items) out += entry.volser;
      page.after = part->next;
    } while (!page.after.empty());
    return out;
  };
  for (const std::size_t pages_of : {1U, 2U, 3U, 100U}) {
    EXPECT_EQ(volsers({.label = "main"}, pages_of), "DCBA");
    EXPECT_EQ(volsers({.label = "other"}, pages_of), "DB");
    EXPECT_EQ(volsers({.kek = first}, pages_of), "DCBA");
    EXPECT_EQ(volsers({.kek = second}, pages_of), "DB");
    EXPECT_EQ(volsers({.label = "main", .kek = second}, pages_of), "DB");
  }
  EXPECT_EQ(volsers({.label = "other", .kek = first, .drive = drive.serial()}), "DB");
  EXPECT_EQ(volsers({.volser = "A", .label = "other"}), "");
}

TEST_F(LedgerSite, K12_TimeRangesAndPages) {
  for (int i = 0; i < 5; ++i) write("VOL00" + std::to_string(i));
  const WallTime later = m().context().now() + std::chrono::hours(1);
  server.clock.advance(std::chrono::hours(2));
  write("VOL009");
  EXPECT_EQ(count({.from = later}), 1U);
  EXPECT_EQ(count({.until = later}), 5U);
  std::vector<std::string> seen;
  PageRequest page{.limit = 2, .after = ""};
  do {
    const auto part = m().query_ledger({}, page);
    ASSERT_TRUE(part) << part.error().text();
    for (const auto& entry : part->items) seen.push_back(entry.volser);
    page.after = part->next;
  } while (!page.after.empty());
  EXPECT_EQ(seen, (std::vector<std::string>{"VOL009", "VOL004", "VOL003", "VOL002", "VOL001", "VOL000"}));
  EXPECT_FALSE(m().query_ledger({}, {.limit = 2, .after = "nonsense"}));
  EXPECT_FALSE(m().query_ledger({}, {.limit = 2, .after = "1/2/3"}));
}

TEST_F(LedgerSite, K12_ConfirmIsIdempotentAndBoundToDriveAndVolume) {
  const Uuid volume = random_uuid();
  const auto answer = write("VOL001", volume);
  auto confirm = drive.request(Intent::kConfirm, volume);
  confirm.confirms = answer.ledger;
  for (int i = 0; i < 2; ++i) {
    const auto done = server.ask(confirm);
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_EQ(done->ledger, answer.ledger);
  }
  const auto entry = m().query_ledger({.volser = "VOL001"}, {})->items.front();
  EXPECT_EQ(entry.state, LedgerState::kConfirmed);
  EXPECT_NE(entry.confirmed, kNever);
  auto wrong = confirm;
  wrong.volume = random_uuid();
  EXPECT_EQ(eedk::ekm_code_of(server.ask(wrong).error()), eedk::EkmCode::kProhibited);
  wrong = confirm;
  wrong.confirms.sequence = 999;
  EXPECT_EQ(eedk::ekm_code_of(server.ask(wrong).error()), eedk::EkmCode::kMessageOutOfSequence);
}

TEST_F(LedgerSite, K12_SequencesAreNeverReused) {
  std::set<std::int64_t> sequences;
  for (int i = 0; i < 3; ++i) {
    sequences.insert(write("VOL001").ledger.sequence);
    server.restart();
  }
  EXPECT_EQ(sequences, (std::set<std::int64_t>{1, 2, 3}));
}

TEST_F(LedgerSite, K3_TheForecastFollowsTheLedger) {
  EXPECT_FALSE(m().group("g")->exhausted_on);
  for (int i = 0; i < 3; ++i) {
    write("VOL00" + std::to_string(i));
    server.clock.advance(std::chrono::hours(24));
  }
  const auto status = m().group("g");
  ASSERT_TRUE(status->exhausted_on);
  const auto days =
      std::chrono::duration_cast<std::chrono::hours>(*status->exhausted_on - m().context().now()).count() /
      24;
  EXPECT_EQ(status->remaining, 6);
  EXPECT_EQ(days, 6) << "three keys in three days, six are left";
}

TEST_F(LedgerSite, K12_EveryPurposeLeavesARow) {
  const auto answer = write("VOL001");
  for (const Intent intent : {Intent::kRead, Intent::kAppend}) {
    auto request = drive.request(intent, random_uuid());
    request.dki = answer.dki;
    ASSERT_TRUE(server.ask(request));
    ASSERT_TRUE(server.ask(request)) << "a retry adds no row";
  }
  EXPECT_EQ(count({.alias = answer.alias}), 3U);
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
