// A cache whose file system is not mounted, or is lost for good.
#include "engine/residence/cache_loss.h"

#include "engine/cache/cache_identity.h"
#include "engine/catalogue/tables.h"
#include "engine/residence/residence_test_kit.h"

namespace tapewarden::engine::testing {
namespace {

using Names = std::vector<std::string>;
using ::testing::Test;

const Bytes kContent(1000, 0x5a);

// V00001 and V00002 are in the cache and on P00001, V00003 is on tape only. V00004 has its newest content in
// the cache alone; V00002 is in a drive.
struct CacheLossTest : Test {
  ResidenceBench bench;
  CacheLossTest() { fill(); }
  void fill() {
    ASSERT_TRUE(bench.put(filling_cartridge("P00001")));
    for (std::uint32_t i = 1; i <= 4; ++i)
      ASSERT_TRUE(bench.put(migrated_volume("V0000" + std::to_string(i), "P00001", i)));
    for (const auto* volser : {"V00001", "V00002", "V00004"}) ASSERT_TRUE(bench.bring(volser, kContent));
    auto held = volume("V00002");
    held.mounted = "DRIVE1";
    auto changed = volume("V00004");
    changed.generation = 2;
    changed.primary_due = true;
    ASSERT_TRUE(bench.put(held, changed));
  }
  LogicalVolume volume(const std::string& volser) { return bench.catalogue->volume(volser).value(); }
  std::vector<LogicalVolume> volumes() {
    return {volume("V00001"), volume("V00002"), volume("V00003"), volume("V00004")};
  }
  std::optional<Uuid> known_identity() {
    std::optional<Uuid> cache;
    EXPECT_TRUE(bench.catalogue->read([&](CatalogueView& view) -> Status {
      cache = TRY(view.engine_state()).cache;
      return {};
    }));
    return cache;
  }
  // The catalogue as it is, without its cache.
  Result<OpenedCache> open() {
    bench.volumes.reset();
    bench.opened = {};
    return open_cache(bench.env(), *bench.catalogue, *bench.notices, kCacheFolder);
  }
  void forget_identity() {
    ASSERT_TRUE(bench.catalogue->keystore().write([](store::Transaction& transaction) -> Status {
      return transaction.erase(kEngineTable, {std::int64_t{0}});
    }));
  }
};

TEST_F(CacheLossTest, T5_ACacheThatIsNotMountedAtTheStartIsRefusedAndNothingIsGivenUp) {
  const auto before = volumes();
  bench.disk.take_away(kCacheFolder);
  const auto refused = open();
  ASSERT_FALSE(refused) << "an empty mount point";
  EXPECT_NE(refused.error().text().find("the folder " + kCacheFolder), std::string::npos);
  EXPECT_NE(refused.error().remedy.find("mount the cache's disk"), std::string::npos);
  EXPECT_NE(refused.error().remedy.find("accept-cache-loss"), std::string::npos);
  EXPECT_EQ(volumes(), before);
  EXPECT_EQ(bench.all_files(), Names()) << "beneath the mount point";
  // Another engine's cache.
  ASSERT_TRUE(write_cache_identity(bench.disk, kCacheFolder, Uuid::from(Bytes(16, 0x77))));
  const auto beneath = bench.all_files();
  EXPECT_FALSE(open());
  EXPECT_EQ(volumes(), before);
  EXPECT_EQ(bench.all_files(), beneath);
  bench.disk.bring_back();
  bench.start();
  EXPECT_EQ(bench.opened.corrected, Names());
  EXPECT_EQ(bench.opened.lost, Names());
  for (const auto* volser : {"V00001", "V00002", "V00004"}) EXPECT_EQ(bench.read(volser).value(), kContent);
  bench.expect_sound();
}

TEST_F(CacheLossTest, T5_ACacheThatGoesAwayAtRunTimeChangesNothing) {
  const auto before = volumes();
  bench.disk.take_away(kCacheFolder);
  for (const auto* volser : {"V00001", "V00002", "V00004"})
    EXPECT_EQ(bench.volumes->path_of(volume(volser)).error().code, ErrorCode::kIo) << volser;
  EXPECT_EQ(bench.interventions(), Names{"TWE014A cache"});
  EXPECT_EQ(bench.volumes->begin_arrival("V00003").error().code, ErrorCode::kIo);
  EXPECT_EQ(bench.all_files(), Names()) << "nothing is written beneath the mount point";
  EXPECT_FALSE(bench.volumes->look_at_folder());
  bench.disk.bring_back();
  EXPECT_TRUE(bench.volumes->look_at_folder());
  EXPECT_EQ(bench.interventions(), Names());
  for (const auto* volser : {"V00001", "V00002", "V00004"}) EXPECT_EQ(bench.read(volser).value(), kContent);
  EXPECT_EQ(volume("V00001"), before[0]);
  ASSERT_TRUE(bench.bring("V00003", kContent));
  bench.expect_sound();
}

TEST_F(CacheLossTest, T5_AFileThatArrivedBeneathTheMountPointDoesNotCount) {
  const auto coming = bench.volumes->begin_arrival("V00003").value();
  bench.disk.take_away(kCacheFolder);
  ASSERT_TRUE(bench.write_partial(coming, kContent));
  EXPECT_EQ(bench.volumes->finish_arrival(coming, 1).error().code, ErrorCode::kIo);
  EXPECT_FALSE(volume("V00003").cached);
  EXPECT_EQ(bench.all_files(), Names());
}

TEST_F(CacheLossTest, T5_ACatalogueOfBeforeTakesTheFolderThatHasAFileOfIts) {
  forget_identity();
  ASSERT_TRUE(bench.sim.disk.remove(kCacheFolder + "/" + std::string(kCacheIdentityFile)));
  bench.disk.take_away(kCacheFolder);
  EXPECT_FALSE(open()) << "it has none";
  EXPECT_FALSE(known_identity());
  EXPECT_EQ(bench.all_files(), Names());
  bench.disk.bring_back();
  bench.start();
  ASSERT_TRUE(known_identity());
  EXPECT_EQ(read_cache_identity(bench.disk, kCacheFolder).value(), known_identity());
  EXPECT_EQ(bench.opened.corrected, Names());
  bench.start();
  EXPECT_EQ(bench.read("V00004").value(), kContent);
}

TEST_F(CacheLossTest, T5_AnIdentityThatTheCatalogueDoesNotHaveYetIsTaken) {
  const auto cache = known_identity();
  forget_identity();
  bench.start();
  EXPECT_EQ(known_identity(), cache) << "as when the power went between the two";
}

TEST_F(CacheLossTest, T5_TheCacheOfAnotherCatalogueIsNotEmptied) {
  const auto files = bench.all_files();
  ResidenceBench other(2);
  for (const auto& name : other.all_files()) ASSERT_TRUE(other.sim.disk.remove(kCacheFolder + "/" + name));
  ASSERT_TRUE(other.catalogue->keystore().write([](store::Transaction& transaction) -> Status {
    return transaction.erase(kEngineTable, {std::int64_t{0}});
  }));
  const auto refused = open_cache(bench.env(), *other.catalogue, *other.notices, kCacheFolder);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("another catalogue"), std::string::npos);
  EXPECT_EQ(bench.all_files(), files);
}

// As an engine of before there was an identity left it, with another catalogue.
TEST_F(CacheLossTest, T5_AFolderWithoutAnIdentityWhoseFilesNobodyKnowsIsNotEmptied) {
  ASSERT_TRUE(bench.sim.disk.remove(kCacheFolder + "/" + std::string(kCacheIdentityFile)));
  const auto files = bench.all_files();
  ASSERT_EQ(files.size(), 3U);
  ResidenceBench other(2);
  ASSERT_TRUE(other.catalogue->keystore().write([](store::Transaction& transaction) -> Status {
    return transaction.erase(kEngineTable, {std::int64_t{0}});
  }));
  const auto open_with_other = [&] {
    return open_cache(bench.env(), *other.catalogue, *other.notices, kCacheFolder);
  };
  const auto refused = open_with_other();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("holds 3 files that this catalogue has no key of"),
            std::string::npos);
  EXPECT_NE(refused.error().remedy.find("accept-cache-loss"), std::string::npos);
  EXPECT_EQ(bench.all_files(), files);
  const auto loss = look_at_cache_loss(bench.env(), *other.catalogue, kCacheFolder).value();
  EXPECT_EQ(loss.nobodys, files);
  ASSERT_TRUE(accept_cache_loss(bench.env(), *other.catalogue, loss));
  EXPECT_EQ(open_with_other()->removed, files) << "an operator said so";
}

