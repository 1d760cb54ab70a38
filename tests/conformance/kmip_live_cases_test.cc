// The OASIS KMIP test cases against a running tapewarden-keyd, over TLS with a client's certificate. Objects
// are their owner's alone, so a client of its own for each round of cases meets a server that has nothing
// yet.
#include <gtest/gtest.h>

#include "base/concat.h"
#include "kmip/kmip_site.h"
#include "oasis_run.h"

namespace tapewarden::conformance {
namespace {

constexpr std::chrono::milliseconds kPatience{30'000};

class LiveCases : public testing::KmipSite {
 protected:
  // A new client at the primary.
  static Result<testing::KmipLink> new_client(const std::string& name) {
    return connect(TRY(registered_as({{"name", name}, {"may_export", true}})));
  }
  static PlayedServer played(testing::KmipLink& link) {
    return {
        [&link](const Bytes& message) { return link.client().call(message, kPatience).value_or(Bytes()); },
        to_millis(RealClock().wall_now()) / 1000};
  }
};

TEST_F(LiveCases, K21_ExactlyTheseCasesPassOverTheNetworkToo) {
  if (without_vectors()) GTEST_SKIP() << kWithoutVectors;
  for (const auto& version : versions_with_all_profiles()) {
    SCOPED_TRACE(version.folder);
    auto link = new_client(concat("cases ", version.folder));
    TW_ASSERT_OK(link);
    expect_exactly_these_pass(version, played(*link));
  }
}

TEST_F(LiveCases, K21_ATapeLibraryOfEachVersionIsServedOverTheNetwork) {
  if (without_vectors()) GTEST_SKIP() << kWithoutVectors;
  for (const auto version : tape_library_versions()) {
    SCOPED_TRACE(version);
    auto link = new_client(concat("library ", version));
    TW_ASSERT_OK(link);
    expect_tape_library_passes(version, played(*link));
  }
}

}  // namespace
}  // namespace tapewarden::conformance
