// K19: kill -9 while the two servers compare, copy everything anew, rewrite one from the other, and while two
// installations merge. Nothing acknowledged is lost, nothing is given out twice, and they meet again as
// equals.
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "crash/kills.h"
#include "harness/key_record.h"
#include "integration/tape_site.h"

namespace tapewarden::testing {
namespace {

using dkx::DriveKind;

constexpr int kKills = 200;
constexpr int kKeysThere = 2'000;       // at either server, so that a copy takes a while
constexpr int kWritesEachRound = 8;     // at either server, at most
constexpr unsigned kLongestLife = 250;  // milliseconds after the copy was asked for
constexpr int kKillsOfAMerge = 10;      // then it may come to its end
constexpr int kKeysMerged = 3'000;      // of each installation

std::string result_of(const Result<json::value>& comparison) {
  if (!comparison) return comparison.error().text();
  const auto* result = comparison->as_object().if_contains("result");
  return result == nullptr ? "no result" : std::string(result->as_string());
}

class SyncKills : public TapeSite {
 protected:
  static KeyLoad::Maker writer(const TestDrive& drive, int limit) {
    return [&drive, left = limit]() mutable -> std::optional<dkx::KeyRequest> {
      if (left-- == 0) return std::nullopt;
      dkx::KeyRequest request = drive.write();
      request.asked = dkx::GroupAsked{"SYNC"};
      return request;
    };
  }
};

TEST_F(SyncKills, K19_KillNineWhileServersCompareAndCopyAnew) {
  const int kills = kills_wanted(kKills);
  const auto drive = enrolled_drive("K19SYNC00001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  ASSERT_TRUE(make_group("SYNC", kKeysThere).has_value());
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(site()
                   .rest(Which::kSecondary)
                   .post("/v1/keys", json::object{{"count", kKeysThere}, {"group", "SYNC"}}));
  // One officer alone may rewrite, so that the test need not ask two each time.
  TW_ASSERT_OK(as_both_officers({"setting", "set", "approval.two_person", "off"}));
  TW_EXPECT_OK(site().wait_in_step());

  const std::vector<std::string> calls{"/v1/comparison", "/v1/sync/merge", "/v1/sync/rewrite"};
  KeyRecord record(*drive);
  std::mt19937 random(1909);
  std::map<std::string, int> asked;
  for (int kill = 0; kill < kills && !HasFailure(); ++kill) {
    const Which at = random() % 2 == 0 ? Which::kPrimary : Which::kSecondary;
    const Which victim = random() % 2 == 0 ? Which::kPrimary : Which::kSecondary;
    const std::string call = calls[random() % calls.size()];
    {
      const auto here =
          KeyLoad::start(site(), Which::kPrimary, *drive, 4, writer(*drive, kWritesEachRound), record.sink());
      const auto there = KeyLoad::start(site(), Which::kSecondary, *drive, 4,
                                        writer(*drive, kWritesEachRound), record.sink());
      TW_ASSERT_OK(here);
      TW_ASSERT_OK(there);
      ++asked[call];
      std::thread asking([&] { (void)site().rest(at).post(call); });
      std::this_thread::sleep_for(std::chrono::milliseconds{random() % kLongestLife});
      site().kill_hard(victim);
      asking.join();
      for (const auto* load : {here->get(), there->get()}) {
        const auto fault = load->fault();
        EXPECT_FALSE(fault.has_value()) << fault->text();
      }
    }
    TW_EXPECT_OK(site().start(victim));
    TW_EXPECT_OK(site().wait_in_step());
  }
  ASSERT_FALSE(HasFailure());
  std::size_t lost = 0;
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    const auto loss = record.verify(site(), which);
    TW_ASSERT_OK(loss);
    EXPECT_EQ(loss->all(), 0U) << to_string(which) << ": " << loss->first;
    lost += loss->all();
    EXPECT_TRUE(eventually([&] { return result_of(site().rest(which).post("/v1/comparison")) == "equal"; }))
        << result_of(site().rest(which).get("/v1/comparison"));
  }
  EXPECT_TRUE(record.handed_out_twice().empty()) << record.handed_out_twice().front();
  std::printf(
      "K19: kills %d while servers compared (%d), copied anew (%d), rewrote (%d); acknowledged %zu keys, "
      "refused %zu; lost %zu; handed out twice %zu\n",
      kills, asked["/v1/comparison"], asked["/v1/sync/merge"], asked["/v1/sync/rewrite"],
      record.acknowledged(), record.refused(), lost, record.handed_out_twice().size());
  EXPECT_GT(record.acknowledged(), static_cast<std::size_t>(kills)) << record.last_refusal();
}

// One of two installations: the first server of a site, alone; people of either site ask either server.
struct Installed {
  std::unique_ptr<TestSite> site;
  std::vector<std::unique_ptr<RestClient>> clients;

  std::string folder() const { return site->folder(Which::kPrimary); }
  std::string config() const { return folder() + "/keyd.toml"; }
  Result<json::value> get(const std::string& path) { return ask("GET", path); }
  Result<json::value> ask(const std::string& method, const std::string& path) {
    Result<json::value> answer = fail(ErrorCode::kUnavailable, "nobody can log in");
    for (auto& client : clients) {
      answer = method == "GET" ? client->get(path) : client->post(path);
      if (answer) return answer;
    }
    return answer;
  }
  bool in_step() {
    const auto status = get("/v1/status");
    return status && status->at("peer").is_object() && status->at("peer").at("in_step").as_bool();
  }
};

class MergeKills : public ::testing::Test {
 protected:
  static void copy(const std::string& from, const std::string& to) {
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  }

