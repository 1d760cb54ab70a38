#include "engine/operator/pool_migrations.h"

#include <gmock/gmock.h>

#include "engine/catalogue/catalogue_test_kit.h"
#include "engine/catalogue/limits.h"
#include "engine/operator/migration_pace.h"

namespace tapewarden::engine::testing {
namespace {

using std::chrono::days;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Names = std::vector<std::string>;
using State = PoolMigrationState;
using When = MoveRequest::When;
using Conflict = MigrationConflict::Kind;
using Hindrance = MigrationHindrance::Kind;

constexpr std::uint8_t kOld = 1;
constexpr std::uint8_t kNew = 2;
const KeyLabel kKek1{"KEK 1", LabelMode::kHash};
const KeyLabel kKek2{"KEK 2", LabelMode::kHash};

class PoolMigrationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    box_.clock().advance(days(1000));
    Pool old = default_pools()[kOld];
    old.media = MediumKind::k3592;
    old.borrow = Borrow::kBorrowAndKeep;
    Pool target = default_pools()[kNew];
    target.media = MediumKind::k3592;
    target.encryption = PoolEncryption::kWrapped;
    target.labels = {kKek1, kKek2};
    ASSERT_TRUE(box_.put(old, target));
    ASSERT_TRUE(box_.put(StorageGroup{"PAYROLL", kOld, ""}, StorageGroup{"OTHER", 5, ""},
                         ManagementClass{"TWICE", kOld, ""}));
  }

  PoolMigrations migrations() {
    return PoolMigrations({.env = box_.env(),
                           .catalogue = *box_,
                           .notices = notices_,
                           .hold = [this](const std::string& barcode) { return hold_(barcode); },
                           .check_keys = [this](const Pool& pool) { return check_keys_(pool); },
                           .reclaim_inhibited = [this] { return inhibited_; },
                           .wake = [this] { ++woken_; }});
  }
  PhysicalVolume blank(const std::string& barcode, std::uint8_t pool, CartridgeState state) {
    PhysicalVolume out = cartridge(barcode, pool, state);
    out.kind = MediumKind::k3592;
    if (state == CartridgeState::kScratch) return out;
    out.encryption = MediumEncryption::kClear;
    out.first_written = box_.now();
    out.last_written = box_.now();
    return out;
  }
  // With that many volumes of 1,000 bytes.
  void add(const std::string& barcode, CartridgeState state, unsigned volumes, std::uint8_t pool = kOld,
           const std::function<void(PhysicalVolume&)>& but = {}) {
    PhysicalVolume out = blank(barcode, pool, state);
    out.written_bytes = 10'000;
    if (but) but(out);
    // What is damaged or out now was written while it was neither.
    PhysicalVolume before = out;
    if (volumes > 0) before.state = CartridgeState::kFilling;
    ASSERT_TRUE(box_.put(before));
    for (unsigned i = 0; i < volumes; ++i) {
      LogicalVolume volume = written_volume("V" + std::to_string(++volumes_));
      volume.primary = copy_on(barcode, i + 1);
      ASSERT_TRUE(box_.put(volume));
    }
    const Status done = box_.put(out);
    ASSERT_TRUE(done) << done.error().text();
  }
  void add_scratch(const std::string& barcode, std::uint8_t pool = kNew) {
    ASSERT_TRUE(box_.put(blank(barcode, pool, CartridgeState::kScratch)));
  }
  PhysicalVolume at(const std::string& barcode) { return *box_->cartridge(barcode); }
  Names requested(When when) {
    return names(box_.look([&](auto& view) { return view.move_requests(when, 1000); }));
  }
  Pool pool(std::uint8_t number) {
    return box_.look([&](auto& view) { return view.pool(number); });
  }
  std::uint8_t group_pool(const std::string& name) {
    return box_.look([&](auto& view) { return view.storage_group(name); }).pool;
  }
  // What the work with tape does with requests of now: every volume to a cartridge of the target that is
  // begun as the pool says, and what is empty then becomes scratch.
  void work(std::size_t cartridges = 1000) {
    for (const auto& source :
         box_.look([&](auto& view) { return view.move_requests(When::kNow, cartridges); }))
      move(source);
    for (const auto& left : box_.look([](auto& view) { return view.emptied(1000); })) {
      PhysicalVolume scratch = left;
      give_back(scratch, pool(left.pool));
      ASSERT_TRUE(box_.put(scratch));
    }
  }
  void move(const PhysicalVolume& source) {
    const Pool target = pool(source.move.target_pool);
    PhysicalVolume out = blank("NEW" + std::to_string(++begun_), target.number, CartridgeState::kFilling);
    out.encryption = target.encryption == PoolEncryption::kWrapped ? MediumEncryption::kWrapped
                                                                   : MediumEncryption::kIdentified;
    out.labels = target.labels;
    ASSERT_TRUE(box_.put(out));
    std::uint32_t file = 0;
    for (auto& placed : box_.look([&](auto& view) { return view.volumes_on(source.barcode, 0, 1000); })) {
      placed.volume.primary = copy_on(out.barcode, ++file);
      ASSERT_TRUE(box_.put(placed.volume));
    }
  }
  std::vector<Conflict> conflicts(const MigrationRequest& request) {
    const auto plan = migrations().plan(request);
    EXPECT_TRUE(plan) << plan.error().text();
    std::vector<Conflict> kinds;
    if (plan)
      for (const auto& conflict : plan->conflicts) kinds.push_back(conflict.kind);
    return kinds;
  }
  std::vector<Hindrance> hindrances(std::uint64_t number = 1) {
    const auto progress = migrations().progress(number);
    EXPECT_TRUE(progress) << progress.error().text();
    std::vector<Hindrance> kinds;
    if (progress)
      for (const auto& hindrance : progress->hindrances) kinds.push_back(hindrance.kind);
    return kinds;
  }
  PoolMigration started(const MigrationRequest& request = {kOld, kNew}) {
    const auto begun = migrations().start(request, "operator-1");
    EXPECT_TRUE(begun) << begun.error().text();
    return begun.value_or(PoolMigration{});
  }
  State state(std::uint64_t number = 1) { return migrations().progress(number)->migration.state; }
  void advance() {
    const Status done = migrations().advance();
    EXPECT_TRUE(done) << done.error().text();
  }

