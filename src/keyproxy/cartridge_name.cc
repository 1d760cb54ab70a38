#include "keyproxy/cartridge_name.h"

#include "base/text.h"
#include "crypto/hash.h"

namespace tapewarden::keyproxy {
namespace {

// Attributes of the cartridge memory (SPC-4 section 7.4.2).
constexpr std::uint16_t kMediumManufacturer = 0x0400;
constexpr std::uint16_t kMediumSerialNumber = 0x0401;
constexpr std::uint16_t kBarcode = 0x0806;

Uuid uuid_of(std::string_view kind, std::string_view first, std::string_view second) {
  const Bytes separator{0};
  const auto hash = crypto::sha256({to_bytes("tapewarden volume"), separator, to_bytes(kind), separator,
                                    to_bytes(first), separator, to_bytes(second)});
  auto uuid = Uuid::from(ByteView(hash).first(16));
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0fU) | 0x80U);  // version 8
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3fU) | 0x80U);  // variant of RFC 9562
  return uuid;
}

// Without the blanks and zeros that fill the attribute.
std::string text_of(const std::vector<scsi::MediumAttribute>& attributes, std::uint16_t id) {
  for (const auto& attribute : attributes) {
    if (attribute.id != id) continue;
    std::string text(as_text(attribute.value));
    text.erase(text.find_last_not_of(std::string_view(" \0", 2)) + 1);
    text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
    return text;
  }
  return {};
}

}  // namespace

Uuid volume_of_medium(std::string_view manufacturer, std::string_view serial_number) {
  return uuid_of("medium", manufacturer, serial_number);
}

Uuid volume_of_volser(std::string_view volser) {
  return uuid_of("volser", volser, {});
}

Result<CartridgeName> name_of_cartridge(tape::TapeDrive& drive, const std::string& volser) {
  auto attributes = drive.attributes();
  // A drive without cartridge memory is one whose cartridge the operator names.
  if (!attributes && attributes.error().fault != tape::TapeFault::kIllegalRequest)
    return std::unexpected(attributes.error().error());
  const auto memory = attributes ? *std::move(attributes) : std::vector<scsi::MediumAttribute>{};
  CartridgeName name{.volser = to_upper(volser), .volume = {}};
  if (name.volser.empty()) name.volser = to_upper(text_of(memory, kBarcode));
  if (name.volser.empty())
    return fail(ErrorCode::kInvalidArgument, "the cartridge does not tell its volser", "--volser",
                "say --volser as its label has it");
  const auto serial = text_of(memory, kMediumSerialNumber);
  name.volume = serial.empty() ? volume_of_volser(name.volser)
                               : volume_of_medium(text_of(memory, kMediumManufacturer), serial);
  return name;
}

}  // namespace tapewarden::keyproxy
