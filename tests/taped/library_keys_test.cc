// Drives whose keys the library brings (row L4), with real key servers: the host writes and reads, and knows
// nothing of keys.
#include <algorithm>
#include <gmock/gmock.h>

#include "integration/tape_site.h"
#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "scsi/key_path_pages.h"
#include "scsi/sense_codes.h"
#include "taped/taped_process.h"

namespace tapewarden::testing {
namespace {

namespace codes = scsi::sense_codes;
using ::testing::HasSubstr;

constexpr std::uint16_t kSlot = 1000;
constexpr std::uint16_t kDrive = 500;
constexpr std::size_t kBlock = 32U << 10;
constexpr std::size_t kPieceBytes = 16;  // found nowhere by chance

class LibraryKeys : public TapeSite {
 protected:
  // The library of the suite's site with drives of `kind`, in the drive table; `rules` and the key servers in
  // its configuration.
  void serve(const std::string& kind, const std::string& rules) {
    kind_ = kind;
    (void)site().disk().remove(site().path("engine/taped.toml"));
    auto made = TapedProcess::of_site(site().directory(), {"--drives", "1", "--kind", kind});
    ASSERT_TRUE(made) << made.error().text();
    taped_ = std::move(*made);
    const auto drives = taped_->drives();
    ASSERT_TRUE(drives) << drives.error().text();
    serial_ = drives->front();
    TW_EXPECT_OK(taped_->edit_config("drives = [\"" + kind + " " + serial_ + "\"]",
                                     "drives = [\"" + kind + " " + serial_ +
                                         " library\"]\nkey_servers = \"engine.toml\"\nencryption = [" +
                                         rules + "]"));
    TW_EXPECT_OK(taped_->edit_config("folder = \"library\"", "folder = \"library-" + serial_ + "\""));
    TW_EXPECT_OK(taped_->library({"init"}));
    TW_EXPECT_OK(taped_->library({"enrol"}));
    TW_EXPECT_OK(rest().post("/v1/drives/00" + serial_ + "/accept"));
  }
  void add(const std::string& barcodes, const std::string& kind) {
    TW_EXPECT_OK(taped_->library({"add-cartridges", barcodes, "--capacity", "64M", "--kind", kind}));
  }
  void connect() {
    TW_EXPECT_OK(taped_->start());
    auto host = Initiator::connect(taped_->login());
    ASSERT_TRUE(host) << host.error().text();
    host_ = std::move(*host);
  }
  scsi::Response run(unsigned lun, const Bytes& cdb, std::size_t room = 0, const Bytes& out = {}) {
    auto response = host_->run_past_attentions(lun, cdb, room, out);
    EXPECT_TRUE(response) << response.error().text();
    return response.value_or(scsi::Response{});
  }
  bool move(std::uint16_t from, std::uint16_t to) {
    return run(0, scsi::MoveMedium{0, from, to, false}.encode()).good();
  }
  // Writes a block that cannot be compressed and a filemark, with the host as ignorant as any.
  Bytes write_block() {
    Bytes block(kBlock);
    site().random().fill(block);
    const auto wrote = run(1, scsi::Write6{.transfer_length = kBlock}.encode(), 0, block);
    EXPECT_TRUE(wrote.good()) << wrote.sense.text() << taped_->log();
    EXPECT_TRUE(run(1, scsi::WriteFilemarks{.count = 1}.encode()).good());
    return block;
  }
  Bytes read_block() { return run(1, scsi::Read6{.transfer_length = kBlock}.encode(), kBlock).data_in; }
  bool in_clear(const std::string& barcode, const Bytes& block) {
    const auto file =
        read_bytes(site().path("engine/library-" + serial_ + "/cartridges/" + barcode + ".twc"));
    EXPECT_GT(file.size(), kBlock);
    return !std::ranges::search(file, ByteView(block).first(kPieceBytes)).empty();
  }

  // One of the engine's drives writes with a new key; `last` is the last thing that happens to the cartridge.
  void write_in(const std::string& volser, const std::function<void()>& last) {
    add(volser, kind_);
    connect();
    ASSERT_TRUE(move(kSlot, kDrive));
    Bytes block(kBlock);
    site().random().fill(block);
    ASSERT_TRUE(run(1, scsi::Write6{.transfer_length = kBlock}.encode(), 0, block).good()) << taped_->log();
    EXPECT_EQ(state_of(volser), "issued") << "no filemark yet: nothing is on the medium";
    last();
    EXPECT_EQ(state_of(volser), "confirmed") << taped_->log();
  }
  // Of the newest write in the ledger.
  std::string state_of(const std::string& volser) {
    const auto rows = rest().get("/v1/ledger?volser=" + volser);
    if (!rows) return rows.error().text();
    const auto text = json::serialize(*rows);
    for (const auto* state : {"confirmed", "issued"})
      if (text.find("\"state\":\"" + std::string(state) + "\"") != std::string::npos) return state;
    return text;
  }

