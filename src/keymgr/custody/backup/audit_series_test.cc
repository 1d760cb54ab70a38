// The audit record on its way into backups.
#include "keymgr/custody/backup/audit_series.h"

#include <gtest/gtest.h>

#include "audit/audit_file.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::keymgr::backup {
namespace {

constexpr std::uint64_t kToTheEnd = ~std::uint64_t{0};

class AuditSeries : public ::testing::Test {
 protected:
  void SetUp() override {
    audit::AuditOptions options;
    options.directory = folder.file("audit");
    options.file_bytes = 4096;  // many files
    options.reserve_bytes = 0;
    auto opened = audit::AuditFile::open(real.env(), options);
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    file = std::move(*opened);
  }
  void append(int count) {
    for (int i = 0; i < count; ++i) {
      const std::vector<std::string> records{
          R"({"type":"runtime","number":)" + std::to_string(++number_) + "}",
          R"({"type":"runtime","text":"the second of an append"})"};
      ASSERT_TRUE(file->note(records).has_value());
    }
  }
  AuditPlace read(const AuditPlace& from, std::string& text, std::uint64_t until = kToTheEnd) {
    const auto place = read_audit(*real.env().disk, folder.file("audit"), from, until,
                                  [&](std::string_view lines) -> Status {
                                    text += lines;
                                    return {};
                                  });
    EXPECT_TRUE(place.has_value()) << place.error().text();
    return place.value_or(AuditPlace());
  }
  std::string whole() {
    std::string text;
    (void)read({}, text);
    return text;
  }

  store::testing::TemporaryDirectory folder;
  store::testing::RealEnv real;
  std::unique_ptr<audit::AuditFile> file;
  int number_ = 0;
};

TEST_F(AuditSeries, K17_PiecesPutTogetherAreTheWholeRecord) {
  std::string together;
  AuditPlace place;
  for (const int count : {1, 30, 0, 200, 7}) {
    append(count);
    // As it is kept between two runs.
    place = AuditPlace::decode(place.encode()).value();
    place = read(place, together);
    EXPECT_EQ(place.line, file->lines());
    EXPECT_EQ(place.chain, file->chain_hash());
  }
  EXPECT_EQ(together, whole());
  EXPECT_NE(together.find("\"number\":238"), std::string::npos);
}

TEST_F(AuditSeries, K17_NoLineBeyondTheOneAskedFor) {
  append(50);
  std::string text;
  const AuditPlace end = read({}, text);
  append(50);
  std::string again;
  EXPECT_EQ(read({}, again, end.line).line, end.line);
  EXPECT_EQ(again, text);
}

TEST_F(AuditSeries, K17_ARecordThatWasChangedIsNotBackedUp) {
  append(20);
  std::string text;
  AuditPlace place = read({}, text);
  append(1);
  place.chain[0] ^= 1;
  const auto refused = read_audit(*real.env().disk, folder.file("audit"), place, kToTheEnd,
                                  [](std::string_view) { return Status(); });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
}

FoundFile audit_file(std::uint64_t epoch, std::uint32_t number, std::uint64_t from, std::uint64_t to) {
  FoundFile out;
  out.path = std::to_string(number);
  out.header.kind = FileKind::kAudit;
  out.header.epoch = epoch;
  out.header.base = number;
  out.header.from = from;
  out.header.to.sequence = to;
  return out;
}

std::string chosen(const std::vector<FoundFile>& files, std::uint64_t epoch) {
  std::string out;
  for (const auto& file : audit_series_of(files, audit_file(epoch, 0, 0, 0).header)) out += file.path + " ";
  return out;
}

TEST(AuditSeriesChoice, K17_TheRecordGoesOnOverAPromotionAndBeginsAnewAfterARestore) {
  std::vector<FoundFile> files{audit_file(0, 1, 0, 10), audit_file(0, 2, 10, 20), audit_file(2, 3, 20, 30)};
  EXPECT_EQ(chosen(files, 2), "1 2 3 ");
  EXPECT_EQ(chosen(files, 0), "1 2 ") << "a restore out of an older epoch";
  files.push_back(audit_file(3, 4, 0, 5));
  EXPECT_EQ(chosen(files, 3), "4 ");
}

TEST(AuditSeriesChoice, K17_OfTwoThatBeginAlikeTheLaterCounts) {
  const std::vector<FoundFile> files{audit_file(0, 1, 0, 10), audit_file(0, 2, 10, 14),
                                     audit_file(0, 3, 10, 20), audit_file(0, 4, 20, 30)};
  EXPECT_EQ(chosen(files, 0), "1 3 4 ");
  EXPECT_EQ(chosen({audit_file(0, 1, 0, 10), audit_file(0, 3, 20, 30)}, 0), "1 ") << "a hole ends it";
}

}  // namespace
}  // namespace tapewarden::keymgr::backup
