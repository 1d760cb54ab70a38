#include "cli/migration_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/nouns.h"
#include "cli/parser.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MigrationView, T7_SizesAndTimesAsPeopleReadThem) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1'000), "1.0 KB");
  EXPECT_EQ(bytes_text(12'345'678), "12.3 MB");
  EXPECT_EQ(bytes_text(18'000'000'000'000), "18.0 TB");
  EXPECT_EQ(bytes_text(1ULL << 62), "4611 PB");
  EXPECT_EQ(duration_text(0), "1 min");
  EXPECT_EQ(duration_text(3599), "1 h 0 min");
  EXPECT_EQ(duration_text(90'061), "1 d 1 h");
  EXPECT_EQ(progress_bar(0), "[--------------------]   0 %");
  EXPECT_EQ(progress_bar(42), "[########------------]  42 %");
  EXPECT_EQ(progress_bar(1000), "[####################] 100 %");
}

TEST(MigrationView, T7_APlanSaysWhatChangesWhatMovesAndWhatIsInTheWay) {
  const auto text = plan_text(
      {{"source", 1},
       {"target", 2},
       {"when", "now"},
       {"encryption", "wrapped"},
       {"labels", "FINANCE (hash)"},
       {"settings", json::array{json::object{
                        {"setting", "storage-group"}, {"name", "PAYROLL"}, {"before", "1"}, {"after", "2"}}}},
       {"cartridges", 3},
       {"volumes", 1},
       {"bytes", 6'000'000},
       {"partly_filled", 1},
       {"due_copies", 1},
       {"scratch_needed", 2},
       {"seconds", 7200},
       {"drives", 2},
       {"conflicts", json::array{json::object{{"refuses", true}, {"text", "no\x1b[2J"}, {"remedy", "insert"}},
                                 json::object{{"refuses", false}, {"text", "media"}, {"remedy", "look"}}}}});
  EXPECT_THAT(text, HasSubstr("a migration from pool 1 to pool 2, now\n"));
  EXPECT_THAT(text, HasSubstr("labels FINANCE (hash)\n"));
  EXPECT_THAT(text, HasSubstr("storage-group PAYROLL: 1 -> 2\n"));
  EXPECT_THAT(text, HasSubstr("3 cartridges, 1 volume, 6.0 MB; 1 of them partly filled\n"));
  EXPECT_THAT(text, HasSubstr("1 copy in the cache"));
  EXPECT_THAT(text, HasSubstr("about 2 h 0 min with 2 drives"));
  EXPECT_THAT(text, HasSubstr("REFUSED:  no"));
  EXPECT_THAT(text, HasSubstr("beware:   media (look)\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(MigrationView, T7_APlanThatWouldBeRefusedIsAnErrorOfThePlan) {
  const auto conflict = [](bool refuses, const char* text) {
    return json::object{{"refuses", refuses}, {"text", text}, {"remedy", "insert some"}};
  };
  EXPECT_TRUE(plan_refusal({}));
  EXPECT_TRUE(plan_refusal({{"conflicts", json::array{conflict(false, "media")}}}));
  const auto refused =
      plan_refusal({{"conflicts", json::array{conflict(false, "media"), conflict(true, "no")}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_EQ(refused.error().message, "it would be refused: no");
  EXPECT_EQ(refused.error().remedy, "insert some");
}

TEST(MigrationView, T7_ProgressIsABarAndWhatItWaitsFor) {
  const auto text = progress_text(
      {{"number", 7},
       {"source", 2},
       {"target", 2},
       {"state", "moving"},
       {"percent", 50},
       {"encryption", "identified"},
       {"key_group", "WEEKLY"},
       {"cartridges_left", 1},
       {"bytes_per_second", 1'000},
       {"hindrances", json::array{json::object{{"kind", "no-scratch"}, {"text", "pool 2 has none"}}}}});
  EXPECT_THAT(text,
              HasSubstr("migration 7 from pool 2 to other keys: moving\n[##########----------]  50 %\n"));
  EXPECT_THAT(text, HasSubstr("key group WEEKLY"));
  EXPECT_THAT(text, HasSubstr("left:     1 cartridge, 0 volumes, 0 B\n"));
  EXPECT_THAT(text, HasSubstr("rate:     1.0 KB/s\n"));
  EXPECT_THAT(text, HasSubstr("waits:    pool 2 has none\n"));
  EXPECT_THAT(progress_text({}), HasSubstr("migration 0")) << "an answer of another program breaks nothing";
  EXPECT_THAT(progress_text({{"percent", -1}, {"number", "x"}}), HasSubstr("  0 %"));
}

// What is refused before any server is asked.
TEST(MigrationView, T7_PlanOrRunAndOneTimeOnly) {
  const auto refusal = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"pool", "migrate", "1", "2"});
    const auto parsed = parse_command_line(all_commands(), words);
    EXPECT_TRUE(parsed);
    Context context;
    const auto done = std::get<Action>(parsed->command->does)(context, parsed->values);
    return done ? std::string("done") : done.error().field;
  };
  EXPECT_EQ(refusal({}), "--plan");
  EXPECT_EQ(refusal({"--plan", "--run"}), "--plan");
  EXPECT_EQ(refusal({"--run", "--now", "--when-eligible"}), "--now");
  EXPECT_EQ(refusal({"--run", "--drives", "2"}), "--drives");
  EXPECT_EQ(refusal({"--plan", "--drives", "two"}), "--drives");
}

}  // namespace
}  // namespace tapewarden::cli
