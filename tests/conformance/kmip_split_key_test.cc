// Create Split Key and Join Split Key.
#include <gtest/gtest.h>

#include "kmip_rules.h"

namespace tapewarden::conformance {
namespace {

// 2^256 + 297, as a Big Integer.
constexpr std::string_view kPrime =
    "00000000000000010000000000000000000000000000000000000000000000000000000000000129";

class KmipSplitKey : public KmipRules {
 protected:
  static std::string terms(int parts, int threshold, std::string_view method, std::string_view prime = {}) {
    return concat(number("SplitKeyParts", parts), number("SplitKeyThreshold", threshold),
                  enumeration("SplitKeyMethod", method),
                  prime.empty() ? std::string() : field("PrimeFieldSize", "BigInteger", prime));
  }
  static std::string split_item(std::string_view id, std::string_view how, std::string_view more = {}) {
    return item("CreateSplitKey",
                concat(enumeration("ObjectType", "SplitKey"), id.empty() ? std::string() : named(id), how,
                       structure("Attributes", more)));
  }
  static std::string join_item(std::string_view type, const std::vector<std::string>& parts,
                               std::string_view more = {}) {
    std::string all;
    for (const auto& id : parts) all += named(id);
    return item("JoinSplitKey", concat(enumeration("ObjectType", type), all, more));
  }
  // The identifiers of the parts.
  std::vector<std::string> split(std::string_view id, std::string_view how, std::string_view more = {}) {
    const auto answer = ask(split_item(id, how, more));
    EXPECT_EQ(answer.outcome(), "Success") << answer.text();
    static constexpr std::string_view kBefore = "<UniqueIdentifier type=\"TextString\" value=\"";
    std::vector<std::string> out;
    for (auto at = answer.text().find(kBefore); at != std::string::npos;
         at = answer.text().find(kBefore, at + 1)) {
      out.push_back(answer.text().substr(at + kBefore.size(), 36));
    }
    return out;
  }
  std::string material(std::string_view id) { return ask(item("Get", named(id))).value("KeyMaterial"); }
};

constexpr std::string_view kLongKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

TEST_F(KmipSplitKey, K21_AKeyIsSplitAndJoinedByEveryMethod) {
  const auto key = register_key(kLongKey, "Encrypt Decrypt");
  for (const auto& how :
       {terms(3, 3, "XOR"), terms(4, 3, "PolynomialSharingGF28"), terms(4, 3, "PolynomialSharingGF216"),
        terms(4, 3, "PolynomialSharingPrimeField", kPrime)}) {
    const auto parts = split(key, how);
    ASSERT_GE(parts.size(), 3U) << how;
    for (const auto& part : parts) EXPECT_NE(material(part), kLongKey);
    const auto joined = ask(join_item("SymmetricKey", {parts[2], parts[0], parts[1]}));
    ASSERT_EQ(joined.outcome(), "Success") << joined.text();
    const auto id = joined.value("UniqueIdentifier");
    EXPECT_EQ(material(id), kLongKey) << how;
    const auto attributes = ask(item("GetAttributes", named(id)));
    EXPECT_EQ(attributes.value("CryptographicLength"), "256");
    EXPECT_EQ(attributes.value("CryptographicAlgorithm"), "AES");
    EXPECT_EQ(attributes.value("CryptographicUsageMask"), "Encrypt Decrypt");
  }
}

TEST_F(KmipSplitKey, K21_APartSaysWhatItIsAndBelongsToItsClient) {
  const auto parts = split(register_key(kKey, "Encrypt"), terms(3, 2, "PolynomialSharingGF28"));
  ASSERT_EQ(parts.size(), 3U);
  for (int i = 0; i < 3; ++i) {
    const auto got = ask(item("Get", named(parts[static_cast<std::size_t>(i)])));
    EXPECT_EQ(got.value("ObjectType"), "SplitKey") << got.text();
    EXPECT_EQ(got.value("KeyPartIdentifier"), std::to_string(i + 1));
    EXPECT_EQ(got.value("SplitKeyParts"), "3");
    EXPECT_EQ(got.value("SplitKeyThreshold"), "2");
    EXPECT_EQ(got.value("KeyMaterial").size(), kKey.size());
  }
  EXPECT_EQ(located(enumeration("ObjectType", "SplitKey")), 3U);
  // A part that went away comes back by Register.
  const auto got = ask(item("Get", named(parts[1])));
  ASSERT_EQ(ask(item("Destroy", named(parts[1]))).outcome(), "Success");
  EXPECT_EQ(ask(join_item("SymmetricKey", {parts[0], parts[1]})).outcome(), "ObjectDestroyed");
  const auto again = ask(
      item("Register", concat(enumeration("ObjectType", "SplitKey"),
                              structure("Attributes", field("CryptographicUsageMask", "Integer", "Encrypt")),
                              got.xml("SplitKey"))));
  ASSERT_EQ(again.outcome(), "Success") << again.text();
  const auto joined = ask(join_item("SymmetricKey", {again.value("UniqueIdentifier"), parts[2]}));
  ASSERT_EQ(joined.outcome(), "Success") << joined.text();
  EXPECT_EQ(material(joined.value("UniqueIdentifier")), kKey);
}

TEST_F(KmipSplitKey, K21_ANewKeyIsDrawnAndExistsInItsPartsAlone) {
  const auto attributes =
      concat(enumeration("CryptographicAlgorithm", "AES"), number("CryptographicLength", 192),
             field("CryptographicUsageMask", "Integer", "Encrypt"));
  // The first part is the placeholder of what follows.
  const auto answer = ask({split_item({}, terms(2, 2, "XOR"), attributes), item("Get", "", "02")});
  ASSERT_EQ(answer.outcome(1), "Success") << answer.text();
  EXPECT_EQ(answer.value("KeyPartIdentifier", 1), "1");
  EXPECT_EQ(answer.value("KeyMaterial", 1).size(), 48U);
  EXPECT_EQ(located(enumeration("ObjectType", "SymmetricKey")), 0U);
  ASSERT_TRUE(
      server_.server().manager().set_setting(keymgr::testing::officer(), "keys.serve", "after-backup"));
  EXPECT_NE(ask(split_item({}, terms(2, 2, "XOR"), attributes)).outcome(), "Success")
      << "it would be on this server alone";
}

TEST_F(KmipSplitKey, K21_KeysOfOtherTypesAreSplitToo) {
  server_.set_export(true);
  const auto pair = ask(item(
      "CreateKeyPair",
      concat(structure("CommonAttributes",
                       enumeration("CryptographicAlgorithm", "RSA") + number("CryptographicLength", 2048)),
             structure("PrivateKeyAttributes", field("CryptographicUsageMask", "Integer", "Sign")),
             structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "Verify")))));
  const auto id = pair.value("PrivateKeyUniqueIdentifier");
  const auto parts = split(id, terms(3, 2, "PolynomialSharingGF28"));
  ASSERT_EQ(parts.size(), 3U);
  const auto joined = ask(join_item("PrivateKey", {parts[0], parts[2]}));
  ASSERT_EQ(joined.outcome(), "Success") << joined.text();
  EXPECT_EQ(material(joined.value("UniqueIdentifier")), material(id));
  EXPECT_EQ(ask(join_item("SymmetricKey", {parts[0], parts[2]})).outcome(), "InvalidField")
      << "a key of another form";
  const auto secret = ask(item(
      "Register",
      concat(enumeration("ObjectType", "SecretData"),
             structure("Attributes", field("CryptographicUsageMask", "Integer", "DeriveKey")),
             structure("SecretData",
                       enumeration("SecretDataType", "Password") +
                           structure("KeyBlock",
                                     enumeration("KeyFormatType", "Opaque") +
                                         structure("KeyValue", bytes("KeyMaterial", "736563726574")))))));
  ASSERT_EQ(secret.outcome(), "Success") << secret.text();
  const auto of_secret = split(secret.value("UniqueIdentifier"), terms(2, 2, "XOR"));
  const auto whole = ask(join_item("SecretData", of_secret, enumeration("SecretDataType", "Password")));
  ASSERT_EQ(whole.outcome(), "Success") << whole.text();
  EXPECT_EQ(material(whole.value("UniqueIdentifier")), "736563726574");
  server_.set_export(false);
  EXPECT_EQ(ask(split_item(id, terms(2, 2, "XOR"))).outcome(), "PermissionDenied") << "as Get of it is";
}

