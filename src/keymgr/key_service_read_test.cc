// K7, K8, K9, K10: keys for cartridges that are written already.
#include <gtest/gtest.h>

#include "eedk/ekm_code.h"
#include "keymgr/tables.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

using eedk::ekm_code_of;
using eedk::EkmCode;

struct ReadSite : ::testing::Test {
  ReadSite() { EXPECT_TRUE(server.manager().add_drive(operator_(), drive.serial(), drive.pins())); }
  KeyManager& m() { return server.manager(); }
  Hash256 kek(TestServer& at, std::size_t index, std::vector<std::string> labels, bool with_private = true) {
    NewKek kek{rsa_certificate(shared_rsa(index), "kek"), {}, std::move(labels), KeyOrigin::kImported};
    if (with_private) kek.key = shared_rsa(index);
    EXPECT_TRUE(at.write([&](store::Transaction& t) -> Status {
      TRY(at.manager().keks().add(t, officer(), kek));
      return {};
    }));
    return shared_rsa(index).public_key().spki_hash();
  }
  // A cartridge that this server wrote.
  eedk::EedkSet written(std::vector<LabelChoice> labels, crypto::SecretBytes* key = nullptr) {
    auto request = drive.request(Intent::kWrite, random_uuid());
    request.labels = std::move(labels);
    const auto answer = server.ask(request);
    EXPECT_TRUE(answer) << answer.error().text();
    if (!answer) return {};
    if (key != nullptr) *key = drive.open(*answer, request).value();
    return *answer->eedks;
  }
  KeyRequest with_set(Intent intent, const eedk::EedkSet& set) {
    auto request = drive.request(intent, set.volume);
    request.eedks = set;
    return request;
  }
  KeyRequest with_dki(Intent intent, const eedk::DataKeyIdentifier& dki) {
    auto request = drive.request(intent, random_uuid());
    request.dki = dki;
    return request;
  }
  EkmCode refusal(TestServer& at, const KeyRequest& request) {
    const auto answer = at.ask(request);
    EXPECT_FALSE(answer);
    return answer ? EkmCode::kNone : ekm_code_of(answer.error());
  }

  TestServer server;
  TestDrive drive{"000000000001", DriveKind::k3592};
};

TEST_F(ReadSite, K7_EitherEedkOpens) {
  kek(server, 1, {"A"});
  kek(server, 2, {"B"});
  crypto::SecretBytes key;
  const auto set = written({{"A", LabelMode::kClear}, {"B", LabelMode::kHash}}, &key);
  for (const Intent intent : {Intent::kRead, Intent::kAppend}) {
    const auto request = with_set(intent, set);
    const auto answer = server.ask(request);
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(drive.open(*answer, request).value(), key);
    EXPECT_TRUE(answer->may_append);
    EXPECT_FALSE(answer->eedks) << "nothing new for the cartridge";
    EXPECT_EQ(answer->labels.at(1).label, "B") << "the hash is resolved to its label";
  }
  auto damaged = set;
  damaged.eedks[0].wrapped[20] ^= 1;
  const auto request = with_set(Intent::kRead, damaged);
  EXPECT_EQ(drive.open(server.ask(request).value(), request).value(), key);
}

TEST_F(ReadSite, K7_AnotherSiteReadsByHashAndNamesTheLabelWanted) {
  kek(server, 1, {"June 2007 Key"});
  crypto::SecretBytes key;
  const auto clear = written({{"June 2007 Key", LabelMode::kClear}});
  const auto hashed = written({{"June 2007 Key", LabelMode::kHash}}, &key);
  TestServer site(2);
  ASSERT_TRUE(site.manager().add_drive(operator_(), drive.serial(), drive.pins()));
  kek(site, 1, {"June 2007 Main Site Key"});
  const auto request = with_set(Intent::kRead, hashed);
  const auto answer = site.ask(request);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(drive.open(*answer, request).value(), key);
  EXPECT_EQ(answer->labels.at(0).label, "June 2007 Main Site Key");
  EXPECT_FALSE(answer->may_append) << "sealed by a server that is not known there";
  const auto wrong = site.ask(with_set(Intent::kRead, clear));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().detail, 0xEE32U);
  EXPECT_NE(wrong.error().message.find("June 2007 Key"), std::string::npos);
  ASSERT_TRUE(
      site.manager().add_kek_label(officer(), shared_rsa(1).public_key().spki_hash(), "JUNE 2007 KEY"));
  EXPECT_TRUE(site.ask(with_set(Intent::kRead, clear))) << "labels compare without case";
}

