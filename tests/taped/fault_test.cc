// L1: hosts that vanish, fall silent, break their PDUs or come in crowds, against the real engine. After each
// the engine serves on, and the tape of another host is as that host wrote it.
#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <thread>

#include "base/text.h"
#include "harness/test_site.h"
#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "taped/raw_initiator.h"
#include "taped/taped_process.h"

namespace tapewarden::testing {
namespace {

using iscsi::LoginStatus;
using iscsi::Opcode;

constexpr unsigned kVictim = 1;   // the drive that is written when something goes wrong
constexpr unsigned kWitness = 2;  // another host's
constexpr std::uint16_t kSlot = 1000;
constexpr std::uint16_t kDrive = 500;
constexpr std::uint32_t kBlock = 256U << 10;
constexpr std::size_t kSegment = 64U << 10;
constexpr std::uint8_t kAborted = 0xb;
constexpr std::uint8_t kTaskSetFull = 0x28;
constexpr std::uint8_t kBusy = 0x08;

Bytes block_of(std::uint32_t number, std::size_t size = kBlock) {
  Bytes block(size);
  for (std::size_t i = 0; i < size; ++i)
    block[i] = static_cast<std::uint8_t>((i * 31 + number * 7) ^ (i >> 8U) ^ (number >> 8U));
  return block;
}

class TapedFaults : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = TapedProcess::make();
    ASSERT_TRUE(made) << made.error().text();
    taped_ = std::move(*made);
    ASSERT_TRUE(taped_->let_everybody_in());
    ASSERT_TRUE(taped_->start()) << taped_->log();
    RawInitiator host(taped_->login().port);
    ASSERT_EQ(host.login(as(1)), LoginStatus::kSuccess);
    for (std::uint16_t i = 0; i < 2; ++i) {
      const scsi::MoveMedium cdb{0, static_cast<std::uint16_t>(kSlot + i),
                                 static_cast<std::uint16_t>(kDrive + i), false};
      const auto moved = host.run_past_attentions(0, cdb.encode());
      ASSERT_TRUE(moved && moved->good());
    }
    witness_ = std::make_unique<RawInitiator>(taped_->login().port);
    ASSERT_EQ(witness_->login(as(2)), LoginStatus::kSuccess);
    ASSERT_TRUE(witness_->run_past_attentions(kWitness, scsi::Rewind{}.encode())->good());
  }
  static void TearDownTestSuite() {
    witness_.reset();
    taped_.reset();
  }

  static RawLogin as(std::uint16_t number, iscsi::Digests digests = {}) {
    return {
        .port = taped_->login().port, .target = taped_->login().target, .number = number, .digests = digests};
  }
  // A session at the beginning of the victim's tape.
  static std::unique_ptr<RawInitiator> host(std::uint16_t number = 3, iscsi::Digests digests = {}) {
    auto made = std::make_unique<RawInitiator>(taped_->login().port);
    EXPECT_EQ(made->login(as(number, digests)), LoginStatus::kSuccess);
    const auto rewound = made->run_past_attentions(kVictim, scsi::Rewind{}.encode());
    EXPECT_TRUE(rewound && rewound->good());
    return made;
  }
  static Bytes write_cdb(std::uint32_t bytes = kBlock) {
    return scsi::Write6{.transfer_length = bytes}.encode();
  }
  static void write(RawInitiator& host, unsigned lun, ByteView block) {
    const auto wrote = host.run(lun, write_cdb(static_cast<std::uint32_t>(block.size())), 0, block);
    ASSERT_TRUE(wrote.has_value());
    EXPECT_TRUE(wrote->good()) << unsigned{wrote->sense_key} << " " << unsigned{wrote->asc};
  }
  static void mark(RawInitiator& host, unsigned lun) {
    const auto marked = host.run(lun, scsi::WriteFilemarks{.count = 1}.encode());
    ASSERT_TRUE(marked && marked->good());
  }
  // One block, or nothing when there is none.
  static Bytes read(RawInitiator& host, unsigned lun) {
    const auto answer = host.run(
        lun, scsi::Read6{.suppress_incorrect_length = true, .transfer_length = kBlock}.encode(), kBlock);
    EXPECT_TRUE(answer.has_value());
    return answer && answer->good() ? answer->data : Bytes();
  }

