// K26: which places open which cartridge.
#include "keymgr/recoverability/survey.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace tapewarden::keymgr::recoverability {
namespace {

eedk::DataKeyIdentifier dki(const std::string& alias) {
  return eedk::DataKeyIdentifier::from_alias(alias).value();
}
Hash256 kek(std::uint8_t number) {
  Hash256 out{};
  out.fill(number);
  return out;
}

struct Site : ::testing::Test {
  Site() {
    add(PlaceKind::kServer, "server:primary", "A");
    add(PlaceKind::kPeer, "server:secondary", "B", 100);
    add(PlaceKind::kBackup, "target:vault", "C", 50);
  }
  Place& add(PlaceKind kind, const std::string& name, const std::string& domain, std::int64_t through = 0) {
    Place place{.kind = kind, .name = name, .domain = domain};
    place.through = through;
    places.all.push_back(place);
    return places.all.back();
  }
  KeyFacts key(const std::string& alias, std::int64_t since, std::uint8_t number = 1) {
    KeyFacts out;
    out.id.bytes.fill(number);
    out.dki = dki(alias);
    out.fingerprint.fill(number);
    out.since = since;
    return out;
  }
  Number cartridge(std::vector<Need> needs, std::uint8_t number = 1) {
    CartridgeFacts out;
    out.id.fill(number);
    out.pool = "group:DAILY";
    out.needs = std::move(needs);
    catalogue.put(out);
    return catalogue.find(out.id);
  }
  std::vector<std::string> opened(Number number, const Without& without = {}) {
    const auto survey = Survey::make(catalogue, places, faults, without);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < places.all.size(); ++i) {
      if (survey.of(number).places.test(i)) out.push_back(places.all[i].name);
    }
    return out;
  }
  std::size_t independent(Number number) {
    return Survey::make(catalogue, places, faults).of(number).independent;
  }
  using Names = std::vector<std::string>;

  Catalogue catalogue;
  Places places;
  Faults faults;
};

TEST_F(Site, K26_APlaceHasTheKeysOfTheCommitsThatItHas) {
  const Number tape = cartridge({{dki("KEY"), {}}});
  EXPECT_EQ(opened(tape), Names{}) << "the ledger names a key that nobody holds";
  catalogue.put(key("KEY", 101));
  EXPECT_EQ(opened(tape), Names{"server:primary"});
  catalogue.put(key("KEY", 100));
  EXPECT_EQ(opened(tape), (Names{"server:primary", "server:secondary"}));
  catalogue.put(key("KEY", 50));
  EXPECT_EQ(opened(tape), (Names{"server:primary", "server:secondary", "target:vault"}));
  catalogue.put(key("KEY", 120));
  EXPECT_EQ(independent(tape), 3U) << "a later change of the row does not make the key younger";
}

TEST_F(Site, K26_AKeyThatLivesIsMissedThoughTheOtherInDoubtWasDestroyed) {
  auto old = key("OLD", 1, 1);
  old.destroyed = true;
  catalogue.put(old);
  catalogue.put(key("NEW", 200, 2));
  Number tape = kNone;
  for (const bool older_first : {false, true}) {
    std::vector<Need> needs{{dki("NEW"), {}}, {dki("OLD"), {}}};
    if (older_first) std::ranges::reverse(needs);
    tape = cartridge(needs);
    EXPECT_EQ(opened(tape), Names{"server:primary"});
    EXPECT_FALSE(Survey::make(catalogue, places, faults).of(tape).destroyed);
  }
  auto both = key("NEW", 200, 2);
  both.destroyed = true;
  catalogue.put(both);
  EXPECT_TRUE(Survey::make(catalogue, places, faults).of(tape).destroyed);
}

TEST_F(Site, K26_PlacesOfOneFailureDomainCountOnce) {
  catalogue.put(key("KEY", 1));
  const Number tape = cartridge({{dki("KEY"), {}}});
  EXPECT_EQ(independent(tape), 3U);
  places.all[2].domain = "A";
  EXPECT_EQ(independent(tape), 2U);
  places.all[1].counts = false;
  EXPECT_EQ(independent(tape), 1U);
  EXPECT_EQ(opened(tape), (Names{"server:primary", "target:vault"}));
}

TEST_F(Site, K26_EveryKeyInDoubtIsNeeded) {
  catalogue.put(key("OLD", 1, 1));
  catalogue.put(key("NEW", 70, 2));
  EXPECT_EQ(opened(cartridge({{dki("OLD"), {}}, {dki("NEW"), {}}})),
            (Names{"server:primary", "server:secondary"}));
  EXPECT_EQ(opened(cartridge({{dki("OLD"), {}}, {}}, 2)), Names{}) << "one of the two is not known at all";
}

TEST_F(Site, K26_WhatThePeerRefusedAndWhatDoesNotOpenIsNotThere) {
  auto refused = key("KEY", 1);
  refused.refused_by_peer = true;
  catalogue.put(refused);
  const Number tape = cartridge({{dki("KEY"), {}}});
  EXPECT_EQ(opened(tape), (Names{"server:primary", "target:vault"}));
  faults.keys.insert(refused.id);
  EXPECT_EQ(opened(tape), Names{"target:vault"});
}