TEST_F(CacheLossTest, T5_ALossIsToldBeforeItIsAcceptedAndThenSettled) {
  bench.disk.take_away(kCacheFolder);
  const auto before = volumes();
  const auto old = known_identity();
  const auto loss = look_at_cache_loss(bench.env(), *bench.catalogue, kCacheFolder).value();
  EXPECT_NE(loss.why.find(kCacheFolder), std::string::npos);
  EXPECT_EQ(loss.kept, 0U);
  EXPECT_EQ(loss.on_tape, Names{"V00001"});
  EXPECT_EQ(loss.changed, Names{"V00002"});
  EXPECT_EQ(loss.nowhere, Names{"V00004"});
  EXPECT_EQ(volumes(), before) << "looking changes nothing";
  EXPECT_EQ(bench.all_files(), Names());
  ASSERT_TRUE(accept_cache_loss(bench.env(), *bench.catalogue, loss));
  EXPECT_NE(known_identity(), old);
  EXPECT_EQ(volume("V00001").residence(), Residence::kMigrated);
  EXPECT_EQ(volume("V00002").residence(), Residence::kMigrated);
  EXPECT_EQ(volume("V00002").mounted, "");
  EXPECT_TRUE(volume("V00004").cached) << "nothing is hidden";
  bench.start();
  EXPECT_EQ(bench.opened.lost, Names{"V00004"});
  EXPECT_EQ(bench.interventions(), Names{"TWE008A V00004"});
  for (const auto* volser : {"V00001", "V00002"}) ASSERT_TRUE(bench.bring(volser, kContent));
  bench.expect_sound();
  bench.disk.bring_back();
  EXPECT_FALSE(open()) << "the old one is not its cache any more";
}

