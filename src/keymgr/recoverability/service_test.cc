// K26: recoverability of a running server: answers, alarms, the self-check.
#include "keymgr/recoverability/service.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "keymgr/recoverability/tables.h"
#include "keymgr/sharing/partners.h"
#include "keymgr/sharing/tables.h"
#include "keymgr/sharing/transfers.h"
#include "keymgr/tables.h"
#include "keymgr/testing/test_server.h"
#include "store/testing/outside_change.h"

namespace tapewarden::keymgr::recoverability {
namespace {

using keymgr::testing::officer;
using keymgr::testing::operator_;

#define ASSERT_OK(result) ASSERT_TRUE((result).has_value()) << (result).error().text()
#define EXPECT_OK(result) EXPECT_TRUE((result).has_value()) << (result).error().text()

std::vector<const store::TableSpec*> more_tables() {
  auto out = tables();
  for (const auto* table : sharing::tables()) out.push_back(table);
  return out;
}

struct Recoverable : ::testing::Test {
  Recoverable() {
    peer.name = "secondary";
    peer.id.bytes.fill(9);
    EXPECT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
    EXPECT_TRUE(m().create_group(operator_(), "daily", {}));
    EXPECT_TRUE(m().generate_keys(operator_(), 9, "ABC", "daily"));
    EXPECT_TRUE(m().set_default_group(operator_(), "daily"));
    begin();
  }
  KeyManager& m() { return server.manager(); }
  void begin() {
    ServiceOptions options;
    options.server_name = "primary";
    options.peer = [this] { return std::optional(peer); };
    options.log = [this](const std::string& line) { lines.push_back(line); };
    options.first_check = {};
    service = std::make_unique<Service>(m(), std::move(options));
  }
  void hear_peer() {
    peer.acknowledged = server.keystore().head().sequence;
    peer.heard = server.clock.wall_now();
    peer.in_step = true;
  }
  std::string write(const std::string& volser) {
    auto request = drive.request(Intent::kWrite, keymgr::testing::random_uuid());
    request.volser = volser;
    const auto answer = server.ask(request);
    EXPECT_TRUE(answer) << answer.error().text();
    return answer ? answer->alias : std::string();
  }
  CartridgeView of(const std::string& volser) {
    const auto found = service->cartridges({.volser = volser}, {});
    EXPECT_TRUE(found) << found.error().text();
    EXPECT_EQ(found->page.items.size(), 1U);
    return found && !found->page.items.empty() ? found->page.items.front() : CartridgeView{};
  }
  std::size_t audited(const std::string& action) { return server.audit_count({"\"" + action + "\""}); }

