// K12, K20: the metadata file of an old Encryption Key Manager.
#include "keymgr/migration/metadata_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keymgr/migration/ekm_metadata.h"
#include "keymgr/migration/xml_records.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

using ::testing::HasSubstr;

// A 3592 record as the manuals print it, closing tags in another case included, and an LTO one.
constexpr std::string_view kEnterprise =
    "<KeyUsageEvent>\n<DriveSSN>FVTDRIVE0000</driveSSN>\n<VolSer>TESTER</VolSer>\n"
    "<DriveWWN>57574E414D453030</DriveWWN>\n<keyAlias2>cert2</keyAlias2>\n<keyAlias1>cert1</keyAlias1>\n"
    "<dateTime>Tue Feb 20 09:18:07 CST 2007</dateTime>\n</KeyUsageEvent>\n";
constexpr std::string_view kLto =
    "<KeyUsageEvent><DriveSSN>1300000123</DriveSSN><VolSer>lto001L4</VolSer><DriveWWN></DriveWWN>"
    "<keyAlias1>kmb000000000000000001</keyAlias1><DKi>4B4D42000000000000000001</DKi>"
    "<dateTime>Thu Dec 31 23:30:00 GMT-01:00 2009</dateTime></KeyUsageEvent>\n";

std::string file_of(std::initializer_list<std::string_view> records) {
  std::string text = "<?xml version=\"1.0\"?>\n<metadata>\n";
  for (const auto record : records) text += record;
  return text + "</metadata>\n";
}

struct OldSite : ::testing::Test {
  KeyManager& m() { return server.manager(); }
  Result<MetadataReport> import(const std::string& text, bool dry_run = false) {
    return import_ekm_metadata(m(), officer(), text, dry_run);
  }
  std::vector<LedgerEntry> rows() { return m().query_ledger({}, {})->items; }

  TestServer server;
};

TEST_F(OldSite, K12_OldMetadataComesWithTheTimesItHadAndAnHonestMark) {
  const auto report = import(file_of({kEnterprise, kLto}));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->added, 2U);
  EXPECT_EQ(report->left_out, 0U) << report->lines.front().remark;
  ASSERT_EQ(rows().size(), 2U);
  const auto lto = rows().front();
  EXPECT_EQ(lto.volser, "LTO001L4");
  EXPECT_EQ(lto.state, LedgerState::kImported);
  EXPECT_EQ(to_string(lto.state), "imported");
  EXPECT_EQ(lto.method, Method::kIdentifiedKey);
  EXPECT_EQ(lto.alias, "KMB000000000000000001");
  EXPECT_EQ(to_hex(lto.dki), "4b4d42000000000000000001");
  EXPECT_EQ(lto.drive, "001300000123");
  EXPECT_EQ(format_utc(lto.issued), "2010-01-01T00:30:00.000Z");
  EXPECT_EQ(lto.confirmed, kNever) << "nobody here saw the drive confirm";
  EXPECT_EQ(lto.server, server.id());
  const auto enterprise = rows().back();
  EXPECT_EQ(enterprise.method, Method::kWrappedKey);
  EXPECT_EQ(enterprise.label_1.label, "CERT1");
  EXPECT_EQ(enterprise.label_2.label, "CERT2");
  EXPECT_EQ(enterprise.wwnn, "57574E414D453030");
  EXPECT_EQ(format_utc(enterprise.issued), "2007-02-20T15:18:07.000Z");
  EXPECT_EQ(m().query_ledger({.label = "cert2"}, {})->items.size(), 1U) << "asked both ways";
  EXPECT_EQ(server.audit_count({"ledger.import", "ekm-metadata", "alice", "\"rows\":\"2\""}), 1U);
}

TEST_F(OldSite, K12_ASecondImportAddsNothing) {
  const auto file = file_of({kEnterprise, kLto, kLto});
  EXPECT_EQ(import(file)->added, 2U);
  const auto again = import(file);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->added, 0U);
  EXPECT_EQ(again->known, 3U);
  EXPECT_EQ(rows().size(), 2U);
  // The previous file of the old server holds some of the same records.
  EXPECT_EQ(import(file_of({kLto}))->known, 1U);
  EXPECT_EQ(server.audit_count({"ledger.import"}), 1U) << "what changes nothing leaves no record of a change";
}

TEST_F(OldSite, K12_ADryRunTellsTheSameAndChangesNothing) {
  const auto file = file_of({kEnterprise, kLto, "<KeyUsageEvent><VolSer>X</VolSer></KeyUsageEvent>"});
  const auto dry = import(file, true);
  ASSERT_TRUE(dry);
  EXPECT_TRUE(rows().empty());
  EXPECT_EQ(server.audit_count({"ledger.import"}), 0U);
  const auto real = import(file);
  EXPECT_EQ(dry->added, real->added);
  EXPECT_EQ(dry->left_out, real->left_out);
  EXPECT_EQ(real->left_out, 1U);
}

TEST_F(OldSite, K12_BadRecordsAreNamedByLineAndSpoilNoOther) {
  const auto bad = [](std::string_view from, std::string_view to) {
    std::string text(kLto);
    return text.replace(text.find(from), from.size(), to);
  };
  const auto report =
      import(file_of({bad("lto001L4", ""), bad("1300000123", "too short"), bad("2009", "never"),
                      bad("Dec 31", "Feb 30"), bad("4B4D42000000000000000001", "not a key's identifier"),
                      bad("</VolSer>", ""), kEnterprise, bad("</KeyUsageEvent>", "")}));
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->added, 1U);
  EXPECT_EQ(report->left_out, 7U);
  ASSERT_EQ(report->lines.size(), 8U);
  EXPECT_EQ(report->lines.front().line, 3U);
  EXPECT_THAT(report->lines.front().remark, HasSubstr("key path"));
  EXPECT_THAT(report->lines.back().remark, HasSubstr("cut off"));
  for (const auto& line : report->lines)
    EXPECT_EQ(line.remark.empty(), line.outcome == RecordOutcome::kAdded);
}

