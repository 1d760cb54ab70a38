// The library's panel with a real tapewarden-taped: an operator works over REST and by the command line while
// a host uses the library over iSCSI; on the files when it is stopped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/loopback.h"
#include "harness/rest_client.h"
#include "harness/test_site.h"
#include "scsi/cdb.h"
#include "scsi/sense_codes.h"
#include "taped/taped_fixture.h"

namespace tapewarden::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class EnginePanel : public CopiedTapedFixture {
 protected:
  void SetUp() override {
    CopiedTapedFixture::SetUp();
    ASSERT_NE(taped_, nullptr);
    const auto ports = free_ports(1);
    ASSERT_EQ(ports.size(), 1U);
    port_ = ports.front();
    const auto edited =
        taped_->edit_config("port = 0\ncertificate", "port = " + std::to_string(port_) + "\ncertificate");
    ASSERT_TRUE(edited) << edited.error().text();
  }
  std::string site() const {
    const auto config = taped_->config_path();
    return config.substr(0, config.rfind("/engine/"));
  }
  std::unique_ptr<RestClient> person(const std::string& name) {
    auto client = RestClient::make(loop_, disk_, port_, site() + "/people/" + name,
                                   site() + "/engine/tls/authorities.crt");
    EXPECT_TRUE(client) << client.error().text();
    return client ? std::move(*client) : nullptr;
  }
  // Output of the command line as this person; the error's text when it fails.
  std::string run(std::vector<std::string> words, const std::string& name = "operator") {
    words.insert(words.begin(), program("tapewarden"));
    words.insert(words.end(), {"--site", site()});
    if (!name.empty()) words.insert(words.end(), {"--as", name});
    const auto result = run_command(words, site() + "/commands.log");
    return result ? result->output : result.error().text();
  }

  net::Loop loop_{1};
  RealDisk disk_;
  std::uint16_t port_ = 0;
};

TEST_F(EnginePanel, U2_TheSameWordsWorkOnFilesAndOnTheRunningEngine) {
  EXPECT_THAT(run({"library", "add-cartridges", "B00001L9", "--capacity", "64M"}, ""), HasSubstr("made 1"));
  EXPECT_THAT(run({"engine", "status"}), AllOf(HasSubstr("cannot connect"), HasSubstr("check that it runs")));
  start();
  EXPECT_THAT(run({"library", "add-cartridges", "B00002L9", "--capacity", "64M"}, ""),
              HasSubstr("--as NAME"));
  EXPECT_THAT(run({"library", "add-cartridges", "B00002L9", "--capacity", "64M"}), HasSubstr("made"));
  EXPECT_THAT(run({"library", "show"}, ""), HasSubstr("B00002L9  LTO   slot 6"));
  EXPECT_EQ(run({"library", "show", "--server", "engine"}), run({"library", "show"}, "")) << "one look";
  EXPECT_THAT(run({"library", "move", "B00002L9", "--to", "port:1"}), HasSubstr("import/export slot 1"));
  EXPECT_THAT(run({"library", "export", "B00001L9"}), HasSubstr("library move B00001L9 --to port:1"));
  EXPECT_THAT(run({"library", "export", "B00002L9"}),
              AllOf(HasSubstr("outside"), HasSubstr(" " + site() + "/engine/library/cartridges/B00002L9")));
  EXPECT_THAT(run({"library", "import", "B00002L9"}), HasSubstr("import/export slot 1"));
  EXPECT_THAT(run({"library", "export", "B00002L9"}), HasSubstr("outside"));
  EXPECT_THAT(run({"library", "remove", "B00002L9"}), HasSubstr("removed"));
  EXPECT_THAT(run({"library", "show"}, ""), Not(HasSubstr("B00002L9")));
  ASSERT_EQ(*taped_->stop(), 0);
  EXPECT_THAT(run({"library", "add-cartridges", "B00003L9", "--capacity", "64M"}, ""), HasSubstr("made 1"));
  EXPECT_THAT(run({"library", "drives"}), HasSubstr("cannot connect"));
}

