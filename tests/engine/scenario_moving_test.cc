// The overview "TS7700 encryption" as it runs, section "Moving data to encrypted storage pools"
// (docs/overview-scenarios.md; feature rows T6, T7): what hosts' mounts, constructs and operators' orders
// have to do with it. The policies of reclaim, which count in days, are in
// src/engine/work/overview_moving_test.cc.
#include <set>

#include "engine/overview_site.h"

namespace tapewarden::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Two volumes on a cartridge in clear, and a new pool that encrypts.
class OverviewMoving : public Overview {
 protected:
  static Status begin(const std::string& group, const std::string& volsers, int old_pool, int new_pool,
                      const std::string& old_barcode, const std::string& new_barcode) {
    TRY(pool_of_group(new_pool, "DAILY"));
    TRY(node().insert_cartridges(old_barcode, old_pool));
    TRY(node().insert_cartridges(new_barcode, new_pool));
    TRY(storage_group(group, old_pool));
    for (const auto* number : {"1", "2"}) TRY(saved(volsers + number, group, data()));
    return out_of_cache({volsers + "1", volsers + "2"});
  }
  static const Bytes& data() {
    static const Bytes bytes = noise(kSmall, 51);
    return bytes;
  }
  // The pool in which the primary copy of now lies, and how it is encrypted there.
  static std::string lies(const std::string& volser) {
    const auto barcodes = cartridges_of(volser);
    if (barcodes.empty()) return "nowhere";
    return field_of(barcodes[0], "pool") + " " + field_of(barcodes[0], "encryption");
  }
  static void expect_lies(const std::string& volser, const std::string& where) {
    EXPECT_TRUE(eventually([&] { return lies(volser) == where; })) << volser << ": " << lies(volser);
  }
  static std::vector<std::string> left_in(int pool) {
    return node().column("/v1/volume-copies?pool=" + std::to_string(pool), "volser");
  }
};

TEST_F(OverviewMoving, T7_MovingData_TheThreeChanges) {
  TW_EXPECT_OK(begin("PATIENTS", "PAT00", 10, 24, "LTO001L9", "LTO002L9"));
  TW_EXPECT_OK(storage_group_to("PATIENTS", 24));
  TW_EXPECT_OK(node().set_pool(10, {{"reclaim_pool", 24}, {"borrow", "return"}}));
  TW_EXPECT_OK(node().insert_volumes("PAT003", {{"storage_group", "PATIENTS"}}));
  TW_EXPECT_OK(node().save("PAT003", data()));
  TW_EXPECT_OK(node().wait_until_copied("PAT003"));
  EXPECT_EQ(lies("PAT003"), "24 identified") << "new data";
  EXPECT_THAT(left_in(10), ElementsAre("PAT001", "PAT002")) << "old data stays for now";
  expect_read_back("PAT001", data());
  expect_lies("PAT001", "24 identified");  // old data that a host recalled
  EXPECT_THAT(left_in(10), ElementsAre("PAT002"));
  TW_EXPECT_OK(closed("LTO001L9"));
  TW_EXPECT_OK(node().set_pool(10, {{"threshold_percent", 60}}));
  expect_lies("PAT002", "24 identified");  // other old data, as tapes are reclaimed
  EXPECT_THAT(left_in(10), IsEmpty());
  TW_EXPECT_OK(out_of_cache({"PAT001"}));
  for (const auto* volser : {"PAT001", "PAT002"}) expect_read_back(volser, data());
}

// A job that mounts them is what moves them: recalled alone, they go where they were.
TEST_F(OverviewMoving, T7_MovingData_RecallDataMethod) {
  TW_EXPECT_OK(begin("ARCHIVE", "RDM00", 14, 25, "LTO003L9", "LTO004L9"));
  TW_EXPECT_OK(storage_group_to("ARCHIVE", 25));
  TW_EXPECT_OK(order("/v1/volumes/RDM001-RDM002/recall"));
  for (const auto* volser : {"RDM001", "RDM002"}) {
    EXPECT_TRUE(eventually([&] { return node().residence(volser) == "premigrated"; }));
    EXPECT_EQ(lies(volser), "14 clear");
    TW_EXPECT_OK(node().load(volser));
    TW_EXPECT_OK(node().wait_until_ready());
    TW_EXPECT_OK(node().unload(volser));
    expect_lies(volser, "25 identified");
  }
  EXPECT_THAT(left_in(14), IsEmpty());
  EXPECT_TRUE(eventually([] { return field_of("LTO003L9", "active_volumes") == "0"; }));
}

