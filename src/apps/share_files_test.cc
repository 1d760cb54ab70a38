#include "apps/share_files.h"

#include <gmock/gmock.h>

#include "base/testing/sim_env.h"

namespace tapewarden::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class ShareFiles : public ::testing::Test {
 protected:
  void SetUp() override { put("secret", "correct horse battery staple and a few more words\n"); }
  void put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(sim_.disk, path, as_bytes(text)));
  }
  std::string text(const std::string& path) {
    return std::string(as_text(*read_file(sim_.disk, path, 1U << 20)));
  }
  std::vector<std::string> make(const std::string& to = "shares") {
    const auto made = make_shares(sim_.env(), {"secret", "backups of the site", 3, 5, to});
    EXPECT_TRUE(made.has_value()) << made.error().text();
    return made.value_or(std::vector<std::string>{});
  }

  testing::SimEnv sim_{161};
};

TEST_F(ShareFiles, K16_CustodiansBringAPassphraseBack) {
  const auto paths = make();
  ASSERT_THAT(paths, SizeIs(5));
  ASSERT_TRUE(join_shares(sim_.env(), {paths[4], paths[0], paths[2]}, "back"));
  EXPECT_EQ(text("back"), "correct horse battery staple and a few more words\n");
  EXPECT_EQ(join_shares(sim_.env(), paths, "back").error().code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(join_shares(sim_.env(), {paths[0], paths[1]}, "two").error().text(), HasSubstr("3 are needed"));
  EXPECT_THAT(join_shares(sim_.env(), {paths[0], paths[0], paths[0]}, "two").error().text(),
              HasSubstr("1 different shares"));
  EXPECT_FALSE(sim_.disk.exists("two"));
}

TEST_F(ShareFiles, K16_TypedFromPaperWithOtherBlanksAndCapitals) {
  const auto paths = make();
  std::string typed = text(paths[1]);
  const auto line = typed.find("\n01 ");
  for (auto at = line + 4; typed[at] != '\n'; ++at) {
    if (typed[at] >= 'a' && typed[at] <= 'f') typed[at] = static_cast<char>(typed[at] - 'a' + 'A');
  }
  typed.insert(line + 10, "  ");
  put("typed", typed);
  EXPECT_TRUE(join_shares(sim_.env(), {"typed", paths[0], paths[2]}, "back"));
}

TEST_F(ShareFiles, K16_EverySlipOfThePenIsFoundInItsLine) {
  const auto paths = make();
  const std::string good = text(paths[1]);
  const auto begin = good.find("\n01 ") + 1;
  const auto end = good.find("\n\n", begin);
  std::size_t tried = 0;
  for (auto at = begin; at < end; ++at) {
    if (good[at] == ' ' || good[at] == '\n') continue;
    std::string typed = good;
    typed[at] = typed[at] == '0' ? '1' : '0';
    put("typed", typed);
    const auto joined = join_shares(sim_.env(), {"typed", paths[0], paths[2]}, "wrong");
    EXPECT_FALSE(joined) << at;
    EXPECT_FALSE(sim_.disk.exists("wrong"));
    ++tried;
  }
  EXPECT_GT(tried, 100U);
  put("typed", good.substr(0, begin));
  EXPECT_THAT(join_shares(sim_.env(), {"typed"}, "x").error().text(), HasSubstr("no whole recovery share"));
}

TEST_F(ShareFiles, K16_ACutPageIsToldAsOneThatLacksSomething) {
  const auto paths = make();
  const std::string good = text(paths[1]);
  const auto first = good.find("\n01 ") + 1;
  const auto digits_end = good.find("\n\n", first);
  for (std::size_t size = 1; size < good.find("\n\nTo bring"); ++size) {
    if (good[size] == '\n' && size > digits_end) continue;
    put("cut", good.substr(0, size));
    const auto joined = join_shares(sim_.env(), {"cut", paths[0], paths[2]}, "x");
    ASSERT_FALSE(joined) << size;
    const std::string told = joined.error().text();
    EXPECT_TRUE(told.find("missing") != told.npos) << size << told;
    EXPECT_NE(told.find("cut"), std::string::npos);
  }
  // A line in the middle that lost its end.
  std::string torn = good;
  torn.erase(good.find('\n', first) - 4, 4);
  put("torn", torn);
  EXPECT_THAT(join_shares(sim_.env(), {"torn", paths[0], paths[2]}, "x").error().text(),
              HasSubstr("missing (or one is wrong) in the line \"01"));
}

TEST_F(ShareFiles, K16_SharesOfAnotherSetAndBadOptionsAreRefused) {
  const auto paths = make();
  const auto others = make("others");
  EXPECT_THAT(join_shares(sim_.env(), {paths[0], others[1], paths[2]}, "x").error().text(),
              HasSubstr("another set"));
  EXPECT_EQ(make_shares(sim_.env(), {"secret", "again", 3, 5, "shares"}).error().code,
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(make_shares(sim_.env(), {"secret", "x", 1, 5, "new"}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(make_shares(sim_.env(), {"secret", "x\n", 3, 5, "new"}).error().field, "name");
  EXPECT_EQ(make_shares(sim_.env(), {"missing", "x", 3, 5, "new"}).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(sim_.disk.exists("new/share-1-of-5.txt"));
}

}  // namespace
}  // namespace tapewarden::apps
