#include "scsi/changer_mode.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "scsi/fields.h"

namespace tapewarden::scsi {
namespace {

constexpr std::size_t kAssignmentBody = 18;
constexpr std::size_t kCapabilitiesBody = 18;
// Bits of a byte of the capabilities page: data transfer, import/export, storage, transport from bit 3 down.
constexpr std::uint8_t kAllButTransport = 0x0e;

constexpr std::uint32_t kAddresses = 0x10000;

std::uint32_t end_of(const ElementRange& range) {
  return std::uint32_t{range.first} + range.count;
}

}  // namespace

const ElementRange& ElementAddressAssignment::range_of(ElementType type) const {
  switch (type) {
    case ElementType::kTransport:
      return transport;
    case ElementType::kStorage:
      return storage;
    case ElementType::kImportExport:
      return import_export;
    case ElementType::kDataTransfer:
      return data_transfer;
    case ElementType::kAll:
      break;
  }
  TW_ASSERT(false);
  return transport;
}

std::optional<ElementType> ElementAddressAssignment::type_of(std::uint16_t address) const {
  for (const auto type : in_order())
    if (range_of(type).holds(address)) return type;
  return {};
}

std::array<ElementType, 4> ElementAddressAssignment::in_order() const {
  std::array types{ElementType::kTransport, ElementType::kStorage, ElementType::kImportExport,
                   ElementType::kDataTransfer};
  std::ranges::sort(types, {}, [this](ElementType type) { return std::pair(range_of(type).first, type); });
  return types;
}

Status ElementAddressAssignment::check() const {
  const std::array<std::pair<std::string_view, const ElementRange*>, 4> named{
      {{"transport", &transport},
       {"storage", &storage},
       {"import_export", &import_export},
       {"data_transfer", &data_transfer}}};
  for (const auto& [name, range] : named) {
    if (end_of(*range) > kAddresses)
      return fail(ErrorCode::kInvalidArgument, "element addresses run past 65535", std::string(name),
                  "begin at a lower address, or have fewer of them");
    for (const auto& [other_name, other] : named) {
      if (other == range || range->count == 0 || other->count == 0) continue;
      if (range->first < end_of(*other) && other->first < end_of(*range))
        return fail(ErrorCode::kInvalidArgument,
                    "element addresses overlap those of " + std::string(other_name), std::string(name),
                    "move one of them");
    }
  }
  return {};
}

ModePage ElementAddressAssignment::encode() const {
  ByteWriter out;
  for (const auto* range : {&transport, &storage, &import_export, &data_transfer})
    out.u16(range->first).u16(range->count);
  return {mode_page::kElementAddressAssignment, out.zeros(2).take()};
}

Result<ElementAddressAssignment> ElementAddressAssignment::decode(const ModePage& page) {
  if (page.code != mode_page::kElementAddressAssignment || page.body.size() < kAssignmentBody - 2)
    return fail(ErrorCode::kCorrupt, "this is no element address assignment page", "mode page");
  const auto range = [&page](std::size_t at) {
    return ElementRange{u16_at(page.body, at), u16_at(page.body, at + 2)};
  };
  return ElementAddressAssignment{
      .transport = range(0), .storage = range(4), .import_export = range(8), .data_transfer = range(12)};
}

ModePage encode_transport_geometry() {
  return {mode_page::kTransportGeometry, Bytes{0x00, 0x00}};  // ROTATE 0; member 0 of its set
}

ModePage encode_device_capabilities() {
  Bytes body(kCapabilitiesBody);
  body[0] = kAllButTransport;                           // who can hold
  std::fill_n(body.begin() + 3, 3, kAllButTransport);   // moves from storage, import/export, data transfer
  std::fill_n(body.begin() + 11, 3, kAllButTransport);  // the same for exchanges
  return {mode_page::kDeviceCapabilities, std::move(body)};
}

}  // namespace tapewarden::scsi
