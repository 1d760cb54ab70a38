// What the command line writes onto cartridge files with keys from real key servers, byte by byte.
#include <algorithm>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <tuple>

#include "integration/tape_site.h"

namespace tapewarden::testing {
namespace {

constexpr std::size_t kMarkerBytes = std::size_t{512} << 10;
constexpr std::size_t kPieceBytes = 16;  // found nowhere by chance

class KeydCartridge : public TapeSite {
 protected:
  // Writes the marker, looks for its pieces on the cartridge, reads it back.
  static void write_search_read(const std::string& serial, const std::string& volser,
                                std::vector<std::string> options) {
    Bytes marker(kMarkerBytes);
    site().random().fill(marker);
    std::ofstream(file("marker"), std::ios::binary).write(as_text(marker).data(), kMarkerBytes);
    options.insert(options.end(), {"--input", file("marker"), "--no-compression"});
    TW_EXPECT_OK(tape("write", serial, volser, options));
    const auto cartridge = read_bytes(file(volser));
    EXPECT_GT(cartridge.size(), kMarkerBytes);
    EXPECT_FALSE(std::ranges::search(cartridge, volser).empty()) << "the search itself works";
    for (std::size_t at = 0; at < kMarkerBytes; at += kMarkerBytes / 64) {
      const ByteView piece = ByteView(marker).subspan(at, kPieceBytes);
      EXPECT_TRUE(std::ranges::search(cartridge, piece).empty()) << "plaintext from offset " << at;
    }
    TW_EXPECT_OK(tape("read", serial, volser, {"--output", file("back")}));
    EXPECT_TRUE(read_bytes(file("back")) == marker);
  }

  // `tape VERB` to its end, however it ends.
  static CommandResult command(const std::string& verb, const std::string& serial, const std::string& volser,
                               std::vector<std::string> options) {
    options.insert(options.begin(), {program("tapewarden"), "tape", verb, "--site", site().directory(),
                                     "--drive", serial, "--cartridge", file(volser)});
    auto result = run_command(options, file("tapewarden.log"));
    return result ? std::move(*result) : CommandResult{{}, result.error().text()};
  }
  // Gives a writer some blocks and no end of input, waits until blocks are on the cartridge, and kills it.
  static void write_and_kill(const std::string& serial, const std::string& volser,
                             const std::vector<std::string>& key) {
    const std::string pipe = file(volser + ".pipe");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    std::vector<std::string> words{program("tapewarden"), "tape",    "write", "--site",
                                   site().directory(),    "--drive", serial,  "--cartridge",
                                   file(volser),          "--input", pipe,    "--no-compression"};
    words.insert(words.end(), key.begin(), key.end());
    auto writer = Process::start(words, file("tapewarden.log"));
    TW_ASSERT_OK(writer);
    const std::size_t empty = read_bytes(file(volser)).size();
    std::ofstream input(pipe, std::ios::binary);  // waits for the writer to open it
    Bytes content(std::size_t{900} << 10);
    site().random().fill(content);
    input.write(as_text(content).data(), static_cast<std::streamsize>(content.size())).flush();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (read_bytes(file(volser)).size() < empty + (std::size_t{512} << 10)) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << writer->output();
      ASSERT_TRUE(writer->running()) << writer->output();
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    writer->kill();
  }
};

TEST_F(KeydCartridge, D4_LtoCartridgeFileHoldsNoPlaintext) {
  TW_EXPECT_OK(make_group("D4GROUP", 4));
  TW_EXPECT_OK(make_drive("LTO", "4000000001", "TW0001L9"));
  write_search_read("4000000001", "TW0001L9", {"--group", "D4GROUP"});
}

TEST_F(KeydCartridge, D4_EnterpriseCartridgeFileHoldsNoPlaintext) {
  TW_EXPECT_OK(
      rest().post("/v1/keks", json::object{{"common_name", "d4"}, {"bits", 2048}, {"labels", {"D4 KEK"}}}));
  TW_EXPECT_OK(make_drive("3592", "4000000002", "TW0002JD"));
  write_search_read("4000000002", "TW0002JD", {"--label", "D4 KEK:hash"});
}

TEST_F(KeydCartridge, D4_ACartridgeWrittenInClearShowsThatTheSearchFinds) {
  TW_EXPECT_OK(make_drive("LTO", "4000000003", "TW0003L9"));
  Bytes marker(kMarkerBytes);
  site().random().fill(marker);
  std::ofstream(file("marker"), std::ios::binary).write(as_text(marker).data(), kMarkerBytes);
  TW_EXPECT_OK(
      tape("write", "4000000003", "TW0003L9", {"--clear", "--input", file("marker"), "--no-compression"}));
  const auto cartridge = read_bytes(file("TW0003L9"));
  EXPECT_FALSE(std::ranges::search(cartridge, ByteView(marker).first(kPieceBytes)).empty());
}

TEST_F(KeydCartridge, K3_AnEmptyInputCostsNoKey) {
  TW_EXPECT_OK(make_group("K3EMPTY", 2));
  TW_EXPECT_OK(make_drive("LTO", "4000000004", "TW0004L9"));
  std::ofstream(file("empty"), std::ios::binary).flush();
  const auto written =
      tape("write", "4000000004", "TW0004L9", {"--group", "K3EMPTY", "--input", file("empty")});
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("the input is empty"), std::string::npos) << written.error().text();
  const auto rows = rest().get("/v1/ledger?volser=TW0004L9");
  TW_ASSERT_OK(rows);
  EXPECT_TRUE(rows->at("items").as_array().empty());
}

TEST_F(KeydCartridge, U2_DataOnACartridgeIsNotWrittenOverWithoutAWord) {
  TW_EXPECT_OK(make_group("U2GROUP", 4));
  TW_EXPECT_OK(make_drive("LTO", "4000000006", "TW0006L9"));
  const Bytes first = random_file(site().random(), file("first"), kMarkerBytes);
  TW_EXPECT_OK(tape("write", "4000000006", "TW0006L9", {"--group", "U2GROUP", "--input", file("first")}));
  const Bytes second = random_file(site().random(), file("second"), kMarkerBytes);
  const std::vector<std::string> again{"--group", "U2GROUP", "--input", file("second")};
  const auto refused = tape("write", "4000000006", "TW0006L9", again);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("there is data on the cartridge"), std::string::npos)
      << refused.error().text();
  EXPECT_NE(refused.error().message.find("--overwrite"), std::string::npos);
  const auto rows = rest().get("/v1/ledger?volser=TW0006L9");
  TW_ASSERT_OK(rows);
  EXPECT_EQ(rows->at("items").as_array().size(), 1U) << "the refusal cost no key";
  TW_EXPECT_OK(tape("read", "4000000006", "TW0006L9", {"--output", file("back")}));
  EXPECT_TRUE(read_bytes(file("back")) == first);
  auto both = again;
  both.insert(both.end(), {"--overwrite", "--append"});
  EXPECT_FALSE(tape("write", "4000000006", "TW0006L9", both));
  auto meant = again;
  meant.emplace_back("--overwrite");
  TW_EXPECT_OK(tape("write", "4000000006", "TW0006L9", meant));
  TW_EXPECT_OK(tape("read", "4000000006", "TW0006L9", {"--output", file("back")}));
  EXPECT_TRUE(read_bytes(file("back")) == second);
}

