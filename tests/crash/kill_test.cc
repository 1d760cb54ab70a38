// K3: kill -9 under load, again and again; what was acknowledged before a death is there after it.
#include <map>
#include <random>
#include <set>

#include "crash/kills.h"
#include "harness/key_record.h"
#include "integration/running_site.h"

namespace tapewarden::testing {
namespace {

using dkx::DriveKind;

constexpr int kKills = 200;
constexpr int kPairShare = 10;          // one kill in so many is of a server with its peer
constexpr int kCheckEvery = 20;         // rounds
constexpr int kWritesEachRound = 60;    // use-once, at most
constexpr unsigned kLongestLife = 160;  // milliseconds under load
constexpr int kRing = 17;               // keys of the round-robin group

// Changes to key groups by REST, with what of them was acknowledged.
class GroupChanges {
 public:
  void run(RestClient& rest, const std::atomic<bool>& stop) {
    while (!stop) {
      const auto made = rest.post("/v1/keys", json::object{{"count", 3}, {"group", "CHANGES"}});
      if (!made) continue;
      std::string first;
      for (const auto& item : made->at("items").as_array()) {
        first = item.at("alias").as_string().c_str();
        made_.insert(first);
      }
      if (rest.post("/v1/groups/CHANGES/move", json::object{{"alias", first}, {"to", "MOVED"}})) {
        moved_.insert(first);
      }
    }
  }

  std::size_t count() const { return made_.size() + moved_.size(); }

  // How many of them are not as acknowledged.
  Result<std::size_t> lost(RestClient& rest) const {
    std::map<std::string, std::string> group_of;
    for (const std::string group : {"CHANGES", "MOVED"}) {
      std::string after;
      do {
        const auto page =
            TRY(rest.get("/v1/keys?limit=1000&group=" + group + "&after=" + encode_part(after)));
        for (const auto& item : page.at("items").as_array()) {
          group_of[item.at("alias").as_string().c_str()] = group;
        }
        after = page.at("next").as_string().c_str();
      } while (!after.empty());
    }
    std::size_t out = 0;
    for (const auto& alias : made_) out += group_of.contains(alias) ? 0U : 1U;
    for (const auto& alias : moved_) out += group_of[alias] == "MOVED" ? 0U : 1U;
    return out;
  }

