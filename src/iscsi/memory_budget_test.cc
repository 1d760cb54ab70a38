#include "iscsi/memory_budget.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tapewarden::iscsi {
namespace {

TEST(IscsiMemory, L1_AShareCountsInBothBudgetsAndIsGivenBack) {
  const auto session = std::make_shared<MemoryBudget>(100);
  const auto all = std::make_shared<MemoryBudget>(150);
  {
    auto first = MemoryShare::of(session, all, 100);
    ASSERT_TRUE(first);
    EXPECT_FALSE(MemoryShare::of(session, all, 1));
    const auto other = std::make_shared<MemoryBudget>(100);
    EXPECT_FALSE(MemoryShare::of(other, all, 51));
    EXPECT_EQ(other->used(), 0U) << "nothing stays taken of the one when the other is used up";
    const auto moved = std::move(first);
    EXPECT_EQ(all->used(), 100U);
  }
  EXPECT_TRUE(session->used() == 0 && all->used() == 0);
  EXPECT_FALSE(MemoryShare::of(session, all, static_cast<std::size_t>(-1)));
}

TEST(IscsiMemory, L1_BuffersAreUsedAgainAndKeysAreNotLeftInThem) {
  const auto pool = std::make_shared<BufferPool>(1024);
  const std::uint8_t* place = nullptr;
  {
    auto buffer = pool->take(100);
    EXPECT_GE(buffer.view().size(), 100U);
    std::ranges::fill(buffer.view(), std::uint8_t{7});
    place = buffer.view().data();
  }
  {
    auto again = pool->take(128);
    EXPECT_EQ(again.view().data(), place);
    std::ranges::fill(again.view(), std::uint8_t{7});
    again.wipe_after_use();
  }
  auto clean = pool->take(128);
  EXPECT_EQ(clean.view().data(), place);
  EXPECT_TRUE(std::ranges::all_of(clean.view(), [](std::uint8_t byte) { return byte == 0; }));
}

}  // namespace
}  // namespace tapewarden::iscsi
