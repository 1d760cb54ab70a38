// The sequences of the overview "TS7700 encryption", step by step: "Writing Physical Tapes", its part about
// appending, and "Reading Physical Tapes"; encrypted by both methods, and clear.
#include <gtest/gtest.h>

#include "engine/physical/physical_test_kit.h"

namespace tapewarden::engine::test {
namespace {

struct Kind {
  const char* name;
  std::size_t drive;
  const char* barcode;
  TapeEncryption encryption;
};

class Sequence : public ::testing::TestWithParam<Kind> {
 protected:
  BackEnd back;
  TapeStation& station() { return *back.stations[GetParam().drive]; }
  std::string drive() const { return back.drives[GetParam().drive]->name(); }
  std::string barcode() const { return GetParam().barcode; }
  bool encrypted() const { return GetParam().encryption != TapeEncryption::kClear; }
  CartridgeWanted wanted() const { return wanted_of(barcode(), GetParam().encryption); }
  std::unique_ptr<MountedCartridge> begin(MountTrace& trace) {
    return take(station().mount_for_write_from_beginning(label_of(barcode()),
                                                         policy_of(GetParam().encryption), trace));
  }
  // A cartridge with `count` volumes on it.
  void filled(std::uint8_t count) {
    auto trace = back.trace();
    const auto cartridge = begin(trace);
    for (std::uint8_t i = 0; i < count; ++i)
      ASSERT_TRUE(write_volume(*cartridge, volume_content(700'000, i)));
    (void)take(cartridge->demount());
    back.keys.served = 0;
    back.keys.intents.clear();
  }
  std::vector<std::string> mount_steps() const {
    return {"1 engine>library LIB1", "1 " + drive() + ">engine"};
  }
  std::vector<std::string> key_steps(const std::string& asked, const std::string& exchanged,
                                     const std::string& given, const std::string& resumed) const {
    return {asked + " " + drive() + ">engine", exchanged + " engine>key server",
            given + " key server primary>" + drive(), resumed + " engine>" + drive()};
  }
};

std::vector<std::string> joined(std::initializer_list<std::vector<std::string>> parts) {
  std::vector<std::string> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST_P(Sequence, T4_WriteFromBeginning) {
  auto trace = back.trace();
  const auto cartridge = begin(trace);
  const auto prepared = encrypted()
                            ? joined({{"2a engine>" + drive()}, key_steps("2b", "2c", "2d", "2e")})
                            : std::vector<std::string>{"3a engine>" + drive(), "3b engine>" + drive()};
  EXPECT_EQ(steps_of(trace), joined({mount_steps(), prepared}));
  EXPECT_EQ(back.keys.served, encrypted() ? 1U : 0U);
  const auto written = write_volume(*cartridge, volume_content(700'000));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->file, 1U);
  EXPECT_EQ(written->block, 2U);
  EXPECT_GT(written->bytes, 700'000U);
  EXPECT_FALSE(written->early_warning);
  EXPECT_FALSE(take(cartridge->demount()).unconfirmed);
  const std::vector<std::string> away = {"4 engine>" + drive(), "4 engine>library LIB1"};
  EXPECT_EQ(steps_of(trace), joined({mount_steps(), prepared, away}));
  back.expect_put_away(GetParam().drive);
  EXPECT_EQ(back.keys.server.confirmed, encrypted() ? 1U : 0U);
  EXPECT_EQ(back.file_of(barcode()).find("plaintext-of-the-volume") == std::string_view::npos, encrypted());
  EXPECT_EQ(back.file_of(barcode()).find("TWSTKLBL") == std::string_view::npos, encrypted());
}

TEST_P(Sequence, T4_TheKeyServerIsToldWhatThePoolAsksFor) {
  auto trace = back.trace();
  const auto cartridge = begin(trace);
  if (!encrypted()) {
    EXPECT_TRUE(back.keys.policies.empty());
    return;
  }
  const auto policy = policy_of(GetParam().encryption);
  EXPECT_EQ(back.keys.policies,
            (std::vector<scsi::WritePolicyPage>{{true, policy.labels, policy.alias_or_group}}));
  const auto& told = trace.steps()[2].text;
  EXPECT_NE(
      told.find(policy.labels.empty() ? "POOL1" : "June 2026 key (clear), key label DR site key (hash)"),
      std::string::npos)
      << told;
}

TEST_P(Sequence, T4_Append) {
  filled(2);
  auto trace = back.trace();
  const auto cartridge = take(station().mount_for_append(wanted(), 3, trace));
  const auto written = write_volume(*cartridge, volume_content(700'000, 9));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->file, 3U);
  // Identified by its label, which takes the cartridge's key for reading; then the key for writing.
  const auto identified = encrypted() ? key_steps("1", "1", "1", "1") : std::vector<std::string>{};
  const auto appended =
      encrypted()
          ? joined({{"2a " + drive() + ">engine", "2b engine>" + drive()}, key_steps("2c", "2d", "2e", "2f")})
          : std::vector<std::string>{"3a " + drive() + ">engine", "3b engine>" + drive()};
  EXPECT_EQ(steps_of(trace), joined({mount_steps(), identified, appended}));
  if (encrypted()) {
    EXPECT_EQ(back.keys.intents, (std::vector{scsi::KeyIntent::kRead, scsi::KeyIntent::kAppend}));
  }
  EXPECT_EQ(read_volume(*cartridge, 2), volume_content(700'000, 1));
  EXPECT_EQ(read_volume(*cartridge, 3), volume_content(700'000, 9));
  (void)take(cartridge->demount());
  back.expect_put_away(GetParam().drive);
  EXPECT_EQ(back.file_of(barcode()).find("plaintext-of-the-volume") == std::string_view::npos, encrypted());
}

TEST_P(Sequence, T4_Read) {
  filled(3);
  auto trace = back.trace();
  const auto cartridge = take(station().mount_for_read(wanted(), trace));
  EXPECT_EQ(cartridge->label(), label_of(barcode()));
  EXPECT_EQ(read_volume(*cartridge, 3), volume_content(700'000, 2));
  EXPECT_EQ(read_volume(*cartridge, 1), volume_content(700'000, 0));
  EXPECT_EQ(take(cartridge->read_trailer(2)).bytes, 700'000U);
  EXPECT_EQ(read_volume(*cartridge, 2), volume_content(700'000, 1));
  (void)take(cartridge->demount());
  const auto read = encrypted() ? joined({{"2a " + drive() + ">engine"}, key_steps("2b", "2c", "2d", "2e")})
                                : std::vector<std::string>{"3a " + drive() + ">engine"};
  EXPECT_EQ(steps_of(trace), joined({mount_steps(), read, {"4 engine>" + drive(), "4 engine>library LIB1"}}));
  EXPECT_EQ(back.keys.served, encrypted() ? 1U : 0U);
}

// Of a catalogue that is lost the cartridges know enough.
TEST_P(Sequence, T12_ACartridgeTellsWhatItHolds) {
  filled(2);
  auto trace = back.trace();
  const auto cartridge = take(station().mount_to_examine(barcode(), trace));
  EXPECT_EQ(cartridge->label(), label_of(barcode()));
  EXPECT_EQ(cartridge->encryption(), GetParam().encryption);
  for (std::uint32_t file = 1; file <= 2; ++file) {
    const auto header = take(cartridge->open_image(file));
    EXPECT_EQ(header.identity.volser, "LV0001");
    EXPECT_EQ(take(cartridge->read_trailer(file)).identity, header.identity);
  }
  EXPECT_FALSE(cartridge->open_image(3));
  (void)take(cartridge->demount());
  back.expect_put_away(GetParam().drive);
}

// Settings count when a cartridge is written from its beginning: what it was before is gone then.
TEST_P(Sequence, T4_BegunAnewTheOtherWay) {
  filled(1);
  const auto other = encrypted()                               ? TapeEncryption::kClear
                     : GetParam().drive == BackEnd::k3592Drive ? TapeEncryption::kWrapped
                                                               : TapeEncryption::kIdentified;
  auto trace = back.trace();
  auto cartridge =
      take(station().mount_for_write_from_beginning(label_of(barcode(), 2), policy_of(other), trace));
  ASSERT_TRUE(write_volume(*cartridge, volume_content(5000, 7)));
  (void)take(cartridge->demount());
  cartridge = take(station().mount_for_read(wanted_of(barcode(), other, 2), trace));
  EXPECT_EQ(read_volume(*cartridge, 1), volume_content(5000, 7));
  EXPECT_EQ(cartridge->open_image(2).error().code, ErrorCode::kInvalidArgument);
  (void)take(cartridge->demount());
}

// A file that the catalogue does not know is written over: its image was never counted.
TEST_P(Sequence, T4_WhatTheCatalogueDoesNotKnowIsWrittenOver) {
  filled(3);
  auto trace = back.trace();
  const auto cartridge = take(station().mount_for_append(wanted(), 2, trace));
  ASSERT_TRUE(write_volume(*cartridge, volume_content(1000, 8)));
  EXPECT_EQ(read_volume(*cartridge, 2), volume_content(1000, 8));
  EXPECT_FALSE(cartridge->open_image(3));
  (void)take(cartridge->demount());
}

INSTANTIATE_TEST_SUITE_P(
    Drives, Sequence,
    ::testing::Values(Kind{"lto_encrypted", BackEnd::kLtoDrive, "A00001L9", TapeEncryption::kIdentified},
                      Kind{"lto_clear", BackEnd::kLtoDrive, "A00001L9", TapeEncryption::kClear},
                      Kind{"enterprise_encrypted", BackEnd::k3592Drive, "J00001", TapeEncryption::kWrapped},
                      Kind{"enterprise_clear", BackEnd::k3592Drive, "J00001", TapeEncryption::kClear}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace tapewarden::engine::test
