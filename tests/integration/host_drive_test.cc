// D3 and D5 as people use them: `tapewarden drive` and `tape` over iSCSI, drives of a running virtual
// library, keys from two running key servers.
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "integration/tape_site.h"
#include "tape/transport/iscsi_transport.h"

namespace tapewarden::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint16_t kFirstSlot = 1000;  // element addresses of the configuration that `site init` writes
constexpr std::uint16_t kFirstDrive = 500;
constexpr std::chrono::seconds kStart{60};

std::string between(const std::string& text, const std::string& before, char after) {
  const auto at = text.find(before);
  if (at == std::string::npos) return {};
  const auto start = at + before.size();
  return text.substr(start, text.find(after, start) - start);
}

std::string text_of(const std::string& path) {
  const auto bytes = read_bytes(path);
  return std::string(as_text(bytes));
}

class HostDriveOverIscsi : public TapeSite {
 protected:
  static void SetUpTestSuite() {
    TapeSite::SetUpTestSuite();
    ASSERT_NE(site_, nullptr);
    const auto ready = start_library();
    ASSERT_TRUE(ready) << ready.error().text();
  }
  static void TearDownTestSuite() {
    taped_.reset();
    TapeSite::TearDownTestSuite();
  }

  static Status start_library() {
    const std::string folder = site().directory();
    const std::string config = file("engine/taped.toml");
    std::string text = text_of(config);
    const std::string port = "port = 3260";
    text.replace(text.find(port), port.size(), "port = 0");
    const std::string panel = "port = 2443";
    text.replace(text.find(panel), panel.size(), "port = 0");
    TRY(write_file_atomically(site().disk(), config, as_bytes(text)));
    TRY(tapewarden({"library", "init", "--site", folder, "--drives", "1"}));
    TRY(tapewarden(
        {"library", "add-cartridges", "H00001L9-H00002L9", "--site", folder, "--capacity", "64M"}));
    taped_ = TRY(Process::start({program("tapewarden-taped"), "run", "--config", config}, file("taped.log")));
    const bool ready = eventually(
        [] { return !taped_->running() || taped_->output().find(" ready:") != std::string::npos; }, kStart);
    if (!ready || !taped_->running()) return fail(ErrorCode::kUnavailable, taped_->output());
    const std::string said = taped_->output();
    portal_ = "127.0.0.1:" + between(said, "iSCSI 127.0.0.1:", ',');
    target_ = between(said, "target ", '\n');
    return {};
  }

  static std::string url(unsigned lun) {
    return "iscsi://library@" + portal_ + "/" + target_ + "/" + std::to_string(lun);
  }
  // MOVE MEDIUM; unit attentions are taken note of.
  static Status move(std::uint16_t from, std::uint16_t to) {
    tape::IscsiLogin login;
    const auto secret = text_of(file("engine/iscsi-secret"));
    login.password = crypto::SecretBytes::copy_of(as_bytes(secret.substr(0, secret.find('\n'))));
    const auto changer = TRY(tape::IscsiTransport::open(TRY(tape::parse_iscsi_url(url(0))), login));
    const Bytes cdb = ByteWriter().u8(0xa5).u8(0).u16(0).u16(from).u16(to).u32(0).take();
    for (int attempt = 0; attempt < 8; ++attempt) {
      const auto answer = TRY(changer->execute(cdb, {}, 0, kStart));
      if (answer.status == scsi::ScsiStatus::kGood) return {};
      if (answer.sense.code.key != scsi::SenseKey::kUnitAttention)
        return fail(ErrorCode::kConflict, answer.sense.text());
    }
    return fail(ErrorCode::kConflict, "the changer only tells of changes");
  }
  static Result<std::string> host(std::vector<std::string> words, std::vector<std::string> options = {}) {
    words.insert(words.end(), {url(1), "--password-file", file("engine/iscsi-secret")});
    words.insert(words.end(), options.begin(), options.end());
    return tapewarden(std::move(words));
  }
  static std::vector<std::string> at_site(std::vector<std::string> options = {}) {
    options.insert(options.end(), {"--site", site().directory()});
    return options;
  }

