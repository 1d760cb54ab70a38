// When and by whom a key server is told that a drive has written with its key.
#include "keyproxy/key_proxy_test_kit.h"

namespace tapewarden::keyproxy::test {
namespace {

TEST_F(KeyProxyTest, K12_AConfirmationAfterTheUnloadIsOfTheCartridgeThatWasWritten) {
  write_3592();
  const auto written = last_request();
  ASSERT_TRUE(device_->eject());
  ASSERT_TRUE(drive_->drain_attentions());
  const auto confirmed = proxy_->confirm(*drive_);
  ASSERT_TRUE(confirmed) << confirmed.error().text();
  EXPECT_EQ(last_request().intent, dkx::Intent::kConfirm);
  EXPECT_EQ(last_request().volser, "VOL001");
  EXPECT_EQ(last_request().volume, written.volume);
  EXPECT_EQ(last_request().confirmation->request, written.request_id);
  EXPECT_FALSE(device_->confirmation_due());
}

// The status names the request under way, which is another than the one that is to be confirmed.
TEST_F(KeyProxyTest, K12_AConfirmationIsMadeWhileTheDriveWaitsForAnotherKey) {
  write_3592();
  const auto written = last_request();
  remount();
  encrypt_with_label();
  ASSERT_EQ(drive_->write_block(block()).error().fault, TapeFault::kKeyGenerationNeeded);
  const auto confirmed = proxy_->confirm(*drive_);
  ASSERT_TRUE(confirmed) << confirmed.error().text();
  EXPECT_EQ(last_request().confirmation->request, written.request_id);
  ASSERT_TRUE(proxy_->serve(*drive_)) << "the request under way was not lost";
  EXPECT_TRUE(drive_->write_block(block()));
}

TEST_F(KeyProxyTest, K12_AConfirmationThatIsRefusedStaysDueAndKeepsNoOtherFromBeingMade) {
  write_3592();
  const auto first = last_request().request_id;
  remount();
  encrypt_with_label();
  ASSERT_FALSE(drive_->write_block(block()));
  ASSERT_TRUE(proxy_->serve(*drive_));
  const auto second = last_request().request_id;
  ASSERT_TRUE(drive_->write_block(block()));
  ASSERT_TRUE(drive_->write_filemarks(1));

  refused_request_ = first;
  const auto refused = proxy_->confirm(*drive_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, static_cast<std::uint32_t>(EkmCode::kMessageOutOfSequence));
  EXPECT_EQ(last_request().confirmation->request, second);
  EXPECT_TRUE(device_->confirmation_due());
  EXPECT_TRUE(drive_->write_block(block())) << "the drive's key is not touched by it";

  refused_request_.reset();
  ASSERT_TRUE(proxy_->confirm(*drive_));
  EXPECT_EQ(last_request().confirmation->request, first);
  EXPECT_FALSE(device_->confirmation_due());
}

TEST_F(KeyProxyTest, K12_TellingAServerThatDoesNotAnswerEndsWithItsTimeAndStaysDue) {
  write_3592();
  server_.on_request = [](const auto&) {};
  const auto late = proxy_->confirm(*drive_, std::chrono::milliseconds{1});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(device_->confirmation_due());
}

}  // namespace
}  // namespace tapewarden::keyproxy::test