TEST_F(KeydCartridge, D4_AWriteThatWasKilledIsToldByEverythingThatReads) {
  TW_EXPECT_OK(make_group("D4KILL", 4));
  TW_EXPECT_OK(make_drive("LTO", "4000000007", "TW0007L9"));
  write_and_kill("4000000007", "TW0007L9", {"--group", "D4KILL"});
  const auto read = command("read", "4000000007", "TW0007L9", {"--output", file("back")});
  EXPECT_EQ(read.end.exit_code, 8) << read.output;
  EXPECT_NE(read.output.find("the writing of tape file 0 was cut off"), std::string::npos) << read.output;
  EXPECT_GE(read_bytes(file("back")).size(), std::size_t{256} << 10) << "what is there is given";
  const auto list = command("list", "4000000007", "TW0007L9", {});
  EXPECT_NE(list.output.find("cut off"), std::string::npos) << list.output;
  for (const auto& drive :
       {std::vector<std::string>{}, {"--drive", "4000000007", "--site", site().directory()}}) {
    std::vector<std::string> words{program("tapewarden"), "cartridge", "verify", file("TW0007L9")};
    words.insert(words.end(), drive.begin(), drive.end());
    const auto verified = run_command(words, file("tapewarden.log"));
    TW_ASSERT_OK(verified);
    EXPECT_EQ(verified->end.exit_code, 8) << verified->output;
    EXPECT_NE(verified->output.find("interrupted write: tape file 0"), std::string::npos) << verified->output;
  }
}