// "a map of the logical volumes": what is asked for in its order comes in one mount.
TEST_F(OverviewMoving, T7_MovingData_RecallByTheVolumeMap) {
  TW_EXPECT_OK(node().insert_cartridges("LTO005L9", 32));
  TW_EXPECT_OK(storage_group("MAPPED", 32));
  for (const auto* volser : {"MAP002", "MAP003", "MAP001"}) TW_EXPECT_OK(saved(volser, "MAPPED", data()));
  const std::vector<std::string> on_tape{"MAP002", "MAP003", "MAP001"};
  TW_EXPECT_OK(out_of_cache(on_tape));
  EXPECT_EQ(node().column("/v1/physical-volumes/LTO005L9/volumes", "volser"), on_tape);
  const auto report = shown({"report", "volume-map", "--format", "csv"});
  EXPECT_LT(report.find("MAP002"), report.find("MAP003"));
  EXPECT_LT(report.find("MAP003"), report.find("MAP001"));
  TW_EXPECT_OK(order_when_free("/v1/physical-volumes/LTO005L9/recall"));
  for (const auto& volser : on_tape)
    EXPECT_TRUE(eventually([&] { return node().residence(volser) == "premigrated"; })) << volser;
  // Fewer mounts than volumes; that it is a single one when all are asked for at once, a test without hosts
  // says.
  std::set<std::string> reads;
  const auto look = [&] {  // a mount is remembered when it has ended
    const auto mounts = node().column("/v1/traces/LTO005L9?last=100", "mount");
    const auto purposes = node().column("/v1/traces/LTO005L9?last=100", "purpose");
    for (std::size_t i = 0; i < std::min(mounts.size(), purposes.size()); ++i)
      if (purposes[i] == "read") reads.insert(mounts[i]);
    return !reads.empty();
  };
  EXPECT_TRUE(eventually(look));
  EXPECT_LT(reads.size(), on_tape.size());
}

TEST_F(OverviewMoving, T7_MovingData_APoolCountsWhenTheVolumeIsUnmounted) {
  TW_EXPECT_OK(pool_of_group(24, "DAILY"));
  TW_EXPECT_OK(node().insert_cartridges("LTO006L9", 14));
  TW_EXPECT_OK(node().insert_cartridges("LTO007L9", 24));
  TW_EXPECT_OK(storage_group("INCACHE", 14));
  TW_EXPECT_OK(saved("INC001", "INCACHE", data()));
  ASSERT_EQ(node().residence("INC001"), "premigrated");
  TW_EXPECT_OK(storage_group_to("INCACHE", 24));
  EXPECT_EQ(node().text("/v1/volumes/INC001", "due"), "0") << "in the cache, and nothing is copied";
  EXPECT_EQ(lies("INC001"), "14 clear");
  TW_EXPECT_OK(node().load("INC001"));
  TW_EXPECT_OK(node().wait_until_ready());
  EXPECT_EQ(lies("INC001"), "14 clear") << "mounted, and not unmounted yet";
  TW_EXPECT_OK(node().unload("INC001"));
  expect_lies("INC001", "24 identified");
}

TEST_F(OverviewMoving, T7_MovingData_MoveLogicalVolumesMethod) {
  TW_EXPECT_OK(pool_of_group(25, "DAILY"));
  TW_EXPECT_OK(node().insert_cartridges("LTO008L9-LTO009L9", 27));
  TW_EXPECT_OK(node().insert_cartridges("LTO010L9", 25));
  TW_EXPECT_OK(storage_group("STACKED", 27));
  TW_EXPECT_OK(saved("STK001", "STACKED", data()));
  const auto first = cartridges_of("STK001")[0];
  TW_EXPECT_OK(closed(first));
  TW_EXPECT_OK(saved("STK002", "STACKED", data()));
  TW_EXPECT_OK(out_of_cache({"STK001", "STK002"}));
  std::string moved;
  EXPECT_TRUE(eventually([&] {
    moved = shown({"physical-volume", "move", "LTO008L9-LTO009L9", "now", "--to", "25"});
    return moved.find("under way") == std::string::npos;
  })) << moved;
  EXPECT_THAT(moved, AllOf(HasSubstr("LTO008L9"), HasSubstr("LTO009L9")));
  for (const auto* volser : {"STK001", "STK002"}) {
    expect_lies(volser, "25 identified");
    expect_read_back(volser, data());
  }
}

}  // namespace
}  // namespace tapewarden::testing