 private:
  std::set<std::string> made_;
  std::set<std::string> moved_;
};

class KeydKills : public RunningSite {
 protected:
  static KeyLoad::Maker writer(const TestDrive& drive, const std::string& group, int limit) {
    return [&drive, group, left = limit]() mutable -> std::optional<dkx::KeyRequest> {
      if (left-- == 0) return std::nullopt;
      dkx::KeyRequest request = drive.write();
      request.asked = dkx::GroupAsked{group};
      return request;
    };
  }
};

// The keys of a round-robin group in the order in which they are handed out.
Result<std::map<std::string, int>> ring_of(RestClient& rest) {
  const auto page = TRY(rest.get("/v1/keys?limit=1000&group=RING"));
  std::map<std::int64_t, std::string> by_position;
  for (const auto& item : page.at("items").as_array()) {
    by_position[item.at("position").to_number<std::int64_t>()] = item.at("alias").as_string().c_str();
  }
  std::map<std::string, int> out;
  for (const auto& [position, alias] : by_position) out.emplace(alias, static_cast<int>(out.size()));
  return out;
}

// With one request in flight a death hides at most one move of the cursor. `first_of_round`: numbers of the
// entries that came first after a start; more than once when a life ended before its first answer.
void expect_strict_order(const KeyRecord& record, const std::map<std::string, int>& ring,
                         const std::multiset<std::size_t>& first_of_round) {
  int last = -1;
  std::size_t number = 0;
  record.for_each([&](const KeyRecord::Entry& entry) {
    const auto& alias = std::get<dkx::IdentifiedKey>(entry.answer.to_hold).alias;
    const int now = ring.at(alias);
    if (last >= 0) {
      const int step = (now - last + kRing) % kRing;
      EXPECT_TRUE(step >= 1 && step <= 1 + static_cast<int>(first_of_round.count(number)))
          << "entry " << number << ": a step of " << step;
    }
    last = now;
    ++number;
  });
}

TEST_F(KeydKills, K3_KillNineTwoHundredTimes) {
  const int kills = kills_wanted(kKills);
  const auto drive = enrolled_drive("K3KILLS00001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  ASSERT_TRUE(make_group("ONCE", (kills + 1) * (kWritesEachRound + 16)).has_value());
  TW_EXPECT_OK(rest().post("/v1/groups", json::object{{"name", "RING"}, {"policy", "round-robin"}}));
  TW_EXPECT_OK(rest().post("/v1/keys", json::object{{"count", kRing}, {"group", "RING"}}));
  TW_EXPECT_OK(rest().post("/v1/groups", json::object{{"name", "CHANGES"}}));
  TW_EXPECT_OK(rest().post("/v1/groups", json::object{{"name", "MOVED"}}));
  TW_EXPECT_OK(site().wait_in_step());
  const auto ring = ring_of(rest());
  TW_ASSERT_OK(ring);
  ASSERT_EQ(ring->size(), static_cast<std::size_t>(kRing));

  KeyRecord once(*drive);
  KeyRecord robin(*drive);
  GroupChanges changes;
  std::multiset<std::size_t> first_of_round;
  std::mt19937 random(3);
  int checks = 0;
  const int with_pair = kills / kPairShare;
  for (int kill = 0; kill < kills && !HasFailure(); ++kill) {
    if (kill == with_pair) {
      TW_EXPECT_OK(site().stop(Which::kPrimary));
      TW_EXPECT_OK(site().stop(Which::kSecondary));
      TW_EXPECT_OK(site().without_peer(Which::kPrimary));
      TW_EXPECT_OK(site().start(Which::kPrimary));
    }
    first_of_round.insert(robin.acknowledged());
    std::atomic<bool> stop{false};
    {
      const auto many = KeyLoad::start(site(), Which::kPrimary, *drive, 12,
                                       writer(*drive, "ONCE", kWritesEachRound), once.sink());
      const auto one =
          KeyLoad::start(site(), Which::kPrimary, *drive, 1, writer(*drive, "RING", -1), robin.sink());
      const auto confirms = KeyLoad::start(
          site(), Which::kPrimary, *drive, 4, [&] { return once.next_confirm(); }, once.sink());
      TW_ASSERT_OK(many);
      TW_ASSERT_OK(one);
      TW_ASSERT_OK(confirms);
      std::thread changer([&] { changes.run(rest(), stop); });
      std::this_thread::sleep_for(std::chrono::milliseconds{random() % kLongestLife});
      site().kill_hard(Which::kPrimary);
      stop = true;
      changer.join();
      for (const auto* load : {many->get(), one->get(), confirms->get()}) {
        const auto fault = load->fault();
        EXPECT_FALSE(fault.has_value()) << fault->text();
      }
    }
    if (kill % kCheckEvery == kCheckEvery - 1) {
      const auto checked = site().check(Which::kPrimary);
      TW_ASSERT_OK(checked);
      EXPECT_EQ(checked->end.exit_code, 0) << checked->output;
      ++checks;
    }
    TW_EXPECT_OK(site().start(Which::kPrimary));
    if (kill + 1 < with_pair) TW_EXPECT_OK(site().wait_in_step());
  }
  ASSERT_FALSE(HasFailure());

  const auto once_lost = once.verify(site(), Which::kPrimary);
  TW_ASSERT_OK(once_lost);
  EXPECT_EQ(once_lost->all(), 0U) << once_lost->first;
  const auto robin_lost = robin.verify(site(), Which::kPrimary);
  TW_ASSERT_OK(robin_lost);
  EXPECT_EQ(robin_lost->all(), 0U) << robin_lost->first;
  const auto changes_lost = changes.lost(rest());
  TW_ASSERT_OK(changes_lost);
  EXPECT_EQ(*changes_lost, 0U);
  EXPECT_TRUE(once.handed_out_twice().empty()) << once.handed_out_twice().front();
  expect_strict_order(robin, *ring, first_of_round);
  std::printf(
      "K3: kills %d (%d of them with the peer), checks %d, acknowledged: %zu use-once keys, %zu cursor "
      "moves, %zu group changes; refused %zu; lost %zu; handed out twice %zu\n",
      kills, with_pair, checks, once.acknowledged(), robin.acknowledged(), changes.count(),
      once.refused() + robin.refused(), once_lost->all() + robin_lost->all() + *changes_lost,
      once.handed_out_twice().size());
  EXPECT_GT(once.acknowledged(), static_cast<std::size_t>(kills)) << once.last_refusal();
}

}  // namespace
}  // namespace tapewarden::testing
