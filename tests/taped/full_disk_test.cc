// L3: the disk under the library fills up while a host writes over iSCSI: it is warned and then refused, what
// was acknowledged stays, and writing goes on when there is room again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/real_env.h"
#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "tape/medium/inspect.h"
#include "taped/host_tape.h"
#include "taped/small_disk.h"
#include "taped/taped_fixture.h"

namespace tapewarden::testing {
namespace {

constexpr std::uint64_t kMegabyte = 1U << 20;
constexpr std::uint64_t kPlenty = 1024 * kMegabyte;
// Between the limits of tape/device/limits.h: an early warning below 512 MiB, a refusal below 128.
constexpr std::uint64_t kShort = 160 * kMegabyte;
constexpr std::uint64_t kNothing = 32U << 10;
constexpr unsigned kDriveLun = 1;
constexpr std::uint16_t kFifthSlot = 1004;
constexpr std::uint16_t kDrive = 500;
constexpr std::size_t kRoom = 64U << 10;
const std::string kBarcode = "B00001L9";

class FullDisk : public TapedFixture {
 protected:
  void SetUp() override {
    make_site();
    ASSERT_NE(taped_, nullptr);
    ASSERT_TRUE(taped_->library({"add-cartridges", kBarcode, "--capacity", "4G"}));
    auto disk = SmallDisk::over(taped_->library_path(), kPlenty);
    if (!disk && disk.error().code == ErrorCode::kPermissionDenied) GTEST_SKIP() << disk.error().message;
    ASSERT_TRUE(disk) << disk.error().text();
    disk_ = std::move(*disk);
    start_and_connect();
    ASSERT_TRUE(move(kFifthSlot, kDrive));
  }
  void TearDown() override {
    host_.reset();
    if (taped_ && taped_->running()) taped_->kill_hard();
    disk_.reset();
  }
  void start_and_connect() {
    start();
    host_ = connect();
    ASSERT_NE(host_, nullptr);
  }
  void kill_and_start() {
    taped_->kill_hard();
    host_.reset();
    start_and_connect();
  }
  bool move(std::uint16_t from, std::uint16_t to) {
    const auto moved = host_->run_past_attentions(0, scsi::MoveMedium{0, from, to, false}.encode());
    return moved && moved->good();
  }
  // Where the cartridge is, as the changer says it; 0 when it is nowhere or in two places.
  std::uint16_t place() {
    const scsi::ReadElementStatus cdb{.volume_tags = true, .count = 0xffff, .allocation_length = kRoom};
    const auto answer = host_->run_past_attentions(0, cdb.encode(), kRoom);
    if (!answer) return 0;
    const auto status = scsi::ElementStatusData::decode(answer->data_in);
    if (!status) return 0;
    std::vector<std::uint16_t> places;
    for (const auto& page : status->pages)
      for (const auto& element : page.descriptors)
        if (element.full && element.volume_tag == kBarcode) places.push_back(element.address);
    return places.size() == 1 ? places.front() : std::uint16_t{0};
  }
  void expect_all_there() {
    const auto read = tape_.read_all(*host_, kDriveLun);
    EXPECT_TRUE(read) << read.error().text();
  }
  void expect_verified() {
    RealDisk disk;
    const auto report = tape::verify({.disk = &disk}, taped_->cartridge_path(kBarcode));
    ASSERT_TRUE(report) << report.error().text();
    EXPECT_TRUE(report->faults.empty()) << report->to_text();
  }
  // Out of the drive and in again: then all is as on any tape.
  void expect_writing_goes_on() {
    ASSERT_TRUE(disk_->leave_free(kPlenty));
    ASSERT_TRUE(move(kDrive, kFifthSlot));
    ASSERT_TRUE(move(kFifthSlot, kDrive));
    expect_all_there();
    const auto wrote = tape_.write_file(*host_, kDriveLun, 8);
    EXPECT_TRUE(wrote) << wrote.error().text();
    expect_all_there();
    EXPECT_EQ(tape_.objects(), tape_.promised());
    ASSERT_TRUE(move(kDrive, kFifthSlot));
    expect_verified();
  }

  std::unique_ptr<SmallDisk> disk_;
  std::unique_ptr<Initiator> host_;
  HostTape tape_{9};
};

TEST_F(FullDisk, L3_AHostIsWarnedThenRefusedAndKeepsWhatWasPromised) {
  const auto wrote = tape_.write_file(*host_, kDriveLun, 20);
  ASSERT_TRUE(wrote) << wrote.error().text();
  ASSERT_TRUE(disk_->leave_free(kShort));
  EXPECT_EQ(tape_.write(*host_, kDriveLun, true), WriteEnd::kWarned);
  EXPECT_EQ(tape_.write(*host_, kDriveLun), WriteEnd::kFull) << tape_.last_refusal();
  EXPECT_GT(tape_.bytes(), 16 * kMegabyte) << "there was room between the warning and the end";
  // The end of a file still fits, and so does what was buffered before it.
  const auto marked = tape_.write_file(*host_, kDriveLun, 0);
  EXPECT_TRUE(marked) << marked.error().text();
  EXPECT_EQ(tape_.objects(), tape_.promised());
  kill_and_start();
  expect_all_there();
  EXPECT_EQ(tape_.write(*host_, kDriveLun), WriteEnd::kFull) << "there is no more room than before";
  expect_all_there();
  expect_writing_goes_on();
}

TEST_F(FullDisk, L3_ADiskThatOthersFillToTheLastByteIsAnErrorAndNoLoss) {
  const auto wrote = tape_.write_file(*host_, kDriveLun, 20);
  ASSERT_TRUE(wrote) << wrote.error().text();
  const auto promised = tape_.promised();
  ASSERT_TRUE(disk_->leave_free(kPlenty));
  EXPECT_FALSE(tape_.write_file(*host_, kDriveLun, 20, [this] { ASSERT_TRUE(disk_->leave_free(kNothing)); }))
      << "nobody may say that it is safe";
  EXPECT_EQ(tape_.promised(), promised);
  kill_and_start();
  EXPECT_EQ(place(), kDrive);
  expect_all_there();
  // A move may be refused now, but the cartridge is where the changer says it is, also after a death.
  const bool moved = move(kDrive, kFifthSlot);
  EXPECT_EQ(place(), moved ? kFifthSlot : kDrive);
  kill_and_start();
  EXPECT_EQ(place(), moved ? kFifthSlot : kDrive);
  ASSERT_TRUE(disk_->leave_free(kPlenty));
  ASSERT_TRUE(!moved || move(kFifthSlot, kDrive));
  expect_all_there();
  expect_writing_goes_on();
}

}  // namespace
}  // namespace tapewarden::testing
