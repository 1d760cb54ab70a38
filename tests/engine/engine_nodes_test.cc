// Engine nodes that know nothing of each other (feature row T14): "The pool settings for each node are
// independent of the settings for other nodes", and so are their key servers. And a library that one
// tapewarden-taped serves over iSCSI, behind the engine of another.
#include <gmock/gmock.h>

#include "apps/taped_config.h"
#include "engine/scenario_site.h"
#include "harness/loopback.h"
#include "tape/library/library_folder.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::size_t kVolume = 20U << 20;
constexpr std::chrono::seconds kStart{30};
// The library that the first node has over iSCSI.
constexpr auto kOuterDrive = "TWOUTER001";
constexpr auto kOuterTarget = "iqn.2026-11.internal.tapewarden:outer";

class Nodes : public ScenarioSite {
 protected:
  static void SetUpTestSuite() {
    ScenarioSite::SetUpTestSuite();
    if (node_ == nullptr) return;
    TW_EXPECT_OK(make_group("MUNICH", 10));
    TW_EXPECT_OK(make_kek("Main site key"));
    TW_EXPECT_OK(add_cartridges("LTO001L9-LTO002L9", "LTO"));
    TW_EXPECT_OK(serve_outer_library());
    TW_EXPECT_OK(site().wait_in_step());
    TW_EXPECT_OK(node().start());
    TW_EXPECT_OK(start_other());
  }
  static void TearDownTestSuite() {
    if (other_ != nullptr && other_->taped().running()) TW_EXPECT_OK(other_->stop());
    other_.reset();
    other_site_.reset();
    // However long they were at rest.
    EXPECT_THAT(outer_->output(), Not(HasSubstr("the initiator does not answer any more")));
    ScenarioSite::TearDownTestSuite();
    outer_.reset();
  }

  // A second node, with key servers of its own.
  static Status start_other() {
    other_site_ = TRY(TestSite::make());
    TRY(there().start_both());
    TRY(configure(there()));
    other_ = TRY(EngineNode::of_site(there()));
    TRY(small_cache(*other_));
    TRY(add_cartridges(there(), "LTO001L9", "LTO"));
    TRY(add_cartridges(there(), "ENT001", "3592"));
    auto& officer = there().rest(Which::kPrimary);
    TRY(officer.post("/v1/groups", json::object{{"name", "VIENNA"}}));
    TRY(officer.post("/v1/keys", json::object{{"count", 4}, {"group", "VIENNA"}}));
    TRY(there().wait_in_step());
    return other_->start();
  }
  static TestSite& there() { return *other_site_; }
  static EngineNode& other() { return *other_; }

  // A tapewarden-taped without an engine, whose drive's keys are its host's matter; and that host's part.
  static Status serve_outer_library() {
    const auto ports = free_ports(1);
    if (ports.empty()) return fail(ErrorCode::kIo, "no free ports");
    const auto config = file("engine/outer.toml");
    std::ofstream(config) << "[iscsi]\nport = " << ports[0] << "\ntarget = \"" << kOuterTarget << "\"\n"
                          << "[library]\nfolder = \"outer\"\nidentities = \"drives\"\nserial = \"TWOUTER\"\n"
                          << "slots = 10\ndrives = [\"LTO " << kOuterDrive << " system\"]\n"
                          << "key_servers = \"engine.toml\"\n";
    const auto& folder = site().directory();
    TRY(tapewarden({"drive", "create", "--site", folder, "--kind", "LTO", "--serial", kOuterDrive}));
    TRY(tapewarden({"library", "enrol", "--site", folder, "--config", config}));
    TRY(rest().post("/v1/drives/00" + std::string(kOuterDrive) + "/accept"));
    RealClock clock;
    const Env env{&clock, &site().disk(), &site().random(), nullptr};
    const auto read = TRY(apps::read_taped_config(site().disk(), config));
    (void)TRY(tape::LibraryFolder::create(env, read.library));
    TRY(tapewarden(
        {"library", "add-cartridges", "OUT001L9", "--capacity", "1G", "--site", folder, "--config", config}));
    TRY(start_outer());
    const std::string url = "iscsi://127.0.0.1:" + std::to_string(ports[0]) + "/" + kOuterTarget;
    std::ofstream(config_path(), std::ios::app)
        << "[[engine.back_end]]\nkind = \"iscsi\"\nname = \"OUTER\"\nchanger = \"" << url << "/0\"\n"
        << "drives = [\"" << kOuterDrive << " " << url << "/1\"]\n";
    return {};
  }
  static Status start_outer() {
    outer_ = TRY(Process::start({program("tapewarden-taped"), "run", "--config", file("engine/outer.toml")},
                                file("outer.log")));
    if (eventually([] { return outer_->output().find("ready: iSCSI") != std::string::npos; }, kStart))
      return {};
    return fail(ErrorCode::kUnavailable, outer_->output());
  }