TEST_F(KmipSplitKey, K21_APrivateKeyLeavesInPartsOnlyWhereAnOfficerAllowedIt) {
  server_.set_export(true);
  const auto pair = ask(
      item("CreateKeyPair",
           concat(structure("CommonAttributes",
                            enumeration("CryptographicAlgorithm", "EC") + number("CryptographicLength", 256)),
                  structure("PrivateKeyAttributes", field("CryptographicUsageMask", "Integer", "Sign")),
                  structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "Verify")))));
  const auto parts = split(pair.value("PrivateKeyUniqueIdentifier"), terms(2, 2, "XOR"));
  ASSERT_EQ(parts.size(), 2U);
  const auto part = ask(item("Get", named(parts[0])));
  ASSERT_EQ(part.outcome(), "Success") << part.text();
  server_.set_export(false);
  for (const auto& id : parts) {
    const auto refused = ask(item("Get", named(id)));
    EXPECT_EQ(refused.outcome(), "PermissionDenied") << refused.text();
    EXPECT_FALSE(refused.has("KeyMaterial"));
  }
  EXPECT_EQ(ask(join_item("SecretData", parts)).outcome(), "PermissionDenied")
      << "it would leave as what it is not";
  const auto joined = ask(join_item("PrivateKey", parts));
  ASSERT_EQ(joined.outcome(), "Success") << joined.text();
  EXPECT_EQ(ask(item("Get", named(joined.value("UniqueIdentifier")))).outcome(), "PermissionDenied");
  // A part of one that was brought is one, too.
  const auto brought =
      ask(item("Register", concat(enumeration("ObjectType", "SplitKey"),
                                  structure("Attributes", field("CryptographicUsageMask", "Integer", "Sign")),
                                  part.xml("SplitKey"))));
  ASSERT_EQ(brought.outcome(), "Success") << brought.text();
  EXPECT_EQ(ask(item("Get", named(brought.value("UniqueIdentifier")))).outcome(), "PermissionDenied");
}

