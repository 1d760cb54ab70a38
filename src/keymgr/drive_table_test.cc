// K1: the drive table, and what of a drive is pinned.
#include "keymgr/drive_table.h"

#include <gtest/gtest.h>

#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

TEST(DriveTable, K1_SerialOfTenDigitsGetsZeros) {
  EXPECT_EQ(canonical_serial("1068000073").value(), "001068000073");
  EXPECT_EQ(canonical_serial("hu1234abcd").value(), "00HU1234ABCD");
  EXPECT_EQ(canonical_serial("000012345678").value(), "000012345678");
  for (const char* bad :
       {"", "123", "12345678901", "1234567890123", "1234 567890", "12345\n678901", "12345678-0"}) {
    EXPECT_FALSE(canonical_serial(bad)) << bad;
  }
}

TEST(DriveTable, K1_WwnnIsSixteenHexDigits) {
  EXPECT_EQ(canonical_wwnn("5000e1110000000a").value(), "5000E1110000000A");
  EXPECT_EQ(canonical_wwnn("").value(), "");
  EXPECT_FALSE(canonical_wwnn("5000e111"));
  EXPECT_FALSE(canonical_wwnn("5000e1110000000g"));
}

TEST(DriveTable, K1_AddModifyDeleteList) {
  TestServer server;
  auto& m = server.manager();
  DriveChange change;
  change.default_group = "backup";
  change.wwnn = "5000e1110000000a";
  ASSERT_TRUE(m.add_drive(operator_(), "1068000073", change));
  const auto drive = m.drive("1068000073");
  ASSERT_TRUE(drive) << drive.error().text();
  EXPECT_EQ(drive->serial, "001068000073");
  EXPECT_EQ(drive->default_group, "BACKUP");
  EXPECT_EQ(drive->state, DriveState::kAccepted);
  EXPECT_EQ(m.add_drive(operator_(), "001068000073", {}).error().code, ErrorCode::kAlreadyExists);

  DriveChange labels;
  labels.kind = DriveKind::k3592;
  labels.label_1 = LabelChoice{"KEK 1", LabelMode::kClear};
  labels.label_2 = LabelChoice{"KEK 2", LabelMode::kHash};
  const auto modified = m.modify_drive(operator_(), "001068000073", labels);
  ASSERT_TRUE(modified);
  EXPECT_EQ(modified->label_2.mode, LabelMode::kHash);
  EXPECT_EQ(modified->default_group, "BACKUP") << "what is not given stays";

  ASSERT_TRUE(m.remove_drive(operator_(), "1068000073"));
  EXPECT_EQ(m.drive("1068000073").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(m.remove_drive(operator_(), "1068000073").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(server.audit_count({"drive.add", "001068000073", "oscar"}), 1U);
  EXPECT_EQ(server.audit_count({"drive.remove", "001068000073"}), 1U);
}

TEST(DriveTable, K1_BadSettingsAreRefusedByField) {
  TestServer server;
  auto& m = server.manager();
  DriveChange both;
  both.default_alias = "ABC1";
  both.default_group = "G";
  EXPECT_EQ(m.add_drive(operator_(), "000000000001", both).error().field, "default_group");
  DriveChange second;
  second.label_2 = LabelChoice{"KEK 2", LabelMode::kClear};
  EXPECT_EQ(m.add_drive(operator_(), "000000000001", second).error().field, "label_1");
  DriveChange label;
  label.label_1 = LabelChoice{std::string(65, 'x'), LabelMode::kClear};
  EXPECT_EQ(m.add_drive(operator_(), "000000000001", label).error().field, "label_1");
  DriveChange certificate;
  certificate.certificate = Bytes{1, 2, 3};
  EXPECT_FALSE(m.add_drive(operator_(), "000000000001", certificate));
  certificate.certificate = rsa_certificate(shared_rsa(1), "rsa").der();
  EXPECT_EQ(m.add_drive(operator_(), "000000000001", certificate).error().field, "certificate");
  EXPECT_EQ(m.drive("000000000001").error().code, ErrorCode::kNotFound) << "nothing was changed";
}

TEST(DriveTable, K1_ListComesInPages) {
  TestServer server;
  auto& m = server.manager();
  for (char c = '0'; c <= '4'; ++c) ASSERT_TRUE(m.add_drive(operator_(), std::string("00000000000") + c, {}));
  const auto first = m.list_drives({}, {.limit = 3, .after = ""});
  ASSERT_TRUE(first);
  ASSERT_EQ(first->items.size(), 3U);
  const auto second = m.list_drives({}, {.limit = 3, .after = first->next});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->items.size(), 2U);
  EXPECT_TRUE(second->next.empty());
  EXPECT_EQ(m.list_drives(DriveState::kPending, {})->items.size(), 0U);
}

TEST(DriveTable, K1_ExportAndImportGiveTheSameTable) {
  TestServer server;
  auto& m = server.manager();
  const TestDrive pinned("000000000001");
  ASSERT_TRUE(m.add_drive(operator_(), pinned.serial(), pinned.pins()));
  DriveChange change;
  change.kind = DriveKind::k3592;
  change.label_1 = LabelChoice{"Finance \"GL\" Key", LabelMode::kHash};
  ASSERT_TRUE(m.add_drive(operator_(), "000000000002", change));
  Hash256 proxy{};
  proxy.fill(9);
  ASSERT_TRUE(m.allow_proxy(operator_(), proxy, "engine", "000000000002"));
  const auto text = m.export_drives();
  ASSERT_TRUE(text);

  TestServer other(2);
  ASSERT_TRUE(other.manager().add_drive(operator_(), "000000000009", {}));
  const auto merged = other.manager().import_drives(officer(), *text, ImportMode::kMerge);
  ASSERT_TRUE(merged) << merged.error().text();
  EXPECT_EQ(merged->added, 2U);
  EXPECT_EQ(merged->removed, 0U);
  EXPECT_EQ(other.manager().drive("000000000001")->wrapping_spki, pinned.pins().wrapping_spki);
  EXPECT_EQ(other.manager().drive("000000000002")->label_1.label, "Finance \"GL\" Key");
  EXPECT_EQ(other.manager().list_proxies()->size(), 1U);

  const auto rewritten = other.manager().import_drives(officer(), *text, ImportMode::kRewrite);
  ASSERT_TRUE(rewritten);
  EXPECT_EQ(rewritten->removed, 1U);
  EXPECT_EQ(rewritten->unchanged, 2U);
  EXPECT_EQ(other.manager().export_drives().value(), *text);
}

// Granting a proxy is a security officer's; a table must not be a way around that.
TEST(DriveTable, K22_AnOperatorsTableChangesNoProxies) {
  TestServer server;
  ASSERT_TRUE(server.manager().add_drive(operator_(), "000000000002", {}));
  const auto without = server.manager().export_drives().value();
  Hash256 proxy{};
  proxy.fill(9);
  ASSERT_TRUE(server.manager().allow_proxy(officer(), proxy, "engine", "000000000002"));
  const auto with = server.manager().export_drives().value();

  TestServer other(2);
  ASSERT_TRUE(other.manager().add_drive(operator_(), "000000000002", {}));
  const auto granted = other.manager().import_drives(operator_(), with, ImportMode::kMerge);
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(granted.error().field, "proxies");
  EXPECT_TRUE(other.manager().list_proxies()->empty());
  EXPECT_EQ(server.manager().import_drives(operator_(), without, ImportMode::kRewrite).error().code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(server.manager().list_proxies()->size(), 1U);
  EXPECT_TRUE(server.manager().import_drives(operator_(), with, ImportMode::kRewrite))
      << "what changes no proxy is an operator's";
}

TEST(DriveTable, K1_MergeKeepsWhatTheTextLeavesOut) {
  TestServer server;
  auto& m = server.manager();
  const TestDrive drive("000000000001");
  ASSERT_TRUE(m.add_drive(operator_(), drive.serial(), drive.pins()));
  const auto report = m.import_drives(
      officer(),
      R"({"format":"tapewarden drive table","version":1,"drives":[{"serial":"000000000001","default_group":"g"}]})",
      ImportMode::kMerge);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->changed, 1U);
  EXPECT_EQ(m.drive("000000000001")->default_group, "G");
  EXPECT_FALSE(m.drive("000000000001")->identity_hash.empty());
}

TEST(DriveTable, K1_ABadTextChangesNothing) {
  TestServer server;
  auto& m = server.manager();
  ASSERT_TRUE(m.add_drive(operator_(), "000000000001", {}));
  const std::string head = R"({"format":"tapewarden drive table","version":1,"drives":[)";
  const std::vector<std::string> texts{
      "",
      "{",
      "[]",
      R"({"format":"other","version":1,"drives":[]})",
      R"({"format":"tapewarden drive table","version":2,"drives":[]})",
      head + "7]}",
      head + R"({"serial":7}]})",
      head + R"({"serial":"000000000002"},{"serial":"000000000002"}]})",
      head + R"({"serial":"000000000002"},{"serial":"short"}]})",
      head + R"({"serial":"000000000002","kind":"DDS"}]})",
      head + R"({"serial":"000000000002","mode_1":"dim"}]})",
      head + R"({"serial":"000000000002","wrapping_key":"00ff"}]})",
      head + R"({"serial":"000000000002","proxies":[{"fingerprint":"00"}]}]})",
      std::string(200, '[')};
  for (const auto& text : texts) {
    EXPECT_FALSE(m.import_drives(officer(), text, ImportMode::kRewrite)) << text;
    EXPECT_EQ(m.list_drives({}, {})->items.size(), 1U) << text;
  }
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