  static inline std::optional<Process> outer_;
  static inline std::unique_ptr<TestSite> other_site_;
  static inline std::unique_ptr<EngineNode> other_;
};

TEST_F(Nodes, T14_ALibraryOfAnotherProcessIsABackEndLikeAnyOther) {
  TW_EXPECT_OK(node().set_pool(3, {{"encryption", "identified"}, {"key_group", "MUNICH"}}));
  TW_EXPECT_OK(node().insert_cartridges("OUT001L9", 3));
  EXPECT_EQ(node().text("/v1/physical-volumes/OUT001L9", "library"), "OUTER");
  (void)node().as("officer-1").post("/v1/storage-groups", json::object{{"name", "OUTSIDE"}, {"pool", 3}});
  const auto data = noise(kVolume, 1);
  TW_EXPECT_OK(node().insert_volumes("OUT001-OUT002", {{"storage_group", "OUTSIDE"}}));
  TW_EXPECT_OK(node().save("OUT001", data));
  TW_EXPECT_OK(node().wait_until_copied("OUT001"));
  EXPECT_EQ(node().text("/v1/physical-volumes/OUT001L9", "encryption"), "identified");
  EXPECT_TRUE(eventually([&] { return state_of("OUT001L9") == "confirmed"; })) << state_of("OUT001L9");
  EXPECT_FALSE(lies_open_in({"engine/outer", "engine/cache"}, data));
  const std::vector<std::string> written{"1", "2a", "2b", "2c", "2d", "2e", "4"};
  EXPECT_TRUE(eventually([&] { return steps_of("OUT001L9") == written; }))
      << ::testing::PrintToString(steps_of("OUT001L9"));
  TW_EXPECT_OK(node().save("OUT002", noise(kVolume, 2)));
  TW_EXPECT_OK(node().wait_until_copied("OUT002"));
  TW_EXPECT_OK(node().evict({"OUT001", "OUT002"}));
  const auto back = node().restore("OUT001", data.size());
  TW_EXPECT_OK(back);
  EXPECT_TRUE(back && *back == data);
  EXPECT_THAT(node().interventions(), IsEmpty());
}

