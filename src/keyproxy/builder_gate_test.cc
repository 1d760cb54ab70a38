// What keeps two exchanges out of one drive.
#include "keyproxy/builder_gate.h"

#include <atomic>
#include <gtest/gtest.h>
#include <latch>
#include <thread>

namespace tapewarden::keyproxy::test {
namespace {

// A builder that stays in the drive until the test lets it go.
TEST(BuilderGate, D2_AnExchangeEndsOnlyWhenNobodyIsInTheDriveAnyMore) {
  std::latch entered(1);
  std::latch let_go(1);
  std::atomic<int> inside{0};
  std::atomic<bool> both{false};
  std::atomic<unsigned> calls{0};
  const auto held = std::make_shared<int>(0);
  BuilderGate gate([&, held](const dkx::Attempt&) -> Result<dkx::RequestEnvelope> {
    both = both || ++inside > 1;
    if (++calls == 1) {
      entered.count_down();
      let_go.wait();
    }
    --inside;
    return dkx::RequestEnvelope{};
  });
  std::thread first([&] { EXPECT_TRUE(gate.build({})); });
  entered.wait();
  std::thread second([&] { static_cast<void>(gate.build({}).has_value()); });  // the next attempt
  std::atomic<bool> was_inside{true};
  std::thread exchange([&] {
    gate.close();
    was_inside = inside > 0;
  });
  let_go.count_down();
  for (auto* thread : {&first, &second, &exchange}) thread->join();
  EXPECT_FALSE(both) << "two threads in one drive";
  EXPECT_FALSE(was_inside);
  const unsigned before = calls;
  const auto late = gate.build({});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(calls, before);
  EXPECT_EQ(held.use_count(), 1) << "what the builder held is gone";
}

}  // namespace
}  // namespace tapewarden::keyproxy::test