TEST_F(ReadSite, K7_AppendingNeedsAKnownSealOrTheLedger) {
  kek(server, 1, {"A"});
  const auto set = written({{"A", LabelMode::kClear}});
  TestServer site(2);
  ASSERT_TRUE(site.manager().add_drive(operator_(), drive.serial(), drive.pins()));
  kek(site, 1, {"A"});
  EXPECT_EQ(refusal(site, with_set(Intent::kAppend, set)), EkmCode::kProhibited);
  const auto servers = m().list_servers();
  ASSERT_EQ(servers->size(), 1U);
  ASSERT_TRUE(site.manager().put_server(officer(), servers->front()));
  const auto answer = site.ask(with_set(Intent::kAppend, set));
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_TRUE(answer->may_append);
  auto without_seal = set;
  without_seal.seal.reset();
  EXPECT_EQ(refusal(site, with_set(Intent::kAppend, without_seal)), EkmCode::kProhibited);
  EXPECT_TRUE(server.ask(with_set(Intent::kAppend, without_seal))) << "the ledger holds the same EEDKs";
}

// Anybody can wrap a key of his own to a public KEK.
TEST_F(ReadSite, K7_AForgedSetIsReadOnly) {
  const Hash256 id = kek(server, 1, {"A"});
  const auto mine = crypto::SecretBytes::copy_of(Bytes(32, 0x42));
  eedk::EedkSet forged;
  forged.volume = random_uuid();
  forged.key_check = crypto::key_check_value(mine, forged.volume);
  forged.eedks.push_back(
      eedk::wrap_eedk(mine, shared_rsa(1).public_key(), eedk::HashLabel{id}, forged.volume).value());
  const auto read = server.ask(with_set(Intent::kRead, forged));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_FALSE(read->may_append);
  EXPECT_EQ(refusal(server, with_set(Intent::kAppend, forged)), EkmCode::kProhibited);
  auto rekey = with_set(Intent::kRekey, forged);
  rekey.labels = {{"A", LabelMode::kClear}};
  EXPECT_EQ(refusal(server, rekey), EkmCode::kProhibited) << "rekeying would seal a foreign key";
  // With a seal of the forger's own in this server's name.
  const auto key = crypto::PrivateKey::generate_p256();
  crypto::SystemRandom random;
  crypto::CertificateSpec spec;
  spec.common_name = "test server";
  spec.use = crypto::CertificateUse::kSigning;
  spec.not_before = m().context().now();
  spec.not_after = m().context().now() + std::chrono::hours(24);
  eedk::seal(forged, server.id(), crypto::self_signed_certificate(spec, key, random).value(), key);
  EXPECT_EQ(refusal(server, with_set(Intent::kAppend, forged)), EkmCode::kProhibited);
}

TEST_F(ReadSite, K7_EedksOfAnotherVolumeDoNotOpen) {
  kek(server, 1, {"A"});
  auto set = written({{"A", LabelMode::kClear}});
  auto request = with_set(Intent::kRead, set);
  request.volume = random_uuid();
  EXPECT_EQ(refusal(server, request), EkmCode::kEedkFlagsConflict);
  set.volume = random_uuid();
  EXPECT_EQ(refusal(server, with_set(Intent::kRead, set)), EkmCode::kKeyNotHeld);
}

