#include "tape/library/library_spec.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "config/new_taped_toml.h"

namespace tapewarden::tape {
namespace {

constexpr std::string_view kWhole = R"([library]
folder = "shelf"
identities = "/site/drives"
serial = "TWL0000001"
slots = 60000
import_export_slots = 8
drives = ["LTO 1000000001", "3592 0000078A1234"]
)";

class LibrarySection : public ::testing::Test {
 protected:
  Result<LibrarySpec> read(const std::string& text) {
    EXPECT_TRUE(write_file_atomically(sim_.disk, "/site/taped.toml", as_bytes(text)));
    auto file = TRY(config::TomlFile::read(sim_.disk, "/site/taped.toml"));
    return read_library_spec(file.section("library"));
  }
  void expect_fault(const std::string& from, const std::string& to, const std::string& field) {
    std::string text(kWhole);
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    const auto spec = read(text.replace(at, from.size(), to));
    ASSERT_FALSE(spec) << to;
    EXPECT_EQ(spec.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(spec.error().field, "library." + field) << to;
    EXPECT_NE(spec.error().remedy, "") << to;
  }
  testing::SimEnv sim_{5};
};

TEST_F(LibrarySection, L2_IsReadWhole) {
  const auto spec = read(std::string(kWhole));
  ASSERT_TRUE(spec) << spec.error().text();
  EXPECT_EQ(spec->folder, "/site/shelf");
  EXPECT_EQ(spec->identities, "/site/drives");
  EXPECT_EQ(spec->changer.serial, "TWL0000001");
  EXPECT_EQ(spec->changer.vendor, "TAPEWARD");
  EXPECT_EQ(spec->slots(), 60000U);
  EXPECT_EQ(spec->ports(), 8U);
  ASSERT_EQ(spec->drives.size(), 2U);
  EXPECT_EQ(spec->drives[1].serial, "0000078A1234");
  EXPECT_EQ(spec->drives[1].kind, MediumKind::k3592);
  EXPECT_EQ(spec->layout.data_transfer, (scsi::ElementRange{500, 2}));
  EXPECT_EQ(spec->layout.storage, (scsi::ElementRange{1000, 60000}));
}

TEST_F(LibrarySection, L2_WhatIsWrongIsNamed) {
  expect_fault("folder = \"shelf\"", "folder = \"\"", "folder");
  expect_fault("identities = \"/site/drives\"", "", "identities");
  expect_fault("serial = \"TWL0000001\"", "serial = \"\"", "serial");
  expect_fault("slots = 60000", "slots = 0", "slots");
  expect_fault("slots = 60000", "slots = 64001", "slots");
  expect_fault("slots = 60000", "slots = 6000\nslot_address = 490", "slots");  // over the drives
  expect_fault("slots = 60000", "slots = 6000\ndrive_address = 0", "slots");   // over the transport
  expect_fault("import_export_slots = 8", "import_export_slots = 401", "import_export_slots");
  expect_fault("LTO 1000000001", "1000000001", "drives");
  expect_fault("LTO 1000000001", "DLT 1000000001", "drives");
  expect_fault("LTO 1000000001", "LTO 100000001", "drives");
  expect_fault("LTO 1000000001", "LTO ../1234567", "drives");
  expect_fault("LTO 1000000001", "LTO 0000078a1234", "drives");  // twice
  expect_fault("[\"LTO 1000000001\", \"3592 0000078A1234\"]", "[]", "drives");
  expect_fault("slots = 60000", "slot = 60000", "slot");
  expect_fault("slots = 60000", "vendor = \"NINECHARS\"", "vendor");
}

TEST_F(LibrarySection, L4_LibraryManagedDrivesNameTheirKeyServersAndRules) {
  std::string text(kWhole);
  text.replace(text.find("LTO 1000000001"), 14, "LTO 1000000001 library");
  EXPECT_EQ(read(text).error().field, "library.key_servers");
  text += "key_servers = \"engine.toml\"\nencryption = [\"VOL000L9-VOL499L9, group A\", \"*, clear\"]\n";
  const auto spec = read(text);
  ASSERT_TRUE(spec) << spec.error().text();
  EXPECT_EQ(spec->drives[0].management, KeyManagement::kLibrary);
  EXPECT_EQ(spec->drives[1].management, KeyManagement::kApplication);
  EXPECT_EQ(spec->key_servers, "/site/engine.toml");
  EXPECT_EQ(spec->encryption.size(), 2U);
  expect_fault("LTO 1000000001", "LTO 1000000001 application", "drives");
  expect_fault("slots = 60000", "slots = 60\nencryption = [\"*\"]", "encryption");  // no such drive
  text.replace(text.find("group A"), 7, "gruop A");
  EXPECT_EQ(read(text).error().field, "library.encryption");
}

TEST_F(LibrarySection, T14_SystemManagedDrivesNameTheKeyServersThatTheyBelieve) {
  std::string text(kWhole);
  text.replace(text.find("LTO 1000000001"), 14, "LTO 1000000001 system");
  EXPECT_EQ(read(text).error().field, "library.key_servers");
  text += "key_servers = \"engine.toml\"\n";
  const auto spec = read(text);
  ASSERT_TRUE(spec) << spec.error().text();
  EXPECT_EQ(spec->drives[0].management, KeyManagement::kSystem);
  EXPECT_EQ(read(text + "encryption = [\"*, clear\"]\n").error().field, "library.encryption")
      << "their host says what is encrypted";
}

TEST_F(LibrarySection, L4_PartitionsDivideWhatTheLibraryHas) {
  const auto with = [&](const std::string& partitions, const std::string& rule = "*") {
    std::string text(kWhole);
    text.replace(text.find("LTO 1000000001"), 14, "LTO 1000000001 library");
    return read(text + "key_servers = \"engine.toml\"\nencryption = [\"" + rule + "\"]\npartitions = [" +
                partitions + "]\n");
  };
  const auto spec = with("\"A, drives 1000000001, slots 1-10, barcodes VOL000L9-VOL499L9\"",
                         "partition A, VOL000L9-VOL099L9, group X");
  ASSERT_TRUE(spec) << spec.error().text();
  EXPECT_EQ(spec->partition_of_drive("1000000001")->name, "A");
  EXPECT_EQ(spec->partition_of_slot(9)->name, "A");
  EXPECT_EQ(spec->partition_of_slot(10), nullptr);
  EXPECT_EQ(spec->partition_of_port(0), nullptr);
  EXPECT_EQ(spec->partition_of_barcode("VOL499L9")->name, "A");
  EXPECT_EQ(spec->partition_of_barcode("VOL500L9"), nullptr);
  for (const std::string wrong :
       {"\"A, drives 9999999999, slots 1\"", "\"A, drives 1000000001, slots 60001\"", "\"A\"",
        "\"A, drives 1000000001, slots 1, import_export_slots 400\"",
        "\"A, drives 1000000001, slots 1\", \"B, drives 1000000001, slots 2\""})
    EXPECT_EQ(with(wrong).error().field, "library.partitions") << wrong;
  EXPECT_EQ(with("", "partition A, *, clear").error().field, "library.encryption");
}

TEST_F(LibrarySection, L2_WhatANewSiteGetsCanBeRead) {
  auto values = config::draw_taped_toml(sim_.random, 3, "3592");
  const auto spec = read(config::text_of(values));
  ASSERT_TRUE(spec) << spec.error().text();
  ASSERT_EQ(spec->drives.size(), 3U);
  EXPECT_EQ(spec->drives[2].kind, MediumKind::k3592);
  EXPECT_EQ(spec->drives[2].serial, spec->changer.serial.substr(0, 8) + "03");
  EXPECT_NE(config::draw_taped_toml(sim_.random).library_serial, values.library_serial);
}

}  // namespace
}  // namespace tapewarden::tape
