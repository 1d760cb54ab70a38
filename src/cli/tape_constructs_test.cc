#include "cli/tape_constructs.h"

#include <gtest/gtest.h>

#include "tape/device/drive_test_kit.h"
#include "tape/medium/host_attributes.h"

namespace tapewarden::cli {
namespace {

using tape::test::Bench;

// A host at a virtual drive with a cartridge in it.
struct Host {
  Bench bench;
  tape::InProcessTransport transport{*bench.drive, tape::test::kOtherHost};
  tape::TapeDrive drive{transport};

  Host() { EXPECT_TRUE(drive.drain_attentions().has_value()); }
  std::string seen() {
    const auto constructs = constructs_on(drive);
    EXPECT_TRUE(constructs) << constructs.error().text();
    return constructs->storage_group.value_or("none") + " " + constructs->management_class.value_or("none");
  }
  ErrorCode fault(const NamedConstructs& names) {
    const auto named = name_constructs(drive, names);
    return named ? ErrorCode::kInternal : named.error().code;
  }
};

TEST(TapeConstructs, T2_AHostNamesTheConstructsOfAVolumeOnTheVolume) {
  Host host;
  EXPECT_EQ(host.seen(), "none none");
  ASSERT_TRUE(name_constructs(host.drive, {.storage_group = "SGDAILY", .management_class = "MCTWO"}));
  EXPECT_EQ(host.seen(), "SGDAILY MCTWO");
  ASSERT_TRUE(name_constructs(host.drive, {.storage_group = "SG$@#123"}));
  EXPECT_EQ(host.seen(), "SG$@#123 MCTWO");
  ASSERT_TRUE(name_constructs(host.drive, {.management_class = ""}));
  ASSERT_TRUE(name_constructs(host.drive, {.management_class = ""})) << "there is none any more";
  EXPECT_EQ(host.seen(), "SG$@#123 none");
}

TEST(TapeConstructs, T2_WhatIsNamedStandsInTheCartridgesFileWithoutADrive) {
  Host host;
  ASSERT_TRUE(name_constructs(host.drive, {.storage_group = "SGDAILY", .management_class = "MCTWO"}));
  ASSERT_TRUE(host.bench.drive->eject());
  const auto file = tape::host_attributes(host.bench.sim.disk, tape::test::kTapePath);
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(tape::attribute_text(*file, tape::attribute::kStorageGroup), "SGDAILY");
  EXPECT_EQ(tape::attribute_text(*file, tape::attribute::kManagementClass), "MCTWO");
}

TEST(TapeConstructs, T2_WhatIsNoNameIsRefusedAndNothingIsWritten) {
  Host host;
  EXPECT_EQ(host.fault({.storage_group = "SGDAILY12"}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(host.fault({.storage_group = "SGDAILY", .management_class = "mc"}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(host.seen(), "none none");
}

TEST(TapeConstructs, T2_AnotherHostsUseOfTheRangeIsNoName) {
  Host host;
  ASSERT_TRUE(host.drive.set_attribute({tape::attribute::kStorageGroup, false, 0, Bytes{1, 2, 3}}));
  ASSERT_TRUE(host.drive.set_attribute({tape::attribute::kManagementClass, false, 1, to_bytes("free text")}));
  EXPECT_EQ(host.seen(), "none none");
  ASSERT_TRUE(name_constructs(host.drive, {.storage_group = "SG1", .management_class = "MC1"}));
  EXPECT_EQ(host.seen(), "SG1 MC1");
}

TEST(TapeConstructs, T2_WithoutACartridgeTheDriveSaysSo) {
  Host host;
  ASSERT_TRUE(host.bench.drive->eject());
  EXPECT_FALSE(constructs_on(host.drive));
  EXPECT_NE(host.fault({.storage_group = "SG1"}), ErrorCode::kInternal);
}

}  // namespace
}  // namespace tapewarden::cli
