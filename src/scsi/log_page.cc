#include "scsi/log_page.h"

#include "scsi/fields.h"

namespace tapewarden::scsi {

Bytes LogPage::encode() const {
  ByteWriter out;
  out.u8(code).u8(0).u16(0);
  for (const auto& parameter : parameters) {
    TW_ASSERT(parameter.value.size() < 256);
    out.u16(parameter.code).u8(parameter.control).u8(static_cast<std::uint8_t>(parameter.value.size()));
    out.bytes(parameter.value);
  }
  out.patch_u16(2, static_cast<std::uint16_t>(out.size() - 4));
  return out.take();
}

Result<LogPage> LogPage::decode(ByteView data) {
  ByteReader in(data);
  LogPage page{.code = static_cast<std::uint8_t>(TRY(in.u8("page code")) & 0x3fU), .parameters = {}};
  TRY(in.skip(1, "subpage code"));
  ByteReader body(TRY(in.bytes16(0xffff, "page length")));
  while (!body.done()) {
    LogParameter parameter;
    parameter.code = TRY(body.u16("parameter code"));
    parameter.control = TRY(body.u8("control byte"));
    parameter.value = to_bytes(TRY(body.bytes(TRY(body.u8("parameter length")), "parameter value")));
    page.parameters.push_back(std::move(parameter));
  }
  return page;
}

const LogParameter* LogPage::find(std::uint16_t wanted) const {
  for (const auto& parameter : parameters)
    if (parameter.code == wanted) return &parameter;
  return nullptr;
}

LogParameter number_parameter(std::uint16_t code, std::uint64_t value, std::size_t width) {
  TW_ASSERT(width > 0 && width <= 8);
  LogParameter parameter{.code = code, .control = 0x03, .value = Bytes(width)};
  for (std::size_t i = width; i-- > 0; value >>= 8U)
    parameter.value[i] = static_cast<std::uint8_t>(value & 0xffU);
  return parameter;
}

std::uint64_t number_of(const LogParameter& parameter) {
  return parameter.value.size() > 8 ? 0 : big_endian_at(parameter.value, 0, parameter.value.size());
}

Bytes encode_supported_log_pages(ByteView codes) {
  return ByteWriter().u8(log_page::kSupported).u8(0).bytes16(codes).take();
}

Bytes encode_supported_log_subpages(ByteView codes) {
  constexpr std::uint8_t kWithSubpages = 0x40;
  ByteWriter list;
  for (const auto code : codes) list.u8(code).u8(0);
  return ByteWriter().u8(kWithSubpages | log_page::kSupported).u8(0xff).bytes16(list.view()).take();
}

LogParameter text_parameter(std::uint16_t code, std::string_view text) {
  constexpr std::uint8_t kAsciiList = 0x01;
  return {.code = code, .control = kAsciiList, .value = to_bytes(text)};
}

}  // namespace tapewarden::scsi
