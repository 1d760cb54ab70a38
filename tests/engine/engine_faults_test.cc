// What can go wrong behind the hosts' backs, with real daemons (feature rows T5, T8, T9, T11): an operator is
// told what it is, hosts wait and lose nothing, and when the cause is gone everything goes on by itself.
#include <fstream>
#include <gmock/gmock.h>
#include <signal.h>

#include "engine/outer_library.h"
#include "engine/scenario_site.h"
#include "scsi/sense_codes.h"

namespace tapewarden::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace codes = scsi::sense_codes;

constexpr std::size_t kVolume = 20U << 20;
constexpr std::size_t kSmall = 3U << 20;
constexpr std::size_t kThird = 8U << 20;      // of a small cartridge; a little less
constexpr std::size_t kMuch = 60U << 20;      // no room for a volume of 400 MiB beside it and one of 800
constexpr std::chrono::seconds kAWhile{120};  // pauses before something is tried again, and then some

class Faults : public ScenarioSite {
 protected:
  static void SetUpTestSuite() {
    ScenarioSite::SetUpTestSuite();
    if (node_ == nullptr) return;
    TW_EXPECT_OK(make_group("FAULTS", 30));
    for (const auto& [barcodes, capacity] :
         {std::pair{"LTO001L9-LTO012L9", "1G"}, {"SML001L9-SML002L9", "26M"}})
      TW_EXPECT_OK(tapewarden({"engine", "add-cartridges", barcodes, "--kind", "LTO", "--capacity", capacity,
                               "--site", site().directory()}));
    auto outer = OuterLibrary::beside(site(), "OUT001L9-OUT004L9");
    ASSERT_TRUE(outer) << outer.error().text();
    outer_ = std::move(*outer);
    TW_EXPECT_OK(site().wait_in_step());
    TW_EXPECT_OK(node().start());
  }
  static void TearDownTestSuite() {
    ScenarioSite::TearDownTestSuite();
    outer_.reset();
  }
  // A pool that encrypts and the storage group that names it, with these cartridges.
  static Status pool(int number, const std::string& group, const std::string& cartridges) {
    TRY(pool_of_group(number, "FAULTS"));
    TRY(storage_group(group, number));
    return cartridges.empty() ? Status{} : node().insert_cartridges(cartridges, number);
  }
  // A volume that is there, written and unmounted by a host; what becomes of its copies is another matter.
  static Status save(const std::string& volser, ByteView data, unsigned lun = 1) {
    TRY(node().load(volser, lun));
    TRY(node().write(data, lun));
    return node().unload(volser, lun);
  }
  static Status evicted(const std::string& volser) {
    const auto done = TRY(node().as("operator").post("/v1/volumes/" + volser + "/evict", json::object{}));
    if (node().residence(volser) == "migrated") return {};
    return fail(ErrorCode::kConflict, json::serialize(done));
  }
  // What `tapewarden` shows an operator.
  static std::string shown(std::vector<std::string> words) {
    words.insert(words.end(), {"--site", site().directory(), "--as", "operator"});
    const auto told = tapewarden(std::move(words));
    return told ? *told : told.error().text();
  }
  static std::string open_interventions() { return shown({"intervention", "list"}); }
  static bool said_of(const json::value& notice, const std::string& code, const std::string& subject) {
    return notice.at("code").as_string() == code && notice.at("subject").as_string() == subject;
  }
  static bool open(const std::string& code, const std::string& subject) {
    const auto list = node().look("/v1/interventions");
    if (!list) return false;
    return std::ranges::any_of(list->at("items").as_array(),
                               [&](const json::value& item) { return said_of(item, code, subject); });
  }
  // The host asks now and then, or its session ends.
  template <typename Condition>
  static bool in_a_while(Condition condition) {
    return eventually([&] { return condition() || (node().readiness(), false); }, kAWhile);
  }
  static bool becomes_ready(unsigned lun = 1) {
    return in_a_while([&] { return node().readiness(lun) == scsi::SenseCode{}; });
  }
  static bool becomes_open(const std::string& code, const std::string& subject) {
    return in_a_while([&] { return open(code, subject); });
  }
  static bool all_is_well() {
    return in_a_while([] { return node().interventions().empty(); });
  }
  static std::string state(const std::string& barcode) {
    return node().text("/v1/physical-volumes/" + barcode, "state");
  }
  // In the middle of a cartridge behind the engine, when it is out of its drive. What puts it right again.
  static std::function<void()> flip_a_byte(const std::string& barcode) {
    EXPECT_TRUE(eventually([&] { return !steps_of(barcode).empty() && steps_of(barcode).back() == "4"; }));
    const auto path = file("engine/back-end/cartridges/" + barcode + ".twc");
    const auto flip = [path] {
      std::fstream content(path, std::ios::binary | std::ios::in | std::ios::out);
      content.seekg(0, std::ios::end);
      const auto middle = content.tellg() / 2;
      content.seekg(middle);
      const auto byte = static_cast<char>(content.get() ^ 0x10);
      content.seekp(middle);
      content.put(byte);
    };
    flip();
    return flip;
  }
  // The intervention was told of, and so was its end.
  static bool said_and_ended(const std::string& code, const std::string& subject) {
    const auto said = node().look("/v1/host-messages?limit=1000");
    if (!said) return false;
    int raised = 0;
    int cleared = 0;
    for (const auto& item : said->at("items").as_array())
      if (said_of(item, code, subject)) ++(item.at("cleared").as_bool() ? cleared : raised);
    return raised > 0 && cleared > 0;
  }
  static void expect_back(const std::string& volser, const Bytes& data) {
    const auto back = node().restore(volser, data.size());
    EXPECT_TRUE(back) << back.error().text();
    EXPECT_TRUE(back && *back == data) << volser;
  }
  // From the cartridge, not from the cache.
  static void expect_back_from_tape(const std::string& volser, const Bytes& data) {
    TW_EXPECT_OK(node().wait_until_copied(volser));
    TW_EXPECT_OK(evicted(volser));
    expect_back(volser, data);
  }

