#include "dkx/server/convert.h"

#include <gtest/gtest.h>

namespace tapewarden::dkx {
namespace {

TEST(CheckLabels, T3_AGroupWhoseKeyComesByItselfIsUsableAndItsNoteTold) {
  const CheckLabelsRequest asked{.checks = {{CheckKind::kGroup, "DAILY"}, {CheckKind::kGroup, "EMPTY"}}};
  std::vector<keymgr::NameStatus> statuses(2);
  statuses[0].known = true;
  statuses[0].waits = true;
  statuses[0].problem = "it is in no backup";
  statuses[0].note = "a write with it waits for now";
  statuses[1].known = true;
  statuses[1].problem = "the group has no key left";
  const auto answer = to_wire(asked, statuses, 0);
  ASSERT_EQ(answer.results.size(), 2U);
  EXPECT_EQ(answer.results[0].status, CheckStatus::kUsable);
  EXPECT_EQ(answer.results[0].text, "a write with it waits for now");
  EXPECT_EQ(answer.results[1].status, CheckStatus::kNotActive);
  EXPECT_EQ(answer.results[1].text, "the group has no key left");
}

}  // namespace
}  // namespace tapewarden::dkx
