// What a request must not do: bad input of every kind, and more than one message may ask for.
#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include "keymgr/objects/object_orders.h"
#include "kmip/tags.h"
#include "kmip_rules.h"

namespace tapewarden::conformance {
namespace {

struct Bad {
  std::string_view what;
  std::string item;
  std::string_view reason;
};

TEST_F(KmipRules, K21_BadInputIsToldWhatIsWrong) {
  const auto key = [](std::string_view block) {
    return concat(enumeration("ObjectType", "SymmetricKey"),
                  structure("Attributes", field("CryptographicUsageMask", "Integer", "Encrypt")),
                  structure("SymmetricKey", structure("KeyBlock", block)));
  };
  const std::vector<Bad> all{
      {"no object type", item("Register", ""), "InvalidMessage"},
      {"no object", item("Register", enumeration("ObjectType", "SymmetricKey")), "InvalidMessage"},
      {"a type that there is not", item("Register", enumeration("ObjectType", "0x00000063")),
       "InvalidObjectType"},
      {"a template in 2.1",
       item("Register", enumeration("ObjectType", "Template") + structure("Template", "")),
       "InvalidObjectType"},
      {"no key format", item("Register", key(structure("KeyValue", bytes("KeyMaterial", "00")))),
       "InvalidMessage"},
      {"no key value", item("Register", key(enumeration("KeyFormatType", "Raw"))), "InvalidMessage"},
      {"an empty key",
       item("Register",
            key(enumeration("KeyFormatType", "Raw") + structure("KeyValue", bytes("KeyMaterial", "")))),
       "InvalidMessage"},
      {"a key of another length than it says",
       item("Register",
            key(concat(enumeration("KeyFormatType", "Raw"),
                       structure("KeyValue", bytes("KeyMaterial", "0011")),
                       enumeration("CryptographicAlgorithm", "AES"), number("CryptographicLength", 128)))),
       "InvalidField"},
      {"key material of the wrong type",
       item("Register",
            key(enumeration("KeyFormatType", "Raw") + structure("KeyValue", text("KeyMaterial", "secret")))),
       "InvalidMessage"},
      {"a field that does not belong there", item("Create", text("LogMessage", "x")), "InvalidField"},
      {"an identifier that is none", item("Get", named("AAABBBCCC")), "ObjectNotFound"},
      {"a date as a text", create_item(128, "Encrypt", text("ActivationDate", "tomorrow")), "InvalidField"},
      {"an attribute of the server", create_item(128, "Encrypt", enumeration("State", "Active")),
       "ReadOnlyAttribute"},
      {"a length that AES has not", create_item(129, "Encrypt"), "InvalidField"},
      {"a huge length", create_item(INT32_MAX, "Encrypt"), "InvalidField"},
      {"too many random bytes", item("RNGRetrieve", number("DataLength", INT32_MAX)), "InvalidField"},
      {"fewer than none", item("RNGRetrieve", number("DataLength", -1)), "InvalidField"},
      {"a certificate that is none",
       item("Register", enumeration("ObjectType", "Certificate") +
                            structure("Certificate", enumeration("CertificateType", "X_509") +
                                                         bytes("CertificateValue", "300300"))),
       "InvalidField"},
      {"an operation that is not offered", item("Poll", ""), "OperationNotSupported"},
      {"a certificate to be made", item("Certify", ""), "OperationNotSupported"},
  };
  for (const auto& bad : all) {
    const auto answer = ask(bad.item);
    EXPECT_EQ(answer.outcome(), bad.reason) << bad.what << "\n" << answer.text();
    EXPECT_TRUE(answer.has("ResultMessage")) << bad.what;
  }
  EXPECT_EQ(located(enumeration("ObjectType", "SymmetricKey")), 0U);
}

TEST_F(KmipRules, K21_BytesThatAreNoMessageGetAnAnswer) {
  const auto outcome = [&](const Bytes& bytes_of_message) {
    const auto answer = server_.ask(bytes_of_message);
    const auto document = ttlv::decode(answer);
    return document ? Answer(kmip::encoding::to_xml(document->root())).outcome() : std::string("no answer");
  };
  EXPECT_EQ(outcome({}), "InvalidMessage");
  EXPECT_EQ(outcome(Bytes(64, 0xFF)), "InvalidMessage");
  // A length of almost 4 GiB.
  EXPECT_EQ(outcome({0x42, 0x00, 0x78, 0x01, 0xFF, 0xFF, 0xFF, 0xF8}), "InvalidMessage");
  // Structures within structures, deeper than anyone needs.
  Bytes deep;
  for (std::uint32_t left = 4096; left > 0; left -= 8) {
    const auto length = left - 8;
    const Bytes header{0x42,
                       0x00,
                       0x78,
                       0x01,
                       0,
                       0,
                       static_cast<std::uint8_t>(length >> 8U),
                       static_cast<std::uint8_t>(length)};
    deep.insert(deep.end(), header.begin(), header.end());
  }
  EXPECT_EQ(outcome(deep), "InvalidMessage");
}

TEST_F(KmipRules, K21_NoRequestWaitsForAPoll) {
  const auto answer = ask({item("Query", enumeration("QueryFunction", "QueryOperations"))},
                          enumeration("AsynchronousIndicator", "Mandatory"));
  EXPECT_EQ(answer.outcome(), "FeatureNotSupported") << answer.text();
  const auto capabilities = ask(item("Query", enumeration("QueryFunction", "QueryCapabilities")));
  EXPECT_EQ(capabilities.value("AsynchronousCapability"), "false");
}

std::string revoke_item(std::string_view id, std::string_view reason, std::string_view more = {}) {
  return item("Revoke", concat(named(id), structure("RevocationReason", reason), more));
}
const std::string kCompromise = enumeration("RevocationReasonCode", "KeyCompromise");

TEST_F(KmipRules, K21_ARevocationOfAnyShapeLeavesTheObjectReadable) {
  const auto id = create(128, "Encrypt", active());
  const auto outcome = [&](std::string_view reason, std::string_view more = {}) {
    return ask(revoke_item(id, reason, more)).outcome();
  };
  EXPECT_EQ(outcome(kCompromise + text("RevocationMessage", std::string(70'000, 'x'))), "InvalidField");
  EXPECT_EQ(outcome(kCompromise + kCompromise), "InvalidField");
  EXPECT_EQ(outcome(kCompromise + text("Comment", "x")), "InvalidField");
  EXPECT_EQ(outcome(kCompromise, text("CompromiseOccurrenceDate", "yesterday")), "InvalidField");
  EXPECT_EQ(ask(item("Get", named(id))).outcome(), "Success");
  EXPECT_EQ(located(enumeration("ObjectType", "SymmetricKey")), 1U);
  EXPECT_EQ(outcome(kCompromise + text("RevocationMessage", "lost")), "Success");
}

TEST_F(KmipRules, K21_AStructureHasEachFieldOnce) {
  const auto name = structure("Name", concat(text("NameValue", "one"), text("NameValue", "two"),
                                             enumeration("NameType", "UninterpretedTextString")));
  EXPECT_EQ(ask(create_item(128, "Encrypt", name)).outcome(), "InvalidField");
}

TEST_F(KmipRules, K21_AnObjectHasNoMoreAttributesThanAPeerTakes) {
  const auto id = create(128, "Encrypt");
  std::string outcome = "Success";
  for (int i = 0; i < 300 && outcome == "Success"; ++i) {
    const auto value = structure("Attribute", concat(text("VendorIdentification", std::string(250, 'v')),
                                                     text("AttributeName", concat(std::string(250, 'n'), i)),
                                                     text("AttributeValue", std::string(4088, 'x'))));
    outcome = ask(item("AddAttribute", named(id) + structure("NewAttribute", value))).outcome();
  }
  EXPECT_EQ(outcome, "ServerLimitExceeded");
  const auto bytes = server_.read([&](store::Reader& reader) -> Result<std::size_t> {
    return TRY(server_.objects().find(reader, *Uuid::parse(id)))->attributes.encode().size();
  });
  ASSERT_TRUE(bytes) << bytes.error().text();
  EXPECT_LT(*bytes, std::size_t{1} << 20U) << "what replication carries in one value";
}

TEST_F(KmipRules, K21_OneUnreadableObjectHidesNoOther) {
  const auto bad = create(128, "Encrypt");
  const auto good = create(128, "Encrypt");
  ASSERT_TRUE(server_.server().write([&](store::Transaction& transaction) -> Status {
    const auto object = *TRY(server_.objects().find(transaction, *Uuid::parse(bad)));
    auto row = object.to_row();
    std::ranges::replace(row, store::Value(object.attributes.encode()), store::Value(Bytes(3, 0xFF)));
    return transaction.put(keymgr::kManagedObjectTable, row);
  }));
  EXPECT_EQ(located(enumeration("ObjectType", "SymmetricKey")), 1U);
  const auto page = server_.read([&](store::Reader& reader) {
    return keymgr::list_objects(reader, server_.objects(), {}, {.limit = 1});
  });
  ASSERT_TRUE(page) << page.error().text();
  ASSERT_EQ(page->items.size(), 1U);
  const auto rest = server_.read([&](store::Reader& reader) {
    return keymgr::list_objects(reader, server_.objects(), {}, {.limit = 1, .after = page->next});
  });
  ASSERT_TRUE(rest) << rest.error().text();
  ASSERT_EQ(rest->items.size(), 1U);
  // Objects of one instant stand in the order of their identifiers, which chance gives.
  const std::set<std::string> listed{keymgr::unique_identifier(page->items[0].object),
                                     keymgr::unique_identifier(rest->items[0].object)};
  EXPECT_EQ(listed, (std::set<std::string>{bad, good}));
}

TEST_F(KmipRules, K21_LocateRefusesWhatItWouldNotFollow) {
  create(128, "Encrypt", name_attribute("one"));
  const auto attribute =
      structure("Attribute", text("AttributeName", "Cryptographic Length") + number("AttributeValue", 128));
  EXPECT_EQ(ask(item("Locate", attribute)).outcome(), "InvalidField");
  EXPECT_EQ(ask({item("Locate", attribute)}, {}, 1, 4).outcome(), "Success");
  EXPECT_EQ(ask({item("Locate", structure("Attributes", name_attribute("none")))}, {}, 1, 4).outcome(),
            "InvalidField");
  EXPECT_EQ(ask(item("Locate", enumeration("ObjectGroupMember", "GroupMemberDefault"))).outcome(),
            "FeatureNotSupported");
}

TEST_F(KmipRules, K21_LocateLooksAtNoMoreObjectsThanItMay) {
  for (int i = 0; i < 6; ++i) create(128, "Encrypt", text("ObjectGroup", i < 5 ? "large" : "small"));
  const auto locate = [&](const std::vector<std::string_view>& groups, std::size_t most,
                          std::size_t maximum) {
    keymgr::ObjectQuery query;
    query.owner = "library";
    query.most_looked_at = most;
    query.maximum = maximum;
    for (const auto group : groups) {
      query.wanted.push_back(
          {kmip::AttributeId::of(kmip::tag::kObjectGroup), kmip::text_item(kmip::tag::kObjectGroup, group)});
    }
    return server_.read([&](store::Reader& reader) { return server_.objects().locate(reader, query); });
  };
  for (const auto& groups : {std::vector<std::string_view>{}, {"large"}}) {
    const auto all = locate(groups, 4, 0);
    ASSERT_FALSE(all) << "more were looked at than may be";
    EXPECT_EQ(all.error().code, ErrorCode::kExhausted);
    EXPECT_EQ(locate(groups, 4, 2)->objects.size(), 2U) << "enough were found before";
    EXPECT_TRUE(locate(groups, 6, 0));
  }
  // The term that finds the fewest is the one that is followed.
  EXPECT_TRUE(locate({"large", "small"}, 4, 0));
}

TEST_F(KmipRules, K21_OneMessageTakesNoMoreWorkThanItMay) {
  const auto pair = [](std::string_view id) {
    return item(
        "CreateKeyPair",
        concat(structure("CommonAttributes",
                         enumeration("CryptographicAlgorithm", "EC") + number("CryptographicLength", 256)),
               structure("PrivateKeyAttributes", field("CryptographicUsageMask", "Integer", "Sign")),
               structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "Verify"))),
        id);
  };
  std::vector<std::string> items;
  for (const auto* id : {"01", "02", "03", "04", "05", "06", "07", "08", "09"}) items.push_back(pair(id));
  const auto pairs = ask(items, enumeration("BatchErrorContinuationOption", "Continue"));
  ASSERT_EQ(pairs.size(), 9U) << pairs.text();
  EXPECT_EQ(pairs.outcome(7), "Success");
  EXPECT_EQ(pairs.outcome(8), "ServerLimitExceeded");
  const auto base = register_key(kKek, "DeriveKey", active());
  const auto derive = [&](int iterations) {
    const auto parameters =
        structure("DerivationParameters",
                  concat(structure("CryptographicParameters", enumeration("HashingAlgorithm", "SHA_256")),
                         bytes("Salt", kKey), number("IterationCount", iterations)));
    return ask(item(
        "DeriveKey",
        concat(enumeration("ObjectType", "SymmetricKey"), named(base),
               enumeration("DerivationMethod", "PBKDF2"), parameters,
               structure("Attributes", concat(enumeration("CryptographicAlgorithm", "HMAC_SHA256"),
                                              number("CryptographicLength", 4096),
                                              field("CryptographicUsageMask", "Integer", "MACGenerate"))))));
  };
  const auto few = derive(1'000);
  EXPECT_EQ(few.outcome(), "Success") << few.text();
  EXPECT_EQ(derive(200'000).outcome(), "InvalidField") << "16 blocks of so many";
}

// Short messages are carried out on the network's thread, which looks at few objects only; a search that has
// to look at more is done anew elsewhere, and finds the same.
TEST_F(KmipRules, K21_ASearchThatLooksAtManyObjectsFindsWhatItShould) {
  constexpr int kObjects = 80;
  std::vector<std::string> ids;
  for (int i = 0; i < kObjects; ++i) {
    std::string comment;
    if (i == 0) comment = text("Comment", "the oldest");
    if (i == kObjects - 1) comment = text("Comment", "the newest");
    ids.push_back(register_key(kKey, "Encrypt", text("ObjectGroup", "of many") + comment));
  }
  for (const auto& [comment, id] : {std::pair("the oldest", ids.front()), {"the newest", ids.back()}}) {
    const auto wanted = structure("Attributes", text("ObjectGroup", "of many") + text("Comment", comment));
    const auto answer = ask({item("Locate", number("MaximumItems", 1) + wanted), item("Get", "", "02")});
    EXPECT_EQ(answer.outcome(0), "Success") << answer.text();
    EXPECT_EQ(answer.value("UniqueIdentifier", 0), id);
    EXPECT_EQ(answer.value("UniqueIdentifier", 1), id) << "it is the only one: " << answer.text();
  }
  EXPECT_EQ(located(text("ObjectGroup", "of many")), kObjects);
}

TEST_F(KmipRules, K21_NothingThatTakesLongIsDoneWhileOthersWait) {
  const auto derive = [](std::string_view id, int iterations) {
    const auto parameters =
        structure("DerivationParameters",
                  concat(structure("CryptographicParameters", enumeration("HashingAlgorithm", "SHA_256")),
                         bytes("Salt", kKey), number("IterationCount", iterations)));
    return item(
        "DeriveKey",
        concat(enumeration("ObjectType", "SymmetricKey"), id.empty() ? std::string() : named(id),
               enumeration("DerivationMethod", "PBKDF2"), parameters,
               structure("Attributes", concat(enumeration("CryptographicAlgorithm", "HMAC_SHA256"),
                                              number("CryptographicLength", 256),
                                              field("CryptographicUsageMask", "Integer", "MACGenerate")))),
        "02");
  };
  const auto base = register_item(kKek, "DeriveKey", active());
  const auto slow = ask({base, derive("", 100'000)});
  EXPECT_EQ(slow.outcome(0), "Success");
  EXPECT_EQ(slow.outcome(1), "ServerLimitExceeded") << slow.text();
  EXPECT_EQ(ask({base, derive("", 1'000)}).outcome(1), "Success");
  EXPECT_EQ(ask(derive(slow.value("UniqueIdentifier"), 100'000)).outcome(), "Success");
  const auto pair = ask(item(
      "CreateKeyPair",
      concat(structure("CommonAttributes",
                       enumeration("CryptographicAlgorithm", "RSA") + number("CryptographicLength", 2048)),
             structure("PrivateKeyAttributes",
                       name_attribute("signer") + field("CryptographicUsageMask", "Integer", "Sign")),
             structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "Verify")))));
  ASSERT_EQ(pair.outcome(), "Success") << pair.text();
  const auto found = item("Locate", structure("Attributes", name_attribute("signer")));
  EXPECT_EQ(ask({found, item("ReKeyKeyPair", "", "02")}).outcome(1), "ServerLimitExceeded");
  const auto id = text("PrivateKeyUniqueIdentifier", pair.value("PrivateKeyUniqueIdentifier"));
  const auto anew = ask(item("ReKeyKeyPair", id));
  EXPECT_EQ(anew.outcome(), "Success") << anew.text();
  // What is wrong with a key that is drawn ahead is told as it is.
  const auto wrong = ask(
      item("CreateKeyPair",
           concat(structure("CommonAttributes",
                            enumeration("CryptographicAlgorithm", "RSA") + number("CryptographicLength", 16)),
                  structure("PrivateKeyAttributes", field("CryptographicUsageMask", "Integer", "Sign")),
                  structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "Verify")))));
  EXPECT_EQ(wrong.outcome(), "InvalidField") << wrong.text();
}

}  // namespace
}  // namespace tapewarden::conformance
