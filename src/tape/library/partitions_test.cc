// Partitions: what the configuration says, and what hosts of one can reach.
#include "tape/library/partitions.h"

#include <algorithm>

#include "scsi/changer_cdb.h"
#include "tape/library/library_test_kit.h"
#include "tape/library/partition_robot.h"

namespace tapewarden::tape::test {
namespace {

TEST(LibraryPartitions, L4_ATextSaysWhatBelongsToOne) {
  const auto one = take(parse_partition(
      "archive, drives 1000000001 tw00000002, slots 1-20, import_export_slots 2, barcodes VOL000L9-VOL499L9 "
      "JZ0001"));
  EXPECT_EQ(one.name, "ARCHIVE");
  EXPECT_EQ(one.drives, (std::vector<std::string>{"1000000001", "TW00000002"}));
  EXPECT_EQ(one.slots, (SlotRange{0, 20}));
  EXPECT_EQ(one.ports, (SlotRange{1, 1}));
  EXPECT_EQ(one.barcodes, (std::vector<BarcodeRange>{{"VOL000L9", "VOL499L9"}, {"JZ0001", "JZ0001"}}));
  EXPECT_TRUE(take(parse_partition("A, drives 1, slots 7")).slots.holds(6));
}

TEST(LibraryPartitions, L4_WhatIsNotUnderstoodIsRefused) {
  for (const std::string text :
       {"", "A", "A, drives 1", "A, slots 1", "A, drives, slots 1", "A, drives 1, slots 0",
        "A, drives 1, slots 3-2", "A, drives 1, slots 1-2-3", "A, drives 1, slots 1 3",
        "A, drives 1, slots 64001", "A, drives 1 1, slots 1", "A, drives 1, slots 1, slots 2",
        "A, drives 1, slots 1, barcodes B-A", "A, drives 1, slots 1, ports 1", "A B, drives 1, slots 1",
        "A_B, drives 1, slots 1", "ABCDEFGHIJKLM, drives 1, slots 1",
        "A, drives 1, slots 1, import_export_slots 401"})
    EXPECT_FALSE(parse_partition(text)) << text;
}

TEST(LibraryPartitions, L4_NoTwoShareAnything) {
  const auto apart = [](const std::string& a, const std::string& b) {
    return check_apart({take(parse_partition(a)), take(parse_partition(b))});
  };
  const std::string first = "A, drives 1, slots 1-4, import_export_slots 1-2";
  EXPECT_TRUE(apart(first, "B, drives 2, slots 5-8, import_export_slots 3"));
  EXPECT_TRUE(apart(first, "B, drives 2, slots 5-8"));
  for (const std::string second : {"A, drives 2, slots 5", "B, drives 1, slots 5", "B, drives 2, slots 4-5",
                                   "B, drives 2, slots 5, import_export_slots 2"}) {
    const auto clash = apart(first, second);
    ASSERT_FALSE(clash) << second;
    EXPECT_NE(clash.error().message.find("share"), std::string::npos);
  }
}

TEST(LibraryPartitions, L4_NoBarcodeBelongsToTwo) {
  const auto apart = [](const std::string& a, const std::string& b) {
    const auto one = check_apart({take(parse_partition("A, drives 1, slots 1-4, barcodes " + a)),
                                  take(parse_partition("B, drives 2, slots 5-8, barcodes " + b))});
    const auto other = check_apart({take(parse_partition("A, drives 1, slots 1-4, barcodes " + b)),
                                    take(parse_partition("B, drives 2, slots 5-8, barcodes " + a))});
    EXPECT_EQ(one.has_value(), other.has_value()) << a << " " << b;
    EXPECT_TRUE(one || one.error().message.find("barcodes of") != std::string::npos);
    return one.has_value();
  };
  EXPECT_TRUE(apart("VOL000L9-VOL499L9", "VOL500L9-VOL999L9"));
  EXPECT_TRUE(apart("VOL000L9-VOL499L9", "VOL000L8-VOL499L8")) << "between, and of another ending";
  EXPECT_TRUE(apart("VOL000L9-VOL499L9", "VOL000")) << "of another length";
  EXPECT_TRUE(apart("A10-A19", "A00-A09 A20-A99"));
  EXPECT_TRUE(apart("AB0-AB9", "AA0-AA9"));
  EXPECT_TRUE(apart("A1B-A2B", "A1A-A9A")) << "their ends lie within each other, but none counts in both";
  EXPECT_FALSE(apart("VOL000L9-VOL499L9", "VOL499L9-VOL999L9"));
  EXPECT_FALSE(apart("VOL000L9-VOL999L9", "VOL100L9"));
  EXPECT_FALSE(apart("VOL000L9-VOL999L9", "ABC123 VOL100L9-VOL199L9"));
  EXPECT_FALSE(apart("A00-Z99", "M50")) << "letters count as well";
  EXPECT_FALSE(apart("AAA-ZZZ", "MA0-MA9"));
  EXPECT_TRUE(apart("A00-Z99", "MA0-MZ9")) << "where digits count, letters do not";
}

TEST(LibraryPartitions, L4_TwoRangesOverlapWhereABarcodeIsInBoth) {
  const std::string ends[] = {"0A", "1Z", "5A", "9Z", "A0", "A9", "AA", "B0", "B5", "Z0", "ZZ"};
  const std::string characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::vector<BarcodeRange> ranges;
  for (const auto& first : ends)
    for (const auto& last : ends)
      if (first <= last) ranges.push_back({first, last});
  for (const auto& a : ranges) {
    for (const auto& b : ranges) {
      bool both = false;
      for (const char one : characters)
        for (const char two : characters) {
          const std::string barcode{one, two};
          both = both || (a.holds(barcode) && b.holds(barcode));
        }
      ASSERT_EQ(overlap(a, b), both) << a.first << "-" << a.last << " " << b.first << "-" << b.last;
    }
  }
}

// LTO: the first drive, slots 1 to 3, port 1. ENT: the other two drives, slots 5 to 8, port 2. Slot 4 is in
// none.
struct Divided : LibraryBench {
  std::unique_ptr<PartitionRobot> lto;
  std::unique_ptr<PartitionRobot> enterprise;

