#include "tape/medium/cartridge_memory.h"

#include "base/assert.h"
#include "tape/medium/area_codec.h"
#include "tape/medium/layout.h"

namespace tapewarden::tape {

namespace {
constexpr std::size_t kFixedBytes =
    8 + 2 + 2 + 8 + 2 + 4;                          // magic, version, zero, generation, count, checksum
constexpr std::size_t kEntryBytes = 2 + 1 + 1 + 2;  // id, format, zero, length
}  // namespace

Attribute number_attribute(std::uint64_t value, std::size_t width) {
  TW_ASSERT(width >= 1 && width <= 8);
  ByteWriter out;
  out.u64(value);
  const Bytes all = out.take();
  return {AttributeFormat::kBinary, to_bytes(ByteView(all).last(width))};
}

Attribute ascii_attribute(std::string_view text, std::size_t width) {
  ByteWriter out;
  out.padded(text, width);
  return {AttributeFormat::kAscii, out.take()};
}

std::uint64_t attribute_number(const AttributeMap& attributes, AttributeId id) {
  const auto found = attributes.find(id);
  if (found == attributes.end() || found->second.value.size() > 8) return 0;
  std::uint64_t value = 0;
  for (const std::uint8_t byte : found->second.value) value = value << 8 | byte;
  return value;
}

Result<std::size_t> memory_bytes_left(const AttributeMap& attributes) {
  if (attributes.size() > kMaxAttributes) {
    return fail(ErrorCode::kExhausted, "the cartridge memory holds at most 256 attributes", "attributes");
  }
  std::size_t used = kFixedBytes;
  for (const auto& [id, attribute] : attributes) {
    if (attribute.value.size() > kMaxAttributeBytes) {
      return fail(ErrorCode::kInvalidArgument,
                  "an attribute of the cartridge memory is longer than 4096 bytes", "attributes");
    }
    used += kEntryBytes + attribute.value.size();
  }
  if (used > kMemorySlotBytes) {
    return fail(ErrorCode::kExhausted, "the cartridge memory is full", "attributes",
                "remove attributes first");
  }
  return kMemorySlotBytes - used;
}

Bytes encode_memory_slot(const MemorySlot& slot) {
  TW_ASSERT(memory_bytes_left(slot.attributes).has_value());
  ByteWriter out = begin_area(kMemoryMagic);
  out.u64(slot.generation).u16(static_cast<std::uint16_t>(slot.attributes.size()));
  for (const auto& [id, attribute] : slot.attributes) {
    out.u16(id).u8(static_cast<std::uint8_t>(attribute.format)).u8(0).bytes16(attribute.value);
  }
  return finish_area(std::move(out), kMemorySlotBytes);
}

namespace {

Result<MemorySlot> read_memory_slot(ByteView bytes) {
  ByteReader in = TRY(open_area(bytes, kMemoryMagic, kMemorySlotBytes, "cartridge memory"));
  MemorySlot out;
  out.generation = TRY(read_generation(in, "cartridge memory"));
  const std::size_t count = TRY(in.u16("number of attributes"));
  if (count > kMaxAttributes) {
    return fail(ErrorCode::kCorrupt, "cartridge memory has a value out of range", "cartridge memory");
  }
  for (std::size_t i = 0; i < count; ++i) {
    const AttributeId id = TRY(in.u16("attribute"));
    const auto format = TRY(in.u8("attribute format"));
    TRY(in.skip(1, "reserved"));
    const ByteView value = TRY(in.bytes16(kMaxAttributeBytes, "attribute"));
    const bool ordered = out.attributes.empty() || out.attributes.rbegin()->first < id;
    if (format > 2 || !ordered) {
      return fail(ErrorCode::kCorrupt, "cartridge memory has an attribute out of place", "cartridge memory");
    }
    out.attributes[id] = {static_cast<AttributeFormat>(format), to_bytes(value)};
  }
  return out;
}

}  // namespace

Result<MemorySlot> decode_memory_slot(ByteView bytes) {
  auto slot = read_memory_slot(bytes);
  if (!slot && slot.error().code == ErrorCode::kInvalidArgument) slot.error().code = ErrorCode::kCorrupt;
  return slot;
}

}  // namespace tapewarden::tape
