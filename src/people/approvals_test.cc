// K22: two-person approval.
#include "people/approvals.h"

#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

#include "people/testing/people_fixture.h"

namespace tapewarden::people {
namespace {

using ::testing::HasSubstr;

class ApprovalsTest : public ::testing::Test {
 protected:
  ApprovalsTest() {
    for (const char* name : {"bert", "carla"}) make(name, Role::kSecurityOfficer);
  }
  void make(const std::string& name, Role role) {
    const auto password = crypto::SecretBytes::copy_of(as_bytes(testing::kPassword));
    ASSERT_TRUE(fixture_.people().create(local_principal("test"), {name, role, &password, {}}));
  }
  std::unique_ptr<Approvals> at(const Uuid& server, const std::string& name) {
    return std::make_unique<Approvals>(
        fixture_.env(), fixture_.keystore(),
        ApprovalOptions{server, name, [this](store::Reader&) { return policy_; }});
  }
  static Principal officer(const std::string& name) {
    return {name, Role::kSecurityOfficer, LoginMethod::kPassword, "192.0.2.1"};
  }
  static ApprovalRequest wanted(std::uint8_t what = 1) {
    Hash256 digest{};
    digest.front() = what;
    return {"POST /v1/keks/{kek}/export", digest, "Export the KEK Finance"};
  }
  std::string ask(std::uint8_t what = 1) {
    const auto asked = approvals_->ask(officer("officer"), wanted(what));
    EXPECT_TRUE(asked);
    return asked ? asked->id : std::string();
  }
  Result<Approval> use(const std::string& id, std::uint8_t what = 1, const std::string& who = "officer") {
    return approvals_->use(officer(who), id, wanted(what).digest);
  }
  std::string last_record() { return fixture_.log().records().back(); }