  keymgr::testing::TestServer server{1, more_tables()};
  keymgr::testing::TestDrive drive{"000000000001"};
  PeerFacts peer;
  std::vector<std::string> lines;
  std::unique_ptr<Service> service;
};

TEST_F(Recoverable, K26_ACartridgeIsInBothServersOnceThePeerHasItsKey) {
  write("VOL001");
  ASSERT_OK(service->watch());
  EXPECT_EQ(of("VOL001").places, std::vector<std::string>{"server:primary"});
  hear_peer();
  const auto view = of("vol001");
  EXPECT_EQ(view.independent, 2U);
  EXPECT_EQ(view.places, (std::vector<std::string>{"server:primary", "server:secondary"}));
  EXPECT_EQ(view.pool, "group:DAILY");
  EXPECT_EQ(view.standing, Alarms::Standing::kWell);
  write("VOL002");
  EXPECT_EQ(of("VOL002").independent, 2U) << "its key was made before";
  EXPECT_EQ(service->cartridges({.volser = "NOSUCH"}, {})->total, 0);
}

TEST_F(Recoverable, K26_ThePeerCountsWhenSilentForTheHoursThatAreSet) {
  hear_peer();
  write("VOL001");
  ASSERT_OK(service->watch());
  peer.in_step = false;
  server.clock.advance(std::chrono::hours(23));
  auto view = of("VOL001");
  EXPECT_EQ(view.independent, 2U);
  EXPECT_NE(view.places.back().find("server:secondary (20"), std::string::npos) << view.places.back();
  server.clock.advance(std::chrono::hours(2));
  EXPECT_EQ(of("VOL001").independent, 1U);
  hear_peer();
  EXPECT_EQ(of("VOL001").independent, 2U);
  peer.in_step = false;
  ASSERT_OK(m().set_setting(officer(), kSilentHours, "0"));
  EXPECT_EQ(of("VOL001").independent, 1U);
}

TEST_F(Recoverable, K26_AClockThatJumpedKeepsNoSilentPeerYoung) {
  hear_peer();
  write("VOL001");
  ASSERT_OK(service->watch());
  peer.heard = server.clock.wall_now() + std::chrono::hours(1000);
  ASSERT_OK(service->watch());
  peer.in_step = false;
  server.clock.advance(std::chrono::hours(25));
  peer.heard = kNever;
  EXPECT_EQ(of("VOL001").independent, 1U);
}

TEST_F(Recoverable, K26_TwoServersOfOneNameAreTwoPlaces) {
  peer.name = "PRIMARY";
  hear_peer();
  write("VOL001");
  const auto view = of("VOL001");
  EXPECT_EQ(view.independent, 2U);
  ASSERT_EQ(view.places.size(), 2U);
  EXPECT_EQ(view.places[0], "server:primary");
  EXPECT_EQ(view.places[1], "server:PRIMARY-" + peer.id.text().substr(0, 8));
}

TEST_F(Recoverable, K26_ARestartDoesNotMakeASilentPeerYoung) {
  hear_peer();
  write("VOL001");
  ASSERT_OK(service->watch());
  peer.in_step = false;
  peer.heard = kNever;
  server.clock.advance(std::chrono::hours(25));
  service.reset();
  begin();
  EXPECT_EQ(of("VOL001").independent, 1U);
}

TEST_F(Recoverable, K26_FallingUnderTheWantedNumberIsToldOnceAndSoIsTheReturn) {
  hear_peer();
  write("VOL001");
  write("VOL002");
  ASSERT_OK(service->watch());
  EXPECT_EQ(audited("recoverability.short"), 0U);
  EXPECT_TRUE(service->warnings().empty());
  peer.in_step = false;
  ASSERT_OK(m().set_setting(officer(), kSilentHours, "0"));
  for (int look = 0; look < 3; ++look) ASSERT_OK(service->watch());
  EXPECT_EQ(audited("recoverability.short"), 1U);
  EXPECT_EQ(server.audit_count({"recoverability.short", "group:DAILY", "VOL001", "VOL002"}), 1U);
  EXPECT_EQ(lines.size(), 1U);
  ASSERT_EQ(service->warnings().size(), 1U);
  EXPECT_NE(service->warnings()[0].find("2 cartridges of pool group:DAILY"), std::string::npos);
  // A restart remembers what was told.
  service.reset();
  begin();
  server.clock.advance(kSettlingTime + std::chrono::hours(1));
  ASSERT_OK(service->watch());
  EXPECT_EQ(audited("recoverability.short"), 1U);
  EXPECT_EQ(service->warnings().size(), 1U);
  hear_peer();
  for (int look = 0; look < 3; ++look) ASSERT_OK(service->watch());
  EXPECT_EQ(audited("recoverability.restored"), 1U);
  EXPECT_TRUE(service->warnings().empty());
}

TEST_F(Recoverable, K26_ANewCartridgeHasADayToReachItsPlaces) {
  write("VOL001");
  ASSERT_OK(service->watch());
  EXPECT_EQ(of("VOL001").standing, Alarms::Standing::kSettling);
  EXPECT_EQ(audited("recoverability.short"), 0U);
  server.clock.advance(kSettlingTime);
  ASSERT_OK(service->watch());
  EXPECT_EQ(of("VOL001").standing, Alarms::Standing::kShort);
  EXPECT_EQ(audited("recoverability.short"), 1U);
  ASSERT_OK(m().set_setting(officer(), kWantedPlaces, "1"));
  ASSERT_OK(service->watch());
  EXPECT_EQ(of("VOL001").standing, Alarms::Standing::kWell);
  EXPECT_EQ(audited("recoverability.restored"), 1U);
}

TEST_F(Recoverable, K26_WhatDiesWithoutAServer) {
  hear_peer();
  write("VOL001");
  ASSERT_OK(m().generate_key_range(operator_(), "SINGLE1", ""));  // later than what the peer has
  auto request = drive.request(Intent::kWrite, keymgr::testing::random_uuid());
  request.volser = "VOL002";
  request.alias = "SINGLE1";
  ASSERT_OK(server.ask(request));
  const auto dead = service->cartridges({.without = {"server:primary"}}, {});
  ASSERT_OK(dead);
  EXPECT_EQ(dead->total, 1);
  ASSERT_EQ(dead->page.items.size(), 1U);
  EXPECT_EQ(dead->page.items[0].volser, "VOL002");
  EXPECT_EQ(service->cartridges({.without = {"server:secondary"}}, {})->total, 0);
  EXPECT_EQ(service->cartridges({.without = {"domain:primary", "domain:secondary"}}, {})->total, 2);
  EXPECT_EQ(service->cartridges({.without = {"server:nowhere"}}, {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(service->cartridges({.without = {"nonsense"}}, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(service->cartridges({.without = {"kek:NOSUCH"}}, {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(
      service->cartridges({.without = std::vector<std::string>(kMaximumWithout + 1, "server:primary")}, {})
          .error()
          .code,
      ErrorCode::kInvalidArgument);
}

TEST_F(Recoverable, K26_TwoServersOfOneBuildingAreOnePlace) {
  hear_peer();
  write("VOL001");
  EXPECT_EQ(of("VOL001").independent, 2U);
  EXPECT_FALSE(m().set_setting(officer(), kPlaceDomains, "primary"));
  EXPECT_FALSE(m().set_setting(officer(), kWantedPlaces, "17"));
  ASSERT_OK(m().set_setting(officer(), kPlaceDomains, "primary=house-1, server:secondary = House-1"));
  EXPECT_EQ(of("VOL001").independent, 1U);
  EXPECT_EQ(service->cartridges({.without = {"domain:HOUSE-1"}}, {})->total, 1);
}

TEST_F(Recoverable, K26_AMisspeltPlaceInTheDomainsIsWarnedOf) {
  hear_peer();
  ASSERT_OK(m().set_setting(officer(), kPlaceDomains, "primry=house-1, SECONDARY=house-1"));
  ASSERT_OK(service->watch());
  ASSERT_EQ(service->warnings().size(), 1U);
  EXPECT_NE(service->warnings()[0].find("\"primry\""), std::string::npos) << service->warnings()[0];
  EXPECT_NE(service->warnings()[0].find("did you mean primary?"), std::string::npos)
      << service->warnings()[0];
  ASSERT_OK(m().set_setting(officer(), kPlaceDomains, "primary=house-1, server:secondary=house-1"));
  ASSERT_OK(service->watch());
  EXPECT_TRUE(service->warnings().empty());
}

TEST_F(Recoverable, K26_TheWeakestComeFirstPageByPage) {
  hear_peer();
  for (int i = 1; i <= 5; ++i) write("VOL00" + std::to_string(i));
  ASSERT_OK(m().generate_key_range(operator_(), "SINGLE1", ""));
  auto request = drive.request(Intent::kWrite, keymgr::testing::random_uuid());
  request.volser = "VOL009";
  request.alias = "SINGLE1";
  ASSERT_OK(server.ask(request));
  std::vector<std::string> seen;
  PageRequest page{2, ""};
  for (int i = 0; i < 10; ++i) {
    const auto found = service->cartridges({}, page);
    ASSERT_OK(found);
    EXPECT_EQ(found->total, 6);
    for (const auto& item : found->page.items) seen.push_back(item.volser);
    page.after = found->page.next;
    if (page.after.empty()) break;
  }
  ASSERT_EQ(seen.size(), 6U);
  EXPECT_EQ(seen.front(), "VOL009");
  EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 6U);
  EXPECT_FALSE(service->cartridges({}, {2, "rubbish"}));
  EXPECT_FALSE(service->cartridges({}, {2, "1/2/abcd"}));
  const auto pools = service->pools();
  ASSERT_OK(pools);
  ASSERT_EQ(pools->size(), 2U);
  EXPECT_EQ(pools->at(0).pool, "none");
  EXPECT_EQ(pools->at(1).counts.cartridges, 5);
  const auto site = service->overview();
  ASSERT_OK(site);
  EXPECT_EQ(site->site.by_independent, (std::map<std::size_t, std::int64_t>{{1, 1}, {2, 5}}));
  EXPECT_EQ(site->places.at(0).opens, 6);
  EXPECT_EQ(site->places.at(0).alone, 1);
}

TEST_F(Recoverable, K26_ADestroyedKeyIsMissedByNobody) {
  hear_peer();
  const auto alias = write("VOL001");
  ASSERT_OK(service->watch());
  ASSERT_OK(m().change_key_state(officer(), alias, KeyState::kDeactivated));
  ASSERT_OK(keymgr::testing::destroy_whatever_is_lost(m(), m().key_ref(alias)));
  server.clock.advance(kSettlingTime);
  ASSERT_OK(service->watch());
  EXPECT_EQ(of("VOL001").standing, Alarms::Standing::kDestroyed);
  EXPECT_EQ(audited("recoverability.short"), 0U);
}

TEST_F(Recoverable, K26_TheSelfCheckOpensEveryKeyAndNamesThoseThatDoNotOpen) {
  hear_peer();
  const auto alias = write("VOL001");
  ASSERT_OK(service->check());
  EXPECT_EQ(server.audit_count({"recoverability.check", "success", "\"9\""}), 1U);
  ASSERT_OK(service->check());
  EXPECT_EQ(audited("recoverability.check"), 1U) << "nothing is due";
  // A key whose fingerprint is another key's.
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    auto key = TRY(m().keys().find(t, alias));
    key->fingerprint[0] ^= 1;
    return t.put(kDataKeyTable, key->to_row());
  }));
  service->ask_for_check();
  ASSERT_OK(service->check());
  EXPECT_EQ(server.audit_count({"recoverability.check", "failure", alias}), 1U);
  ASSERT_EQ(service->warnings().size(), 1U);
  EXPECT_NE(service->warnings()[0].find(alias), std::string::npos);
  EXPECT_EQ(of("VOL001").places, std::vector<std::string>{"server:secondary"});
  const auto site = service->overview();
  ASSERT_OK(site);
  ASSERT_TRUE(site->places.at(0).check);
  EXPECT_EQ(site->places.at(0).check->failed, 1);
  EXPECT_FALSE(site->places.at(1).check) << "the peer has told nothing";
}

TEST_F(Recoverable, K26_ADamagedRowIsNamedAndTheKeysBehindItAreLookedAt) {
  hear_peer();
  const auto alias = write("VOL001");
  const auto keys = m().list_keys("daily", {}, {});
  ASSERT_OK(keys);
  const auto broken = m().key(alias);
  ASSERT_OK(broken);
  EXPECT_EQ(of("VOL001").independent, 2U);
  ASSERT_OK(store::testing::change_outside(
      server.keystore_path(), "UPDATE data_key SET position = position + 100 WHERE alias = '" + alias + "'"));
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    for (const auto& one : keys->items) {
      auto key = one;
      if (key.alias == alias) continue;
      key.fingerprint[0] ^= 1;
      TRY(t.put(kDataKeyTable, key.to_row()));
    }
    return {};
  }));
  service->ask_for_check();
  ASSERT_OK(service->check());
  // Wherever it stands among them, the eight others are found too.
  const std::string named = "damaged row of the data key " + to_hex(broken->id.view());
  EXPECT_EQ(server.audit_count({"recoverability.check", "failure", named, "\"9\"", "\"failed\":\"9\""}), 1U);
  EXPECT_EQ(of("VOL001").places, std::vector<std::string>{"server:secondary"});
}

TEST_F(Recoverable, K26_ADamagedRowOfAKekIsNamedAndTheOthersAreTried) {
  std::vector<Hash256> keks;
  for (const std::string name : {"one", "two", "three"}) {
    const auto kek = m().generate_kek(officer(), {.common_name = name, .bits = 2048, .labels = {name}});
    ASSERT_OK(kek);
    keks.push_back(kek->kek.id);
  }
  std::ranges::sort(keks);
  ASSERT_OK(store::testing::change_outside(
      server.keystore_path(), "UPDATE kek SET has_private = 0 WHERE id = x'" + to_hex(keks.front()) + "'"));
  service->ask_for_check();
  ASSERT_OK(service->check());
  const auto site = service->overview();
  ASSERT_OK(site);
  ASSERT_TRUE(site->places.at(0).check);
  EXPECT_EQ(site->places.at(0).check->keks, 3);
  EXPECT_EQ(site->places.at(0).check->failed, 1);
  EXPECT_EQ(site->places.at(0).check->first_failed, "damaged row of the KEK " + to_hex(keks.front()));
}

TEST_F(Recoverable, K26_AKekThatIsHiddenOrOutOfUseOpensWhatItMayOpen) {
  keymgr::testing::TestDrive drive_3592("000000003592", DriveKind::k3592);
  ASSERT_OK(m().add_drive(operator_(), drive_3592.serial(), drive_3592.pins()));
  const auto kek = [&](const std::string& name) {
    return m().generate_kek(officer(), {.common_name = name, .bits = 2048, .labels = {name}}).value().kek.id;
  };
  const auto write_with = [&](const std::string& label) {
    auto request = drive_3592.request(Intent::kWrite, keymgr::testing::random_uuid());
    request.volser = label;
    request.labels = {{label, LabelMode::kClear}};
    ASSERT_OK(server.ask(request));
  };
  const Hash256 hidden = kek("HIDDEN");
  const Hash256 retired = kek("OLD");
  const Hash256 stolen = kek("STOLEN");
  for (const std::string label : {"HIDDEN", "OLD", "STOLEN"}) write_with(label);
  hear_peer();
  ASSERT_OK(m().quarantine_key(officer(), m().kek_ref(hidden).value()));
  ASSERT_OK(m().change_kek_state(officer(), retired, KeyState::kDeactivated));
  ASSERT_OK(m().change_kek_state(officer(), stolen, KeyState::kCompromised));
  service->ask_for_check();
  ASSERT_OK(service->check());
  const auto site = service->overview();
  ASSERT_OK(site);
  ASSERT_TRUE(site->places.at(0).check);
  EXPECT_EQ(site->places.at(0).check->keks, 3);
  EXPECT_EQ(site->places.at(0).check->failed, 0) << site->places.at(0).check->first_failed;
  for (const std::string volser : {"HIDDEN", "OLD", "STOLEN"})
    EXPECT_EQ(of(volser).independent, 2U) << volser;
  // Hidden does not mean believed: a private half that is another key's is found there too.
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    Kek row = *TRY(m().keks().find(t, hidden));
    const auto other = TRY(m().keks().open_private(t, *TRY(m().keks().find(t, retired))));
    const store::Row place = row.to_row();
    row.sealed_private =
        t.seal(kKekTable, std::vector<store::Value>{place.front()}, "private_half", other.pkcs8());
    return t.put(kKekTable, row.to_row());
  }));
  service->ask_for_check();
  ASSERT_OK(service->check());
  EXPECT_EQ(service->overview()->places.at(0).check->first_failed, "KEK HIDDEN");
  EXPECT_EQ(of("HIDDEN").places, std::vector<std::string>{"server:secondary"});
}

