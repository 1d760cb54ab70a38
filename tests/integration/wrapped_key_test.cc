// K5, K6, K7 and K12 for cartridges that hold EEDKs: 3592.
#include <functional>

#include "crypto/random.h"
#include "integration/running_site.h"

namespace tapewarden::testing {
namespace {

using dkx::DriveKind;
using dkx::Intent;
using eedk::LabelMode;

class KeydWrappedKey : public RunningSite {
 protected:
  static Result<json::value> generate_kek(const std::string& name, const std::string& label) {
    return rest().post("/v1/keks", json::object{{"common_name", name}, {"bits", 2048}, {"labels", {label}}});
  }
  static dkx::KeyRequest write_with(const TestDrive& drive, dkx::LabelsAsked labels) {
    dkx::KeyRequest request = drive.write();
    request.asked = std::move(labels);
    return request;
  }
  static Result<crypto::PublicKey> public_half(const std::string& label) {
    const auto kek = TRY(rest().get("/v1/keks/" + encode_part(label)));
    const std::string pem = kek.at("certificate").at("pem").as_string().c_str();
    return TRY(crypto::Certificate::from_pem(pem)).public_key();
  }
  // A KEK whose private half no server has.
  static Result<crypto::PrivateKey> import_foreign(const std::string& label) {
    auto key = crypto::PrivateKey::generate_rsa(2048);
    crypto::CertificateSpec spec;
    spec.common_name = "partner";
    spec.use = crypto::CertificateUse::kKeyWrapping;
    const auto now =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    spec.not_before = now - std::chrono::hours{24};
    spec.not_after = now + std::chrono::hours{24 * 365};
    const auto certificate = TRY(crypto::self_signed_certificate(spec, key, site().random()));
    TRY(rest().post("/v1/keks/certificates",
                    json::object{{"certificate", certificate.pem()}, {"labels", {label}}}));
    return key;
  }
};

TEST_F(KeydWrappedKey, K6_WriteWithAClearAndAHashLabelThenAppendAndRead) {
  TW_EXPECT_OK(generate_kek("k6 one", "K6 ONE"));
  TW_EXPECT_OK(generate_kek("k6 two", "K6 TWO"));
  const auto drive = enrolled_drive("K6DRIVE00001", DriveKind::k3592);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  const auto written =
      link->serve(*drive, write_with(*drive, {{"K6 ONE", LabelMode::kClear}, {"K6 TWO", LabelMode::kHash}}));
  TW_ASSERT_OK(written);
  ASSERT_EQ(written->eedks().eedks.size(), 2U);
  EXPECT_EQ(eedk::mode_of(written->eedks().eedks[0].label), LabelMode::kClear);
  EXPECT_EQ(eedk::mode_of(written->eedks().eedks[1].label), LabelMode::kHash);
  EXPECT_TRUE(written->eedks().seal.has_value());
  EXPECT_TRUE(written->answer.may_append);

  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    auto other = DriveLink::connect(site(), which);
    TW_ASSERT_OK(other);
    const auto appended = other->serve(*drive, drive->again(Intent::kAppend, *written));
    TW_ASSERT_OK(appended);
    EXPECT_TRUE(appended->data_key == written->data_key);
    EXPECT_TRUE(appended->answer.may_append);
    // Each EEDK opens alone.
    for (std::size_t i = 0; i < 2; ++i) {
      dkx::KeyRequest one = drive->again(Intent::kRead, *written);
      eedk::EedkSet set = written->eedks();
      set.eedks = {written->eedks().eedks[i]};
      one.held = set;
      const auto read = other->serve(*drive, one);
      TW_ASSERT_OK(read);
      EXPECT_TRUE(read->data_key == written->data_key);
    }
  }
  const auto row = rest().get("/v1/ledger?volume=" + written->request.volume.text() + "&label=K6%20TWO");
  TW_ASSERT_OK(row);
  EXPECT_FALSE(row->at("items").as_array().empty());
}

TEST_F(KeydWrappedKey, K6_SecondKekMayBeAPublicHalfHeldElsewhere) {
  TW_EXPECT_OK(generate_kek("k6 own", "K6 OWN"));
  const auto partner = import_foreign("K6 PARTNER");
  TW_ASSERT_OK(partner);
  const auto drive = enrolled_drive("K6DRIVE00002", DriveKind::k3592);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  const auto written = link->serve(
      *drive, write_with(*drive, {{"K6 OWN", LabelMode::kClear}, {"K6 PARTNER", LabelMode::kClear}}));
  TW_ASSERT_OK(written);
  const auto appended = link->serve(*drive, drive->again(Intent::kAppend, *written));
  TW_ASSERT_OK(appended);
  EXPECT_TRUE(appended->data_key == written->data_key);
  // The partner opens his EEDK with his own private half.
  ASSERT_EQ(written->eedks().eedks.size(), 2U);
  const auto theirs = eedk::open_eedk(written->eedks().eedks[1], *partner, written->request.volume);
  TW_ASSERT_OK(theirs);
  EXPECT_TRUE(*theirs == written->data_key);
  // To the partner alone is refused without a proof that he can unwrap.
  EXPECT_EQ(code_of(link->serve(*drive, write_with(*drive, {{"K6 PARTNER", LabelMode::kHash}}))), "EE31");
}

TEST_F(KeydWrappedKey, K7_RenamedLabelIsNamedInClearModeAndWorksInHashMode) {
  TW_EXPECT_OK(generate_kek("k7 renamed", "K7 OLD"));
  const auto drive = enrolled_drive("K7DRIVE00001", DriveKind::k3592);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  const auto clear = link->serve(*drive, write_with(*drive, {{"K7 OLD", LabelMode::kClear}}));
  TW_ASSERT_OK(clear);
  const auto hash = link->serve(*drive, write_with(*drive, {{"K7 OLD", LabelMode::kHash}}));
  TW_ASSERT_OK(hash);
  TW_EXPECT_OK(rest().post("/v1/keks/K7%20OLD/labels", json::object{{"label", "K7 NEW"}}));
  TW_EXPECT_OK(rest().remove("/v1/keks/K7%20NEW/labels/K7%20OLD"));

  const auto refused = link->serve(*drive, drive->again(Intent::kRead, *clear));
  EXPECT_EQ(code_of(refused), "EE32");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().text().find("K7 OLD"), std::string::npos) << refused.error().text();
  const auto read = link->serve(*drive, drive->again(Intent::kRead, *hash));
  TW_ASSERT_OK(read);
  EXPECT_TRUE(read->data_key == hash->data_key);
  ASSERT_EQ(read->answer.labels.size(), 1U);
  EXPECT_EQ(read->answer.labels[0], "K7 NEW");
}