  static inline std::unique_ptr<OuterLibrary> outer_;
};

TEST_F(Faults, T5_AFullCacheHoldsUpTheHostsMountUntilCopiesAreWritten) {
  TW_EXPECT_OK(pool(21, "FULLCACH", ""));
  const auto first = noise(kMuch, 1);
  const auto second = noise(kVolume, 2);
  const auto third = noise(kSmall, 3);
  TW_EXPECT_OK(node().insert_volumes("FCV001", {{"storage_group", "FULLCACH"}}));
  TW_EXPECT_OK(node().insert_volumes("FCV002", {{"storage_group", "FULLCACH"}, {"size_mib", 800}}));
  TW_EXPECT_OK(node().insert_volumes("FCV003", {{"storage_group", "FULLCACH"}}));
  TW_EXPECT_OK(save("FCV001", first));
  TW_EXPECT_OK(node().load("FCV002", 1));
  TW_EXPECT_OK(node().wait_until_ready(1));
  TW_EXPECT_OK(node().load("FCV003", 2));
  EXPECT_TRUE(becomes_open("TWE006A", "cache")) << node().log();
  EXPECT_EQ(node().readiness(2), codes::kNotReadyLoading);
  EXPECT_THAT(open_interventions(), AllOf(HasSubstr("TWE006A"), HasSubstr("FCV003"), HasSubstr("TWE005A")));
  // Whoever has a volume works on.
  TW_EXPECT_OK(node().write(second, 1));
  const auto now = node().read(second.size(), 1);
  EXPECT_TRUE(now && *now == second);

  TW_EXPECT_OK(node().insert_cartridges("LTO001L9", 21));
  TW_EXPECT_OK(node().wait_until_ready(2));
  EXPECT_TRUE(all_is_well()) << open_interventions();
  EXPECT_TRUE(said_and_ended("TWE006A", "cache"));
  EXPECT_EQ(node().residence("FCV001"), "migrated") << "it made the room";
  TW_EXPECT_OK(node().write(third, 2));
  TW_EXPECT_OK(node().unload("FCV003", 2));
  TW_EXPECT_OK(node().unload("FCV002", 1));
  expect_back("FCV001", first);
  expect_back_from_tape("FCV002", second);
  expect_back_from_tape("FCV003", third);
}

