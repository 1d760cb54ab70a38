// The virtual library as hosts see it: a real tapewarden-taped, commands over iSCSI, kills.
#include <atomic>
#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <thread>

#include "harness/test_site.h"
#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "scsi/inquiry.h"
#include "scsi/sense_codes.h"
#include "taped/taped_fixture.h"

namespace tapewarden::testing {
namespace {

namespace codes = scsi::sense_codes;
using ::testing::HasSubstr;

constexpr unsigned kChanger = 0;
constexpr unsigned kFirstDrive = 1;
constexpr std::uint16_t kSlot = 1000;
constexpr std::uint16_t kDrive = 500;
constexpr std::size_t kRoom = 64U << 10;
constexpr std::size_t kBlock = 32U << 10;

Bytes pattern(std::uint8_t seed) {
  Bytes block(kBlock);
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::uint8_t>(i * 31 + seed);
  return block;
}

// Barcodes by element address; empty after a failed assertion.
using Places = std::map<std::uint16_t, std::string>;

class Taped : public CopiedTapedFixture {
 protected:
  void SetUp() override {
    CopiedTapedFixture::SetUp();
    ASSERT_NE(taped_, nullptr);
    start();
  }
  static scsi::Response run(Initiator& host, unsigned lun, const Bytes& cdb, std::size_t room = 0,
                            const Bytes& out = {}) {
    auto response = host.run_past_attentions(lun, cdb, room, out);
    EXPECT_TRUE(response) << response.error().text();
    return response.value_or(scsi::Response{});
  }
  static bool move(Initiator& host, std::uint16_t from, std::uint16_t to) {
    return run(host, kChanger, scsi::MoveMedium{0, from, to, false}.encode()).good();
  }
  static Places places(Initiator& host) {
    const scsi::ReadElementStatus cdb{.volume_tags = true, .count = 0xffff, .allocation_length = kRoom};
    const auto response = run(host, kChanger, cdb.encode(), kRoom);
    const auto status = scsi::ElementStatusData::decode(response.data_in);
    EXPECT_TRUE(status) << status.error().text();
    Places places;
    if (!status) return places;
    EXPECT_EQ(status->available, 1 + 4 + 2 + 40);
    for (const auto& page : status->pages)
      for (const auto& element : page.descriptors)
        if (element.full) places[element.address] = element.volume_tag;
    return places;
  }
};

TEST_F(Taped, L1_TheChangerIsLun0AndTheDrivesFollow) {
  const auto host = connect();
  ASSERT_NE(host, nullptr);
  const auto list = run(*host, kChanger, scsi::ReportLuns{.allocation_length = 256}.encode(), 256);
  EXPECT_EQ(to_hex(list.data_in),
            "0000001800000000"
            "0000000000000000"
            "0001000000000000"
            "0002000000000000");
  const auto type = [&](unsigned lun) {
    const auto answer = run(*host, lun, scsi::Inquiry{.allocation_length = 96}.encode(), 96);
    const auto inquiry = scsi::StandardInquiry::decode(answer.data_in);
    return inquiry ? int{inquiry->device_type} : -1;
  };
  EXPECT_EQ(type(0), scsi::kChangerDeviceType);
  EXPECT_EQ(type(1), scsi::kTapeDeviceType);
  EXPECT_EQ(type(2), scsi::kTapeDeviceType);
}

TEST_F(Taped, L1_AWrongSecretOrNoneIsLetInNowhere) {
  auto login = taped_->login();
  login.password = "not the password";
  EXPECT_FALSE(Initiator::connect(login));
  login.user.clear();
  EXPECT_FALSE(Initiator::connect(login));
  EXPECT_NE(connect(), nullptr);
  EXPECT_THAT(taped_->log(), HasSubstr("refused"));
}

TEST_F(Taped, L2_ACartridgeGoesIntoADriveIsWrittenAndReadInTheOther) {
  const auto host = connect();
  ASSERT_NE(host, nullptr);
  ASSERT_TRUE(move(*host, kSlot, kDrive));
  const auto block = pattern(1);
  const auto write = scsi::Write6{.transfer_length = kBlock}.encode();
  EXPECT_TRUE(run(*host, kFirstDrive, write, 0, block).good());
  EXPECT_TRUE(run(*host, kFirstDrive, scsi::WriteFilemarks{.count = 1}.encode()).good());
  ASSERT_TRUE(move(*host, kDrive, kDrive + 1));
  EXPECT_EQ(run(*host, kFirstDrive, scsi::plain_cdb(scsi::Opcode::kTestUnitReady)).sense.code,
            codes::kMediumNotPresent);
  const auto read = run(*host, kFirstDrive + 1, scsi::Read6{.transfer_length = kBlock}.encode(), kBlock);
  EXPECT_EQ(read.data_in, block);
  EXPECT_EQ(run(*host, kChanger, scsi::MoveMedium{0, kSlot, kDrive, false}.encode()).sense.code,
            codes::kSourceEmpty);
}

TEST_F(Taped, L2_TwoHostsSeeOneLibrary) {
  const auto first = connect();
  const auto second = connect();
  ASSERT_TRUE(first != nullptr && second != nullptr);
  ASSERT_TRUE(run(*first, kChanger, scsi::plain_cdb(scsi::Opcode::kReserve6)).good());
  const auto ready = scsi::plain_cdb(scsi::Opcode::kTestUnitReady);
  EXPECT_EQ(run(*second, kChanger, ready).status, scsi::ScsiStatus::kReservationConflict);
  ASSERT_TRUE(run(*first, kChanger, scsi::plain_cdb(scsi::Opcode::kRelease6)).good());
  ASSERT_TRUE(move(*first, kSlot, kSlot + 9));
  EXPECT_EQ(places(*second)[kSlot + 9], "A00001L9");
}

TEST_F(Taped, L2_TheOperatorsCommandsWaitForTheEndOfTheEngine) {
  const auto host = connect();
  ASSERT_NE(host, nullptr);
  ASSERT_TRUE(move(*host, kSlot, 10));
  const auto refused = taped_->library({"export", "A00001L9"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("in use"));
  const auto shown = taped_->library({"show"});
  ASSERT_TRUE(shown) << shown.error().text();
  EXPECT_THAT(*shown, HasSubstr("A00001L9  LTO   import/export slot 1"));
  const auto ended = taped_->stop();
  ASSERT_TRUE(ended) << ended.error().text();
  EXPECT_EQ(*ended, 0) << taped_->log();
  EXPECT_TRUE(taped_->library({"export", "A00001L9"}));
  EXPECT_TRUE(taped_->library({"add-cartridges", "B00001L9", "--capacity", "64M"}));
  start();
  const auto again = connect();
  ASSERT_NE(again, nullptr);
  const auto now = places(*again);
  EXPECT_FALSE(now.contains(10));
  EXPECT_EQ(now.at(kSlot), "B00001L9");
}

TEST_F(Taped, L2_AnOrderlyEndKeepsWhatIsInADriveAndWhatWasBuffered) {
  auto host = connect();
  ASSERT_NE(host, nullptr);
  ASSERT_TRUE(move(*host, kSlot + 1, kDrive));
  const auto block = pattern(7);
  ASSERT_TRUE(run(*host, kFirstDrive, scsi::Write6{.transfer_length = kBlock}.encode(), 0, block).good());
  host.reset();
  const auto ended = taped_->stop();
  ASSERT_TRUE(ended && *ended == 0) << taped_->log();
  start();
  host = connect();
  ASSERT_NE(host, nullptr);
  EXPECT_EQ(places(*host)[kDrive], "A00002L9");
  EXPECT_EQ(run(*host, kFirstDrive, scsi::Read6{.transfer_length = kBlock}.encode(), kBlock).data_in, block);
}

// Killed while a host moves cartridges as fast as it can: each is in one place afterwards, and no move that
// was answered is undone.
TEST_F(Taped, L2_KilledAmongMovesEveryCartridgeIsInOnePlace) {
  constexpr int kKills = 8;
  const std::vector<std::uint16_t> round = {kSlot, kDrive, kSlot + 20, kDrive + 1, 10};
  std::size_t at = 0;  // of A00001L9, in `round`
  for (int kill = 0; kill < kKills; ++kill) {
    const auto host = connect();
    ASSERT_NE(host, nullptr);
    std::atomic<int> moves{0};
    std::size_t answered = at;
    std::thread mover([&] {
      while (true) {
        const auto next = (answered + 1) % round.size();
        const auto cdb = scsi::MoveMedium{0, round[answered], round[next], false}.encode();
        const auto moved = host->run_past_attentions(kChanger, cdb);
        if (!moved || !moved->good()) return;
        answered = next;
        ++moves;
      }
    });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (moves < 3 + kill && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    taped_->kill_hard();
    mover.join();
    EXPECT_GE(moves, 3 + kill);
    start();
    const auto looking = connect();
    ASSERT_NE(looking, nullptr);
    const auto now = places(*looking);
    EXPECT_EQ(now.size(), 4U);
    const auto after = round[(answered + 1) % round.size()];
    const auto is_at = [&now](std::uint16_t address) {
      const auto found = now.find(address);
      return found != now.end() && found->second == "A00001L9";
    };
    EXPECT_TRUE(is_at(round[answered]) || is_at(after)) << "kill " << kill;
    at = is_at(after) ? (answered + 1) % round.size() : answered;
  }
}

TEST_F(Taped, L2_ASecondEngineOnTheSameLibraryDoesNotStart) {
  const auto second = run_command({program("tapewarden-taped"), "run", "--config", taped_->config_path()},
                                  "/dev/null", std::chrono::seconds(10));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->end.exit_code, 1);
}

}  // namespace
}  // namespace tapewarden::testing