TEST_F(KeydCartridge, D4_AnAppendDoesNotGoOnInATapeFileThatWasCutOff) {
  TW_EXPECT_OK(
      rest().post("/v1/keks", json::object{{"common_name", "d4k"}, {"bits", 2048}, {"labels", {"D4K KEK"}}}));
  TW_EXPECT_OK(make_group("D4KAPP", 4));
  const std::vector<std::tuple<std::string, std::string, std::string, std::vector<std::string>>> kinds{
      {"LTO", "4000000008", "TW0008L9", {"--group", "D4KAPP"}},
      {"3592", "4000000009", "TW0009JD", {"--label", "D4K KEK"}}};
  for (const auto& [kind, serial, volser, key] : kinds) {
    SCOPED_TRACE(kind);
    TW_EXPECT_OK(make_drive(kind, serial, volser));
    write_and_kill(serial, volser, key);
    const Bytes more = random_file(site().random(), file("more"), 1000);
    const auto appended = command("write", serial, volser, {"--append", "--input", file("more")});
    EXPECT_EQ(appended.end.exit_code, 0) << appended.output;
    EXPECT_NE(appended.output.find("tape file 0 had been cut off"), std::string::npos) << appended.output;
    EXPECT_NE(appended.output.find("in 1 block, tape file 1"), std::string::npos) << appended.output;
    const auto whole = command("read", serial, volser, {"--file", "1", "--output", file("back")});
    EXPECT_EQ(whole.end.exit_code, 0) << whole.output;
    EXPECT_TRUE(read_bytes(file("back")) == more);
    EXPECT_EQ(command("read", serial, volser, {"--output", file("back")}).end.exit_code, 8)
        << "it does not become whole by what came behind it";
  }
}

TEST_F(KeydCartridge, D4_ABlockThatCannotBeReadIsNamedWithTheWayOut) {
  TW_EXPECT_OK(make_group("D4BAD", 4));
  TW_EXPECT_OK(make_drive("LTO", "4000000010", "TW0010L9"));
  const Bytes content = random_file(site().random(), file("content"), std::size_t{1} << 20);
  TW_EXPECT_OK(tape("write", "4000000010", "TW0010L9",
                    {"--group", "D4BAD", "--input", file("content"), "--no-compression"}));
  Bytes cartridge = read_bytes(file("TW0010L9"));
  cartridge.at(cartridge.size() - (std::size_t{400} << 10)) ^= 1U;  // in the third of four blocks
  std::ofstream(file("TW0010L9"), std::ios::binary)
      .write(as_text(cartridge).data(), static_cast<std::streamsize>(cartridge.size()));
  const auto read = command("read", "4000000010", "TW0010L9", {"--output", file("back")});
  EXPECT_NE(read.end.exit_code, 0);
  EXPECT_NE(read.output.find("block 2 of tape file 0"), std::string::npos) << read.output;
  EXPECT_NE(read.output.find("tapewarden-rescue"), std::string::npos) << read.output;
  EXPECT_EQ(read_bytes(file("back")).size(), std::size_t{512} << 10);
}

TEST_F(KeydCartridge, D2_AnAppendIsClearOnlyWhenThatIsSaid) {
  TW_EXPECT_OK(
      rest().post("/v1/keks", json::object{{"common_name", "d2"}, {"bits", 2048}, {"labels", {"D2 KEK"}}}));
  TW_EXPECT_OK(make_drive("3592", "4000000005", "TW0005JD"));
  std::ofstream(file("text"), std::ios::binary) << std::string(kMarkerBytes, 'x');
  const std::vector<std::string> append{"--append", "--input", file("text"), "--no-compression"};
  auto clear_append = append;
  clear_append.push_back("--clear");
  // A tape that was begun in clear.
  TW_EXPECT_OK(tape("write", "4000000005", "TW0005JD", {"--clear", "--input", file("text")}));
  const auto refused = tape("write", "4000000005", "TW0005JD", append);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--clear"), std::string::npos) << refused.error().text();
  TW_EXPECT_OK(tape("write", "4000000005", "TW0005JD", clear_append));
  // An encrypted one: what is appended is encrypted; and refused when its key areas say nothing of a key.
  TW_EXPECT_OK(
      tape("write", "4000000005", "TW0005JD", {"--label", "D2 KEK", "--input", file("text"), "--overwrite"}));
  TW_EXPECT_OK(tape("write", "4000000005", "TW0005JD", append));
  TW_EXPECT_OK(tapewarden(
      {"cartridge", "erase", file("TW0005JD"), "--method", "cryptographic", "--yes", "--without-server"}));
  EXPECT_FALSE(tape("write", "4000000005", "TW0005JD", append));
  EXPECT_FALSE(tape("write", "4000000005", "TW0005JD", clear_append));
  const auto cartridge = read_bytes(file("TW0005JD"));
  const std::string piece(kPieceBytes, 'x');
  EXPECT_TRUE(std::ranges::search(cartridge, as_bytes(piece)).empty());
}

}  // namespace
}  // namespace tapewarden::testing
