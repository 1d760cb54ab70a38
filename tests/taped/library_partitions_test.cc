// A library in two partitions, one of each kind of drive, and both key servers (row L4): saving to volumes
// that are marked for encryption, restoring them, and doing so while the primary is down.
#include <algorithm>
#include <gmock/gmock.h>

#include "integration/tape_site.h"
#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "scsi/sense_codes.h"
#include "taped/taped_process.h"

namespace tapewarden::testing {
namespace {

namespace codes = scsi::sense_codes;
using ::testing::HasSubstr;

constexpr std::uint16_t kSlot = 1000;  // addresses that both partitions begin with
constexpr std::uint16_t kDrive = 500;
constexpr std::size_t kBlock = 32U << 10;
constexpr std::size_t kPieceBytes = 16;  // found nowhere by chance

// What one host does, who knows of no key and sees one partition.
struct Host {
  TapedProcess& taped;
  std::unique_ptr<Initiator> session;

  Host(TapedProcess& process, const std::string& partition) : taped(process) {
    auto login = taped.login();
    login.target += "." + partition;
    auto connected = Initiator::connect(login);
    EXPECT_TRUE(connected) << connected.error().text();
    if (connected) session = std::move(*connected);
  }
  scsi::Response run(unsigned lun, const Bytes& cdb, std::size_t room = 0, const Bytes& out = {}) {
    auto response = session->run_past_attentions(lun, cdb, room, out);
    EXPECT_TRUE(response) << response.error().text();
    return response.value_or(scsi::Response{});
  }
  scsi::Response move(std::uint16_t from, std::uint16_t to) {
    return run(0, scsi::MoveMedium{0, from, to, false}.encode());
  }
  // Loads the cartridge, writes a block that cannot be compressed, and puts it back.
  Bytes save(std::uint16_t slot, Random& random) {
    Bytes block(kBlock);
    random.fill(block);
    EXPECT_TRUE(move(slot, kDrive).good());
    const auto wrote = run(1, scsi::Write6{.transfer_length = kBlock}.encode(), 0, block);
    EXPECT_TRUE(wrote.good()) << wrote.sense.text() << taped.log();
    EXPECT_TRUE(move(kDrive, slot).good());
    return block;
  }
  Bytes restore(std::uint16_t slot) {
    EXPECT_TRUE(move(slot, kDrive).good());
    const auto read = run(1, scsi::Read6{.transfer_length = kBlock}.encode(), kBlock);
    EXPECT_TRUE(read.good()) << read.sense.text() << taped.log();
    EXPECT_TRUE(move(kDrive, slot).good());
    return read.data_in;
  }
  std::string inventory() {
    constexpr std::size_t kRoom = 60'000;
    const scsi::ReadElementStatus all{.volume_tags = true, .count = 0xffff, .allocation_length = kRoom};
    const auto report = run(0, all.encode(), kRoom).data_in;
    return std::string(as_text(report));
  }
};

class LibraryPartitions : public TapeSite {
 protected:
  // LTO: slots 1 to 10; ENT: slots 11 to 20. Marked for encryption: SAV000L9 to SAV499L9, JS0000 to JS4999.
  void SetUp() override {
    TapeSite::SetUp();
    TW_EXPECT_OK(make_group("L4PARTS", 4));
    TW_EXPECT_OK(
        site().rest(Which::kSecondary).post("/v1/keys", json::object{{"count", 4}, {"group", "L4PARTS"}}));
    TW_EXPECT_OK(rest().post("/v1/keks",
                             json::object{{"common_name", "l4"}, {"bits", 2048}, {"labels", {"L4 PARTS"}}}));
    (void)site().disk().remove(site().path("engine/taped.toml"));
    auto made = TapedProcess::of_site(site().directory(), {"--drives", "1", "--kind", "LTO"});
    ASSERT_TRUE(made) << made.error().text();
    taped_ = std::move(*made);
    const auto drives = taped_->drives();
    TW_ASSERT_OK(drives);
    const auto lto = drives->front();
    const auto enterprise = lto.substr(0, lto.size() - 2) + "77";
    TW_EXPECT_OK(taped_->edit_config(
        "drives = [\"LTO " + lto + "\"]",
        "drives = [\"LTO " + lto + " library\", \"3592 " + enterprise +
            " library\"]\nkey_servers = \"engine.toml\"\n"
            "encryption = [\"partition LTO, SAV000L9-SAV499L9, group L4PARTS\", "
            "\"partition ENT, JS0000-JS4999, label L4 PARTS\", \"*, clear\"]\n"
            "partitions = [\"LTO, drives " +
            lto + ", slots 1-10, import_export_slots 1, barcodes SAV000L9-SAV999L9\", \"ENT, drives " +
            enterprise + ", slots 11-20, import_export_slots 2, barcodes JS0000-JS9999\"]"));
    TW_EXPECT_OK(taped_->library({"init"}));
    TW_EXPECT_OK(taped_->library({"enrol"}));
    for (const auto& serial : {lto, enterprise})
      TW_EXPECT_OK(rest().post("/v1/drives/00" + serial + "/accept"));
    add("SAV000L9-SAV002L9", "LTO");
    add("SAV500L9", "LTO");
    add("JS0000-JS0002", "3592");
    TW_EXPECT_OK(taped_->start());
  }
  void add(const std::string& barcodes, const std::string& kind) {
    TW_EXPECT_OK(taped_->library({"add-cartridges", barcodes, "--capacity", "64M", "--kind", kind}));
  }
  bool in_clear(const std::string& barcode, const Bytes& block) {
    const auto content = read_bytes(site().path("engine/library/cartridges/" + barcode + ".twc"));
    EXPECT_GT(content.size(), kBlock);
    return !std::ranges::search(content, ByteView(block).first(kPieceBytes)).empty();
  }
  std::string ledger(const std::string& barcode, Which which = Which::kPrimary) {
    const auto rows = site().rest(which).get("/v1/ledger?volser=" + barcode);
    return rows ? json::serialize(*rows) : rows.error().text();
  }