TEST_F(Faults, T5_AFullPoolIsToldAndGoesOnWhenItMayBorrow) {
  TW_EXPECT_OK(pool(22, "FULLPOOL", "SML001L9"));
  TW_EXPECT_OK(node().set_pool(22, {{"borrow", "no"}}));
  TW_EXPECT_OK(node().insert_cartridges("SML002L9", 0));
  const auto name = [](int number) { return "FPV00" + std::to_string(number); };
  const auto content = [](int number) { return noise(kThird, 10 + static_cast<std::uint64_t>(number)); };
  for (const int number : {1, 2}) TW_EXPECT_OK(saved(name(number), "FULLPOOL", content(number)));
  TW_EXPECT_OK(node().insert_volumes("FPV003-FPV004", {{"storage_group", "FULLPOOL"}}));
  for (const int number : {3, 4}) TW_EXPECT_OK(save(name(number), content(number)));
  EXPECT_TRUE(becomes_open("TWE005A", "pool 22")) << node().log();
  EXPECT_THAT(open_interventions(), AllOf(HasSubstr("pool 22"), HasSubstr("insert scratch cartridges")));
  EXPECT_EQ(node().text("/v1/physical-volumes/SML001L9", "state"), "full");
  EXPECT_EQ(node().text("/v1/volumes/FPV004", "residence"), "cached");
  EXPECT_EQ(node().text("/v1/volumes/FPV004", "due"), "1");
  expect_back("FPV004", content(4));

  TW_EXPECT_OK(node().set_pool(22, {{"borrow", "return"}}));
  for (const int number : {1, 2, 3, 4}) expect_back_from_tape(name(number), content(number));
  EXPECT_TRUE(all_is_well()) << open_interventions();
  EXPECT_TRUE(said_and_ended("TWE005A", "pool 22"));
}

TEST_F(Faults, T5_WithoutAScratchCartridgeTheOtherCopyIsWrittenAndThisOneWhenThereIsOne) {
  TW_EXPECT_OK(pool(23, "NOSCRATC", ""));
  TW_EXPECT_OK(pool(24, "SECONDS", "LTO002L9"));
  TW_EXPECT_OK(
      node().as("officer-1").post("/v1/management-classes", json::object{{"name", "TWICE24"}, {"pool", 24}}));
  const auto data = noise(kVolume, 20);
  TW_EXPECT_OK(
      node().insert_volumes("NSV001", {{"storage_group", "NOSCRATC"}, {"management_class", "TWICE24"}}));
  TW_EXPECT_OK(node().save("NSV001", data));
  EXPECT_TRUE(becomes_open("TWE005A", "pool 23")) << node().log();
  EXPECT_TRUE(eventually([&] { return cartridges_of("NSV001") == std::vector<std::string>{"LTO002L9"}; }));
  EXPECT_FALSE(evicted("NSV001")) << "not all of its copies are on tape";
  EXPECT_THAT(node().interventions(), ElementsAre("TWE005A"));

  TW_EXPECT_OK(node().insert_cartridges("LTO003L9", 23));
  TW_EXPECT_OK(node().wait_until_copied("NSV001"));
  EXPECT_THAT(cartridges_of("NSV001"), ElementsAre("LTO003L9", "LTO002L9"));
  EXPECT_TRUE(all_is_well()) << open_interventions();
  expect_back_from_tape("NSV001", data);
}

TEST_F(Faults, T9_ADriveThatFailsIsToldAndItsWorkGoesOnWhenItIsMended) {
  TW_EXPECT_OK(pool(25, "ONEDRIVE", "OUT001L9"));
  TW_EXPECT_OK(pool(26, "OTHERS26", "LTO004L9"));
  const auto data = noise(kVolume, 30);
  TW_EXPECT_OK(node().insert_volumes("DFV002", {{"storage_group", "OTHERS26"}}));
  TW_EXPECT_OK(saved("DFV001", "ONEDRIVE", data));
  TW_EXPECT_OK(evicted("DFV001"));
  TW_EXPECT_OK(outer_->power("off"));
  TW_EXPECT_OK(node().load("DFV001"));
  EXPECT_TRUE(becomes_open("TWE004A", OuterLibrary::kDrive)) << node().log();
  EXPECT_THAT(open_interventions(), AllOf(HasSubstr("TWE004A"), HasSubstr(OuterLibrary::kDrive)));
  EXPECT_EQ(node().readiness(), codes::kNotReadyLoading);
  // The other drives work.
  TW_EXPECT_OK(save("DFV002", data, 2));
  TW_EXPECT_OK(node().wait_until_copied("DFV002"));

  TW_EXPECT_OK(outer_->power("on"));
  EXPECT_TRUE(becomes_ready()) << node().log();
  const auto back = node().read(data.size());
  EXPECT_TRUE(back && *back == data);
  TW_EXPECT_OK(node().unload("DFV001"));
  EXPECT_TRUE(all_is_well()) << open_interventions();
  EXPECT_TRUE(said_and_ended("TWE004A", OuterLibrary::kDrive));
}

