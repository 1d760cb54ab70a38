// K20: a whole installation of an Encryption Key Manager comes in.
#include "keymgr/migration/ekm_migration.h"

#include <cstdio>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

#include "keymgr/migration/old_keystore.h"
#include "keymgr/migration/testing/jceks_writer.h"
#include "keymgr/migration/testing/keytool.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

using ::testing::HasSubstr;
using Outcome = MigrationOutcome;

constexpr std::string_view kKeyGroups =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<KeyGroups><KeyGroup "
    "groupID=\"Backup\"><KeyAlias>aes00</KeyAlias><KeyAlias>missing</KeyAlias></KeyGroup>\n"
    "<KeyGroup><Name>Archive</Name><Aliases><Alias>AES01</Alias></Aliases></KeyGroup></KeyGroups>\n";
constexpr std::string_view kDrives =
    "Drive entries: 2\n"
    "Entry Key: SerialNumber = 1300000123\nEntry Key: SymAlias = backup\n\n"
    "SerialNumber = FVTDRIVE0000\r\nAliasTwo = cert2\r\nAliasOne = cert1\r\nDeleted : false\r\n";
constexpr std::string_view kProperties =
    "# made by hand\n"
    "config.keystore.file = EKMKeys.jck\n"
    "config.keystore.password = \n"
    "config.drivetable.file.url = FILE:drive.table\n"
    "symmetricKeySet = archive\n"
    "drive.default.alias1 = cert1\n"
    "drive.acceptUnknownDrives = true\n"
    "TransportListener.tcp.port = 3801\n"
    "fips : off\n"
    "some.thing = else\n";
constexpr std::string_view kMetadata =
    "<KeyUsageEvent><DriveSSN>1300000123</DriveSSN><VolSer>OLD001L4</VolSer><keyAlias1>aes00</keyAlias1>"
    "<DKi>AES00</DKi><dateTime>Tue Feb 20 09:18:07 UTC 2007</dateTime></KeyUsageEvent>\n"
    "<KeyUsageEvent><DriveSSN>FVTDRIVE0000</DriveSSN><VolSer>OLD002JA</VolSer><keyAlias1>cert1</keyAlias1>"
    "<dateTime>Tue Feb 20 09:18:07 UTC 2007</dateTime></KeyUsageEvent>\n";

Bytes key_of(std::uint8_t byte) {
  return Bytes(kDataKeyBytes, byte);
}

const crypto::Certificate& certificate(std::size_t index) {
  static const auto first = rsa_certificate(shared_rsa(0), "old kek");
  static const auto second = rsa_certificate(shared_rsa(1), "second kek");
  return index == 0 ? first : second;
}

Bytes old_store() {
  JceksWriter store;
  store.data_key("aes00", key_of(1)).data_key("aes01", key_of(2)).data_key("des", Bytes(24, 1), "DESede");
  store.pair("cert1", shared_rsa(0), certificate(0)).certificate("cert2", certificate(1));
  return store.file();
}

struct Migration : ::testing::Test {
  KeyManager& m() { return server.manager(); }
  Result<MigrationReport> migrate(const EkmInstallation& from, bool dry_run = false) {
    return migrate_ekm(m(), officer(), from, dry_run);
  }
  EkmInstallation whole(ByteView keystore) {
    return {.keystore = keystore,
            .password = &password,
            .properties = kProperties,
            .key_groups = kKeyGroups,
            .drive_table = kDrives,
            .metadata = kMetadata};
  }
  EkmInstallation store_alone(ByteView keystore) { return {.keystore = keystore, .password = &password}; }
  static const MigrationLine* line(const MigrationReport& report, std::string_view name) {
    for (const auto& one : report.lines()) {
      if (one.name == name) return &one;
    }
    return nullptr;
  }
  static Outcome outcome(const MigrationReport& report, std::string_view name) {
    const auto* found = line(report, name);
    EXPECT_NE(found, nullptr) << name;
    return found != nullptr ? found->outcome : Outcome{};
  }
  // How many there are of all that an import brings.
  std::size_t things() {
    const PageRequest all{.limit = 1000};
    return m().list_keys("", {}, all)->items.size() + m().list_keks(all)->items.size() +
           m().list_groups()->size() + m().list_drives({}, all)->items.size() +
           m().query_ledger({}, all)->items.size();
  }
  // What a drive gets for a cartridge that carries this identifier.
  Result<crypto::SecretBytes> read_with(const eedk::DataKeyIdentifier& dki, Intent intent = Intent::kRead,
                                        const std::string& alias = "") {
    auto request = drive.request(intent, random_uuid());
    request.dki = dki;
    request.alias = alias;
    return drive.open(TRY(server.ask(request)), request);
  }
  void enrol() { ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins())); }
  static eedk::DataKeyIdentifier dki_of(std::string_view alias) {
    return eedk::DataKeyIdentifier::from_alias(alias).value();
  }

  TestServer server;
  TestDrive drive{"000000000007", DriveKind::kLto};
  crypto::SecretBytes password = crypto::SecretBytes::copy_of(as_bytes(kStorePassword));
};