TEST_F(Site, K26_OneNameForTwoKeysNeedsBothUnlessOneIsDestroyed) {
  catalogue.put(key("KEY", 1, 1));
  catalogue.put(key("KEY", 70, 2));
  const Number tape = cartridge({{dki("KEY"), {}}});
  EXPECT_EQ(opened(tape), (Names{"server:primary", "server:secondary"}));
  auto destroyed = key("KEY", 70, 2);
  destroyed.destroyed = true;
  catalogue.put(destroyed);
  EXPECT_EQ(opened(tape), (Names{"server:primary", "server:secondary", "target:vault"}));
  destroyed = key("KEY", 1, 1);
  destroyed.destroyed = true;
  catalogue.put(destroyed);
  EXPECT_TRUE(Survey::make(catalogue, places, faults).of(tape).destroyed);
}

TEST_F(Site, K26_PartnersCountByTheKeysThatTheyHave) {
  catalogue.put(key("KEY", 101));
  add(PlaceKind::kPartner, "partner:DR", "DR");
  const Number tape = cartridge({{dki("KEY"), {}}});
  EXPECT_EQ(opened(tape), Names{"server:primary"});
  places.shared[key("KEY", 1).fingerprint] = {"partner:DR"};
  EXPECT_EQ(opened(tape), (Names{"server:primary", "partner:DR"}));
  places.all.back().counts = false;
  EXPECT_EQ(opened(tape), Names{"server:primary"});
}

TEST_F(Site, K26_AKeksPrivateHalvesAndItsHolderOpenWhatItWrapped) {
  add(PlaceKind::kHolder, "holder:FAR", "FAR").kek = kek(2);
  catalogue.put(KekFacts{kek(1), true, 60, false, false});
  catalogue.put(KekFacts{kek(2), false, 0, false, false});
  const Number own = cartridge({{std::nullopt, {{kek(1), 0}}}}, 1);
  const Number both = cartridge({{std::nullopt, {{kek(1), 0}, {kek(2), 0}}}}, 2);
  const Number far = cartridge({{std::nullopt, {{kek(2), 0}}}}, 3);
  const Number in_ledger = cartridge({{std::nullopt, {{kek(2), 40}}}}, 4);
  EXPECT_EQ(opened(own), (Names{"server:primary", "server:secondary"}));
  EXPECT_EQ(opened(both), (Names{"server:primary", "server:secondary", "holder:FAR"}));
  EXPECT_EQ(opened(far), Names{"holder:FAR"});
  EXPECT_EQ(opened(in_ledger), Names{}) << "the holder has no ledger, and the servers have no private half";
  const Without kek_gone{{}, {kek(1)}};
  EXPECT_EQ(opened(own, kek_gone), Names{});
  EXPECT_EQ(opened(both, kek_gone), Names{"holder:FAR"});
}

TEST_F(Site, K26_AnEedkInTheLedgerWantsAPlaceThatHasTheRow) {
  catalogue.put(KekFacts{kek(1), true, 10, false, false});
  EXPECT_EQ(opened(cartridge({{std::nullopt, {{kek(1), 60}}}})),
            (Names{"server:primary", "server:secondary"}))
      << "the backup has the KEK, and not yet the EEDK";
}

TEST_F(Site, K26_WithoutAPlaceADomainOrAServer) {
  catalogue.put(key("KEY", 101));
  catalogue.put(key("SAFE", 1, 2));
  const Number weak = cartridge({{dki("KEY"), {}}}, 1);
  const Number strong = cartridge({{dki("SAFE"), {}}}, 2);
  const auto gone = places_of(places, read_without("server:PRIMARY").value());
  ASSERT_TRUE(gone) << gone.error().text();
  EXPECT_EQ(opened(weak, {*gone, {}}), Names{});
  EXPECT_EQ(opened(strong, {*gone, {}}), (Names{"server:secondary", "target:vault"}));
  const auto domain = places_of(places, read_without("domain:c").value());
  ASSERT_TRUE(domain) << domain.error().text();
  EXPECT_EQ(opened(strong, {*domain, {}}), (Names{"server:primary", "server:secondary"}));
}

TEST_F(Site, K26_BadWordsAreRefusedAndUnknownPlacesNamed) {
  for (const std::string word : {"", "primary", "server:", "planet:mars", "server", ":x"}) {
    const auto read = read_without(word);
    ASSERT_FALSE(read) << word;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(read.error().field, "without");
  }
  EXPECT_FALSE(read_without("server:" + std::string(kMaximumWordCharacters, 'x')));
  const auto unknown = places_of(places, read_without("target:nowhere").value());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_NE(unknown.error().remedy.find("target:vault"), std::string::npos);
}

}  // namespace
}  // namespace tapewarden::keymgr::recoverability
