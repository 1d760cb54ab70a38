#include "store/sqlite/log_file.h"

#include "store/sqlite/connection.h"
#include "store/store_test_tables.h"

namespace tapewarden::store::testing {
namespace {

using sqlite::Access;
using sqlite::Connection;

constexpr int kRows = 600;  // about 2.4 MB: more than is held back, and than the system takes at once

class LogFile : public ::testing::Test {
 protected:
  void SetUp() override {
    write_content(path_, Bytes());
    writer_ = Connection::open(path_, Access::kGathering).value();
    ASSERT_TRUE(
        writer_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = 10;"
                         "CREATE TABLE t(n INTEGER PRIMARY KEY, content BLOB)"));
  }
  Status fill(int first) {
    return writer_->execute("WITH RECURSIVE c(n) AS (SELECT " + std::to_string(first) +
                            " UNION ALL SELECT n + 1 FROM c WHERE n < " + std::to_string(first + kRows - 1) +
                            ") INSERT INTO t SELECT n, randomblob(4000) FROM c");
  }
  static std::int64_t rows(Connection& connection) {
    return connection.integer_of("SELECT count(*) FROM t WHERE length(content) = 4000").value_or(-1);
  }

  TemporaryDirectory directory_{Storage::kDisk};
  std::string path_ = directory_.file("log.db");
  std::unique_ptr<Connection> writer_;
};

TEST_F(LogFile, K16_LargeCommitsAreSeenByOthersAndStayWhole) {
  const auto reader = Connection::open(path_, Access::kReadWrite).value();
  ASSERT_TRUE(fill(0));
  EXPECT_EQ(rows(*reader), kRows);
  ASSERT_TRUE(fill(kRows));
  EXPECT_EQ(rows(*reader), 2 * kRows);
  ASSERT_TRUE(writer_->checkpoint());
  ASSERT_TRUE(fill(2 * kRows));
  EXPECT_EQ(reader->text_of("PRAGMA integrity_check").value(), "ok");
  EXPECT_EQ(rows(*reader), 3 * kRows);
}

// With a small cache SQLite puts pages into the log before the commit, and reads them back.
TEST_F(LogFile, K16_AnUndoneTransactionLeavesNothing) {
  ASSERT_TRUE(fill(0));
  ASSERT_TRUE(writer_->execute("BEGIN IMMEDIATE"));
  ASSERT_TRUE(fill(kRows));
  EXPECT_EQ(rows(*writer_), 2 * kRows);
  ASSERT_TRUE(writer_->execute("ROLLBACK"));
  EXPECT_EQ(rows(*writer_), kRows);
  ASSERT_TRUE(writer_->execute("INSERT INTO t VALUES (-1, x'00')"));
  const auto reader = Connection::open(path_, Access::kReadWrite).value();
  EXPECT_EQ(rows(*reader), kRows);
  EXPECT_EQ(reader->text_of("PRAGMA integrity_check").value(), "ok");
}

// What a killed process leaves: a copy of the files beside the open ones.
TEST_F(LogFile, K16_EveryCommitIsInTheFilesAtOnce) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(fill(i * kRows));
    const std::string copy = directory_.file("copy" + std::to_string(i) + ".db");
    for (const auto* part : {"", "-wal"}) std::filesystem::copy_file(path_ + part, copy + part);
    const auto left = Connection::open(copy, Access::kReadWrite).value();
    EXPECT_EQ(rows(*left), (i + 1) * kRows);
    EXPECT_EQ(left->text_of("PRAGMA integrity_check").value(), "ok");
  }
}

TEST_F(LogFile, K16_AFolderThatTakesNoLogIsAnError) {
  writer_.reset();
  std::filesystem::create_directory(path_ + "-wal");
  const auto writer = Connection::open(path_, Access::kGathering);
  ASSERT_TRUE(writer);
  EXPECT_FALSE((*writer)->execute("INSERT INTO t VALUES (-1, x'00')"));
}

}  // namespace
}  // namespace tapewarden::store::testing