TEST_F(Recoverable, K26_ASelfCheckThatWasBrokenOffGoesOn) {
  ASSERT_OK(m().generate_keys(operator_(), kKeysACheckStep + 10, "XYZ", ""));
  // The first key that a check comes to does not open, and is a cartridge's.
  std::optional<DataKey> first;
  ASSERT_OK(server.keystore().read([&](store::Reader& reader) -> Status {
    const auto rows = TRY(reader.query(kDataKeyTable, "group_name = '' ORDER BY id LIMIT 1", {}));
    first = DataKey::from_row(rows.at(0));
    return {};
  }));
  auto request = drive.request(Intent::kWrite, keymgr::testing::random_uuid());
  request.volser = "VOL001";
  request.alias = first->alias;
  ASSERT_OK(server.ask(request));
  hear_peer();
  const auto noted = [&] {
    bool out = false;
    EXPECT_TRUE(server.keystore().read([&](store::Reader& reader) -> Status {
      out = TRY(reader.get(kNoteTable, {std::string("self-check")})).has_value();
      return {};
    }));
    return out;
  };
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    auto broken = TRY(m().keys().find(t, first->alias)).value();
    broken.fingerprint[0] ^= 1;
    return t.put(kDataKeyTable, broken.to_row());
  }));
  service->ask_for_check();
  std::jthread checking([&] { EXPECT_TRUE(service->check()); });
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!noted() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  service->stop();
  checking.join();
  ASSERT_TRUE(noted());
  EXPECT_EQ(audited("recoverability.check"), 0U);
  begin();
  EXPECT_EQ(of("VOL001").places, std::vector<std::string>{"server:secondary"}) << "known before it goes on";
  ASSERT_OK(service->check());
  EXPECT_EQ(server.audit_count({"recoverability.check", "\"" + std::to_string(kKeysACheckStep + 19) + "\"",
                                "\"failed\":\"1\""}),
            1U);
  EXPECT_EQ(of("VOL001").places, std::vector<std::string>{"server:secondary"})
      << "though it went on behind it";
}