TEST_F(Migration, K20_AWholeInstallationComes) {
  const Bytes file = old_store();
  const auto report = migrate(whole(file));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->keystore_format, "JCEKS");
  // Keys, under the names and identifiers that they had.
  const auto key = m().key("AES00");
  ASSERT_TRUE(key) << key.error().text();
  EXPECT_EQ(key->origin, KeyOrigin::kImported);
  EXPECT_EQ(key->dki, dki_of("AES00"));
  EXPECT_EQ(key->group, "BACKUP");
  EXPECT_EQ(m().key("aes01")->group, "ARCHIVE");
  EXPECT_EQ(outcome(*report, "des"), Outcome::kLeftOut);
  // KEKs, named as they were.
  const auto kek = m().kek(shared_rsa(0).public_key().spki_hash());
  ASSERT_TRUE(kek) << kek.error().text();
  EXPECT_TRUE(kek->kek.has_private);
  EXPECT_EQ(kek->labels, std::vector<std::string>{"cert1"});
  EXPECT_FALSE(m().kek(shared_rsa(1).public_key().spki_hash())->kek.has_private);
  EXPECT_THAT(line(*report, "cert2")->remark, HasSubstr("wraps"));
  // Groups, drives, settings, ledger.
  EXPECT_EQ(m().group("backup")->group.keys_ahead, kKeysAheadOfOldGroup);
  EXPECT_TRUE(m().group("archive")->group.default_write);
  EXPECT_THAT(line(*report, "BACKUP/MISSING")->remark, HasSubstr("another keystore"));
  EXPECT_EQ(m().drive("001300000123")->default_group, "BACKUP");
  EXPECT_EQ(m().drive("001300000123")->kind, DriveKind::kLto);
  EXPECT_EQ(m().drive("FVTDRIVE0000")->kind, DriveKind::k3592);
  EXPECT_EQ(m().drive("FVTDRIVE0000")->label_2.label, "cert2");
  EXPECT_EQ(m().query_ledger({.volser = "OLD001L4"}, {})->items.size(), 1U);
  EXPECT_EQ(m().query_ledger({.volser = "OLD002JA"}, {})->items.front().method, Method::kWrappedKey);
  EXPECT_THAT(line(*report, "drive.default.alias1")->remark, HasSubstr("default.label1 = cert1"));
  EXPECT_EQ(server.audit_count({"migration.import", "alice", "keystore_sha256"}), 1U);
  EXPECT_EQ(server.audit_count({"key.import", "AES00"}), 1U);
}

