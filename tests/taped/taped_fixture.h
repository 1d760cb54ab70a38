// Tests that see the virtual library as its hosts do: a tapewarden-taped with a site of its own. Not
// thread-safe.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <utility>

#include "taped/taped_process.h"

namespace tapewarden::testing {

class TapedFixture : public ::testing::Test {
 protected:
  // A new site in `taped_`; nothing runs yet.
  void make_site() {
    auto made = TapedProcess::make();
    ASSERT_TRUE(made) << made.error().text();
    taped_ = std::move(*made);
  }
  void start() {
    const auto started = taped_->start();
    ASSERT_TRUE(started) << started.error().text();
  }
  // Null after a failed expectation.
  std::unique_ptr<Initiator> connect() {
    auto host = Initiator::connect(taped_->login());
    EXPECT_TRUE(host) << host.error().text();
    return host ? std::move(*host) : nullptr;
  }

  std::unique_ptr<TapedProcess> taped_;
};

// The same with one site made for the whole suite, of which each test has a copy: keys are slow to make.
class CopiedTapedFixture : public TapedFixture {
 protected:
  static void SetUpTestSuite() {
    auto made = TapedProcess::make();
    ASSERT_TRUE(made) << made.error().text();
    original_ = std::move(*made);
  }
  static void TearDownTestSuite() { original_.reset(); }
  void SetUp() override {
    ASSERT_NE(original_, nullptr);
    auto copied = original_->copy();
    ASSERT_TRUE(copied) << copied.error().text();
    taped_ = std::move(*copied);
  }

 private:
  static inline std::unique_ptr<TapedProcess> original_;
};

}  // namespace tapewarden::testing