TEST_F(Recoverable, K26_PartnersCountByWhatCameFromThemOrAsTheSettingSays) {
  const auto alias = write("VOL001");
  sharing::Partner vienna;
  vienna.name = "VIENNA";
  vienna.display = "Vienna";
  vienna.fingerprint.fill(5);
  const auto transfer = [&](sharing::Direction direction, std::uint8_t number) {
    sharing::Transfer out;
    out.file.bytes.fill(number);
    out.direction = direction;
    out.fingerprint = vienna.fingerprint;
    out.made = server.clock.wall_now();
    return out;
  };
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    TRY(t.put(sharing::kPartnerTable, vienna.to_row()));
    const auto given = transfer(sharing::Direction::kGiven, 1);
    const auto key = TRY(m().keys().find(t, alias));
    TRY(sharing::put_transfer(t, given));
    return sharing::put_transfer_keys(t, given, 0, std::vector{key->fingerprint});
  }));
  EXPECT_EQ(of("VOL001").places.size(), 1U) << "nobody says that it arrived";
  ASSERT_OK(m().set_setting(officer(), kCountedPartners, "sent"));
  ASSERT_EQ(of("VOL001").places.size(), 2U);
  EXPECT_NE(of("VOL001").places[1].find("partner:Vienna (20"), std::string::npos);
  EXPECT_EQ(service->cartridges({.without = {"server:primary", "partner:vienna"}}, {})->total, 1);
  ASSERT_OK(m().unset_setting(officer(), kCountedPartners));
  EXPECT_EQ(of("VOL001").places.size(), 1U);
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    const auto received = transfer(sharing::Direction::kReceived, 2);
    const auto key = TRY(m().keys().find(t, alias));
    TRY(sharing::put_transfer(t, received));
    return sharing::put_transfer_keys(t, received, 0, std::vector{key->fingerprint});
  }));
  EXPECT_EQ(of("VOL001").places.size(), 2U);
  ASSERT_OK(m().set_setting(officer(), kCountedPartners, "none"));
  EXPECT_EQ(of("VOL001").places.size(), 1U);
  ASSERT_OK(m().set_setting(officer(), kCountedPartners, "sent"));
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    auto zagreb = vienna;
    zagreb.name = zagreb.display = "ZAGREB";
    zagreb.fingerprint.fill(6);
    return t.put(sharing::kPartnerTable, zagreb.to_row());
  }));
  EXPECT_EQ(of("VOL001").places.size(), 2U);
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    return t.erase(sharing::kPartnerTable, {std::string("VIENNA")});
  }));
  EXPECT_EQ(of("VOL001").places.size(), 1U) << "a partner that was removed, though another was changed later";
}

