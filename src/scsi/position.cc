#include "scsi/position.h"

#include "scsi/fields.h"

namespace tapewarden::scsi {
namespace {

constexpr std::size_t kShortBytes = 20;
constexpr std::size_t kLongBytes = 32;
constexpr std::size_t kExtendedBytes = 32;
constexpr unsigned kLocationUnknownBit = 2;  // LOLU in the short and extended form, LONU in the long one

std::uint8_t flags_of(const PositionData& position, bool unknown) {
  return joined(flag(position.beginning_of_partition, 7), flag(position.end_of_partition, 6),
                flag(unknown, kLocationUnknownBit), flag(position.programmable_early_warning, 0));
}

std::size_t size_of(PositionForm form) {
  switch (form) {
    case PositionForm::kShort:
      return kShortBytes;
    case PositionForm::kLong:
      return kLongBytes;
    case PositionForm::kExtended:
      return kExtendedBytes;
  }
  return kShortBytes;
}

}  // namespace

Bytes PositionData::encode(PositionForm form) const {
  ByteWriter out;
  switch (form) {
    case PositionForm::kShort: {
      const bool unknown = logical_object > 0xffffffffU;
      const auto number = unknown ? 0U : static_cast<std::uint32_t>(logical_object);
      out.u8(flags_of(*this, unknown)).u8(partition).zeros(2).u32(number).u32(number).zeros(8);
      break;
    }
    case PositionForm::kLong:
      out.u8(flags_of(*this, false)).zeros(3).u32(partition).u64(logical_object).u64(file_number).zeros(8);
      break;
    case PositionForm::kExtended:
      out.u8(flags_of(*this, false)).u8(partition).u16(kExtendedBytes - 4).zeros(4);
      out.u64(logical_object).u64(logical_object).zeros(8);
      break;
  }
  return out.take();
}

Result<PositionData> PositionData::decode(ByteView data, PositionForm form) {
  if (data.size() < size_of(form))
    return fail(ErrorCode::kCorrupt, "READ POSITION data is too short", "position");
  if (bit_at(data, 0, kLocationUnknownBit))
    return fail(ErrorCode::kUnavailable, "the device does not know its position", "position",
                "rewind, or ask with the long form");
  PositionData position{.beginning_of_partition = bit_at(data, 0, 7),
                        .end_of_partition = bit_at(data, 0, 6),
                        .programmable_early_warning = bit_at(data, 0, 0)};
  if (form == PositionForm::kLong) {
    position.partition = static_cast<std::uint8_t>(u32_at(data, 4));
    position.logical_object = u64_at(data, 8);
    position.file_number = u64_at(data, 16);
    return position;
  }
  position.partition = data[1];
  position.logical_object = form == PositionForm::kShort ? u32_at(data, 4) : u64_at(data, 8);
  return position;
}

Bytes BlockLimits::encode() const {
  return ByteWriter().u8(granularity).u24(maximum).u16(minimum).take();
}

Result<BlockLimits> BlockLimits::decode(ByteView data) {
  if (data.size() < 6)
    return fail(ErrorCode::kCorrupt, "READ BLOCK LIMITS data is too short", "block limits");
  return BlockLimits{bits_at(data, 0, 0, 5), u24_at(data, 1), u16_at(data, 4)};
}

}  // namespace tapewarden::scsi
