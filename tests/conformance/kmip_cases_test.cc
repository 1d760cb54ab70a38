// The OASIS KMIP test cases against the engine of the key server, without a network.
#include <gtest/gtest.h>

#include "kmip_server.h"
#include "oasis_run.h"

namespace tapewarden::conformance {
namespace {

class EngineAlone {
 public:
  EngineAlone() { server_.set_export(true); }
  PlayedServer played() {
    return {[this](Bytes message) { return server_.ask(std::move(message)); }, server_.now()};
  }

 private:
  KmipServer server_;
};

class AllProfiles : public ::testing::TestWithParam<CasesOfVersion> {};

TEST_P(AllProfiles, K21_ExactlyTheseCasesPass) {
  if (without_vectors()) GTEST_SKIP() << kWithoutVectors;
  EngineAlone engine;
  expect_exactly_these_pass(GetParam(), engine.played());
}

INSTANTIATE_TEST_SUITE_P(Versions, AllProfiles, ::testing::ValuesIn(versions_with_all_profiles()),
                         [](const auto& version) { return version.index == 0 ? "V14" : "V21"; });

class TapeLibraryProfile : public ::testing::TestWithParam<std::string_view> {};

TEST_P(TapeLibraryProfile, K21_AKeyIsMadeFoundServedChangedAndDestroyed) {
  if (without_vectors()) GTEST_SKIP() << kWithoutVectors;
  EngineAlone engine;
  expect_tape_library_passes(GetParam(), engine.played());
}

INSTANTIATE_TEST_SUITE_P(Versions, TapeLibraryProfile,
                         ::testing::ValuesIn(tape_library_versions().begin(), tape_library_versions().end()),
                         [](const auto& version) { return std::string(version.param); });

}  // namespace
}  // namespace tapewarden::conformance
