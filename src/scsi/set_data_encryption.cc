#include "scsi/set_data_encryption.h"

#include "scsi/encryption_capabilities.h"
#include "scsi/fields.h"
#include "scsi/sense_codes.h"

namespace tapewarden::scsi {
namespace {

using namespace set_data_encryption;

// Values that the enumerations of the header do not have.
Outcome<void> check_header(ByteView page) {
  if (bits_at(page, kScopeByte, 5, 3) > 2) return invalid_in_parameters(kScopeByte, 7);
  if (bits_at(page, kScopeByte, 1, 4) != 0) return invalid_in_parameters(kScopeByte, 4);
  if (bits_at(page, kFlagsByte, 4, 2) == 1) return invalid_in_parameters(kFlagsByte, 5);
  if (page[kEncryptionModeByte] > 2) return invalid_in_parameters(kEncryptionModeByte);
  if (page[kDecryptionModeByte] > 3) return invalid_in_parameters(kDecryptionModeByte);
  if (page[kKeyFormatByte] > 3) return invalid_in_parameters(kKeyFormatByte);
  if (page[kKadFormatByte] > 2) return invalid_in_parameters(kKadFormatByte);
  for (std::size_t at = kKadFormatByte + 1; at < kKeyLengthByte; ++at)
    if (page[at] != 0) return invalid_in_parameters(at);
  return {};
}

SetDataEncryption header_of(ByteView page) {
  return {.scope = static_cast<KeyScope>(bits_at(page, kScopeByte, 5, 3)),
          .lock = bit_at(page, kScopeByte, 0),
          .check = static_cast<ExternalModeCheck>(bits_at(page, kFlagsByte, 6, 2)),
          .raw = static_cast<RawControl>(bits_at(page, kFlagsByte, 4, 2)),
          .supplemental = bit_at(page, kFlagsByte, 3),
          .clear_on_demount = bit_at(page, kFlagsByte, 2),
          .clear_on_reservation_preempt = bit_at(page, kFlagsByte, 1),
          .clear_on_reservation_loss = bit_at(page, kFlagsByte, 0),
          .encryption = static_cast<EncryptionMode>(page[kEncryptionModeByte]),
          .decryption = static_cast<DecryptionMode>(page[kDecryptionModeByte]),
          .algorithm_index = page[kAlgorithmByte],
          .key_format = static_cast<KeyFormat>(page[kKeyFormatByte]),
          .kad_format = static_cast<KadFormat>(page[kKadFormatByte]),
          .key = {},
          .kads = {}};
}

// A length and that many bytes at the front of `rest`, which begins at `at` of the parameter list.
Outcome<Bytes> take_counted(ByteView& rest, std::size_t& at, std::size_t limit) {
  if (rest.size() < 2) return invalid_in_parameters(at);
  const std::size_t length = u16_at(rest, 0);
  if (length > limit || length > rest.size() - 2) return invalid_in_parameters(at);
  auto value = to_bytes(rest.subspan(2, length));
  rest = rest.subspan(2 + length);
  at += 2 + length;
  return value;
}

}  // namespace

bool SetDataEncryption::needs_key() const {
  return encryption == EncryptionMode::kEncrypt || decryption == DecryptionMode::kDecrypt ||
         decryption == DecryptionMode::kMixed;
}

std::size_t SetDataEncryption::encoded_size() const {
  std::size_t size = kKeyByte + key.size();
  for (const auto& kad : kads) size += 4 + kad.value.size();
  return size;
}

void SetDataEncryption::encode_into(MutableByteView out) const {
  TW_ASSERT(out.size() == encoded_size() && key.size() < 65536);
  ByteWriter header;
  header.u16(encryption_out::kSetDataEncryption).u16(static_cast<std::uint16_t>(out.size() - 4));
  header.u8(joined(shifted(static_cast<unsigned>(scope), 5), flag(lock, 0)));
  header.u8(joined(shifted(static_cast<unsigned>(check), 6), shifted(static_cast<unsigned>(raw), 4),
                   flag(supplemental, 3), flag(clear_on_demount, 2), flag(clear_on_reservation_preempt, 1),
                   flag(clear_on_reservation_loss, 0)));
  header.u8(static_cast<std::uint8_t>(encryption)).u8(static_cast<std::uint8_t>(decryption));
  header.u8(algorithm_index)
      .u8(static_cast<std::uint8_t>(key_format))
      .u8(static_cast<std::uint8_t>(kad_format));
  header.zeros(7).u16(static_cast<std::uint16_t>(key.size()));
  copy_bytes(out, header.view());
  copy_bytes(out.subspan(kKeyByte), key);
  copy_bytes(out.subspan(kKeyByte + key.size()), encode_kads(kads));
}

Outcome<SetDataEncryption> SetDataEncryption::parse(ByteView parameters) {
  if (parameters.size() < kKeyByte) return scsi::check(sense_codes::kParameterListLengthError);
  if (u16_at(parameters, 0) != encryption_out::kSetDataEncryption) return invalid_in_parameters(0);
  if (u16_at(parameters, 2) != parameters.size() - 4) return invalid_in_parameters(2);
  TRY(check_header(parameters));
  auto page = header_of(parameters);
  const std::size_t key_length = u16_at(parameters, kKeyLengthByte);
  if (key_length > parameters.size() - kKeyByte) return invalid_in_parameters(kKeyLengthByte);
  if (!page.needs_key()) return page;
  if (key_length == 0) return invalid_in_parameters(kKeyLengthByte);
  page.key = parameters.subspan(kKeyByte, key_length);
  page.kads = TRY(parse_kads(parameters.subspan(kKeyByte + key_length), kKeyByte + key_length));
  return page;
}

Bytes WrappedKey::encode() const {
  return ByteWriter().u16(parameter_set).bytes16(label).bytes16(wrapped).bytes16(signature).take();
}

Outcome<WrappedKey> WrappedKey::parse(ByteView bytes, std::size_t base) {
  if (bytes.size() < 2) return invalid_in_parameters(base);
  WrappedKey key{.parameter_set = u16_at(bytes, 0), .label = {}, .wrapped = {}, .signature = {}};
  auto rest = bytes.subspan(2);
  std::size_t at = base + 2;
  key.label = TRY(take_counted(rest, at, kMaxLabel));
  key.wrapped = TRY(take_counted(rest, at, kMaxWrapped));
  key.signature = TRY(take_counted(rest, at, kMaxSignature));
  if (!rest.empty()) return invalid_in_parameters(at);
  return key;
}

Bytes WrappingKeyPage::encode() const {
  return encode_security_page(encryption_in::kWrappingKey,
                              ByteWriter().u32(key_type).u32(key_format).bytes16(key).view());
}

Result<WrappingKeyPage> WrappingKeyPage::decode(ByteView data) {
  ByteReader in(TRY(security_page_content(data, encryption_in::kWrappingKey)));
  WrappingKeyPage page;
  page.key_type = TRY(in.u32("public key type"));
  page.key_format = TRY(in.u32("public key format"));
  page.key = to_bytes(TRY(in.bytes16(4096, "public key length")));
  TRY(in.expect_done("public key"));
  return page;
}

}  // namespace tapewarden::scsi
