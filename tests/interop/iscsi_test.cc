// The iSCSI target against an initiator that we did not write: the tools of libiscsi, among them its test
// program with all its iSCSI tests, on a RAM disk.
#include <array>
#include <cstdio>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>

#include "base/real_env.h"
#include "crypto/random.h"
#include "iscsi/server.h"
#include "scsi/ram_disk.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kBlocks = (std::uint64_t{64} << 20) / scsi::kRamDiskBlock;
const std::string kTarget = "iqn.2026-01.org.tapewarden:disk";

struct Shell {
  std::string output;
  int status = -1;
};

Shell run(const std::string& command) {
  Shell shell;
  auto* pipe = popen((command + " 2>&1 </dev/null").c_str(), "r");
  if (pipe == nullptr) return shell;
  std::array<char, 4096> buffer{};
  while (const auto count = fread(buffer.data(), 1, buffer.size(), pipe))
    shell.output.append(buffer.data(), count);
  shell.status = pclose(pipe);
  return shell;
}

class InteropIscsi : public ::testing::Test {
 protected:
  void start(iscsi::Authentication authentication = {}) {
    iscsi::ServerConfig config;
    config.portals = {iscsi::Portal{.port = 0}};
    iscsi::TargetConfig target{.name = kTarget, .alias = "a disk"};
    target.authentication = std::move(authentication);
    for (const std::uint16_t lun : {std::uint16_t{0}, std::uint16_t{3}})
      target.units.push_back(
          {.lun = lun, .unit = std::make_shared<scsi::RamDisk>(kBlocks, "RAM" + std::to_string(lun))});
    config.targets.push_back(std::move(target));
    auto server = iscsi::Server::start(std::move(config), {.clock = &clock_, .random = &random_});
    ASSERT_TRUE(server.has_value()) << server.error().text();
    server_ = std::move(*server);
  }
  std::string portal(const std::string& account = "") const {
    return "iscsi://" + account + "127.0.0.1:" + std::to_string(server_->port());
  }
  std::string disk(int lun = 0, const std::string& account = "") const {
    return portal(account) + "/" + kTarget + "/" + std::to_string(lun);
  }

 private:
  RealClock clock_;
  crypto::SystemRandom random_;
  std::unique_ptr<iscsi::Server> server_;
};

TEST_F(InteropIscsi, L1_DiscoveryListsTargetAndUnits) {
  start();
  const auto list = run("iscsi-ls -s " + portal());
  EXPECT_EQ(list.status, 0) << list.output;
  EXPECT_THAT(list.output, HasSubstr(kTarget));
  EXPECT_THAT(list.output, HasSubstr("Lun:0"));
  EXPECT_THAT(list.output, HasSubstr("Lun:3"));
}

TEST_F(InteropIscsi, L1_InquiryNamesTheUnit) {
  start();
  const auto inquiry = run("iscsi-inq " + disk(3));
  EXPECT_EQ(inquiry.status, 0) << inquiry.output;
  EXPECT_THAT(inquiry.output, HasSubstr("RAM DISK"));
}

iscsi::Authentication accounts(bool mutual) {
  iscsi::Authentication authentication;
  authentication.initiators.push_back({"host", crypto::SecretBytes::copy_of(as_bytes("hostsecret123"))});
  if (mutual)
    authentication.target =
        iscsi::ChapAccount{"disk", crypto::SecretBytes::copy_of(as_bytes("disksecret123"))};
  return authentication;
}

TEST_F(InteropIscsi, L1_ChapLetsInWhoKnowsTheSecret) {
  start(accounts(false));
  EXPECT_EQ(run("iscsi-inq " + disk(0, "host%hostsecret123@")).status, 0);
  EXPECT_NE(run("iscsi-inq " + disk(0, "host%hostsecret124@")).status, 0);
  EXPECT_NE(run("iscsi-inq " + disk(0, "guest%hostsecret123@")).status, 0);
  EXPECT_NE(run("iscsi-inq " + disk(0)).status, 0);
}

TEST_F(InteropIscsi, L1_ChapProvesTheTargetToo) {
  start(accounts(true));
  const auto url = "'" + disk(0, "host%hostsecret123@") + "?target_user=disk&target_password=disksecret12";
  EXPECT_EQ(run("iscsi-inq " + url + "3'").status, 0);
  EXPECT_NE(run("iscsi-inq " + url + "4'").status, 0);
}

// The line "tests 15 15 15 0 0" of CUnit's summary; the tests themselves write "FAILED" where they make a
// command fail on purpose.
void expect_all_passed(const Shell& tests, unsigned count) {
  EXPECT_EQ(tests.status, 0) << tests.output;
  const auto n = std::to_string(count);
  EXPECT_TRUE(std::regex_search(tests.output, std::regex("tests +" + n + " +" + n + " +" + n + " +0 +0")))
      << tests.output;
}

TEST_F(InteropIscsi, L1_AllIscsiTestsPass) {
  start();
  expect_all_passed(run("iscsi-test-cu --dataloss --test=iSCSI " + disk()), 15);
}

TEST_F(InteropIscsi, L1_AllDiskTestsPass) {
  start();
  expect_all_passed(run("iscsi-test-cu --dataloss --test=SCSI " + disk()), 215);
}

TEST_F(InteropIscsi, L1_AllIscsiTestsPassWithDigests) {
  start();
  expect_all_passed(run("iscsi-test-cu --dataloss --test=iSCSI '" + disk() + "?header_digest=crc32c'"), 15);
}

}  // namespace
}  // namespace tapewarden::testing