  // A server with keys of its own, which has never met another one.
  Status install(Installed& out) {
    out.site = TRY(TestSite::make());
    TRY(out.site->without_peer(Which::kPrimary));
    TRY(out.site->start(Which::kPrimary));
    RestClient& rest = out.site->rest(Which::kPrimary);
    TRY(rest.post("/v1/groups", json::object{{"name", "DAILY"}}));
    TRY(rest.post("/v1/keys", json::object{{"count", kKeysMerged}, {"group", "DAILY"}}));
    return out.site->stop(Which::kPrimary);
  }

  Result<std::string> keyd(const Installed& at, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("tapewarden-keyd"));
    const auto result = TRY(run_command(arguments, at.site->path("keyd.log")));
    if (result.end.exit_code == 0) return result.output;
    return fail(ErrorCode::kInternal, result.output);
  }

  // As the people of two sites do it: files carried, fingerprints read aloud, lines added.
  Status introduce(Installed& here, Installed& there) {
    const std::string file = there.site->path("server.join");
    const auto told = TRY(
        keyd(there, {"introduce", "--config", there.config(), "--host",
                     "127.0.0.1:" + std::to_string(there.site->https_port(Which::kPrimary)), "--to", file}));
    constexpr std::string_view kBefore = "fingerprint: ";
    const std::string fingerprint = told.substr(told.find(kBefore) + kBefore.size(), 39);
    const auto done = TRY(
        keyd(here, {"merge-with", "--config", here.config(), "--file", file, "--fingerprint", fingerprint}));
    const std::size_t begin = done.find("[peer]");
    const std::string lines = done.substr(begin, done.find("\n\n", begin) - begin);
    pending_.emplace_back(here.config(), "\n" + lines + "\n");
    return {};
  }

  Status make_clients() {
    for (Installed* at : {&one, &two}) {
      for (Installed* people : {&one, &two}) {
        at->clients.push_back(TRY(RestClient::make(
            at->site->loop(), at->site->disk(), at->site->https_port(Which::kPrimary),
            people->site->path("people/officer-1"), at->site->path("engine/tls/authorities.crt"))));
      }
    }
    return {};
  }

  Result<std::size_t> keys_at(Installed& at) {
    std::size_t count = 0;
    std::string after;
    do {
      const auto page = TRY(at.get("/v1/keys?limit=1000&after=" + encode_part(after)));
      count += page.at("items").as_array().size();
      after = page.at("next").as_string().c_str();
    } while (!after.empty());
    return count;
  }

  Installed one;
  Installed two;
  std::vector<std::pair<std::string, std::string>> pending_;
};

TEST_F(MergeKills, K19_KillNineWhileTwoInstallationsMerge) {
  const int kills = kills_wanted(kKills);
  for (Installed* at : {&one, &two}) TW_ASSERT_OK(install(*at));
  TW_ASSERT_OK(introduce(one, two));
  TW_ASSERT_OK(introduce(two, one));
  for (const auto& [path, lines] : pending_) std::ofstream(path, std::ios::app) << lines;
  TW_ASSERT_OK(make_clients());
  for (Installed* at : {&one, &two}) copy(at->folder() + "/data", at->site->path("data-before"));

  std::mt19937 random(2019);
  int merged = 0;
  for (int killed = 0; killed < kills && !HasFailure();) {
    for (Installed* at : {&one, &two}) {
      at->site->kill_hard(Which::kPrimary);
      copy(at->site->path("data-before"), at->folder() + "/data");
    }
    for (Installed* at : {&one, &two}) TW_ASSERT_OK(at->site->start(Which::kPrimary));
    for (int i = 0; i < kKillsOfAMerge && killed < kills; ++i, ++killed) {
      std::this_thread::sleep_for(std::chrono::milliseconds{random() % kLongestLife});
      Installed& victim = random() % 2 == 0 ? one : two;
      victim.site->kill_hard(Which::kPrimary);
      TW_ASSERT_OK(victim.site->start(Which::kPrimary));
    }
    ASSERT_TRUE(eventually([&] { return one.in_step() && two.in_step(); }, std::chrono::minutes{1}))
        << one.site->log(Which::kPrimary);
    for (Installed* at : {&one, &two}) {
      const auto keys = keys_at(*at);
      TW_ASSERT_OK(keys);
      EXPECT_EQ(*keys, static_cast<std::size_t>(2 * kKeysMerged));
    }
    EXPECT_TRUE(eventually([&] { return result_of(one.ask("POST", "/v1/comparison")) == "equal"; }))
        << result_of(one.get("/v1/comparison"));
    ++merged;
  }
  std::printf("K19: kills %d within %d merges of two installations with %d keys each; all there, all equal\n",
              kills, merged, kKeysMerged);
  for (Installed* at : {&one, &two}) {
    TW_EXPECT_OK(at->site->stop(Which::kPrimary));
    const auto checked = at->site->check(Which::kPrimary);
    TW_ASSERT_OK(checked);
    EXPECT_EQ(checked->end.exit_code, 0) << checked->output;
  }
}

}  // namespace
}  // namespace tapewarden::testing
