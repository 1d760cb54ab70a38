// Volumes on which hosts ask for something.
#include "engine/host/request_volume.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "engine/host/host_test_kit.h"
#include "engine/host/limits.h"

namespace tapewarden::engine::testing {
namespace {

using Names = std::vector<std::string>;
using tape::test::block;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kAsked = "WHAT IS THERE";

// Asks are texts that begin so; what is behind it is how the answer is.
struct FakeAnswers final : VolumeAnswers {
  bool is_request(std::string_view text) const override { return text.starts_with(kAsked); }
  Pieces answer(std::string_view text) override {
    asked.emplace_back(text);
    return [this, i = std::size_t{0}]() mutable -> Result<std::optional<std::string>> {
      if (on_piece) on_piece();
      if (i == pieces.size() && failure) return std::unexpected(*failure);
      if (i == pieces.size()) return std::nullopt;
      return pieces[i++];
    };
  }
  std::vector<std::string> asked;
  std::vector<std::string> pieces{"there is\n", "this\n"};
  std::optional<Error> failure;
  std::function<void()> on_piece{};
};

std::string fixed(std::string text) {
  text.resize(kLabelBytes, ' ');
  return text;
}

struct RequestVolumes : ::testing::Test {
  RequestVolumes() {
    bench.options.answers = &answers;
    bench.options.asked = [this] { ++pokes; };
    bench.detach();
    bench.attach();
  }
  // Records in order; an empty one is a filemark.
  bool write_records(const Names& records) {
    const auto good = [](const scsi::Response& response) {
      return response.status == scsi::ScsiStatus::kGood;
    };
    bool all = good(bench.run(scsi::Rewind{}.encode()));
    for (const auto& record : records)
      all =
          all && good(record.empty()
                          ? bench.run(scsi::WriteFilemarks{false, 1}.encode())
                          : bench.run(scsi::Write6{false, static_cast<std::uint32_t>(record.size())}.encode(),
                                      as_bytes(record)));
    return all;
  }
  Names records() {
    Names out;
    (void)bench.run(scsi::Rewind{}.encode());
    for (int marks = 0; marks < 8;) {
      const auto response = bench.run(scsi::Read6{false, true, 65536}.encode());
      if (response.sense.code.key == scsi::SenseKey::kBlankCheck) break;
      out.emplace_back(as_text(response.data_in));
      if (response.data_in.empty()) ++marks;
    }
    return out;
  }
  bool ask(const Names& records) {
    return bench.mount("V00001").value() && write_records(records) && bench.unmount("V00001").has_value();
  }
  std::size_t answer() {
    const auto answered = bench.host->answer_requests();
    EXPECT_TRUE(answered) << answered.error().text();
    return answered.value_or(0);
  }
  Names answered() {
    EXPECT_TRUE(bench.mount("V00001").value());
    auto found = records();
    EXPECT_TRUE(bench.unmount("V00001"));
    return found;
  }