  std::unique_ptr<TapedProcess> taped_;
};

TEST_F(LibraryPartitions, L4_EachKindSavesWhatIsMarkedForEncryptionAndRestoresItWithThePrimaryDown) {
  Host lto(*taped_, "lto");
  Host enterprise(*taped_, "ent");
  ASSERT_TRUE(lto.session && enterprise.session);
  EXPECT_THAT(lto.inventory(), HasSubstr("SAV002L9"));
  EXPECT_THAT(lto.inventory(), Not(HasSubstr("JS0000")));
  EXPECT_THAT(enterprise.inventory(), HasSubstr("JS0002"));
  EXPECT_THAT(enterprise.inventory(), Not(HasSubstr("SAV00")));
  EXPECT_EQ(lto.move(kSlot, kSlot + 10).sense.code, codes::kInvalidElementAddress) << "a slot of the other";

  // The save: marked volumes are encrypted by the key server's keys, the other one is not.
  const auto sealed_lto = lto.save(kSlot, site().random());
  const auto sealed_enterprise = enterprise.save(kSlot, site().random());
  const auto open = lto.save(kSlot + 3, site().random());
  EXPECT_FALSE(in_clear("SAV000L9", sealed_lto));
  EXPECT_FALSE(in_clear("JS0000", sealed_enterprise));
  EXPECT_TRUE(in_clear("SAV500L9", open));
  EXPECT_THAT(ledger("SAV000L9"), AllOf(HasSubstr("\"state\":\"confirmed\""), HasSubstr("L4PARTS")));
  EXPECT_THAT(ledger("JS0000"), AllOf(HasSubstr("\"state\":\"confirmed\""), HasSubstr("L4 PARTS")));
  // The key that was wrapped for the tape lies on the tape itself.
  const auto held = tapewarden({"cartridge", "inspect", site().path("engine/library/cartridges/JS0000.twc")});
  TW_ASSERT_OK(held);
  EXPECT_THAT(*held, AllOf(HasSubstr("wrapped-key"), HasSubstr("EEDK ")));

  // The restore, by either server.
  EXPECT_EQ(lto.restore(kSlot), sealed_lto);
  EXPECT_EQ(enterprise.restore(kSlot), sealed_enterprise);
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  EXPECT_EQ(lto.restore(kSlot), sealed_lto);
  EXPECT_EQ(enterprise.restore(kSlot), sealed_enterprise);
  const auto second_lto = lto.save(kSlot + 1, site().random());
  const auto second_enterprise = enterprise.save(kSlot + 1, site().random());
  EXPECT_FALSE(in_clear("SAV001L9", second_lto));
  EXPECT_FALSE(in_clear("JS0001", second_enterprise));
  EXPECT_THAT(ledger("SAV001L9", Which::kSecondary), HasSubstr("\"state\":\"confirmed\""));
  EXPECT_THAT(ledger("JS0001", Which::kSecondary), HasSubstr("\"state\":\"confirmed\""));

  TW_EXPECT_OK(site().start(Which::kPrimary));
  TW_EXPECT_OK(site().wait_in_step());
  EXPECT_EQ(lto.restore(kSlot + 1), second_lto);
  EXPECT_EQ(enterprise.restore(kSlot + 1), second_enterprise);
}

}  // namespace
}  // namespace tapewarden::testing