  static inline std::optional<Process> taped_;
  static inline std::string portal_;
  static inline std::string target_;
};

TEST_F(HostDriveOverIscsi, D5_ADriveGetsItsKeysFromTheKeyServers) {
  TW_EXPECT_OK(move(kFirstSlot, kFirstDrive));
  const auto shown = host({"drive", "show"});
  TW_ASSERT_OK(shown);
  EXPECT_NE(shown->find("H00001L9"), std::string::npos) << *shown;
  const std::string label = "serial          ";
  const std::string serial = between(*shown, label, '\n');
  ASSERT_FALSE(serial.empty()) << *shown;
  ASSERT_TRUE(make_group("HOSTDRIVE", 3).has_value());
  EXPECT_FALSE(host({"drive", "load-key"}, at_site({"--group", "HOSTDRIVE"}))) << "no drive that is known";
  TW_EXPECT_OK(tapewarden({"drive", "enrol", "--site", site().directory(), "--serial", serial}));
  TW_EXPECT_OK(rest().post("/v1/drives/" + std::string(12 - serial.size(), '0') + serial + "/accept"));

  TW_EXPECT_OK(host({"drive", "load-key"}, at_site({"--for", "write", "--group", "HOSTDRIVE"})));
  const auto keyed = host({"drive", "show"});
  TW_ASSERT_OK(keyed);
  EXPECT_NE(keyed->find("encryption      on"), std::string::npos) << *keyed;
  EXPECT_NE(keyed->find("A-KAD "), std::string::npos) << *keyed;
  TW_EXPECT_OK(host({"drive", "clear-key"}));

  const auto content = random_file(site().random(), file("in"), 3'000'000);
  TW_EXPECT_OK(host({"tape", "write"}, at_site({"--group", "HOSTDRIVE", "--input", file("in")})));
  TW_EXPECT_OK(host({"tape", "write"}, at_site({"--append", "--input", file("in")})));
  const auto listed = host({"tape", "list"});
  TW_ASSERT_OK(listed);
  EXPECT_NE(listed->find("file 1  12 blocks  encrypted"), std::string::npos) << *listed;
  TW_EXPECT_OK(host({"tape", "read"}, at_site({"--file", "1", "--output", file("out")})));
  EXPECT_EQ(read_bytes(file("out")), content);
  EXPECT_FALSE(host({"tape", "read"}, {"--output", file("out")})) << "without the site there is no key";

  TW_EXPECT_OK(host({"drive", "load-key"}, at_site({"--for", "read"})));
  const auto reads = host({"drive", "show"});
  TW_ASSERT_OK(reads);
  EXPECT_NE(reads->find("the drive has its key"), std::string::npos) << *reads;
  TW_EXPECT_OK(move(kFirstDrive, kFirstSlot));
  const auto empty = host({"drive", "show"});
  TW_ASSERT_OK(empty);
  EXPECT_NE(empty->find("encryption      off"), std::string::npos) << "CKOD: " << *empty;
}

