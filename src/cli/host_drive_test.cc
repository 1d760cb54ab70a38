// The host command over a virtual drive; the way to it is local or not as the test says.
#include "cli/host_drive.h"

#include <functional>
#include <gtest/gtest.h>
#include <map>

#include "cli/host_keys.h"
#include "cli/host_tape.h"
#include "tape/device/drive_test_kit.h"

namespace tapewarden::cli {
namespace {

using tape::test::Bench;

class Way final : public tape::Transport {
 public:
  Way(scsi::LogicalUnit& unit, bool local) : inner_(unit, tape::test::kOtherHost), local_(local) {}
  Result<tape::TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                        std::chrono::milliseconds timeout) override {
    return inner_.execute(cdb, data_out, data_in_limit, timeout);
  }
  bool on_local_bus() const override { return local_; }

 private:
  tape::InProcessTransport inner_;
  bool local_;
};

// A drive that answers some commands as the test says.
class Interposed final : public scsi::LogicalUnit {
 public:
  using Answer = std::function<std::optional<scsi::Response>(const scsi::Command& command)>;
  Interposed(scsi::LogicalUnit& unit, Answer answer) : unit_(unit), answer_(std::move(answer)) {}
  scsi::Response execute(const scsi::Command& command) override {
    if (auto response = answer_(command)) return *std::move(response);
    return unit_.execute(command);
  }
  void nexus_lost(scsi::NexusId nexus) override { unit_.nexus_lost(nexus); }
  void reset() override { unit_.reset(); }

