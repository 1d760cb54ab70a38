// The typed tape API against virtual drives in this process.
#include "tape/initiator/tape_drive.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "tape/device/fake_key_server.h"

namespace tapewarden::tape::test {
namespace {

// A drive with the API on it; the bench's own nexus is settled, this one begins with its unit attentions.
struct Api {
  explicit Api(Bench& bench, scsi::NexusId nexus = scsi::NexusId{50})
      : transport(*bench.drive, nexus), tape(transport) {}
  InProcessTransport transport;
  TapeDrive tape;
};

template <typename T>
T ok(TapeResult<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}
void ok(const TapeStatus& status) {
  if (!status) throw std::runtime_error(status.error().text());
}
template <typename T>
TapeFault fault(const TapeResult<T>& result) {
  return result ? TapeFault::kOther : result.error().fault;
}

TEST(TapeDrive, D3_AttentionsAreDrainedNotSwallowed) {
  Bench bench;
  Api api(bench);
  EXPECT_EQ(fault(api.tape.rewind()), TapeFault::kUnitAttention);
  bench.drive->reset();
  EXPECT_EQ(ok(api.tape.drain_attentions()), (std::vector<scsi::SenseCode>{codes::kBusDeviceReset}));
  ok(api.tape.rewind());
}

TEST(TapeDrive, D3_WhoItIs) {
  Bench bench;
  Api api(bench);
  ok(api.tape.drain_attentions());
  EXPECT_EQ(ok(api.tape.inquiry()).product, "VIRTUAL LTO");
  EXPECT_EQ(ok(api.tape.serial_number()), "10WT012345");
  EXPECT_EQ(ok(api.tape.designators()).size(), 2U);
  EXPECT_EQ(ok(api.tape.block_limits()).maximum, 0xffffffU);
  EXPECT_EQ(ok(api.tape.encryption_method()), scsi::EncryptionMethod::kApplication);
  EXPECT_EQ(ok(api.tape.certificate()), Site::get().lto->certificate().der());
}

TEST(TapeDrive, D3_BlocksMarksAndMotion) {
  Bench bench;
  Api api(bench);
  auto& tape = api.tape;
  ok(tape.drain_attentions());
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_FALSE(ok(tape.write_block(block(i))).early_warning);
  ok(tape.write_filemarks(1));
  ok(tape.write_block(block(3, 5000)));
  ok(tape.sync());
  ok(tape.rewind());
  auto read = ok(tape.read_block(300));
  EXPECT_EQ(read.data, block(0));
  EXPECT_EQ(read.block_bytes, 300U);
  read = ok(tape.read_block(100));  // too small a buffer tells the block's length
  EXPECT_EQ(read.data.size(), 100U);
  EXPECT_EQ(read.block_bytes, 300U);
  read = ok(tape.read_block(4000));
  EXPECT_EQ(read.data, block(2));
  EXPECT_EQ(read.block_bytes, 300U);
  EXPECT_EQ(ok(tape.read_block(100)).kind, ReadOutcome::Kind::kFilemark);
  EXPECT_EQ(ok(tape.read_block(5000)).data, block(3, 5000));
  EXPECT_EQ(ok(tape.read_block(100)).kind, ReadOutcome::Kind::kEndOfData);
  const auto position = ok(tape.position());
  EXPECT_EQ(position.logical_object, 5U);
  EXPECT_EQ(position.file_number, 1U);
  auto space = ok(tape.space_blocks(-10));
  EXPECT_EQ(space.stop, SpaceOutcome::Stop::kFilemark);
  EXPECT_EQ(space.moved, 1U);
  space = ok(tape.space_blocks(-10));
  EXPECT_EQ(space.stop, SpaceOutcome::Stop::kBeginningOfTape);
  EXPECT_EQ(space.moved, 3U);
  space = ok(tape.space_filemarks(4));
  EXPECT_EQ(space.stop, SpaceOutcome::Stop::kEndOfData);
  EXPECT_EQ(space.moved, 1U);
  ok(tape.locate(2));
  EXPECT_EQ(ok(tape.space_blocks(1)).moved, 1U);
  EXPECT_EQ(fault(tape.locate(99)), TapeFault::kEndOfData);
  ok(tape.locate_file(1));
  EXPECT_EQ(ok(tape.position()).logical_object, 4U);
  ok(tape.erase());
  EXPECT_EQ(ok(tape.read_block(100)).kind, ReadOutcome::Kind::kEndOfData);
  ok(tape.to_end_of_data());
  EXPECT_EQ(ok(tape.position()).logical_object, 4U);
}

TEST(TapeDrive, D3_FixedBlocks) {
  Bench bench;
  Api api(bench);
  auto& tape = api.tape;
  ok(tape.drain_attentions());
  ok(tape.set_block_length(100));
  ok(tape.write_fixed(block(1, 500), 100));
  ok(tape.write_filemarks(1));
  ok(tape.rewind());
  EXPECT_EQ(ok(tape.read_fixed(5, 100)).data, block(1, 500));
  ok(tape.rewind());
  const auto read = ok(tape.read_fixed(9, 100));
  EXPECT_EQ(read.kind, ReadOutcome::Kind::kFilemark);
  EXPECT_EQ(read.data.size(), 500U);
  ok(tape.rewind());
  ok(tape.set_block_length(60));
  const auto wrong = ok(tape.read_fixed(2, 60));
  EXPECT_TRUE(wrong.incorrect_length);
  EXPECT_EQ(wrong.data.size(), 60U);
  ok(tape.set_block_length(0));
  EXPECT_EQ(fault(tape.read_fixed(1, 100)), TapeFault::kIllegalRequest);
}

TEST(TapeDrive, D3_EarlyWarningAndFullVolume) {
  Bench bench({}, MediumKind::kLto, nullptr, 1U << 20U, 512U << 10U);
  Api api(bench);
  ok(api.tape.drain_attentions());
  unsigned warned = 0;
  TapeResult<WriteOutcome> last;
  while ((last = api.tape.write_block(block(1, 50'000)))) warned += last->early_warning ? 1U : 0U;
  EXPECT_GT(warned, 1U);
  EXPECT_EQ(last.error().fault, TapeFault::kVolumeFull);
  EXPECT_EQ(last.error().sense.information, 50'000);
  EXPECT_EQ(last.error().error().code, ErrorCode::kExhausted);
  EXPECT_EQ(last.error().error().detail, codes::kVolumeFull.packed());
}

TEST(TapeDrive, D3_PartitionsAreMadeAndReached) {
  Bench bench;
  Api api(bench);
  auto& tape = api.tape;
  ok(tape.drain_attentions());
  EXPECT_EQ(fault(tape.locate_in(1, 0)), TapeFault::kIllegalRequest);
  ok(tape.ask_for_partitions(10, 0xffff, 6));
  ok(tape.format(TapeDrive::Layout::kAsPageSays));
  ok(tape.write_block(block(1)));
  ok(tape.locate_in(1, 0));
  ok(tape.write_block(block(2)));
  EXPECT_EQ(ok(tape.position()).partition, 1);
  ok(tape.set_attribute({0x080c, false, 0, to_bytes("second")}, 1));
  ok(tape.locate_in(0, 0));
  EXPECT_EQ(ok(tape.read_block(4096)).data, block(1));
  EXPECT_EQ(fault(tape.attributes(0x080c)), TapeFault::kIllegalRequest) << "not of the first";
  EXPECT_EQ(ok(tape.attributes(0x080c, 1)).at(0).value, to_bytes("second"));
  ok(tape.rewind());
  ok(tape.format(TapeDrive::Layout::kOnePartition));
  EXPECT_EQ(fault(tape.locate_in(1, 0)), TapeFault::kIllegalRequest);
  Bench worm({}, MediumKind::kLto, nullptr, 64U << 20U, 0, true);
  Api write_once(worm);
  ok(write_once.tape.drain_attentions());
  EXPECT_EQ(fault(write_once.tape.ask_for_partitions(10, 0xffff, 6)), TapeFault::kIllegalRequest);
}

TEST(TapeDrive, D3_ModesLogsAttributes) {
  Bench bench;
  Api api(bench);
  auto& tape = api.tape;
  ok(tape.drain_attentions());
  ok(tape.set_compression(false));
  const auto modes = ok(tape.mode_sense(scsi::mode_page::kAll));
  EXPECT_FALSE(scsi::DataCompressionPage::decode(*modes.find(scsi::mode_page::kDataCompression))->enabled);
  EXPECT_EQ(ok(tape.log_page(scsi::log_page::kTapeAlert)).parameters.size(), 64U);
  ok(tape.set_attribute({0x0806, false, 1, to_bytes("ABC001")}));
  EXPECT_EQ(ok(tape.attributes(0x0806)).at(0).value, to_bytes("ABC001"));
  EXPECT_EQ(fault(tape.set_attribute({0x0400, false, 1, to_bytes("X")})), TapeFault::kIllegalRequest);
  EXPECT_EQ(fault(tape.mode_sense(0x1f)), TapeFault::kIllegalRequest);
  EXPECT_EQ(fault(tape.log_page(0x20)), TapeFault::kIllegalRequest);
}

TEST(TapeDrive, D3_LoadReservePrevent) {
  Bench bench;
  Api api(bench);
  Api other(bench, scsi::NexusId{51});
  ok(api.tape.drain_attentions());
  ok(other.tape.drain_attentions());
  ok(api.tape.reserve());
  EXPECT_EQ(fault(other.tape.rewind()), TapeFault::kReserved);
  ok(api.tape.release());
  ok(other.tape.prevent_removal(true));
  EXPECT_EQ(fault(api.tape.unload()), TapeFault::kIllegalRequest);
  ok(other.tape.prevent_removal(false));
  ok(api.tape.unload());
  const auto empty = api.tape.test_ready();
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().fault, TapeFault::kNoCartridge);
  EXPECT_TRUE(empty.error().error().remedy.starts_with("load a cartridge"));
  ok(api.tape.load());
  EXPECT_EQ(fault(api.tape.test_ready()), TapeFault::kUnitAttention);
  ok(api.tape.test_ready());
}

TEST(TapeDrive, D3_ApplicationManagedEncryption) {
  Bench bench;
  Api api(bench);
  auto& tape = api.tape;
  ok(tape.drain_attentions());
  const auto key = key_bytes(1);
  ok(tape.set_encryption(encrypting(key)));
  EXPECT_EQ(ok(tape.encryption_status()).encryption, scsi::EncryptionMode::kEncrypt);
  EXPECT_EQ(ok(tape.encryption_capabilities()).algorithms.size(), 1U);
  EXPECT_EQ(ok(tape.key_formats()).size(), 2U);
  ok(tape.write_block(block(1)));
  ok(tape.rewind());
  EXPECT_EQ(ok(tape.next_block_status()).status, scsi::BlockStatus::kReadable);
  const auto other = key_bytes(2);
  ok(tape.set_encryption(encrypting(other)));
  EXPECT_EQ(fault(tape.read_block(1000)), TapeFault::kWrongKey);
  ok(tape.set_encryption(no_encryption()));
  EXPECT_EQ(fault(tape.read_block(1000)), TapeFault::kNoKey);
  // The key wrapped to the drive, as it goes over a network.
  const auto page = ok(tape.wrapping_key());
  const auto wrapping = crypto::PublicKey::from_spki(page.key).value();
  const auto wrapped =
      scsi::WrappedKey{.wrapped = wrapping.wrap(crypto::SecretBytes::copy_of(key)).value()}.encode();
  auto set = encrypting(wrapped);
  set.key_format = scsi::KeyFormat::kWrapped;
  ok(tape.set_encryption(set));
  EXPECT_EQ(ok(tape.read_block(1000)).data, block(1));
}

// Everything as in process, but on a network.
struct RemoteTransport final : Transport {
  explicit RemoteTransport(Transport& inner_transport) : inner(inner_transport) {}
  Result<TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t limit,
                                  std::chrono::milliseconds timeout) override {
    ++commands;
    if (broken) return fail(ErrorCode::kTimeout, "no answer");
    auto answer = inner.execute(cdb, data_out, limit, timeout);
    if (answer && cut && answer->data_in.size() > cut) answer->data_in.resize(cut);
    if (answer && pads && !answer->data_in.empty()) answer->data_in.resize(limit);
    return answer;
  }
  bool on_local_bus() const override { return false; }
  Transport& inner;
  unsigned commands = 0;
  bool broken = false;
  std::size_t cut = 0;
  bool pads = false;  // hands over its whole buffer, as an adapter does that counts no residual
};

TEST(TapeDrive, D3_PlainKeyStaysOnTheLocalBusUnlessOverridden) {
  Bench bench;
  Api api(bench);
  ok(api.tape.drain_attentions());
  RemoteTransport remote(api.transport);
  TapeDrive tape(remote);
  const auto key = key_bytes(1);
  EXPECT_EQ(fault(tape.set_encryption(encrypting(key))), TapeFault::kEncryptionRefused);
  EXPECT_EQ(remote.commands, 0U);
  ok(tape.set_encryption(no_encryption()));
  ok(tape.set_encryption(encrypting(key), true));
}

TEST(TapeDrive, D3_ABlockEndsWhereItEndsWhateverTheAdapterHandsOver) {
  Bench bench;
  Api api(bench);
  ok(api.tape.drain_attentions());
  ok(api.tape.write_block(block(1)));
  ok(api.tape.rewind());
  RemoteTransport remote(api.transport);
  remote.pads = true;
  TapeDrive tape(remote);
  const auto read = tape.read_block(1U << 20);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->block_bytes, block(1).size());
  EXPECT_EQ(read->data, block(1));
}

TEST(TapeDrive, D3_TransportFaultsAndNonsenseAreErrors) {
  Bench bench;
  Api api(bench);
  ok(api.tape.drain_attentions());
  RemoteTransport remote(api.transport);
  TapeDrive tape(remote);
  remote.cut = 3;
  EXPECT_EQ(fault(tape.position()), TapeFault::kTransport);
  EXPECT_EQ(fault(tape.inquiry()), TapeFault::kTransport);
  EXPECT_EQ(fault(tape.mode_sense(0)), TapeFault::kTransport);
  EXPECT_EQ(fault(tape.encryption_status()), TapeFault::kTransport);
  EXPECT_EQ(fault(tape.block_limits()), TapeFault::kTransport);
  EXPECT_EQ(fault(tape.attributes()), TapeFault::kTransport);
  remote.broken = true;
  const auto lost = tape.write_block(block(1));
  EXPECT_EQ(lost.error().fault, TapeFault::kTransport);
  EXPECT_EQ(lost.error().error().code, ErrorCode::kTimeout);
  EXPECT_NE(lost.error().text().find("WRITE(6)"), std::string::npos);
  EXPECT_EQ(fault(tape.drain_attentions()), TapeFault::kTransport);
}

// Has more attributes than one command carries.
class ManyAttributes final : public Transport {
 public:
  Result<TransportAnswer> execute(ByteView cdb, ByteView, std::size_t limit,
                                  std::chrono::milliseconds) override {
    const auto asked = scsi::ReadAttribute::decode(cdb).value();
    largest = std::max(largest, limit);
    ++commands;
    // As strict drives do: nothing is told from an attribute on that is not there.
    if (asked.first_attribute != 0 &&
        std::ranges::find(attributes, asked.first_attribute, &scsi::MediumAttribute::id) == attributes.end())
      return TransportAnswer{.status = scsi::ScsiStatus::kCheckCondition,
                             .sense = {.code = codes::kInvalidFieldInCdb}};
    std::vector<scsi::MediumAttribute> list;
    for (const auto& attribute : attributes)
      if (attribute.id >= asked.first_attribute || stubborn) list.push_back(attribute);
    auto data = scsi::encode_attributes(list);
    data.resize(std::min({data.size(), limit, std::size_t{asked.allocation_length}}));
    return TransportAnswer{.data_in = std::move(data)};
  }
  bool on_local_bus() const override { return true; }

  std::vector<scsi::MediumAttribute> attributes;
  bool stubborn = false;  // begins from the first one again and again
  std::size_t largest = 0;
  int commands = 0;
};

TEST(TapeDrive, D3_AttributesComeInPagesThatEveryAdapterCarries) {
  ManyAttributes device;
  for (std::uint16_t i = 0; i < 50; ++i)
    device.attributes.push_back({static_cast<std::uint16_t>(0x0800 + 3 * i), false, 0, Bytes(4000, 7)});
  device.attributes.push_back({0xffff, false, 0, Bytes(60'000, 8)});
  TapeDrive tape(device);
  EXPECT_EQ(ok(tape.attributes()), device.attributes);
  EXPECT_LE(device.largest, 64U << 10);
  EXPECT_EQ(device.commands, 5);
  device.commands = 0;
  EXPECT_EQ(ok(tape.attributes(0xffff)).size(), 1U);
  EXPECT_EQ(device.commands, 1);
  device.stubborn = true;
  EXPECT_EQ(fault(tape.attributes()), TapeFault::kTransport) << "no endless loop";
  device.stubborn = false;
  device.attributes = {{0x0001, false, 0, Bytes(65'535, 1)}};
  EXPECT_EQ(fault(tape.attributes()), TapeFault::kTransport) << "none fits";
}

TEST(TapeDrive, D2_KeyPathThroughTheApi) {
  ManagedBench bench(MediumKind::k3592, KeyManagement::kSystem, false);
  Api api(bench);
  auto& tape = api.tape;
  ok(tape.drain_attentions());
  EXPECT_EQ(ok(tape.encryption_method()), scsi::EncryptionMethod::kSystem);
  ok(tape.set_write_policy({true, {{"Finance", scsi::LabelModeCode::kHash}}, {}}));
  EXPECT_TRUE(ok(tape.write_policy()).encrypt);
  EXPECT_EQ(fault(tape.write_block(block(1))), TapeFault::kKeyGenerationNeeded);
  const auto asked = ok(tape.key_request());
  ok(tape.send_refusal({asked.request, scsi::KeyRefusal::kTimeout, 0}));
  EXPECT_EQ(fault(tape.write_block(block(1))), TapeFault::kKeyServiceFailed);
  EXPECT_EQ(fault(tape.write_block(block(1))), TapeFault::kKeyGenerationNeeded);
  const auto again = ok(tape.key_request());
  ok(tape.send_challenge(bench.server.challenge(again.request)));
  const auto message = ok(tape.signed_request());
  EXPECT_EQ(fault(tape.send_answer({again.request, Bytes(20)})), TapeFault::kIllegalRequest);
  ok(tape.send_answer({again.request, bench.server.answer(again, message.message)}));
  EXPECT_EQ(ok(tape.key_path_status()).state, scsi::KeyPathState::kKeyed);
  ok(tape.write_block(block(1)));
  ok(tape.unload());
  ok(tape.load());
  ok(tape.drain_attentions());
  EXPECT_EQ(fault(tape.read_block(1000)), TapeFault::kKeyTranslationNeeded);
}

TEST(TapeError, D3_EveryFaultHasANameAndKeepsItsSense) {
  for (int i = 0; i <= static_cast<int>(TapeFault::kOther); ++i)
    EXPECT_FALSE(to_string(static_cast<TapeFault>(i)).empty());
  const auto fault_of = [](scsi::SenseCode code) {
    return tape_error(scsi::ScsiStatus::kCheckCondition, {.code = code}, "READ(6)").fault;
  };
  EXPECT_EQ(fault_of(codes::kIntegrityFailed), TapeFault::kTampered);
  EXPECT_EQ(fault_of(codes::kKeyNotFound), TapeFault::kKeyServiceFailed);
  EXPECT_EQ(fault_of(codes::kConfigurationPrevented), TapeFault::kEncryptionRefused);
  EXPECT_EQ(fault_of(codes::kUnrecoveredReadError), TapeFault::kMediumError);
  EXPECT_EQ(fault_of(codes::kInternalTargetFailure), TapeFault::kHardwareError);
  EXPECT_EQ(fault_of(codes::kInvalidOpcode), TapeFault::kIllegalRequest);
  EXPECT_EQ(fault_of(codes::kWormOverwrite), TapeFault::kWriteProtected);
  EXPECT_EQ(fault_of(codes::kTransferTooShort), TapeFault::kOther);
  const auto error =
      tape_error(scsi::ScsiStatus::kCheckCondition, {.code = codes::kIncorrectKey}, "READ(6)").error();
  EXPECT_EQ(error.code, ErrorCode::kWrongKey);
  EXPECT_EQ(error.detail, 0x077403U);
  EXPECT_EQ(tape_error(scsi::ScsiStatus::kBusy, {}, "X").fault, TapeFault::kBusy);
}

}  // namespace
}  // namespace tapewarden::tape::test
