// Everything of SCSI that comes from the other side: sense data and pages from a device, parameter lists from
// an initiator. What decodes must encode to the same meaning.
#include "fuzz.h"
#include "scsi/encryption_capabilities.h"
#include "scsi/encryption_status.h"
#include "scsi/inquiry.h"
#include "scsi/key_path_pages.h"
#include "scsi/log_page.h"
#include "scsi/medium_attribute.h"
#include "scsi/mode.h"
#include "scsi/position.h"
#include "scsi/set_data_encryption.h"

namespace {

using namespace tapewarden;
using namespace tapewarden::scsi;

void from_device(ByteView input) {
  if (const auto sense = Sense::decode(input)) {
    TW_ASSERT(Sense::decode(sense->encode_descriptor()).has_value());
    TW_ASSERT(!sense->text().empty());
  }
  static_cast<void>(StandardInquiry::decode(input).has_value());
  if (const auto content = vpd_page_content(input, vpd::kDeviceIdentification))
    static_cast<void>(decode_designators(*content).has_value());
  for (const auto form : {PositionForm::kShort, PositionForm::kLong, PositionForm::kExtended})
    static_cast<void>(PositionData::decode(input, form).has_value());
  static_cast<void>(BlockLimits::decode(input).has_value());
  if (const auto page = LogPage::decode(input))
    TW_ASSERT(LogPage::decode(page->encode())->parameters == page->parameters);
  static_cast<void>(decode_attribute_list(input).has_value());
}

void encryption_pages(ByteView input) {
  if (const auto page = EncryptionCapabilities::decode(input))
    TW_ASSERT(EncryptionCapabilities::decode(page->encode())->algorithms == page->algorithms);
  if (const auto page = EncryptionStatus::decode(input))
    TW_ASSERT(EncryptionStatus::decode(page->encode())->kads == page->kads);
  if (const auto page = NextBlockStatus::decode(input))
    TW_ASSERT(NextBlockStatus::decode(page->encode())->kads == page->kads);
  static_cast<void>(EncryptionManagement::decode(input).has_value());
  static_cast<void>(decode_page_list(input, encryption_in::kInSupport).has_value());
  static_cast<void>(decode_protocol_list(input).has_value());
  static_cast<void>(decode_certificate_page(input).has_value());
  static_cast<void>(WrappingKeyPage::decode(input).has_value());
  if (const auto key = WrappedKey::parse(input, 20)) TW_ASSERT(equal(key->encode(), input));
  if (const auto page = SetDataEncryption::parse(input); page && page->needs_key()) {
    Bytes out(page->encoded_size());
    page->encode_into(out);
    TW_ASSERT(equal(out, input));
  }
}

void parameter_lists(ByteView input) {
  for (const bool ten : {false, true}) {
    const auto modes = ModeParameters::decode(input, ten);
    if (modes) TW_ASSERT(ModeParameters::decode(modes->encode(ten), ten)->pages == modes->pages);
  }
  if (const auto list = decode_attributes(input))
    TW_ASSERT(decode_attributes(encode_attributes(*list)).value() == *list);
}

void key_path_pages(ByteView input) {
  if (const auto page = KeyRequestPage::decode(input))
    TW_ASSERT(KeyRequestPage::decode(page->encode()).value() == *page);
  if (const auto page = KeyPathStatusPage::decode(input))
    TW_ASSERT(KeyPathStatusPage::decode(page->encode()).value() == *page);
  if (const auto page = WritePolicyPage::parse(input))
    TW_ASSERT(WritePolicyPage::parse(page->encode()).value() == *page);
  if (const auto page = ChallengePage::parse(input))
    TW_ASSERT(ChallengePage::parse(page->encode()).value() == *page);
  if (const auto page = RefusalPage::parse(input))
    TW_ASSERT(RefusalPage::parse(page->encode()).value() == *page);
  if (const auto page = ExchangeMessagePage::parse(input, key_path::kAnswer))
    TW_ASSERT(ExchangeMessagePage::parse(page->encode(key_path::kAnswer), key_path::kAnswer).value() ==
              *page);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  from_device(input);
  encryption_pages(input);
  parameter_lists(input);
  key_path_pages(input);
  return 0;
}