TEST_F(KmipSplitKey, K21_WhatMayNotLeaveLeavesInNoDerivedKey) {
  const auto pair = ask(item(
      "CreateKeyPair",
      concat(structure("CommonAttributes",
                       enumeration("CryptographicAlgorithm", "EC") + number("CryptographicLength", 256)),
             structure("PrivateKeyAttributes",
                       field("CryptographicUsageMask", "Integer", "DeriveKey") + active()),
             structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "DeriveKey")))));
  ASSERT_EQ(pair.outcome(), "Success") << pair.text();
  const auto own = register_key(kKek, "DeriveKey", active());
  const auto encrypted = [&](std::string_view data) {
    const auto parameters =
        structure("DerivationParameters",
                  structure("CryptographicParameters",
                            enumeration("BlockCipherMode", "ECB") + enumeration("PaddingMethod", "PKCS5")));
    const auto attributes =
        structure("Attributes", enumeration("CryptographicAlgorithm", "HMAC_SHA256") +
                                    number("CryptographicLength", 128) +
                                    field("CryptographicUsageMask", "Integer", "MACGenerate"));
    return ask(item("DeriveKey", concat(enumeration("ObjectType", "SymmetricKey"), named(own), named(data),
                                        enumeration("DerivationMethod", "ENCRYPT"), parameters, attributes)));
  };
  const auto refused = encrypted(pair.value("PrivateKeyUniqueIdentifier"));
  EXPECT_EQ(refused.outcome(), "PermissionDenied") << refused.text();
  const auto kept = register_key(kKey, "DeriveKey", active() + boolean("Extractable", false));
  EXPECT_EQ(encrypted(kept).outcome(), "NotExtractable");
  const auto free = register_key(kKey, "DeriveKey", active());
  EXPECT_EQ(encrypted(free).outcome(), "Success");
  server_.set_export(true);
  EXPECT_EQ(encrypted(pair.value("PrivateKeyUniqueIdentifier")).outcome(), "Success");
}

