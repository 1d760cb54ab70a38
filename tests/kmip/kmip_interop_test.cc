// KMIP clients that nobody of this project wrote, at a real key server.
#include <gmock/gmock.h>

#include "kmip/kmip_site.h"

namespace tapewarden::testing {
namespace {

class KmipInterop : public KmipSite {
 protected:
  // The client's files, for programs that want them so.
  struct Files {
    std::string certificate;
    std::string key;
  };
  static Result<Files> files_of(const std::string& name) {
    const auto client = TRY(registered(name));
    Files out{site().path(name + ".crt"), site().path(name + ".key")};
    std::ofstream(out.certificate) << client.certificate.pem();
    const auto key = client.key.pem();
    std::ofstream(out.key) << as_text(key.reveal());
    return out;
  }
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

}  // namespace
}  // namespace tapewarden::testing
