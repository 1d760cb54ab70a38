// K2, K10 (states), K16: stored data keys.
#include "keymgr/data_keys.h"

#include <gtest/gtest.h>
#include <set>

#include "base/text.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

Result<crypto::SecretBytes> secret_of(TestServer& server, const std::string& alias) {
  crypto::SecretBytes out;
  TRY(server.keystore().read([&](store::Reader& reader) -> Status {
    const auto key = TRY(server.manager().keys().find(reader, alias));
    if (!key) return fail(ErrorCode::kNotFound, "no key");
    out = TRY(server.manager().keys().open(reader, *key));
    return {};
  }));
  return out;
}

TEST(DataKeys, K2_DefaultAliasesCarryTheInstallation) {
  TestServer server;
  const auto keys = server.manager().generate_keys(operator_(), 3, "abc", "");
  ASSERT_TRUE(keys) << keys.error().text();
  ASSERT_EQ(keys->size(), 3U);
  ByteWriter installation;
  installation.u32(server.manager().context().installation);
  const std::string start = "ABC00" + to_upper(to_hex(installation.view()));
  std::set<std::string> aliases;
  for (const auto& key : *keys) {
    EXPECT_EQ(key.alias.size(), 21U);
    EXPECT_TRUE(key.alias.starts_with(start)) << key.alias;
    EXPECT_EQ(key.state, KeyState::kPreActive);
    EXPECT_EQ(key.owner, server.id());
    aliases.insert(key.alias);
  }
  EXPECT_EQ(aliases.size(), 3U);
  EXPECT_NE(secret_of(server, keys->at(0).alias).value(), secret_of(server, keys->at(1).alias).value());
}

TEST(DataKeys, K2_TheCounterSurvivesARestart) {
  TestServer server;
  const auto before = server.manager().generate_keys(operator_(), 2, "ABC", "");
  ASSERT_TRUE(before);
  const auto secret = secret_of(server, before->front().alias);
  server.restart();
  const auto after = server.manager().generate_keys(operator_(), 2, "ABC", "");
  ASSERT_TRUE(after) << after.error().text();
  EXPECT_LT(before->back().alias, after->front().alias);
  EXPECT_EQ(secret_of(server, before->front().alias).value(), *secret);
}

TEST(DataKeys, K2_RangesAndAliasesWithoutCase) {
  TestServer server;
  auto& m = server.manager();
  const auto keys = m.generate_key_range(operator_(), "ABC000000000000000001-0F", "");
  ASSERT_TRUE(keys) << keys.error().text();
  EXPECT_EQ(keys->size(), 15U);
  EXPECT_EQ(keys->back().alias, "ABC00000000000000000F");
  EXPECT_TRUE(m.key("abc00000000000000000f"));
  const auto again = m.generate_key_range(operator_(), "abc00000000000000000f-11", "");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  EXPECT_FALSE(m.key("ABC000000000000000010")) << "all or none";
  EXPECT_FALSE(m.generate_key_range(operator_(), "ABC01-00", ""));
  EXPECT_FALSE(m.generate_key_range(operator_(), "this alias is too long", ""));
}

TEST(DataKeys, K2_ADkiThatIsTakenIsRefused) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.generate_key_range(operator_(), "TAPE1", ""));
  const auto same = m.generate_key_range(operator_(), "tape1", "");
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().field, "alias");
  EXPECT_EQ(m.key("TAPE1")->dki.hex(), to_hex(as_bytes("TAPE1       ")));
}

TEST(DataKeys, K2_BadCountsAndPrefixesAreRefused) {
  TestServer server;
  auto& m = server.manager();
  EXPECT_EQ(m.generate_keys(operator_(), 0, "ABC", "").error().field, "count");
  EXPECT_EQ(m.generate_keys(operator_(), kMaximumKeysPerCall + 1, "ABC", "").error().field, "count");
  EXPECT_EQ(m.generate_keys(operator_(), 1, "AB1", "").error().field, "prefix");
  EXPECT_EQ(m.generate_keys(operator_(), 1, "ABC", "nowhere").error().code, ErrorCode::kNotFound);
}

