// Identity, parameters, attributes and the pages of the security protocols.
#include "tape/initiator/command_name.h"
#include "tape/initiator/tape_drive.h"

namespace tapewarden::tape {
namespace {

namespace protocol = scsi::security_protocol;
namespace path = scsi::key_path;

constexpr std::uint16_t kInquiryLimit = 1024;
constexpr std::uint16_t kModeLimit = 4096;
constexpr std::uint16_t kLogLimit = 0xffff;
// What every host adapter carries in one command; more comes in pages.
constexpr std::uint32_t kAttributeLimit = 64U << 10;
constexpr std::size_t kMaxAttributesTaken = 4096;
constexpr std::uint32_t kPageLimit = 64U << 10;
constexpr std::uint16_t kCertificatePage = 0x0001;

// The value, or the error of a device whose answer does not parse.
template <typename T>
TapeResult<T> understood(Result<T> value, std::string_view command) {
  if (!value) return std::unexpected(malformed(std::move(value).error(), command));
  return *std::move(value);
}

constexpr std::string_view kSpin = "SECURITY PROTOCOL IN";
constexpr std::string_view kModeSense = "MODE SENSE(10)";

constexpr std::string_view kReadAttribute = "READ ATTRIBUTE";

std::unexpected<TapeError> attributes_out_of_order() {
  return std::unexpected(
      malformed(fail(ErrorCode::kCorrupt, "the attributes do not ascend, or never end", "attribute").error(),
                kReadAttribute));
}

std::unexpected<TapeError> page_missing() {
  return std::unexpected(
      malformed(fail(ErrorCode::kCorrupt, "the page is missing", "mode page").error(), kModeSense));
}

}  // namespace

TapeResult<scsi::StandardInquiry> TapeDrive::inquiry() {
  const auto data = TRY(fetch(scsi::Inquiry{.allocation_length = kInquiryLimit}.encode(), kInquiryLimit));
  return understood(scsi::StandardInquiry::decode(data), "INQUIRY");
}

TapeResult<Bytes> TapeDrive::vpd_content(std::uint8_t page) {
  const scsi::Inquiry cdb{.vital_product_data = true, .page = page, .allocation_length = kInquiryLimit};
  const auto data = TRY(fetch(cdb.encode(), kInquiryLimit));
  return to_bytes(TRY(understood(scsi::vpd_page_content(data, page), "INQUIRY")));
}

TapeResult<std::string> TapeDrive::serial_number() {
  const auto content = TRY(vpd_content(scsi::vpd::kUnitSerialNumber));
  return std::string(as_text(content));
}

TapeResult<std::vector<scsi::Designator>> TapeDrive::designators() {
  return understood(scsi::decode_designators(TRY(vpd_content(scsi::vpd::kDeviceIdentification))), "INQUIRY");
}

TapeResult<scsi::BlockLimits> TapeDrive::block_limits() {
  constexpr std::size_t kBytes = 6;
  const auto data = TRY(fetch(scsi::plain_cdb(scsi::Opcode::kReadBlockLimits), kBytes));
  return understood(scsi::BlockLimits::decode(data), "READ BLOCK LIMITS");
}

TapeResult<scsi::ModeParameters> TapeDrive::mode_sense(std::uint8_t page) {
  const scsi::ModeSense cdb{.ten = true, .page = page, .allocation_length = kModeLimit};
  return understood(scsi::ModeParameters::decode(TRY(fetch(cdb.encode(), kModeLimit)), true), kModeSense);
}

TapeStatus TapeDrive::mode_select(const scsi::ModeParameters& parameters) {
  auto list = parameters.encode(true);
  // Mode data length is reserved in what is sent.
  list.at(0) = 0;
  list.at(1) = 0;
  const auto cdb =
      scsi::ModeSelect{.ten = true, .parameter_length = static_cast<std::uint16_t>(list.size())}.encode();
  const auto answer = TRY(run(cdb, list, 0, timeouts_.quick));
  if (answer.status != scsi::ScsiStatus::kGood)
    return std::unexpected(tape_error(answer.status, answer.sense, command_name(cdb)));
  return {};
}

TapeStatus TapeDrive::set_block_length(std::uint32_t bytes) {
  auto parameters = TRY(mode_sense(scsi::mode_page::kVendor));
  parameters.write_protected = false;
  parameters.pages.clear();
  parameters.descriptor = scsi::BlockDescriptor{0, 0, bytes};
  return mode_select(parameters);
}

TapeStatus TapeDrive::set_compression(bool enabled) {
  auto parameters = TRY(mode_sense(scsi::mode_page::kDataCompression));
  const auto* page = parameters.find(scsi::mode_page::kDataCompression);
  if (page == nullptr) return page_missing();
  auto compression = TRY(understood(scsi::DataCompressionPage::decode(*page), kModeSense));
  compression.enabled = enabled;
  parameters.write_protected = false;
  parameters.pages = {compression.encode()};
  return mode_select(parameters);
}

TapeResult<scsi::EncryptionMethod> TapeDrive::encryption_method() {
  const auto parameters = TRY(mode_sense(scsi::mode_page::kReadWriteControl));
  const auto* page = parameters.find(scsi::mode_page::kReadWriteControl);
  if (page == nullptr) return page_missing();
  return TRY(understood(scsi::ReadWriteControlPage::decode(*page), kModeSense)).method;
}

TapeResult<scsi::LogPage> TapeDrive::log_page(std::uint8_t code) {
  const auto data =
      TRY(fetch(scsi::LogSense{.page = code, .allocation_length = kLogLimit}.encode(), kLogLimit));
  return understood(scsi::LogPage::decode(data), "LOG SENSE");
}

// What did not fit is asked for from the last attribute that did, which comes again: of an identifier that
// does not exist, as the one behind it may be, a drive may refuse to tell anything.
TapeResult<std::vector<scsi::MediumAttribute>> TapeDrive::attributes(std::uint16_t first,
                                                                     std::uint8_t partition) {
  std::vector<scsi::MediumAttribute> all;
  while (true) {
    const bool again = !all.empty();
    const std::uint16_t from = again ? all.back().id : first;
    const scsi::ReadAttribute cdb{
        .partition = partition, .first_attribute = from, .allocation_length = kAttributeLimit};
    const auto data = TRY(fetch(cdb.encode(), kAttributeLimit));
    auto page = TRY(understood(scsi::decode_attribute_page(data), kReadAttribute));
    auto& found = page.attributes;
    if (again && !found.empty() && found.front().id == from) found.erase(found.begin());
    if (page.cut && found.empty()) return attributes_out_of_order();
    for (auto& attribute : found) {
      const bool ascends = all.empty() ? attribute.id >= first : attribute.id > all.back().id;
      if (!ascends || all.size() >= kMaxAttributesTaken) return attributes_out_of_order();
      all.push_back(std::move(attribute));
    }
    if (!page.cut) return all;
  }
}

TapeStatus TapeDrive::set_attribute(const scsi::MediumAttribute& attribute, std::uint8_t partition) {
  const auto list = scsi::encode_attributes({attribute});
  const auto cdb = scsi::WriteAttribute{.partition = partition,
                                        .parameter_length = static_cast<std::uint32_t>(list.size())}
                       .encode();
  const auto answer = TRY(run(cdb, list, 0, timeouts_.quick));
  if (answer.status != scsi::ScsiStatus::kGood)
    return std::unexpected(tape_error(answer.status, answer.sense, command_name(cdb)));
  return {};
}

TapeResult<Bytes> TapeDrive::spin(std::uint8_t protocol_code, std::uint16_t page, std::uint32_t limit) {
  return fetch(scsi::SecurityProtocolIn{protocol_code, page, limit}.encode(), limit);
}

TapeStatus TapeDrive::spout(std::uint8_t protocol_code, std::uint16_t page, ByteView parameters) {
  const auto cdb =
      scsi::SecurityProtocolOut{protocol_code, page, static_cast<std::uint32_t>(parameters.size())}.encode();
  const auto answer = TRY(run(cdb, parameters, 0, timeouts_.quick));
  if (answer.status != scsi::ScsiStatus::kGood)
    return std::unexpected(tape_error(answer.status, answer.sense, command_name(cdb)));
  return {};
}

TapeResult<scsi::EncryptionCapabilities> TapeDrive::encryption_capabilities() {
  const auto data = TRY(spin(protocol::kTapeEncryption, scsi::encryption_in::kCapabilities, kPageLimit));
  return understood(scsi::EncryptionCapabilities::decode(data), kSpin);
}

TapeResult<scsi::EncryptionStatus> TapeDrive::encryption_status() {
  const auto data = TRY(spin(protocol::kTapeEncryption, scsi::encryption_in::kStatus, kPageLimit));
  return understood(scsi::EncryptionStatus::decode(data), kSpin);
}

TapeResult<scsi::NextBlockStatus> TapeDrive::next_block_status() {
  const auto data = TRY(spin(protocol::kTapeEncryption, scsi::encryption_in::kNextBlock, kPageLimit));
  return understood(scsi::NextBlockStatus::decode(data), kSpin);
}

TapeResult<std::vector<scsi::KeyFormat>> TapeDrive::key_formats() {
  const auto data = TRY(spin(protocol::kTapeEncryption, scsi::encryption_in::kKeyFormats, kPageLimit));
  return understood(scsi::decode_key_formats(data), kSpin);
}

TapeResult<scsi::EncryptionManagement> TapeDrive::encryption_management() {
  const auto data = TRY(spin(protocol::kTapeEncryption, scsi::encryption_in::kManagement, kPageLimit));
  return understood(scsi::EncryptionManagement::decode(data), kSpin);
}

TapeResult<scsi::WrappingKeyPage> TapeDrive::wrapping_key() {
  const auto data = TRY(spin(protocol::kTapeEncryption, scsi::encryption_in::kWrappingKey, kPageLimit));
  return understood(scsi::WrappingKeyPage::decode(data), kSpin);
}

TapeResult<Bytes> TapeDrive::certificate() {
  const auto data = TRY(spin(protocol::kInformation, kCertificatePage, kPageLimit));
  return understood(scsi::decode_certificate_page(data), kSpin);
}

TapeStatus TapeDrive::set_encryption(const scsi::SetDataEncryption& page, bool allow_remote_plain_key) {
  const bool plain_key = page.key_format == scsi::KeyFormat::kPlain && !page.key.empty();
  if (plain_key && !transport_.on_local_bus() && !allow_remote_plain_key)
    return std::unexpected(
        TapeError{.fault = TapeFault::kEncryptionRefused,
                  .command = "SECURITY PROTOCOL OUT with a plain key beyond the local bus"});
  auto list = crypto::SecretBytes::zeros(page.encoded_size());
  page.encode_into(list.reveal_mutable());
  return spout(protocol::kTapeEncryption, scsi::encryption_out::kSetDataEncryption, list.reveal());
}

TapeResult<scsi::KeyRequestPage> TapeDrive::key_request() {
  return understood(
      scsi::KeyRequestPage::decode(TRY(spin(protocol::kKeyPath, path::kKeyRequest, kPageLimit))), kSpin);
}

TapeResult<scsi::KeyPathStatusPage> TapeDrive::key_path_status() {
  return understood(scsi::KeyPathStatusPage::decode(TRY(spin(protocol::kKeyPath, path::kStatus, kPageLimit))),
                    kSpin);
}

TapeResult<scsi::WritePolicyPage> TapeDrive::write_policy() {
  return understood(
      scsi::WritePolicyPage::decode(TRY(spin(protocol::kKeyPath, path::kWritePolicy, kPageLimit))), kSpin);
}

TapeStatus TapeDrive::set_write_policy(const scsi::WritePolicyPage& policy) {
  return spout(protocol::kKeyPath, path::kWritePolicy, policy.encode());
}

TapeStatus TapeDrive::ask_for_rekey(const scsi::RekeyPage& page) {
  return spout(protocol::kKeyPath, path::kRekey, page.encode());
}

TapeStatus TapeDrive::send_challenge(const scsi::ChallengePage& challenge) {
  return spout(protocol::kKeyPath, path::kChallenge, challenge.encode());
}

TapeResult<scsi::ExchangeMessagePage> TapeDrive::signed_request() {
  const auto data = TRY(spin(protocol::kKeyPath, path::kSignedRequest, kPageLimit));
  return understood(scsi::ExchangeMessagePage::decode(data, path::kSignedRequest), kSpin);
}

TapeStatus TapeDrive::send_answer(const scsi::ExchangeMessagePage& answer) {
  return spout(protocol::kKeyPath, path::kAnswer, answer.encode(path::kAnswer));
}

TapeStatus TapeDrive::send_refusal(const scsi::RefusalPage& refusal) {
  return spout(protocol::kKeyPath, path::kRefusal, refusal.encode());
}

}  // namespace tapewarden::tape
