// K19: a pair of key servers of which one dies at a random moment.
#include <filesystem>
#include <fstream>
#include <random>

#include "harness/key_record.h"
#include "integration/running_site.h"

namespace tapewarden::testing {
namespace {

using dkx::DriveKind;

constexpr int kDeaths = 3;
constexpr std::size_t kAtLeast = 60;  // acknowledged by each method before a death

class KeydPair : public RunningSite {
 protected:
  static KeyLoad::Maker writer(const TestDrive& drive, dkx::Asked asked) {
    return [&drive, asked]() -> std::optional<dkx::KeyRequest> {
      dkx::KeyRequest request = drive.write();
      request.asked = asked;
      return request;
    };
  }

  static void expect_nothing_lost(KeyRecord& record, Which at, std::size_t from, const std::string& when) {
    const auto loss = record.verify(site(), at, from);
    TW_ASSERT_OK(loss);
    EXPECT_EQ(loss->all(), 0U) << when << ": unreadable " << loss->unreadable << ", wrong key "
                               << loss->wrong_key << ", no ledger row " << loss->no_ledger
                               << ", not confirmed " << loss->not_confirmed << "; first: " << loss->first;
  }

  // Some more writes with one server alone.
  static void expect_goes_on(Which at, const TestDrive& drive, const dkx::Asked& asked, KeyRecord& record) {
    auto link = DriveLink::connect(site(), at);
    TW_ASSERT_OK(link);
    for (int i = 0; i < 20; ++i) {
      dkx::KeyRequest request = drive.write();
      request.asked = asked;
      const auto answer = link->ask(drive, request);
      ASSERT_EQ(code_of(answer), "served");
      record.add(request, *answer);
    }
  }
};

TEST_F(KeydPair, K19_NothingAcknowledgedIsLostWhenThePrimaryDies) {
  const auto lto = enrolled_drive("K19LTO000001", DriveKind::kLto);
  TW_ASSERT_OK(lto);
  const auto wrapped = enrolled_drive("K19WRAP00001", DriveKind::k3592);
  TW_ASSERT_OK(wrapped);
  const dkx::Asked group = dkx::GroupAsked{"K19"};
  const dkx::Asked labels = dkx::LabelsAsked{{"K19 KEK", eedk::LabelMode::kClear}};
  ASSERT_TRUE(make_group("K19", 6'000).has_value());
  TW_EXPECT_OK(
      site().rest(Which::kSecondary).post("/v1/keys", json::object{{"count", 6'000}, {"group", "K19"}}));
  TW_EXPECT_OK(
      rest().post("/v1/keks", json::object{{"common_name", "k19"}, {"bits", 2048}, {"labels", {"K19 KEK"}}}));

  KeyRecord keys(*lto);  // of both servers, so that a key handed out by both is found
  KeyRecord eedks(*wrapped);
  std::mt19937 random(19);
  for (int death = 0; death < kDeaths; ++death) {
    TW_EXPECT_OK(site().wait_in_step());
    const std::size_t keys_before = keys.acknowledged();
    const std::size_t eedks_before = eedks.acknowledged();
    {
      const auto here = KeyLoad::start(site(), Which::kPrimary, *lto, 8, writer(*lto, group), keys.sink());
      const auto there = KeyLoad::start(site(), Which::kSecondary, *lto, 2, writer(*lto, group), keys.sink());
      const auto heavy =
          KeyLoad::start(site(), Which::kPrimary, *wrapped, 8, writer(*wrapped, labels), eedks.sink());
      TW_ASSERT_OK(here);
      TW_ASSERT_OK(there);
      TW_ASSERT_OK(heavy);
      ASSERT_TRUE(eventually([&] {
        return keys.acknowledged() >= keys_before + kAtLeast &&
               eedks.acknowledged() >= eedks_before + kAtLeast;
      })) << keys.acknowledged()
          << " and " << eedks.acknowledged() << "; " << keys.last_refusal() << "; " << eedks.last_refusal();
      std::this_thread::sleep_for(std::chrono::milliseconds{random() % 700});
      site().kill_hard(Which::kPrimary);
      EXPECT_FALSE((*here)->fault().has_value());
      EXPECT_FALSE((*heavy)->fault().has_value());
    }
    expect_nothing_lost(keys, Which::kSecondary, keys_before, "keys at the secondary, the primary dead");
    expect_nothing_lost(eedks, Which::kSecondary, eedks_before, "EEDKs at the secondary, the primary dead");
    expect_goes_on(Which::kSecondary, *lto, group, keys);
    expect_goes_on(Which::kSecondary, *wrapped, labels, eedks);
    TW_EXPECT_OK(site().start(Which::kPrimary));
    TW_EXPECT_OK(site().wait_in_step());
    expect_nothing_lost(keys, Which::kPrimary, keys_before, "keys at the primary, both in step again");
    expect_nothing_lost(eedks, Which::kPrimary, eedks_before, "EEDKs at the primary, both in step again");
    EXPECT_TRUE(keys.handed_out_twice().empty()) << keys.handed_out_twice().front();
    if (HasFailure()) break;
  }
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    expect_nothing_lost(keys, which, 0, "all keys in the end");
    expect_nothing_lost(eedks, which, 0, "all EEDKs in the end");
  }
  std::printf("K19: %d deaths, %zu keys and %zu EEDK sets acknowledged, %zu and %zu refused, lost %s\n",
              kDeaths, keys.acknowledged(), eedks.acknowledged(), keys.refused(), eedks.refused(),
              HasFailure() ? "some" : "0");
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    TW_EXPECT_OK(site().stop(which));
    const auto checked = site().check(which);
    TW_ASSERT_OK(checked);
    EXPECT_EQ(checked->end.exit_code, 0) << checked->output;
  }
}

// What an operator sees of comparing and copying anew, and that one officer alone rewrites nothing.
TEST_F(KeydPair, K19_ComparingAndCopyingAnewByRest) {
  if (!site().running(Which::kPrimary)) TW_EXPECT_OK(site().start_both());
  TW_EXPECT_OK(site().wait_in_step());
  ASSERT_TRUE(make_group("COMPARED", 1'200).has_value());
  TW_EXPECT_OK(site().wait_in_step());
  const auto equal_at = [&](Which which) {
    const auto done = site().rest(which).post("/v1/comparison");
    return done && !done->at("running").as_bool() && done->at("result").as_string() == "equal" &&
           done->at("items").as_array().empty();
  };
  for (const Which which : {Which::kPrimary, Which::kSecondary}) EXPECT_TRUE(equal_at(which));
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    const auto status = site().rest(which).get("/v1/status");
    TW_ASSERT_OK(status);
    EXPECT_EQ(status->at("comparison").at("result").as_string(), "equal");
    EXPECT_NE(status->at("comparison").at("last").as_string(), "never");
  }
  TW_EXPECT_OK(rest().post("/v1/sync/merge"));
  const auto at_rest = [&] {
    const auto status = rest().get("/v1/status");
    if (!status) return false;
    const auto& peer = status->at("peer");
    return peer.at("in_step").as_bool() && peer.at("copying_again").as_string().empty() &&
           !peer.at("sending_again").as_bool();
  };
  EXPECT_TRUE(eventually(at_rest));
  EXPECT_TRUE(equal_at(Which::kPrimary));
  const auto asked = rest().call("POST", "/v1/sync/rewrite", json::object{});
  TW_ASSERT_OK(asked);
  EXPECT_EQ(asked->status, 202U) << json::serialize(asked->body);
  EXPECT_TRUE(at_rest());
  const auto unknown = rest().call("POST", "/v1/sync/sideways", json::object{});
  TW_ASSERT_OK(unknown);
  EXPECT_EQ(unknown->status, 400U);
  EXPECT_EQ(unknown->body.at("error").at("field").as_string(), "mode");
  EXPECT_EQ(unknown->body.at("error").at("remedy").as_string(), "use merge or rewrite");
}

// The [peer] lines that add-secondary prints.
std::string peer_lines(const std::string& output) {
  const std::size_t begin = output.find("[peer]");
  const std::size_t end = output.find("\n\n", begin);
  return begin == std::string::npos ? std::string() : "\n" + output.substr(begin, end - begin) + "\n";
}

TEST(KeydPairMaking, K19_ASecondaryIsMadeForAServerThatRunsAlone) {
  auto made = TestSite::make();
  TW_ASSERT_OK(made);
  TestSite& site = **made;
  TW_EXPECT_OK(site.without_peer(Which::kPrimary));
  std::filesystem::remove_all(site.folder(Which::kSecondary));
  TW_EXPECT_OK(site.start(Which::kPrimary));
  RestClient& primary = site.rest(Which::kPrimary);
  TW_EXPECT_OK(primary.post("/v1/groups", json::object{{"name", "ALONE"}}));
  TW_EXPECT_OK(primary.post("/v1/keys", json::object{{"count", 2'500}, {"group", "ALONE"}}));
  const auto command = [&](const std::string& ca) {
    return run_command(
        {program("tapewarden-keyd"), "add-secondary", "--config", site.folder(Which::kPrimary) + "/keyd.toml",
         "--ca", ca, "--dir", site.directory(), "--name", "secondary", "--host",
         "127.0.0.1:" + std::to_string(site.dkx_port(Which::kSecondary)) + ":" +
             std::to_string(site.https_port(Which::kSecondary))},
        site.path("add-secondary.log"));
  };
  const auto without_authority = command(site.path("people"));
  TW_ASSERT_OK(without_authority);
  EXPECT_NE(without_authority->end.exit_code, 0);
  EXPECT_NE(without_authority->output.find("authority"), std::string::npos);
  const auto done = command(site.path("ca"));
  TW_ASSERT_OK(done);
  ASSERT_EQ(done->end.exit_code, 0) << done->output;
  std::ofstream(site.folder(Which::kPrimary) + "/keyd.toml", std::ios::app) << peer_lines(done->output);
  TW_EXPECT_OK(site.stop(Which::kPrimary));
  TW_EXPECT_OK(site.start_both());
  const auto groups = site.rest(Which::kSecondary).get("/v1/keys?limit=1000&group=ALONE");
  TW_ASSERT_OK(groups);
  EXPECT_EQ(groups->at("items").as_array().size(), 1'000U);
  // A server that has a peer gets no second one.
  const auto again = command(site.path("ca"));
  TW_ASSERT_OK(again);
  EXPECT_NE(again->output.find("has a peer already"), std::string::npos) << again->output;
  TW_EXPECT_OK(site.stop(Which::kPrimary));
  TW_EXPECT_OK(site.stop(Which::kSecondary));
}

}  // namespace
}  // namespace tapewarden::testing
