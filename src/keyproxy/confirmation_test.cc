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

// The drive shows one that was refused again when nothing else is due.
TEST_F(KeyProxyTest, K12_OneThatComesAgainEndsTheTelling) {
  write_3592();
  refused_request_ = last_request().request_id;
  for (int round = 1; round <= 3; ++round) {
    EXPECT_TRUE(device_->confirmation_due()) << round;
    const std::size_t before = server_.requests().size();
    EXPECT_FALSE(proxy_->confirm(*drive_));
    EXPECT_EQ(server_.requests().size(), before + 1) << round;
  }
  EXPECT_FALSE(device_->confirmation_due()) << "refused for good three times";
  EXPECT_EQ(device_->take_given_up_confirmations(), std::vector<std::string>{"VOL001"});
  EXPECT_TRUE(device_->take_given_up_confirmations().empty());
}

TEST_F(KeyProxyTest, K12_ThePatienceIsThatOfTheSystemsClock) {
  write_3592();
  remount();
  encrypt_with_label();
  ASSERT_FALSE(drive_->write_block(block()));
  ASSERT_TRUE(proxy_->serve(*drive_));
  ASSERT_TRUE(drive_->write_block(block()));
  ASSERT_TRUE(drive_->write_filemarks(1));
  constexpr std::chrono::minutes kPatience{60};  // nobody waits for that
  int told = 0;
  server_.on_request = [&](const auto& request) {
    if (++told > 1) return;
    sim_.clock.advance(kPatience);
    serve(request);
  };
  KeyProxy proxy(*client_, ProxyIdentity{"engine", parties().proxy.key},
                 Env{&sim_.clock, &sim_.disk, &random_, &pool_box_.get()});
  const auto late = proxy.confirm(*drive_, kPatience);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
}

// Whose rules and quotas count for the drive: signed by it with everything else.
TEST_F(KeyProxyTest, K27_ADriveSaysForWhichPartitionItWorks) {
  partition_ = "ARCHIVE";
  write_3592();
  EXPECT_EQ(last_request().partition, "ARCHIVE");
  ASSERT_TRUE(proxy_->confirm(*drive_));
  EXPECT_EQ(last_request().intent, dkx::Intent::kConfirm);
  EXPECT_EQ(last_request().partition, "ARCHIVE");
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
