// What lies in memory that was given back, seen from outside the language: through /proc/self/mem.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace tapewarden::apps {
namespace {

constexpr char kSecret = 'S';
constexpr std::size_t kMallocsOwn = 16;  // it keeps lists of free blocks in their first bytes

// How many of the block's bytes still say kSecret.
std::size_t left(std::uintptr_t block, std::size_t size) {
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  EXPECT_GE(memory, 0);
  std::array<char, 4096> seen{};
  const auto got = ::pread(memory, seen.data(), size, static_cast<off_t>(block));
  ::close(memory);
  EXPECT_EQ(got, static_cast<ssize_t>(size));
  return static_cast<std::size_t>(std::count(seen.begin(), seen.begin() + got, kSecret));
}

TEST(WipingDelete, ABufferThatGrewLeavesNothingBehind) {
  constexpr std::size_t kBytes = 512;
  std::vector<char> buffer(kBytes, kSecret);
  const auto block = std::bit_cast<std::uintptr_t>(buffer.data());
  EXPECT_EQ(left(block, kBytes), kBytes);
  buffer.reserve(64 * kBytes);
  EXPECT_EQ(left(block + kMallocsOwn, kBytes - kMallocsOwn), 0U);
}

TEST(WipingDelete, ATextThatEndedLeavesNothingBehind) {
  constexpr std::size_t kBytes = 100;
  auto text = std::make_unique<std::string>(kBytes, kSecret);
  const auto block = std::bit_cast<std::uintptr_t>(text->data());
  EXPECT_EQ(left(block, kBytes), kBytes);
  text.reset();
  EXPECT_EQ(left(block + kMallocsOwn, kBytes - kMallocsOwn), 0U);
}

struct alignas(64) Aligned {
  std::array<char, 256> bytes;
};

TEST(WipingDelete, AnAlignedObjectLeavesNothingBehind) {
  auto object = std::make_unique<Aligned>();
  object->bytes.fill(kSecret);
  const auto block = std::bit_cast<std::uintptr_t>(object.get());
  object.reset();
  EXPECT_EQ(left(block + kMallocsOwn, sizeof(Aligned) - kMallocsOwn), 0U);
}

}  // namespace
}  // namespace tapewarden::apps
