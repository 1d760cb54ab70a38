// Who may write and read what by KMIP, and how much of it (K27).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kmip_rules.h"

namespace tapewarden::conformance {
namespace {

using keymgr::ObjectKind;
using keymgr::Quota;
using keymgr::SubjectKind;
using keymgr::testing::officer;
using ::testing::HasSubstr;

constexpr std::string_view kAesUse = "Encrypt Decrypt WrapKey UnwrapKey";

class KmipAccess : public KmipRules {
 protected:
  keymgr::KeyManager& m() { return server_.server().manager(); }
  Uuid allow(SubjectKind who, std::string subject, ObjectKind what, std::string object, bool write,
             bool read) {
    keymgr::AccessRule rule;
    rule.subject_kind = who;
    rule.subject = std::move(subject);
    rule.object_kind = what;
    rule.object = std::move(object);
    rule.may_write = write;
    rule.may_read = read;
    const auto added = m().add_access_rule(officer(), rule);
    EXPECT_TRUE(added) << added.error().text();
    return added ? added->id : Uuid();
  }
  Uuid allow_client(bool write, bool read, std::string client = "library") {
    return allow(SubjectKind::kClient, std::move(client), ObjectKind::kGroup, "KMIP", write, read);
  }
  void drop(const Uuid& rule) { ASSERT_TRUE(m().remove_access_rule(officer(), rule)); }
  std::string outcome(const std::string& one) { return ask(one).outcome(); }
  std::string get(const std::string& id) { return outcome(item("Get", named(id))); }
  std::size_t used() { return static_cast<std::size_t>(m().group("KMIP")->used); }
  void limit(ObjectKind what, std::string object, std::int64_t writes, std::int64_t reads) {
    Quota quota;
    quota.subject_kind = SubjectKind::kClient;
    quota.subject = "library";
    quota.object_kind = what;
    quota.object = std::move(object);
    quota.writes_hour = writes;
    quota.reads_hour = reads;
    const auto added = m().add_quota(officer(), quota);
    ASSERT_TRUE(added) << added.error().text();
  }
};

TEST_F(KmipAccess, K27_TheFirstRuleClosesAGroupToOtherKmipClients) {
  const auto id = create(256, kAesUse);
  EXPECT_EQ(get(id), "Success") << "no rule yet";
  const auto other = allow_client(true, true, "library-2");
  const auto before = used();
  const auto refused = ask(create_item(256, kAesUse));
  EXPECT_EQ(refused.outcome(), "PermissionDenied");
  EXPECT_THAT(refused.value("ResultMessage"),
              HasSubstr("KMIP client library may not write with group \"KMIP\""));
  EXPECT_EQ(used(), before) << "a refusal takes no key";
  EXPECT_EQ(get(id), "PermissionDenied");
  EXPECT_EQ(outcome(item("ReKey", named(id))), "PermissionDenied");
  EXPECT_EQ(outcome(item("Destroy", named(id))), "PermissionDenied");
  EXPECT_EQ(server_.server().audit_count({"kmip.create", "may not write"}), 1U);
  EXPECT_EQ(located(enumeration("ObjectType", "SymmetricKey")), 1U) << "what there is may be looked for";
  EXPECT_EQ(outcome(create_item(128, "Encrypt")), "Success") << "it is in no group";
  drop(other);
  EXPECT_EQ(get(id), "Success") << "at once";
}

TEST_F(KmipAccess, K27_AKmipClientWritesAndReadsByRightsOfTheirOwn) {
  const auto old = create(256, kAesUse, active());
  ASSERT_EQ(get(old), "Success");
  const auto writes = allow_client(true, false);
  const auto made = ask({create_item(256, kAesUse), item("Get", "", "02")});
  EXPECT_EQ(made.outcome(1), "Success") << "the key that it writes with: " << made.text();
  EXPECT_EQ(get(made.value("UniqueIdentifier")), "PermissionDenied") << "it was given out: reading is more";
  EXPECT_EQ(get(old), "PermissionDenied");
  const auto crypto =
      structure("CryptographicParameters", enumeration("BlockCipherMode", "ECB")) + bytes("Data", kKey);
  EXPECT_EQ(outcome(item("Encrypt", named(old) + crypto)), "Success");
  EXPECT_EQ(outcome(item("Decrypt", named(old) + crypto)), "PermissionDenied");
  drop(writes);
  allow_client(false, true);
  EXPECT_EQ(get(old), "Success");
  EXPECT_EQ(outcome(item("Decrypt", named(old) + crypto)), "Success");
  EXPECT_EQ(outcome(item("Encrypt", named(old) + crypto)), "PermissionDenied");
  EXPECT_EQ(outcome(create_item(256, kAesUse)), "PermissionDenied");
  EXPECT_EQ(outcome(item("AddAttribute", named(old) + structure("NewAttribute", name_attribute("mine")))),
            "PermissionDenied");
  EXPECT_EQ(
      outcome(item("Revoke", named(old) + structure("RevocationReason",
                                                    enumeration("RevocationReasonCode", "Superseded")))),
      "PermissionDenied");
}

TEST_F(KmipAccess, K27_WhatIsInNoGroupFollowsTheDefaultAndRulesForAnyObject) {
  const auto own = register_key(kKey, kAesUse);
  ASSERT_TRUE(m().set_setting(officer(), "access.default", "deny"));
  EXPECT_EQ(get(own), "PermissionDenied");
  EXPECT_EQ(outcome(register_item(kKek, "Encrypt")), "PermissionDenied");
  EXPECT_EQ(outcome(create_item(128, "Encrypt")), "PermissionDenied");
  const auto pair =
      item("CreateKeyPair",
           concat(structure("CommonAttributes",
                            enumeration("CryptographicAlgorithm", "EC") + number("CryptographicLength", 256)),
                  structure("PrivateKeyAttributes", field("CryptographicUsageMask", "Integer", "Sign")),
                  structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "Verify"))));
  EXPECT_EQ(outcome(pair), "PermissionDenied");
  allow(SubjectKind::kClient, "library", ObjectKind::kAny, "", false, true);
  EXPECT_EQ(get(own), "Success");
  EXPECT_EQ(outcome(register_item(kKek, "Encrypt")), "PermissionDenied");
  allow(SubjectKind::kAny, "", ObjectKind::kAny, "", true, false);
  EXPECT_EQ(outcome(register_item(kKek, "Encrypt")), "Success");
  EXPECT_EQ(outcome(create_item(128, "Encrypt")), "Success");
  EXPECT_EQ(outcome(pair), "Success");
}