  Divided() {
    spec.partitions = {
        take(parse_partition("LTO, drives 1000000001, slots 1-3, import_export_slots 1, barcodes "
                             "A00001L9-A00009L9")),
        take(parse_partition("ENT, drives 1000000003 1000000002, slots 5-8, "
                             "import_export_slots 2, barcodes J00000-J99999"))};
    restart();
  }
  void restart() {
    lto.reset();
    enterprise.reset();
    library.reset();
    start();
    lto = std::make_unique<PartitionRobot>(*library, spec, spec.partitions[0]);
    enterprise = std::make_unique<PartitionRobot>(*library, spec, spec.partitions[1]);
  }
  static std::optional<scsi::SenseCode> code_of(const scsi::Outcome<void>& moved) {
    return moved ? std::nullopt : std::optional(moved.error().code);
  }
};

TEST(LibraryPartitions, L4_AHostSeesALibraryOfItsOwn) {
  Divided bench;
  EXPECT_EQ(changer_serial(bench.spec, bench.spec.partition_of_drive("1000000001")), "TWL0000001-LTO");
  EXPECT_EQ(changer_serial(bench.spec, nullptr), "TWL0000001");
  EXPECT_EQ(bench.lto->layout().storage, (scsi::ElementRange{kSlot, 3}));
  EXPECT_EQ(bench.lto->layout().data_transfer, (scsi::ElementRange{kDrive, 1}));
  EXPECT_EQ(bench.lto->layout().import_export, (scsi::ElementRange{kPort, 1}));
  EXPECT_EQ(bench.enterprise->layout().storage, (scsi::ElementRange{kSlot, 4}));
  EXPECT_TRUE(bench.lto->layout().check());
  EXPECT_EQ(bench.lto->describe(kSlot + 2).volume_tag, "A00003L9");
  EXPECT_EQ(bench.enterprise->describe(kSlot).volume_tag, "J00001");
  EXPECT_EQ(bench.enterprise->describe(kSlot).address, kSlot);
  // Drives in the order that the partition names them.
  ASSERT_EQ(bench.enterprise->bays().size(), 2U);
  EXPECT_EQ(bench.enterprise->bays()[0]->serial(), "1000000003");
  EXPECT_EQ(bench.enterprise->describe(kDrive).identifier, bench.enterprise->bays()[0]->identifier());
}

TEST(LibraryPartitions, L4_MovesStayInThePartition) {
  Divided bench;
  EXPECT_EQ(Divided::code_of(bench.enterprise->move(kSlot, kDrive)), std::nullopt);
  EXPECT_EQ(bench.at(kDrive + 2), "J00001");
  EXPECT_EQ(bench.enterprise->describe(kDrive).volume_tag, "J00001");
  EXPECT_EQ(bench.enterprise->describe(kDrive).source, kSlot) << "by the partition's own address";
  EXPECT_EQ(Divided::code_of(bench.enterprise->move(kDrive, kPort)), std::nullopt);
  EXPECT_EQ(bench.at(kPort + 1), "J00001");
  EXPECT_FALSE(bench.lto->describe(kPort).full);
  EXPECT_EQ(Divided::code_of(bench.lto->exchange(kSlot, kDrive, kSlot)), codes::kSourceEmpty);
  EXPECT_EQ(Divided::code_of(bench.lto->move(kSlot, kDrive)), std::nullopt);
  EXPECT_EQ(Divided::code_of(bench.lto->exchange(kSlot + 1, kDrive, kSlot + 1)), std::nullopt);
  EXPECT_EQ(bench.at(kDrive), "A00002L9");
  EXPECT_EQ(bench.at(kSlot + 1), "A00001L9");
  bench.expect_whole();
}

TEST(LibraryPartitions, L4_CartridgesThatLieWrongAreToldAtTheStart) {
  Divided bench;
  EXPECT_EQ(bench.notes,
            std::vector<std::string>{"cartridge A00004L9 is in no partition: no host reaches it"});
  bench.spec.partitions[0].barcodes = {take(parse_barcode_bounds("A00002L9-A00009L9"))};
  bench.spec.partitions[1].barcodes.push_back(take(parse_barcode_bounds("A00001L9")));
  bench.restart();
  EXPECT_EQ(std::ranges::count(bench.notes,
                               "cartridge A00001L9 is in partition LTO, but its barcode is one of ENT"),
            1);
}

TEST(LibraryPartitions, L4_AnOperatorsMoveStaysInThePartitionToo) {
  Divided bench;
  auto& library = *bench.library;
  for (const auto& elsewhere : {slot_place(4), slot_place(3), port_place(1), drive_place("1000000002")}) {
    const auto moved = library.move_by_hand("A00001L9", elsewhere);
    ASSERT_FALSE(moved) << elsewhere.text();
    EXPECT_EQ(moved.error().code, ErrorCode::kConflict);
    EXPECT_EQ(moved.error().field, "to");
  }
  EXPECT_EQ(take(library.move_by_hand("A00001L9", port_place(0))), port_place(0));
  EXPECT_EQ(take(library.move_by_hand("A00001L9", std::nullopt)), slot_place(0));
  EXPECT_EQ(take(library.move_by_hand("A00004L9", port_place(0))), port_place(0))
      << "from no partition into one";
  EXPECT_FALSE(library.move_by_hand("A00004L9", slot_place(3))) << "and not out of it again";
  bench.expect_whole();
}

TEST(LibraryPartitions, L4_AChangerOfAPartitionReachesNothingElse) {
  Divided bench;
  Changer changer(*bench.lto, {.serial = "TWL0000001-LTO"});
  const auto run = [&](const Bytes& cdb) {
    return changer.execute({.cdb = cdb, .nexus = kHost, .data_out = {}});
  };
  (void)run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady));
  for (const std::uint16_t beyond : {std::uint16_t{kSlot + 3}, std::uint16_t{kSlot + 4},
                                     std::uint16_t{kDrive + 1}, std::uint16_t{kPort + 1}}) {
    EXPECT_EQ(run(scsi::MoveMedium{0, kSlot, beyond, false}.encode()).sense.code,
              codes::kInvalidElementAddress);
    EXPECT_EQ(run(scsi::MoveMedium{0, beyond, kSlot, false}.encode()).sense.code,
              codes::kInvalidElementAddress);
  }
  const auto all =
      scsi::ReadElementStatus{.volume_tags = true, .count = 0xffff, .allocation_length = 0xffff}.encode();
  const auto report = run(all).data_in;
  EXPECT_NE(as_text(report).find("A00001L9"), std::string_view::npos);
  for (const std::string_view other : {"A00004L9", "J00001"})
    EXPECT_EQ(as_text(report).find(other), std::string_view::npos) << other;
  bench.expect_whole();
}