TEST_F(Migration, K20_EachPropertyIsTakenOrTold) {
  const Bytes file = old_store();
  const auto report = migrate(whole(file));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(outcome(*report, "config.keystore.file"), Outcome::kSame);
  EXPECT_EQ(outcome(*report, "symmetricKeySet"), Outcome::kAdded);
  EXPECT_EQ(outcome(*report, "drive.acceptUnknownDrives"), Outcome::kLeftOut) << "never made more open";
  EXPECT_THAT(line(*report, "TransportListener.tcp.port")->remark, HasSubstr("no counterpart"));
  EXPECT_THAT(line(*report, "some.thing")->remark, HasSubstr("not known"));
  EXPECT_EQ(outcome(*report, "config.keystore.password"), Outcome::kLeftOut);
  const auto closed = migrate({.properties = "drive.acceptUnknownDrives=false\nsymmetricKeySet=nowhere\n"});
  ASSERT_TRUE(closed);
  EXPECT_EQ(outcome(*closed, "drive.acceptUnknownDrives"), Outcome::kAdded);
  EXPECT_THAT(line(*closed, "symmetricKeySet")->remark, HasSubstr("no group and no key"));
  const auto other = migrate({.properties = "drive.default.alias1=cert2\ndrive.default.alias2=none\n"
                                            "symmetricKeySet=BACKUP\ndrive.default.alias1=cert2"});
  ASSERT_TRUE(other);
  EXPECT_THAT(line(*other, "symmetricKeySet")->remark, HasSubstr("ARCHIVE, which stays"));
  EXPECT_THAT(line(*other, "drive.default.alias2")->remark, HasSubstr("no KEK here"));
  EXPECT_THAT(other->lines().front().remark, HasSubstr("further down"));
  EXPECT_THAT(other->lines().back().remark, HasSubstr("cert1 here, which stays"));
}

TEST_F(Migration, K20_AKeySetThatListsKeysBecomesAGroup) {
  JceksWriter store;
  store.data_key("aes000000000000000000", key_of(1)).data_key("aes000000000000000001", key_of(2));
  store.data_key("key1", key_of(3));
  const Bytes file = store.file();
  auto from = store_alone(file);
  from.properties = "symmetricKeySet = AES00-01,\\\n   key1, key2\n";
  const auto report = migrate(from);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(m().list_keys(kKeySetGroup, {}, {})->items.size(), 3U);
  EXPECT_TRUE(m().group(kKeySetGroup)->group.default_write);
  EXPECT_EQ(outcome(*report, "SYMMETRICKEYSET/KEY2"), Outcome::kLeftOut);
}

// A hostile file may say it thousands of times: the last one counts, and it alone costs a look.
TEST_F(Migration, K20_OfManyKeySetsTheLastCountsAndTheOthersCostNothing) {
  const Bytes file = old_store();
  auto from = store_alone(file);
  std::string properties = "symmetricKeySet = aes00\n";
  for (int i = 0; i < 4000; ++i) properties += "SymmetricKeySet=ABC0-1FFF\n";
  properties += "symmetrickeyset = aes01\n";
  from.properties = properties;
  const auto report = migrate(from);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(m().key("AES00")->group, "");
  EXPECT_EQ(m().key("AES01")->group, kKeySetGroup);
  EXPECT_EQ(outcome(*report, "symmetrickeyset"), Outcome::kAdded);
  EXPECT_THAT(line(*report, "SymmetricKeySet")->remark, HasSubstr("further down"));
  EXPECT_THAT(line(*report, "symmetricKeySet")->remark, HasSubstr("further down"));
}

TEST_F(Migration, K20_ImportedKeysReadAndAppendAndBeginNothing) {
  enrol();
  const Bytes file = old_store();
  ASSERT_TRUE(migrate(whole(file)));
  for (const Intent intent : {Intent::kRead, Intent::kAppend}) {
    const auto key = read_with(dki_of("AES00"), intent);
    ASSERT_TRUE(key) << key.error().text();
    EXPECT_TRUE(equal(key->reveal(), key_of(1)));
  }
  auto write = drive.request(Intent::kWrite, random_uuid());
  write.alias = "AES00";
  write.method = Method::kIdentifiedKey;
  const auto refused = server.ask(write);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, 0xEE34U) << refused.error().text();
  // The group is kept supplied with keys of this server.
  KeyFactory factory(m());
  factory.poke();
  for (int i = 0; i < 3000 && m().group("BACKUP")->remaining < kKeysAheadOfOldGroup; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  auto fresh = drive.request(Intent::kWrite, random_uuid());
  fresh.method = Method::kIdentifiedKey;
  fresh.group = "BACKUP";
  const auto answer = server.ask(fresh);
  factory.stop();
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_NE(answer->alias, "AES00");
  EXPECT_EQ(m().key(answer->alias)->owner, server.id());
}