  HostBench bench;
  FakeAnswers answers;
  int pokes = 0;
};

TEST_F(RequestVolumes, T10_ARequestIsReplacedByItsAnswer) {
  ASSERT_TRUE(ask({kAsked, ""}));
  EXPECT_EQ(pokes, 1);
  EXPECT_NE(bench.volume("V00001").mounted, "") << "neither copied nor evicted";
  EXPECT_EQ(answer(), 1U);
  const auto volume = bench.volume("V00001");
  EXPECT_EQ(volume.mounted, "");
  EXPECT_EQ(volume.category, Category::kPrivate);
  EXPECT_TRUE(volume.primary_due);
  EXPECT_EQ(bench.files().size(), 1U) << "the request's file is gone";
  EXPECT_THAT(answered(), ElementsAre("there is\nthis\n", ""));
  EXPECT_EQ(bench.volume("V00001").generation, volume.generation) << "an answer is no request";
  EXPECT_EQ(answers.asked.size(), 1U);
  ASSERT_EQ(bench.migrate(), 1U);
  bench.evict("V00001");
  EXPECT_EQ(bench.volumes->free_bytes(), bench.limits.bytes) << "nothing is promised any more";
  bench.expect_sound();
}

TEST_F(RequestVolumes, T10_RecordsOfFixedLengthAreJoinedAndOthersAreLines) {
  ASSERT_TRUE(ask({fixed(kAsked) + fixed("IN BLOCKS"), fixed("OF 80"), "", ""}));
  answer();
  EXPECT_EQ(answers.asked.back(), fixed(kAsked) + fixed("IN BLOCKS") + fixed("OF 80"));
  ASSERT_TRUE(ask({kAsked, "SHORT", ""}));
  answer();
  EXPECT_EQ(answers.asked.back(), kAsked + "\nSHORT\n");
}

TEST_F(RequestVolumes, T10_ALabelledVolumeKeepsItsLabels) {
  const auto hdr2 = fixed("HDR2F0008000080");
  const auto eof1 = fixed("EOF1REQUEST          V0000100010001");
  ASSERT_TRUE(ask({fixed("VOL1V00001"), fixed("HDR1REQUEST"), hdr2, "", fixed(kAsked), "", eof1,
                   fixed("EOF2F0008000080"), "", ""}));
  ASSERT_EQ(answer(), 1U);
  EXPECT_EQ(answers.asked.back(), fixed(kAsked));
  auto counted = eof1;
  counted.replace(54, 6, "000001");
  EXPECT_THAT(answered(), ElementsAre(fixed("VOL1V00001"), fixed("HDR1REQUEST"), fixed("HDR2U3276000000"), "",
                                      "there is\nthis\n", "", counted, fixed("EOF2U3276000000"), "", ""));
}

TEST_F(RequestVolumes, T10_WhatIsNotWhollyARequestIsLeftAsItIs) {
  const std::vector<Names> contents{
      {"some data", ""},
      {kAsked, "", "and data behind it", ""},
      {"data before it", "", kAsked, ""},
      {fixed("VOL1V00001"), fixed("HDR1X"), "", fixed(kAsked), "", fixed("EOF1X"), "", "more", ""},
      {fixed("VOL1V00001"), fixed("HDR1X"), "", fixed(kAsked), ""},
      {"VOL1V00001", "HDR1X", "", kAsked, "", "EOF1X", ""},
      {kAsked + std::string(kMaximumRequestBytes, ' '), ""},
      {"", kAsked, ""},
  };
  for (const auto& content : contents) {
    ASSERT_TRUE(ask(content));
    EXPECT_EQ(pokes, 0) << content.front();
    EXPECT_EQ(answer(), 0U);
    EXPECT_EQ(bench.volume("V00001").mounted, "");
    EXPECT_EQ(answered(), content);
  }
  EXPECT_TRUE(answers.asked.empty());
}

TEST_F(RequestVolumes, T10_ALongAnswerIsManyRecordsOfWholeLines) {
  answers.pieces.clear();
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    answers.pieces.push_back("line " + std::to_string(i) + " of a long answer\n");
    all += answers.pieces.back();
  }
  answers.pieces.push_back(std::string(2 * kAnswerRecordBytes, 'x') + "\n");
  all += answers.pieces.back();
  ASSERT_TRUE(ask({kAsked, ""}));
  ASSERT_EQ(answer(), 1U);
  std::string told;
  auto found = answered();
  ASSERT_GT(found.size(), 4U);
  EXPECT_EQ(found.back(), "") << "a filemark at the end";
  found.pop_back();
  for (const auto& record : found) {
    EXPECT_LE(record.size(), kAnswerRecordBytes);
    EXPECT_FALSE(record.empty());
    told += record;
  }
  EXPECT_TRUE(found.front().ends_with("\n"));
  EXPECT_EQ(told, all);
}

TEST_F(RequestVolumes, T10_WhyThereIsNoAnswerIsToldOnTheVolume) {
  answers.failure = Error{ErrorCode::kInvalidArgument, "nobody knows", "request", "ask otherwise"};
  ASSERT_TRUE(ask({kAsked, ""}));
  ASSERT_EQ(answer(), 1U);
  const auto told = answered();
  ASSERT_FALSE(told.empty());
  EXPECT_THAT(told.front(), StartsWith("TAPEWARDEN BULK VOLUME DATA, REFUSED\n"));
  EXPECT_THAT(told.front(), HasSubstr("nobody knows"));
  EXPECT_THAT(told.front(), HasSubstr("ask otherwise"));
}

TEST_F(RequestVolumes, T10_AnAnswerLargerThanTheVolumeIsToldSo) {
  answers.pieces.assign(100, "");
  for (auto& piece : answers.pieces) {
    Bytes noise(64U << 10);
    bench.sim.random.fill(noise);
    piece = as_text(noise);
  }
  ASSERT_TRUE(ask({kAsked, ""}));
  ASSERT_EQ(answer(), 1U);
  EXPECT_THAT(answered().front(), HasSubstr("larger than this volume"));
  bench.expect_sound();
}

TEST_F(RequestVolumes, T10_AMountWaitsForTheAnswer) {
  ASSERT_TRUE(ask({kAsked, ""}));
  EXPECT_FALSE(bench.mount("V00001", 1).value());
  EXPECT_EQ(bench.host->retry_waiting(), 0U);
  EXPECT_EQ(bench.brought, Names());
  EXPECT_EQ(answer(), 1U);
  EXPECT_EQ(bench.brought, Names{"V00001 in 1000000002"});
  EXPECT_EQ(as_text(bench.read_back(1)), "there is\nthis\n");
}

TEST_F(RequestVolumes, T10_WhoWaitsForAnAnswerStandsInNobodysWayWhoWaitsForRoom) {
  const std::uint64_t most = most_file_bytes(kVolumeCapacity);
  HostBench small(1, 2 * most + (1U << 20));
  small.options.answers = &answers;
  small.detach();
  small.attach();
  ASSERT_TRUE(small.mount("V00001").value());
  ASSERT_TRUE(small.write(as_bytes(kAsked)));
  ASSERT_TRUE(small.unmount("V00001"));
  ASSERT_TRUE(small.mount("V00002").value());
  EXPECT_FALSE(small.mount("V00001", 1).value()) << "it waits for its answer, and was there first";
  EXPECT_FALSE(small.mount("V00003", 2).value()) << "it waits for room";
  ASSERT_TRUE(small.unmount("V00002"));
  EXPECT_EQ(small.host->retry_waiting(), 1U);
  EXPECT_EQ(small.brought, Names{"V00003 in 1000000003"});
  EXPECT_EQ(small.host->answer_requests().value(), 1U);
  EXPECT_THAT(small.brought, ElementsAre("V00003 in 1000000003", "V00001 in 1000000002"));
  EXPECT_EQ(as_text(small.read_back(1)), "there is\nthis\n");
  small.expect_sound();
}

TEST_F(RequestVolumes, T10_WhoGivesUpWaitingForAnAnswerTakesNoRoomFromIt) {
  ASSERT_TRUE(ask({kAsked, ""}));
  const auto free = bench.volumes->free_bytes();
  EXPECT_FALSE(bench.mount("V00001", 1).value());
  bench.host->give_up("V00001", bench.serial(1));
  EXPECT_EQ(bench.volumes->free_bytes(), free);
  EXPECT_EQ(answer(), 1U);
  EXPECT_EQ(bench.brought, Names());
  EXPECT_THAT(answered(), ElementsAre("there is\nthis\n", ""));
  bench.expect_sound();
}

TEST_F(RequestVolumes, T10_ACrashLeavesTheRequestOrTheAnswer) {
  std::size_t requests = 0;
  std::size_t answered = 0;
  for (std::uint64_t writes = 0; writes < 200; ++writes) {
    HostBench crashed(writes + 1);
    FakeAnswers known;
    crashed.options.answers = &known;
    crashed.detach();
    crashed.attach();
    ASSERT_TRUE(crashed.write_volume("V00002", block(2)));
    ASSERT_TRUE(crashed.mount("V00001").value());
    ASSERT_TRUE(crashed.write(as_bytes(kAsked)));
    ASSERT_TRUE(crashed.unmount("V00001"));
    crashed.sim.disk.fail_after(writes);
    const bool whole = crashed.host->answer_requests().has_value();
    crashed.crash(true);
    EXPECT_EQ(crashed.reconciled.faults, Names());
    ASSERT_TRUE(crashed.host->answer_requests());
    ASSERT_TRUE(crashed.mount("V00001").value());
    EXPECT_EQ(as_text(crashed.read_back()), "there is\nthis\n") << "answered by the next start at the latest";
    ASSERT_TRUE(crashed.unmount("V00001"));
    ASSERT_TRUE(crashed.mount("V00002").value());
    EXPECT_EQ(crashed.read_back(), block(2));
    ASSERT_TRUE(crashed.unmount("V00002"));
    crashed.expect_sound();
    ++(known.asked.size() > 1 ? requests : answered);
    if (whole) break;
  }
  EXPECT_GT(requests, 3U);
  EXPECT_GT(answered, 0U);
}

// A report of a million volumes takes minutes, and the end of the program waits for none.
TEST_F(RequestVolumes, T10_TheEndOfTheProgramLeavesRequestsToTheNextStart) {
  ASSERT_TRUE(ask({kAsked, ""}));
  ASSERT_TRUE(bench.mount("V00002", 1).value());
  ASSERT_TRUE(bench.write(as_bytes(kAsked), 1));
  ASSERT_TRUE(bench.unmount("V00002", 1));
  int pieces = 0;
  answers.on_piece = [&] {
    if (++pieces == 1) bench.host->end_answers();
  };
  ASSERT_TRUE(bench.host->answer_requests());
  EXPECT_EQ(pieces, 1);
  EXPECT_EQ(answers.asked.size(), 1U);
  EXPECT_NE(bench.volume("V00001").mounted, "");
  EXPECT_NE(bench.volume("V00002").mounted, "");

  answers.on_piece = nullptr;
  bench.detach();
  bench.attach();
  EXPECT_EQ(answer(), 2U);
  EXPECT_THAT(answered(), ElementsAre("there is\nthis\n", ""));
  bench.expect_sound();
}

// In the drive that wrote the request, and in another one.
TEST_F(RequestVolumes, T10_AHostThatWaitsAtTheEndOfTheProgramGetsItsAnswerFromTheNextStart) {
  for (const std::size_t drive : {std::size_t{0}, std::size_t{1}}) {
    bench.brought.clear();
    ASSERT_TRUE(ask({kAsked, ""}));
    EXPECT_FALSE(bench.mount("V00001", drive).value());
    const auto before = bench.volume("V00001");
    answers.on_piece = [&] { bench.host->end_answers(); };
    ASSERT_TRUE(bench.host->answer_requests());
    EXPECT_EQ(bench.brought, Names()) << "it waits as before";
    EXPECT_EQ(bench.volume("V00001"), before) << "the request is nobody's content";

    answers.on_piece = nullptr;
    bench.detach();
    bench.attach({{"V00001", drive_identity(drive)->serial()}});
    EXPECT_FALSE(bench.mount("V00001", drive).value()) << "what the library does for what is in drives";
    EXPECT_EQ(answer(), 1U);
    ASSERT_EQ(bench.brought.size(), 1U);
    EXPECT_EQ(as_text(bench.read_back(drive)), "there is\nthis\n");
    ASSERT_TRUE(bench.unmount("V00001", drive));
  }
  bench.expect_sound();
}

// It was never unmounted: what is there may be only the beginning of what the host writes.
TEST_F(RequestVolumes, T10_WhatAHostWasWritingWhenTheProgramDiedIsNoRequestBeforeItIsEnded) {
  for (const bool ended : {false, true}) {
    ASSERT_TRUE(bench.mount("V00001").value());
    ASSERT_TRUE(write_records(ended ? Names{kAsked, ""} : Names{kAsked}));
    ASSERT_EQ(bench.run(scsi::WriteFilemarks{false, 0}.encode()).status, scsi::ScsiStatus::kGood);
    bench.crash(false, {{"V00001", drive_identity(0)->serial()}});
    EXPECT_EQ(bench.reconciled.kept, Names{"V00001"});
    EXPECT_EQ(answer(), ended ? 1U : 0U);
    ASSERT_TRUE(bench.mount("V00001").value()) << "what the library does for what is in drives";
    const auto found = records();
    if (ended) {
      EXPECT_THAT(found, ElementsAre("there is\nthis\n", ""));
    } else {
      EXPECT_THAT(found, ElementsAre(kAsked)) << "what was synced is there";
      EXPECT_TRUE(write_records({kAsked, "AND MORE", ""})) << "the host goes on";
    }
    ASSERT_TRUE(bench.unmount("V00001"));
    EXPECT_EQ(answer(), ended ? 0U : 1U);
    EXPECT_EQ(answers.asked.back(), ended ? kAsked + "\n" : kAsked + "\nAND MORE\n");
  }
  bench.expect_sound();
}

TEST_F(RequestVolumes, T10_ARequestThatIsOnlyReadIsLeftAsItIs) {
  bench.detach();
  bench.options.answers = nullptr;
  bench.attach();
  ASSERT_TRUE(ask({kAsked, ""}));
  bench.detach();
  bench.options.answers = &answers;
  bench.attach();
  const auto before = bench.volume("V00001");
  for (int reads = 0; reads < 2; ++reads) EXPECT_THAT(answered(), ElementsAre(kAsked, ""));
  EXPECT_EQ(pokes, 0);
  EXPECT_EQ(answer(), 0U);
  EXPECT_EQ(bench.volume("V00001").generation, before.generation);
  ASSERT_TRUE(bench.mount("V00001").value());
  bench.crash(true);
  EXPECT_EQ(answer(), 0U) << "nor when the engine ended while it was in a drive";
  EXPECT_THAT(answered(), ElementsAre(kAsked, ""));
  ASSERT_TRUE(ask({kAsked, ""}));
  EXPECT_EQ(answer(), 1U) << "written anew it is a request, though with the same words";
}

TEST_F(RequestVolumes, T10_AnAnswerThatFailsLeavesAVolumeThatIsSettledLater) {
  ASSERT_TRUE(ask({kAsked, ""}));
  bench.sim.disk.fail_after(0);
  EXPECT_FALSE(bench.host->answer_requests());
  EXPECT_EQ(bench.host->retry_unsettled(), 0U);
  EXPECT_NE(bench.interventions(), Names()) << "it is said that the volume is not settled";
  bench.sim.disk.clear_faults();
  EXPECT_NE(bench.volume("V00001").mounted, "");
  EXPECT_EQ(bench.host->retry_unsettled(), 1U) << "without a mount and without a restart";
  EXPECT_EQ(bench.interventions(), Names());
  EXPECT_EQ(bench.volume("V00001").mounted, "");
  EXPECT_TRUE(bench.volume("V00001").primary_due);
  EXPECT_THAT(answered(), ElementsAre(kAsked, ""));
  bench.expect_sound();
}

TEST_F(RequestVolumes, T10_WithoutWhoAnswersItIsDataLikeAnyOther) {
  bench.detach();
  bench.options.answers = nullptr;
  bench.attach();
  ASSERT_TRUE(ask({kAsked, ""}));
  EXPECT_EQ(answer(), 0U);
  EXPECT_EQ(bench.volume("V00001").mounted, "");
  EXPECT_THAT(answered(), ElementsAre(kAsked, ""));
}

}  // namespace
}  // namespace tapewarden::engine::testing
