// L3: persistent reservations with APTPL outlive the engine, be it stopped or killed; others do not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/real_env.h"
#include "scsi/cdb.h"
#include "scsi/tape_cdb.h"
#include "taped/raw_initiator.h"
#include "taped/taped_fixture.h"

namespace tapewarden::testing {
namespace {

using Action = scsi::ReservationAction;
using Report = scsi::ReservationReport;

constexpr unsigned kDriveLun = 1;
constexpr std::uint64_t kHolderKey = 0xa1;
constexpr std::uint64_t kOtherKey = 0xb2;
constexpr std::uint8_t kConflict = 0x18;
constexpr std::uint8_t kWriteExclusive = 1;

class KeptReservations : public TapedFixture {
 protected:
  void SetUp() override {
    make_site();
    ASSERT_NE(taped_, nullptr);
    ASSERT_TRUE(taped_->let_everybody_in());
    const auto drives = taped_->drives();
    ASSERT_TRUE(drives) << drives.error().text();
    file_ = taped_->library_path() + "/reservations/" + drives->front();
    start();
  }
  void stop_and_start(bool kill) {
    holder_.reset();
    other_.reset();
    if (kill)
      taped_->kill_hard();
    else
      EXPECT_TRUE(taped_->stop()) << taped_->log();
    start();
  }
  // The session of an initiator port that is known by its number, past its unit attentions.
  std::unique_ptr<RawInitiator> host(std::uint16_t number) {
    const auto login = taped_->login();
    auto made = std::make_unique<RawInitiator>(login.port);
    EXPECT_EQ(made->login({.port = login.port, .target = login.target, .number = number}),
              iscsi::LoginStatus::kSuccess);
    EXPECT_TRUE(made->run_past_attentions(kDriveLun, scsi::plain_cdb(scsi::Opcode::kTestUnitReady)));
    return made;
  }
  void connect() {
    holder_ = host(1);
    other_ = host(2);
  }
  static void out(RawInitiator& host, Action action, std::uint64_t own, std::uint64_t service, bool aptpl) {
    const auto list = ByteWriter().u64(own).u64(service).zeros(4).u8(aptpl ? 1 : 0).zeros(3).take();
    const scsi::PersistentReserveOut cdb{action, 0, kWriteExclusive, static_cast<std::uint32_t>(list.size())};
    const auto answer = host.run_past_attentions(kDriveLun, cdb.encode(), 0, list);
    ASSERT_TRUE(answer.has_value());
    EXPECT_TRUE(answer->good()) << unsigned{answer->status} << " " << unsigned{answer->asc};
  }
  static std::string in(RawInitiator& host, Report report) {
    const auto answer =
        host.run_past_attentions(kDriveLun, scsi::PersistentReserveIn{report, 512}.encode(), 512);
    return answer ? to_hex(answer->data) : "";
  }
  // WRITE FILEMARKS of none: stopped by a reservation of another.
  static std::uint8_t sync(RawInitiator& host) {
    const auto answer = host.run_past_attentions(kDriveLun, scsi::WriteFilemarks{}.encode());
    return answer ? answer->status : std::uint8_t{0xff};
  }
  void reserve(bool aptpl) {
    connect();
    out(*holder_, Action::kRegister, 0, kHolderKey, aptpl);
    out(*other_, Action::kRegister, 0, kOtherKey, aptpl);
    out(*holder_, Action::kReserve, kHolderKey, 0, false);
    EXPECT_EQ(sync(*other_), kConflict);
  }

  std::string file_;
  std::unique_ptr<RawInitiator> holder_;
  std::unique_ptr<RawInitiator> other_;
};

TEST_F(KeptReservations, L3_WithAptplTheyOutliveTheEngine) {
  reserve(true);
  EXPECT_EQ(in(*holder_, Report::kCapabilities), "00081181ea010000");
  for (const bool kill : {true, false}) {
    stop_and_start(kill);
    other_ = host(2);
    EXPECT_EQ(sync(*other_), kConflict) << "before the holder is back";
    EXPECT_EQ(in(*other_, Report::kKeys),
              "0000000000000010"
              "00000000000000a1"
              "00000000000000b2");
    EXPECT_EQ(in(*other_, Report::kReservation),
              "0000000000000010"
              "00000000000000a1"
              "0000000000010000");
    holder_ = host(1);
    EXPECT_NE(sync(*holder_), kConflict);
  }
  out(*holder_, Action::kRelease, kHolderKey, 0, false);
  stop_and_start(true);
  connect();
  EXPECT_NE(sync(*other_), kConflict) << "released is released";
  out(*other_, Action::kClear, kOtherKey, 0, false);
  stop_and_start(true);
  connect();
  EXPECT_EQ(in(*other_, Report::kKeys), "0000000000000000");
}

TEST_F(KeptReservations, L3_WithoutAptplTheyEndWithTheEngine) {
  reserve(false);
  EXPECT_EQ(in(*holder_, Report::kCapabilities), "00081180ea010000");
  stop_and_start(true);
  connect();
  EXPECT_EQ(in(*other_, Report::kKeys), "0000000000000000");
  EXPECT_NE(sync(*other_), kConflict);
}

TEST_F(KeptReservations, L3_ADamagedFileIsNamedAndNothingIsServed) {
  reserve(true);
  holder_.reset();
  other_.reset();
  taped_->kill_hard();
  RealDisk disk;
  auto content = read_file(disk, file_, 4096);
  ASSERT_TRUE(content) << content.error().text();
  (*content)[10] ^= 1;
  ASSERT_TRUE(write_file_atomically(disk, file_, *content));
  const auto started = taped_->start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().text(), ::testing::HasSubstr(file_));
  EXPECT_THAT(started.error().text(), ::testing::HasSubstr("move the file away"));
  Disk& real = disk;
  ASSERT_TRUE(real.rename(file_, file_ + ".damaged"));
  start();
  connect();
  EXPECT_NE(sync(*other_), kConflict);
}

}  // namespace
}  // namespace tapewarden::testing
