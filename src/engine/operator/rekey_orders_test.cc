// Asking for other key labels, and whether a KEK is still needed (row K9).
#include "engine/operator/rekey_orders.h"

#include "engine/catalogue/catalogue_test_kit.h"

namespace tapewarden::engine::testing {
namespace {

using Labels = std::array<KeyLabel, 2>;

const Labels kOld{KeyLabel{"OLD", LabelMode::kClear}, KeyLabel{}};
const Labels kBoth{KeyLabel{"old", LabelMode::kHash}, KeyLabel{"DR", LabelMode::kClear}};
const Labels kNew{KeyLabel{"NEW", LabelMode::kClear}, KeyLabel{"DR", LabelMode::kHash}};

struct FakeNames final : KeyNameCheck {
  Result<std::vector<std::string>> check_labels(const std::vector<std::string>& labels) override {
    if (away) return fail(ErrorCode::kUnavailable, "no key server answers");
    for (const auto& label : labels) {
      asked.push_back(label);
      if (label == "UNKNOWN") return fail(ErrorCode::kNotFound, "keys1 does not know UNKNOWN", "label 1");
    }
    return notes;
  }
  Result<std::vector<std::string>> check_group(const std::string&) override {
    return std::vector<std::string>{};
  }
  bool away = false;
  std::vector<std::string> notes{};
  std::vector<std::string> asked;
};

struct RekeyOrders : ::testing::Test {
  void add(const std::string& barcode, std::uint8_t pool = 1, const Labels& labels = kOld,
           CartridgeState state = CartridgeState::kFull) {
    auto put = cartridge(barcode, pool, state);
    put.medium = 1;
    put.encryption = MediumEncryption::kWrapped;
    put.labels = labels;
    ASSERT_TRUE(box.put(put));
  }
  Result<RekeyOrdered> ask(const RekeyOrder& order) { return request_rekey(*box, names, order); }
  std::vector<std::string> lines(const RekeyOrder& order) {
    std::vector<std::string> out;
    const auto done = ask(order);
    EXPECT_TRUE(done) << done.error().text();
    if (!done) return out;
    for (const auto& line : done->lines) out.push_back(line.barcode + ": " + line.outcome);
    return out;
  }
  RekeyRequest asked_of(const std::string& barcode) { return box->cartridge(barcode)->rekey; }
  KekRetirement retirement(const std::string& label) {
    auto found = kek_retirement(*box, label);
    EXPECT_TRUE(found) << found.error().text();
    return *found;
  }
  Box box;
  FakeNames names;
};

TEST_F(RekeyOrders, K9_APoolsCartridgesAreAskedForOneByOne) {
  add("A");
  add("B", 1, kBoth, CartridgeState::kFilling);
  add("C", 1, kNew);
  add("D", 1, kOld, CartridgeState::kEjected);
  add("E", 1, kOld, CartridgeState::kDamaged);
  add("F", 1, kOld, CartridgeState::kScratch);
  add("G", 2);
  ASSERT_TRUE(box.put(cartridge("H")));
  EXPECT_EQ(lines({.pool = 1, .labels = kNew}),
            (std::vector<std::string>{"A: asked for", "B: asked for", "C: it has these labels",
                                      "D: asked for: done when it is back in the library",
                                      "E: it is damaged: have its content moved to another cartridge"}));
  for (const auto* barcode : {"A", "B", "D"}) EXPECT_EQ(asked_of(barcode).labels, kNew) << barcode;
  for (const auto* barcode : {"C", "E", "F", "G", "H"}) EXPECT_FALSE(asked_of(barcode).wanted()) << barcode;
  EXPECT_EQ(names.asked, (std::vector<std::string>{"NEW", "DR"}));
  EXPECT_EQ(lines({.pool = 1, .labels = kNew, .again = true}).at(2), "C: asked for");
  box.expect_sound();
}

TEST_F(RekeyOrders, K9_EveryCartridgeOfALargePoolIsMet) {
  ASSERT_TRUE(box->change([](CatalogueChange& change) -> Status {
    for (int i = 0; i < 450; ++i) {
      auto put = cartridge("P" + std::to_string(1000 + i));
      put.encryption = MediumEncryption::kWrapped;
      put.labels = kOld;
      TRY(change.put(put));
    }
    return {};
  }));
  EXPECT_EQ(lines({.pool = 1, .labels = kNew}).size(), 450U);
  EXPECT_EQ(retirement("OLD").uses.at(0).asked, 450U);
}

TEST_F(RekeyOrders, K9_WhatStandsOpenIsToldWithWhatHoldsItUp) {
  add("A");
  add("B", 1, kOld, CartridgeState::kEjected);
  add("C");
  add("D", 2);
  (void)lines({.pool = 1, .labels = kNew});
  (void)lines({.pool = 2, .labels = kNew});
  Notices notices(box.clock(), nullptr);
  notices.raise(NoticeKind::kRekeyRefused, "C", "the key server refuses");
  notices.raise(NoticeKind::kRekeyRefused, "D", "another pool's");
  const auto progress = rekey_progress(*box, notices, 1);
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->asked, 3U);
  EXPECT_EQ(progress->waiting, 1U);
  EXPECT_EQ(progress->refused, 1U);
  const auto page = rekeys_standing(*box, notices, 1, {.limit = 2});
  ASSERT_TRUE(page && page->items.size() == 2U);
  EXPECT_EQ(page->next, "B");
  EXPECT_EQ(page->items[0].problem, "");
  EXPECT_EQ(page->items[0].cartridge.rekey.labels, kNew);
  EXPECT_EQ(page->items[1].problem, "it is ejected");
  EXPECT_EQ(rekeys_standing(*box, notices, 1, {.after = page->next})->items.at(0).problem,
            "the key server refuses");
}

TEST_F(RekeyOrders, K9_NamedCartridgesGetALineEach) {
  add("A");
  add("B", 2);
  ASSERT_TRUE(box.put(cartridge("C")));
  EXPECT_EQ(lines({.pool = 1, .barcodes = {"A", "B", "C", "Z"}, .labels = kNew}),
            (std::vector<std::string>{"A: asked for", "B: it is in pool 2",
                                      "C: it holds nothing under a key that is wrapped for labels",
                                      "Z: there is no such physical volume"}));
  EXPECT_EQ(lines({.barcodes = {"A"}}), std::vector<std::string>{"A: keeps the labels that it has"});
  EXPECT_FALSE(asked_of("A").wanted());
  (void)lines({.barcodes = {"A"}, .labels = kNew});
  EXPECT_EQ(lines({.barcodes = {"A"}, .labels = kOld}),
            std::vector<std::string>{"A: it has these labels; what was asked for is taken back"});
  EXPECT_FALSE(asked_of("A").wanted());
}

TEST_F(RekeyOrders, K9_EveryAnswerSaysThatNothingIsRevoked) {
  add("A");
  EXPECT_EQ(ask({.barcodes = {"A"}, .labels = kNew})->notes.back(), kRekeyRevokesNothing);
  auto pool = default_pools()[1];
  pool.encryption = PoolEncryption::kWrapped;
  pool.media = MediumKind::k3592;
  pool.labels = kOld;
  ASSERT_TRUE(box.put(pool));
  const auto notes = ask({.pool = 1, .labels = kNew})->notes;
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_NE(notes[0].find("OLD (clear)"), std::string::npos) << notes[0];
}

TEST_F(RekeyOrders, K9_BadOrdersChangeNothing) {
  add("A");
  const auto field = [&](const RekeyOrder& order) { return ask(order).error().field; };
  EXPECT_EQ(field({.labels = kNew}), "barcodes");
  EXPECT_EQ(field({.barcodes = {"a b"}, .labels = kNew}), "barcodes");
  EXPECT_EQ(field({.barcodes = std::vector<std::string>(1001, "A"), .labels = kNew}), "barcodes");
  EXPECT_EQ(field({.pool = 1, .labels = {KeyLabel{}, KeyLabel{"NEW", LabelMode::kClear}}}), "label 1");
  EXPECT_EQ(field({.pool = 1, .labels = {KeyLabel{"X"}, KeyLabel{"x"}}}), "label 2");
  EXPECT_EQ(field({.pool = 1, .labels = {KeyLabel{" X"}, KeyLabel{}}}), "label 1");
  EXPECT_EQ(ask({.pool = 1, .labels = {KeyLabel{"UNKNOWN"}, KeyLabel{}}, .unchecked = true}).error().code,
            ErrorCode::kNotFound);
  names.away = true;
  EXPECT_EQ(ask({.pool = 1, .labels = kNew}).error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(asked_of("A").wanted());
  EXPECT_EQ(ask({.pool = 1, .labels = kNew, .unchecked = true})->notes.at(0),
            "No key server could be asked whether it knows the labels: no key server answers");
  EXPECT_TRUE(asked_of("A").wanted());
  EXPECT_TRUE(ask({.pool = 1})) << "to take back nobody is asked";
  EXPECT_FALSE(asked_of("A").wanted());
}

TEST_F(RekeyOrders, K9_WhoStillNeedsAKekIsCountedByPoolAndState) {
  add("A");
  add("B");
  add("C", 1, kBoth);
  add("D", 2, kOld, CartridgeState::kExported);
  add("E", 2, kOld, CartridgeState::kScratch);
  add("F", 2, kOld, CartridgeState::kAwaitingErase);
  add("G", 3, kNew);
  (void)lines({.barcodes = {"B"}, .labels = kNew});
  const auto found = retirement("Old");
  ASSERT_EQ(found.uses.size(), 2U);
  EXPECT_EQ(found.uses[0].pool, 1);
  EXPECT_EQ(found.uses[0].only_way, 2U);
  EXPECT_EQ(found.uses[0].asked, 1U);
  EXPECT_EQ(found.uses[0].one_of_two, 1U);
  EXPECT_EQ(found.uses[0].first + found.uses[0].last, "AB");
  EXPECT_EQ(found.uses[1].state, CartridgeState::kExported);
  EXPECT_EQ(found.only_way, 3U);
  EXPECT_TRUE(found.needed());
  EXPECT_NE(found.verdict().find("3 cartridges can be read by the KEK Old alone"), std::string::npos);
  const auto other = retirement("DR");
  EXPECT_EQ(other.only_way, 0U);
  EXPECT_FALSE(other.needed());
  EXPECT_NE(other.verdict().find("No cartridge of this engine needs the KEK DR"), std::string::npos);
}

TEST_F(RekeyOrders, K9_LabelsThatNobodyKnowsMeanNoLeave) {
  add("A", 1, Labels{});
  const auto found = retirement("OLD");
  EXPECT_TRUE(found.needed());
  EXPECT_EQ(found.unknown, 1U);
  EXPECT_EQ(found.first_unknown, "A");
  EXPECT_NE(found.verdict().find("does not know the labels"), std::string::npos);
}

TEST_F(RekeyOrders, K9_PoolsThatStillWriteWithItAreNamed) {
  auto pool = default_pools()[4];
  pool.encryption = PoolEncryption::kWrapped;
  pool.media = MediumKind::k3592;
  pool.labels = kBoth;
  ASSERT_TRUE(box.put(pool));
  EXPECT_EQ(retirement("OLD").pools, std::vector<std::uint8_t>{4});
  EXPECT_EQ(kek_retirement(*box, "").error().field, "label");
  EXPECT_EQ(kek_retirement(*box, std::string(65, 'x')).error().field, "label");
}

}  // namespace
}  // namespace tapewarden::engine::testing