TEST_F(Recoverable, K26_WrappedKeysAreOpenedByTheirKeks) {
  keymgr::testing::TestDrive drive_3592("000000003592", DriveKind::k3592);
  ASSERT_OK(m().add_drive(operator_(), drive_3592.serial(), drive_3592.pins()));
  const auto own = m().generate_kek(officer(), {.common_name = "own", .bits = 2048, .labels = {"OWN"}});
  ASSERT_OK(own);
  hear_peer();
  auto request = drive_3592.request(Intent::kWrite, keymgr::testing::random_uuid());
  request.volser = "JAG001";
  request.labels = {{"OWN", LabelMode::kClear}};
  ASSERT_OK(server.ask(request));
  EXPECT_EQ(of("JAG001").independent, 2U);
  EXPECT_EQ(of("JAG001").pool, "label:OWN");
  EXPECT_EQ(service->cartridges({.without = {"kek:own"}}, {})->total, 1);
  EXPECT_EQ(service->cartridges({.without = {"kek:" + to_hex(own->kek.id)}}, {})->total, 1);
  service->ask_for_check();
  ASSERT_OK(service->check());
  EXPECT_EQ(service->overview()->places.at(0).check->keks, 1);
  // A holder elsewhere has proved that he can unwrap.
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    auto kek = TRY(m().keks().find(t, own->kek.id));
    kek->proven = true;
    kek->proven_at = server.clock.wall_now();
    return t.put(kKekTable, kek->to_row());
  }));
  EXPECT_EQ(of("JAG001").independent, 3U);
  EXPECT_EQ(service->cartridges({.without = {"server:primary", "server:secondary"}}, {})->total, 0);
  EXPECT_EQ(service->cartridges({.without = {"kek:OWN"}}, {})->total, 1) << "wherever it lies";
}

