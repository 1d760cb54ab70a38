#include "keymgr/refusal_records.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "dkx/server/server.h"
#include "dkx/testing/parties.h"

namespace tapewarden::dkx {
namespace {

using keymgr::RefusalLimits;
using keymgr::RefusalRecords;

Hash256 sender(std::uint8_t number) {
  Hash256 out;
  out.fill(number);
  return out;
}

ServerPeer peer(std::uint8_t number) {
  ServerPeer out;
  out.fingerprint = sender(number);
  return out;
}

constexpr RefusalLimits kLimits{.at_once = 3, .again = std::chrono::seconds(60), .senders = 2};

class Refusals : public ::testing::Test {
 protected:
  void pass(std::chrono::milliseconds time) { sim_.clock.advance(time); }

  tapewarden::testing::SimEnv sim_{1};
  RefusalRecords records_{sim_.clock, kLimits};
};

TEST_F(Refusals, K11_RepeatedRefusalsAreCountedInTheNextRecord) {
  for (unsigned i = 0; i < kLimits.at_once; ++i) EXPECT_EQ(records_.next(sender(1)), 0U);
  for (unsigned i = 0; i < 1000; ++i) EXPECT_EQ(records_.next(sender(1)), std::nullopt);
  EXPECT_EQ(records_.next(sender(2)), 0U) << "others have records of their own";
  pass(kLimits.again - std::chrono::milliseconds(1));
  EXPECT_EQ(records_.next(sender(1)), std::nullopt);
  pass(std::chrono::milliseconds(1));
  EXPECT_EQ(records_.next(sender(1)), 1001U);
  EXPECT_EQ(records_.next(sender(1)), std::nullopt) << "one came back, not all";
}

TEST_F(Refusals, K11_RecordsComeBackWithTimeAndNotBeyondTheFirst) {
  for (unsigned i = 0; i < kLimits.at_once; ++i) EXPECT_TRUE(records_.next(sender(1)));
  pass(2 * kLimits.again);
  EXPECT_TRUE(records_.next(sender(1)));
  EXPECT_TRUE(records_.next(sender(1)));
  EXPECT_FALSE(records_.next(sender(1)));
  pass(100 * kLimits.again);
  for (unsigned i = 0; i < kLimits.at_once; ++i) EXPECT_TRUE(records_.next(sender(1)));
  EXPECT_FALSE(records_.next(sender(1)));
}

TEST_F(Refusals, K11_ManySendersTakeBoundedMemory) {
  for (unsigned i = 0; i < kLimits.at_once; ++i) EXPECT_TRUE(records_.next(sender(1)));
  EXPECT_FALSE(records_.next(sender(1)));
  pass(std::chrono::milliseconds(1));
  EXPECT_TRUE(records_.next(sender(2)));
  EXPECT_FALSE(records_.next(sender(1))) << "he was refused last but one: still known";
  pass(std::chrono::milliseconds(1));
  EXPECT_TRUE(records_.next(sender(3)));
  EXPECT_EQ(records_.next(sender(2)), 0U) << "the one refused longest ago was forgotten";
}

TEST_F(Refusals, K11_AFloodOfBadMessagesIsAnsweredAndWritesFewRecords) {
  keymgr::ServerContext context;
  context.signing_key = testing::parties().server.key;
  context.signing_certificate = testing::parties().server.certificate;
  std::vector<std::uint64_t> repeats;
  ServerDependencies dependencies;
  dependencies.env = sim_.env();
  dependencies.context = &context;
  dependencies.refusals = &records_;
  dependencies.audit = [&](const ServerPeer&, const std::string&, const Refusal&, std::uint64_t repeated,
                           const std::function<void(Status)>& done) {
    repeats.push_back(repeated);
    done({});
  };
  unsigned answers = 0;
  for (unsigned connection = 0; connection < 4; ++connection) {
    const auto session = open_session(dependencies, peer(1));
    for (unsigned i = 0; i < 25; ++i) session->handle(Bytes{1, 2, 3}, [&](const Bytes&) { ++answers; });
    EXPECT_FALSE(session->refuse(Error{ErrorCode::kInvalidArgument, "too long", "", "", 0}).empty());
  }
  EXPECT_EQ(answers, 100U);
  EXPECT_EQ(repeats, (std::vector<std::uint64_t>{0, 0, 0}));
  pass(kLimits.again);
  open_session(dependencies, peer(1))->handle(Bytes{1}, [](const Bytes&) {});
  EXPECT_EQ(repeats.back(), 101U);
}

}  // namespace
}  // namespace tapewarden::dkx