TEST_F(KeydWrappedKey, K7_EedksForgedWithThePublicHalfAreReadOnly) {
  TW_EXPECT_OK(generate_kek("k7 forged", "K7 FORGED"));
  const auto drive = enrolled_drive("K7DRIVE00002", DriveKind::k3592);
  TW_ASSERT_OK(drive);
  const auto kek = public_half("K7 FORGED");
  TW_ASSERT_OK(kek);
  const auto own_key = crypto::random_secret(site().random(), 32);
  dkx::KeyRequest append = drive->request(Intent::kAppend);
  eedk::EedkSet forged;
  forged.volume = append.volume;
  forged.key_check = crypto::key_check_value(own_key, append.volume);
  const auto wrapped = eedk::wrap_eedk(own_key, *kek, eedk::ClearLabel{"K7 FORGED"}, append.volume);
  TW_ASSERT_OK(wrapped);
  forged.eedks = {*wrapped};
  append.held = forged;
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  EXPECT_EQ(code_of(link->serve(*drive, append)), "EE30");
  dkx::KeyRequest read = append;
  read.intent = Intent::kRead;
  const auto served = link->serve(*drive, read);
  TW_ASSERT_OK(served);
  EXPECT_TRUE(served->data_key == own_key);
  EXPECT_FALSE(served->answer.may_append);

  // Reading it once does not launder it: not by the ledger, not with a seal taken from elsewhere.
  append.request_id = Uuid::random(site().random());
  EXPECT_EQ(code_of(link->serve(*drive, append)), "EE30");
  const auto genuine = link->serve(*drive, write_with(*drive, {{"K7 FORGED", LabelMode::kClear}}));
  TW_ASSERT_OK(genuine);
  forged.seal = genuine->eedks().seal;
  append.held = forged;
  append.request_id = Uuid::random(site().random());
  EXPECT_EQ(code_of(link->serve(*drive, append)), "EE30");
  dkx::KeyRequest rekey = append;
  rekey.intent = Intent::kRekey;
  rekey.request_id = Uuid::random(site().random());
  rekey.asked = dkx::LabelsAsked{{"K7 FORGED", LabelMode::kHash}};
  EXPECT_EQ(code_of(link->serve(*drive, rekey)), "EE30");
}

TEST_F(KeydWrappedKey, K7_AllUnwrapFailuresLookAlike) {
  TW_EXPECT_OK(generate_kek("k7 alike", "K7 ALIKE"));
  const auto drive = enrolled_drive("K7DRIVE00003", DriveKind::k3592);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  const auto written = link->serve(*drive, write_with(*drive, {{"K7 ALIKE", LabelMode::kClear}}));
  TW_ASSERT_OK(written);
  const auto fault_of = [&](const std::function<void(eedk::EedkSet&)>& damage) {
    dkx::KeyRequest request = drive->again(Intent::kRead, *written);
    eedk::EedkSet set = written->eedks();
    damage(set);
    request.held = set;
    const auto refused = link->serve(*drive, request);
    return refused ? std::string("served") : code_of(refused) + " " + refused.error().text();
  };
  const std::string damaged = fault_of([](eedk::EedkSet& set) { set.eedks[0].wrapped[5] ^= 1; });
  EXPECT_NE(damaged, "served");
  EXPECT_EQ(fault_of([](eedk::EedkSet& set) { set.eedks[0].wrapped.back() ^= 1; }), damaged);
  EXPECT_EQ(fault_of([](eedk::EedkSet& set) { set.eedks[0].wrapped.resize(10); }), damaged);
  EXPECT_EQ(fault_of([](eedk::EedkSet& set) { set.key_check[0] ^= 1; }), damaged);
  // An EEDK that was copied to another cartridge.
  dkx::KeyRequest moved = drive->request(Intent::kRead);
  eedk::EedkSet set = written->eedks();
  set.volume = moved.volume;
  moved.held = set;
  const auto refused = link->serve(*drive, moved);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(code_of(refused) + " " + refused.error().text(), damaged);
}