TEST_F(Nodes, T14_EncryptionByStoragePool_NodesHaveSettingsOfTheirOwn) {
  // The same pool, set another way; each node's key servers know its own names alone.
  TW_EXPECT_OK(node().set_pool(1, {{"encryption", "identified"}, {"key_group", "MUNICH"}}));
  TW_EXPECT_OK(other().set_pool(1, {{"encryption", "identified"}, {"key_group", "VIENNA"}}));
  EXPECT_FALSE(other().set_pool(1, {{"key_group", "MUNICH"}}));
  EXPECT_FALSE(node().set_pool(1, {{"key_group", "VIENNA"}}));
  EXPECT_TRUE(
      node().set_pool(2, {{"media", "3592"}, {"encryption", "wrapped"}, {"label_1", "Main site key"}}));
  EXPECT_EQ(other().text("/v1/pools/2", "encryption"), "off");

  // The same volume and cartridge names, and other keys.
  TW_EXPECT_OK(node().insert_cartridges("LTO001L9", 1));
  TW_EXPECT_OK(other().insert_cartridges("LTO001L9", 1));
  const auto data = noise(kVolume, 3);
  for (auto* one : {&node(), &other()}) {
    TW_EXPECT_OK(one->insert_volumes("VOL001"));
    TW_EXPECT_OK(one->save("VOL001", data));
    TW_EXPECT_OK(one->wait_until_copied("VOL001"));
  }
  EXPECT_NE(node().text("/v1/physical-volumes/LTO001L9", "alias"),
            other().text("/v1/physical-volumes/LTO001L9", "alias"));
  TW_EXPECT_OK(other().evict({"VOL001"}));
  // What happens to the key servers of one is no matter of the other().
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  EXPECT_TRUE(eventually([&] { return node().interventions().size() == 2; }));
  EXPECT_THAT(other().interventions(), IsEmpty());
  const auto back = other().restore("VOL001", data.size());
  TW_EXPECT_OK(back);
  EXPECT_TRUE(back && *back == data);
  TW_EXPECT_OK(site().start_both());
  EXPECT_TRUE(eventually([&] { return node().interventions().empty(); }));
}

// "If you are sharing keys (KEKs) across different EKMs": the certificate is imported there, and a second one
// under its label is not made.
TEST_F(Nodes, T14_EncryptionByStoragePool_KeysOfOneSiteAreBroughtToTheOther) {
  TW_EXPECT_OK(make_kek("Shared key"));
  auto& officer = there().rest(Which::kPrimary);
  const auto asked = [] {
    const json::object pool{{"media", "3592"}, {"encryption", "wrapped"}, {"label_1", "Shared key"}};
    const auto answer = other().as("officer-1").call("PATCH", "/v1/pools/3", pool);
    return answer ? answer->status : 0U;
  };
  EXPECT_EQ(asked(), 404U) << "the key servers there do not know the label";
  const auto kek = rest().get("/v1/keks/Shared%20key");
  TW_ASSERT_OK(kek);
  TW_EXPECT_OK(officer.post(
      "/v1/keks/certificates",
      json::object{{"certificate", kek->at("certificate").at("pem")}, {"labels", {"Shared key"}}}));
  EXPECT_FALSE(officer.post(
      "/v1/keks", json::object{{"common_name", "twice"}, {"bits", 2048}, {"labels", {"Shared key"}}}));
  const auto brought = officer.get("/v1/keks/Shared%20key");
  TW_ASSERT_OK(brought);
  EXPECT_EQ(brought->at("id"), kek->at("id")) << "the same key under the same label";
  EXPECT_EQ(brought->at("has_private"), false);
  TW_EXPECT_OK(there().wait_in_step());
  EXPECT_EQ(asked(), 409U) << "known; but nobody there could read what is written with it alone";

  // Beside a label of their own key pair it is taken, and they say what they can do with it.
  TW_EXPECT_OK(officer.post("/v1/keks",
                            json::object{{"common_name", "own"}, {"bits", 2048}, {"labels", {"Own key"}}}));
  TW_EXPECT_OK(there().wait_in_step());
  const auto both = other()
                        .as("officer-1")
                        .call("PATCH", "/v1/pools/3",
                              json::object{{"media", "3592"},
                                           {"encryption", "wrapped"},
                                           {"label_1", "Own key"},
                                           {"label_2", "Shared key"}});
  TW_ASSERT_OK(both);
  EXPECT_EQ(both->status, 200U) << json::serialize(both->body);
  EXPECT_THAT(json::serialize(both->body), HasSubstr("cannot read back; only beside"));
}

}  // namespace
}  // namespace tapewarden::testing
