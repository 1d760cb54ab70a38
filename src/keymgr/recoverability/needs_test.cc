// K26: what a cartridge needs to be read.
#include "keymgr/recoverability/needs.h"

#include <gtest/gtest.h>

#include "keymgr/recoverability/limits.h"

namespace tapewarden::keymgr::recoverability {
namespace {

Hash256 kek(std::uint8_t number) {
  Hash256 out{};
  out.fill(number);
  return out;
}

LedgerEntry row(std::int64_t when, Purpose purpose, LedgerState state = LedgerState::kIssued) {
  LedgerEntry out;
  out.volume.bytes.fill(7);
  out.volser = "VOL001";
  out.sequence = when;
  out.purpose = purpose;
  out.state = state;
  out.issued = from_millis(when);
  out.drive = "000000000001";
  return out;
}

LedgerEntry identified(std::int64_t when, const std::string& alias, LedgerState state = LedgerState::kIssued,
                       Purpose purpose = Purpose::kWrite) {
  LedgerEntry out = row(when, purpose, state);
  out.method = Method::kIdentifiedKey;
  out.alias = alias;
  out.group = "DAILY";
  return out;
}

LedgerEntry wrapped(std::int64_t when, std::uint8_t key, std::uint8_t first, std::uint8_t second = 0,
                    Purpose purpose = Purpose::kWrite, LedgerState state = LedgerState::kConfirmed) {
  LedgerEntry out = row(when, purpose, state);
  out.method = Method::kWrappedKey;
  out.kcv = Bytes(8, key);
  out.kek_1 = to_bytes(ByteView(kek(first)));
  if (second != 0) out.kek_2 = to_bytes(ByteView(kek(second)));
  out.label_1.label = "ARCHIVE";
  return out;
}

CartridgeFacts facts(std::vector<LedgerEntry> rows) {
  auto out = facts_of(std::move(rows),
                      [](const LedgerEntry& entry) { return Result<std::int64_t>(1000 + entry.sequence); });
  EXPECT_TRUE(out);
  return out.value_or(CartridgeFacts{});
}

std::vector<std::string> aliases(const CartridgeFacts& facts) {
  std::vector<std::string> out;
  for (const Need& need : facts.needs) {
    if (need.data_key) out.push_back(need.data_key->alias().value_or("?"));
  }
  return out;
}

TEST(Needs, K26_AConfirmedWriteMakesWhatWasBeforeUnnecessary) {
  const auto out =
      facts({identified(1, "OLD", LedgerState::kConfirmed), identified(2, "NEW", LedgerState::kConfirmed),
             identified(3, "NEW", LedgerState::kIssued, Purpose::kRead)});
  EXPECT_EQ(aliases(out), std::vector<std::string>{"NEW"});
  EXPECT_EQ(out.pool, "group:DAILY");
  EXPECT_EQ(out.newest.sequence, 3);
}

TEST(Needs, K26_TheClocksOfTwoServersDoNotTellWhichWriteCameLater) {
  const std::int64_t apart = std::chrono::milliseconds(kClocksApart).count();
  const auto at_both = [](std::int64_t when) {
    auto other = identified(when, "OTHER", LedgerState::kConfirmed);
    other.server.bytes.fill(9);
    return facts({identified(1, "HERE", LedgerState::kConfirmed), other,
                  identified(0, "OLD", LedgerState::kConfirmed)});
  };
  EXPECT_EQ(aliases(at_both(1 + apart)), (std::vector<std::string>{"HERE", "OTHER"}));
  EXPECT_EQ(aliases(at_both(2 + apart)), std::vector<std::string>{"OTHER"});
}

TEST(Needs, K26_AWriteThatNobodyConfirmedNeedsBothKeys) {
  const auto out = facts({identified(1, "OLD", LedgerState::kConfirmed), identified(2, "NEW")});
  EXPECT_EQ(aliases(out), (std::vector<std::string>{"NEW", "OLD"}));
}

TEST(Needs, K26_AnyKekOfTheSameDataKeyWillDo) {
  const auto out = facts({wrapped(1, 5, 1, 2)});
  ASSERT_EQ(out.needs.size(), 1U);
  EXPECT_EQ(out.needs[0].keks, (std::vector<Alternative>{{kek(1), 0}, {kek(2), 0}}));
  EXPECT_EQ(out.pool, "label:ARCHIVE");
}

TEST(Needs, K26_ARekeyThatNobodyConfirmedLeavesBothInDoubt) {
  const auto rekeyed = wrapped(2, 5, 3, 0, Purpose::kRekey, LedgerState::kIssued);
  const auto out = facts({wrapped(1, 5, 1), rekeyed});
  ASSERT_EQ(out.needs.size(), 1U);
  EXPECT_EQ(out.needs[0].keks, (std::vector<Alternative>{{kek(1), 1001}, {kek(3), 1002}}));
}

TEST(Needs, K26_EedksThatStandInTheLedgerAloneNeedItsRow) {
  auto rekeyed = wrapped(2, 5, 3, 0, Purpose::kRekey, LedgerState::kIssued);
  rekeyed.drive.clear();
  const auto out = facts({wrapped(1, 5, 1), rekeyed});
  ASSERT_EQ(out.needs.size(), 1U);
  EXPECT_EQ(out.needs[0].keks, (std::vector<Alternative>{{kek(1), 0}, {kek(3), 1002}}));
}

TEST(Needs, K26_WhatADriveHasReplacedOnTheCartridgeStandsInTheLedgerAlone) {
  const auto out = facts({wrapped(1, 5, 1), wrapped(2, 5, 3, 0, Purpose::kRekey)});
  ASSERT_EQ(out.needs.size(), 1U);
  EXPECT_EQ(out.needs[0].keks, (std::vector<Alternative>{{kek(1), 1001}, {kek(3), 0}}));
}

TEST(Needs, K26_AReadTellsTheKekOfACartridgeFromElsewhere) {
  const auto foreign = facts({wrapped(1, 5, 4, 0, Purpose::kRead, LedgerState::kIssued)});
  ASSERT_EQ(foreign.needs.size(), 1U);
  EXPECT_EQ(foreign.needs[0].keks, (std::vector<Alternative>{{kek(4), 0}}));
  // Of one that was written here it may have been the ledger's EEDK that opened.
  const auto own = facts({wrapped(1, 5, 1), wrapped(2, 5, 4, 0, Purpose::kRead, LedgerState::kIssued)});
  ASSERT_EQ(own.needs.size(), 1U);
  EXPECT_EQ(own.needs[0].keks, (std::vector<Alternative>{{kek(1), 0}}));
}

TEST(Needs, K26_ARecordThatNamesNoKeyIsANeedThatNobodyMeets) {
  auto unknown = identified(1, "", LedgerState::kImported);
  const auto out = facts({unknown});
  ASSERT_EQ(out.needs.size(), 1U);
  EXPECT_FALSE(out.needs[0].data_key);
  EXPECT_TRUE(out.needs[0].keks.empty());
  auto label = wrapped(1, 0, 1, 0, Purpose::kWrite, LedgerState::kImported);
  label.kcv.clear();
  label.kek_1.clear();
  EXPECT_TRUE(facts({label}).needs.at(0).keks.empty());
}

TEST(Needs, K26_CartridgesWithoutAUuidAreToldByTheirVolser) {
  auto a = identified(1, "A");
  a.volume = {};
  auto b = a;
  b.volser = "vol001";
  EXPECT_EQ(cartridge_id(a), cartridge_id(b));
  b.volser = "VOL002";
  EXPECT_NE(cartridge_id(a), cartridge_id(b));
  EXPECT_EQ(cartridge_id(identified(1, "A")), CartridgeId(Uuid(identified(1, "A").volume).bytes));
}

}  // namespace
}  // namespace tapewarden::keymgr::recoverability