TEST(LibraryPartitions, L4_NewAndImportedCartridgesGoWhereTheirBarcodesBelong) {
  Divided bench;
  const auto add = [&](const std::string& barcode, MediumKind kind = MediumKind::kLto) {
    return bench.library->act([&](LibraryFolder& folder) -> Status {
      (void)TRY(add_cartridges(folder, {.barcodes = {barcode}, .spec = small_cartridge(kind)}));
      return {};
    });
  };
  ASSERT_TRUE(add("J00002", MediumKind::k3592));
  EXPECT_EQ(bench.enterprise->describe(kSlot + 1).volume_tag, "J00002");
  const auto full = add("A00005L9");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kExhausted);
  EXPECT_NE(full.error().message.find("partition LTO"), std::string::npos);
  EXPECT_FALSE(add("X00001L9")) << "of no partition, and the slot of none is taken";

  // Out and in again: it comes to its own partition's import/export slot, the second of the library.
  ASSERT_EQ(Divided::code_of(bench.enterprise->move(kSlot, kPort)), std::nullopt);
  done(bench.library->act([](LibraryFolder& folder) { return export_cartridge(folder, "J00001"); }));
  done(bench.library->act([](LibraryFolder& folder) -> Status {
    (void)TRY(import_cartridge(folder, "J00001"));
    return {};
  }));
  EXPECT_EQ(bench.enterprise->describe(kPort).volume_tag, "J00001");
  EXPECT_FALSE(bench.lto->describe(kPort).full);
}

