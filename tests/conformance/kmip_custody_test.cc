// What becomes of objects when officers act on their keys, and what a key server keeps of clients' secrets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "keymgr/objects/object_orders.h"
#include "keymgr/tables.h"
#include "kmip/server/crypto_streams.h"
#include "kmip/tags.h"
#include "kmip_rules.h"

namespace tapewarden::conformance {
namespace {

using keymgr::testing::officer;
using ::testing::HasSubstr;

class KmipCustody : public KmipRules {
 protected:
  keymgr::KeyManager& m() { return server_.server().manager(); }
  keymgr::ManagedObject object(const std::string& id) {
    const auto found = server_.read([&](store::Reader& reader) -> Result<keymgr::ManagedObject> {
      return *TRY(server_.objects().find(reader, *Uuid::parse(id)));
    });
    EXPECT_TRUE(found) << found.error().text();
    return found.value_or(keymgr::ManagedObject());
  }
  keymgr::DataKey key_of(const std::string& id) {
    const auto found = server_.read([&](store::Reader& reader) -> Result<keymgr::DataKey> {
      return server_.objects().data_key_of(reader, object(id));
    });
    EXPECT_TRUE(found);
    return *found;
  }
  keymgr::Destruction purging(const keymgr::KeyRef& key) {
    return {.cartridges_lost = m().count_sealed(key, keymgr::CartridgeFilter::kNeeding).value_or(0),
            .purge = true};
  }
  // A second officer's.
  const keymgr::Consent second_{"second", [](store::Transaction&) -> Status { return {}; }};
  std::string made_key() { return create(256, "Encrypt Decrypt", active()); }
  std::string get(const std::string& id) { return ask(item("Get", named(id))).outcome(); }
  std::string state(const std::string& id) {
    return ask(item("GetAttributes", named(id) + enumeration("AttributeReference", "State"))).value("State");
  }
  std::string encrypt(const std::string& id) {
    return ask(item("Encrypt",
                    concat(named(id),
                           structure("CryptographicParameters", enumeration("BlockCipherMode", "ECB")),
                           bytes("Data", kKey))))
        .outcome();
  }
  Status release(const std::string& id) {
    return server_.server().write([&](store::Transaction& transaction) -> Status {
      (void)TRY(keymgr::release_object(transaction, server_.objects(), officer(), *Uuid::parse(id)));
      return {};
    });
  }
  std::string register_password(std::string_view hex) {
    const auto block = structure("KeyBlock", enumeration("KeyFormatType", "Opaque") +
                                                 structure("KeyValue", bytes("KeyMaterial", hex)));
    const auto answer = ask(
        item("Register", concat(enumeration("ObjectType", "SecretData"),
                                structure("Attributes", field("CryptographicUsageMask", "Integer", "0")),
                                structure("SecretData", enumeration("SecretDataType", "Password") + block))));
    EXPECT_EQ(answer.outcome(), "Success") << answer.text();
    return answer.value("UniqueIdentifier");
  }
};

TEST_F(KmipCustody, K10_WhatOfficersDoToADataKeyReachesItsObject) {
  const auto deactivated = made_key();
  ASSERT_TRUE(m().change_key_state(officer(), key_of(deactivated).alias, keymgr::KeyState::kDeactivated));
  EXPECT_EQ(state(deactivated), "Deactivated");
  EXPECT_NE(encrypt(deactivated), "Success");
  EXPECT_EQ(get(deactivated), "Success") << "it reads";
  const auto compromised = made_key();
  ASSERT_TRUE(m().compromise_key(officer(), keymgr::ref_of(key_of(compromised))));
  EXPECT_EQ(state(compromised), "Compromised");
  EXPECT_NE(encrypt(compromised), "Success");
}

TEST_F(KmipCustody, K10_AnObjectWhoseDataKeyWasPurgedIsGoneAndNotReleased) {
  const auto named_key = create(256, "Encrypt", name_attribute("vault"));
  const auto key = keymgr::ref_of(key_of(named_key));
  EXPECT_EQ(ask(item("Destroy", named(named_key))).outcome(), "Success");
  const auto done = m().destroy_key(officer(), key, purging(key), second_);
  ASSERT_TRUE(done) << done.error().text();
  const auto refused = release(named_key);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr("nothing is left to release"));
  EXPECT_NE(get(named_key), "Success");
}

TEST_F(KmipCustody, K10_AnObjectWhoseDataKeyOfficersEndedLooksDestroyed) {
  const auto id = create(256, "Encrypt", name_attribute("vault"));
  const auto key = keymgr::ref_of(key_of(id));
  ASSERT_TRUE(m().quarantine_key(officer(), key));
  ASSERT_TRUE(m().destroy_key(officer(), key, purging(key), second_));
  EXPECT_EQ(get(id), "ObjectDestroyed");
  EXPECT_EQ(state(id), "Destroyed");
  EXPECT_EQ(located(name_attribute("vault")), 0U);
  create(256, "Encrypt", name_attribute("vault"));
}

TEST_F(KmipCustody, K10_AnObjectWithItsOwnSecretIsPurgedByTwoOfficers) {
  const auto id = register_password("70617373776f7264");
  const auto purge = [&](const keymgr::Consent& consent) {
    return server_.server().write([&](store::Transaction& transaction) -> Status {
      (void)TRY(keymgr::purge_object(transaction, server_.objects(), officer(), *Uuid::parse(id), consent));
      return {};
    });
  };
  EXPECT_EQ(purge(second_).error().code, ErrorCode::kConflict) << "its client still uses it";
  ASSERT_EQ(ask(item("Destroy", named(id))).outcome(), "Success");
  EXPECT_EQ(purge({}).error().field, "approval");
  ASSERT_TRUE(purge(second_));
  EXPECT_TRUE(object(id).sealed_secret.empty());
  EXPECT_EQ(state(id), "Destroyed");
  const auto refused = release(id);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("officers purged the object"));
  EXPECT_FALSE(purge(second_)) << "once";
  EXPECT_EQ(server_.server().audit_count({"kmip.object.purge", id, "\"approved_by\":\"second\""}), 1U);
  const auto of_data_key = made_key();
  const auto other = server_.server().write([&](store::Transaction& transaction) -> Status {
    (void)TRY(
        keymgr::purge_object(transaction, server_.objects(), officer(), *Uuid::parse(of_data_key), second_));
    return {};
  });
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().remedy, HasSubstr("key purge"));
}