TEST_F(Migration, K20_ImportedAgainNothingChanges) {
  const Bytes file = old_store();
  const auto first = migrate(whole(file));
  ASSERT_TRUE(first) << first.error().text();
  const auto before = things();
  const auto key = m().key("AES00")->to_row();
  const auto again = migrate(whole(file));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->number(Outcome::kAdded), 0U);
  EXPECT_EQ(again->number(Outcome::kKeptBoth), 0U);
  EXPECT_EQ(again->number(Outcome::kSame), first->number(Outcome::kAdded) + first->number(Outcome::kSame));
  EXPECT_EQ(again->number(Outcome::kLeftOut), first->number(Outcome::kLeftOut));
  EXPECT_EQ(things(), before);
  EXPECT_EQ(m().key("AES00")->to_row(), key);
  EXPECT_EQ(server.audit_count({"migration.import", "\"added\":\"0\""}), 1U);
  EXPECT_EQ(server.audit_count({"key.import"}), 2U) << "of the first time";
  EXPECT_EQ(server.audit_count({"kek.import"}), 2U);
}

TEST_F(Migration, K20_ADryRunTellsTheSameAndChangesNothing) {
  const Bytes file = old_store();
  const auto before = things();
  const auto dry = migrate(whole(file), true);
  ASSERT_TRUE(dry) << dry.error().text();
  EXPECT_TRUE(dry->dry_run);
  EXPECT_EQ(things(), before);
  EXPECT_FALSE(m().key("AES00"));
  EXPECT_EQ(server.audit_count({"migration.dry-run"}), 1U);
  EXPECT_EQ(server.audit_count({"key.import"}), 0U);
  const auto real = migrate(whole(file));
  ASSERT_TRUE(real);
  ASSERT_EQ(dry->lines().size(), real->lines().size());
  for (std::size_t i = 0; i < dry->lines().size(); ++i) {
    EXPECT_EQ(dry->lines()[i].name, real->lines()[i].name);
    EXPECT_EQ(dry->lines()[i].outcome, real->lines()[i].outcome) << real->lines()[i].name;
    EXPECT_EQ(dry->lines()[i].remark, real->lines()[i].remark);
  }
  EXPECT_EQ(dry->number(Outcome::kAdded), real->number(Outcome::kAdded));
}

TEST_F(Migration, K20_WhatIsRefusedChangesNothingAndIsAudited) {
  const Bytes file = old_store();
  const auto before = things();
  const auto wrong = crypto::SecretBytes::copy_of(as_bytes("wrong password"));
  auto from = whole(file);
  from.password = &wrong;
  const auto refused = migrate(from);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kWrongKey);
  EXPECT_EQ(refused.error().field, "password");
  EXPECT_EQ(server.audit_count({"migration.refuse", "wrong-key", "failure"}), 1U);
  EXPECT_EQ(server.audit_count({"wrong password"}), 0U);
  const auto cut = migrate(whole(ByteView(file).first(file.size() / 2)));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(cut.error().message, HasSubstr("cut short"));
  from = whole(file);
  from.password = nullptr;
  EXPECT_EQ(migrate(from).error().field, "password");
  EXPECT_EQ(migrate({}).error().code, ErrorCode::kInvalidArgument);
  // Each part by itself stops the whole.
  for (auto member : {&EkmInstallation::properties, &EkmInstallation::key_groups,
                      &EkmInstallation::drive_table, &EkmInstallation::metadata}) {
    from = whole(file);
    from.*member = "<a>\x01 = \\u00";
    const auto bad = migrate(from);
    ASSERT_FALSE(bad);
    EXPECT_FALSE(bad.error().field.empty());
  }
  EXPECT_EQ(things(), before);
  EXPECT_EQ(server.audit_count({"migration.refuse"}), 8U);
  EXPECT_EQ(server.audit_count({"migration.import"}), 0U);
}

// What is found only while it comes in is refused and audited as well, and nothing of it stays.
TEST_F(Migration, K20_WhatFailsOnTheWayIsAuditedToo) {
  const Bytes file = old_store();
  const auto before = things();
  auto from = store_alone(file);
  from.properties = "symmetricKeySet = ABC0-FFFFF\n";
  for (const bool dry_run : {true, false}) {
    const auto refused = migrate(from, dry_run);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kExhausted) << refused.error().text();
    EXPECT_FALSE(refused.error().field.empty());
  }
  EXPECT_EQ(things(), before);
  EXPECT_EQ(server.audit_count({"migration.refuse", "exhausted", "failure"}), 2U);
  EXPECT_EQ(server.audit_count({"migration.import"}), 0U);
}

