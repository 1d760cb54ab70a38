// What `tapewarden tape` does with a drive of which it knows only what SCSI commands tell.
#include "cli/tape_copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tape/device/drive_test_kit.h"

namespace tapewarden::cli {
namespace {

using tape::test::Bench;
using tape::test::block;

// Like a drive that knows nothing of a block before it has tried to read it, or never.
class Way final : public tape::Transport {
 public:
  explicit Way(scsi::LogicalUnit& unit) : inner_(unit, tape::test::kOtherHost) {}
  Result<tape::TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                        std::chrono::milliseconds timeout) override {
    auto answer = TRY(inner_.execute(cdb, data_out, data_in_limit, timeout));
    const bool next_block = cdb[0] == 0xa2 && cdb[1] == 0x20 && cdb[3] == 0x21;
    if (cdb[0] == 0x08) was_read_ = true;
    if (cdb[0] == 0x11) was_read_ = false;
    if (next_block && (tells_never || (tells_late && !was_read_)))
      answer.data_in.at(12) = static_cast<std::uint8_t>((answer.data_in.at(12) & 0xf0U) | 1U);
    return answer;
  }
  bool on_local_bus() const override { return true; }

  bool tells_late = false;
  bool tells_never = false;

 private:
  tape::InProcessTransport inner_;
  bool was_read_ = false;
};

class FarDrive final : public KeyedDrive {
 public:
  explicit FarDrive(scsi::LogicalUnit& unit) : way(unit), drive_(way) {
    EXPECT_TRUE(drive_.drain_attentions().has_value());
  }
  tape::TapeDrive& tape() override { return drive_; }
  std::size_t read_limit() const override { return 1U << 20; }
  bool set_by_host() const override { return by_host; }
  Result<keyproxy::Served> bring_key(keyproxy::HostIntent, const std::string&) override {
    return fail(ErrorCode::kUnavailable, "no key server");
  }
  Status confirm() override { return {}; }
  Status clear_key() override { return {}; }
  std::optional<std::vector<std::uint64_t>> cut_off_files() override { return told_cut_off; }

  Way way;
  bool by_host = true;
  std::optional<std::vector<std::uint64_t>> told_cut_off;  // none: the drive does not tell

 private:
  tape::TapeDrive drive_;
};

// A clear file, an encrypted one, and one block in clear that no filemark ends.
void three_files(Bench& bench) {
  EXPECT_GOOD(bench.write(block(1)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.set_encryption(tape::test::encrypting(tape::test::key_bytes(1))));
  EXPECT_GOOD(bench.write(block(2)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.set_encryption(tape::test::no_encryption()));
  EXPECT_GOOD(bench.write(block(3)));
}

std::vector<Sealing> sealing(const std::vector<TapeFile>& files) {
  std::vector<Sealing> out;
  for (const auto& file : files) out.push_back(file.sealing);
  return out;
}

TEST(TapeCopy, D5_WhatADriveDoesNotTellIsNotCalledClear) {
  Bench bench;
  three_files(bench);
  FarDrive drive(*bench.drive);
  const std::vector told{Sealing::kClear, Sealing::kEncrypted, Sealing::kClear};
  EXPECT_EQ(sealing(list_tape(drive).value()), told);
  drive.way.tells_late = true;
  const auto late = list_tape(drive).value();
  EXPECT_EQ(sealing(late), told) << "after a try to read";
  for (const auto& file : late) EXPECT_EQ(file.blocks, 1U);
  drive.by_host = false;
  EXPECT_EQ(sealing(list_tape(drive).value()), (std::vector(3, Sealing::kNotTold))) << "no key is asked for";
  drive.by_host = true;
  drive.way.tells_never = true;
  EXPECT_EQ(sealing(list_tape(drive).value()),
            (std::vector{Sealing::kNotTold, Sealing::kEncrypted, Sealing::kNotTold}));
}

TEST(TapeCopy, D5_NobodyTakesAFileForWholeThatMayHaveBeenCutOff) {
  Bench bench;
  three_files(bench);
  FarDrive drive(*bench.drive);
  const auto files = list_tape(drive).value();
  EXPECT_EQ(files.at(0).end, FileEnd::kFilemark);
  EXPECT_EQ(files.at(2).end, FileEnd::kNoFilemark);
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const auto read = read_tape(drive, nowhere, 2, {});
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->end, FileEnd::kNoFilemark);

  int pipe[2];
  for (const bool first : {true, false}) {
    ASSERT_EQ(::pipe(pipe), 0);
    ASSERT_EQ(::write(pipe[1], "more", 4), 4);
    ::close(pipe[1]);
    TapeWriteOptions options;
    options.append = true;
    options.clear = true;
    const auto wrote = write_tape(drive, pipe[0], options, {});
    ::close(pipe[0]);
    ASSERT_TRUE(wrote.has_value()) << wrote.error().text();
    EXPECT_EQ(wrote->ended_before, first ? std::optional<std::uint64_t>(2) : std::nullopt);
    EXPECT_EQ(wrote->file_number, first ? 3U : 4U);
  }
  ::close(nowhere);
  EXPECT_EQ(list_tape(drive).value().size(), 5U);
}

// An unload by the robot ends what a host left in the middle: no cut is told of, and yet it is no whole file.
TEST(TapeCopy, D5_AFileWithoutAFilemarkIsNeverGoneOnWith) {
  Bench bench;
  three_files(bench);
  FarDrive drive(*bench.drive);
  drive.told_cut_off.emplace();
  const auto files = list_tape(drive).value();
  EXPECT_EQ(files.at(0).end, FileEnd::kWhole);
  EXPECT_EQ(files.at(2).end, FileEnd::kNoFilemark);
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  ASSERT_EQ(::write(pipe[1], "more", 4), 4);
  ::close(pipe[1]);
  TapeWriteOptions options;
  options.append = true;
  options.clear = true;
  const auto wrote = write_tape(drive, pipe[0], options, {});
  ::close(pipe[0]);
  ASSERT_TRUE(wrote.has_value()) << wrote.error().text();
  EXPECT_EQ(wrote->ended_before, std::optional<std::uint64_t>(2));
  EXPECT_EQ(wrote->end, FileEnd::kNoFilemark);
  EXPECT_EQ(wrote->file_number, 3U);
}

}  // namespace
}  // namespace tapewarden::cli
