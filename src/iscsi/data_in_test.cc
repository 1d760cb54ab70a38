#include "iscsi/data_in.h"

#include <gtest/gtest.h>
#include <numeric>

namespace tapewarden::iscsi {
namespace {

Bytes counted(std::size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{1});
  return bytes;
}

TEST(IscsiDataIn, L1_WhatAUnitMadeBeyondWhatWasAskedForIsNotKept) {
  const DataIn data(counted(1U << 20), 100, {});
  EXPECT_EQ(Bytes(data.view().begin(), data.view().end()), counted(100));
  EXPECT_LE(data.held(), 200U);
  Bytes roomy = counted(100);
  roomy.reserve(1U << 20);
  EXPECT_LE(DataIn(std::move(roomy), 100, {}).held(), 200U) << "room counts as much as content";
}

TEST(IscsiDataIn, L1_DataThatFitsIsNotCopied) {
  Bytes made = counted(1000);
  made.shrink_to_fit();
  const auto* place = made.data();
  const DataIn data(std::move(made), 600, {});
  EXPECT_EQ(data.view().data(), place);
  EXPECT_EQ(data.view().size(), 600U);
}

TEST(IscsiDataIn, L1_TheMemoryIsGivenBackAtItsEnd) {
  const auto session = std::make_shared<MemoryBudget>(1000);
  const auto all = std::make_shared<MemoryBudget>(1000);
  {
    const DataIn data(counted(500), 500, MemoryShare::of(session, all, 500));
    EXPECT_EQ(session->used(), 500U);
  }
  EXPECT_TRUE(session->used() == 0 && all->used() == 0);
}

}  // namespace
}  // namespace tapewarden::iscsi