 private:
  scsi::LogicalUnit& unit_;
  Answer answer_;
};

bool has_opcode(const scsi::Command& command, scsi::Opcode opcode) {
  return command.cdb[0] == static_cast<std::uint8_t>(opcode);
}
bool sets_encryption(const scsi::Command& command) {
  return has_opcode(command, scsi::Opcode::kSecurityProtocolOut);
}
bool asks_of_encryption(const scsi::Command& command) {
  return has_opcode(command, scsi::Opcode::kSecurityProtocolIn);
}

std::unique_ptr<HostDrive> host_of(Bench& bench, bool local = true) {
  return HostDrive::over(std::make_unique<Way>(*bench.drive, local)).value();
}

std::map<std::string, std::string, std::less<>> shown(Bench& bench, bool local = true) {
  std::map<std::string, std::string, std::less<>> out;
  for (auto& fact : facts_of(*host_of(bench, local))) out.emplace(fact.name, fact.value);
  return out;
}

TEST(HostDrive, D5_ShowTellsWhatTheDriveIsAndHas) {
  Bench bench;
  auto facts = shown(bench);
  EXPECT_EQ(facts.at("drive"), "TAPEWARD VIRTUAL LTO 0001");
  EXPECT_EQ(facts.at("serial"), "10WT012345");
  EXPECT_EQ(facts.at("connection"), "local bus");
  EXPECT_EQ(facts.at("position"), "object 0, file 0");
  EXPECT_EQ(facts.at("algorithms"), "1: AES-256-GCM, A-KAD up to 60 bytes, U-KAD up to 32");
  EXPECT_EQ(facts.at("key_formats"), "plain (00h), wrapped (02h)");
  EXPECT_EQ(facts.at("managed_by"), "the host");
  EXPECT_EQ(facts.at("encryption"), "off");
  EXPECT_EQ(facts.at("next_block"), "not known now: end of data, or not read yet");

  const Bytes key = tape::test::key_bytes(1);
  EXPECT_GOOD(bench.set_encryption(tape::test::encrypting(key)));
  EXPECT_GOOD(bench.write(tape::test::block(1)));
  EXPECT_GOOD(bench.rewind());
  facts = shown(bench, false);
  EXPECT_EQ(facts.at("connection"), "network");
  EXPECT_EQ(facts.at("encryption"), "on");
  EXPECT_EQ(facts.at("decryption"), "on, clear blocks too");
  EXPECT_EQ(facts.at("key"), "for all initiators, instance 1, U-KAD tape of the test, A-KAD ABC123456789");
  EXPECT_EQ(facts.at("next_block"),
            "encrypted, the drive has its key, U-KAD tape of the test, A-KAD ABC123456789");
  EXPECT_EQ(bench.object(), 0U) << "nothing was moved";
  for (const auto& [name, value] : facts)
    EXPECT_EQ(value.find(to_hex(ByteView(key).first(4))), std::string::npos) << name;
}

TEST(HostDrive, D5_ShowOfADriveWithoutCartridge) {
  Bench bench;
  static_cast<void>(bench.drive->eject().value());
  const auto facts = shown(bench);
  EXPECT_EQ(facts.at("cartridge"), "none");
  EXPECT_EQ(facts.at("next_block"), "the drive cannot tell");
}

TEST(HostDrive, D5_ADriveThatOthersManageIsLeftAlone) {
  Bench library({.management = tape::KeyManagement::kLibrary});
  EXPECT_EQ(shown(library).at("managed_by"), "the library");
  EXPECT_EQ(check_host_manages(host_of(library)->tape()).error().code, ErrorCode::kConflict);
  Bench none({.management = tape::KeyManagement::kNone});
  EXPECT_EQ(check_host_manages(host_of(none)->tape()).error().code, ErrorCode::kConflict);
  Bench own;
  EXPECT_TRUE(check_host_manages(host_of(own)->tape()).has_value());
}

TEST(HostDrive, D5_TheTapesKeyIsFoundBehindLabelsInClear) {
  Bench bench;
  EXPECT_GOOD(bench.write(tape::test::block(0, 80)));
  EXPECT_GOOD(bench.filemarks());
  const Bytes key = tape::test::key_bytes(1);
  EXPECT_GOOD(bench.set_encryption(tape::test::encrypting(key)));
  EXPECT_GOOD(bench.write(tape::test::block(1)));
  EXPECT_GOOD(bench.filemarks());
  EXPECT_GOOD(bench.set_encryption(tape::test::no_encryption()));
  const auto host = host_of(bench);
  const auto found = to_first_encrypted_block(host->tape());
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(found->logical_object, 2U);
  const auto* name = scsi::find_kad(found->kads, scsi::KadKind::kAuthenticated);
  ASSERT_NE(name, nullptr);
  EXPECT_EQ(shown_descriptor(*name), "A-KAD ABC123456789");
}

TEST(HostDrive, D5_AClearOrEmptyTapeNamesNoKey) {
  Bench bench;
  EXPECT_EQ(to_first_encrypted_block(host_of(bench)->tape()).error().code, ErrorCode::kNotFound);
  for (int i = 0; i < 3; ++i) {
    EXPECT_GOOD(bench.write(tape::test::block(1)));
    EXPECT_GOOD(bench.filemarks());
  }
  EXPECT_EQ(to_first_encrypted_block(host_of(bench)->tape()).error().code, ErrorCode::kNotFound);
}

TEST(HostDrive, D5_ADriveThatTookAKeyAndDoesNotUseItIsFoundOut) {
  using keyproxy::HostIntent;
  Bench bench;
  const auto host = host_of(bench);
  const auto fault_of = [&](HostIntent intent) {
    EXPECT_TRUE(host->tape().drain_attentions());  // that another has changed the modes
    const auto checked = check_given_key(host->tape(), intent);
    return checked ? std::nullopt : std::optional(checked.error().code);
  };
  EXPECT_EQ(fault_of(HostIntent::kWriteFromBeginning), ErrorCode::kInternal) << "it would write in clear";
  EXPECT_EQ(fault_of(HostIntent::kAppend), ErrorCode::kInternal);
  EXPECT_EQ(fault_of(HostIntent::kRead), std::nullopt);

  EXPECT_GOOD(bench.set_encryption(tape::test::encrypting(tape::test::key_bytes(1))));
  EXPECT_EQ(fault_of(HostIntent::kRead), ErrorCode::kInternal) << "it would write with a key for reading";
  EXPECT_EQ(fault_of(HostIntent::kWriteFromBeginning), std::nullopt);
  EXPECT_GOOD(bench.write(tape::test::block(1)));
  EXPECT_GOOD(bench.rewind());
  EXPECT_EQ(fault_of(HostIntent::kAppend), std::nullopt);

  EXPECT_GOOD(bench.set_encryption(tape::test::encrypting(tape::test::key_bytes(2))));
  EXPECT_EQ(fault_of(HostIntent::kAppend), ErrorCode::kWrongKey);
  EXPECT_EQ(fault_of(HostIntent::kWriteFromBeginning), std::nullopt) << "what is there is written over";
  auto reading = tape::test::encrypting(tape::test::key_bytes(2));
  reading.encryption = scsi::EncryptionMode::kDisable;
  EXPECT_GOOD(bench.set_encryption(reading));
  EXPECT_EQ(fault_of(HostIntent::kRead), ErrorCode::kWrongKey);
}

TEST(HostDrive, D5_ADriveThatDoesNotTellOfItsKeyIsNotTrustedWithOne) {
  Bench bench;
  Interposed silent(*bench.drive, [](const scsi::Command& command) -> std::optional<scsi::Response> {
    if (!asks_of_encryption(command)) return {};
    return scsi::check_condition({.code = tape::test::codes::kInvalidOpcode});
  });
  const auto host = HostDrive::over(std::make_unique<Way>(silent, true)).value();
  EXPECT_FALSE(check_given_key(host->tape(), keyproxy::HostIntent::kRead));
}

// A tape that `tapewarden tape` has open, on a drive that answers as `answer` says.
class HostTapeTest : public ::testing::Test {
 protected:
  HostTapeTest() { EXPECT_GOOD(bench_.set_encryption(tape::test::encrypting(tape::test::key_bytes(1)))); }
  Status clear_key(Interposed::Answer answer) {
    Interposed unit(*bench_.drive, std::move(answer));
    Context context;
    context.env = bench_.sim.env();
    const Values values;
    auto host = HostTape::over(context, values, HostDrive::over(std::make_unique<Way>(unit, true)).value());
    EXPECT_TRUE(host) << host.error().text();
    return (*host)->clear_key();
  }
  scsi::EncryptionMode mode() { return host_of(bench_)->tape().encryption_status()->encryption; }
  static scsi::Response refused() {
    return scsi::check_condition({.code = tape::test::codes::kInvalidOpcode});
  }
  Bench bench_;
};

TEST_F(HostTapeTest, D5_TheKeyIsTakenFromTheDriveAtTheEnd) {
  const auto cleared = clear_key([](const scsi::Command&) { return std::nullopt; });
  EXPECT_TRUE(cleared) << cleared.error().text();
  EXPECT_EQ(mode(), scsi::EncryptionMode::kDisable);
}

TEST_F(HostTapeTest, D5_NobodyTakesTheCartridgeWhileATapeIsOpen) {
  {
    Context context;
    context.env = bench_.sim.env();
    const Values values;
    const auto host =
        HostTape::over(context, values, HostDrive::over(std::make_unique<Way>(*bench_.drive, true)).value());
    ASSERT_TRUE(host) << host.error().text();
    EXPECT_EQ(bench_.drive->eject().error().code, ErrorCode::kConflict);
  }
  EXPECT_TRUE(bench_.drive->eject());
}

TEST_F(HostTapeTest, D5_ADriveThatKnowsNoEncryptionHasNoKeyToTake) {
  EXPECT_TRUE(clear_key([](const scsi::Command& command) {
    return sets_encryption(command) || asks_of_encryption(command) ? std::optional(refused()) : std::nullopt;
  }));
}

TEST_F(HostTapeTest, D5_ADriveThatKeepsItsKeyIsToldOf) {
  const auto kept = clear_key([](const scsi::Command& command) {
    return sets_encryption(command) ? std::optional(refused()) : std::nullopt;
  });
  EXPECT_FALSE(kept) << "it still encrypts";
  EXPECT_EQ(mode(), scsi::EncryptionMode::kEncrypt);
  EXPECT_GOOD(bench_.set_encryption(tape::test::no_encryption()));
  EXPECT_TRUE(clear_key([](const scsi::Command& command) {
    return sets_encryption(command) ? std::optional(refused()) : std::nullopt;
  })) << "there is nothing to take";
}

TEST_F(HostTapeTest, D5_AFaultIsNoSignThatThereIsNoKey) {
  EXPECT_FALSE(clear_key([](const scsi::Command& command) -> std::optional<scsi::Response> {
    if (!sets_encryption(command) && !asks_of_encryption(command)) return {};
    return scsi::check_condition({.code = tape::test::codes::kInternalTargetFailure});
  }));
}

TEST(HostDrive, D5_DescriptorsAreShownAsAliasTextOrDigits) {
  const auto text_of = [](scsi::KadKind kind, Bytes value) {
    return shown_descriptor({.kind = kind, .value = std::move(value)});
  };
  EXPECT_EQ(text_of(scsi::KadKind::kAuthenticated, {'A', 'B', 'C', 0, 0, 0, 0, 0, 0, 0, 1, 0x2f}),
            "A-KAD ABC00000000000000012F");
  EXPECT_EQ(text_of(scsi::KadKind::kUnauthenticated, to_bytes("month of march")), "U-KAD month of march");
  EXPECT_EQ(text_of(scsi::KadKind::kUnauthenticated, {0x1b, '[', '2'}), "U-KAD 1b5b32");
}

}  // namespace
}  // namespace tapewarden::cli