// Rows as other versions and old managers left them.
struct FeedSite : Recoverable {
  LedgerEntry entry(const std::string& volser, const Uuid& volume, const std::string& alias) {
    LedgerEntry out;
    out.volser = volser;
    out.volume = volume;
    out.alias = alias;
    out.drive = drive.serial();
    return out;
  }
};

TEST_F(FeedSite, K26_ACartridgeWithMoreRowsThanAPageIsOneCartridge) {
  hear_peer();
  const std::string alias = m().list_keys("daily", {}, {})->items.front().alias;
  std::array<Uuid, 3> volumes{};
  for (std::uint8_t i = 0; i < 3; ++i) volumes[i].bytes.fill(static_cast<std::uint8_t>(i + 1));
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    for (std::size_t i = 0; i < volumes.size(); ++i) {
      const std::size_t rows = i == 1 ? 2 * kRowsAStep + 5 : 3;
      for (std::size_t row = 0; row < rows; ++row) {
        auto one = entry("VOL00" + std::to_string(i), volumes[i], alias);
        if (row > 0) one.purpose = Purpose::kRead;
        TRY(m().ledger().add(t, std::move(one)));
      }
    }
    return {};
  }));
  EXPECT_EQ(service->overview()->site.cartridges, 3);
  for (const std::string volser : {"VOL000", "VOL001", "VOL002"}) EXPECT_EQ(of(volser).independent, 2U);
}

