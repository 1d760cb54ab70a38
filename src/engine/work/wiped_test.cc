// What hosts wrote passes through the engine in the clear. No memory that it lay in is freed unwiped.
#include "base/testing/freed_memory.h"
#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {
namespace {

using tapewarden::testing::kSecretByte;
using tapewarden::testing::LooksAtFreedMemory;

// To the cartridge, to another one, and back into the cache; at last from a cartridge that cannot be read to
// its end.
TEST(Wiped, T5_NothingOfAHostsDataIsInMemoryThatIsFreed) {
  WorkBench bench;
  bench.encrypt_pool(1);
  bench.add_scratch("A00003L9");
  bench.write("VOL001", Bytes(900'001, kSecretByte));
  const auto freed_during = [&](const std::function<void()>& work) {
    const LooksAtFreedMemory looks;
    work();
    return looks.freed_secrets();
  };
  EXPECT_EQ(freed_during([&] { bench.steps(); }), 0U) << "written";
  ASSERT_EQ(bench.on("VOL001"), "A00001L9/1");
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  bench.edit_cartridge("A00001L9", [](PhysicalVolume& cartridge) {
    cartridge.state = CartridgeState::kClosed;
    cartridge.move = {MoveRequest::When::kNow, 1};
  });
  EXPECT_EQ(freed_during([&] { bench.steps(); }), 0U) << "moved from tape to tape";
  ASSERT_EQ(bench.on("VOL001"), "A00002L9/1");
  EXPECT_EQ(freed_during([&] {
              bench.ask("VOL001");
              bench.steps();
            }),
            0U)
      << "recalled";
  ASSERT_TRUE(bench.volume("VOL001").cached);
  ASSERT_EQ(bench.evict("VOL001"), 1U);
  for (const auto& drive : bench.back.to_drives)
    drive->meet = fail_from(scsi::Opcode::kRead6, 5, codes::kUnrecoveredReadError);
  EXPECT_EQ(freed_during([&] {
              bench.ask("VOL001");
              bench.steps();
            }),
            0U)
      << "recalled in vain";
  EXPECT_FALSE(bench.volume("VOL001").cached);
}

}  // namespace
}  // namespace tapewarden::engine::test
