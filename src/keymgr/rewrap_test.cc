// K9: re-wrapping in bulk.
#include "keymgr/rewrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

#include "eedk/ekm_code.h"
#include "keymgr/tables.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

using ::testing::HasSubstr;

struct RewrapSite : ::testing::Test {
  RewrapSite() {
    EXPECT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
    old_kek = add_kek(1, "OLD");
    new_kek = add_kek(2, "NEW");
    rewrapper = std::make_unique<Rewrapper>(m());
  }
  ~RewrapSite() override { rewrapper->stop(); }
  KeyManager& m() { return server.manager(); }
  Hash256 add_kek(std::size_t index, const std::string& label, bool with_private = true) {
    NewKek kek{rsa_certificate(shared_rsa(index), label), {}, {label}, KeyOrigin::kImported};
    if (with_private) kek.key = shared_rsa(index);
    EXPECT_TRUE(server.write([&](store::Transaction& t) -> Status {
      (void)TRY(m().keks().add(t, officer(), kek));
      return {};
    }));
    return shared_rsa(index).public_key().spki_hash();
  }
  struct Cartridge {
    eedk::EedkSet set;
    crypto::SecretBytes key;
  };
  Cartridge write(const std::string& volser, const std::string& label = "OLD") {
    auto request = drive.request(Intent::kWrite, random_uuid());
    request.volser = volser;
    request.labels = {{label, LabelMode::kClear}};
    const auto answer = server.ask(request);
    EXPECT_TRUE(answer) << answer.error().text();
    auto confirm = drive.request(Intent::kConfirm, request.volume);
    confirm.confirms = answer->ledger;
    EXPECT_TRUE(server.ask(confirm));
    return {*answer->eedks, *drive.open(*answer, request)};
  }
  RewrapOrder from_old(const std::string& to = "NEW") {
    RewrapOrder order;
    order.from = old_kek;
    order.labels = {{to, LabelMode::kHash}};
    return order;
  }
  RewrapJob wait(const Uuid& id) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    auto job = rewrapper->find(id).value();
    while (job.state == RewrapState::kRunning && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      job = rewrapper->find(id).value();
    }
    return job;
  }
  std::int64_t needing(const Hash256& kek) {
    return m().count_cartridges(kek, CartridgeFilter::kNeeding).value();
  }
  Result<crypto::SecretBytes> read(const eedk::EedkSet& set, Intent intent = Intent::kRead) {
    auto request = drive.request(intent, set.volume);
    request.eedks = set;
    const auto answer = server.ask(request);
    if (!answer) return std::unexpected(answer.error());
    return drive.open(*answer, request);
  }

  TestServer server;
  TestDrive drive{"000000000001", DriveKind::k3592};
  Hash256 old_kek{};
  Hash256 new_kek{};
  std::unique_ptr<Rewrapper> rewrapper;
};

TEST_F(RewrapSite, K9_ARetiredKekIsReplacedAndTheCartridgesStillRead) {
  std::vector<Cartridge> cartridges;
  for (int i = 0; i < 20; ++i) cartridges.push_back(write("VOL0" + std::to_string(10 + i)));
  write("OTHER1", "NEW");
  ASSERT_EQ(needing(old_kek), 20);
  const auto job = rewrapper->start(officer(), from_old());
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->total, 20);
  const auto done = wait(job->id);
  EXPECT_EQ(done.state, RewrapState::kDone);
  EXPECT_EQ(done.wrapped, 20);
  EXPECT_EQ(done.failed, 0) << done.last_error;
  EXPECT_EQ(needing(old_kek), 0);
  EXPECT_EQ(m().count_cartridges(old_kek, CartridgeFilter::kEver).value(), 20) << "old EEDKs are not revoked";
  EXPECT_EQ(server.audit_count({"cartridge.rewrap", "VOL010"}), 1U);
  // Now the old KEK may go, and the cartridges, which bear the old EEDKs still, are read by the ledger's.
  ASSERT_TRUE(m().change_kek_state(officer(), old_kek, KeyState::kDeactivated));
  ASSERT_TRUE(m().destroy_key(officer(), *m().kek_ref(old_kek), {}, agreed()));
  for (const auto& cartridge : cartridges) {
    const auto key = read(cartridge.set);
    ASSERT_TRUE(key) << key.error().text();
    EXPECT_EQ(*key, cartridge.key);
  }
  EXPECT_EQ(*read(cartridges.front().set, Intent::kAppend), cartridges.front().key);
}

TEST_F(RewrapSite, K9_TheLedgersEedksOpenOnlyWhatTheyBelongTo) {
  const auto a = write("VOL001");
  const auto b = write("VOL002");
  wait(rewrapper->start(officer(), from_old())->id);
  ASSERT_TRUE(m().change_kek_state(officer(), old_kek, KeyState::kDeactivated));
  ASSERT_TRUE(m().destroy_key(officer(), *m().kek_ref(old_kek), {}, agreed()));
  auto other_key = a.set;
  other_key.key_check = b.set.key_check;
  EXPECT_EQ(eedk::ekm_code_of(read(other_key).error()), eedk::EkmCode::kKeyNotHeld);
  auto other_volume = a.set;
  other_volume.volume = random_uuid();
  EXPECT_EQ(eedk::ekm_code_of(read(other_volume).error()), eedk::EkmCode::kKeyNotHeld);
}

