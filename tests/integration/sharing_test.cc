// K18 between two real installations, each as site-init makes it: the seven steps in both directions by the
// command line, and a cartridge that was written at one and is read at the other.
#include <filesystem>
#include <gmock/gmock.h>

#include "integration/installation.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;

class Sharing : public ::testing::Test {
 protected:
  void SetUp() override {
    TW_EXPECT_OK(munich.start());
    TW_EXPECT_OK(vienna.start());
  }
  void TearDown() override {
    TW_EXPECT_OK(munich.stop());
    TW_EXPECT_OK(vienna.stop());
  }
  // Steps 4 to 7, by volume: what the destination reads is what the source wrote.
  void share_a_cartridge(Installation& source, Installation& destination, const std::string& to,
                         const std::string& serial, const std::string& volser) {
    auto& rest = source.site().rest(Which::kPrimary);
    TW_EXPECT_OK(rest.post("/v1/groups", json::object{{"name", "SHARED"}}));
    TW_EXPECT_OK(rest.post("/v1/keys", json::object{{"count", 4}, {"group", "SHARED"}}));
    TW_EXPECT_OK(source.make_drive(serial));
    TW_EXPECT_OK(destination.make_drive(serial));
    const Bytes data = random_file(source.site().random(), source.file("data"), std::size_t{200} << 10);
    TW_EXPECT_OK(source.write_cartridge(serial, volser, "SHARED", source.file("data")));

    const std::string cartridge = destination.file("from-partner-" + volser);
    std::filesystem::copy_file(source.file(volser), cartridge);
    EXPECT_FALSE(destination.tape("read", serial, cartridge, {"--output", destination.file("early")}));

    const std::string keys = source.file("partner.keys");
    const auto given =
        source.both_officers({"key", "export", "--to", to, "--volume", volser, "--output", keys});
    TW_ASSERT_OK(given);
    EXPECT_THAT(*given, HasSubstr("1 key for " + to));
    const auto taken = destination.officer({"key", "import", keys});
    TW_ASSERT_OK(taken);
    EXPECT_THAT(*taken, HasSubstr("added: 1, unchanged: 0"));
    TW_EXPECT_OK(destination.tape("read", serial, cartridge, {"--output", destination.file("back")}));
    EXPECT_TRUE(read_bytes(destination.file("back")) == data);
    const auto again = destination.officer({"key", "import", keys});
    TW_ASSERT_OK(again);
    EXPECT_THAT(*again, HasSubstr("added: 0, unchanged: 1"));
  }

  Installation munich;
  Installation vienna;
};

TEST_F(Sharing, K18_TheSevenStepsBothWaysAndACartridgeIsRead) {
  TW_EXPECT_OK(introduce(munich, vienna, "VIENNA"));
  TW_EXPECT_OK(introduce(vienna, munich, "MUNICH"));
  share_a_cartridge(munich, vienna, "VIENNA", "1800000001", "TW0181L9");
  share_a_cartridge(vienna, munich, "MUNICH", "1800000002", "TW0182L9");

  // The other server of the pair knows the partner and holds the keys.
  const auto there = vienna.officer({"key", "import", munich.file("partner.keys"), "--dry-run"}, "officer-1",
                                    Which::kSecondary);
  TW_ASSERT_OK(there);
  EXPECT_THAT(*there, HasSubstr("would be added: 0, unchanged: 1"));
  const auto pipe = run_command(
      {"/bin/sh", "-c",
       program("tapewarden") + " key import - --site " + vienna.site().directory() +
           " --as officer-1 --server https://127.0.0.1:" +
           std::to_string(vienna.site().https_port(Which::kPrimary)) + " < " + munich.file("partner.keys")},
      vienna.file("pipe.log"));
  TW_ASSERT_OK(pipe);
  EXPECT_THAT(pipe->output, HasSubstr("added: 0, unchanged: 1"));

  // One's own export brings nothing, and says so.
  const auto own = munich.officer({"key", "import", munich.file("partner.keys")});
  ASSERT_FALSE(own);
  EXPECT_THAT(own.error().message, HasSubstr("exported by this site itself"));
  // One officer alone exports nothing.
  const auto alone = munich.officer(
      {"key", "export", "--to", "VIENNA", "--group", "SHARED", "--output", munich.file("alone.keys")});
  ASSERT_FALSE(alone);
  EXPECT_THAT(alone.error().message, HasSubstr("(request "));
  EXPECT_FALSE(std::filesystem::exists(munich.file("alone.keys")));
  const std::string record = munich.audit();
  for (const auto* action : {"partner.own-make", "partner.import", "partner.confirm", "key.export",
                             "key.import-shared", "exported by this site itself"}) {
    EXPECT_THAT(record, HasSubstr(action));
  }
}

}  // namespace
}  // namespace tapewarden::testing