TEST(DataKeys, K18_ImportTellsSameFromDifferent) {
  TestServer server;
  auto& m = server.manager();
  ImportedKey key;
  key.alias = "old1";
  key.key = crypto::SecretBytes::copy_of(Bytes(32, 5));
  EXPECT_EQ(m.import_key(officer(), key).value(), ImportOutcome::kAdded);
  EXPECT_EQ(m.import_key(officer(), key).value(), ImportOutcome::kUnchanged);
  key.key = crypto::SecretBytes::copy_of(Bytes(32, 6));
  EXPECT_EQ(m.import_key(officer(), key).error().code, ErrorCode::kAlreadyExists);
  key.key = crypto::SecretBytes::copy_of(Bytes(16, 6));
  EXPECT_EQ(m.import_key(officer(), key).error().field, "key");
}

TEST(DataKeys, K10_StatesOnlyMoveForward) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.generate_key_range(operator_(), "K1", ""));
  ASSERT_TRUE(m.change_key_state(officer(), "K1", KeyState::kActive));
  EXPECT_EQ(m.change_key_state(officer(), "K1", KeyState::kPreActive).error().code, ErrorCode::kConflict);
  EXPECT_EQ(m.change_key_state(officer(), "K1", KeyState::kDestroyed).error().code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(m.destroy_key(officer(), *m.key_ref("K1"), {}, agreed()).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(m.change_key_state(officer(), "K1", KeyState::kDeactivated));
  ASSERT_TRUE(secret_of(server, "K1"));
  ASSERT_TRUE(m.destroy_key(officer(), *m.key_ref("K1"), {}, agreed()));
  EXPECT_TRUE(m.key("K1")->sealed_key.empty());
  EXPECT_FALSE(secret_of(server, "K1"));
  ImportedKey back;
  back.alias = "K1";
  back.key = crypto::SecretBytes::copy_of(Bytes(32, 5));
  EXPECT_EQ(m.import_key(officer(), back).error().code, ErrorCode::kConflict) << "a tombstone stays";
  ASSERT_TRUE(m.compromise_key(officer(), *m.key_ref("K1")));
  EXPECT_EQ(m.key("K1")->state, KeyState::kDestroyedCompromised);
  EXPECT_EQ(server.audit_count({"key.state", "K1", "deactivated", "alice"}), 1U);
  EXPECT_EQ(server.audit_count({"key.destroy", "K1", "deactivated", "alice", "second"}), 1U);
}

TEST(DataKeys, K2_ListsByGroupAndStateInPages) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.create_group(operator_(), "g", {}));
  ASSERT_TRUE(m.generate_keys(operator_(), 5, "ABC", "g"));
  ASSERT_TRUE(m.generate_keys(operator_(), 2, "XYZ", ""));
  const auto first = m.list_keys("G", {}, {.limit = 4, .after = ""});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->items.size(), 4U);
  EXPECT_EQ(m.list_keys("g", {}, {.limit = 4, .after = first->next})->items.size(), 1U);
  EXPECT_EQ(m.list_keys("", {}, {})->items.size(), 7U);
  EXPECT_EQ(m.list_keys("", KeyState::kActive, {})->items.size(), 0U);
}

TEST(DataKeys, K2_AMistypedRangeBecomesNoAlias) {
  TestServer server;
  auto& m = server.manager();
  for (const char* mistyped : {"AB1-03", "ABC01_-03", "key-1", "ABX001-"}) {
    const auto made = m.generate_key_range(operator_(), mistyped, "");
    ASSERT_FALSE(made) << mistyped;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(made.error().field, "range");
    EXPECT_NE(made.error().remedy.find("ABC000000000000000001-0F"), std::string::npos) << mistyped;
  }
  EXPECT_TRUE(m.list_keys("", {}, {})->items.empty());
  EXPECT_EQ(m.generate_key_range(operator_(), "KEY1", "")->size(), 1U);
  EXPECT_EQ(m.generate_key_range(operator_(), "ABX001-003", "")->size(), 3U);
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
