// L3: kill -9 of the engine while hosts write over iSCSI, again and again: what was acknowledged at a
// filemark or a sync is there afterwards, nothing wrong is ever returned, no IV met a key twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <thread>

#include "base/real_env.h"
#include "crash/kills.h"
#include "harness/test_site.h"
#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "scsi/set_data_encryption.h"
#include "tape/medium/inspect.h"
#include "taped/host_tape.h"
#include "taped/seal_watch.h"
#include "taped/taped_fixture.h"

namespace tapewarden::testing {
namespace {

constexpr int kKills = 80;
constexpr int kLookEvery = 10;                  // kills between two readings of everything
constexpr int kAgainEvery = 3;                  // kills, then it is killed again while it starts
constexpr int kLongestStart = 120;              // milliseconds
constexpr unsigned kLongestLife = 250;          // milliseconds of writing
constexpr std::uint64_t kTapeFull = 24U << 20;  // then it is begun anew
constexpr std::uint16_t kSlot = 1000;
constexpr std::uint16_t kDrive = 500;
constexpr std::size_t kRoom = 64U << 10;

// One drive with its tape: drive 1 writes in clear, drive 2 with the host's own key.
struct Stream {
  unsigned lun = 0;
  std::string barcode;
  bool keyed = false;
  HostTape tape;
  SealWatch seals;
};

class WriteKills : public TapedFixture {
 protected:
  void SetUp() override {
    make_site();
    ASSERT_NE(taped_, nullptr);
    streams_.push_back({.lun = 1, .barcode = "A00001L9", .keyed = false, .tape = HostTape(1), .seals = {}});
    streams_.push_back({.lun = 2, .barcode = "A00002L9", .keyed = true, .tape = HostTape(2), .seals = {}});
    start();
    const auto host = connect();
    ASSERT_NE(host, nullptr);
    move_both(*host, kSlot, kDrive);
  }
  static void move_both(Initiator& host, std::uint16_t from, std::uint16_t to) {
    for (std::uint16_t i = 0; i < 2; ++i) {
      const scsi::MoveMedium cdb{0, static_cast<std::uint16_t>(from + i), static_cast<std::uint16_t>(to + i),
                                 false};
      const auto moved = host.run_past_attentions(0, cdb.encode());
      ASSERT_TRUE(moved && moved->good());
    }
  }
  // The key of a host lives as long as the drive's power.
  void set_key(Initiator& host, const Stream& stream) {
    if (!stream.keyed) return;
    const scsi::SetDataEncryption page{.scope = scsi::KeyScope::kAllNexuses,
                                       .encryption = scsi::EncryptionMode::kEncrypt,
                                       .decryption = scsi::DecryptionMode::kDecrypt,
                                       .key = key_};
    Bytes parameters(page.encoded_size());
    page.encode_into(parameters);
    const scsi::SecurityProtocolOut cdb{.protocol = 0x20,
                                        .page = scsi::encryption_out::kSetDataEncryption,
                                        .transfer_length = static_cast<std::uint32_t>(parameters.size())};
    const auto set = host.run_past_attentions(stream.lun, cdb.encode(), 0, parameters);
    ASSERT_TRUE(set && set->good()) << set->sense.text();
  }
  void read_all(Initiator& host, Stream& stream) {
    const auto read = stream.tape.read_all(host, stream.lun);
    EXPECT_TRUE(read) << stream.barcode << ": " << read.error().text();
  }
  // Every cartridge is in one place: two in the drives, two in their slots.
  void look_at_inventory(Initiator& host) {
    const scsi::ReadElementStatus cdb{.volume_tags = true, .count = 0xffff, .allocation_length = kRoom};
    const auto answer = host.run_past_attentions(0, cdb.encode(), kRoom);
    ASSERT_TRUE(answer && answer->good());
    const auto status = scsi::ElementStatusData::decode(answer->data_in);
    ASSERT_TRUE(status);
    std::vector<std::string> there;
    for (const auto& page : status->pages)
      for (const auto& element : page.descriptors)
        if (element.full) there.push_back(std::to_string(element.address) + " " + element.volume_tag);
    EXPECT_THAT(there, ::testing::UnorderedElementsAre("500 A00001L9", "501 A00002L9", "1002 A00003L9",
                                                       "1003 A00004L9"));
  }
  // With the tags of the sealed records too.
  void verify_file(const Stream& stream) {
    tape::VerifyOptions options;
    options.keys.push_back(std::make_shared<tape::DataKey>(crypto::SecretBytes::copy_of(key_)));
    if (!stream.keyed) options.keys.clear();
    const auto report = tape::verify({.disk = &disk_}, taped_->cartridge_path(stream.barcode), options);
    ASSERT_TRUE(report) << report.error().text();
    EXPECT_TRUE(report->faults.empty()) << stream.barcode << ": " << report->to_text();
    EXPECT_EQ(report->tags_unchecked, 0U);
  }
  // The command as the operator runs it. After a kill it may tell of an interrupted write, of damage never.
  std::string verify_command(const Stream& stream) {
    const auto log = taped_->library_path() + "-verify.log";
    const auto result = run_command(
        {program("tapewarden"), "cartridge", "verify", taped_->cartridge_path(stream.barcode)}, log);
    EXPECT_TRUE(result);
    if (!result) return {};
    for (const auto* fault : {"damage at", "tampering at", "truncated at", "wrong key at"})
      EXPECT_THAT(result->output, ::testing::Not(::testing::HasSubstr(fault)));
    EXPECT_THAT(result->output, ::testing::HasSubstr(" records, "));
    return result->output;
  }
  // One life: the streams write side by side until the engine is killed.
  void write_until_killed(const std::vector<Stream*>& writing, unsigned milliseconds) {
    std::vector<std::unique_ptr<Initiator>> hosts;
    for (auto* stream : writing) {
      hosts.push_back(connect());
      ASSERT_NE(hosts.back(), nullptr);
      set_key(*hosts.back(), *stream);
      read_all(*hosts.back(), *stream);
      if (stream->tape.bytes() > kTapeFull) {
        const auto anew = stream->tape.begin_anew(*hosts.back(), stream->lun);
        EXPECT_TRUE(anew) << anew.error().text();
      }
    }
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < writing.size(); ++i)
      threads.emplace_back([stream = writing[i], host = hosts[i].get()] {
        const auto end = stream->tape.write(*host, stream->lun);
        EXPECT_EQ(end, WriteEnd::kGone) << stream->tape.last_refusal();
      });
    std::this_thread::sleep_for(std::chrono::milliseconds{milliseconds});
    taped_->kill_hard();
    for (auto& thread : threads) thread.join();
    for (auto* stream : writing) {
      const auto looked = stream->seals.look(taped_->cartridge_path(stream->barcode));
      EXPECT_TRUE(looked) << stream->barcode << ": " << looked.error().text();
    }
  }