TEST(LibraryPartitions, L4_RemovalIsPreventedUntilEveryPartitionAllowsIt) {
  Divided bench;
  const auto act = [&] {
    return bench.library->act([](LibraryFolder&) -> Status { return {}; }).has_value();
  };
  bench.lto->prevent_removal(true);
  bench.enterprise->prevent_removal(true);
  bench.lto->prevent_removal(false);
  EXPECT_FALSE(act());
  bench.enterprise.reset();  // its hosts are gone
  EXPECT_TRUE(act());
}

TEST(LibraryPartitions, L4_ARuleMayCountInOnePartitionAlone) {
  const std::vector<EncryptionRule> rules{
      take(parse_encryption_rule("partition test, *, clear")),
      take(parse_encryption_rule("partition ARCHIVE, VOL000L9-VOL499L9, group A")),
      take(parse_encryption_rule("VOL000L9-VOL999L9, group B"))};
  EXPECT_EQ(rules[0].partition, "TEST");
  EXPECT_FALSE(policy_for(rules, "VOL001L9", "TEST").encrypt);
  EXPECT_EQ(policy_for(rules, "VOL001L9", "ARCHIVE").alias_or_group, "A");
  EXPECT_EQ(policy_for(rules, "VOL500L9", "ARCHIVE").alias_or_group, "B");
  EXPECT_EQ(policy_for(rules, "VOL001L9").alias_or_group, "B") << "a drive in no partition";
  for (const std::string text : {"partition A", "partition , *", "partition"})
    EXPECT_FALSE(parse_encryption_rule(text)) << text;
}

}  // namespace
}  // namespace tapewarden::tape::test