TEST_F(FeedSite, K26_OfACartridgeThatIsReadForEverItsNewestRowsTell) {
  hear_peer();
  const auto keys = m().list_keys("daily", {}, {})->items;
  std::array<Uuid, 3> volumes{};
  for (std::uint8_t i = 0; i < 3; ++i) volumes[i].bytes.fill(static_cast<std::uint8_t>(i + 1));
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    for (std::size_t i = 0; i < volumes.size(); ++i) {
      const std::size_t rows = i == 1 ? 2 * kRowsOfOneCartridge : 2;
      for (std::size_t row = 0; row < rows; ++row) {
        auto one = entry("VOL00" + std::to_string(i), volumes[i], keys[i].alias);
        if (row > 0) one.purpose = Purpose::kRead;
        TRY(m().ledger().add(t, std::move(one)));
      }
    }
    return {};
  }));
  Feed feed(m());
  std::size_t cartridges = 0;
  for (bool more = true; more && !feed.complete();) {
    const auto batch = feed.step();
    ASSERT_OK(batch);
    more = batch->has_value();
    if (more) cartridges += (*batch)->cartridges.size();
  }
  EXPECT_EQ(cartridges, volumes.size()) << "each once, and the reading came to its end";
  EXPECT_EQ(of("VOL002").independent, 2U);
}

