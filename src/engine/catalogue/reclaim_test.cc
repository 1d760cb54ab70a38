#include "engine/catalogue/reclaim.h"

#include <functional>
#include <random>

#include "engine/catalogue/catalogue_test_kit.h"

namespace tapewarden::engine::testing {
namespace {

using std::chrono::days;
using Names = std::vector<std::string>;

class Reclaim : public ::testing::Test {
 protected:
  void SetUp() override {
    box_.clock().advance(days(1000));
    for (Pool pool : default_pools()) {
      pool.reclaim = {.threshold_percent = 0};
      ASSERT_TRUE(box_.put(pool));
    }
  }
  void policies(std::uint8_t number, const ReclaimPolicies& reclaim) {
    Pool pool = default_pools()[number];
    pool.reclaim = reclaim;
    ASSERT_TRUE(box_.put(pool));
  }
  // With one volume that is that much of it, in percent.
  void add(const std::string& barcode, std::uint8_t pool, std::uint64_t active_percent,
           const std::function<void(PhysicalVolume&)>& but = {}) {
    PhysicalVolume full = cartridge(barcode, pool, CartridgeState::kFull);
    full.written_bytes = 1000;
    full.last_written = box_.now();
    if (but) but(full);
    ASSERT_TRUE(box_.put(full));
    if (active_percent == 0) return;
    LogicalVolume volume = written_volume("V" + barcode);
    volume.primary = copy_on(barcode, 1, active_percent * 10);
    ASSERT_TRUE(box_.put(volume));
  }
  Names candidates(std::size_t limit = 10) {
    return names(box_.look([&](auto& view) { return view.reclaim_candidates(box_.now(), limit); }));
  }
  ReclaimReason reason_of(const std::string& barcode) {
    for (const auto& candidate :
         box_.look([&](auto& view) { return view.reclaim_candidates(box_.now(), 99); })) {
      if (candidate.cartridge.barcode == barcode) return candidate.reason;
    }
    ADD_FAILURE() << barcode << " is not eligible";
    return ReclaimReason::kThreshold;
  }

