// Two partitions of a library whose drives ask one key server: each has a login of its own, and the key
// server's rules for partitions count for their drives (rows K27, L1, L4).
#include <fstream>
#include <gmock/gmock.h>

#include "integration/tape_site.h"
#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "scsi/inquiry.h"
#include "scsi/sense_codes.h"
#include "taped/taped_process.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::uint16_t kSlot = 1000;
constexpr std::uint16_t kDrive = 500;
constexpr std::size_t kBlock = 32U << 10;
constexpr std::uint8_t kAutomationSerialPage = 0xb3;

class PartitionAccess : public TapeSite {
 protected:
  // OPEN: slots 1 and 2, the site's login; OWN: slots 3 and 4, one of its own and one initiator alone.
  void SetUp() override {
    TapeSite::SetUp();
    TW_EXPECT_OK(make_group("K27OPEN", 4));
    TW_EXPECT_OK(make_group("K27OWN", 4));
    (void)site().disk().remove(site().path("engine/taped.toml"));
    auto made = TapedProcess::of_site(site().directory(), {"--drives", "2", "--kind", "LTO"});
    ASSERT_TRUE(made) << made.error().text();
    taped_ = std::move(*made);
    const auto drives = taped_->drives();
    TW_ASSERT_OK(drives);
    drives_ = *drives;
    std::ofstream(site().path("engine/own-secret")) << kOwnSecret << '\n';
    for (const auto& serial : drives_)
      TW_EXPECT_OK(taped_->edit_config("LTO " + serial + "\"", "LTO " + serial + " library\""));
    TW_EXPECT_OK(taped_->edit_config(
        "[library]",
        "[iscsi.own]\nuser = \"own\"\nsecret_file = \"own-secret\"\ninitiators = "
        "[\"iqn.2026-01.example.initiator:test\"]\n\n[library]\nkey_servers = \"engine.toml\"\n"
        "encryption = [\"partition OPEN, *, group K27OPEN\", \"partition OWN, *, group K27OWN\"]\n"
        "partitions = [\"OPEN, drives " +
            drives_[0] + ", slots 1-2, barcodes OPN000L9-OPN999L9\", \"OWN, drives " + drives_[1] +
            ", slots 3-4, barcodes OWN000L9-OWN999L9\"]"));
    TW_EXPECT_OK(taped_->library({"init"}));
    TW_EXPECT_OK(taped_->library({"enrol"}));
    for (const auto& serial : drives_) {
      TW_EXPECT_OK(rest().post("/v1/drives/00" + serial + "/accept"));
      TW_EXPECT_OK(rest().post(
          "/v1/proxies",
          json::object{
              {"certificate", std::string(as_text(read_bytes(site().path("engine/tls/client.crt"))))},
              {"name", "engine"},
              {"serial", "00" + serial}}));
    }
    for (const auto* barcodes : {"OPN001L9-OPN002L9", "OWN001L9-OWN002L9"})
      TW_EXPECT_OK(taped_->library({"add-cartridges", barcodes, "--capacity", "64M", "--kind", "LTO"}));
    TW_EXPECT_OK(taped_->start());
  }
  Login login_to(const std::string& partition, bool own) {
    auto login = taped_->login();
    login.target += "." + partition;
    if (!own) return login;
    login.user = "own";
    login.password = kOwnSecret;
    return login;
  }
  static scsi::Response run(Initiator& host, unsigned lun, const Bytes& cdb, std::size_t room = 0,
                            const Bytes& out = {}) {
    auto response = host.run_past_attentions(lun, cdb, room, out);
    EXPECT_TRUE(response) << response.error().text();
    return response.value_or(scsi::Response{});
  }
  // Loads the cartridge of the partition's first slot, writes a block and puts it back.
  scsi::Response save(Initiator& host) {
    EXPECT_TRUE(run(host, 0, scsi::MoveMedium{0, kSlot, kDrive, false}.encode()).good());
    const auto wrote = run(host, 1, scsi::Write6{.transfer_length = kBlock}.encode(), 0, Bytes(kBlock, 0x5a));
    EXPECT_TRUE(run(host, 0, scsi::MoveMedium{0, kDrive, kSlot, false}.encode()).good());
    return wrote;
  }
  void let_write(const std::string& partition, const std::string& group) {
    TW_EXPECT_OK(rest().post("/v1/access", json::object{{"subject_kind", "partition"},
                                                        {"subject", partition},
                                                        {"object_kind", "group"},
                                                        {"object", group},
                                                        {"write", true},
                                                        {"read", true}}));
  }

  static constexpr const char* kOwnSecret = "a secret of its own";
  std::unique_ptr<TapedProcess> taped_;
  std::vector<std::string> drives_;
};

TEST_F(PartitionAccess, K27_EachPartitionHasItsOwnRulesAndItsOwnLogin) {
  EXPECT_FALSE(Initiator::connect(login_to("own", false))) << "the site's account is not this partition's";
  EXPECT_FALSE(Initiator::connect(login_to("open", true)));
  auto stranger = login_to("own", true);
  stranger.initiator = "iqn.2026-01.example.initiator:stranger";
  EXPECT_FALSE(Initiator::connect(stranger)) << "not in its list of initiators";
  EXPECT_THAT(taped_->log(), HasSubstr("may not use"));
  auto open = Initiator::connect(login_to("open", false));
  auto own = Initiator::connect(login_to("own", true));
  TW_ASSERT_OK(open);
  TW_ASSERT_OK(own);

  const scsi::Inquiry automation{
      .vital_product_data = true, .page = kAutomationSerialPage, .allocation_length = 255};
  const auto serial = run(**own, 1, automation.encode(), 255).data_in;
  EXPECT_THAT(std::string(as_text(serial)), HasSubstr("-OWN")) << "the drive says in which library it stands";

  let_write("OPEN", "K27OPEN");
  let_write("OPEN", "K27OWN");  // and so no other
  EXPECT_TRUE(save(**open).good()) << taped_->log();
  const auto refused = save(**own);
  EXPECT_EQ(refused.sense.code.key, scsi::SenseKey::kDataProtect) << refused.sense.text();
  EXPECT_THAT(taped_->log(), HasSubstr("no key for a drive"));
  let_write("OWN", "K27OWN");
  EXPECT_TRUE(save(**own).good()) << taped_->log();
}

}  // namespace
}  // namespace tapewarden::testing
