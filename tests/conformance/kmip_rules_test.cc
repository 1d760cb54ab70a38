// What a KMIP server owes beyond the cases of OASIS: batches that stop, go on or are undone, keys that leave
// wrapped, replaced keys, and an answer with the right reason to whatever comes.
#include "kmip_rules.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include "keymgr/objects/object_orders.h"
#include "kmip/tags.h"

namespace tapewarden::conformance {
namespace {

TEST_F(KmipRules, K21_ABatchStopsAtAFailureUnlessToldOtherwise) {
  const std::vector<std::string> items{create_item(128, "Encrypt", name_attribute("one")),
                                       item("Get", named("00000000-0000-4000-8000-000000000000"), "02"),
                                       create_item(128, "Encrypt", name_attribute("two"))};
  const auto stopped = ask(items);
  EXPECT_EQ(stopped.size(), 2U);
  EXPECT_EQ(stopped.outcome(0), "Success");
  EXPECT_EQ(stopped.outcome(1), "ObjectNotFound");
  EXPECT_EQ(located(name_attribute("one")), 1U);
  EXPECT_EQ(located(name_attribute("two")), 0U);
}

TEST_F(KmipRules, K21_ABatchThatContinuesKeepsWhatSucceeded) {
  const auto answer = ask({create_item(128, "Encrypt", name_attribute("one")),
                           item("Get", named("00000000-0000-4000-8000-000000000000"), "02"),
                           create_item(128, "Encrypt", name_attribute("two"))},
                          enumeration("BatchErrorContinuationOption", "Continue"));
  ASSERT_EQ(answer.size(), 3U) << answer.text();
  EXPECT_EQ(answer.outcome(0), "Success");
  EXPECT_EQ(answer.outcome(1), "ObjectNotFound");
  EXPECT_EQ(answer.outcome(2), "Success");
  EXPECT_EQ(located(name_attribute("one")), 1U);
  EXPECT_EQ(located(name_attribute("two")), 1U);
}

TEST_F(KmipRules, K21_ABatchThatIsUndoneHasChangedNothing) {
  const auto answer = ask({create_item(128, "Encrypt", name_attribute("one")), item("Get", "", "02"),
                           item("Get", named("00000000-0000-4000-8000-000000000000"), "03")},
                          enumeration("BatchErrorContinuationOption", "Undo"));
  ASSERT_EQ(answer.size(), 3U) << answer.text();
  EXPECT_EQ(answer.outcome(0), "OperationUndone");
  EXPECT_EQ(answer.outcome(1), "OperationUndone");
  EXPECT_FALSE(answer.has("KeyMaterial", 1)) << "a key of an undone batch left";
  EXPECT_EQ(answer.outcome(2), "ObjectNotFound");
  EXPECT_EQ(located(name_attribute("one")), 0U);
}

TEST_F(KmipRules, K21_AnAnswerThatIsTooLargeUndoesTheBatch) {
  const auto answer = ask({create_item(128, "Encrypt", name_attribute("one")), item("Get", "", "02")},
                          number("MaximumResponseSize", 200));
  ASSERT_EQ(answer.size(), 2U) << answer.text();
  EXPECT_EQ(answer.outcome(0), "ResponseTooLarge");
  EXPECT_EQ(answer.outcome(1), "ResponseTooLarge");
  EXPECT_EQ(located(name_attribute("one")), 0U);
}

TEST_F(KmipRules, K21_AnItemThatFailsHalfwayHasChangedNothing) {
  // The old key's name is free for the new one before the new one is found to be impossible.
  const auto id = create(128, "Encrypt", name_attribute("vault"));
  const auto answer =
      ask({item("ReKey", named(id) + structure("Attributes", number("CryptographicLength", 99))),
           create_item(128, "Encrypt", name_attribute("other"))},
          enumeration("BatchErrorContinuationOption", "Continue"));
  ASSERT_EQ(answer.size(), 2U) << answer.text();
  EXPECT_EQ(answer.outcome(0), "InvalidField");
  EXPECT_EQ(answer.outcome(1), "Success");
  EXPECT_EQ(located(name_attribute("vault")), 1U);
  EXPECT_EQ(located(name_attribute("other")), 1U);
}

TEST_F(KmipRules, K21_AReplacementTakesTheNameAndIsLinked) {
  const auto old_id = create(128, "Encrypt Decrypt", name_attribute("vault"));
  const auto answer = ask(item("ReKey", named(old_id)));
  ASSERT_EQ(answer.outcome(), "Success") << answer.text();
  const auto new_id = answer.value("UniqueIdentifier");
  EXPECT_NE(new_id, old_id);
  const auto found = ask(item("Locate", structure("Attributes", name_attribute("vault"))));
  EXPECT_EQ(found.value("UniqueIdentifier"), new_id);
  const auto links = ask(item("GetAttributes", named(old_id) + enumeration("AttributeReference", "Link")));
  EXPECT_EQ(links.value("LinkType"), "ReplacementObjectLink");
  EXPECT_EQ(links.value("LinkedObjectIdentifier"), new_id);
  EXPECT_EQ(ask(item("ReKey", named(old_id))).outcome(), "PermissionDenied");
  // A name that the request gives comes beside those that pass on.
  const auto third = ask(item("ReKey", named(new_id) + structure("Attributes", name_attribute("vault 3"))));
  ASSERT_EQ(third.outcome(), "Success") << third.text();
  for (const auto* name : {"vault", "vault 3"}) {
    EXPECT_EQ(ask(item("Locate", structure("Attributes", name_attribute(name)))).value("UniqueIdentifier"),
              third.value("UniqueIdentifier"))
        << name;
  }
}

std::string wrapping(std::string_view kek, std::string_view mode, std::string_view more = {}) {
  return structure(
      "KeyWrappingSpecification",
      concat(enumeration("WrappingMethod", "Encrypt"),
             structure("EncryptionKeyInformation",
                       text("UniqueIdentifier", kek) +
                           structure("CryptographicParameters", enumeration("BlockCipherMode", mode))),
             more));
}

TEST_F(KmipRules, K21_AKeyLeavesWrappedAsRfc3394Has) {
  const auto kek = register_key(kKek, "WrapKey UnwrapKey", active());
  const auto key = register_key(kKey, "Encrypt");
  const auto answer = ask(
      item("Get", named(key) + wrapping(kek, "NISTKeyWrap", enumeration("EncodingOption", "NoEncoding"))));
  ASSERT_EQ(answer.outcome(), "Success") << answer.text();
  // RFC 3394 section 4.1.
  EXPECT_EQ(answer.value("KeyMaterial"), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
}

TEST_F(KmipRules, K21_AWrappedKeyComesBackUnwrapped) {
  for (const auto* mode : {"NISTKeyWrap", "AESKeyWrapPadding"}) {
    const auto kek = register_key(kKek, "WrapKey UnwrapKey", active());
    const auto key = register_key(kKey, "Encrypt");
    const auto got = ask(item("Get", named(key) + wrapping(kek, mode)));
    ASSERT_EQ(got.outcome(), "Success") << got.text();
    const auto again = ask(item(
        "Register", concat(enumeration("ObjectType", "SymmetricKey"),
                           structure("Attributes", field("CryptographicUsageMask", "Integer", "Encrypt")),
                           got.xml("SymmetricKey"))));
    ASSERT_EQ(again.outcome(), "Success") << again.text();
    const auto id = again.value("UniqueIdentifier");
    EXPECT_TRUE(ask(item("Get", named(id))).has("KeyWrappingData"));
    const auto plain = ask(item("Get", named(id) + enumeration("KeyWrapType", "NotWrapped")));
    EXPECT_EQ(plain.value("KeyMaterial"), kKey) << plain.text();
  }
}

TEST_F(KmipRules, K21_ASensitiveKeyLeavesOnlyWrapped) {
  const auto kek = register_key(kKek, "WrapKey", active());
  const auto key = register_key(kKey, "Encrypt", boolean("Sensitive", true));
  EXPECT_EQ(ask(item("Get", named(key))).outcome(), "Sensitive");
  EXPECT_EQ(ask(item("Get", named(key) + wrapping(kek, "NISTKeyWrap"))).outcome(), "Success");
  const auto kept = register_key(kKey, "Encrypt", boolean("Extractable", false));
  EXPECT_EQ(ask(item("Get", named(kept) + wrapping(kek, "NISTKeyWrap"))).outcome(), "NotExtractable");
}

TEST_F(KmipRules, K21_AWrappingKeyMustBeThereActiveAndForThat) {
  const auto key = register_key(kKey, "Encrypt");
  const auto outcome = [&](std::string_view kek) {
    return ask(item("Get", named(key) + wrapping(kek, "NISTKeyWrap"))).outcome();
  };
  EXPECT_EQ(outcome("00000000-0000-4000-8000-000000000000"), "WrappingObjectNotFound");
  EXPECT_EQ(outcome(register_key(kKek, "WrapKey")), "WrongKeyLifecycleState");
  EXPECT_EQ(outcome(register_key(kKek, "Encrypt", active())), "IncompatibleCryptographicUsageMask");
  const auto good = register_key(kKek, "WrapKey", active());
  EXPECT_EQ(ask(item("Get", named(key) + wrapping(good, "CBC"))).outcome(), "KeyWrapTypeNotSupported");
}

TEST_F(KmipRules, K21_AKeyPairWrapsAndUnwrapsWithOaep) {
  const auto pair = ask(item(
      "CreateKeyPair",
      concat(
          structure("CommonAttributes", concat(enumeration("CryptographicAlgorithm", "RSA"),
                                               number("CryptographicLength", 2048), active())),
          structure("PrivateKeyAttributes", field("CryptographicUsageMask", "Integer", "UnwrapKey Decrypt")),
          structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "WrapKey Encrypt")))));
  ASSERT_EQ(pair.outcome(), "Success") << pair.text();
  const auto key = register_key(kKey, "Encrypt");
  const auto specification = structure(
      "KeyWrappingSpecification",
      concat(
          enumeration("WrappingMethod", "Encrypt"),
          structure("EncryptionKeyInformation",
                    text("UniqueIdentifier", pair.value("PublicKeyUniqueIdentifier")) +
                        structure("CryptographicParameters", enumeration("PaddingMethod", "OAEP") +
                                                                 enumeration("HashingAlgorithm", "SHA_256"))),
          enumeration("EncodingOption", "NoEncoding")));
  const auto wrapped = ask(item("Get", named(key) + specification));
  ASSERT_EQ(wrapped.outcome(), "Success") << wrapped.text();
  const auto plain = ask(item(
      "Decrypt", concat(named(pair.value("PrivateKeyUniqueIdentifier")),
                        structure("CryptographicParameters", enumeration("PaddingMethod", "OAEP") +
                                                                 enumeration("HashingAlgorithm", "SHA_256")),
                        bytes("Data", wrapped.value("KeyMaterial")))));
  EXPECT_EQ(plain.value("Data"), kKey) << plain.text();
}

TEST_F(KmipRules, K21_AKeyComesInTheFormThatIsAskedFor) {
  server_.set_export(true);
  const auto key = register_key(kKey, "Encrypt");
  const auto transparent =
      ask(item("Get", named(key) + enumeration("KeyFormatType", "TransparentSymmetricKey")));
  EXPECT_EQ(transparent.value("Key"), kKey) << transparent.text();
  EXPECT_EQ(ask(item("Get", named(key) + enumeration("KeyFormatType", "PKCS_1"))).outcome(),
            "KeyFormatTypeNotSupported");
  const auto pair = ask(
      item("CreateKeyPair",
           concat(structure("CommonAttributes", concat(enumeration("CryptographicAlgorithm", "EC"),
                                                       number("CryptographicLength", 256))),
                  structure("PrivateKeyAttributes", field("CryptographicUsageMask", "Integer", "Sign")),
                  structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "Verify")))));
  ASSERT_EQ(pair.outcome(), "Success") << pair.text();
  const auto point = ask(item("Get", named(pair.value("PublicKeyUniqueIdentifier")) +
                                         enumeration("KeyFormatType", "TransparentECPublicKey")));
  EXPECT_EQ(point.value("RecommendedCurve"), "P_256") << point.text();
  const auto pkcs8 = ask(
      item("Get", named(pair.value("PrivateKeyUniqueIdentifier")) + enumeration("KeyFormatType", "PKCS_8")));
  EXPECT_EQ(pkcs8.outcome(), "Success") << pkcs8.text();
}