// The machine at which library and drive hang goes down, with the sessions to both, and comes up again.
TEST_F(Faults, T9_ADriveWhoseConnectionBreaksComesBackByItself) {
  TW_EXPECT_OK(pool(27, "BROKEN27", "OUT002L9"));
  const auto first = noise(kVolume, 40);
  const auto second = noise(kSmall, 41);
  TW_EXPECT_OK(saved("BCV001", "BROKEN27", first));
  TW_EXPECT_OK(evicted("BCV001"));
  TW_EXPECT_OK(node().insert_volumes("BCV002", {{"storage_group", "BROKEN27"}}));
  outer_->kill_hard();
  TW_EXPECT_OK(node().load("BCV001"));
  EXPECT_TRUE(becomes_open("TWE004A", OuterLibrary::kDrive)) << node().log();
  EXPECT_EQ(node().readiness(), codes::kNotReadyLoading);
  TW_EXPECT_OK(save("BCV002", second, 2));

  TW_EXPECT_OK(outer_->start());
  EXPECT_TRUE(becomes_ready()) << node().log() << open_interventions();
  const auto back = node().read(first.size());
  EXPECT_TRUE(back && *back == first);
  TW_EXPECT_OK(node().unload("BCV001"));
  expect_back_from_tape("BCV002", second);
  EXPECT_TRUE(all_is_well()) << open_interventions();
  EXPECT_TRUE(said_and_ended("TWE004A", OuterLibrary::kDrive));
}

TEST_F(Faults, T5_AnUnreadableBlockGivesWayToTheSecondCopyAndIsWrittenAnew) {
  TW_EXPECT_OK(pool(28, "FIRSTS28", "LTO006L9"));
  TW_EXPECT_OK(pool(29, "SECOND29", "LTO007L9"));
  TW_EXPECT_OK(
      node().as("officer-1").post("/v1/management-classes", json::object{{"name", "TWICE29"}, {"pool", 29}}));
  const auto data = noise(kVolume, 50);
  TW_EXPECT_OK(
      node().insert_volumes("UBV001", {{"storage_group", "FIRSTS28"}, {"management_class", "TWICE29"}}));
  TW_EXPECT_OK(node().save("UBV001", data));
  TW_EXPECT_OK(node().wait_until_copied("UBV001"));
  EXPECT_THAT(cartridges_of("UBV001"), ElementsAre("LTO006L9", "LTO007L9"));
  flip_a_byte("LTO006L9");
  TW_EXPECT_OK(evicted("UBV001"));
  expect_back("UBV001", data);
  EXPECT_TRUE(becomes_open("TWE007A", "LTO006L9")) << node().log();
  EXPECT_THAT(open_interventions(), AllOf(HasSubstr("TWE007A"), HasSubstr("LTO006L9")));
  // Its cartridge takes no more, so the copy that is due waits for another.
  EXPECT_TRUE(becomes_open("TWE005A", "pool 28")) << node().log();

  TW_EXPECT_OK(node().insert_cartridges("LTO008L9", 28));
  TW_EXPECT_OK(node().wait_until_copied("UBV001"));
  EXPECT_THAT(cartridges_of("UBV001"), ElementsAre("LTO008L9", "LTO007L9"));
  EXPECT_TRUE(eventually([] { return !open("TWE005A", "pool 28"); }));
  expect_back_from_tape("UBV001", data);
  // It is not used again by itself; an operator takes it away.
  EXPECT_TRUE(eventually([] { return state("LTO006L9") == "damaged"; })) << state("LTO006L9");
  EXPECT_TRUE(node().as("operator").remove("/v1/physical-volumes/LTO006L9"));
  EXPECT_TRUE(all_is_well()) << open_interventions();
}

