// The form that label, header and trailer blocks share: magic, version, length, fields of tag, length and
// value, and a CRC-32C at the end. A field that a reader does not know is skipped, so that a cartridge can be
// read by programs older and younger than the one that wrote it; unless its tag has the highest bit set,
// which says that the block means something else without it. Pure. Internal to engine/stack/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/uuid.h"

namespace tapewarden::engine {

inline constexpr std::uint16_t kStackVersion = 1;
inline constexpr std::size_t kMagicBytes = 8;
inline constexpr std::uint16_t kMustBeKnown = 0x8000;

class TlvWriter {
 public:
  // REQUIRES: magic.size() == kMagicBytes.
  explicit TlvWriter(std::string_view magic);
  TlvWriter& u8(std::uint16_t tag, std::uint8_t value);
  TlvWriter& u32(std::uint16_t tag, std::uint32_t value);
  TlvWriter& u64(std::uint16_t tag, std::uint64_t value);
  TlvWriter& bytes(std::uint16_t tag, ByteView value);
  TlvWriter& text(std::uint16_t tag, std::string_view value) { return bytes(tag, as_bytes(value)); }
  TlvWriter& uuid(std::uint16_t tag, const Uuid& value) { return bytes(tag, value.view()); }
  TlvWriter& time(std::uint16_t tag, WallTime value);
  // REQUIRES: what was put in fits a block.
  Bytes finish();

 private:
  ByteWriter out_;
};

// The fields of a block; views into it. Each getter names the field for the error text: kCorrupt when it is
// missing, stands there twice or has another length than its type.
class TlvReader {
 public:
  // kInvalidArgument when it is no block of this magic, kUnsupported for a later version, kCorrupt when it is
  // damaged.
  static Result<TlvReader> parse(ByteView block, std::string_view magic);

  Result<std::uint8_t> u8(std::uint16_t tag, std::string_view what);
  Result<std::uint32_t> u32(std::uint16_t tag, std::string_view what);
  Result<std::uint64_t> u64(std::uint16_t tag, std::string_view what);
  Result<ByteView> bytes(std::uint16_t tag, std::string_view what);
  // Printable ASCII, up to `limit` characters.
  Result<std::string> text(std::uint16_t tag, std::size_t limit, std::string_view what);
  Result<Uuid> uuid(std::uint16_t tag, std::string_view what);
  Result<WallTime> time(std::uint16_t tag, std::string_view what);
  std::vector<ByteView> all(std::uint16_t tag);
  // After the last getter. kUnsupported when a field that must be known was not asked for.
  Status finish() const;

 private:
  struct Field {
    std::uint16_t tag = 0;
    ByteView value{};
    bool known = false;
  };
  std::vector<Field> fields_;
};

// Text that came from outside a field of its own. kCorrupt as TlvReader::text().
Result<std::string> stack_text(ByteView value, std::size_t limit, std::string_view what);

}  // namespace tapewarden::engine