  std::vector<Stream> streams_;
  RealDisk disk_;
  const Bytes key_ = from_hex("5ea1ed000102030405060708090a0b0c0d0e0f101112131415161718191a1bff").value();
};

TEST_F(WriteKills, L3_KilledInMidWriteNothingAcknowledgedIsLostAndNoIvIsUsedTwice) {
  const int kills = kills_wanted(kKills);
  std::mt19937 random(5);
  auto* clear = &streams_[0];
  auto* keyed = &streams_[1];
  const std::vector<std::vector<Stream*>> turns = {{clear}, {keyed}, {clear, keyed}};
  std::size_t with_two = 0;
  int at_start = 0;
  for (int kill = 0; kill < kills && !HasFailure(); ++kill) {
    const auto& writing = turns[static_cast<std::size_t>(kill) % turns.size()];
    with_two += writing.size() - 1;
    write_until_killed(writing, std::uniform_int_distribution(0U, kLongestLife)(random));
    if (kill % kLookEvery == kLookEvery - 1)
      for (const auto& stream : streams_) {
        verify_file(stream);
        verify_command(stream);
      }
    if (kill % kAgainEvery == kAgainEvery - 1) {
      // While it finds out where the tapes end.
      const std::chrono::milliseconds life{std::uniform_int_distribution(0, kLongestStart)(random)};
      EXPECT_TRUE(taped_->start_and_kill(life));
      ++at_start;
    }
    start();
  }
  ASSERT_FALSE(HasFailure());
  const auto host = connect();
  ASSERT_NE(host, nullptr);
  look_at_inventory(*host);
  std::size_t writes = 0;
  for (auto& stream : streams_) {
    set_key(*host, stream);
    read_all(*host, stream);
    EXPECT_TRUE(stream.tape.write_file(*host, stream.lun, 8));
    read_all(*host, stream);
    EXPECT_EQ(stream.tape.objects(), stream.tape.promised());
    EXPECT_GT(stream.tape.writes(), 0U);
    writes += stream.tape.writes();
  }
  move_both(*host, kDrive, kSlot);
  const auto ended = taped_->stop();
  EXPECT_TRUE(ended && *ended == 0) << taped_->log();
  for (auto& stream : streams_) {
    verify_file(stream);
    EXPECT_THAT(verify_command(stream), ::testing::HasSubstr("ends with an end-of-data record"));
    EXPECT_TRUE(stream.seals.look(taped_->cartridge_path(stream.barcode)));
  }
  EXPECT_EQ(streams_[0].seals.pairs(), 0U);
  EXPECT_GT(streams_[1].seals.pairs(), 0U);
  std::printf(
      "L3: kills %d (%zu of them with two streams) and %d at the start, acknowledged blocks %zu, (key, IV) "
      "pairs %zu\n",
      kills, with_two, at_start, writes, streams_[1].seals.pairs());
}

}  // namespace
}  // namespace tapewarden::testing