  Box box_;
  Notices notices_{box_.clock(), nullptr};
  std::function<Result<std::shared_ptr<void>>(const std::string&)> hold_ = [](const std::string&) {
    return std::make_shared<int>();
  };
  std::function<Status(const Pool&)> check_keys_ = [](const Pool&) { return Status{}; };
  bool inhibited_ = false;
  unsigned woken_ = 0;
  unsigned volumes_ = 0;
  unsigned begun_ = 0;
};

TEST_F(PoolMigrationsTest, T7_ThePlanCountsWhatWouldBeMoved) {
  add("FULL1", CartridgeState::kFull, 3);
  add("FULL2", CartridgeState::kFull, 2, kOld, [](auto& full) {
    full.borrowed = true;
    full.home_pool = kCommonPool;
  });
  add("PART1", CartridgeState::kFilling, 1);
  add("EMPTY", CartridgeState::kFull, 0);
  add("GONE1", CartridgeState::kEjected, 4);
  add_scratch("SCR1");
  add_scratch("SCR2", kCommonPool);
  LogicalVolume due = written_volume("DUE1");
  due.primary_due = true;
  due.primary_pool = kOld;
  ASSERT_TRUE(box_.put_cached(due));

  const auto plan = migrations().plan(
      {kOld, kNew},
      {.drive_bytes_per_second = 100, .mount_seconds = 60, .drives = 2, .cartridge_bytes = 4'000});
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(plan->tally.to_move(), (CartridgeSums{3, 6, 6'000}));
  EXPECT_EQ(plan->tally.left(), (CartridgeSums{4, 10, 10'000}));
  EXPECT_EQ(plan->tally.emptied, 1U);
  EXPECT_EQ(plan->due.copies, 1U);
  EXPECT_EQ(plan->migration.counts, (PoolMigrationCounts{4, 10, 10'000, 1}));
  EXPECT_EQ(plan->migration.keys.labels[0], kKek1);
  EXPECT_EQ(plan->source_mounts, 3U);
  EXPECT_EQ(plan->scratch_needed, 2U);  // 7,000 bytes
  EXPECT_EQ(plan->scratch_there, 2U);
  EXPECT_EQ(plan->scratch_returning, 1U);
  EXPECT_EQ(plan->target_mounts, 5U);
  EXPECT_EQ(plan->duration, std::chrono::seconds(70 + 8 * 60));
  std::vector<std::string> settings;
  for (const auto& setting : plan->settings)
    settings.push_back(std::string(to_string(setting.kind)) + " " + setting.name);
  EXPECT_THAT(settings, ElementsAre("storage-group --------", "storage-group PAYROLL",
                                    "management-class TWICE", "reclaim-pool 1", "borrow 1"));
  EXPECT_EQ(group_pool("PAYROLL"), kOld) << "a plan changes nothing";
  EXPECT_EQ(plan->refusal(), nullptr);
}

TEST_F(PoolMigrationsTest, T7_ThePlanMeasuresCapacityByWhatWasFilled) {
  add("FULL1", CartridgeState::kFull, 1, kOld, [](auto& full) { full.written_bytes = 3'000; });
  add("FULL2", CartridgeState::kFull, 1, kNew, [](auto& full) { full.written_bytes = 5'000; });
  add("PART2", CartridgeState::kFilling, 1, kNew, [](auto& part) {
    part.encryption = MediumEncryption::kWrapped;
    part.written_bytes = 3'500;
  });
  const auto plan = migrations().plan({kOld, kNew});
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->capacity_measured);
  EXPECT_EQ(plan->rates.cartridge_bytes, 4'000U);
  EXPECT_EQ(plan->room_bytes, 500U);
  EXPECT_EQ(plan->scratch_needed, 1U);
  EXPECT_GT(plan->rates.drive_bytes_per_second, 0U) << "what nobody gives is assumed";
}

TEST_F(PoolMigrationsTest, T7_ThePlanNamesWhatIsInTheWay) {
  add("FULL1", CartridgeState::kFull, 1);
  EXPECT_THAT(conflicts({kOld, kNew}), ElementsAre(Conflict::kNoScratch, Conflict::kSecondCopies));
  add_scratch("SCR1");
  EXPECT_THAT(conflicts({kOld, kNew}), ElementsAre(Conflict::kSecondCopies));
  EXPECT_THAT(conflicts({kOld, kOld}), ElementsAre(Conflict::kEncryptionOff));
  EXPECT_THAT(conflicts({kNew, kNew}), ElementsAre(Conflict::kNothingToChange));
  Pool lto = pool(kNew);
  lto.media = MediumKind::kLto;
  Pool old = pool(kOld);
  old.reclaim = {.threshold_percent = 0};
  ASSERT_TRUE(box_.put(lto, old, ManagementClass{"TWICE", 0, ""}));
  inhibited_ = true;
  EXPECT_THAT(conflicts({kOld, kNew, When::kWhenEligible}),
              ElementsAre(Conflict::kNoScratch, Conflict::kReclaimInhibited, Conflict::kNoReclaimPolicy,
                          Conflict::kMediaDiffer));
}

TEST_F(PoolMigrationsTest, T7_TooFewScratchCartridgesAreSaidUnlessTheyComeBack) {
  const auto filled = [](auto& full) { full.written_bytes = 1'000; };
  add("FULL1", CartridgeState::kFull, 1, kOld, filled);
  add("FULL2", CartridgeState::kFull, 1, kOld, filled);
  add_scratch("SCR1");
  ASSERT_TRUE(box_.put(ManagementClass{"TWICE", 0, ""}));
  EXPECT_THAT(conflicts({kOld, kNew}), ElementsAre(Conflict::kLittleScratch));
  PhysicalVolume lent = at("FULL1");
  lent.borrowed = true;
  lent.home_pool = kCommonPool;
  ASSERT_TRUE(box_.put(lent));
  EXPECT_THAT(conflicts({kOld, kNew}), IsEmpty()) << "emptied, it goes to the common pool";
}

TEST_F(PoolMigrationsTest, T7_BadRequestsAreRefusedByTheirField) {
  const auto field = [&](const MigrationRequest& request, const TransferRates& rates = {}) {
    const auto plan = migrations().plan(request, rates);
    return plan ? std::string("planned")
                : std::string(to_string(plan.error().code)) + " " + plan.error().field;
  };
  EXPECT_EQ(field({99, kNew}), "invalid-argument pool");
  EXPECT_EQ(field({kOld, 99}), "invalid-argument pool");
  EXPECT_EQ(field({kCommonPool, kNew}), "invalid-argument source");
  EXPECT_EQ(field({kOld, kCommonPool}), "invalid-argument target");
  EXPECT_EQ(field({kOld, kNew, When::kNone}), "invalid-argument when");
  EXPECT_EQ(field({kOld, kNew, When::kNow, PoolKeys{}}), "invalid-argument label 1");
  EXPECT_EQ(field({kOld, kOld, When::kNow, PoolKeys{PoolEncryption::kWrapped, {}, ""}}),
            "invalid-argument label 1");
  EXPECT_EQ(field({kOld, kNew}, {.mount_seconds = 100'000}), "invalid-argument mount seconds");
  EXPECT_EQ(migrations().progress(1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(migrations().cancel(7, false).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(migrations().start({99, kNew}, "operator-1"));
  EXPECT_THAT(*migrations().all(), IsEmpty());
}

TEST_F(PoolMigrationsTest, T7_WithoutScratchNothingIsBegun) {
  add("FULL1", CartridgeState::kFull, 1);
  const auto refused = migrations().start({kOld, kNew}, "operator-1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().text(), HasSubstr("insert 3592 cartridges"));
  EXPECT_EQ(group_pool("PAYROLL"), kOld);
  EXPECT_THAT(*migrations().all(), IsEmpty());
}

TEST_F(PoolMigrationsTest, T7_SettingsChangeThenEverythingIsMovedAndThePoolIsEmpty) {
  add("FULL1", CartridgeState::kFull, 3, kOld, [](auto& full) {
    full.borrowed = true;
    full.home_pool = kCommonPool;
  });
  add("CLOSED1", CartridgeState::kClosed, 1);
  add("PART1", CartridgeState::kFilling, 2);
  add("PART2", CartridgeState::kFilling, 0);
  add("FULL9", CartridgeState::kFull, 2, 9);
  Pool nine = pool(9);
  nine.reclaim_pool = kOld;
  ASSERT_TRUE(box_.put(nine));
  add_scratch("SCR1");

  const auto begun = started();
  EXPECT_EQ(begun.number, 1U);
  EXPECT_EQ(begun.state, State::kMoving);
  EXPECT_EQ(begun.requested_by, "operator-1");
  EXPECT_GE(woken_, 1U);
  EXPECT_EQ(group_pool("PAYROLL"), kNew);
  EXPECT_EQ(group_pool("--------"), kNew);
  EXPECT_EQ(group_pool("OTHER"), 5);
  EXPECT_EQ(box_.look([](auto& view) { return view.management_class("TWICE"); }).pool, kNew);
  EXPECT_EQ(pool(kOld).reclaim_pool, kNew);
  EXPECT_EQ(pool(9).reclaim_pool, kNew) << "it would bring data back";
  EXPECT_EQ(pool(kOld).borrow, Borrow::kBorrowAndReturn);
  EXPECT_EQ(requested(When::kNow), (Names{"CLOSED1", "FULL1", "PART1"}));
  EXPECT_EQ(at("PART1").state, CartridgeState::kClosed);
  EXPECT_EQ(at("PART2").state, CartridgeState::kClosed) << "nobody writes to it any more";
  EXPECT_EQ(at("FULL9").move.when, When::kNone);

  box_.clock().advance(std::chrono::seconds(10));
  work(1);
  advance();
  auto progress = *migrations().progress(1);
  EXPECT_EQ(progress.done, (CartridgeSums{1, 1, 1'000}));
  EXPECT_EQ(progress.percent, 16U);
  EXPECT_EQ(progress.bytes_per_second, 100U);
  EXPECT_EQ(progress.estimated_end, std::optional<WallTime>(box_.now() + std::chrono::seconds(50)));
  work();
  advance();
  progress = *migrations().progress(1);
  EXPECT_EQ(progress.migration.state, State::kFinished);
  EXPECT_EQ(progress.percent, 100U);
  EXPECT_EQ(progress.migration.ended_at, std::optional<WallTime>(box_.now()));
  EXPECT_EQ(at("FULL1").pool, kCommonPool) << "given back";
  EXPECT_EQ(at("NEW1").labels[0], kKek1);
  box_.expect_sound();
}

TEST_F(PoolMigrationsTest, T7_WhatIsDueForTheOldPoolIsWrittenThereFirst) {
  add("FULL1", CartridgeState::kFull, 1);
  add("PART1", CartridgeState::kFilling, 1);
  add_scratch("SCR1");
  LogicalVolume due = written_volume("DUE1");
  due.primary_due = true;
  due.primary_pool = kOld;
  due.mounted = "DRIVE1";
  ASSERT_TRUE(box_.put_cached(due));
  started();
  EXPECT_EQ(requested(When::kNow), (Names{"FULL1"}));
  EXPECT_EQ(at("PART1").state, CartridgeState::kFilling) << "it takes what is due";
  EXPECT_THAT(hindrances(), ElementsAre(Hindrance::kCopiesDue));
  work();
  advance();
  EXPECT_EQ(state(), State::kMoving);

  due.cached = true;
  due.mounted.clear();
  due.primary_due = false;
  due.primary = copy_on("PART1", 2);
  ASSERT_TRUE(box_.put(due));
  advance();
  EXPECT_EQ(at("PART1").state, CartridgeState::kClosed);
  EXPECT_EQ(requested(When::kNow), (Names{"PART1"}));
  work();
  advance();
  EXPECT_EQ(state(), State::kFinished);
  EXPECT_EQ(box_->volume("DUE1")->primary->cartridge, "NEW2");
}

TEST_F(PoolMigrationsTest, T7_WhenEligibleThePartlyFilledAreCleanedUpLast) {
  add("FULL1", CartridgeState::kFull, 1);
  add("CLOSED1", CartridgeState::kClosed, 1);
  add("PART1", CartridgeState::kFilling, 1);
  add_scratch("SCR1");
  started({kOld, kNew, When::kWhenEligible});
  EXPECT_EQ(requested(When::kWhenEligible), (Names{"FULL1"}));
  EXPECT_EQ(requested(When::kNow), (Names{}));
  EXPECT_EQ(at("PART1").state, CartridgeState::kFilling);
  EXPECT_THAT(hindrances(), ElementsAre(Hindrance::kNotEligible));
  move(at("FULL1"));
  work();
  advance();
  EXPECT_EQ(requested(When::kNow), (Names{"CLOSED1", "PART1"}));
  work();
  advance();
  EXPECT_EQ(state(), State::kFinished);
}

TEST_F(PoolMigrationsTest, T7_AnOperatorsOwnRequestElsewhereStays) {
  add("FULL1", CartridgeState::kFull, 1, kOld, [](auto& full) { full.move = {When::kWhenEligible, 7}; });
  add("FULL2", CartridgeState::kFull, 1, kOld, [](auto& full) { full.move = {When::kWhenEligible, kNew}; });
  add_scratch("SCR1");
  started();
  EXPECT_EQ(at("FULL1").move, (MoveRequest{When::kWhenEligible, 7}));
  EXPECT_EQ(at("FULL2").move, (MoveRequest{When::kNow, kNew}));
}

TEST_F(PoolMigrationsTest, T7_ASecondOneOfThePoolIsRefusedUntilTheFirstHasEnded) {
  add("FULL1", CartridgeState::kFull, 1);
  add_scratch("SCR1");
  add_scratch("SCR3", 3);
  Pool third = pool(kNew);
  third.number = 3;
  third.reclaim_pool = 3;
  ASSERT_TRUE(box_.put(third));
  started();
  for (const MigrationRequest& request : {MigrationRequest{kOld, kNew}, MigrationRequest{kOld, 3},
                                          MigrationRequest{kNew, 3}, MigrationRequest{3, kOld}}) {
    const auto refused = migrations().start(request, "operator-2");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
    EXPECT_THAT(refused.error().text(), HasSubstr("migration 1"));
  }
  EXPECT_EQ(migrations().all()->size(), 1U);
  work();
  advance();
  EXPECT_EQ(started({kNew, 3}).number, 2U);
}

TEST(MigrationPace, T7_ItLooksEveryTwoSecondsAndLessOftenWhereALookTakesLong) {
  using std::chrono::milliseconds;
  const SteadyTime start{std::chrono::hours(1)};
  MigrationPace pace;
  EXPECT_TRUE(pace.due(start));
  pace.passed(start, start + milliseconds(5));
  EXPECT_FALSE(pace.due(start + milliseconds(2'000)));
  EXPECT_TRUE(pace.due(start + milliseconds(2'005))) << "nobody looks at 99 % for long";
  pace.passed(start, start + milliseconds(500));
  EXPECT_FALSE(pace.due(start + milliseconds(10'000)));
  EXPECT_TRUE(pace.due(start + milliseconds(10'500)));
  pace.passed(start, start + milliseconds(10'000));
  EXPECT_TRUE(pace.due(start + milliseconds(40'000)));
}

TEST_F(PoolMigrationsTest, T7_ARestartGoesOnFromAnyStep) {
  add("FULL1", CartridgeState::kFull, 1);
  add("PART1", CartridgeState::kFilling, 1);
  add_scratch("SCR1");
  auto plan = *migrations().plan({kOld, kNew});
  ASSERT_TRUE(box_->change([&](CatalogueChange& change) -> Status {
    (void)TRY(change.begin_pool_migration(plan.migration));
    return {};
  }));
  ASSERT_TRUE(box_.open());
  EXPECT_EQ(group_pool("PAYROLL"), kOld) << "it was cut off before the first step";

  hold_ = [](const std::string&) -> Result<std::shared_ptr<void>> {
    return fail(ErrorCode::kIo, "the library is gone");
  };
  EXPECT_FALSE(migrations().advance());
  ASSERT_TRUE(box_.open());
  EXPECT_EQ(group_pool("PAYROLL"), kNew);
  EXPECT_EQ(pool(kOld).reclaim_pool, kNew);
  EXPECT_EQ(at("PART1").state, CartridgeState::kFilling) << "it was cut off in the middle of the last one";

  hold_ = [](const std::string&) -> Result<std::shared_ptr<void>> {
    return fail(ErrorCode::kConflict, "work is under way");
  };
  advance();
  EXPECT_EQ(requested(When::kNow), (Names{"FULL1"})) << "what is in work's hands waits";
  const auto woken = woken_;
  advance();
  EXPECT_EQ(woken_, woken) << "and is nothing new for work";
  hold_ = [](const std::string&) { return std::make_shared<int>(); };
  advance();
  EXPECT_EQ(requested(When::kNow), (Names{"FULL1", "PART1"}));
  ASSERT_TRUE(box_.open());
  work();
  advance();
  EXPECT_EQ(state(), State::kFinished);
  advance();
  EXPECT_EQ(state(), State::kFinished);
  box_.expect_sound();
}

TEST_F(PoolMigrationsTest, T7_CancelTakesBackRequestsAndSettings) {
  add("FULL1", CartridgeState::kFull, 1);
  add("FULL2", CartridgeState::kFull, 1);
  add_scratch("SCR1");
  started();
  work(1);
  ASSERT_TRUE(box_.put(StorageGroup{"PAYROLL", 8, ""}));
  const auto cancelled = migrations().cancel(1, false);
  ASSERT_TRUE(cancelled) << cancelled.error().text();
  EXPECT_EQ(cancelled->state, State::kCancelled);
  EXPECT_EQ(requested(When::kNow), (Names{}));
  EXPECT_EQ(group_pool("--------"), kOld);
  EXPECT_EQ(group_pool("PAYROLL"), 8) << "somebody else changed it since";
  EXPECT_EQ(pool(kOld).reclaim_pool, kOld);
  EXPECT_EQ(pool(kOld).borrow, Borrow::kBorrowAndKeep);
  EXPECT_EQ(box_->volume("V1")->primary->cartridge, "NEW1") << "what was moved stays";
  EXPECT_EQ(migrations().cancel(1, false).error().code, ErrorCode::kConflict);
  advance();
  EXPECT_EQ(requested(When::kNow), (Names{}));
  box_.expect_sound();
}

TEST_F(PoolMigrationsTest, T7_CancelKeepsTheSettingsWhenAsked) {
  add("FULL1", CartridgeState::kFull, 1);
  add_scratch("SCR1");
  started();
  ASSERT_TRUE(migrations().cancel(1, true));
  EXPECT_EQ(group_pool("PAYROLL"), kNew);
  EXPECT_EQ(pool(kOld).reclaim_pool, kNew);
  EXPECT_EQ(requested(When::kNow), (Names{}));
  EXPECT_EQ(started().number, 2U) << "and it may be begun again";
}

TEST_F(PoolMigrationsTest, T7_ToANewKekWithinThePool) {
  const auto under = [](const KeyLabel& label) {
    return [label](PhysicalVolume& out) {
      out.encryption = MediumEncryption::kWrapped;
      out.labels = {label, KeyLabel{}};
    };
  };
  const KeyLabel next{"kek 3", LabelMode::kClear};
  const PoolKeys keys{PoolEncryption::kWrapped, {next, KeyLabel{}}, ""};
  add("OLD1", CartridgeState::kFull, 2, kNew, under(kKek1));
  add("OLD2", CartridgeState::kFilling, 1, kNew, under(kKek1));
  add("CLEAR1", CartridgeState::kClosed, 1, kNew);
  add("DONE1", CartridgeState::kFull, 1, kNew, under({"KEK 3", LabelMode::kClear}));
  add("DONE2", CartridgeState::kFilling, 1, kNew, under({"KEK 3", LabelMode::kClear}));
  add("FULL1", CartridgeState::kFull, 1, kOld);
  add_scratch("SCR1");

  check_keys_ = [](const Pool&) -> Status { return fail(ErrorCode::kNotFound, "no such label", "label 1"); };
  const auto plan = migrations().plan({kNew, kNew, When::kNow, keys});
  ASSERT_TRUE(plan);
  ASSERT_NE(plan->refusal(), nullptr) << "a plan asks the key servers, too";
  EXPECT_EQ(plan->refusal()->kind, Conflict::kKeysNotKnown);
  EXPECT_THAT(plan->refusal()->text, ::testing::HasSubstr("no such label"));
  EXPECT_EQ(migrations().start({kNew, kNew, When::kNow, keys}, "o").error().field, "label 1");
  EXPECT_EQ(pool(kNew).labels[0], kKek1) << "what the key servers do not know changes nothing";
  Pool asked;
  check_keys_ = [&](const Pool& wanted) {
    asked = wanted;
    return Status{};
  };
  EXPECT_EQ(started({kNew, kNew, When::kNow, keys}).state, State::kMoving);
  EXPECT_EQ(asked.labels[0], next);
  EXPECT_EQ(pool(kNew).labels[0], next);
  EXPECT_EQ(pool(kNew).reclaim_pool, kNew);
  EXPECT_EQ(requested(When::kNow), (Names{"CLEAR1", "OLD1", "OLD2"}));
  EXPECT_EQ(at("OLD2").state, CartridgeState::kClosed) << "an append would go on with the old key";
  EXPECT_EQ(at("DONE2").state, CartridgeState::kFilling);
  work();
  advance();
  EXPECT_EQ(state(), State::kFinished);
  EXPECT_EQ(at("NEW1").labels[0], next);
  EXPECT_EQ(conflicts({kNew, kNew}), std::vector{Conflict::kNothingToChange});
}

TEST_F(PoolMigrationsTest, T7_CancelWithinThePoolBringsTheOldLabelsBack) {
  add("OLD1", CartridgeState::kFull, 1, kNew, [](auto& out) {
    out.encryption = MediumEncryption::kWrapped;
    out.labels = {kKek2, kKek1};
  });
  add_scratch("SCR1");
  EXPECT_THAT(conflicts({kNew, kNew}), ElementsAre(Conflict::kNothingToChange)) << "either order will do";
  started({kNew, kNew, When::kNow, PoolKeys{PoolEncryption::kWrapped, {kKek2, KeyLabel{}}, ""}});
  EXPECT_EQ(requested(When::kNow), (Names{"OLD1"}));
  ASSERT_TRUE(migrations().cancel(1, false));
  EXPECT_EQ(pool(kNew).labels[0], kKek1);
  EXPECT_EQ(requested(When::kNow), (Names{}));
}

TEST_F(PoolMigrationsTest, T7_WithKeysOfAGroupWhatWasBegunBeforeIsMoved) {
  Pool lto = default_pools()[4];
  lto.encryption = PoolEncryption::kIdentified;
  lto.key_group = "DAILY";
  ASSERT_TRUE(box_.put(lto));
  add("LTO1", CartridgeState::kFull, 1, 4, [](auto& out) {
    out.kind = MediumKind::kLto;
    out.encryption = MediumEncryption::kIdentified;
    out.alias = "ABC000000000000000001";
  });
  PhysicalVolume scratch = cartridge("SCR4", 4, CartridgeState::kScratch);
  ASSERT_TRUE(box_.put(scratch));
  box_.clock().advance(std::chrono::seconds(1));
  started({4, 4, When::kNow, PoolKeys{PoolEncryption::kIdentified, {}, "WEEKLY"}});
  EXPECT_EQ(pool(4).key_group, "WEEKLY");
  EXPECT_EQ(requested(When::kNow), (Names{"LTO1"}));
  work();
  advance();
  EXPECT_EQ(state(), State::kFinished);
}

TEST_F(PoolMigrationsTest, T7_ProgressTellsWhatHoldsItUp) {
  add("FULL1", CartridgeState::kFull, 1);
  add("BAD1", CartridgeState::kDamaged, 2);
  add_scratch("SCR1");
  started();
  EXPECT_THAT(hindrances(), ElementsAre(Hindrance::kStuck));
  EXPECT_THAT(migrations().progress(1)->hindrances.front().text,
              HasSubstr("cartridge BAD1 is damaged with 2 active volumes"));
  notices_.raise(NoticeKind::kNoKeyServer, "key servers", "a key was needed");
  notices_.raise(NoticeKind::kNoScratchCartridge, "pool 2", "pool 2 has none");
  notices_.raise(NoticeKind::kNoScratchCartridge, "pool 9", "pool 9 has none");
  notices_.raise(NoticeKind::kCartridgeOverdue, "FULL1", "it is not there");
  notices_.raise(NoticeKind::kCartridgeOverdue, "OTHER1", "it is not there");
  ASSERT_TRUE(box_.put(StorageGroup{"PAYROLL", kOld, ""}));
  EXPECT_THAT(hindrances(), ElementsAre(Hindrance::kNoKeys, Hindrance::kNoScratch, Hindrance::kOverdue,
                                        Hindrance::kStuck, Hindrance::kSettings));
  (void)notices_.clear(NoticeKind::kNoScratchCartridge, "pool 2", "inserted");
  PhysicalVolume taken = at("SCR1");
  taken.pool = 9;
  taken.home_pool = 9;
  ASSERT_TRUE(box_.put(taken));
  EXPECT_THAT(hindrances(), ::testing::Contains(Hindrance::kNoScratch));
  work();
  advance();
  EXPECT_EQ(state(), State::kMoving) << "not before the damaged one is settled";
  EXPECT_EQ(migrations().progress(1)->percent, 33U);
}

TEST_F(PoolMigrationsTest, T7_MoreCartridgesThanAPageAreAllMoved) {
  constexpr unsigned kMany = 1'205;
  ASSERT_TRUE(box_->change([&](CatalogueChange& change) -> Status {
    for (unsigned i = 0; i < kMany; ++i) {
      const std::string number = std::to_string(10'000 + i);
      TRY(change.put(blank("C" + number, kOld, CartridgeState::kFull)));
      LogicalVolume volume = written_volume("V" + number);
      volume.primary = copy_on("C" + number, 1);
      TRY(change.put(volume));
    }
    return {};
  }));
  add_scratch("SCR1");
  EXPECT_EQ(started().counts.cartridges, kMany);
  EXPECT_EQ(migrations().progress(1)->tally.requested, kMany);
  ASSERT_TRUE(migrations().cancel(1, false));
  EXPECT_EQ(requested(When::kNow), (Names{}));
}

}  // namespace
}  // namespace tapewarden::engine::testing