TEST_F(KmipRules, K21_ADerivedKeyIsTheOneThatPbkdf2Gives) {
  // RFC 7914 section 11: PBKDF2-HMAC-SHA-256 ("passwd", "salt", 1, 64), its first 32 bytes.
  const auto secret = ask(item(
      "Register",
      concat(enumeration("ObjectType", "SecretData"),
             structure("Attributes", field("CryptographicUsageMask", "Integer", "DeriveKey") + active()),
             structure("SecretData",
                       enumeration("SecretDataType", "Password") +
                           structure("KeyBlock",
                                     enumeration("KeyFormatType", "Raw") +
                                         structure("KeyValue", bytes("KeyMaterial", "706173737764")))))));
  ASSERT_EQ(secret.outcome(), "Success") << secret.text();
  const auto derived = ask(item(
      "DeriveKey",
      concat(
          enumeration("ObjectType", "SymmetricKey"), named(secret.value("UniqueIdentifier")),
          enumeration("DerivationMethod", "PBKDF2"),
          structure("DerivationParameters",
                    concat(structure("CryptographicParameters", enumeration("HashingAlgorithm", "SHA_256")),
                           bytes("Salt", "73616c74"), number("IterationCount", 1))),
          structure("Attributes",
                    concat(enumeration("CryptographicAlgorithm", "AES"), number("CryptographicLength", 256),
                           field("CryptographicUsageMask", "Integer", "Encrypt"))))));
  ASSERT_EQ(derived.outcome(), "Success") << derived.text();
  EXPECT_EQ(ask(item("Get", named(derived.value("UniqueIdentifier")))).value("KeyMaterial"),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
}

TEST_F(KmipRules, K21_AnArchivedKeyIsFoundAndStaysIn) {
  const auto id = create(128, "Encrypt", name_attribute("old"));
  EXPECT_EQ(ask(item("Archive", named(id))).outcome(), "Success");
  EXPECT_EQ(located(name_attribute("old")), 0U) << "on-line objects alone, unless asked for others";
  const auto found = ask(item(
      "Locate", field("StorageStatusMask", "Integer", "2") + structure("Attributes", name_attribute("old"))));
  EXPECT_EQ(found.value("UniqueIdentifier"), id) << found.text();
  EXPECT_EQ(ask(item("Get", named(id))).outcome(), "ObjectArchived");
  EXPECT_EQ(ask(item("Recover", named(id))).outcome(), "Success");
  EXPECT_EQ(ask(item("Get", named(id))).outcome(), "Success");
}

TEST_F(KmipRules, K21_UsesAreAllocatedUntilNoneIsLeft) {
  const auto limits = structure("UsageLimits", concat(field("UsageLimitsTotal", "LongInteger", "10"),
                                                      enumeration("UsageLimitsUnit", "Object")));
  const auto id = create(128, "Encrypt", active() + limits);
  const auto allocate = [&](int count) {
    return ask(item("GetUsageAllocation",
                    named(id) + field("UsageLimitsCount", "LongInteger", std::to_string(count))))
        .outcome();
  };
  EXPECT_EQ(allocate(7), "Success");
  EXPECT_EQ(allocate(4), "UsageLimitExceeded");
  EXPECT_EQ(allocate(3), "Success");
  EXPECT_EQ(allocate(0), "InvalidField");
}

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

TEST_F(KmipRules, K21_AStreamBelongsToItsOperationAndEndsWithItsLastPart) {
  const auto id = register_key(kKek, "Encrypt Decrypt", active());
  const auto parameters = structure("CryptographicParameters", enumeration("BlockCipherMode", "CBC"));
  const auto iv = bytes("IVCounterNonce", kKey);
  const auto whole = ask(item(
      "Encrypt", concat(named(id), parameters, bytes("Data", std::string(kKey) + std::string(kKek)), iv)));
  const auto first = ask(item(
      "Encrypt", concat(named(id), parameters, bytes("Data", kKey), iv, boolean("InitIndicator", true))));
  ASSERT_EQ(first.outcome(), "Success") << first.text();
  const auto stream = bytes("CorrelationValue", first.value("CorrelationValue"));
  EXPECT_EQ(ask(item("Decrypt", concat(named(id), parameters, bytes("Data", kKey), stream))).outcome(),
            "InvalidCorrelationValue");
  const auto second = ask(item("Encrypt", concat(named(id), bytes("Data", kKek), stream)));
  ASSERT_EQ(second.outcome(), "Success") << second.text();
  EXPECT_EQ(first.value("Data") + second.value("Data"), whole.value("Data"));
  const auto last = ask(item("Encrypt", concat(named(id), stream, boolean("FinalIndicator", true))));
  ASSERT_EQ(last.outcome(), "Success") << last.text();
  EXPECT_FALSE(last.has("Data"));
  EXPECT_EQ(ask(item("Encrypt", concat(named(id), parameters, bytes("Data", kKek), stream))).outcome(),
            "InvalidCorrelationValue");
}

TEST_F(KmipRules, K21_AUseIsRefusedWithTheReasonThatItsVersionHas) {
  const auto id = register_key(kKek, "Encrypt", active());
  const auto mac = item("MAC", named(id) + bytes("Data", kKey));
  EXPECT_EQ(ask(mac).outcome(), "IncompatibleCryptographicUsageMask");
  EXPECT_EQ(ask({mac}, {}, 1, 4).outcome(), "PermissionDenied");
}

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

TEST_F(KmipRules, K21_AReadOfNothingGetsNoOtherKey) {
  create(128, "Encrypt", name_attribute("one"));
  create(128, "Encrypt", name_attribute("two"));
  const auto answer =
      ask({item("Get", named(create(128, "Encrypt"))),
           item("Locate", structure("Attributes", name_attribute("none")), "02"), item("Get", "", "03")});
  EXPECT_EQ(answer.outcome(2), "ItemNotFound") << answer.text();
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

TEST_F(KmipRules, K21_AFailedItemLeavesNoKeyForTheNext) {
  const auto go_on = enumeration("BatchErrorContinuationOption", "Continue");
  const auto bad_filter = item("Locate", structure("Attributes", text("ActivationDate", "never")), "02");
  const auto first = ask({create_item(128, "Encrypt"), bad_filter, item("Get", "", "03")}, go_on);
  ASSERT_EQ(first.size(), 3U) << first.text();
  EXPECT_EQ(first.outcome(0), "Success");
  EXPECT_EQ(first.outcome(1), "InvalidField");
  EXPECT_EQ(first.outcome(2), "ItemNotFound") << first.text();
  create(128, "Encrypt", name_attribute("one"));
  const auto second = ask({item("Locate", structure("Attributes", name_attribute("one"))),
                           create_item(99, "Encrypt"), item("Get", "", "03")},
                          go_on);
  ASSERT_EQ(second.size(), 3U) << second.text();
  EXPECT_EQ(second.outcome(0), "Success");
  EXPECT_EQ(second.outcome(1), "InvalidField");
  EXPECT_EQ(second.outcome(2), "ItemNotFound") << second.text();
}

TEST_F(KmipRules, K21_APrivateKeyLeavesOnlyWhereAnOfficerAllowedIt) {
  const auto pair = ask(
      item("CreateKeyPair",
           concat(structure("CommonAttributes",
                            enumeration("CryptographicAlgorithm", "EC") + number("CryptographicLength", 256)),
                  structure("PrivateKeyAttributes", field("CryptographicUsageMask", "Integer", "Sign")),
                  structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "Verify")))));
  ASSERT_EQ(pair.outcome(), "Success") << pair.text();
  const auto id = pair.value("PrivateKeyUniqueIdentifier");
  const auto refused = ask(item("Get", named(id)));
  EXPECT_EQ(refused.outcome(), "PermissionDenied") << refused.text();
  EXPECT_FALSE(refused.has("PrivateKey"));
  EXPECT_EQ(ask(item("Get", named(pair.value("PublicKeyUniqueIdentifier")))).outcome(), "Success");
  server_.set_export(true);
  EXPECT_TRUE(ask(item("Get", named(id))).has("PrivateKey"));
}