TEST_F(KmipCustody, K10_AHeldObjectIsPurgedByNobody) {
  const auto id = register_password("70617373776f7264");
  const auto uuid = *Uuid::parse(id);
  const auto hold = [&](const std::string& object, std::string_view reason, WallTime until) {
    Result<keymgr::KeyHold> out = fail(ErrorCode::kInternal, "not run");
    const auto done = server_.server().write([&](store::Transaction& transaction) -> Status {
      out =
          keymgr::hold_object(transaction, server_.objects(), officer(), *Uuid::parse(object), reason, until);
      if (!out) return std::unexpected(out.error());
      return {};
    });
    EXPECT_EQ(done.has_value(), out.has_value());
    return out;
  };
  const auto purge = [&] {
    return server_.server().write([&](store::Transaction& transaction) -> Status {
      (void)TRY(keymgr::purge_object(transaction, server_.objects(), officer(), uuid, second_));
      return {};
    });
  };
  const auto take_off = [&](const Uuid& which, const keymgr::Consent& consent) {
    return server_.server().write([&](store::Transaction& transaction) {
      return keymgr::remove_object_hold(transaction, server_.objects(), officer(), uuid, which, consent);
    });
  };
  EXPECT_EQ(hold(id, " ", keymgr::kNever).error().field, "reason");
  const auto of_data_key = hold(made_key(), "case 4711", keymgr::kNever);
  ASSERT_FALSE(of_data_key);
  EXPECT_THAT(of_data_key.error().remedy, HasSubstr("tapewarden key hold"));
  const auto placed = hold(id, "case 4711", keymgr::kNever);
  ASSERT_TRUE(placed) << placed.error().text();
  const auto until = m().context().now() + std::chrono::hours(24);
  server_.server().clock.advance(std::chrono::milliseconds(1));  // the one that was placed first is named
  ASSERT_TRUE(hold(id, "ten years", until));
  ASSERT_EQ(ask(item("Destroy", named(id))).outcome(), "Success") << "it is hidden, not ended";
  auto refused = purge();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "hold");
  EXPECT_THAT(refused.error().message, HasSubstr("case 4711"));
  EXPECT_EQ(take_off(placed->id, {}).error().field, "approval");
  EXPECT_EQ(take_off(Uuid(), second_).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(take_off(placed->id, second_));
  EXPECT_THAT(purge().error().message, HasSubstr("ten years"));
  EXPECT_FALSE(object(id).sealed_secret.empty());
  server_.server().clock.advance(std::chrono::hours(25));
  ASSERT_TRUE(purge());
  EXPECT_EQ(server_.server().audit_count({"kmip.object.hold", id, "case 4711"}), 1U);
  EXPECT_EQ(server_.server().audit_count({"kmip.object.remove-hold", id, "\"approved_by\":\"second\""}), 1U);
}