// The disk fails once the other parts are here.
struct FailsAfterFirst final : store::CommitGate {
  explicit FailsAfterFirst(store::testing::MemoryCommitLog& log) : log_(log) {}
  void committed(std::uint64_t, std::function<void()> pass) override {
    log_.fail_with(fail(ErrorCode::kIo, "the disk failed").error());
    pass();
  }
  store::testing::MemoryCommitLog& log_;
};

TEST_F(Migration, K20_MetadataThatFailsLeavesTheOtherPartsAndSaysSo) {
  const Bytes file = old_store();
  FailsAfterFirst gate(server.log);
  server.keystore().set_gate(&gate);
  const auto failed = migrate(whole(file));
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("the disk failed"));
  EXPECT_THAT(failed.error().remedy, HasSubstr("the other parts are here"));
  server.log.clear_fault();
  server.restart();
  EXPECT_TRUE(m().key("AES00").has_value());
  const auto again = migrate(whole(file));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(m().query_ledger({.volser = "OLD001L4"}, {})->items.size(), 1U);
}

TEST_F(Migration, K20_AnotherKeyOfTheSameAliasIsKeptBeside) {
  enrol();
  ASSERT_TRUE(migrate(store_alone(JceksWriter().data_key("aes00", key_of(1)).file())));
  const Bytes second = JceksWriter().data_key("aes00", key_of(2)).file();
  const auto report = migrate(store_alone(second));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(outcome(*report, "AES00"), Outcome::kKeptBoth);
  EXPECT_EQ(report->number(Outcome::kKeptBoth), 1U);
  const auto again = migrate(store_alone(second));
  EXPECT_EQ(outcome(*again, "AES00"), Outcome::kSame);
  const auto unclear = read_with(dki_of("AES00"));
  ASSERT_FALSE(unclear);
  EXPECT_THAT(unclear.error().remedy, HasSubstr("AES00#"));
  // The report gives the name by which it is read.
  const std::string name = "AES00#" + to_hex(fingerprint_of(crypto::SecretBytes::copy_of(key_of(2))));
  EXPECT_THAT(line(*report, "AES00")->remark, HasSubstr(name));
  EXPECT_TRUE(equal(read_with(dki_of("AES00"), Intent::kRead, name)->reveal(), key_of(2)));
}

// An alias that means two keys here is a key's name all the same.
TEST_F(Migration, K20_MetadataOfAnAliasWithTwoKeysComes) {
  ASSERT_TRUE(migrate(store_alone(JceksWriter().data_key("aes00", key_of(1)).file())));
  const Bytes second = JceksWriter().data_key("aes00", key_of(2)).file();
  auto from = store_alone(second);
  const std::string without_dki =
      "<KeyUsageEvent><DriveSSN>1300000123</DriveSSN><VolSer>OLD003L4</VolSer><keyAlias1>aes00</keyAlias1>"
      "<dateTime>Tue Feb 20 09:18:07 UTC 2007</dateTime></KeyUsageEvent>\n" +
      std::string(kMetadata);
  from.metadata = without_dki;
  const auto report = migrate(from);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(outcome(*report, "AES00"), Outcome::kKeptBoth);
  EXPECT_EQ(m().query_ledger({}, {})->items.size(), 3U);
  const auto rows = m().query_ledger({.volser = "OLD003L4"}, {})->items;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows.front().method, Method::kIdentifiedKey);
  EXPECT_EQ(rows.front().alias, "AES00");
}

TEST_F(Migration, K20_AnotherKekOfTheSameLabelIsKeptBeside) {
  ASSERT_TRUE(migrate(store_alone(JceksWriter().pair("cert1", shared_rsa(0), certificate(0)).file())));
  const Bytes second = JceksWriter().pair("CERT1", shared_rsa(1), certificate(1)).file();
  const auto report = migrate(store_alone(second));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(outcome(*report, "CERT1"), Outcome::kKeptBoth);
  const auto kek = m().kek(shared_rsa(1).public_key().spki_hash());
  ASSERT_TRUE(kek);
  ASSERT_EQ(kek->labels.size(), 1U);
  EXPECT_THAT(kek->labels.front(), HasSubstr("CERT1#"));
  EXPECT_TRUE(m().label_conflicts()->empty()) << "writes by cert1 go on";
  EXPECT_EQ(outcome(*migrate(store_alone(second)), "CERT1"), Outcome::kSame);
}