TEST_F(KmipAccess, K27_ARuleForADriveLetsNoClientOfItsNameIn) {
  const auto id = create(256, kAesUse);
  allow(SubjectKind::kDrive, "000000000001", ObjectKind::kGroup, "KMIP", true, true);
  EXPECT_EQ(get(id), "PermissionDenied");
  keymgr::AccessRule bad;
  bad.subject_kind = SubjectKind::kClient;
  bad.subject = " library";
  bad.object_kind = ObjectKind::kGroup;
  bad.object = "KMIP";
  const auto refused = m().add_access_rule(officer(), bad);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "subject");
}

TEST_F(KmipAccess, K27_AKeyLeavesWrappedOnlyWithAKeyThatMayBeRead) {
  const auto wrapping = create(256, kAesUse, active());
  ASSERT_EQ(get(wrapping), "Success");
  const auto own = register_key(kKey, "Encrypt");
  const auto wrapped = item(
      "Get", named(own) + structure("KeyWrappingSpecification",
                                    enumeration("WrappingMethod", "Encrypt") +
                                        structure("EncryptionKeyInformation",
                                                  named(wrapping) + structure("CryptographicParameters",
                                                                              enumeration("BlockCipherMode",
                                                                                          "NISTKeyWrap"))) +
                                        enumeration("EncodingOption", "NoEncoding")));
  EXPECT_EQ(outcome(wrapped), "Success") << ask(wrapped).text();
  allow_client(true, false);
  EXPECT_EQ(outcome(wrapped), "PermissionDenied");
}

