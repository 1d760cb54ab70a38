// Commands to a changer and to tape drives over iSCSI, by libiscsi, with what must come of each: against our
// own target, and against Debian's tgt. That tgt does most of it as well, and is seen where it does not,
// shows that it is the device and not the test that is right.
//
//   tape_suite_test                      both, and the table of rows
//   tape_suite_test --gtest_filter=*Ours ours alone
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <iostream>
#include <set>

#include "library.h"
#include "rows.h"

namespace tapewarden::suite {
namespace {

struct Table {
  std::string title;
  std::vector<Row> rows;
};

const std::vector<Table>& tables() {
  static const std::vector<Table> all = {{"who, what, ready", identity_rows()},
                                         {"blocks and filemarks", data_rows()},
                                         {"positions", motion_rows()},
                                         {"medium", medium_rows()},
                                         {"changer", changer_rows()}};
  return all;
}

// What each target said to each row, by the row's name; empty: it holds. Nothing where it did not run.
struct Column {
  std::map<std::string, std::string> said;
  std::string skipped;
};

const Deviation* deviation(const Row& row) {
  const auto found = tgt_deviations().find(row.name);
  return found == tgt_deviations().end() ? nullptr : &found->second;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    path_ = std::filesystem::temp_directory_path().string() + "/tape-suite-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (std::getenv("TAPEWARDEN_KEEP") == nullptr) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<Column> run_all(bool ours) {
  const TemporaryFolder folder;
  Column column;
  const auto target = testing::LibraryTarget::start(
      {.encrypting = ours, .worm = true, .folder = folder.path() + (ours ? "/taped" : "/tgt")});
  if (!target && target.error().code == ErrorCode::kNotFound) {
    column.skipped = target.error().message;
    return column;
  }
  if (!target) return std::unexpected(target.error());
  const auto library = TRY(Library::open(**target));
  for (const auto& table : tables())
    for (const auto& row : table.rows) column.said[row.name] = library->run(row);
  return column;
}

class TapeSuite : public ::testing::Test {
 protected:
  static void TearDownTestSuite() { print(); }
  static void print() {
    std::cout << "\nrow | tapewarden | tgt\n--- | --- | ---\n";
    for (const auto& table : tables()) {
      std::cout << "**" << table.title << "** | |\n";
      for (const auto& row : table.rows)
        std::cout << row.name << " | " << cell(ours_, row) << " | " << cell(tgt_, row) << "\n";
    }
    if (!tgt_.skipped.empty()) std::cout << "tgt: skipped, " << tgt_.skipped << "\n";
    std::cout << std::endl;
  }
  static std::string cell(const Column& column, const Row& row) {
    const auto found = column.said.find(row.name);
    if (found == column.said.end()) return "not run";
    if (found->second.empty()) return "pass";
    const auto* known = &column == &tgt_ ? deviation(row) : nullptr;
    const bool as_known = known != nullptr && found->second.starts_with(known->seen);
    return as_known ? "known: " + known->reason : "FAIL: " + found->second;
  }
  static inline Column ours_;
  static inline Column tgt_;
};

TEST_F(TapeSuite, EveryRowHasANameOfItsOwnAndEveryDeviationARow) {
  std::set<std::string> names;
  for (const auto& table : tables())
    for (const auto& row : table.rows) {
      EXPECT_TRUE(names.insert(row.name).second) << row.name;
      EXPECT_FALSE(row.steps.empty()) << row.name;
    }
  EXPECT_GT(names.size(), 100U);
  for (const auto& [name, deviation] : tgt_deviations()) {
    EXPECT_TRUE(names.contains(name)) << name;
    EXPECT_FALSE(deviation.seen.empty() || deviation.reason.empty()) << name;
  }
}

TEST_F(TapeSuite, L3_EveryRowHoldsForOurs) {
  const auto column = run_all(true);
  ASSERT_TRUE(column) << column.error().text();
  ours_ = *column;
  ASSERT_TRUE(ours_.skipped.empty()) << ours_.skipped;
  for (const auto& [name, said] : ours_.said) EXPECT_EQ(said, "") << name;
}

TEST_F(TapeSuite, L3_TgtDoesAsWellButForItsKnownFaults) {
  const auto column = run_all(false);
  ASSERT_TRUE(column) << column.error().text();
  tgt_ = *column;
  if (!tgt_.skipped.empty()) GTEST_SKIP() << tgt_.skipped;
  for (const auto& table : tables())
    for (const auto& row : table.rows) {
      const auto& said = tgt_.said[row.name];
      const auto* known = deviation(row);
      if (known == nullptr) {
        EXPECT_EQ(said, "") << row.name;
        continue;
      }
      EXPECT_NE(said, "") << row.name << ": tgt does it now; take the deviation out: " << known->reason;
      if (said.empty()) continue;
      EXPECT_TRUE(said.starts_with(known->seen)) << row.name << ": " << said;
    }
}

}  // namespace
}  // namespace tapewarden::suite
