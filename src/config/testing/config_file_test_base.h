// What tests of a program's configuration file share: a file with one thing changed, and the fault that its
// reader must find in it. Not thread-safe.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include "base/testing/sim_env.h"

namespace tapewarden::config::testing {

template <class Config>
class ConfigFileTestBase : public ::testing::Test {
 protected:
  using Reader = Result<Config> (*)(Disk& disk, const std::string& path);

  // `whole`: a text that the reader accepts. The file lies in the folder that file() names things in.
  ConfigFileTestBase(Reader reader, std::string whole) : reader_(reader), whole_(std::move(whole)) {}

  std::string file(const std::string& name) const { return "/settings/" + name; }
  Result<Config> read_file(const std::string& name) { return reader_(sim_.disk, file(name)); }
  Result<Config> read(const std::string& text) {
    EXPECT_TRUE(write_file_atomically(sim_.disk, file("settings.toml"), as_bytes(text), 0600));
    return read_file("settings.toml");
  }
  // The whole text with the first `from` replaced.
  Result<Config> read_with(const std::string& from, const std::string& to) {
    std::string text = whole_;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at == std::string::npos) return fail(ErrorCode::kInternal, "there is no " + from);
    return read(text.replace(at, from.size(), to));
  }
  static void expect_fault(const Result<Config>& config, const std::string& field,
                           const std::string& remedy) {
    ASSERT_FALSE(config.has_value()) << field;
    EXPECT_EQ(config.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(config.error().field, field);
    EXPECT_THAT(config.error().remedy, ::testing::HasSubstr(remedy)) << field;
  }

 private:
  Reader reader_;
  std::string whole_;
  tapewarden::testing::SimEnv sim_{3};
};

}  // namespace tapewarden::config::testing
