#include "scsi/transport_id.h"

#include "base/assert.h"

namespace tapewarden::scsi {
namespace {

constexpr std::uint8_t kIscsiWithSession = 0x45;  // format 01b, protocol 5h
constexpr std::uint8_t kNoProtocol = 0x0f;
constexpr std::size_t kPlainBytes = 24;
constexpr std::size_t kMaxIscsiName = 223;
constexpr std::size_t kLeastNameBytes = 20;

}  // namespace

Bytes iscsi_transport_id(std::string_view name, const std::array<std::uint8_t, 6>& isid) {
  TW_ASSERT(name.size() <= kMaxIscsiName);
  ByteWriter text;
  text.text(name).text(",i,0x").text(to_hex(isid)).u8(0);
  while (text.size() % 4 != 0 || text.size() < kLeastNameBytes) text.u8(0);
  return ByteWriter().u8(kIscsiWithSession).u8(0).bytes16(text.view()).take();
}

Bytes nameless_transport_id(std::uint64_t number) {
  return ByteWriter().u8(kNoProtocol).zeros(kPlainBytes - 9).u64(number).take();
}

}  // namespace tapewarden::scsi
