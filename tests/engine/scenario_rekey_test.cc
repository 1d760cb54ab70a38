// Other key labels for cartridges that are in use (K9), by the engine's own work with real key servers.
#include "engine/overview_site.h"

namespace tapewarden::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A KEK retires while the engine runs: its cartridges get another one, by the engine's own work.
TEST_F(Overview, K9_APoolsCartridgesGetOtherKeksWhileHostsAreServed) {
  for (const auto* label : {"Retiring KEK", "Coming KEK"}) TW_EXPECT_OK(make_kek(label));
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(pool_of_labels(8, {{"label_1", "Retiring KEK"}}));
  TW_EXPECT_OK(node().insert_cartridges("ENT012", 8));
  TW_EXPECT_OK(storage_group("REKEYED", 8));
  const auto data = noise(kSmall, 20);
  TW_EXPECT_OK(saved("REK001", "REKEYED", data));
  const auto barcode = cartridges_of("REK001").front();
  const auto cli = [](std::vector<std::string> words, const std::string& person) {
    words.insert(words.end(), {"--site", site().directory(), "--as", person});
    return tapewarden(words);
  };
  EXPECT_THAT(*cli({"pool", "kek-retirement", "Retiring KEK"}, "operator"),
              HasSubstr("can be read by the KEK"));
  TW_EXPECT_OK(pool_of_labels(8, {{"label_1", "Coming KEK"}}));
  const auto asked = cli({"pool", "rekey", "8", "--label1", "Coming KEK"}, "officer-1");
  TW_ASSERT_OK(asked);
  EXPECT_THAT(*asked, AllOf(HasSubstr(barcode), HasSubstr("revokes nothing")));
  EXPECT_TRUE(eventually([&] { return field_of(barcode, "labels") == "Coming KEK (clear)"; }))
      << node().log();
  EXPECT_TRUE(eventually([&] { return field_of(barcode, "rekey").empty(); }));
  EXPECT_TRUE(eventually([&] {
    return told("Key Labels of Physical Tape " + barcode +
                " changed from Retiring KEK (clear) to Coming KEK (clear)");
  }));
  // A mount is remembered when it has ended.
  EXPECT_TRUE(eventually(
      [&] { return std::ranges::count(node().column("/v1/traces/" + barcode, "purpose"), "rekey") > 0; }));
  const auto done = node().look("/v1/pools/8");
  TW_ASSERT_OK(done);
  EXPECT_EQ(done->at("rekeys_asked"), 0);
  EXPECT_THAT(*cli({"pool", "kek-retirement", "Retiring KEK"}, "operator"),
              HasSubstr("No cartridge of this engine needs the KEK Retiring KEK"));
  // What was written is read by the new KEK.
  TW_EXPECT_OK(out_of_cache({"REK001"}));
  expect_read_back("REK001", data);
  EXPECT_TRUE(eventually([&] {
    return std::ranges::any_of(node().column("/v1/traces/REK001?last=1", "text"),
                               [](const std::string& text) { return text.contains("Coming KEK"); });
  }));
}

// An order for several things that were not done does not end as if they were.
TEST_F(Overview, U2_ARangeOfWhichNothingWasDoneIsNoSuccess) {
  const auto evicted =
      tapewarden({"volume", "evict", "NOSUCH1-NOSUCH3", "--site", site().directory(), "--as", "operator"});
  EXPECT_FALSE(evicted);
  const auto unknown =
      tapewarden({"pool", "search", "--label", "Nobody's", "--site", site().directory(), "--as", "operator"});
  TW_EXPECT_OK(unknown);
}

}  // namespace
}  // namespace tapewarden::testing