TEST_F(KmipCustody, K21_NoPlainColumnLetsAThiefGuessAPassword) {
  const auto id = register_password("70617373776f7264");  // "password"
  const auto kept = object(id);
  const auto guess = crypto::sha256(as_bytes(std::string_view("password")));
  const auto row = kept.to_row();
  const auto needle = to_hex(ByteView(guess));
  for (const auto& value : row) {
    const auto* blob = std::get_if<Bytes>(&value);
    if (blob == nullptr) continue;
    EXPECT_EQ(to_hex(*blob).find(needle), std::string::npos);
  }
  const auto again = object(register_password("70617373776f7264"));
  EXPECT_NE(kept.fingerprint, again.fingerprint) << "nothing follows from the secret";
  const auto shown = ask(item("GetAttributes", named(id) + enumeration("AttributeReference", "Digest")));
  EXPECT_EQ(shown.value("DigestValue"), needle) << "its client is told: " << shown.text();
  const auto digest =
      structure("Digest", enumeration("HashingAlgorithm", "SHA_256") + bytes("DigestValue", needle) +
                              enumeration("KeyFormatType", "Opaque"));
  EXPECT_EQ(located(digest), 2U);
}

TEST_F(KmipCustody, K21_AClientLogsSoMuchAndNoMore) {
  const auto log = [&](std::string_view message) {
    return ask(item("Log", text("LogMessage", message))).outcome();
  };
  EXPECT_EQ(log(std::string(1025, 'x')), "InvalidField");
  EXPECT_EQ(log(std::string(1024, 'x')), "Success");
  for (int i = 0; i < 31; ++i) EXPECT_EQ(log("round"), "Success");
  const auto before = server_.server().audit_count({"kmip.log"});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(log("round"), "ServerLimitExceeded");
  EXPECT_EQ(server_.server().audit_count({"kmip.log"}), before) << "nor do the refusals fill it";
}

TEST_F(KmipCustody, K21_NamesThatDifferInCaseAloneAreNotTwoClients) {
  const auto add = [&](std::string_view name, std::string_view owner) {
    return server_.server().write([&](store::Transaction& transaction) -> Status {
      keymgr::KmipClient client;
      client.name = name;
      client.owner = owner;
      client.fingerprint = Hash256{9};
      (void)TRY(keymgr::KmipClients(m().context()).add(transaction, officer(), client));
      return {};
    });
  };
  EXPECT_EQ(add("Library", "").error().field, "name");
  EXPECT_EQ(add("other", "LIBRARY").error().field, "owner");
  EXPECT_TRUE(add("other", "library"));
}

kmip::CryptoStream stream_of(std::string owner) {
  return {std::move(owner), kmip::Operation::kEncrypt, {}, {}, {}};
}

TEST(KmipStreams, K21_OneMessageAtATimeGoesOnWithAStream) {
  kmip::StreamBook book;
  const Bytes name{1};
  book.finish({{name, std::make_shared<const kmip::CryptoStream>(stream_of("library"))}}, 1);
  const auto take = [&](std::uint64_t message, std::string_view owner = "library") {
    return book.take(name, owner, kmip::Operation::kEncrypt, message);
  };
  EXPECT_EQ(*take(2, "another"), nullptr);
  ASSERT_TRUE(take(2));
  EXPECT_NE(*take(2), nullptr);
  EXPECT_NE(*take(2), nullptr) << "carried out anew by the same message";
  const auto other = take(3);
  ASSERT_FALSE(other) << "two texts would get one keystream";
  EXPECT_EQ(other.error().code, ErrorCode::kConflict);
  book.finish({}, 2);
  EXPECT_TRUE(take(3)) << "the first was undone";
}

TEST(KmipStreams, K21_OneOwnerHasSoManyStreamsAndTakesNobodysAway) {
  kmip::StreamBook book;
  book.finish({{Bytes{0, 0, 9}, std::make_shared<const kmip::CryptoStream>(stream_of("quiet"))}}, 1);
  const auto name = [](std::size_t i) {
    return Bytes{static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)};
  };
  for (std::size_t i = 0; i < 3 * kmip::kMaximumStreams; ++i) {
    book.finish({{name(i), std::make_shared<const kmip::CryptoStream>(stream_of("busy"))}}, 2 + i);
  }
  EXPECT_NE(*book.take(Bytes{0, 0, 9}, "quiet", kmip::Operation::kEncrypt, 7), nullptr);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < 3 * kmip::kMaximumStreams; ++i) {
    if (*book.take(name(i), "busy", kmip::Operation::kEncrypt, 7) != nullptr) ++kept;
  }
  EXPECT_EQ(kept, kmip::kMaximumStreamsOfOwner);
}

}  // namespace
}  // namespace tapewarden::conformance
