// One running pair of key servers for all tests of a suite: they use drives, groups and labels of their own.
#pragma once

#include <gtest/gtest.h>

#include "harness/audit_watch.h"
#include "harness/test_drive.h"

namespace tapewarden::testing {

// EXPECTs success and shows the error otherwise.
#define TW_EXPECT_OK(...)                               \
  if (const auto tw_result = (__VA_ARGS__); !tw_result) \
  ADD_FAILURE() << #__VA_ARGS__ << ": " << tw_result.error().text()
#define TW_ASSERT_OK(result) ASSERT_TRUE((result).has_value()) << (result).error().text()

class RunningSite : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = TestSite::make();
    ASSERT_TRUE(made.has_value()) << made.error().text();
    site_ = std::move(*made);
    const auto started = site_->start_both();
    ASSERT_TRUE(started.has_value()) << started.error().text();
  }
  static void TearDownTestSuite() {
    if (site_ == nullptr) return;
    TW_EXPECT_OK(site_->stop(Which::kPrimary));
    TW_EXPECT_OK(site_->stop(Which::kSecondary));
    site_.reset();
  }
  void SetUp() override { ASSERT_NE(site_, nullptr); }

  static TestSite& site() { return *site_; }
  static RestClient& rest() { return site_->rest(Which::kPrimary); }

  static Result<TestDrive> enrolled_drive(const std::string& serial, dkx::DriveKind kind) {
    auto drive = TRY(TestDrive::make(site(), serial, kind));
    TRY(drive.enrol(rest()));
    return drive;
  }
  // A use-once group with this many keys of its own on the primary, held by the peer too.
  static Status make_group(const std::string& name, int keys) {
    TRY(rest().post("/v1/groups", json::object{{"name", name}}));
    TRY(rest().post("/v1/keys", json::object{{"count", keys}, {"group", name}}));
    return {};
  }

  static inline std::unique_ptr<TestSite> site_;
};

inline std::string code_of(const Error& error) {
  return eedk::to_string(static_cast<eedk::EkmCode>(error.detail));
}
template <typename T>
std::string code_of(const Result<T>& result) {
  return result ? std::string("served") : code_of(result.error());
}
// "served", or the refusal's code.
inline std::string code_of(const Result<dkx::AnswerBody>& answer) {
  if (!answer) return "broken: " + answer.error().text();
  const auto* refusal = std::get_if<dkx::Refusal>(&*answer);
  return refusal == nullptr ? "served" : eedk::to_string(refusal->code);
}

}  // namespace tapewarden::testing
