// Keys: how they leave, wrapped and in the forms that are asked for, and what is made of them and with them.
#include <gtest/gtest.h>

#include "kmip_rules.h"

namespace tapewarden::conformance {
namespace {

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

TEST_F(KmipRules, K21_ProtectingUsesUpWhatTheLimitsCountAndUndoingDoesNot) {
  const auto limits = [](int total, std::string_view unit) {
    return structure("UsageLimits", field("UsageLimitsTotal", "LongInteger", std::to_string(total)) +
                                        enumeration("UsageLimitsUnit", unit));
  };
  const auto use = [&](std::string_view operation, std::string_view id, std::string_view data) {
    const auto ecb = structure("CryptographicParameters", enumeration("BlockCipherMode", "ECB"));
    return ask(item(operation, concat(named(id), ecb, bytes("Data", data)))).outcome();
  };
  const auto counted = [&](std::string_view id) {
    return ask(item("GetAttributes", named(id) + enumeration("AttributeReference", "UsageLimits")))
        .value("UsageLimitsCount");
  };
  const auto two_blocks = std::string(kKey) + std::string(kKey);
  const auto by_bytes = register_key(kKek, "Encrypt Decrypt", active() + limits(48, "Byte"));
  EXPECT_EQ(use("Encrypt", by_bytes, two_blocks), "Success");
  EXPECT_EQ(counted(by_bytes), "16");
  EXPECT_EQ(use("Encrypt", by_bytes, two_blocks), "PermissionDenied");
  EXPECT_EQ(use("Decrypt", by_bytes, two_blocks), "Success") << "what was protected can be had again";
  EXPECT_EQ(use("Encrypt", by_bytes, kKey), "Success");
  EXPECT_EQ(counted(by_bytes), "0");
  const auto by_uses = register_key(kKek, "Encrypt Decrypt", active() + limits(2, "Object"));
  EXPECT_EQ(use("Encrypt", by_uses, two_blocks), "Success");
  EXPECT_EQ(use("Decrypt", by_uses, kKey), "Success");
  EXPECT_EQ(counted(by_uses), "1");
  EXPECT_EQ(use("Encrypt", by_uses, kKey), "Success");
  EXPECT_EQ(use("Encrypt", by_uses, kKey), "PermissionDenied");
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

}  // namespace
}  // namespace tapewarden::conformance
