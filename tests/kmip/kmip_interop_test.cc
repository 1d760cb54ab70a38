// KMIP clients that nobody of this project wrote, at a real key server.
#include <gmock/gmock.h>

#include "kmip/kmip_site.h"

namespace tapewarden::testing {
namespace {

class KmipInterop : public KmipSite {
 protected:
  static Result<CommandResult> run(const std::string& script, const Files& files) {
    return run_command({"/usr/bin/python3", TW_KMIP_TESTS "/" + script, std::to_string(kmip_port()),
                        files.certificate, files.key, site().path("ca/authority.crt")},
                       site().path(script + ".log"), std::chrono::minutes{3});
  }
};

TEST_F(KmipInterop, K21_PyKmipMakesFindsReadsAndDestroysKeysInEveryVersionItSpeaks) {
  const auto files = files_of("pykmip");
  TW_ASSERT_OK(files);
  const auto result = run("pykmip_client.py", *files);
  TW_ASSERT_OK(result);
  EXPECT_EQ(result->end.exit_code, 0) << result->output;
  EXPECT_THAT(result->output, ::testing::HasSubstr("ok   KMIP_2_0: the other one is"));
}

TEST_F(KmipInterop, K21_LibmongocryptRegistersActivatesAndGetsASecret) {
  const auto files = files_of("mongocrypt");
  TW_ASSERT_OK(files);
  const auto result = run("libmongocrypt_client.py", *files);
  TW_ASSERT_OK(result);
  EXPECT_EQ(result->end.exit_code, 0) << result->output;
  EXPECT_THAT(result->output, ::testing::HasSubstr("ok   the data key opens with the key that Get gives"));
}

}  // namespace
}  // namespace tapewarden::testing