TEST_F(EnginePanel, U3_AHostAndAnOperatorSeeEachOther) {
  start();
  const auto drives = taped_->drives();
  ASSERT_TRUE(drives);
  EXPECT_THAT(run({"library", "load", "A00001L9", drives->front()}), HasSubstr("drive " + drives->front()));
  auto host = Initiator::connect(taped_->login());
  ASSERT_TRUE(host) << host.error().text();
  const Bytes block(32U << 10, 9);
  const auto written = (*host)->run_past_attentions(
      1, scsi::Write6{.fixed = false, .transfer_length = 32U << 10}.encode(), 0, block);
  ASSERT_TRUE(written);
  ASSERT_TRUE(written->good());
  const auto rest = person("operator");
  ASSERT_NE(rest, nullptr);
  const auto sessions = rest->get("/v1/sessions");
  ASSERT_TRUE(sessions) << sessions.error().text();
  ASSERT_EQ(sessions->at("items").as_array().size(), 1U);
  EXPECT_EQ(sessions->at("items").at(0).at("bytes_from_host").to_number<std::size_t>(), block.size());
  const auto drive = rest->get("/v1/tape-drives/" + drives->front());
  ASSERT_TRUE(drive);
  EXPECT_EQ(drive->at("cartridge").as_string(), "A00001L9");
  EXPECT_EQ(drive->at("mounted").at("block").to_number<int>(), 1);
  EXPECT_THAT(run({"engine", "sessions"}), HasSubstr("127.0.0.1"));
  EXPECT_THAT(run({"engine", "status"}),
              AllOf(HasSubstr("  SERIAL "), HasSubstr(drives->front() + "  LTO   loaded  A00001L9")));
  // By the operator's hand, under the host.
  EXPECT_THAT(run({"library", "unload", drives->front()}), HasSubstr("slot 1"));
  const auto gone = (*host)->run_past_attentions(1, Bytes(6, 0), 0, {});
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->sense.code, scsi::sense_codes::kMediumNotPresent);
  EXPECT_THAT(run({"library", "power", drives->front(), "off"}), HasSubstr("off"));
  const auto dark = (*host)->run_past_attentions(1, Bytes(6, 0), 0, {});
  ASSERT_TRUE(dark);
  EXPECT_EQ(dark->sense.code, scsi::sense_codes::kUnitOffline);
  EXPECT_THAT(run({"library", "power", drives->front(), "on"}), HasSubstr("empty"));
}

TEST_F(EnginePanel, K22_OnlyKnownPeopleAndOnlyWhatTheirRoleMay) {
  start();
  const auto officer = person("officer-1");
  ASSERT_NE(officer, nullptr);
  const auto made = officer->post(
      "/v1/people", {{"name", "watcher"}, {"role", "auditor"}, {"password", "long enough to be one"}});
  ASSERT_TRUE(made) << made.error().text();
  net::HttpClientOptions options;
  options.host = "127.0.0.1";
  options.port = port_;
  net::TlsConfig tls;
  const auto pem = read_file(disk_, site() + "/engine/tls/authorities.crt", 64U << 10);
  ASSERT_TRUE(pem);
  tls.authorities = *crypto::Certificate::list_from_pem(as_text(*pem));
  options.tls = *net::TlsContext::client(tls);
  net::HttpClient client(loop_, std::move(options));
  const auto send = [&client](const std::string& method, const std::string& target, const std::string& body,
                              const std::string& token = {}) {
    net::HttpCall call;
    call.method = method;
    call.target = target;
    call.body = to_bytes(body);
    if (!body.empty()) call.headers.add("content-type", "application/json");
    if (!token.empty()) call.headers.add("authorization", "Bearer " + token);
    auto answer = client.request(std::move(call), std::chrono::seconds{30});
    EXPECT_TRUE(answer) << answer.error().text();
    return answer.value_or(net::HttpResponse{});
  };
  EXPECT_EQ(send("GET", "/v1/status", "").status, 401U);
  EXPECT_EQ(send("POST", "/v1/session", R"({"name":"watcher","password":"wrong, but long"})").status, 401U);
  const auto in = send("POST", "/v1/session", R"({"name":"watcher","password":"long enough to be one"})");
  ASSERT_EQ(in.status, 200U);
  const auto token = json::value_to<std::string>(json::parse(as_text(in.body)).at("token"));
  EXPECT_EQ(send("GET", "/v1/status", "", token).status, 200U);
  EXPECT_EQ(send("POST", "/v1/cartridges/A00001L9/move", "{}", token).status, 403U);
  EXPECT_EQ(send("POST", "/v1/cartridges/A00001L9/move", "[1,2", token).status, 403U);
  const auto rest = person("operator");
  ASSERT_NE(rest, nullptr);
  const auto wrong = rest->call("POST", "/v1/cartridges/A00001L9/move", {{"whither", "slot 9"}});
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->status, 400U);
  EXPECT_EQ(wrong->body.at("error").at("origin").as_string(), "engine");
  ASSERT_EQ(*taped_->stop(), 0);
  const auto record = read_file(disk_, site() + "/engine/data/audit/audit.jsonl", 1U << 20);
  ASSERT_TRUE(record) << record.error().text();
  EXPECT_THAT(std::string(as_text(*record)), HasSubstr("watcher"));
}