TEST_F(CacheLossTest, T5_OfACacheThatIsThereOnlyWhatIsMissingIsGivenUp) {
  const auto cache = known_identity();
  ASSERT_TRUE(bench.sim.disk.remove(kCacheFolder + "/V00002-1.twc"));
  bench.start();
  EXPECT_EQ(bench.opened.held, Names{"V00002"});
  EXPECT_TRUE(volume("V00002").has_cache_key) << "in a drive: synced writes are not given up";
  EXPECT_EQ(bench.interventions(), Names{"TWE008A V00002"});
  const auto loss = look_at_cache_loss(bench.env(), *bench.catalogue, kCacheFolder).value();
  EXPECT_EQ(loss.why, "");
  EXPECT_EQ(loss.kept, 2U);
  EXPECT_EQ(loss.changed, Names{"V00002"});
  ASSERT_TRUE(accept_cache_loss(bench.env(), *bench.catalogue, loss));
  EXPECT_EQ(known_identity(), cache);
  EXPECT_EQ(volume("V00002").residence(), Residence::kMigrated);
  bench.start();
  EXPECT_EQ(bench.opened.held, Names());
  EXPECT_EQ(bench.read("V00001").value(), kContent);
  EXPECT_FALSE(look_at_cache_loss(bench.env(), *bench.catalogue, kCacheFolder)->anything());
}

// Cut off anywhere, the folder is refused as before, or calling it again does the rest.
TEST(CacheLossCrash, T5_AnAcceptedLossIsCutOffAtEveryWrite) {
  std::size_t cut_off = 0;
  for (std::uint64_t after = 0;; ++after) {
    ResidenceBench bench(after + 1);
    ASSERT_TRUE(bench.put(filling_cartridge("P00001")));
    ASSERT_TRUE(bench.put(migrated_volume("V00001", "P00001", 1)));
    ASSERT_TRUE(bench.bring("V00001", kContent));
    bench.disk.take_away(kCacheFolder);
    const auto accept = [&]() -> Status {
      return accept_cache_loss(bench.env(), *bench.catalogue,
                               TRY(look_at_cache_loss(bench.env(), *bench.catalogue, kCacheFolder)));
    };
    bench.sim.disk.fail_after(after);
    const bool whole = accept().has_value();
    bench.stop();
    bench.sim.disk.clear_faults();
    bench.sim.disk.power_loss(&bench.sim.random);
    bench.open_catalogue();
    ASSERT_TRUE(whole || accept()) << after;
    bench.start();
    EXPECT_EQ(bench.opened.lost, Names());
    EXPECT_FALSE(bench.catalogue->volume("V00001")->cached);
    bench.expect_sound();
    if (whole) break;
    ++cut_off;
  }
  EXPECT_GT(cut_off, 3U);
}

}  // namespace
}  // namespace tapewarden::engine::testing
