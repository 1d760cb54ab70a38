#include "store/reader_pool.h"

#include <future>
#include <thread>

#include "store/store_test_tables.h"

namespace tapewarden::store::testing {
namespace {

using Snapshot = ReaderPool::Snapshot;

constexpr std::chrono::milliseconds kMoment{1};
constexpr std::chrono::hours kForEver{1};  // a test that waits for it has failed

struct Pool : Fixture {
  Pool() {
    EXPECT_TRUE(open());
    close();
    pool.follow(memory);
  }
  // What a read sees.
  std::optional<std::uint64_t> seen(Snapshot snapshot = Snapshot::kKept) {
    std::optional<std::uint64_t> out;
    EXPECT_TRUE(pool.run(snapshot, [&](const ReaderPool::Lease& lease) -> Status {
      EXPECT_TRUE(lease.connection->in_transaction());
      out = lease.seen;
      return {};
    }));
    return out;
  }

  RowMemory memory{1, 4};
  ReaderPool pool{path()};
};

TEST(ReaderPool, K16_AReadThatGoesOnIsWaitedForOnce) {
  Pool p;
  std::promise<void> inside;
  std::promise<void> leave;
  std::thread reader([&] {
    EXPECT_TRUE(p.pool.run(Snapshot::kKept, [&](const ReaderPool::Lease&) -> Status {
      inside.set_value();
      leave.get_future().wait();
      return {};
    }));
  });
  inside.get_future().wait();
  EXPECT_FALSE(p.pool.let_go(kMoment));
  EXPECT_FALSE(p.pool.let_go(kForEver)) << "it was waited for";
  EXPECT_EQ(p.seen(), 4U) << "others read meanwhile";
  EXPECT_FALSE(p.pool.let_go(kForEver));
  leave.set_value();
  reader.join();
  EXPECT_TRUE(p.pool.let_go(kForEver));
}

TEST(ReaderPool, K16_AReadThatEndsInTimeIsWaitedFor) {
  Pool p;
  std::promise<void> inside;
  std::thread reader([&] {
    EXPECT_TRUE(p.pool.run(Snapshot::kNew, [&](const ReaderPool::Lease&) -> Status {
      inside.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      return {};
    }));
  });
  inside.get_future().wait();
  EXPECT_TRUE(p.pool.let_go(kForEver));
  reader.join();
}

TEST(ReaderPool, K16_ASnapshotIsUsedAgainOnlyWhileNoCommitHasBegun) {
  Pool p;
  EXPECT_EQ(p.seen(), 4U);
  p.memory.begin_commit(5, {});
  EXPECT_EQ(p.seen(), 4U) << "a new one, of this commit or of the next";
  p.memory.end_commit(5);
  EXPECT_EQ(p.seen(), 5U);
  p.memory.begin_commit(6, {});
  p.memory.end_commit(5);  // it failed
  EXPECT_EQ(p.seen(), 5U);
}

TEST(ReaderPool, K16_AFailedReadLeavesNoSnapshotAndHoldsUpNothing) {
  Pool p;
  for (std::size_t i = 0; i < 2 * kReaderLimit; ++i) {
    EXPECT_FALSE(p.pool.run(Snapshot::kKept, [](const ReaderPool::Lease&) {
      return Status(fail(ErrorCode::kNotFound, "of the caller"));
    }));
  }
  EXPECT_TRUE(p.pool.let_go(kForEver));
  EXPECT_EQ(p.seen(), 4U);
}

}  // namespace
}  // namespace tapewarden::store::testing
