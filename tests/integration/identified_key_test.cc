// K8, K10 and K12 for cartridges that name their key: LTO.
#include "integration/running_site.h"

namespace tapewarden::testing {
namespace {

using dkx::DriveKind;
using dkx::Intent;

class KeydIdentifiedKey : public RunningSite {};

TEST_F(KeydIdentifiedKey, K8_WriteAppendAndReadWithTheDefaultGroup) {
  ASSERT_TRUE(make_group("K8DEFAULT", 4).has_value());
  ASSERT_TRUE(rest().put("/v1/groups/K8DEFAULT/default").has_value());
  const auto drive = enrolled_drive("K8DRIVE00001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);

  const auto written = link->serve(*drive, drive->write());
  TW_ASSERT_OK(written);
  EXPECT_TRUE(written->answer.may_append);
  const auto key = rest().get("/v1/keys/" + written->identified().alias);
  TW_ASSERT_OK(key);
  EXPECT_EQ(key->at("group").as_string(), "K8DEFAULT");
  EXPECT_EQ(key->at("uses").to_number<int>(), 1);
  EXPECT_EQ(key->at("dki").as_string(), written->identified().identifier.hex());

  const auto appended = link->serve(*drive, drive->again(Intent::kAppend, *written));
  TW_ASSERT_OK(appended);
  EXPECT_TRUE(appended->data_key == written->data_key);
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    auto other = DriveLink::connect(site(), which);
    TW_ASSERT_OK(other);
    const auto read = other->serve(*drive, drive->again(Intent::kRead, *written));
    TW_ASSERT_OK(read);
    EXPECT_TRUE(read->data_key == written->data_key);
  }
  const auto second = link->serve(*drive, drive->write());
  TW_ASSERT_OK(second);
  EXPECT_NE(second->identified().alias, written->identified().alias);
  EXPECT_FALSE(second->data_key == written->data_key);
}

TEST_F(KeydIdentifiedKey, K3_UseOnceGroupEndsWithEE34AndSaysWhatToDo) {
  ASSERT_TRUE(make_group("K3SMALL", 2).has_value());
  const auto drive = enrolled_drive("K3SMALL00001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  dkx::KeyRequest request = drive->write();
  request.asked = dkx::GroupAsked{"K3SMALL"};
  for (int i = 0; i < 2; ++i) {
    dkx::KeyRequest each = drive->write();
    each.asked = request.asked;
    EXPECT_EQ(code_of(link->serve(*drive, each)), "served");
  }
  const auto refused = link->serve(*drive, request);
  EXPECT_EQ(code_of(refused), "EE34");
  ASSERT_FALSE(refused.has_value());
  EXPECT_FALSE(refused.error().remedy.empty());
}

TEST_F(KeydIdentifiedKey, K10_DeactivatedKeyReadsButDoesNotWrite) {
  ASSERT_TRUE(make_group("K10GROUP", 2).has_value());
  const auto drive = enrolled_drive("K10DRIVE0001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  dkx::KeyRequest request = drive->write();
  request.asked = dkx::GroupAsked{"K10GROUP"};
  const auto written = link->serve(*drive, request);
  TW_ASSERT_OK(written);
  const auto changed = rest().put("/v1/keys/" + written->identified().alias + "/state",
                                  json::object{{"state", "deactivated"}});
  TW_ASSERT_OK(changed);
  EXPECT_EQ(code_of(link->serve(*drive, drive->again(Intent::kAppend, *written))), "EE30");
  dkx::KeyRequest by_alias = drive->write();
  by_alias.asked = dkx::AliasAsked{written->identified().alias};
  EXPECT_EQ(code_of(link->serve(*drive, by_alias)), "EE30");
  const auto read = link->serve(*drive, drive->again(Intent::kRead, *written));
  TW_ASSERT_OK(read);
  EXPECT_TRUE(read->data_key == written->data_key);
  EXPECT_FALSE(read->answer.may_append);
}

TEST_F(KeydIdentifiedKey, K8_AccessRuleClosesAGroupToOtherDrives) {
  ASSERT_TRUE(make_group("K8CLOSED", 4).has_value());
  const auto allowed = enrolled_drive("K8ALLOWED001", DriveKind::kLto);
  TW_ASSERT_OK(allowed);
  const auto other = enrolled_drive("K8FORBID0001", DriveKind::kLto);
  TW_ASSERT_OK(other);
  const auto rule = rest().post("/v1/access", json::object{{"subject_kind", "drive"},
                                                           {"subject", "K8ALLOWED001"},
                                                           {"object_kind", "group"},
                                                           {"object", "K8CLOSED"},
                                                           {"write", true},
                                                           {"read", true}});
  TW_ASSERT_OK(rule);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  dkx::KeyRequest request = allowed->write();
  request.asked = dkx::GroupAsked{"K8CLOSED"};
  const auto written = link->serve(*allowed, request);
  TW_ASSERT_OK(written);
  dkx::KeyRequest foreign = other->write();
  foreign.asked = request.asked;
  EXPECT_EQ(code_of(link->serve(*other, foreign)), "EE30");
  EXPECT_EQ(code_of(link->serve(*other, other->again(Intent::kRead, *written))), "EE30");
  EXPECT_EQ(code_of(link->serve(*other, other->again(Intent::kAppend, *written))), "EE30");
  EXPECT_EQ(code_of(link->serve(*allowed, allowed->again(Intent::kRead, *written))), "served");
  // The rule holds at the other server too.
  auto secondary = DriveLink::connect(site(), Which::kSecondary);
  TW_ASSERT_OK(secondary);
  EXPECT_EQ(code_of(secondary->serve(*other, other->again(Intent::kRead, *written))), "EE30");
}

TEST_F(KeydIdentifiedKey, K8_ReadOfAKeyNotHeldHereIsEE32) {
  const auto drive = enrolled_drive("K8UNKNOWN001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  dkx::KeyRequest request = drive->request(Intent::kRead);
  request.held = *eedk::DataKeyIdentifier::from_alias("NOTHERE");
  const auto refused = link->serve(*drive, request);
  EXPECT_EQ(code_of(refused), "EE32");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("NOTHERE"), std::string::npos);
}

TEST_F(KeydIdentifiedKey, K12_LedgerRowGoesFromIssuedToConfirmedAndRetriesAreIdempotent) {
  ASSERT_TRUE(make_group("K12GROUP", 4).has_value());
  const auto drive = enrolled_drive("K12DRIVE0001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  dkx::KeyRequest request = drive->write();
  request.asked = dkx::GroupAsked{"K12GROUP"};
  const auto written = link->serve(*drive, request);
  TW_ASSERT_OK(written);
  const auto retried = link->serve(*drive, request);
  TW_ASSERT_OK(retried);
  EXPECT_EQ(retried->identified().alias, written->identified().alias);
  EXPECT_TRUE(retried->data_key == written->data_key);
  EXPECT_EQ(retried->answer.ledger, written->answer.ledger);

  const std::string query = "/v1/ledger?volume=" + request.volume.text();
  const auto issued = rest().get(query);
  TW_ASSERT_OK(issued);
  ASSERT_EQ(issued->at("items").as_array().size(), 1U) << json::serialize(*issued);
  const auto& row = issued->at("items").at(0);
  EXPECT_EQ(row.at("state").as_string(), "issued");
  EXPECT_EQ(row.at("alias").as_string(), written->identified().alias);
  EXPECT_EQ(row.at("drive").as_string(), "K12DRIVE0001");
  EXPECT_EQ(row.at("volser").as_string(), request.volser);

  for (int i = 0; i < 2; ++i) {
    const auto confirmed = link->ask(*drive, drive->confirm(request, written->answer));
    TW_ASSERT_OK(confirmed);
    ASSERT_TRUE(std::holds_alternative<dkx::ConfirmAnswer>(*confirmed)) << code_of(confirmed);
  }
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    const auto after = site().rest(which).get(query);
    TW_ASSERT_OK(after);
    ASSERT_EQ(after->at("items").as_array().size(), 1U);
    EXPECT_EQ(after->at("items").at(0).at("state").as_string(), "confirmed") << to_string(which);
  }
  // Another drive cannot confirm it.
  const auto other = enrolled_drive("K12DRIVE0002", DriveKind::kLto);
  TW_ASSERT_OK(other);
  EXPECT_NE(code_of(link->ask(*other, other->confirm(request, written->answer))), "served");
}

}  // namespace
}  // namespace tapewarden::testing
