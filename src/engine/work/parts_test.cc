// The small parts by themselves: claims, pauses, traces.
#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "engine/work/claims.h"
#include "engine/work/limits.h"
#include "engine/work/retry_pauses.h"
#include "engine/work/trace_book.h"

namespace tapewarden::engine {
namespace {

TEST(Claims, T4_ANameBelongsToOneAtATime) {
  Claims claims;
  auto first = claims.claim("A00001L9");
  ASSERT_TRUE(first);
  EXPECT_FALSE(claims.claim("A00001L9"));
  EXPECT_TRUE(claims.claim("A00002L9"));
  auto moved = *std::move(first);
  first.reset();
  EXPECT_TRUE(claims.claimed("A00001L9"));
  {
    const auto last = std::move(moved);
  }
  EXPECT_FALSE(claims.claimed("A00001L9"));
}

TEST(PoolSeats, T3_NoMoreThanThePoolAllows) {
  PoolSeats seats;
  auto first = seats.take(1, 1);
  ASSERT_TRUE(first);
  EXPECT_FALSE(seats.take(1, 1));
  EXPECT_TRUE(seats.take(1, 0));
  EXPECT_TRUE(seats.take(2, 1));
  first.reset();
  EXPECT_TRUE(seats.take(1, 1));
}

TEST(RetryPauses, T8_EachTimeInVainItTakesLongerUpToALimit) {
  tapewarden::testing::SimClock clock;
  RetryPauses pauses(clock);
  EXPECT_FALSE(pauses.next_end());
  auto expected = kFirstPause;
  for (int i = 0; i < 10; ++i) {
    pauses.put_off("keys", kFirstPause);
    EXPECT_TRUE(pauses.paused("keys"));
    EXPECT_EQ(pauses.next_end(), clock.steady_now() + expected);
    clock.advance(expected - std::chrono::milliseconds(1));
    EXPECT_TRUE(pauses.paused("keys"));
    clock.advance(std::chrono::milliseconds(1));
    EXPECT_FALSE(pauses.paused("keys"));
    expected = std::min(2 * expected, kLongestPause);
  }
  pauses.put_off("keys", kFirstPause);
  clock.step_wall(std::chrono::hours(100));
  EXPECT_TRUE(pauses.paused("keys")) << "a clock step is no time that passed";
  pauses.clear("keys");
  EXPECT_FALSE(pauses.paused("keys"));
  pauses.put_off("keys", kFirstPause);
  EXPECT_EQ(pauses.next_end(), clock.steady_now() + kFirstPause) << "from the first pause on";
  clock.advance(4 * kLongestPause);
  pauses.put_off("keys", kFirstPause);
  EXPECT_EQ(pauses.next_end(), clock.steady_now() + kFirstPause) << "what was long ago counts no more";
}

TEST(TraceBook, T4_TheLastTracesAreFoundByCartridgeAndByVolume) {
  TraceBook book;
  for (std::size_t i = 0; i <= kTracesKept; ++i)
    book.keep({.barcode = i % 2 == 0 ? "A00001L9" : "A00002L9",
               .drive = std::to_string(i),
               .volumes = {i % 3 == 0 ? "VOL001" : "VOL002"}});
  const auto found = book.of_cartridge("A00002L9");
  ASSERT_EQ(found.size(), kTracesKept / 2);
  EXPECT_EQ(found.front()->drive, std::to_string(kTracesKept - 1)) << "the newest first";
  EXPECT_EQ(book.of_cartridge("A00001L9").back()->drive, "2") << "the oldest gave way";
  EXPECT_EQ(book.of_volume("VOL001").front()->drive, std::to_string(kTracesKept / 3 * 3));
  EXPECT_TRUE(book.of_volume("VOL003").empty());
  book.keep({.barcode = "A00003L9", .volumes = std::vector<std::string>(kTracedVolumes + 5, "VOL009")});
  EXPECT_EQ(book.of_cartridge("A00003L9").front()->volumes.size(), kTracedVolumes);
}

}  // namespace
}  // namespace tapewarden::engine