TEST_F(Faults, T5_AnUnreadableBlockOfTheOnlyCopyIsToldAndNothingIsForgotten) {
  TW_EXPECT_OK(pool(30, "ONLYONES", "LTO009L9"));
  const auto data = noise(kVolume, 60);
  const auto other = noise(kSmall, 61);
  TW_EXPECT_OK(saved("UBV002", "ONLYONES", data));
  TW_EXPECT_OK(saved("UBV003", "ONLYONES", other));
  TW_EXPECT_OK(node().insert_cartridges("LTO012L9", 30));
  const auto mend = flip_a_byte("LTO009L9");
  TW_EXPECT_OK(evicted("UBV002"));
  TW_EXPECT_OK(evicted("UBV003"));
  TW_EXPECT_OK(node().load("UBV002"));
  EXPECT_TRUE(becomes_open("TWE008A", "UBV002")) << node().log();
  EXPECT_TRUE(open("TWE007A", "LTO009L9")) << open_interventions();
  EXPECT_TRUE(eventually([] { return node().readiness() == codes::kMediumNotPresent; })) << node().log();
  TW_EXPECT_OK(node().unload("UBV002"));
  EXPECT_EQ(node().residence("UBV002"), "migrated");
  EXPECT_THAT(cartridges_of("UBV002"), ElementsAre("LTO009L9"));
  expect_back("UBV003", other);  // the block is in none of its

  // As when the drive was cleaned, or the cartridge dried.
  mend();
  expect_back("UBV002", data);
  EXPECT_TRUE(eventually([] { return !open("TWE008A", "UBV002"); })) << open_interventions();
  EXPECT_TRUE(said_and_ended("TWE008A", "UBV002"));
  // Nobody trusts it any more: what lies on it is written anew, and an operator takes it away.
  EXPECT_TRUE(in_a_while([] {
    return state("LTO009L9") == "damaged" ||
           node().as("operator").post("/v1/physical-volumes/LTO009L9/mark-damaged").has_value();
  })) << state("LTO009L9");
  TW_EXPECT_OK(node().wait_until_copied("UBV002"));
  TW_EXPECT_OK(node().wait_until_copied("UBV003"));
  EXPECT_TRUE(node().as("operator").remove("/v1/physical-volumes/LTO009L9"));
  expect_back_from_tape("UBV002", data);
  expect_back_from_tape("UBV003", other);
  EXPECT_TRUE(all_is_well()) << open_interventions();
}

TEST_F(Faults, T8_KeyServersThatDoNotAnswerHoldUpMountsUntilTheyDo) {
  TW_EXPECT_OK(pool(31, "HELDUP", "LTO010L9"));
  TW_EXPECT_OK(storage_group("INCLEAR", 32));
  TW_EXPECT_OK(node().insert_cartridges("LTO011L9", 32));
  const auto data = noise(kVolume, 70);
  TW_EXPECT_OK(node().insert_volumes("HKV002", {{"storage_group", "HELDUP"}}));
  TW_EXPECT_OK(node().insert_volumes("HKV003", {{"storage_group", "INCLEAR"}}));
  TW_EXPECT_OK(saved("HKV001", "HELDUP", data));
  TW_EXPECT_OK(evicted("HKV001"));
  TW_EXPECT_OK(site().wait_in_step());
  // Their connections stand, and nothing comes back.
  for (const auto which : {Which::kPrimary, Which::kSecondary}) ::kill(site().pid(which), SIGSTOP);
  TW_EXPECT_OK(node().load("HKV001"));
  EXPECT_TRUE(becomes_open("TWE003S", "key servers")) << node().log();
  EXPECT_THAT(open_interventions(), AllOf(HasSubstr("TWE003S"), HasSubstr("LTO010L9")));
  EXPECT_EQ(node().readiness(), codes::kNotReadyLoading);
  TW_EXPECT_OK(save("HKV002", data, 2));
  TW_EXPECT_OK(save("HKV003", data, 2));
  EXPECT_TRUE(in_a_while([] { return node().residence("HKV003") == "premigrated"; }))
      << "pools in clear go on" << node().log();
  EXPECT_EQ(node().text("/v1/volumes/HKV002", "due"), "1");

  for (const auto which : {Which::kPrimary, Which::kSecondary}) ::kill(site().pid(which), SIGCONT);
  EXPECT_TRUE(becomes_ready()) << node().log();
  const auto back = node().read(data.size());
  EXPECT_TRUE(back && *back == data);
  TW_EXPECT_OK(node().unload("HKV001"));
  EXPECT_TRUE(all_is_well()) << open_interventions();
  EXPECT_TRUE(said_and_ended("TWE003S", "key servers"));
  for (const auto* volser : {"HKV002", "HKV003"}) expect_back_from_tape(volser, data);
}

}  // namespace
}  // namespace tapewarden::testing
