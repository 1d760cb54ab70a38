// What another KMIP server keeps comes over (K20): two servers in one process, the one the old one.
#include <gtest/gtest.h>
#include <map>

#include "kmip/client/migration.h"
#include "kmip_rules.h"

namespace tapewarden::conformance {
namespace {

using kmip::MigratedObject;
using kmip::MigrationOutcome;

class KmipMigration : public KmipRules {
 protected:
  // In the fixture's server, the new one.
  Answer here(const std::string& one) { return ask(one); }
  Answer there(const std::string& one) { return Answer(old_.ask_xml(message({one}))); }
  std::string make_there(const std::string& one) {
    const auto answer = there(one);
    EXPECT_EQ(answer.outcome(), "Success") << answer.text();
    return answer.value("UniqueIdentifier");
  }
  std::map<std::string, MigratedObject> migrate(bool dry_run = false, std::size_t answers = 1'000'000) {
    std::map<std::string, MigratedObject> out;
    std::size_t left = answers;
    const kmip::Exchange from = [&](Bytes request) -> Result<Bytes> {
      if (left-- == 0) return fail(ErrorCode::kUnavailable, "the wire is cut");
      return old_.ask(std::move(request));
    };
    const kmip::Exchange to = [&](Bytes request) -> Result<Bytes> { return server_.ask(std::move(request)); };
    done_ = kmip::migrate_objects(from, to, {"old.example.org", dry_run},
                                  [&](const MigratedObject& one) { out[one.id] = one; });
    return out;
  }
  std::string state_of(const std::string& id) {
    return here(item("GetAttributes", named(id) + enumeration("AttributeReference", "State"))).value("State");
  }

  KmipServer old_;
  Status done_;
};

TEST_F(KmipMigration, K20_ObjectsComeWithIdentifiersAttributesAndStates) {
  const auto used = make_there(create_item(256, "Encrypt Decrypt", concat(active(), name_attribute("one"))));
  const auto waiting = make_there(register_item(kKey, "Encrypt", name_attribute("two")));
  const auto lost = make_there(register_item(kKek, "Encrypt", active()));
  const auto reason = structure("RevocationReason", enumeration("RevocationReasonCode", "KeyCompromise"));
  ASSERT_EQ(there(item("Revoke", named(lost) + reason)).outcome(), "Success");
  const auto over = make_there(register_item(kKek, "Encrypt", active()));
  const auto ended =
      structure("RevocationReason", enumeration("RevocationReasonCode", "CessationOfOperation"));
  ASSERT_EQ(there(item("Revoke", named(over) + ended)).outcome(), "Success");
  const auto before = migrate(true);
  EXPECT_EQ(before.size(), 4U);
  EXPECT_EQ(located(enumeration("ObjectType", "SymmetricKey")), 0U) << "a dry run changes nothing";
  const auto moved = migrate();
  ASSERT_TRUE(done_) << done_.error().text();
  for (const auto& id : {used, waiting, lost, over}) {
    EXPECT_EQ(moved.at(id).outcome, MigrationOutcome::kTaken) << moved.at(id).remark;
    EXPECT_EQ(here(item("Get", named(id))).value("KeyMaterial"),
              there(item("Get", named(id))).value("KeyMaterial"));
  }
  EXPECT_EQ(located(name_attribute("one")), 1U);
  EXPECT_EQ(state_of(used), "Active");
  EXPECT_EQ(state_of(waiting), "PreActive");
  EXPECT_EQ(state_of(lost), "Compromised");
  EXPECT_EQ(state_of(over), "Deactivated");
}

TEST_F(KmipMigration, K20_AMigrationThatWasCutOffIsBegunAgain) {
  for (int i = 0; i < 5; ++i) make_there(register_item(kKey, "Encrypt"));
  const auto first = migrate(false, 9);
  EXPECT_EQ(done_.error().code, ErrorCode::kUnavailable);
  ASSERT_GT(first.size(), 0U);
  ASSERT_LT(first.size(), 5U);
  const auto second = migrate();
  ASSERT_TRUE(done_);
  std::size_t taken = 0;
  for (const auto& [id, one] : second) {
    EXPECT_NE(one.outcome, MigrationOutcome::kLeft) << one.remark;
    if (one.outcome == MigrationOutcome::kTaken) ++taken;
  }
  EXPECT_EQ(second.size(), 5U);
  EXPECT_EQ(taken, 5U - first.size());
  for (const auto& [id, one] : migrate()) EXPECT_EQ(one.outcome, MigrationOutcome::kHere);
}

TEST_F(KmipMigration, K20_WhatTheOldServerDoesNotGiveIsTold) {
  const auto pair = there(
      item("CreateKeyPair",
           concat(structure("CommonAttributes",
                            enumeration("CryptographicAlgorithm", "EC") + number("CryptographicLength", 256)),
                  structure("PrivateKeyAttributes", field("CryptographicUsageMask", "Integer", "Sign")),
                  structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "Verify")))));
  const auto secret = pair.value("PrivateKeyUniqueIdentifier");
  const auto moved = migrate();
  ASSERT_TRUE(done_);
  EXPECT_EQ(moved.at(secret).outcome, MigrationOutcome::kLeft);
  EXPECT_NE(moved.at(secret).remark.find("private keys"), std::string::npos) << moved.at(secret).remark;
  EXPECT_EQ(moved.at(pair.value("PublicKeyUniqueIdentifier")).outcome, MigrationOutcome::kTaken);
  EXPECT_EQ(here(item("Get", named(secret))).outcome(), "ObjectNotFound");
}

TEST_F(KmipMigration, K20_AnEarlierIdentifierStandsForItsObject) {
  const auto earlier = [](std::string_view id) {
    return structure("Attribute",
                     concat(text("VendorIdentification", "x"), text("AttributeName", "Earlier-Identifier"),
                            text("AttributeValue", id)));
  };
  const auto id = register_key(kKey, "Encrypt", earlier("17"));
  const auto got = here(item("Get", named("17")));
  EXPECT_EQ(got.value("UniqueIdentifier"), id);
  EXPECT_EQ(got.value("KeyMaterial"), kKey);
  EXPECT_EQ(here(item("Get", named("18"))).outcome(), "ObjectNotFound");
  register_key(kKek, "Encrypt", earlier("17"));
  EXPECT_EQ(here(item("Get", named("17"))).outcome(), "ObjectNotFound") << "which of the two nobody knows";
}

}  // namespace
}  // namespace tapewarden::conformance
