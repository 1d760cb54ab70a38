// K18 between two real installations, each as site-init makes it: the seven steps in both directions by the
// command line, and a cartridge that was written at one and is read at the other.
#include <filesystem>
#include <gmock/gmock.h>

#include "integration/tape_site.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;

// One installation: a pair of key servers, its officers and its drives.
class Installation {
 public:
  Status start() {
    site_ = TRY(TestSite::make());
    return site_->start_both();
  }
  Status stop() {
    TRY(site_->stop(Which::kPrimary));
    return site_->stop(Which::kSecondary);
  }
  TestSite& site() { return *site_; }
  std::string file(const std::string& name) const { return site_->path(name); }

  Result<std::string> tapewarden(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("tapewarden"));
    const auto result = TRY(run_command(arguments, file("tapewarden.log")));
    if (result.end.exit_code == 0) return result.output;
    return fail(ErrorCode::kInternal, result.output);
  }
  Result<std::string> officer(std::vector<std::string> arguments, const std::string& name = "officer-1",
                              Which which = Which::kPrimary) {
    arguments.insert(arguments.end(), {"--site", site_->directory(), "--as", name, "--server",
                                       "https://127.0.0.1:" + std::to_string(site_->https_port(which))});
    return tapewarden(std::move(arguments));
  }
  // Asked for by the first, approved by the second, done by the first.
  Result<std::string> both_officers(std::vector<std::string> arguments) {
    const auto asked = officer(arguments);
    constexpr std::string_view kBefore = "(request ";
    const auto at = asked ? std::string::npos : asked.error().message.find(kBefore);
    if (at == std::string::npos) return asked;
    const auto start = at + kBefore.size();
    const auto& text = asked.error().message;
    const std::string request = text.substr(start, text.find_first_of(",)", start) - start);
    (void)TRY(officer({"approval", "approve", request}, "officer-2"));
    arguments.insert(arguments.end(), {"--approval", request});
    return officer(std::move(arguments));
  }
  Status make_drive(const std::string& serial) {
    const std::string folder = site_->directory();
    TRY(tapewarden({"drive", "create", "--site", folder, "--kind", "LTO", "--serial", serial}));
    TRY(tapewarden({"drive", "enrol", "--site", folder, "--serial", serial}));
    TRY(site_->rest(Which::kPrimary).post("/v1/drives/00" + serial + "/accept"));
    return {};
  }
  Status tape(const std::string& verb, const std::string& serial, const std::string& cartridge,
              std::vector<std::string> options) {
    options.insert(options.begin(),
                   {"tape", verb, "--site", site_->directory(), "--drive", serial, "--cartridge", cartridge});
    TRY(tapewarden(std::move(options)));
    return {};
  }
  // A cartridge with these bytes, written with a key of the group.
  Status write_cartridge(const std::string& serial, const std::string& volser, const std::string& group,
                         const std::string& data) {
    TRY(tapewarden({"cartridge", "create", file(volser), "--kind", "LTO", "--volser", volser}));
    return tape("write", serial, file(volser), {"--group", group, "--input", data});
  }
  std::string audit() {
    const auto records = site_->rest(Which::kPrimary).get("/v1/audit?limit=1000");
    return records ? json::serialize(*records) : records.error().text();
  }

 private:
  std::unique_ptr<TestSite> site_;
};

// The digits of "fingerprint: 3f2a …".
std::string fingerprint_in(const std::string& output) {
  constexpr std::string_view kBefore = "fingerprint: ";
  const auto at = output.find(kBefore);
  return at == std::string::npos ? "" : output.substr(at + kBefore.size(), 39);
}

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
  // Steps 1 to 3: the destination's certificate becomes a confirmed partner of the source.
  static Status introduce(Installation& source, Installation& destination, const std::string& name) {
    const std::string certificate = destination.file("our-site.pem");
    const auto told = TRY(destination.officer({"partner", "certificate", "--output", certificate}));
    (void)TRY(source.officer({"partner", "import", name, certificate}));
    (void)TRY(source.officer(
        {"partner", "confirm", name, "--fingerprint", fingerprint_in(told), "--read-by", "Anna Huber"}));
    return {};
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
    EXPECT_THAT(*given, HasSubstr("1 keys for " + to));
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