TEST_F(OldSite, K12_WhatIsNoMetadataFileChangesNothing) {
  for (const char* text : {"", "not XML", "<a><b/></a>", "<KeyUsageEvents></KeyUsageEvents>"}) {
    const auto report = import(text);
    ASSERT_FALSE(report) << text;
    EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(rows().empty());
}

TEST_F(OldSite, K12_WithoutADkiTheDriveOrTheNamesTellTheMethod) {
  DriveChange lto;
  lto.kind = DriveKind::kLto;
  EXPECT_TRUE(m().add_drive(operator_(), "001300000123", lto));
  ASSERT_TRUE(m().generate_key_range(operator_(), "KEY1", ""));
  const auto record = [](const std::string& drive, const std::string& alias) {
    return "<KeyUsageEvent><DriveSSN>" + drive + "</DriveSSN><VolSer>V" + drive.substr(9) +
           "</VolSer><keyAlias1>" + alias +
           "</keyAlias1><dateTime>Tue Feb 20 09:18:07 UTC 2007</dateTime></KeyUsageEvent>\n";
  };
  ASSERT_TRUE(import(file_of({record("001300000123", "anything"), record("001300000124", "key1"),
                              record("001300000125", "unknown")})));
  const auto method = [&](const char* volser) {
    return m().query_ledger({.volser = volser}, {})->items.front().method;
  };
  EXPECT_EQ(method("V123"), Method::kIdentifiedKey) << "by the drive";
  EXPECT_EQ(method("V124"), Method::kIdentifiedKey) << "by the key";
  EXPECT_EQ(method("V125"), Method::kWrappedKey);
}

TEST_F(OldSite, K12_ManyRecordsComeInSeveralTransactions) {
  std::string text;
  for (int i = 0; i < 1200; ++i) {
    std::string one(kLto);
    text += one.replace(one.find("lto001L4"), 8, "V" + std::to_string(100'000 + i));
  }
  EXPECT_EQ(import(text)->added, 1200U);
  EXPECT_EQ(server.audit_count({"ledger.import"}), 3U);
  EXPECT_EQ(import(text)->known, 1200U);
}

TEST(JavaDate, K12_ZonesAndNonsense) {
  bool assumed = false;
  EXPECT_EQ(format_utc(*parse_java_date("Sun Mar 01 00:00:00 JST 2009", assumed)),
            "2009-02-28T15:00:00.000Z");
  EXPECT_FALSE(assumed);
  EXPECT_EQ(format_utc(*parse_java_date("Sun Mar 1 00:00:00 XYZ 2009", assumed)), "2009-03-01T00:00:00.000Z");
  EXPECT_TRUE(assumed);
  for (const char* text :
       {"", "2009-03-01", "Sun Mar 01 00:00:00 2009", "Sun Mer 01 00:00:00 UTC 2009",
        "Sun Mar 01 24:00:00 UTC 2009", "Sun Mar 01 00:00 UTC 2009", "Sun Feb 29 00:00:00 UTC 2009"}) {
    EXPECT_FALSE(parse_java_date(text, assumed)) << text;
  }
}

TEST(XmlRecords, K12_EntitiesAndStrangersStayHarmless) {
  const auto records = read_xml_records(
      "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><r>\n<Rec><A>&x;1 &amp; 2</A><B/></Rec>\n"
      "<record/><rec a=\"A\"><![CDATA[x]]><c>z</c></rec></r>",
      "REC");
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ(records->front().line, 2U);
  EXPECT_EQ(records->front().fields.at("a"), "&x;1 & 2") << "no entity of the file's own is resolved";
  EXPECT_EQ(records->back().fields.at("c"), "z");
  const auto twice = read_xml_records("<r><a>1</a><a>2</a></r>", "r");
  EXPECT_THAT(twice->front().fault, HasSubstr("twice"));
  const auto large = read_xml_records("<r><a>" + std::string(kMaximumXmlRecordBytes, 'x') + "</a></r>", "r");
  EXPECT_THAT(large->front().fault, HasSubstr("too long"));
}

// Looked for up to the next start tag alone: otherwise this would read the file as often as it has records.
TEST(XmlRecords, K12_RecordsWithoutAnEndCostTheirOwnLengthAlone) {
  std::string text;
  for (std::size_t i = 0; i < kMaximumXmlRecords; ++i) text += "<rec><a>no end</a>\n";
  const auto records = read_xml_records(text, "rec");
  ASSERT_TRUE(records) << records.error().text();
  ASSERT_EQ(records->size(), kMaximumXmlRecords);
  EXPECT_EQ(records->back().line, kMaximumXmlRecords);
  for (const auto& record : *records) ASSERT_THAT(record.fault, HasSubstr("cut off"));
  // The last one may have its end.
  const auto last = read_xml_records("<rec><a>1</a>\n<rec><a>2</a></rec>", "rec");
  EXPECT_THAT(last->front().fault, HasSubstr("cut off"));
  EXPECT_EQ(last->back().fault, "");
  EXPECT_EQ(last->back().fields.at("a"), "2");
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
