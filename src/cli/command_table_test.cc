// What the command line takes: every command, its words, its help.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/real_env.h"
#include "cli/nouns.h"
#include "cli/parser.h"
#include "cli/run.h"

namespace tapewarden::cli {
namespace {

using ::testing::HasSubstr;

// The words of an example's own command as a shell would split it: without what feeds it or takes its output.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : std::string(line) + " ") {
    if (c == '"') quoted = !quoted;
    if (c == ' ' && !quoted) {
      if (word == ">" || word == ">>" || (word == "|" && words.front() == "tapewarden")) return words;
      if (word == "|") {
        words.clear();
        word.clear();
      }
      if (!word.empty()) words.push_back(std::exchange(word, {}));
    } else if (c != '"') {
      word += c;
    }
  }
  return words;
}

TEST(CommandTable, U2_EveryExampleParsesToItsOwnCommand) {
  for (const Command& command : all_commands()) {
    auto words = words_of(command.example);
    ASSERT_EQ(words.front(), "tapewarden") << command.example;
    words.erase(words.begin());
    const auto parsed = parse_command_line(all_commands(), words);
    ASSERT_TRUE(parsed) << command.example << ": " << parsed.error().text();
    ASSERT_NE(parsed->command, nullptr) << command.example;
    EXPECT_EQ(title_of(*parsed->command), title_of(command));
  }
}

TEST(CommandTable, U2_ThePageInTheDocumentationHasEveryExample) {
  RealDisk disk;
  const auto page = read_file(disk, std::string(TAPEWARDEN_DOCS) + "/operating/command-line.md", 1U << 20);
  ASSERT_TRUE(page) << page.error().text();
  for (const Command& command : all_commands()) {
    EXPECT_THAT(std::string(as_text(*page)), HasSubstr(std::string(command.example)));
  }
}

TEST(CommandTable, U2_GlobalOptionsStandAnywhere) {
  const auto parsed =
      parse_command_line(all_commands(), {"key", "list", "--json", "--server", "https://a:1"});
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_TRUE(parsed->globals.json);
  EXPECT_EQ(parsed->globals.server, "https://a:1");
}

TEST(CommandTable, U2_ListsAreGivenOptionByOption) {
  const auto parsed = parse_command_line(
      all_commands(), {"kek", "create", "--label", "A", "--label", "B", "the name", "--bits", "2048"});
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_THAT(parsed->values.list("labels"), ::testing::ElementsAre("A", "B"));
  EXPECT_EQ(parsed->values.text("common_name"), "the name");
}

TEST(CommandTable, U2_WrongUsageIsAnError) {
  const std::vector<std::vector<std::string>> wrong{
      {},
      {"nonsense"},
      {"key"},
      {"key", "nonsense"},
      {"key", "show"},
      {"key", "show", "A", "B"},
      {"key", "list", "--nonsense"},
      {"group", "create", "A", "--policy"},
      {"group", "create", "A", "--policy", "use-once", "--policy", "round-robin"},
      {"people", "add", "anna", "--role", "operator", "--password", "on the command line"},
  };
  for (const auto& words : wrong) {
    const auto parsed = parse_command_line(all_commands(), words);
    ASSERT_FALSE(parsed) << ::testing::PrintToString(words);
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(CommandTable, U2_AMisspeltWordIsToldWithTheNearest) {
  const auto told = [](std::vector<std::string> words) {
    const auto parsed = parse_command_line(all_commands(), std::move(words));
    return parsed ? std::string() : parsed.error().text();
  };
  EXPECT_THAT(told({"gruop", "list"}), HasSubstr("did you mean group?"));
  EXPECT_THAT(told({"group", "lits"}), HasSubstr("did you mean list?"));
  EXPECT_THAT(told({"group", "zzzzzzzz"}), HasSubstr("use one of: "));
  // Though --drive and --cartridge are required and missing.
  EXPECT_THAT(told({"tape", "write", "--dirve", "1000000001"}),
              AllOf(HasSubstr("tape write has no option --dirve"), HasSubstr("did you mean --drive?")));
}

TEST(CommandTable, U2_HelpOfACommandHasTheOptionsOfEveryCommand) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"login", "--help"}, {"tape", "write", "--help"}, {"drive", "create", "--help"}}) {
    const auto parsed = parse_command_line(all_commands(), words);
    ASSERT_TRUE(parsed);
    for (const char* option : {"--site DIR", "--as NAME", "--server URL", "--json", "--approval ID"}) {
      EXPECT_THAT(parsed->text, HasSubstr(option)) << words.front();
    }
  }
}

TEST(Site, U2_VerbsAreHandedToTheKeyServersProgram) {
  EXPECT_THAT(*site_words({"init", "DIR", "--name", "x"}),
              ::testing::ElementsAre("site-init", "DIR", "--name", "x"));
  EXPECT_EQ(site_words({"check", "--config", "f"})->front(), "check");
  EXPECT_THAT(*site_words({"renew", "DIR"}), ::testing::ElementsAre("site-renew", "DIR"));
  EXPECT_FALSE(site_words({}));
  EXPECT_FALSE(site_words({"run"}));
}

TEST(Catalogue, T12_ABackupIsOrderedByREST) {
  const auto parsed = parse_command_line(all_commands(), {"catalogue", "backup"});
  ASSERT_TRUE(parsed) << parsed.error().text();
  ASSERT_NE(parsed->command, nullptr);
  EXPECT_EQ(std::get<RestCall>(parsed->command->does).path, "/v1/catalogue/backup");
}

TEST(Catalogue, U2_VerbsAreHandedToTheEnginesProgram) {
  EXPECT_THAT(*catalogue_words({"rebuild", "--config", "f"}),
              ::testing::ElementsAre("catalogue-rebuild", "--config", "f"));
  EXPECT_FALSE(catalogue_words({}));
  EXPECT_FALSE(catalogue_words({"run"}));
}

}  // namespace
}  // namespace tapewarden::cli
