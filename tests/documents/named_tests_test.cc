// Tests that the documentation names are there: docs/features.md for each row, docs/overview-scenarios.md for
// each paragraph. A test that was renamed or removed must not go on standing for a promise.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace tapewarden {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Names found(const std::string& text, const std::regex& pattern) {
  Names names;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), pattern); at != std::sregex_iterator(); ++at)
    names.insert((*at)[1].str());
  return names;
}

// `T4_Append`: the row, and what the test says.
Names named_in(const std::string& document) {
  static const std::regex kName("`([DKLTU][0-9]+_[A-Za-z0-9_]+)`");
  return found(document, kName);
}

Names tests_in(const std::string& source) {
  static const std::regex kTest("TEST(?:_F|_P)?\\(\\s*[A-Za-z0-9_]+\\s*,\\s*([A-Za-z0-9_]+)\\s*\\)");
  return found(source, kTest);
}

Names tests_of_the_tree() {
  Names names;
  for (const auto* folder : {"src", "tests"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(TW_SOURCE_DIR) / folder))
      if (entry.is_regular_file() && entry.path().extension() == ".cc")
        names.merge(tests_in(read_text(entry.path())));
  return names;
}

std::string page(const char* name) {
  return read_text(fs::path(TW_SOURCE_DIR) / "docs" / name);
}

TEST(NamedTests, AllThatTheDocumentationNamesAreThere) {
  const auto tests = tests_of_the_tree();
  ASSERT_GT(tests.size(), 1000U) << "the sources were not found";
  for (const auto* name : {"features.md", "overview-scenarios.md"}) {
    const auto named = named_in(page(name));
    EXPECT_GT(named.size(), 30U) << name;
    for (const auto& test : named) EXPECT_TRUE(tests.contains(test)) << name << " names " << test;
  }
}

// A row of a table: | paragraph | what it is about | tests |
TEST(NamedTests, EachParagraphOfTheOverviewHasOneThatIsNamedAfterItsSection) {
  static const std::regex kRow("\n\\| ([0-9]+) \\|[^\n]*");
  static const std::regex kOwn(
      "`([DKLTU][0-9]+_(?:EncryptionByStoragePool|Operations|ChangingSettings|MovingData|"
      "EkmConnections|TrackingEncryptionUsage)_[A-Za-z0-9_]+)`");
  const auto text = page("overview-scenarios.md");
  std::size_t rows = 0;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), kRow); at != std::sregex_iterator(); ++at) {
    ++rows;
    EXPECT_FALSE(found(at->str(), kOwn).empty()) << at->str();
  }
  EXPECT_GT(rows, 30U);
}

TEST(NamedTests, WhatIsNotThereIsFound) {
  EXPECT_EQ(named_in("see `T4_Append`, `ninja` and T4_Read"), Names{"T4_Append"});
  EXPECT_EQ(tests_in("TEST_P(Sequence,\n       T4_Append) {\n// T4_Read\n"), Names{"T4_Append"});
}

}  // namespace
}  // namespace tapewarden