TEST_F(KmipAccess, K27_SoManyKeysOfAGroupAKmipClientTakesAnHour) {
  limit(ObjectKind::kGroup, "KMIP", 3, 0);
  const auto id = create(256, kAesUse);
  create(256, kAesUse);
  EXPECT_EQ(outcome(item("ReKey", named(id))), "Success") << "a replacement is a key of the group, too";
  const auto before = used();
  const auto refused = ask(create_item(256, kAesUse));
  EXPECT_EQ(refused.outcome(), "ServerLimitExceeded");
  EXPECT_THAT(refused.value("ResultMessage"), HasSubstr("quota of client library on group KMIP"));
  EXPECT_EQ(outcome(item("ReKey", named(id))), "PermissionDenied") << "it has a replacement";
  EXPECT_EQ(used(), before) << "a refusal takes no key";
  EXPECT_EQ(server_.server().audit_count({"quota.warning", "\"used\":\"3\""}), 1U);
  EXPECT_EQ(server_.server().audit_count({"kmip.create", "is used up"}), 1U);
  EXPECT_EQ(outcome(create_item(128, "Encrypt")), "Success") << "in no group";
  server_.server().clock.advance(std::chrono::minutes(66));
  EXPECT_EQ(outcome(create_item(256, kAesUse)), "Success");
}

TEST_F(KmipAccess, K27_KeysReadInBulkByAKmipClientAreCounted) {
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    const auto made = ask({create_item(256, kAesUse), item("Get", "", "02")});
    ASSERT_EQ(made.outcome(1), "Success");
    ids.push_back(made.value("UniqueIdentifier"));
  }
  const auto registered = register_key(kKey, "Encrypt");
  limit(ObjectKind::kAny, "", 0, 3);
  EXPECT_EQ(get(ids[0]), "Success");
  EXPECT_EQ(get(ids[0]), "Success") << "the same again";
  EXPECT_EQ(get(ids[1]), "Success");
  EXPECT_EQ(get(registered), "Success") << "its client brought it: taking it out is a read";
  const auto batch = ask({item("Get", named(ids[0])), item("Get", named(ids[2]), "02")},
                         enumeration("BatchErrorContinuationOption", "Continue"));
  EXPECT_EQ(batch.outcome(0), "Success") << batch.text();
  EXPECT_EQ(batch.outcome(1), "ServerLimitExceeded");
  EXPECT_FALSE(batch.has("KeyMaterial", 1));
  server_.set_export(true);
  EXPECT_EQ(outcome(item("Export", named(ids[3]))), "ServerLimitExceeded") << "no way around";
  EXPECT_EQ(m().list_quotas()->front().reads_hour, 3);
  const auto fresh = ask({create_item(256, kAesUse), item("Get", "", "02")});
  EXPECT_EQ(fresh.outcome(1), "Success") << "a new key is a write";
  server_.server().clock.advance(std::chrono::minutes(61));
  EXPECT_EQ(get(ids[2]), "Success");
}

TEST_F(KmipAccess, K27_WhatWasUndoneIsNotCounted) {
  limit(ObjectKind::kGroup, "KMIP", 2, 0);
  const auto undone =
      ask({create_item(256, kAesUse), item("Get", named("00000000-0000-4000-8000-000000000000"), "02")},
          enumeration("BatchErrorContinuationOption", "Undo"));
  EXPECT_EQ(undone.outcome(0), "OperationUndone");
  EXPECT_EQ(m().list_quotas()->front().writes_hour, 0);
  create(256, kAesUse);
  create(256, kAesUse);
  EXPECT_EQ(outcome(create_item(256, kAesUse)), "ServerLimitExceeded");
}

}  // namespace
}  // namespace tapewarden::conformance
