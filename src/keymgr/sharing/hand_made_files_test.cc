// K18: files that a confirmed partner signed and that no export of ours would be: whatever he writes, what is
// here stays as it is, and the report tells what became of each key.
#include "crypto/cms.h"
#include "crypto/random.h"
#include "keymgr/sharing/shared_file.h"
#include "keymgr/sharing/sharing_test_kit.h"

namespace tapewarden::keymgr::sharing::testing {
namespace {

using keymgr::testing::random_uuid;

// One key of a file and what the sender says of it.
struct Item {
  std::string alias;
  const crypto::SecretBytes* secret;
  std::int64_t created_ms = 1'650'000'000'000;
};

struct HandMade : TwoSites {
  // Signed by `from`, sealed to B.
  Bytes file_of(Site& from, const std::vector<Item>& items, const Uuid& id = random_uuid()) {
    OwnCertificate sender, recipient;
    crypto::PrivateKey signing;
    EXPECT_TRUE(b.keystore().read([&](store::Reader& reader) -> Status {
      recipient = TRY(own_certificate(reader));
      return {};
    }));
    EXPECT_TRUE(from.keystore().read([&](store::Reader& reader) -> Status {
      sender = TRY(own_certificate(reader));
      signing = TRY(identity_key(reader, sender));
      return {};
    }));
    const auto certificate = crypto::Certificate::from_der(recipient.certificate).value();
    const auto file_key = crypto::random_secret(random, crypto::kAesKeyBytes);
    FileHeader header;
    header.id = id;
    header.made = from_millis(1'700'000'000'000);
    header.from = sender.name;
    header.server = from.id();
    header.keys = static_cast<std::uint32_t>(items.size());
    header.recipient = certificate.fingerprint();
    header.recipient_identity = recipient.fingerprint();
    header.signer = sender.identity;
    header.envelope = crypto::seal_to_recipients(file_key, {&certificate, 1}).value();
    FileBuilder builder(header, file_key);
    for (const Item& item : items) {
      SharedKey key;
      key.alias = item.alias;
      key.state = KeyState::kActive;
      key.times.created = from_millis(item.created_ms);
      key.owner = from.id();
      key.fingerprint = fingerprint_of(*item.secret);
      builder.add(key, *item.secret);
    }
    return builder.finish(signing);
  }
  // One key under twenty aliases, each younger than the one before.
  std::vector<Item> many_names() const {
    std::vector<Item> out;
    for (int i = 0; i < 20; ++i) out.push_back({name(i), &secret, 1'600'000'000'000 + i});
    return out;
  }
  static std::string name(int number) { return "NAME" + std::to_string(10 + number); }

  crypto::SystemRandom random;
  const crypto::SecretBytes secret = crypto::random_secret(random, kDataKeyBytes);
  const crypto::SecretBytes other = crypto::random_secret(random, kDataKeyBytes);
};

// A key that goes by more names than are looked through is found by the one that counts.
TEST_F(HandMade, K18_AmongManyNamesOfOneKeyNoneIsWrittenOver) {
  TW_ASSERT_OK(b.take(file_of(a, many_names())));
  TW_ASSERT_OK(b.manager().change_key_state(officer(), name(19), KeyState::kDeactivated));
  const auto before = b.all(name(19)).front();
  const auto again = b.take(file_of(a, {{name(19), &secret}}));
  TW_ASSERT_OK(again);
  EXPECT_EQ(again->unchanged, 1U);
  EXPECT_EQ(b.all(name(19)).front().to_row(), before.to_row());
  EXPECT_EQ(b.all(name(19)).size(), 1U);
}

TEST_F(HandMade, K18_AmongManyNamesOfOneKeyAQuarantineStands) {
  TW_ASSERT_OK(b.take(file_of(a, many_names())));
  TW_ASSERT_OK(b.manager().quarantine_key(officer(), b.manager().key_ref(name(19)).value()));
  const auto before = b.all(name(19)).front();
  ASSERT_NE(before.quarantined, kNever);
  for (const auto& alias : {name(19), name(0), std::string("NEWNAME1")}) {
    const auto report = b.take(file_of(a, {{alias, &secret}}));
    TW_ASSERT_OK(report);
    EXPECT_EQ(report->refused, 1U) << alias;
    ASSERT_EQ(report->lines.size(), 1U);
    EXPECT_EQ(report->lines.front().remark, "this key is quarantined here as " + name(19));
  }
  EXPECT_EQ(b.all(name(19)).front().to_row(), before.to_row());
  EXPECT_TRUE(b.all("NEWNAME1").empty());
}

// A sender chooses the ids of his files, and may not choose another's.
TEST_F(HandMade, K18_TheIdOfAnotherPartnersFileIsRefused) {
  Site c(3);
  introduce(b, c, "C");
  introduce(c, b, "B");
  const Uuid id = random_uuid();
  TW_ASSERT_OK(b.take(file_of(a, {{"KEY1", &secret}}, id)));
  const Bytes forged = file_of(c, {{"KEY2", &other}}, id);
  expect_refused(b, forged, ErrorCode::kConflict, "another file");
  EXPECT_FALSE(b.take(forged, true)) << "a dry run says the same";
  EXPECT_TRUE(b.all("KEY2").empty());
  std::vector<Transfer> found;
  TW_ASSERT_OK(b.keystore().read([&](store::Reader& reader) -> Status {
    found = TRY(transfers_of(reader, fingerprint_of(secret)));
    return {};
  }));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().partner, "A");
  EXPECT_EQ(b.audit_count({"key.import-shared-batch", "KEY2"}), 0U);
  // His own file may come again.
  TW_ASSERT_OK(b.take(file_of(a, {{"KEY1", &secret}}, id)));
}

// Keys of one file change what becomes of those that follow.
TEST_F(HandMade, K18_TheReportTellsWhatWasDoneToEachKey) {
  const auto report = b.take(file_of(a, {{"KEY1", &secret}, {"KEY1", &secret}, {"KEY1", &other}}));
  TW_ASSERT_OK(report);
  EXPECT_EQ(report->keys, 3U);
  EXPECT_EQ(report->added, 1U);
  EXPECT_EQ(report->unchanged, 1U);
  EXPECT_EQ(report->kept_both, 1U);
  ASSERT_EQ(report->lines.size(), 1U);
  EXPECT_EQ(report->lines.front().outcome, KeyOutcome::kKeptBoth);
  EXPECT_EQ(report->lines.front().fingerprint, to_hex(fingerprint_of(other)));
  EXPECT_EQ(b.all("KEY1").size(), 2U);
  EXPECT_EQ(b.audit_count(
                {"\"key.import-shared\"", "\"added\":\"1\"", "\"unchanged\":\"1\"", "\"kept_both\":\"1\""}),
            1U);
}

}  // namespace
}  // namespace tapewarden::keymgr::sharing::testing