TEST_F(ReadSite, K7_AllFailuresToUnwrapLookAlike) {
  kek(server, 1, {"A"});
  const auto set = written({{"A", LabelMode::kClear}});
  std::vector<eedk::EedkSet> bad(4, set);
  bad[0].eedks[0].wrapped[0] ^= 1;
  bad[1].eedks[0].wrapped.back() ^= 1;
  bad[2].eedks[0].wrapped.resize(7);
  bad[3].key_check[0] ^= 1;
  std::vector<Error> errors;
  for (const auto& one : bad) {
    const auto answer = server.ask(with_set(Intent::kRead, one));
    ASSERT_FALSE(answer);
    errors.push_back(answer.error());
  }
  // The private half gone: still the same words.
  const Hash256 id = shared_rsa(1).public_key().spki_hash();
  ASSERT_TRUE(m().change_kek_state(officer(), id, KeyState::kDeactivated));
  ASSERT_TRUE(m().destroy_key(officer(), *m().kek_ref(id),
                              {.cartridges_lost = *m().count_cartridges(id, CartridgeFilter::kNeeding)},
                              agreed()));
  errors.push_back(server.ask(with_set(Intent::kRead, set)).error());
  for (const auto& error : errors) {
    EXPECT_EQ(error.text(), errors.front().text());
    EXPECT_EQ(error.code, errors.front().code);
    EXPECT_EQ(error.detail, 0xEE32U);
  }
}

TEST_F(ReadSite, K25_AnUnknownWrapAlgorithmIsPassedOver) {
  kek(server, 1, {"A"});
  kek(server, 2, {"B"});
  auto set = written({{"A", LabelMode::kClear}, {"B", LabelMode::kClear}});
  set.eedks[0].algorithm = eedk::WrapAlgorithm::kMlKem768Rsa;
  EXPECT_TRUE(server.ask(with_set(Intent::kRead, set)));
}

TEST_F(ReadSite, K10_ADeactivatedKekReadsButExtendsNothing) {
  const Hash256 id = kek(server, 1, {"A"});
  const auto set = written({{"A", LabelMode::kClear}});
  ASSERT_TRUE(m().change_kek_state(officer(), id, KeyState::kDeactivated));
  const auto read = server.ask(with_set(Intent::kRead, set));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_FALSE(read->may_append);
  EXPECT_EQ(refusal(server, with_set(Intent::kAppend, set)), EkmCode::kProhibited);
}

TEST_F(ReadSite, K10_ADestroyedKeksPrivateHalfLeavesMemory) {
  const Hash256 first = kek(server, 1, {"A"});
  kek(server, 2, {"B"});
  const auto set = written({{"A", LabelMode::kClear}});
  ASSERT_TRUE(server.ask(with_set(Intent::kRead, set)));
  ASSERT_TRUE(server.ask(with_set(Intent::kRead, written({{"B", LabelMode::kClear}}))));
  EXPECT_EQ(server.service().counts().private_halves, 2U) << "kept for the next request";
  ASSERT_TRUE(m().change_kek_state(officer(), first, KeyState::kDeactivated));
  EXPECT_EQ(server.service().counts().private_halves, 2U) << "it still reads";
  ASSERT_TRUE(destroy_whatever_is_lost(m(), m().kek_ref(first)));
  EXPECT_EQ(server.service().counts().private_halves, 1U);
  EXPECT_FALSE(server.ask(with_set(Intent::kRead, set)));
  EXPECT_EQ(server.service().counts().private_halves, 1U);
}

