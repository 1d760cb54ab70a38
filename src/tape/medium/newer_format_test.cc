// What a later version of the program wrote is told from damage, never cut off and never written over; and
// what an earlier version wrote is read by its own rules.
#include <gmock/gmock.h>

#include "base/crc32c.h"
#include "tape/medium/area_codec.h"
#include "tape/medium/cartridge_test_kit.h"
#include "tape/medium/inspect.h"
#include "tape/medium/layout.h"
#include "tape/medium/record.h"

namespace tapewarden::tape {
namespace {

using namespace test;
using tapewarden::testing::SimEnv;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::size_t kBlock = 300'000;       // goes to the file at once
constexpr std::size_t kSessionFlagsAt = 114;  // in the stored bytes of a session record
constexpr std::uint8_t kLaterFlag = 0x40;

struct Placed {
  std::uint64_t offset;
  RecordHeader header;
};

std::vector<Placed> records_of(const Bytes& file) {
  std::vector<Placed> out;
  for (std::uint64_t at = kDataStart; at + kHeaderBytes <= file.size();) {
    const RecordHeader header = take(decode_header(ByteView(file).subspan(at)));
    out.push_back({at, header});
    at += header.total_bytes();
  }
  return out;
}

// Sets and clears flags of the last session record, and makes the chain of clear records behind it fit again,
// up to the superblocks: as a cartridge that another version of the program wrote.
void change_last_session(Bytes& file, std::uint8_t set, std::uint8_t clear) {
  std::vector<Placed> all = records_of(file);
  std::size_t first = all.size();
  while (all.at(--first).header.type != RecordType::kSession) {
  }
  std::uint8_t& flags = file.at(all.at(first).offset + kHeaderBytes + kSessionFlagsAt);
  flags = static_cast<std::uint8_t>((flags | set) & ~clear);
  Link link{};
  for (std::size_t i = first; i < all.size(); ++i) {
    RecordHeader& header = all.at(i).header;
    const ByteView body = ByteView(file).subspan(all.at(i).offset + kHeaderBytes, header.body_bytes());
    ASSERT_FALSE(header.encrypted);
    if (i > first) header.previous_link = head_of(link);
    header.payload_crc = crc32c(body);
    copy_bytes(MutableByteView(file).subspan(all.at(i).offset), encode_header(header));
    link = link_of(take(decode_header(ByteView(file).subspan(all.at(i).offset))), body, {});
    for (const std::uint64_t slot : kSuperblockOffsets) {
      Superblock block = take(decode_superblock(ByteView(file).subspan(slot, kSuperblockBytes)));
      if (block.mark.last_offset == all.at(i).offset) block.mark.link = link;
      copy_bytes(MutableByteView(file).subspan(slot), encode_superblock(block));
    }
  }
}

// A clear tape file, an unload, and a second mount that `use` writes.
template <typename Use>
void two_mounts(SimEnv& sim, const Use& use) {
  {
    auto tape = make(sim);
    done(tape->write_record(record(1, kBlock)));
    done(tape->write_filemarks(1));
    done(tape->unload());
  }
  auto tape = reopen(sim);
  done(tape->to_end_of_data());
  use(*tape);
}

void expect_newer(const Error& error) {
  EXPECT_EQ(error.code, ErrorCode::kUnsupported) << error.text();
  EXPECT_EQ(error.detail, detail(MediumFault::kNewerFormat));
  EXPECT_THAT(error.message, HasSubstr("needs a newer reader"));
  EXPECT_THAT(error.remedy, HasSubstr("later"));
}

void expect_refused_and_unchanged(SimEnv& sim) {
  const Bytes before = sim.disk.content(kPath);
  const auto writing = Cartridge::open(sim.env(), kPath, CartridgeMode::kReadWrite);
  ASSERT_FALSE(writing);
  expect_newer(writing.error());
  EXPECT_EQ(sim.disk.content(kPath), before);

  auto tape = reopen(sim, CartridgeMode::kRead);
  EXPECT_EQ(to_bytes(take(tape->read_record()).data), record(1, kBlock)) << "what is known is read";
  EXPECT_EQ(take(tape->read_record()).kind, BlockKind::kFilemark);
  const auto behind = tape->read_record();
  ASSERT_FALSE(behind);
  expect_newer(behind.error());

  const VerifyReport report = take(verify(sim.env(), kPath));
  EXPECT_FALSE(report.good());
  EXPECT_TRUE(report.needs_newer_reader()) << report.to_text();
  EXPECT_EQ(report.faults.size(), 1U) << "said once";
  EXPECT_EQ(report.torn_bytes, 0U);
  EXPECT_THAT(report.to_text(), HasSubstr("needs a newer reader"));
  EXPECT_THAT(report.to_text(), Not(HasSubstr("damage")));
  EXPECT_THAT(report.to_text(), Not(HasSubstr("interrupted")));
  const Inspection seen = take(inspect(sim.env(), kPath));
  EXPECT_FALSE(seen.damage);
  EXPECT_TRUE(seen.newer_format);
  EXPECT_THAT(seen.to_text(), HasSubstr("needs a newer reader"));
}

TEST(NewerFormat, D4_AFlagOfALaterVersionIsNoDamage) {
  for (const bool unloaded : {false, true}) {
    SimEnv sim(121);
    two_mounts(sim, [unloaded](Cartridge& tape) {
      for (std::uint32_t i = 0; i < 3; ++i) done(tape.write_record(record(2 + i, kBlock)));
      done(unloaded ? tape.unload() : tape.sync());
    });
    change_last_session(sim.disk.content(kPath), kLaterFlag, 0);
    expect_refused_and_unchanged(sim);
  }
}

// Behind the mark, where what does not check is a torn tail that the next append cuts off.
TEST(NewerFormat, D4_WhatALaterVersionWroteLastIsNoTornTail) {
  SimEnv sim(122);
  two_mounts(sim, [](Cartridge& tape) { done(tape.write_record(record(2, kBlock))); });
  change_last_session(sim.disk.content(kPath), kLaterFlag, 0);
  expect_refused_and_unchanged(sim);
}

TEST(NewerFormat, D4_ARecordOfALaterVersionIsNoTornTail) {
  for (const std::size_t at : {std::size_t{4}, std::size_t{5}, std::size_t{6}}) {  // version, type, flags
    SimEnv sim(123);
    two_mounts(sim, [](Cartridge& tape) { done(tape.write_record(record(2, kBlock))); });
    Bytes& file = sim.disk.content(kPath);
    const std::uint64_t last = records_of(file).back().offset;
    file.at(last + at) |= 0x40;
    const std::uint32_t checksum = crc32c(ByteView(file).subspan(last, kHeaderBytes - 4));
    ByteWriter out;
    out.u32(checksum);
    copy_bytes(MutableByteView(file).subspan(last + kHeaderBytes - 4), out.view());
    expect_refused_and_unchanged(sim);
  }
}

TEST(NewerFormat, D4_ASuperblockOfALaterVersionIsNotPassedOverForTheOlderOne) {
  for (const std::uint64_t slot : kSuperblockOffsets) {
    SimEnv sim(124);
    two_mounts(sim, [](Cartridge& tape) { done(tape.unload()); });
    Bytes& file = sim.disk.content(kPath);
    file.at(slot + kSuperblockMagic.size() + 1) = 3;
    ByteWriter out;
    out.u32(crc32c(ByteView(file).subspan(slot, kSuperblockBytes - 4)));
    copy_bytes(MutableByteView(file).subspan(slot + kSuperblockBytes - 4), out.view());
    for (const auto mode : {CartridgeMode::kRead, CartridgeMode::kReadWrite}) {
      const auto opened = Cartridge::open(sim.env(), kPath, mode);
      ASSERT_FALSE(opened);
      expect_newer(opened.error());
    }
  }
}

TEST(NewerFormat, D4_EveryNewSessionSaysThatItLooked) {
  SimEnv sim(125);
  two_mounts(sim, [](Cartridge& tape) { done(tape.write_record(record(2, kBlock))); });
  const Bytes& file = sim.disk.content(kPath);
  for (const Placed& placed : records_of(file)) {
    if (placed.header.type != RecordType::kSession) continue;
    const SessionInfo info = take(
        decode_session(ByteView(file).subspan(placed.offset + kHeaderBytes, placed.header.stored_length)));
    EXPECT_TRUE(info.ends_considered);
    EXPECT_FALSE(info.behind_cut_off);
    EXPECT_EQ(info.behind_end, placed.offset != kDataStart) << "the second stands behind an unload";
  }
}

// One whole tape file, then one that was torn and later ended by a filemark: by a version that did not say
// so.
void write_as_before(SimEnv& sim, bool unload_between) {
  two_mounts(sim, [](Cartridge& tape) { done(tape.write_record(record(2, kBlock))); });
  if (unload_between) {
    auto tape = reopen(sim);
    done(tape->to_end_of_data());
    done(tape->write_record(record(3, kBlock)));
    done(tape->unload());
    tape.reset();
    change_last_session(sim.disk.content(kPath), 0, 2 | 4 | 8);
  }
  auto tape = reopen(sim);
  done(tape->to_end_of_data());
  done(tape->write_filemarks(1));
  tape.reset();
  change_last_session(sim.disk.content(kPath), 0, 2 | 4 | 8);
}

std::vector<std::uint64_t> cut_off_files(SimEnv& sim) {
  const auto files = reopen(sim, CartridgeMode::kRead)->cut_off_files();
  EXPECT_EQ(take(verify(sim.env(), kPath)).cut_off_files, files) << "both say the same";
  return files;
}

TEST(NewerFormat, D4_ATornFileThatAnEarlierVersionEndedKeepsShowing) {
  SimEnv sim(126);
  write_as_before(sim, false);
  EXPECT_THAT(cut_off_files(sim), ElementsAre(1));
  {
    auto tape = reopen(sim);
    done(tape->to_end_of_data());
    done(tape->write_record(record(4)));
    done(tape->write_filemarks(1));
    done(tape->unload());
  }
  EXPECT_THAT(cut_off_files(sim), ElementsAre(1)) << "with a whole file of today's version behind it";
  {
    auto tape = reopen(sim);
    done(tape->locate(3));  // its filemark, which is written anew
    done(tape->write_filemarks(1));
    done(tape->unload());
  }
  EXPECT_THAT(cut_off_files(sim), ElementsAre(1)) << "the session of today says it in its place";
}

TEST(NewerFormat, D4_AFileThatAnEarlierVersionEndedBehindAnUnloadIsWhole) {
  SimEnv sim(127);
  write_as_before(sim, true);
  EXPECT_THAT(cut_off_files(sim), IsEmpty());
}

}  // namespace
}  // namespace tapewarden::tape
