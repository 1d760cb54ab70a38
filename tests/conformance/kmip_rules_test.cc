// What a KMIP server owes beyond the cases of OASIS: attributes, templates, exports, groups and clients.
#include "kmip_rules.h"

#include <gtest/gtest.h>

namespace tapewarden::conformance {
namespace {

TEST_F(KmipRules, K21_AnAttributeIsSetAndAdjusted) {
  const auto id = create(128, "Encrypt");
  EXPECT_EQ(
      ask(item("SetAttribute", named(id) + structure("NewAttribute", text("Comment", "first")))).outcome(),
      "Success");
  EXPECT_EQ(
      ask(item("SetAttribute", named(id) + structure("NewAttribute", text("Comment", "second")))).outcome(),
      "Success");
  EXPECT_EQ(
      ask(item("GetAttributes", named(id) + enumeration("AttributeReference", "Comment"))).value("Comment"),
      "second");
  EXPECT_EQ(
      ask(item("SetAttribute", named(id) + structure("NewAttribute", name_attribute("many")))).outcome(),
      "MultiValuedAttribute");
  EXPECT_EQ(ask(item("SetAttribute",
                     named(id) + structure("NewAttribute", field("ProtectionPeriod", "Interval", "60"))))
                .outcome(),
            "Success");
  const auto adjust = [&](std::string_view type, std::string_view value) {
    return ask(item("AdjustAttribute",
                    concat(named(id), enumeration("AttributeReference", "ProtectionPeriod"),
                           enumeration("AdjustmentType", type), field("AdjustmentValue", "Interval", value))))
        .outcome();
  };
  EXPECT_EQ(adjust("Increment", "40"), "Success");
  EXPECT_EQ(ask(item("GetAttributes", named(id) + enumeration("AttributeReference", "ProtectionPeriod")))
                .value("ProtectionPeriod"),
            "100");
  EXPECT_EQ(adjust("Decrement", "101"), "NumericRange");
}

TEST_F(KmipRules, K21_AnObjectIsExportedWhereAnOfficerAllowedItAndImported) {
  const auto id = create(128, "Encrypt", name_attribute("wanderer"));
  EXPECT_EQ(ask(item("Export", named(id))).outcome(), "PermissionDenied");
  server_.set_export(true);
  const auto exported = ask(item("Export", named(id)));
  ASSERT_EQ(exported.outcome(), "Success") << exported.text();
  EXPECT_TRUE(exported.has("KeyMaterial"));
  EXPECT_EQ(exported.value("NameValue"), "wanderer");
  const auto fresh_id = std::string("12345678-1234-4234-8234-123456789abc");
  const auto import = [&](std::string_view as) {
    return ask(item("Import", concat(named(as), enumeration("ObjectType", "SymmetricKey"),
                                     exported.xml("Attributes"), exported.xml("SymmetricKey"))))
        .outcome();
  };
  EXPECT_EQ(import(id), "ObjectAlreadyExists");
  EXPECT_EQ(import(fresh_id), "NonUniqueNameAttribute");
  EXPECT_EQ(ask(item("Destroy", named(id))).outcome(), "Success");
  EXPECT_EQ(import(fresh_id), "Success");
  EXPECT_EQ(ask(item("Get", named(fresh_id))).value("KeyMaterial"), exported.value("KeyMaterial"));
}

TEST_F(KmipRules, K21_ATemplateGivesWhatTheRequestDoesNot) {
  const auto attribute = [](std::string_view name, std::string_view value) {
    return structure("Attribute", text("AttributeName", name) + std::string(value));
  };
  const auto structured_name = structure(
      "AttributeValue", text("NameValue", "house") + enumeration("NameType", "UninterpretedTextString"));
  const auto made =
      ask({item("Register",
                concat(enumeration("ObjectType", "Template"),
                       structure("TemplateAttribute", attribute("Name", structured_name)),
                       structure("Template",
                                 attribute("Cryptographic Algorithm", enumeration("AttributeValue", "AES")) +
                                     attribute("Cryptographic Length", number("AttributeValue", 192)) +
                                     attribute("Cryptographic Usage Mask",
                                               field("AttributeValue", "Integer", "Encrypt")))))},
          {}, 1, 2);
  ASSERT_EQ(made.outcome(), "Success") << made.text();
  const auto key = ask({item("Create", enumeration("ObjectType", "SymmetricKey") +
                                           structure("TemplateAttribute", name_attribute("house")))},
                       {}, 1, 2);
  ASSERT_EQ(key.outcome(), "Success") << key.text();
  const auto got = ask({item("Get", named(key.value("UniqueIdentifier")))}, {}, 1, 2);
  EXPECT_EQ(got.value("CryptographicLength"), "192");
  EXPECT_EQ(ask({item("Create", enumeration("ObjectType", "SymmetricKey") +
                                    structure("TemplateAttribute", name_attribute("nobody")))},
                {}, 1, 2)
                .outcome(),
            "ItemNotFound");
}

TEST_F(KmipRules, K21_LocateFindsByGroupFreshnessOffsetAndMaximum) {
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(create(128, "Encrypt", text("ObjectGroup", "pool")));
  EXPECT_EQ(ask(item("Get", named(ids[0]))).outcome(), "Success");
  const auto count = [&](std::string_view more) {
    const auto answer =
        ask(item("Locate", concat(more, structure("Attributes", text("ObjectGroup", "pool")))));
    EXPECT_EQ(answer.outcome(), "Success") << answer.text();
    std::size_t found = 0;
    for (const auto& id : ids) {
      if (answer.text().find(id) != std::string::npos) ++found;
    }
    return found;
  };
  EXPECT_EQ(count(""), 4U);
  EXPECT_EQ(count(enumeration("ObjectGroupMember", "GroupMemberFresh")), 3U);
  EXPECT_EQ(count(number("MaximumItems", 2)), 2U);
  EXPECT_EQ(count(number("OffsetItems", 3)), 1U);
  EXPECT_EQ(count(number("MaximumItems", 0)), 0U);
}

TEST_F(KmipRules, K21_AClientsNameOpensNoGroupUnasked) {
  const auto add = [&](std::string_view name, std::string_view owner, std::uint8_t certificate) {
    return server_.server().write([&](store::Transaction& transaction) -> Status {
      keymgr::KmipClient client;
      client.name = name;
      client.owner = owner;
      client.fingerprint = Hash256{certificate};
      TRY(keymgr::KmipClients(server_.server().manager().context())
              .add(transaction, keymgr::testing::officer(), client));
      return {};
    });
  };
  ASSERT_TRUE(add("first", "vault", 8));
  const auto unasked = add("vault", "", 9);
  ASSERT_FALSE(unasked);
  EXPECT_EQ(unasked.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(unasked.error().field, "name");
  EXPECT_TRUE(add("vault", "vault", 9));
}

}  // namespace
}  // namespace tapewarden::conformance