TEST_F(FeedSite, K26_ADamagedRowIsPassedOverAndTold) {
  for (const std::string volser : {"VOL001", "VOL002", "VOL003"}) write(volser);
  hear_peer();
  ASSERT_OK(store::testing::change_outside(server.keystore_path(),
                                           "UPDATE ledger SET volser = 'VOL009' WHERE volser = 'VOL002'"));
  EXPECT_EQ(service->overview()->site.cartridges, 2);
  EXPECT_EQ(of("VOL003").independent, 2U);
  ASSERT_EQ(service->warnings().size(), 1U);
  EXPECT_NE(service->warnings().front().find("1 damaged rows"), std::string::npos)
      << service->warnings().front();
}

TEST_F(FeedSite, K26_RecordsOfAnOldManagerAreToldByTheirVolser) {
  ASSERT_OK(m().generate_key_range(operator_(), "OLDKEY", ""));
  hear_peer();
  ASSERT_OK(server.write([&](store::Transaction& t) -> Status {
    for (std::size_t i = 0; i < kRowsAStep + 10; ++i) {
      TRY(m().ledger().import(t, entry("OLD" + std::to_string(i), {}, i == 7 ? "NOTHERE" : "OLDKEY")));
    }
    return {};
  }));
  const auto site = service->overview();
  ASSERT_OK(site);
  EXPECT_EQ(site->site.cartridges, static_cast<std::int64_t>(kRowsAStep) + 10);
  EXPECT_EQ(site->site.dead, 1);
  EXPECT_EQ(of("OLD7").independent, 0U);
  EXPECT_EQ(of("OLD8").independent, 2U);
  const auto weakest = service->cartridges({}, {1, ""});
  ASSERT_OK(weakest);
  EXPECT_EQ(weakest->page.items.at(0).volser, "OLD7");
  // The key comes: the ledger is as it was.
  ASSERT_OK(m().generate_key_range(operator_(), "NOTHERE", ""));
  EXPECT_EQ(of("OLD7").independent, 1U);
}

TEST_F(FeedSite, K26_ManyChangesAtOnceAreReadFromTheBeginning) {
  write("VOL001");
  EXPECT_EQ(of("VOL001").independent, 1U);
  ASSERT_OK(m().generate_keys(operator_(), static_cast<std::size_t>(kChangesReadOneByOne) + 1, "XYZ", ""));
  write("VOL002");
  hear_peer();
  EXPECT_EQ(of("VOL002").independent, 2U);
  EXPECT_EQ(service->overview()->site.by_independent, (std::map<std::size_t, std::int64_t>{{2, 2}}));
}

TEST_F(Recoverable, K26_TheCatalogueFollowsAfterARestart) {
  hear_peer();
  for (int i = 1; i <= 3; ++i) write("VOL00" + std::to_string(i));
  const auto before = service->overview();
  ASSERT_OK(before);
  service.reset();
  server.restart();
  begin();
  const auto after = service->overview();
  ASSERT_OK(after);
  EXPECT_EQ(after->site.by_independent, before->site.by_independent);
}

}  // namespace
}  // namespace tapewarden::keymgr::recoverability