TEST_F(KmipSplitKey, K21_AKeyThatMayNotLeaveLeavesInNoParts) {
  const auto kept = register_key(kKey, "Encrypt", boolean("Extractable", false));
  EXPECT_EQ(ask(split_item(kept, terms(2, 2, "XOR"))).outcome(), "NotExtractable");
  const auto sensitive = register_key(kKey, "Encrypt", boolean("Sensitive", true));
  const auto parts = split(sensitive, terms(2, 2, "XOR"), boolean("Sensitive", false));
  EXPECT_EQ(ask(item("Get", named(parts[0]))).outcome(), "Sensitive");
  const auto joined =
      ask(join_item("SymmetricKey", parts, structure("Attributes", boolean("Sensitive", false))));
  ASSERT_EQ(joined.outcome(), "Success") << joined.text();
  EXPECT_EQ(ask(item("Get", named(joined.value("UniqueIdentifier")))).outcome(), "Sensitive");
}

TEST_F(KmipSplitKey, K21_WhatCannotBeSplitOrJoinedIsToldWhy) {
  const auto key = register_key(kKey, "Encrypt");
  const auto split_outcome = [&](std::string_view how) { return ask(split_item(key, how)).outcome(); };
  EXPECT_EQ(split_outcome(terms(3, 2, "XOR")), "InvalidField");
  EXPECT_EQ(split_outcome(terms(3, 4, "PolynomialSharingGF28")), "InvalidField");
  EXPECT_EQ(split_outcome(terms(1000, 2, "PolynomialSharingGF28")), "InvalidField");
  EXPECT_EQ(split_outcome(terms(-1, 2, "PolynomialSharingGF28")), "InvalidField");
  EXPECT_EQ(split_outcome(terms(3, 2, "PolynomialSharingPrimeField")), "InvalidField");
  EXPECT_EQ(split_outcome(terms(3, 2, "PolynomialSharingPrimeField", "0000000000000010")), "InvalidField");
  EXPECT_EQ(split_outcome(number("SplitKeyParts", 3)), "InvalidMessage");
  EXPECT_EQ(ask(split_item("00000000-0000-4000-8000-000000000000", terms(2, 2, "XOR"))).outcome(),
            "ObjectNotFound");
  EXPECT_EQ(located(enumeration("ObjectType", "SplitKey")), 0U);
  const auto parts = split(key, terms(3, 2, "PolynomialSharingGF28"));
  const auto others = split(key, terms(3, 2, "PolynomialSharingGF28"));
  const auto xored = split(key, terms(2, 2, "XOR"));
  EXPECT_EQ(ask(join_item("SymmetricKey", {parts[0]})).outcome(), "InvalidField") << "too few";
  EXPECT_EQ(ask(join_item("SymmetricKey", {parts[0], parts[0]})).outcome(), "InvalidField") << "one twice";
  EXPECT_EQ(ask(join_item("SymmetricKey", {parts[0], xored[1]})).outcome(), "InvalidField");
  EXPECT_EQ(ask(join_item("SymmetricKey", {parts[0], parts[1], others[2]})).outcome(), "CryptographicFailure")
      << "of another splitting";
  EXPECT_EQ(ask(join_item("SymmetricKey", {key, parts[0]})).outcome(), "InvalidObjectType");
  EXPECT_EQ(ask(join_item("SymmetricKey", {})).outcome(), "InvalidMessage");
  EXPECT_EQ(ask(join_item("PublicKey", parts)).outcome(), "InvalidObjectType");
  EXPECT_EQ(located(enumeration("ObjectType", "SymmetricKey")), 1U) << "nothing was made";
  // KMIP 1.1 has neither.
  EXPECT_EQ(ask({split_item(key, terms(2, 2, "XOR"))}, {}, 1, 1).outcome(), "OperationNotSupported");
}

}  // namespace
}  // namespace tapewarden::conformance