  testing::PeopleFixture fixture_;
  ApprovalPolicy policy_;
  std::unique_ptr<Approvals> approvals_ = at(fixture_.server(), "primary");
};

TEST_F(ApprovalsTest, K22_ASecondOfficerApprovesAndItIsUsedOnce) {
  const std::string id = ask();
  EXPECT_EQ(id.size(), 2 * kApprovalIdBytes);
  EXPECT_THAT(last_record(), HasSubstr("\"asker\":\"officer\""));
  EXPECT_THAT(use(id).error().message, HasSubstr("nobody has approved"));
  const auto approved = approvals_->approve(officer("bert"), id);
  ASSERT_TRUE(approved) << approved.error().text();
  EXPECT_EQ(approved->decider.name, "bert");
  EXPECT_THAT(last_record(), HasSubstr("approval.approve"));
  const auto used = use(id);
  ASSERT_TRUE(used) << used.error().text();
  EXPECT_THAT(last_record(), HasSubstr("approval.use"));
  EXPECT_THAT(last_record(), HasSubstr("\"asker\":\"officer\",\"decider\":\"bert\""));
  EXPECT_THAT(use(id).error().message, HasSubstr("was used"));
  EXPECT_THAT(approvals_->approve(officer("carla"), id).error().message, HasSubstr("was used"));
}

TEST_F(ApprovalsTest, K22_NobodyDecidesHisOwnRequest) {
  const std::string id = ask();
  const auto own = approvals_->approve(officer("officer"), id);
  ASSERT_FALSE(own);
  EXPECT_EQ(own.error().code, ErrorCode::kPermissionDenied);
  EXPECT_FALSE(approvals_->refuse(officer("officer"), id, ""));
  EXPECT_FALSE(approvals_->approve(officer("OFFICER"), id)) << "no account is called so";
  EXPECT_EQ(approvals_->find(id)->state, ApprovalState::kAsked);
}

TEST_F(ApprovalsTest, K22_OnlyOfficersWithAnAccountDecide) {
  const std::string id = ask();
  const auto refused = approvals_->approve({"operator", Role::kOperator, LoginMethod::kPassword, ""}, id);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(approvals_->approve(local_principal("site-init"), id).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(approvals_->approve(officer("nobody"), id).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(approvals_->ask(officer("nobody"), wanted()).error().code, ErrorCode::kPermissionDenied);
}

TEST_F(ApprovalsTest, K22_AnApprovalHoldsOnlyForWhatWasAskedAndForWhoAsked) {
  const std::string id = ask(1);
  ASSERT_TRUE(approvals_->approve(officer("bert"), id));
  EXPECT_THAT(use(id, 2).error().message, HasSubstr("not what was approved"));
  EXPECT_EQ(use(id, 1, "carla").error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(use("0000000000000000").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(use("no id at all").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(use(id, 1));
}

TEST_F(ApprovalsTest, K22_TheSameRequestIsAskedOnceAndAnotherOneApart) {
  const std::string id = ask(1);
  EXPECT_EQ(ask(1), id);
  EXPECT_NE(ask(2), id);
  ASSERT_TRUE(approvals_->approve(officer("bert"), id));
  EXPECT_EQ(ask(1), id) << "the open one, now approved";
  ASSERT_TRUE(use(id));
  EXPECT_NE(ask(1), id);
  EXPECT_NE(approvals_->ask(officer("bert"), wanted(1))->id, id) << "another asker's";
}

TEST_F(ApprovalsTest, K22_RefusedWithdrawnAndExpiredSaySo) {
  const std::string refused = ask(1);
  ASSERT_TRUE(approvals_->refuse(officer("bert"), refused, "not this year"));
  EXPECT_THAT(use(refused).error().message, HasSubstr("bert refused"));
  EXPECT_THAT(use(refused).error().message, HasSubstr("not this year"));
  EXPECT_FALSE(approvals_->approve(officer("carla"), refused));

  const std::string withdrawn = ask(2);
  EXPECT_EQ(approvals_->withdraw(officer("bert"), withdrawn).error().code, ErrorCode::kPermissionDenied);
  ASSERT_TRUE(approvals_->withdraw(officer("officer"), withdrawn));
  EXPECT_THAT(use(withdrawn, 2).error().message, HasSubstr("withdrawn"));

  const std::string late = ask(3);
  ASSERT_TRUE(approvals_->approve(officer("bert"), late));
  fixture_.clock().advance(std::chrono::hours(24));
  EXPECT_THAT(use(late, 3).error().message, HasSubstr("expired"));
  EXPECT_EQ(approvals_->list(ApprovalState::kExpired, 10, "")->items.size(), 1U);
  EXPECT_EQ(approvals_->find(late)->state_at(approvals_->now()), ApprovalState::kExpired);
}

TEST_F(ApprovalsTest, K22_AClockSetBackMakesNoApprovalLiveLonger) {
  const std::string id = ask();
  ASSERT_TRUE(approvals_->approve(officer("bert"), id));
  fixture_.clock().step_wall(-std::chrono::hours(1));
  EXPECT_THAT(use(id).error().message, HasSubstr("expired"));
}

TEST_F(ApprovalsTest, K22_AConsentCanBeTakenBackBeforeItIsUsed) {
  const std::string id = ask();
  ASSERT_TRUE(approvals_->approve(officer("bert"), id));
  ASSERT_TRUE(approvals_->refuse(officer("carla"), id, "wait"));
  EXPECT_THAT(use(id).error().message, HasSubstr("carla refused"));
}

TEST_F(ApprovalsTest, K22_AnOfficerWhoLostHisRoleInBetweenCountsNoMore) {
  auto& people = fixture_.people();
  const auto admin = local_principal("test");
  const std::string demoted = ask(1);
  ASSERT_TRUE(approvals_->approve(officer("bert"), demoted));
  ASSERT_TRUE(people.change(admin, "bert", {.role = Role::kOperator}));
  EXPECT_THAT(use(demoted, 1).error().message, HasSubstr("bert was changed"));
  ASSERT_TRUE(people.change(admin, "bert", {.role = Role::kSecurityOfficer}));
  EXPECT_FALSE(use(demoted, 1)) << "also when he has it again";

  const std::string disabled = ask(2);
  ASSERT_TRUE(approvals_->approve(officer("bert"), disabled));
  ASSERT_TRUE(people.change(admin, "bert", {.disabled = true}));
  EXPECT_FALSE(use(disabled, 2));

  const std::string removed = ask(3);
  ASSERT_TRUE(approvals_->approve(officer("carla"), removed));
  ASSERT_TRUE(people.remove(admin, "carla"));
  EXPECT_FALSE(use(removed, 3));
  make("carla", Role::kSecurityOfficer);
  EXPECT_FALSE(use(removed, 3)) << "another person under the old name";
}

TEST_F(ApprovalsTest, K22_AnAskerWhoseAccountChangedAsksAnew) {
  const std::string id = ask();
  ASSERT_TRUE(fixture_.people().change(local_principal("test"), "officer", {.role = Role::kAuditor}));
  ASSERT_TRUE(fixture_.people().change(local_principal("test"), "officer", {.role = Role::kSecurityOfficer}));
  EXPECT_THAT(approvals_->approve(officer("bert"), id).error().message, HasSubstr("officer was changed"));
  EXPECT_NE(ask(), id);
}

TEST_F(ApprovalsTest, K22_WhatWasAskedAtOneServerIsDecidedAndUsedThere) {
  const std::string id = ask();
  const auto other = at(Uuid::random(*fixture_.env().random), "secondary");
  EXPECT_THAT(other->approve(officer("bert"), id).error().message, HasSubstr("primary"));
  ASSERT_TRUE(approvals_->approve(officer("bert"), id));
  EXPECT_THAT(other->use(officer("officer"), id, wanted().digest).error().message, HasSubstr("primary"));
  EXPECT_TRUE(use(id));
}

TEST_F(ApprovalsTest, K22_ManyAtOnceUseItOnce) {
  const std::string id = ask();
  ASSERT_TRUE(approvals_->approve(officer("bert"), id));
  std::atomic<int> used = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { used += use(id) ? 1 : 0; });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(used.load(), 1);
}

TEST_F(ApprovalsTest, K22_AFailedActionLeavesTheConsentUnused) {
  const std::string id = ask();
  ASSERT_TRUE(approvals_->approve(officer("bert"), id));
  const auto failed = fixture_.keystore().write([&](store::Transaction& transaction) -> Status {
    (void)TRY(approvals_->use(transaction, officer("officer"), id, wanted().digest));
    return fail(ErrorCode::kConflict, "the action itself fails");
  });
  EXPECT_FALSE(failed);
  EXPECT_TRUE(use(id));
}

TEST_F(ApprovalsTest, K22_TooManyOpenRequestsAreRefused) {
  for (std::size_t i = 0; i < kOpenApprovalsLimit; ++i) {
    auto request = wanted();
    request.digest[1] = static_cast<std::uint8_t>(i);
    request.digest[2] = static_cast<std::uint8_t>(i >> 8);
    ASSERT_TRUE(approvals_->ask(officer("officer"), request));
  }
  auto request = wanted(9);
  EXPECT_EQ(approvals_->ask(officer("officer"), request).error().code, ErrorCode::kExhausted);
  const auto page = approvals_->list(ApprovalState::kAsked, 600, "");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items.size(), 600U);
  EXPECT_EQ(approvals_->list(ApprovalState::kAsked, 600, page->next)->items.size(), 400U);
}

TEST_F(ApprovalsTest, K22_HealthCountsOfficersAndOpenRequests) {
  (void)ask();
  auto health = approvals_->health();
  ASSERT_TRUE(health);
  EXPECT_TRUE(health->two_person);
  EXPECT_EQ(health->officers, 3U);
  EXPECT_EQ(health->open, 1U);
  policy_.two_person = false;
  EXPECT_FALSE(*approvals_->needed());
}

TEST_F(ApprovalsTest, K22_OutsideTextStaysInBounds) {
  auto request = wanted();
  request.summary = std::string(100'000, 'x');
  const auto asked = approvals_->ask(officer("officer"), request);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->summary.size(), kApprovalSummaryLimit);
  const auto refused = approvals_->refuse(officer("bert"), asked->id, std::string(10'000, 'y'));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->reason.size(), kApprovalReasonLimit);
}

}  // namespace
}  // namespace tapewarden::people