TEST_F(KeydWrappedKey, K10_DeactivatedKekReadsButDoesNotWrite) {
  TW_EXPECT_OK(generate_kek("k10 kek", "K10 KEK"));
  const auto drive = enrolled_drive("K10DRIVE0002", DriveKind::k3592);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  const auto written = link->serve(*drive, write_with(*drive, {{"K10 KEK", LabelMode::kClear}}));
  TW_ASSERT_OK(written);
  TW_EXPECT_OK(rest().put("/v1/keks/K10%20KEK/state", json::object{{"state", "deactivated"}}));
  EXPECT_EQ(code_of(link->serve(*drive, write_with(*drive, {{"K10 KEK", LabelMode::kClear}}))), "EE31");
  EXPECT_EQ(code_of(link->serve(*drive, drive->again(Intent::kAppend, *written))), "EE30");
  const auto read = link->serve(*drive, drive->again(Intent::kRead, *written));
  TW_ASSERT_OK(read);
  EXPECT_TRUE(read->data_key == written->data_key);
  EXPECT_FALSE(read->answer.may_append);
}

TEST_F(KeydWrappedKey, K6_AccessRuleClosesALabelToOtherDrives) {
  TW_EXPECT_OK(generate_kek("k6 closed", "K6 CLOSED"));
  const auto allowed = enrolled_drive("K6ALLOWED001", DriveKind::k3592);
  TW_ASSERT_OK(allowed);
  const auto other = enrolled_drive("K6FORBID0001", DriveKind::k3592);
  TW_ASSERT_OK(other);
  TW_EXPECT_OK(rest().post("/v1/access", json::object{{"subject_kind", "drive"},
                                                      {"subject", "K6ALLOWED001"},
                                                      {"object_kind", "label"},
                                                      {"object", "K6 CLOSED"},
                                                      {"write", true},
                                                      {"read", true}}));
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  const auto written = link->serve(*allowed, write_with(*allowed, {{"K6 CLOSED", LabelMode::kHash}}));
  TW_ASSERT_OK(written);
  EXPECT_EQ(code_of(link->serve(*other, write_with(*other, {{"K6 CLOSED", LabelMode::kHash}}))), "EE30");
  EXPECT_EQ(code_of(link->serve(*other, other->again(Intent::kRead, *written))), "EE30");
}

TEST_F(KeydWrappedKey, K9_RekeyGivesNewEedksForTheSameDataKey) {
  TW_EXPECT_OK(generate_kek("k9 old", "K9 OLD"));
  TW_EXPECT_OK(generate_kek("k9 new", "K9 NEW"));
  const auto drive = enrolled_drive("K9DRIVE00001", DriveKind::k3592);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  const auto written = link->serve(*drive, write_with(*drive, {{"K9 OLD", LabelMode::kClear}}));
  TW_ASSERT_OK(written);
  dkx::KeyRequest rekey = drive->again(Intent::kRekey, *written);
  rekey.asked = dkx::LabelsAsked{{"K9 NEW", LabelMode::kHash}};
  const auto body = link->ask(*drive, rekey);
  ASSERT_EQ(code_of(body), "served");
  const auto& answer = std::get<dkx::KeyAnswer>(*body);
  EXPECT_FALSE(answer.sedk.has_value());
  dkx::KeyRequest read = drive->again(Intent::kRead, *written);
  read.held = std::get<eedk::EedkSet>(answer.to_hold);
  const auto served = link->serve(*drive, read);
  TW_ASSERT_OK(served);
  EXPECT_TRUE(served->data_key == written->data_key);
}

TEST_F(KeydWrappedKey, K12_RetryGetsTheSameKeyAndEedksAlsoAtTheOtherServer) {
  TW_EXPECT_OK(generate_kek("k12 kek", "K12 KEK"));
  const auto drive = enrolled_drive("K12DRIVE0003", DriveKind::k3592);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  const auto request = write_with(*drive, {{"K12 KEK", LabelMode::kClear}});
  const auto written = link->serve(*drive, request);
  TW_ASSERT_OK(written);
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    auto other = DriveLink::connect(site(), which);
    TW_ASSERT_OK(other);
    const auto retried = other->serve(*drive, request);
    TW_ASSERT_OK(retried);
    EXPECT_EQ(retried->eedks(), written->eedks()) << to_string(which);
    EXPECT_TRUE(retried->data_key == written->data_key);
  }
  const auto row = rest().get("/v1/ledger?volume=" + request.volume.text());
  TW_ASSERT_OK(row);
  EXPECT_EQ(row->at("items").as_array().size(), 1U) << json::serialize(*row);
}

}  // namespace
}  // namespace tapewarden::testing