TEST_F(ReadSite, K9_RekeyMakesNewEedksForTheSameKey) {
  const Hash256 old = kek(server, 1, {"Old"});
  kek(server, 2, {"New"});
  crypto::SecretBytes key;
  const auto set = written({{"Old", LabelMode::kClear}}, &key);
  ASSERT_TRUE(m().change_kek_state(officer(), old, KeyState::kDeactivated));
  auto request = with_set(Intent::kRekey, set);
  request.labels = {{"New", LabelMode::kHash}};
  const auto answer = server.ask(request);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_FALSE(answer->sedk);
  EXPECT_EQ(eedk::open_eedk(answer->eedks->eedks.at(0), shared_rsa(2), set.volume).value(), key);
  EXPECT_EQ(answer->eedks->key_check, set.key_check);
  const auto again = server.ask(request);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again->eedks, *answer->eedks) << "a retry gives the same EEDKs";
  const auto append = server.ask(with_set(Intent::kAppend, *answer->eedks));
  ASSERT_TRUE(append) << append.error().text();
  EXPECT_TRUE(append->may_append);
  request = with_set(Intent::kRekey, set);
  EXPECT_EQ(refusal(server, request), EkmCode::kMessageNotParsed) << "without labels";
}

struct LtoReadSite : ReadSite {
  LtoReadSite() {
    EXPECT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
    EXPECT_TRUE(m().create_group(operator_(), "g", {}));
    EXPECT_TRUE(m().generate_keys(operator_(), 3, "ABC", "g"));
    EXPECT_TRUE(m().set_default_group(operator_(), "g"));
    auto request = drive.request(Intent::kWrite, random_uuid());
    request.method = Method::kIdentifiedKey;
    const auto answer = server.ask(request);
    EXPECT_TRUE(answer) << answer.error().text();
    alias = answer->alias;
    dki = *answer->dki;
    key = drive.open(*answer, request).value();
  }
  const TestDrive enterprise = std::exchange(drive, TestDrive("000000000002", DriveKind::kLto));
  std::string alias;
  eedk::DataKeyIdentifier dki;
  crypto::SecretBytes key;
};

TEST_F(LtoReadSite, K8_ReadAndAppendUseTheTapesOwnKey) {
  for (const Intent intent : {Intent::kRead, Intent::kAppend}) {
    const auto request = with_dki(intent, dki);
    const auto answer = server.ask(request);
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(answer->alias, alias);
    EXPECT_EQ(drive.open(*answer, request).value(), key);
    EXPECT_EQ(crypto::key_check_value(key, request.volume), answer->key_check);
  }
  EXPECT_EQ(m().group("g")->used, 1) << "only a write takes a key";
}

TEST_F(LtoReadSite, K8_AnUnknownDkiIsEe32) {
  const auto unknown = eedk::DataKeyIdentifier::from_alias("NOTHERE").value();
  const auto answer = server.ask(with_dki(Intent::kRead, unknown));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().detail, 0xEE32U);
  EXPECT_NE(answer.error().message.find("NOTHERE"), std::string::npos);
  eedk::DataKeyIdentifier foreign;
  foreign.bytes.fill(0xF0);
  EXPECT_EQ(refusal(server, with_dki(Intent::kRead, foreign)), EkmCode::kKeyNotHeld);
}

TEST_F(LtoReadSite, K10_ADeactivatedKeyReadsButExtendsNothing) {
  ASSERT_TRUE(m().change_key_state(officer(), alias, KeyState::kDeactivated));
  const auto read = server.ask(with_dki(Intent::kRead, dki));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_FALSE(read->may_append);
  EXPECT_EQ(refusal(server, with_dki(Intent::kAppend, dki)), EkmCode::kProhibited);
  ASSERT_TRUE(m().destroy_key(officer(), *m().key_ref(alias),
                              {.cartridges_lost = *m().count_cartridges(alias, CartridgeFilter::kNeeding)},
                              agreed()));
  EXPECT_EQ(refusal(server, with_dki(Intent::kRead, dki)), EkmCode::kKeyNotHeld);
}

TEST_F(LtoReadSite, K7_ACartridgeIsOneMethodOrTheOther) {
  kek(server, 1, {"A"});
  drive = enterprise;
  auto request = with_set(Intent::kRead, written({{"A", LabelMode::kClear}}));
  request.dki = dki;
  EXPECT_EQ(refusal(server, request), EkmCode::kEedkFlagsConflict);
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
