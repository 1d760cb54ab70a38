// A Writer leaves nothing of what it wrote in memory that it gave back.
#include "ttlv/writer.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <gtest/gtest.h>
#include <new>
#include <string_view>

namespace {

constexpr std::string_view kSecret = "a key that is nowhere else in memory";
bool watching = false;
int left = 0;  // blocks that were given back with the secret in them

void look_at(const void* block, std::size_t size) {
  if (!watching || block == nullptr) return;
  const std::string_view all(static_cast<const char*>(block), size);
  if (all.find(kSecret) != std::string_view::npos) ++left;
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t size) noexcept {
  look_at(block, size);
  std::free(block);
}

namespace tapewarden::ttlv {
namespace {

TEST(Writer, K21_WhatAWriterOutgrewHasNoKeyInIt) {
  watching = true;
  {
    Writer out;
    out.begin(Tag{0x420001}).add_bytes(Tag{0x420002}, as_bytes(kSecret));
    for (int i = 0; i < 1000; ++i) out.add_integer(Tag{0x420003}, i);
    out.end();
    auto taken = out.take();
    const auto at = std::ranges::search(taken, as_bytes(kSecret));
    EXPECT_EQ(at.size(), kSecret.size());
    std::ranges::fill(taken, std::uint8_t{0});
  }
  {
    Writer never_taken;
    never_taken.add_bytes(Tag{0x420002}, as_bytes(kSecret));
  }
  watching = false;
  EXPECT_EQ(left, 0);
}

}  // namespace
}  // namespace tapewarden::ttlv