// One program at work, fed by hand; what another one, its death and its end by a signal do to the drive.
TEST_F(HostDriveOverIscsi, D5_ADriveIsForOneProgramAtATime) {
  TW_EXPECT_OK(move(kFirstSlot + 1, kFirstDrive));
  ASSERT_EQ(::mkfifo(file("feed").c_str(), 0600), 0);
  const int feed = ::open(file("feed").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(feed, 0);
  const auto writer = [&]() -> Result<Process> {
    auto process = TRY(Process::start(
        {program("tapewarden"), "tape", "write", url(1), "--password-file", file("engine/iscsi-secret"),
         "--clear", "--overwrite", "--block-size", "512", "--input", file("feed")},
        file("writer.log")));
    const Bytes block(512, 7);
    if (::write(feed, block.data(), block.size()) != static_cast<ssize_t>(block.size()))
      return fail(ErrorCode::kIo, "cannot feed the writer");
    const bool taken = eventually(
        [&] {
          int left = 0;
          return ::ioctl(feed, FIONREAD, &left) == 0 && left == 0;
        },
        kStart);
    if (!taken) return fail(ErrorCode::kTimeout, process.output());
    return process;
  };
  auto first = writer();
  TW_ASSERT_OK(first);
  const auto refused =
      host({"tape", "write"}, {"--clear", "--overwrite", "--input", file("engine/taped.toml")});
  ASSERT_FALSE(refused);
  const std::string process = "process " + std::to_string(first->pid()) + " of this host";
  EXPECT_NE(refused.error().message.find(process + " has reserved it"), std::string::npos)
      << refused.error().message;
  EXPECT_FALSE(host({"tape", "read"}, {"--output", "/dev/null"}));
  EXPECT_FALSE(host({"drive", "clear-key"}));
  EXPECT_FALSE(host({"drive", "release"}, {"--force"})) << "it lives";
  const auto shown = host({"drive", "show"});
  TW_ASSERT_OK(shown);
  EXPECT_NE(shown->find("reserved by     " + process), std::string::npos) << *shown;

  first->kill();
  const auto dead = host({"tape", "list"});
  ASSERT_FALSE(dead);
  EXPECT_NE(dead.error().message.find("which is there no more"), std::string::npos) << dead.error().message;
  const auto freed = host({"drive", "release"});
  TW_ASSERT_OK(freed);
  EXPECT_NE(freed->find(process), std::string::npos) << *freed;

  auto second = writer();
  TW_ASSERT_OK(second);
  second->signal(SIGTERM);
  const auto end = second->wait(kStart);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_code, 9) << second->output();
  EXPECT_NE(second->output().find("after 1 block it has no end"), std::string::npos) << second->output();
  const auto listed = host({"tape", "list"});
  TW_ASSERT_OK(listed);
  EXPECT_NE(listed->find("file 0  1 block  clear  no filemark ends it"), std::string::npos) << *listed;
  ::close(feed);
  TW_EXPECT_OK(move(kFirstDrive, kFirstSlot + 1));
}

TEST_F(HostDriveOverIscsi, D3_AWrongPasswordIsRefused) {
  std::ofstream(file("wrong-secret")) << "not the password at all\n";
  const auto told = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"drive", "show"});
    const auto shown = tapewarden(std::move(words));
    return shown ? std::string("shown") : shown.error().message;
  };
  const std::string secret = file("engine/iscsi-secret");
  EXPECT_THAT(told({url(1), "--password-file", file("wrong-secret")}),
              AllOf(HasSubstr("refused the login"), HasSubstr("check the user and the password")));
  EXPECT_THAT(told({"iscsi://" + portal_ + "/" + target_ + "/1"}), HasSubstr("it wants a user"));
  EXPECT_THAT(
      told({"iscsi://library@" + portal_ + "/iqn.2026-01.org.example:none/1", "--password-file", secret}),
      HasSubstr("there is no target iqn.2026-01.org.example:none"));
  EXPECT_THAT(told({"iscsi://library@127.0.0.1:1/" + target_ + "/1", "--password-file", secret}),
              AllOf(HasSubstr("no iSCSI target answers at 127.0.0.1:1"), Not(HasSubstr("iscsi_service"))));
  EXPECT_THAT(told({"iscsi://library@nosuch.invalid/" + target_ + "/1", "--password-file", secret}),
              HasSubstr("no address is known for nosuch.invalid"));
  const auto changer = tapewarden({"drive", "show", url(0), "--password-file", file("engine/iscsi-secret")});
  ASSERT_FALSE(changer);
  EXPECT_NE(changer.error().message.find("no tape drive"), std::string::npos) << changer.error().text();
}

}  // namespace
}  // namespace tapewarden::testing