  // The blocks that a fresh session finds on the victim's tape, up to what is no block.
  static std::vector<Bytes> found() {
    std::vector<Bytes> blocks;
    const auto reader = host(4);
    for (auto block = read(*reader, kVictim); !block.empty(); block = read(*reader, kVictim))
      blocks.push_back(std::move(block));
    EXPECT_TRUE(reader->logout());
    return blocks;
  }
  // The witness writes on in every test, and finds all of it again: its session was never disturbed.
  void TearDown() override {
    ASSERT_TRUE(taped_->running()) << taped_->log();
    write(*witness_, kWitness, block_of(1000 + witnessed_++, 5000));
    mark(*witness_, kWitness);
    ASSERT_TRUE(witness_->run(kWitness, scsi::Rewind{}.encode())->good());
    for (std::uint32_t i = 0; i < witnessed_; ++i) {
      EXPECT_EQ(read(*witness_, kWitness), block_of(1000 + i, 5000));
      EXPECT_TRUE(read(*witness_, kWitness).empty()) << "the filemark";
    }
  }
  // So many sessions are open.
  static bool sessions_are(std::size_t count) {
    const auto told = [](const std::string& text) {
      const std::string log = taped_->log();
      std::size_t times = 0;
      for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++times;
      return times;
    };
    return eventually([&] {
      const auto ended = told("end of the iSCSI session of");
      return told("iSCSI session of") - 2 * ended == count;
    });
  }

  static inline std::unique_ptr<TapedProcess> taped_;
  static inline std::unique_ptr<RawInitiator> witness_;
  static inline std::uint32_t witnessed_ = 0;
};

// --- hosts that vanish ---

TEST_F(TapedFaults, L1_AHostThatVanishesInMidWriteLosesTheUnfinishedBlockAlone) {
  for (const bool reset : {false, true}) {
    const auto writer = host();
    write(*writer, kVictim, block_of(1));
    mark(*writer, kVictim);
    const auto command = writer->command(kVictim, write_cdb(), 0, kBlock);
    const auto pdu = writer->wire(command.encode(), ByteView(block_of(2)).first(kSegment));
    ASSERT_TRUE(writer->client().write(ByteView(pdu).first(pdu.size() / 2)));
    writer->client().close(reset);
    EXPECT_TRUE(sessions_are(1));
    EXPECT_THAT(found(), ::testing::ElementsAre(block_of(1)));
  }
}

TEST_F(TapedFaults, L1_AConnectionCutAmongItsR2tsWritesNothingOfTheBlock) {
  const auto writer = host();
  write(*writer, kVictim, block_of(1));
  const auto block = block_of(2, 8U << 20);
  const auto command = writer->command(kVictim, write_cdb(8U << 20), 0, 8U << 20);
  ASSERT_TRUE(writer->send(command.encode()));
  const auto header = writer->receive();
  ASSERT_TRUE(header && header->is(Opcode::kR2t));
  const auto r2t = iscsi::R2tPdu::decode(*header);
  const iscsi::DataOutPdu data{
      .lun = command.lun, .task_tag = command.task_tag, .transfer_tag = r2t.transfer_tag};
  ASSERT_TRUE(writer->send(data.encode(), ByteView(block).first(kSegment)));
  writer->client().close(true);
  EXPECT_TRUE(sessions_are(1));
  EXPECT_THAT(found(), ::testing::ElementsAre(block_of(1)));
}

TEST_F(TapedFaults, L1_AHostThatComesBackTakesThePlaceOfItsSilentSession) {
  const auto silent = host(5);
  write(*silent, kVictim, block_of(1));
  mark(*silent, kVictim);
  const auto command = silent->command(kVictim, write_cdb(), 0, kBlock);
  ASSERT_TRUE(silent->send(command.encode()));  // and nothing of its data
  ASSERT_TRUE(silent->receive().has_value());
  const auto back = host(5);
  EXPECT_TRUE(silent->client().ended());
  EXPECT_EQ(read(*back, kVictim), block_of(1));
  write(*back, kVictim, block_of(3));
}

// --- memory ---

// One session may hold 128 MiB, all together 1 GiB: forty hosts that vanish with 32 MiB each would not fit
// if what they held did not come back.
TEST_F(TapedFaults, L1_WhatVanishedHostsHeldIsGivenBack) {
  constexpr std::uint32_t kLarge = 32U << 20;
  const auto large = scsi::Write6{.fixed = true, .transfer_length = 1}.encode();
  for (int i = 0; i < 40; ++i) {
    RawInitiator greedy(taped_->login().port);
    ASSERT_EQ(greedy.login(as(6)), LoginStatus::kSuccess);
    for (int held = 0; held < 4; ++held) {
      const auto command = greedy.command(kVictim, large, 0, kLarge);
      ASSERT_TRUE(greedy.send(command.encode()));
      const auto header = greedy.receive();
      ASSERT_TRUE(header && header->is(Opcode::kR2t)) << "host " << i << ", write " << held;
    }
    const auto beyond = greedy.run(kVictim, large, 0, Bytes(kLarge));
    ASSERT_TRUE(beyond.has_value());
    EXPECT_EQ(beyond->status, kTaskSetFull);
    greedy.client().close(i % 2 == 0);
  }
  EXPECT_TRUE(sessions_are(1));
}

