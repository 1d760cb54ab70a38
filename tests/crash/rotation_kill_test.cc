// K16: kill -9 in the middle of rotations of the master key, again and again: afterwards everything is under
// the old key or the new one, and every key opens.
#include <random>
#include <set>
#include <thread>

#include "crash/kills.h"
#include "harness/key_record.h"
#include "integration/running_site.h"
#include "store/master_key.h"

namespace tapewarden::testing {
namespace {

using dkx::DriveKind;

constexpr int kKills = 200;
constexpr int kCheckEvery = 25;  // rounds
constexpr int kKeys = 200;
constexpr int kWritesEachRound = 3;  // with those a rotation has several batches
constexpr unsigned kLongestLife =
    220;  // milliseconds after the rotation was asked for; about as long as one takes

class RotationKills : public RunningSite {
 protected:
  // One officer is enough here: the consent of two is tested elsewhere.
  static Status one_officer() {
    const auto second =
        TRY(RestClient::make(site().loop(), site().disk(), site().https_port(Which::kPrimary),
                             site().path("people/officer-2"), site().path("engine/tls/authorities.crt")));
    const auto asked =
        TRY(rest().call("PUT", "/v1/settings/approval.two_person", json::object{{"value", "off"}}));
    if (asked.status != 202) return fail(ErrorCode::kInternal, "no approval was asked for");
    const std::string id = asked.body.at("approval").as_string().c_str();
    TRY(second->post("/v1/approvals/" + id + "/approve"));
    const auto run =
        TRY(run_command({program("tapewarden"), "setting", "set", "approval.two_person", "off", "--approval",
                         id, "--site", site().directory(), "--as", "officer-1", "--server",
                         "https://127.0.0.1:" + std::to_string(site().https_port(Which::kPrimary))},
                        site().path("setting.log")));
    return run.end.exit_code == 0 ? Status{} : fail(ErrorCode::kInternal, run.output);
  }

  // How many versions the master-key file holds; it must always open.
  static Result<std::size_t> versions() {
    const std::string folder = site().folder(Which::kPrimary);
    const auto passphrase = TRY(store::read_passphrase_file(site().disk(), folder + "/master-passphrase"));
    return TRY(store::unlock_master_key(site().disk(), folder + "/master.key", passphrase)).size();
  }
  static std::string state() {
    const auto status = rest().get("/v1/status");
    return status ? std::string(status->at("master_key").as_string().c_str()) : status.error().text();
  }
};

TEST_F(RotationKills, K16_KilledInRotationsTwoHundredTimes) {
  const int kills = kills_wanted(kKills);
  TW_ASSERT_OK(one_officer());
  const auto drive = enrolled_drive("K16ROTATE001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  TW_EXPECT_OK(site().without_peer(Which::kPrimary));
  TW_EXPECT_OK(site().start(Which::kPrimary));
  ASSERT_TRUE(make_group("K16", kKeys + kills * (kWritesEachRound + 2)).has_value());

  KeyRecord served(*drive);
  std::mt19937 random(16);
  int in_rotation = 0;  // the file held two versions at the death
  int begun = 0;
  int checks = 0;
  std::set<std::string> versions_seen;
  for (int kill = 0; kill < kills && !HasFailure(); ++kill) {
    std::thread asker([&] {
      // Refused while the one before goes on: then that one is hit.
      if (rest().post("/v1/master-key/rotation")) ++begun;
    });
    int left = kWritesEachRound;
    const auto writer = KeyLoad::start(
        site(), Which::kPrimary, *drive, 2,
        [&]() -> std::optional<dkx::KeyRequest> {
          if (left-- <= 0) return std::nullopt;
          dkx::KeyRequest request = drive->write();
          request.asked = dkx::GroupAsked{"K16"};
          return request;
        },
        served.sink());
    std::this_thread::sleep_for(std::chrono::milliseconds{random() % kLongestLife});
    site().kill_hard(Which::kPrimary);
    asker.join();
    const auto held = versions();
    TW_ASSERT_OK(held);
    EXPECT_GE(*held, 1U);
    EXPECT_LE(*held, 2U);
    in_rotation += *held == 2 ? 1 : 0;
    if (kill % kCheckEvery == kCheckEvery - 1) {
      const auto checked = site().check(Which::kPrimary);
      TW_ASSERT_OK(checked);
      EXPECT_EQ(checked->end.exit_code, 0) << checked->output;
      ++checks;
    }
    TW_EXPECT_OK(site().start(Which::kPrimary));  // verifies every row
    const std::string now = state();
    versions_seen.insert(now.substr(0, now.find(',')));
  }
  ASSERT_FALSE(HasFailure());
  EXPECT_TRUE(eventually([&] { return !state().contains("going on"); })) << state();
  EXPECT_EQ(versions().value_or(0), 1U);
  const auto lost = served.verify(site(), Which::kPrimary);
  TW_ASSERT_OK(lost);
  EXPECT_EQ(lost->all(), 0U) << lost->first;
  EXPECT_TRUE(served.handed_out_twice().empty());
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  const auto checked = site().check(Which::kPrimary);
  TW_ASSERT_OK(checked);
  EXPECT_EQ(checked->end.exit_code, 0) << checked->output;
  std::printf(
      "K16: kills %d, of them in a rotation %d, rotations acknowledged %d, checks %d, keys served %zu, "
      "lost %zu, versions seen after a start %zu\n",
      kills, in_rotation, begun, checks, served.acknowledged(), lost->all(), versions_seen.size());
  EXPECT_GT(in_rotation, kills / 10) << "hardly a kill hit a rotation";
}

}  // namespace
}  // namespace tapewarden::testing