  std::string kind_;
  std::unique_ptr<TapedProcess> taped_;
  std::unique_ptr<Initiator> host_;
  std::string serial_;
};

TEST_F(LibraryKeys, L4_AnLtoHostWritesEncryptedByItsBarcodeAndKnowsNothing) {
  TW_EXPECT_OK(make_group("L4GROUP", 4));
  serve("LTO", "\"CLR000L9-CLR999L9, clear\", \"*, group L4GROUP\"");
  add("ENC001L9", "LTO");
  add("CLR001L9", "LTO");
  connect();
  ASSERT_TRUE(move(kSlot, kDrive));
  const auto secret = write_block();
  ASSERT_TRUE(move(kDrive, kSlot));
  ASSERT_TRUE(move(kSlot + 1, kDrive));
  const auto open = write_block();
  ASSERT_TRUE(move(kDrive, kSlot + 1));
  EXPECT_FALSE(in_clear("ENC001L9", secret));
  EXPECT_TRUE(in_clear("CLR001L9", open));
  // Back in, and read: the key comes again.
  ASSERT_TRUE(move(kSlot, kDrive));
  EXPECT_EQ(read_block(), secret);
  EXPECT_EQ(state_of("ENC001L9"), "confirmed");
  EXPECT_THAT(taped_->log(), HasSubstr("a drive got the key"));
}

TEST_F(LibraryKeys, L4_TheLedgerLearnsOfAWriteWhenTheHostUnloads) {
  TW_EXPECT_OK(make_group("L4UNLOAD", 2));
  serve("LTO", "\"*, group L4UNLOAD\"");
  write_in("UNL001L9", [&] { EXPECT_TRUE(run(1, scsi::LoadUnload{.load = false}.encode()).good()); });
}

TEST_F(LibraryKeys, L4_TheLedgerLearnsOfAWriteWhenTheChangerTakesTheCartridge) {
  TW_EXPECT_OK(
      rest().post("/v1/keks", json::object{{"common_name", "l4"}, {"bits", 2048}, {"labels", {"L4 MOVED"}}}));
  serve("3592", "\"*, label L4 MOVED\"");
  write_in("MOV001", [&] { EXPECT_TRUE(move(kDrive, kSlot)); });
}

TEST_F(LibraryKeys, L4_TheLedgerLearnsOfAWriteWhenTheEngineStops) {
  TW_EXPECT_OK(make_group("L4STOP", 2));
  serve("LTO", "\"*, group L4STOP\"");
  write_in("STP001L9", [&] {
    const auto stopped = taped_->stop();
    TW_ASSERT_OK(stopped);
    EXPECT_EQ(*stopped, 0);
  });
}

TEST_F(LibraryKeys, L4_AHostNeitherSetsKeysThereNorTurnsEncryptionOff) {
  TW_EXPECT_OK(make_group("L4GUARD", 2));
  serve("LTO", "\"*, group L4GUARD\"");
  add("GRD001L9", "LTO");
  connect();
  ASSERT_TRUE(move(kSlot, kDrive));
  const auto policy = scsi::WritePolicyPage{.encrypt = false}.encode();
  const auto off = scsi::SecurityProtocolOut{.protocol = 0xf0,
                                             .page = scsi::key_path::kWritePolicy,
                                             .transfer_length = static_cast<std::uint32_t>(policy.size())};
  EXPECT_EQ(run(1, off.encode(), 0, policy).sense.code, codes::kConfigurationPrevented);
  Bytes own(20);
  const auto key = scsi::SecurityProtocolOut{.protocol = 0x20, .page = 0x0010, .transfer_length = 20};
  EXPECT_FALSE(run(1, key.encode(), 0, own).good());
  const auto secret = write_block();
  ASSERT_TRUE(move(kDrive, kSlot));
  EXPECT_FALSE(in_clear("GRD001L9", secret));
}

TEST_F(LibraryKeys, L4_WithoutAKeyNothingIsWritten) {
  serve("LTO", "\"*, group NOSUCHGROUP\"");
  add("NOK001L9", "LTO");
  connect();
  ASSERT_TRUE(move(kSlot, kDrive));
  const auto wrote = run(1, scsi::Write6{.transfer_length = kBlock}.encode(), 0, Bytes(kBlock));
  EXPECT_EQ(wrote.sense.code.key, scsi::SenseKey::kDataProtect) << wrote.sense.text();
  EXPECT_THAT(taped_->log(), HasSubstr("no key for a drive"));
  const auto read = run(1, scsi::Read6{.transfer_length = kBlock}.encode(), kBlock);
  EXPECT_EQ(read.sense.code, codes::kEndOfDataDetected);
}

TEST_F(LibraryKeys, L4_AnEnterpriseHostWritesUnderTwoLabels) {
  for (const auto* label : {"L4 ARCHIVE", "L4 OFFSITE"})
    TW_EXPECT_OK(
        rest().post("/v1/keks", json::object{{"common_name", "l4"}, {"bits", 2048}, {"labels", {label}}}));
  serve("3592", "\"*, label L4 ARCHIVE, label L4 OFFSITE:hash\"");
  add("JZ0001", "3592");
  connect();
  ASSERT_TRUE(move(kSlot, kDrive));
  const auto secret = write_block();
  ASSERT_TRUE(move(kDrive, kSlot));
  EXPECT_FALSE(in_clear("JZ0001", secret));
  ASSERT_TRUE(move(kSlot, kDrive));
  EXPECT_EQ(read_block(), secret);
  const auto rows = rest().get("/v1/ledger?volser=JZ0001");
  TW_ASSERT_OK(rows);
  EXPECT_THAT(json::serialize(*rows), HasSubstr("L4 OFFSITE"));
}

// The panel of the running engine: the key servers' connections, and the drive that got a key.
TEST_F(LibraryKeys, L4_ThePanelTellsOfKeyServersAndOfDrivesWithKeys) {
  TW_EXPECT_OK(make_group("L4PANEL", 2));
  serve("LTO", "\"*, group L4PANEL\"");
  add("PAN001L9", "LTO");
  connect();
  const std::string told = "operators: https://127.0.0.1:";
  const auto log = taped_->log();
  const auto at = log.find(told);
  ASSERT_NE(at, std::string::npos) << log;
  const auto port = static_cast<std::uint16_t>(std::stoul(log.substr(at + told.size(), 5)));
  const auto made = RestClient::make(site().loop(), site().disk(), port, file("people/operator"),
                                     file("engine/tls/authorities.crt"));
  ASSERT_TRUE(made) << made.error().text();
  auto& panel = **made;
  const bool up = eventually([&panel] {
    const auto servers = panel.get("/v1/key-servers");
    return servers && servers->at("items").at(0).at("connection").as_string() == "up";
  });
  EXPECT_TRUE(up) << json::serialize(panel.get("/v1/key-servers").value_or(nullptr));
  ASSERT_TRUE(move(kSlot, kDrive));
  EXPECT_FALSE(write_block().empty());
  const auto drive = panel.get("/v1/tape-drives/" + serial_);
  TW_ASSERT_OK(drive);
  EXPECT_EQ(drive->at("keys").as_string(), "library-managed");
  EXPECT_EQ(drive->at("encryption").as_string(), "on");
  EXPECT_TRUE(drive->at("mounted").at("encrypted").as_bool());
}

// The command line at such a drive: it needs no site, and chooses no key.
TEST_F(LibraryKeys, D5_TheHostCommandUsesADriveWhoseKeysTheLibraryBrings) {
  TW_EXPECT_OK(make_group("L4HOST", 4));
  serve("LTO", "\"*, group L4HOST\"");
  add("HST001L9", "LTO");
  connect();
  ASSERT_TRUE(move(kSlot, kDrive));
  host_.reset();
  const auto login = taped_->login();
  const std::string url =
      "iscsi://" + login.user + "@127.0.0.1:" + std::to_string(login.port) + "/" + login.target + "/1";
  const auto tape_host = [&](const std::string& verb, std::vector<std::string> more) {
    more.insert(more.begin(), {"tape", verb, url, "--password-file", file("engine/iscsi-secret")});
    const auto result = tapewarden(std::move(more));
    return result ? *result : result.error().message;
  };
  EXPECT_THAT(tape_host("list", {}), HasSubstr("blank"));
  const auto content = random_file(site().random(), file("host-in"), 700'000);
  for (const auto* chosen : {"--clear", "--group=OTHER"})
    EXPECT_THAT(tape_host("write", {chosen, "--input", file("host-in")}), HasSubstr("chooses them"));
  EXPECT_THAT(tape_host("write", {"--input", file("host-in")}), HasSubstr("encrypted, key from the library"));
  EXPECT_THAT(tape_host("list", {}), HasSubstr("file 0  3 blocks  encrypted"));
  EXPECT_THAT(tape_host("read", {"--output", file("host-out")}),
              HasSubstr("encrypted, key from the library"));
  EXPECT_EQ(read_bytes(file("host-out")), content);
}

}  // namespace
}  // namespace tapewarden::testing