// --- broken and oversized PDUs ---

TEST_F(TapedFaults, L1_AHeaderWithAWrongDigestEndsTheSession) {
  const auto writer = host(7, {true, true});
  write(*writer, kVictim, block_of(1));
  mark(*writer, kVictim);
  auto pdu = writer->wire(writer->command(kVictim, write_cdb(), 0, kBlock).encode());
  pdu[35] ^= 0x04;
  ASSERT_TRUE(writer->client().write(pdu));
  EXPECT_TRUE(writer->client().ended());
  EXPECT_THAT(found(), ::testing::ElementsAre(block_of(1)));
}

TEST_F(TapedFaults, L1_DataWithAWrongDigestIsNeverWrittenAndTheSessionGoesOn) {
  const auto writer = host(7, {true, true});
  write(*writer, kVictim, block_of(1));
  const auto command = writer->command(kVictim, write_cdb(kSegment), 0, kSegment);
  ASSERT_TRUE(writer->send(command.encode()));
  auto header = writer->receive();
  ASSERT_TRUE(header && header->is(Opcode::kR2t));
  const iscsi::DataOutPdu data{.final = true,
                               .lun = command.lun,
                               .task_tag = command.task_tag,
                               .transfer_tag = iscsi::R2tPdu::decode(*header).transfer_tag};
  auto pdu = writer->wire(data.encode(), block_of(2, kSegment));
  pdu[1000] ^= 0x01;
  ASSERT_TRUE(writer->client().write(pdu));
  header = writer->receive();
  ASSERT_TRUE(header && header->is(Opcode::kReject));
  const auto failed = writer->answer(command);
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->sense_key, kAborted);
  EXPECT_EQ(failed->asc, 0x47);
  write(*writer, kVictim, block_of(3));
  EXPECT_TRUE(writer->logout());
  EXPECT_THAT(found(), ::testing::ElementsAre(block_of(1), block_of(3)));
}

TEST_F(TapedFaults, L1_OversizedPdusEndTheirConnectionAlone) {
  const auto too_long =
      iscsi::NopOutPdu{.immediate = true, .task_tag = 5}.encode().set_data_bytes((1U << 20) + 1);
  const auto in_session = host(8);
  ASSERT_TRUE(in_session->client().write(too_long.view()));
  EXPECT_TRUE(in_session->client().ended());
  RawInitiator in_login(taped_->login().port);
  auto login = RawInitiator::login_bytes(as(9), 1);
  const iscsi::Header head(ByteView(login).first(iscsi::kHeaderBytes));
  ASSERT_TRUE(in_login.client().write(iscsi::Header(head).set_data_bytes(iscsi::kMaxSegment).view()));
  EXPECT_TRUE(in_login.client().ended());
  EXPECT_TRUE(sessions_are(1));
}

// --- crowds ---

