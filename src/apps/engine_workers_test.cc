// The threads of the work with tape, and the way to a device that breaks.
#include "apps/engine_workers.h"

#include <atomic>
#include <gtest/gtest.h>

#include "apps/outside_transport.h"
#include "base/real_env.h"
#include "net/testing/poll.h"

namespace tapewarden::apps {
namespace {

using net::testing::eventually;

TEST(EngineWorkersTest, T5_WorkIsDoneUntilThereIsNoneAndAgainAfterAWake) {
  RealClock clock;
  std::atomic<int> left{5};
  std::atomic<int> done{0};
  EngineWorkers workers;
  workers.start(2, {.step = [&]() -> Result<bool> {
                      if (left.fetch_sub(1) <= 0) {
                        left.fetch_add(1);
                        return false;
                      }
                      ++done;
                      return true;
                    },
                    .next_attempt = [] { return std::optional<SteadyTime>(); },
                    .clock = clock});
  EXPECT_TRUE(eventually([&] { return done == 5; }));
  left = 2;
  workers.wake();
  EXPECT_TRUE(eventually([&] { return done == 7; }));
  workers.stop();
  left = 1;
  workers.wake();
  EXPECT_EQ(done, 7);
}

TEST(EngineWorkersTest, T8_WhatWasPutOffIsTriedWhenItIsDueAndAnErrorEndsNothing) {
  RealClock clock;
  std::atomic<int> tries{0};
  EngineWorkers workers;
  workers.start(1, {.step = [&]() -> Result<bool> {
                      if (++tries < 4) return fail(ErrorCode::kIo, "the disk is away");
                      return false;
                    },
                    .next_attempt = [&] { return std::optional(clock.steady_now()); },
                    .clock = clock});
  EXPECT_TRUE(eventually([&] { return tries > 4; }));
  workers.stop();
}

class FlakyTransport final : public tape::Transport {
 public:
  explicit FlakyTransport(bool& works) : works_(works) {}
  Result<tape::TransportAnswer> execute(ByteView, ByteView, std::size_t, std::chrono::milliseconds) override {
    if (works_) return tape::TransportAnswer{};
    return fail(ErrorCode::kIo, "the cable is out");
  }
  bool on_local_bus() const override { return false; }

 private:
  bool& works_;
};

struct Way {
  bool opens = true;
  bool works = true;
  int opened = 0;
  OutsideTransport transport;
  explicit Way(OutsideTransport::AfterBreak after)
      : transport(
            [this]() -> Result<std::unique_ptr<tape::Transport>> {
              if (!opens) return fail(ErrorCode::kUnavailable, "nobody is there");
              ++opened;
              return std::make_unique<FlakyTransport>(works);
            },
            after, false) {}
  bool run() { return transport.execute(Bytes(6), {}, 0, std::chrono::milliseconds{1}).has_value(); }
};

TEST(OutsideTransportTest, D3_ADriveThatBrokeStaysSoUntilItsOwnerSaysOtherwise) {
  Way way(OutsideTransport::AfterBreak::kStaysBroken);
  way.opens = false;
  EXPECT_FALSE(way.run());
  way.opens = true;
  EXPECT_TRUE(way.run()) << "it was never open: nothing can have changed";
  EXPECT_TRUE(way.run());
  EXPECT_EQ(way.opened, 1);
  way.works = false;
  EXPECT_FALSE(way.run());
  way.works = true;
  const auto broken = way.transport.execute(Bytes(6), {}, 0, std::chrono::milliseconds{1});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(way.opened, 1);
  way.transport.renew();
  EXPECT_TRUE(way.run());
  EXPECT_EQ(way.opened, 2);
}

TEST(OutsideTransportTest, D3_AChangerIsOpenedAnew) {
  Way way(OutsideTransport::AfterBreak::kOpensAnew);
  EXPECT_TRUE(way.run());
  way.works = false;
  EXPECT_FALSE(way.run());
  way.works = true;
  EXPECT_TRUE(way.run());
  EXPECT_EQ(way.opened, 2);
}

}  // namespace
}  // namespace tapewarden::apps
