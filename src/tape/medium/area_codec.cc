#include "tape/medium/area_codec.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "base/crc32c.h"
#include "tape/medium/layout.h"
#include "tape/medium/limits.h"

namespace tapewarden::tape {

namespace {
constexpr std::size_t kChecksumBytes = 4;
}  // namespace

ByteWriter begin_area(std::string_view magic, std::uint16_t version) {
  ByteWriter writer;
  writer.text(magic).u16(version).u16(0);
  return writer;
}

Bytes finish_area(ByteWriter writer, std::size_t size) {
  TW_ASSERT(writer.size() + kChecksumBytes <= size);
  writer.zeros(size - kChecksumBytes - writer.size());
  writer.u32(crc32c(writer.view()));
  return writer.take();
}

Result<ByteReader> open_area(ByteView bytes, std::string_view magic, std::size_t size, std::string_view name,
                             std::uint16_t latest, std::uint16_t* version) {
  const std::string field(name);
  if (bytes.size() != size) return fail(ErrorCode::kCorrupt, field + " is cut short", field);
  if (std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; })) {
    return fail(ErrorCode::kNotFound, field + " was never written", field);
  }
  if (!equal(bytes.first(magic.size()), as_bytes(magic))) {
    return fail(ErrorCode::kInvalidArgument, field + " does not begin with its magic", field);
  }
  const ByteView content = bytes.first(size - kChecksumBytes);
  ByteReader checksum(bytes.last(kChecksumBytes));
  if (TRY(checksum.u32("checksum")) != crc32c(content)) {
    return fail(ErrorCode::kCorrupt, field + " does not fit its checksum", field);
  }
  ByteReader reader(content.subspan(magic.size()));
  const auto found = TRY(reader.u16("version"));
  if (version != nullptr) *version = found;
  if (found < kFormatVersion || found > latest) {
    return fail(ErrorCode::kUnsupported, field + " has a version that this program does not know", field,
                "read it with a newer release");
  }
  TRY(reader.skip(2, "reserved"));
  return reader;
}

Result<std::uint64_t> read_generation(ByteReader& in, std::string_view name) {
  const auto generation = TRY(in.u64("generation"));
  if (generation != 0 && generation <= kMaxGeneration) return generation;
  return fail(ErrorCode::kCorrupt, std::string(name) + " has a generation out of range", "generation");
}

Result<std::uint64_t> next_generation(std::uint64_t current, std::string_view name) {
  if (current < kMaxGeneration) return current + 1;
  return fail(ErrorCode::kExhausted, std::string(name) + " has no generation left", "generation",
              "copy what can be read to another cartridge; the areas of this one were tampered with");
}

}  // namespace tapewarden::tape