TEST_F(TapedFaults, L1_SixtyFourSessionsAtOnceEachGetTheirOwnAnswers) {
  constexpr std::uint16_t kSessions = 64;
  constexpr std::uint32_t kRounds = 40;
  constexpr std::size_t kOwn = 2000;  // bytes of a block
  std::atomic<int> good = 0;
  std::atomic<int> wrong = 0;
  host();  // the tape stands at its beginning
  std::vector<std::thread> threads;
  for (std::uint16_t i = 0; i < kSessions; ++i)
    threads.emplace_back([&, i] {
      RawInitiator host(taped_->login().port);
      if (host.login(as(static_cast<std::uint16_t>(100 + i))) != LoginStatus::kSuccess) return;
      if (!host.run_past_attentions(kVictim, Bytes(6))) return;
      // How much each asks for is its own, and so is what it writes.
      const auto room = static_cast<std::uint8_t>(36 + i);
      const scsi::Inquiry cdb{.allocation_length = room};
      for (std::uint32_t n = 0; n < kRounds; ++n) {
        const auto answer = host.run(n % 3 == 0 ? 0 : kVictim, cdb.encode(), room);
        if (!answer || !answer->good() || answer->data.size() > room || answer->data.size() < 36) {
          ++wrong;
          return;
        }
        const auto wrote = host.run(kVictim, write_cdb(kOwn), 0, block_of(i * 1000U + n, kOwn));
        if (!wrote || !wrote->good()) {
          ++wrong;
          return;
        }
        Bytes ping = block_of(i * 1000U + n, 3000);
        const iscsi::NopOutPdu nop{.immediate = true, .task_tag = 0x8000'0000U + i, .cmd_sn = 1};
        if (!host.send(nop.encode(), ping)) return;
        const auto header = host.receive();
        if (!header || !header->is(Opcode::kNopIn) || header->task_tag() != nop.task_tag ||
            host.data() != ping) {
          ++wrong;
          return;
        }
      }
      if (host.logout()) ++good;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(good, kSessions);
  EXPECT_TRUE(sessions_are(1));
  // Every session's blocks, each once and in the order in which that session sent them.
  std::map<Bytes, std::uint32_t> number_of;
  for (std::uint32_t i = 0; i < kSessions; ++i)
    for (std::uint32_t n = 0; n < kRounds; ++n)
      number_of.emplace(block_of(i * 1000U + n, kOwn), i * 1000U + n);
  ASSERT_EQ(number_of.size(), kSessions * kRounds);
  const auto blocks = found();
  EXPECT_EQ(blocks.size(), kSessions * kRounds);
  std::map<std::uint32_t, std::uint32_t> next;  // by session
  for (const auto& block : blocks) {
    ASSERT_TRUE(number_of.contains(block));
    const auto number = number_of.at(block);
    EXPECT_EQ(number % 1000, next[number / 1000]++);
  }
}

TEST_F(TapedFaults, L1_TheSessionBeyondTheLimitIsToldThatThereIsNoRoom) {
  constexpr std::size_t kLimit = 256;  // iscsi::Limits::max_sessions
  ASSERT_TRUE(sessions_are(1));
  std::vector<std::unique_ptr<RawInitiator>> hosts;
  for (std::size_t i = 1; i < kLimit; ++i) {
    hosts.push_back(std::make_unique<RawInitiator>(taped_->login().port));
    ASSERT_EQ(hosts.back()->login(as(static_cast<std::uint16_t>(1000 + i))), LoginStatus::kSuccess) << i;
  }
  RawInitiator beyond(taped_->login().port);
  EXPECT_EQ(beyond.login(as(2000)), LoginStatus::kOutOfResources);
  EXPECT_TRUE(beyond.client().ended());
  // Each of those that are in is answered, be it that a drive has no place for so many.
  for (const auto& host : hosts) {
    const auto answer = host->run_past_attentions(kVictim, Bytes(6));
    ASSERT_TRUE(answer.has_value());
    EXPECT_TRUE(answer->good() || answer->status == kBusy) << unsigned{answer->status};
  }
  hosts.clear();
  EXPECT_TRUE(sessions_are(1));
  EXPECT_NE(host(), nullptr) << "and there is room again";
}

// --- hosts that take their time ---

// At once, since each takes up to a minute: a login by drops, a login of nothing at all, a host that stops in
// the middle of a PDU, and one that is silent between two.
TEST_F(TapedFaults, L1_SlowAndSilentHostsAreCutInBoundedTime) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds kLoginLimit{15 + 10};  // iscsi::Limits, and time to notice
  constexpr std::chrono::seconds kSilenceLimit{60 + 10};
  const auto begun = Clock::now();
  std::thread dripping([&] {
    RawInitiator slow(taped_->login().port);
    for (const auto byte : RawInitiator::login_bytes(as(20), 1)) {
      if (!slow.client().write(Bytes{byte})) break;
      if (Clock::now() - begun > kLoginLimit) break;
      std::this_thread::sleep_for(std::chrono::milliseconds{500});
    }
    EXPECT_TRUE(slow.client().ended());
    EXPECT_LT(Clock::now() - begun, kLoginLimit);
  });
  std::thread mute([&] {
    RawInitiator nothing(taped_->login().port);
    EXPECT_TRUE(eventually([&] { return nothing.client().ended(); }, kLoginLimit));
  });
  const auto halfway = host(21);
  const auto pdu =
      halfway->wire(halfway->command(kVictim, write_cdb(), 0, kBlock).encode(), block_of(2, kSegment));
  ASSERT_TRUE(halfway->client().write(ByteView(pdu).first(1000)));
  const auto silent = host(22);
  write(*silent, kVictim, block_of(1));
  const auto waits = silent->command(kVictim, write_cdb(), 0, kBlock);
  ASSERT_TRUE(silent->send(waits.encode()));
  dripping.join();
  mute.join();
  EXPECT_TRUE(eventually([&] { return halfway->client().ended(); }, kSilenceLimit));
  EXPECT_TRUE(eventually([&] { return silent->client().ended(); }, kSilenceLimit));
  EXPECT_LT(Clock::now() - begun, kSilenceLimit + std::chrono::seconds{5});
  // The witness was silent as long, and is gone as it should be.
  witness_ = std::make_unique<RawInitiator>(taped_->login().port);
  ASSERT_EQ(witness_->login(as(2)), LoginStatus::kSuccess);
  ASSERT_TRUE(witness_->run_past_attentions(kWitness, Bytes(6)).has_value());
  EXPECT_THAT(found(), ::testing::ElementsAre(block_of(1)));
}

}  // namespace
}  // namespace tapewarden::testing
