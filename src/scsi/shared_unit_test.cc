#include "scsi/shared_unit.h"

#include <atomic>
#include <gtest/gtest.h>
#include <set>
#include <thread>
#include <vector>

namespace tapewarden::scsi {
namespace {

// Counts who is inside, and what it was told; nothing of it is locked.
class CountingUnit final : public LogicalUnit {
 public:
  Response execute(const Command& command) override {
    enter();
    nexuses.insert(command.nexus);
    return good(to_bytes(command.cdb));
  }
  void look_ahead() override { enter(); }
  void rest() override { enter(); }
  void nexus_named(NexusId nexus, const NexusNames& names) override {
    enter();
    if (!names.target_port.empty()) named.insert(nexus);
  }
  void nexus_lost(NexusId nexus) override {
    enter();
    nexuses.erase(nexus);
  }
  void reset() override { enter(); }

  std::set<NexusId> nexuses;
  std::set<NexusId> named;
  std::size_t calls = 0;
  bool met = false;  // two at a time

 private:
  void enter() {
    if (inside_.exchange(true)) met = true;
    ++calls;
    std::this_thread::yield();
    inside_ = false;
  }
  std::atomic<bool> inside_{false};
};

TEST(SharedUnit, T4_CommandsOfSeveralThreadsRunOneAfterAnother) {
  constexpr std::uint64_t kThreads = 4;
  constexpr std::size_t kRounds = 300;
  constexpr std::size_t kCallsARound = 6;
  CountingUnit unit;
  SharedUnit shared(unit);
  std::atomic<std::size_t> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 1; i <= kThreads; ++i)
    threads.emplace_back([&shared, &wrong, nexus = NexusId{i}, i] {
      const Bytes cdb(6, static_cast<std::uint8_t>(i));
      for (std::size_t round = 0; round < kRounds; ++round) {
        shared.nexus_named(nexus, {.target_port = "port"});
        if (shared.execute({.cdb = cdb, .nexus = nexus}).data_in != cdb) ++wrong;
        shared.look_ahead();
        shared.rest();
        shared.reset();
        shared.nexus_lost(nexus);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_FALSE(unit.met);
  EXPECT_EQ(unit.calls, kThreads * kRounds * kCallsARound);
  EXPECT_TRUE(unit.nexuses.empty());
  EXPECT_EQ(unit.named.size(), kThreads);
}

// Who may not wait does not: another thread may have the unit.
TEST(SharedUnit, T4_NothingIsAnsweredAtOnce) {
  CountingUnit unit;
  SharedUnit shared(unit);
  EXPECT_FALSE(shared.execute_at_once({}));
  EXPECT_EQ(unit.calls, 0U);
}

}  // namespace
}  // namespace tapewarden::scsi
