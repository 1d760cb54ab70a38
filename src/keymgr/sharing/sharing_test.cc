// K18: the seven steps between two key servers, and what is refused.
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/sharing/sharing_test_kit.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::sharing::testing {
namespace {

TEST_F(TwoSites, K18_KeysGoToThePartnerAndOpenThere) {
  TW_ASSERT_OK(a.manager().generate_key_range(officer(), "AAA000000000000000001-03", ""));
  const auto given = a.give("b", {.ranges = {"AAA000000000000000001-02"}});
  TW_ASSERT_OK(given);
  EXPECT_EQ(given->keys, 2U);
  const auto report = b.take(given->file);
  TW_ASSERT_OK(report);
  EXPECT_EQ(report->added, 2U);
  EXPECT_EQ(report->partner, "A");
  const auto here = a.all("AAA000000000000000002");
  const auto there = b.all("AAA000000000000000002");
  ASSERT_EQ(there.size(), 1U);
  EXPECT_TRUE(a.secret(here.front()) == b.secret(there.front()));
  EXPECT_EQ(there.front().origin, KeyOrigin::kImported);
  EXPECT_EQ(there.front().owner, a.id());
  EXPECT_TRUE(b.all("AAA000000000000000003").empty());
  EXPECT_EQ(a.audit_count({"key.export", "\"keys\":\"2\""}) + a.audit_count({"key.export", "\"keys\":2"}), 1U);
  EXPECT_EQ(b.audit_count({"key.import-shared-batch", "AAA000000000000000001"}), 1U);
}

}  // namespace
}  // namespace tapewarden::keymgr::sharing::testing