TEST_F(Migration, K20_ACertificateTakesItsPrivateHalfLater) {
  ASSERT_TRUE(migrate(store_alone(JceksWriter().certificate("cert1", certificate(0)).file())));
  const auto report = migrate(store_alone(JceksWriter().pair("cert1", shared_rsa(0), certificate(0)).file()));
  EXPECT_EQ(outcome(*report, "cert1"), Outcome::kAdded);
  EXPECT_TRUE(m().kek(shared_rsa(0).public_key().spki_hash())->kek.has_private);
}

TEST_F(Migration, K20_WhatWasDestroyedHereStaysSo) {
  const Bytes file = old_store();
  ASSERT_TRUE(migrate(store_alone(file)));
  ASSERT_TRUE(m().change_key_state(officer(), "AES00", KeyState::kDeactivated));
  ASSERT_TRUE(destroy_whatever_is_lost(m(), m().key_ref("AES00")));
  const auto report = migrate(store_alone(file));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(outcome(*report, "AES00"), Outcome::kLeftOut);
  EXPECT_THAT(line(*report, "AES00")->remark, HasSubstr("destroyed here"));
}

TEST_F(Migration, K20_GroupsMayComeAfterTheKeys) {
  const Bytes file = old_store();
  ASSERT_TRUE(migrate(store_alone(file)));
  EXPECT_EQ(m().key("AES00")->group, "");
  const auto report = migrate({.key_groups = kKeyGroups});
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(outcome(*report, "BACKUP/AES00"), Outcome::kAdded);
  EXPECT_EQ(m().key("AES00")->group, "BACKUP");
}

TEST_F(Migration, K20_ManyKeysComeInOneGo) {
  JceksWriter store;
  store.parameters.iterations = 1;
  for (int i = 0; i < 1500; ++i) {
    char alias[24];
    std::snprintf(alias, sizeof alias, "ekm%018x", i);
    Bytes key = key_of(0);
    key[0] = static_cast<std::uint8_t>(i);
    key[1] = static_cast<std::uint8_t>(i >> 8);
    store.data_key(alias, key);
  }
  const Bytes file = store.file();
  const auto report = migrate(store_alone(file));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->number(Outcome::kAdded), 1500U);
  EXPECT_EQ(m().key("EKM0000000000000005DB")->dki.hex(), "454b4d0000000000000005db");
  EXPECT_EQ(migrate(store_alone(file))->number(Outcome::kSame), 1500U);
}

// What keytool itself makes, to the key that a drive gets.
TEST_F(Migration, K20_KeysOfKeytoolServeADrive) {
  if (Keytool::program() == nullptr) GTEST_SKIP() << "keytool is not installed";
  enrol();
  const Keytool tool{std::string(kStorePassword)};
  tool.data_key("AES00");
  tool.data_key("KMB00000000000000000f");
  tool.pair("cert1");
  const Bytes file = tool.file();
  const auto report = migrate(store_alone(file));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->number(Outcome::kAdded), 3U);
  const auto expected = read_old_keystore(file, password);
  for (const auto& entry : expected->entries) {
    if (entry.kind != EntryKind::kSecretKey) continue;
    const auto key = read_with(dki_of(entry.alias));
    ASSERT_TRUE(key) << key.error().text();
    EXPECT_EQ(*key, entry.data_key);
  }
  // A KEK of keytool's wraps for a 3592 drive and opens again.
  TestDrive enterprise("000000000008", DriveKind::k3592);
  ASSERT_TRUE(m().add_drive(operator_(), enterprise.serial(), enterprise.pins()));
  auto request = enterprise.request(Intent::kWrite, random_uuid());
  request.labels = {{"cert1", LabelMode::kClear}};
  const auto written = server.ask(request);
  ASSERT_TRUE(written) << written.error().text();
  auto read = enterprise.request(Intent::kRead, request.volume);
  read.eedks = *written->eedks;
  const auto opened = server.ask(read);
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_EQ(enterprise.open(*opened, read).value(), enterprise.open(*written, request).value());
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