TEST_F(RewrapSite, K9_DoneTwiceIsDoneOnce) {
  write("VOL001");
  wait(rewrapper->start(officer(), from_old())->id);
  const auto rows = m().query_ledger({.volser = "VOL001"}, {})->items.size();
  const auto again = wait(rewrapper->start(officer(), from_old())->id);
  EXPECT_EQ(again.total, 0);
  RewrapOrder order;
  order.volsers = {"VOL001"};
  order.labels = {{"NEW", LabelMode::kClear}};
  const auto named = wait(rewrapper->start(officer(), order)->id);
  EXPECT_EQ(named.skipped, 1);
  EXPECT_EQ(named.wrapped, 0);
  EXPECT_EQ(m().query_ledger({.volser = "VOL001"}, {})->items.size(), rows);
}

TEST_F(RewrapSite, K9_AJobGoesOnAfterTheServerWasKilled) {
  for (int i = 0; i < 40; ++i) write("VOL0" + std::to_string(10 + i));
  const auto job = rewrapper->start(officer(), from_old());
  ASSERT_TRUE(job);
  rewrapper->stop();  // in the midst of it, after whatever batch was durable
  const auto before = rewrapper->find(job->id).value();
  rewrapper.reset();
  server.restart();
  rewrapper = std::make_unique<Rewrapper>(m());
  const auto done = wait(job->id);
  EXPECT_EQ(done.state, RewrapState::kDone);
  EXPECT_EQ(done.wrapped, 40) << "of which " << before.wrapped << " before";
  EXPECT_EQ(done.skipped + done.failed, 0);
  for (int i = 0; i < 40; ++i) {
    std::size_t rekeys = 0;
    const auto page = m().query_ledger({.volser = "VOL0" + std::to_string(10 + i)}, {});
    ASSERT_TRUE(page);
    for (const auto& row : page->items) {
      rekeys += row.purpose == Purpose::kRekey ? 1 : 0;
    }
    EXPECT_EQ(rekeys, 1U) << i;
  }
}

TEST_F(RewrapSite, K9_ChosenVolsersAndUnknownOnes) {
  write("VOL001");
  const auto second = write("VOL002");
  RewrapOrder order;
  order.volsers = {"vol002", "NOSUCH"};
  order.labels = {{"NEW", LabelMode::kClear}, {"OLD", LabelMode::kHash}};
  const auto done = wait(rewrapper->start(officer(), order)->id);
  EXPECT_EQ(done.state, RewrapState::kDone);
  EXPECT_EQ(done.wrapped, 1);
  EXPECT_EQ(done.failed, 1);
  EXPECT_THAT(done.last_error, HasSubstr("not in the ledger"));
  EXPECT_EQ(needing(old_kek), 1) << "the first is as it was";
  const auto row = m().query_ledger({.volser = "VOL002"}, {})->items.front();
  EXPECT_EQ(row.purpose, Purpose::kRekey);
  const auto set = eedk::decode_eedk_set(row.eedk_set);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->key_check, second.set.key_check);
  EXPECT_TRUE(eedk::verify_seal(*set, m().context().signing_certificate));
  EXPECT_EQ(*read(*set), second.key);
}

TEST_F(RewrapSite, K9_WhatCannotBeOpenedHereIsCountedAndSaid) {
  write("VOL001");
  ASSERT_TRUE(m().quarantine_key(officer(), *m().kek_ref(old_kek)));
  const auto done = wait(rewrapper->start(officer(), from_old())->id);
  EXPECT_EQ(done.state, RewrapState::kDone);
  EXPECT_EQ(done.failed, 1);
  EXPECT_THAT(done.last_error, HasSubstr("cannot be opened"));
}

TEST_F(RewrapSite, K9_BadOrdersAreRefused) {
  const auto field = [&](const RewrapOrder& order) {
    return rewrapper->start(officer(), order).error().field;
  };
  EXPECT_EQ(field(from_old("OLD")), "label_1") << "to itself";
  EXPECT_EQ(field(from_old("NOSUCH")), "labels");
  RewrapOrder order;
  order.labels = {{"NEW", LabelMode::kClear}};
  EXPECT_EQ(field(order), "from") << "nothing chosen";
  order.from = old_kek;
  order.volsers = {"VOL001"};
  EXPECT_EQ(field(order), "from") << "both";
  order.from.reset();
  order.volsers = {std::string(33, 'x')};
  EXPECT_EQ(field(order), "volsers");
  order.volsers.assign(kMaximumRewrapVolsers + 1, "V");
  EXPECT_EQ(field(order), "volsers");
  auto none = from_old();
  none.labels.clear();
  EXPECT_EQ(field(none), "label_1");
  add_kek(3, "ELSEWHERE", false);
  EXPECT_EQ(field(from_old("ELSEWHERE")), "labels") << "nobody could read it";
  EXPECT_EQ(rewrapper->cancel(officer(), random_uuid()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(rewrapper->find(random_uuid()).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
