#include "harness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tapewarden::bench {
namespace {

using ::testing::HasSubstr;

Figure figure(double value, std::optional<double> yardstick, std::optional<double> goal,
              Better better = Better::kHigher) {
  return {"work", value, "MB/s", yardstick, goal, better};
}

TEST(Figure, RatioAndGoal) {
  EXPECT_EQ(figure(80, 100, 0.8).ratio(), 0.8);
  EXPECT_EQ(figure(80, 100, 0.8).met(), true);
  EXPECT_EQ(figure(79, 100, 0.8).met(), false);
  EXPECT_EQ(figure(1.2, 1, 1.2, Better::kLower).met(), true);
  EXPECT_EQ(figure(1.3, 1, 1.2, Better::kLower).met(), false);
  EXPECT_EQ(figure(450, {}, 400).met(), true) << "without a yardstick the value is judged";
  EXPECT_EQ(figure(5.5, {}, 5, Better::kLower).met(), false);
  EXPECT_EQ(figure(80, 100, {}).met(), std::nullopt);
  EXPECT_EQ(figure(80, 0, 0.8).met(), false) << "a yardstick of zero meets nothing";
}

TEST(Statistics, MedianAndPercentile) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  EXPECT_EQ(percentile(values, 99), 99);
  EXPECT_EQ(percentile(values, 50), 50);
  EXPECT_EQ(percentile({7}, 99), 7);
  EXPECT_EQ(percentile({7, 8}, 0.1), 7);
}

TEST(Statistics, MeasuresInTurnAndDropsTheFirstRound) {
  std::string order;
  double next = 0;
  const auto pair = measure_in_turn(
      3,
      [&] {
        order += 'w';
        return next++;
      },
      [&] {
        order += 'y';
        return 10.0;
      });
  EXPECT_EQ(order, "wywywywy");
  EXPECT_EQ(pair.value, 2);
  EXPECT_EQ(pair.yardstick, 10);
}

TEST(Statistics, GivesTheRoundWhoseRatioIsTheMedian) {
  // The first of each does not count. Ratios: 3, 1/2, 2; medians of each for themselves would give 20 / 10.
  const std::vector<double> values{1, 30, 10, 20}, yardsticks{1, 10, 20, 10};
  std::size_t value = 0, yardstick = 0;
  const auto pair =
      measure_in_turn(3, [&] { return values[value++]; }, [&] { return yardsticks[yardstick++]; });
  EXPECT_EQ(pair.value, 20);
  EXPECT_EQ(pair.yardstick, 10);
}

TEST(Output, TableShowsWhatIsMissed) {
  const auto table = as_table({figure(80, 100, 0.9), figure(5, {}, {})});
  EXPECT_THAT(table, HasSubstr("name  value  unit  yardstick  ratio  goal      met\n"));
  EXPECT_THAT(table, HasSubstr("work   80.0  MB/s      100.0  0.800  >= 0.900  NO\n"));
  EXPECT_THAT(table, HasSubstr("work  5.000  MB/s\n"));
}

TEST(Output, Json) {
  EXPECT_EQ(as_json({}), "[\n]\n");
  EXPECT_EQ(
      as_json({figure(80, 100, 0.5), figure(5, {}, {})}),
      "[\n  {\"name\": \"work\", \"value\": 80, \"unit\": \"MB/s\", \"yardstick\": 100, \"ratio\": 0.8, "
      "\"goal\": 0.5, \"met\": true},\n  {\"name\": \"work\", \"value\": 5, \"unit\": \"MB/s\", "
      "\"yardstick\": null, \"ratio\": null, \"goal\": null, \"met\": null}\n]\n");
  auto odd = figure(1, {}, {});
  odd.name = "a \"quoted\\\" name";
  EXPECT_THAT(as_json({odd}), HasSubstr(R"("a \"quoted\\\" name")"));
}

TEST(Arguments, NamesJsonAndRefusals) {
  const std::vector<Benchmark> known = {{"one", "", {}}, {"two", "", {}}};
  std::string error;
  const auto parsed = parse_arguments({"two", "--json", "out.json", "one"}, known, error);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->names, (std::vector<std::string>{"two", "one"}));
  EXPECT_EQ(parsed->json_path, "out.json");
  EXPECT_FALSE(parse_arguments({"three"}, known, error).has_value());
  EXPECT_THAT(error, HasSubstr("three"));
  EXPECT_FALSE(parse_arguments({"--json"}, known, error).has_value());
  EXPECT_THAT(error, HasSubstr("--json"));
  EXPECT_FALSE(parse_arguments({"--fast"}, known, error).has_value());
  EXPECT_TRUE(parse_arguments({}, known, error)->names.empty());
  EXPECT_TRUE(parse_arguments({"--list"}, known, error)->list);
}

}  // namespace
}  // namespace tapewarden::bench