  Box box_;
};

TEST_F(Reclaim, T6_BelowTheThresholdAndNotAtIt) {
  policies(1, {.threshold_percent = 35});
  add("AT35", 1, 35);
  add("AT34", 1, 34);
  add("AT90", 1, 90);
  add("EMPTY", 1, 0);
  EXPECT_EQ(candidates(), (Names{"EMPTY", "AT34"}));
  EXPECT_EQ(reason_of("AT34"), ReclaimReason::kThreshold);
  EXPECT_EQ(names(box_.look([](auto& view) { return view.emptied(10); })), Names{"EMPTY"});
}

TEST_F(Reclaim, T6_DaysWithoutAccessCountFromTheLastRecallOrTheLastWrite) {
  policies(1, {.threshold_percent = 0, .days_without_access = 10});
  add("READ", 1, 90, [&](auto& full) {
    full.last_written = box_.now() - days(50);
    full.last_accessed = box_.now() - days(9);
  });
  add("LEFT", 1, 90, [&](auto& full) {
    full.last_written = box_.now() - days(50);
    full.last_accessed = box_.now() - days(10);
  });
  add("NEVER", 1, 80, [&](auto& full) { full.last_written = box_.now() - days(10); });
  add("FRESH", 1, 80, [&](auto& full) { full.last_written = box_.now() - days(9); });
  EXPECT_EQ(candidates(), (Names{"NEVER", "LEFT"}));
  EXPECT_EQ(reason_of("LEFT"), ReclaimReason::kNotAccessed);
}

TEST_F(Reclaim, T6_DaysSinceLastWritten) {
  policies(1, {.threshold_percent = 0, .days_since_written = 365});
  add("OLD", 1, 95, [&](auto& full) {
    full.last_written = box_.now() - days(365);
    full.last_accessed = box_.now();
  });
  add("YOUNGER", 1, 10, [&](auto& full) { full.last_written = box_.now() - days(364); });
  EXPECT_EQ(candidates(), Names{"OLD"});
  EXPECT_EQ(reason_of("OLD"), ReclaimReason::kNotWritten);
}

TEST_F(Reclaim, T6_DaysWithoutInactivationAndNotMuchActive) {
  policies(1, {.threshold_percent = 0, .days_without_inactivation = 5, .max_active_percent = 50});
  for (const auto& [barcode, percent] : {std::pair("AT49", 49), std::pair("AT50", 50)}) {
    add(barcode, 1, static_cast<std::uint64_t>(percent));
    LogicalVolume passing = written_volume(std::string("X") + barcode);
    passing.primary = copy_on(barcode, 2, 10);
    ASSERT_TRUE(box_.put(passing));
    passing.category = Category::kScratch;
    ASSERT_TRUE(box_.put(passing));
    passing.deleted_generation = 1;
    ASSERT_TRUE(box_.put(passing));
  }
  add("NOTHING", 1, 20);  // nothing of it ever became inactive
  box_.clock().advance(days(5) - std::chrono::milliseconds(1));
  EXPECT_EQ(candidates(), Names());
  box_.clock().advance(std::chrono::milliseconds(1));
  EXPECT_EQ(candidates(), Names{"AT49"});
  EXPECT_EQ(reason_of("AT49"), ReclaimReason::kNothingMoreInactivated);
}

TEST_F(Reclaim, T6_OverAllPoolsTheLeastActiveDataComesFirst) {
  policies(1, {.threshold_percent = 50});
  policies(2, {.threshold_percent = 95});
  policies(32, {.threshold_percent = 0, .days_since_written = 1});
  add("A", 1, 40);
  add("B", 2, 30);
  add("C", 2, 60);
  add("D", 32, 20, [&](auto& full) { full.last_written = box_.now() - days(1); });
  add("E", 3, 1);  // of a pool without any policy
  EXPECT_EQ(candidates(), (Names{"D", "B", "A", "C"}));
  EXPECT_EQ(candidates(2), (Names{"D", "B"}));
}

TEST_F(Reclaim, T6_OnlyFilledCartridgesAreReclaimed) {
  policies(1, {.threshold_percent = 95, .days_without_access = 1, .days_since_written = 1});
  const auto old = [&](CartridgeState state) {
    return [this, state](PhysicalVolume& other) {
      other.state = state;
      other.last_written = box_.now() - days(99);
    };
  };
  add("FILLING", 1, 1, old(CartridgeState::kFilling));
  add("DAMAGED", 1, 0, old(CartridgeState::kDamaged));
  add("EJECTED", 1, 0, old(CartridgeState::kEjected));
  add("SCRATCH", 1, 0, old(CartridgeState::kScratch));
  EXPECT_EQ(candidates(), Names());
  add("FULL", 1, 1, old(CartridgeState::kFull));
  EXPECT_EQ(candidates(), Names{"FULL"});
  add("CLOSED", 1, 2, old(CartridgeState::kClosed));
  EXPECT_EQ(candidates(), (Names{"FULL", "CLOSED"})) << "it takes no more either";
}

// A rebuild could not read them: what is known moves, and then they stay as they are.
TEST_F(Reclaim, T12_WhatWasNotExaminedIsNotWantedBack) {
  policies(1, {.threshold_percent = 50});
  const auto unread = [](PhysicalVolume& one) { one.unexamined = true; };
  add("EMPTY", 1, 0, unread);
  add("SOME", 1, 10, unread);
  EXPECT_EQ(candidates(), Names{"SOME"});
  EXPECT_EQ(names(box_.look([](auto& view) { return view.emptied(10); })), Names());
  auto scratch = cartridge("EMPTY", 1, CartridgeState::kScratch);
  EXPECT_EQ(box_.put(scratch).error().field, "barcode") << "the mark stays also when it is not put";
  scratch.medium = 9;
  scratch.state = CartridgeState::kFilling;
  EXPECT_EQ(box_.put(scratch).error().field, "barcode");
}

TEST_F(Reclaim, T7_MoveRequestsAreListedByWhen) {
  for (const auto& [barcode, when] :
       {std::pair("NOW", MoveRequest::When::kNow), std::pair("LATER", MoveRequest::When::kWhenEligible),
        std::pair("NONE", MoveRequest::When::kNone)}) {
    PhysicalVolume put = cartridge(barcode);
    put.move = {when, 4};
    ASSERT_TRUE(box_.put(put));
  }
  const auto list = [&](MoveRequest::When when) {
    return names(box_.look([&](auto& view) { return view.move_requests(when, 10); }));
  };
  EXPECT_EQ(list(MoveRequest::When::kNow), Names{"NOW"});
  EXPECT_EQ(list(MoveRequest::When::kWhenEligible), Names{"LATER"});
}

// The search by the index finds just what the rule in words does, whatever the policies and the cartridges.
TEST_F(Reclaim, T6_TheSearchAgreesWithTheRule) {
  std::mt19937_64 random(6);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  const auto moment = [&]() -> std::optional<WallTime> {
    if (below(4) == 0) return std::nullopt;
    return box_.now() - days(below(40)) + std::chrono::milliseconds(below(2));
  };
  for (int i = 0; i < 200; ++i) {
    add("P" + std::to_string(1000 + i), static_cast<std::uint8_t>(1 + below(4)), below(101), [&](auto& full) {
      full.state = below(3) == 0 ? CartridgeState::kClosed : CartridgeState::kFull;
      full.last_written = moment();
      full.last_accessed = moment();
    });
  }
  const auto all = box_.look([](auto& view) { return view.cartridges({}, {.limit = 1000}); }).items;
  for (int round = 0; round < 60; ++round) {
    std::vector<Pool> pools = default_pools();
    for (std::uint8_t number = 1; number <= 4; ++number) {
      ReclaimPolicies& reclaim = pools[number].reclaim;
      reclaim.threshold_percent = static_cast<std::uint8_t>(below(2) * (5 + below(91)));
      reclaim.days_without_access = static_cast<std::uint16_t>(below(2) * below(45));
      reclaim.days_since_written = static_cast<std::uint16_t>(below(2) * below(45));
      reclaim.days_without_inactivation = static_cast<std::uint16_t>(below(2) * below(45));
      policies(number, reclaim);
    }
    std::vector<std::pair<std::uint64_t, std::string>> expected;
    for (const PhysicalVolume& one : all) {
      if (reclaim_reason(one, pools[one.pool].reclaim, box_.now()))
        expected.emplace_back(one.active_bytes, one.barcode);
    }
    std::ranges::sort(expected);
    Names wanted;
    for (const auto& [bytes, barcode] : expected) wanted.push_back(barcode);
    ASSERT_EQ(candidates(1000), wanted) << "round " << round;
  }
}

}  // namespace
}  // namespace tapewarden::engine::testing