TEST_F(KmipRules, K21_WhatABatchUndidDoesNotLeave) {
  const auto limits = structure("UsageLimits", field("UsageLimitsTotal", "LongInteger", "1") +
                                                   enumeration("UsageLimitsUnit", "Object"));
  const auto id = register_key(kKek, "Encrypt", concat(active(), limits));
  const auto encrypt =
      item("Encrypt",
           concat(named(id), structure("CryptographicParameters", enumeration("BlockCipherMode", "ECB")),
                  bytes("Data", kKey)));
  const auto undone = ask({encrypt, item("Get", named("00000000-0000-4000-8000-000000000000"), "02")},
                          enumeration("BatchErrorContinuationOption", "Undo"));
  EXPECT_EQ(undone.outcome(0), "OperationUndone") << undone.text();
  EXPECT_FALSE(undone.has("Data", 0)) << "the use that it cost was given back";
  EXPECT_EQ(ask(encrypt).outcome(), "Success");
  EXPECT_EQ(ask(encrypt).outcome(), "PermissionDenied");
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

TEST_F(KmipRules, K21_NoTwoClientsGetOneDataKey) {
  keymgr::GroupSpec spec;
  spec.policy = keymgr::GroupPolicy::kRoundRobin;
  ASSERT_TRUE(server_.server().manager().modify_group(keymgr::testing::officer(), "KMIP", spec));
  const auto answer = ask(create_item(256, "Encrypt"));
  EXPECT_NE(answer.outcome(), "Success");
  EXPECT_NE(answer.value("ResultMessage").find("use-once"), std::string::npos) << answer.text();
}

TEST_F(KmipRules, K21_ADrawnKeyWaitsWhereKeysWaitForABackup) {
  ASSERT_TRUE(
      server_.server().manager().set_setting(keymgr::testing::officer(), "keys.serve", "after-backup"));
  const auto pair =
      item("CreateKeyPair",
           concat(structure("CommonAttributes",
                            enumeration("CryptographicAlgorithm", "EC") + number("CryptographicLength", 256)),
                  structure("PrivateKeyAttributes", field("CryptographicUsageMask", "Integer", "Sign")),
                  structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "Verify"))));
  for (const auto& one : {create_item(128, "Encrypt"), pair}) {
    const auto answer = ask(one);
    EXPECT_NE(answer.outcome(), "Success") << answer.text();
    EXPECT_NE(answer.value("ResultMessage").find("keys.serve"), std::string::npos) << answer.text();
  }
  EXPECT_EQ(located(enumeration("ObjectType", "SymmetricKey")), 0U);
  register_key(kKey, "Encrypt");  // its client has it already
}