TEST_F(EnginePanel, U3_WithoutItsSectionThereIsNoPanel) {
  const auto config = read_file(disk_, taped_->config_path(), 64U << 10);
  ASSERT_TRUE(config);
  std::string text(as_text(*config));
  const auto from = text.find("[https]");
  text.erase(from, text.find("[log]") - from);
  ASSERT_TRUE(write_file_atomically(disk_, taped_->config_path(), as_bytes(text)));
  start();
  EXPECT_THAT(taped_->log(), HasSubstr("no [https] is configured"));
  EXPECT_THAT(run({"engine", "status"}), HasSubstr("has no [https]"));
}

TEST_F(EnginePanel, L1_ARamDiskIsServedAsATargetOfItsOwn) {
  ASSERT_TRUE(taped_->edit_config(
      "# [ram_disk]\n# target = \"iqn.2026-11.internal.tapewarden:ram-disk\"\n# size_mib = 64",
      "[ram_disk]\ntarget = \"iqn.2026-11.internal.tapewarden:ram-disk\"\nsize_mib = 8"));
  start();
  auto login = taped_->login();
  login.target = "iqn.2026-11.internal.tapewarden:ram-disk";
  auto host = Initiator::connect(login);
  ASSERT_TRUE(host) << host.error().text();
  const Bytes capacity{0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0};  // READ CAPACITY(10)
  const auto told = (*host)->run_past_attentions(0, capacity, 8, {});
  ASSERT_TRUE(told);
  ASSERT_TRUE(told->good());
  EXPECT_EQ(told->data_in, (Bytes{0, 0, 0x3f, 0xff, 0, 0, 2, 0}));
  const auto rest = person("operator");
  ASSERT_NE(rest, nullptr);
  const auto status = rest->get("/v1/status");
  ASSERT_TRUE(status);
  EXPECT_THAT(json::serialize(status->at("units")), HasSubstr("RAM disk"));
}

TEST_F(EnginePanel, L3_DrivesSayThatTheyAreWhatTheConfigurationSays) {
  ASSERT_TRUE(
      taped_->edit_config("# [drives]\n# vendor = \"TAPEWARD\"\n# product = \"VIRTUAL LTO\"",
                          "[drives]\nvendor = \"IBM\"\nproduct = \"ULT3580-TD8\"\ndensity = \"LTO-8\""));
  start();
  auto host = Initiator::connect(taped_->login());
  ASSERT_TRUE(host) << host.error().text();
  const auto inquiry =
      (*host)->run_past_attentions(1, scsi::Inquiry{.allocation_length = 96}.encode(), 96, {});
  ASSERT_TRUE(inquiry);
  EXPECT_THAT(std::string(as_text(ByteView(inquiry->data_in).subspan(8, 24))), "IBM     ULT3580-TD8     ");
  const auto rest = person("operator");
  const auto drives = rest->get("/v1/tape-drives");
  ASSERT_TRUE(drives);
  EXPECT_EQ(drives->at("items").at(0).at("density").as_string(), "U-832");
}

}  // namespace
}  // namespace tapewarden::testing