TEST_F(KmipRules, K21_ANonceAndATagAreAsLongAsTheyMustBe) {
  const auto id = register_key(kKek, "Encrypt Decrypt", active());
  const auto gcm = [](std::string_view more) {
    return structure("CryptographicParameters", concat(enumeration("BlockCipherMode", "GCM"), more));
  };
  const auto encrypt = [&](std::string_view more) {
    return ask(item("Encrypt", concat(named(id), gcm(more), bytes("Data", kKey))));
  };
  const auto random = boolean("RandomIV", true);
  EXPECT_EQ(encrypt(random + number("IVLength", 8)).outcome(), "InvalidField");
  const auto whole = encrypt(random);
  ASSERT_EQ(whole.outcome(), "Success") << whole.text();
  const auto decrypt = [&](std::string_view tag, std::string_view more) {
    return ask(item("Decrypt", concat(named(id), gcm(more), bytes("Data", whole.value("Data")),
                                      bytes("IVCounterNonce", whole.value("IVCounterNonce")),
                                      bytes("AuthenticatedEncryptionTag", tag))));
  };
  const auto tag = whole.value("AuthenticatedEncryptionTag");
  ASSERT_EQ(tag.size(), 32U);
  EXPECT_EQ(decrypt(tag, "").value("Data"), kKey);
  EXPECT_NE(decrypt(tag.substr(0, 8), "").outcome(), "Success");
  EXPECT_NE(decrypt(tag, number("TagLength", 12)).outcome(), "Success");
  EXPECT_EQ(decrypt(tag.substr(0, 24), number("TagLength", 12)).outcome(), "Success");
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

}  // namespace
}  // namespace tapewarden::conformance
