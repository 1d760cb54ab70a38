// The text of login and text requests: keys and values, each pair ended by a zero byte (RFC 7143
// section 6.1). Values; pure, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::iscsi {

inline constexpr std::size_t kMaxKeyBytes = 63;      // section 6.1
inline constexpr std::size_t kMaxValueBytes = 8192;  // a list or a binary value; others are 255 at most
inline constexpr std::size_t kMaxKeys = 128;         // of one text

struct KeyValue {
  std::string key;
  std::string value;
  bool operator==(const KeyValue&) const = default;
};

class Text {
 public:
  Text() = default;
  // kInvalidArgument for a pair without "=", a key of other characters than the standard allows, an
  // unprintable value, a key that comes twice, or one of the limits above.
  static Result<Text> parse(ByteView bytes);

  const std::vector<KeyValue>& pairs() const { return pairs_; }
  bool empty() const { return pairs_.empty(); }
  // nullptr when the key is not there.
  const std::string* find(std::string_view key) const;
  void add(std::string_view key, std::string_view value);
  // Several lines of one key are allowed here: answers to SendTargets have them.
  Bytes encode() const;

 private:
  std::vector<KeyValue> pairs_;
};

// A decimal or hexadecimal (0x…) number (section 6.1: numerical-value). kInvalidArgument.
Result<std::uint64_t> parse_numerical(std::string_view value);
// A binary value: 0x… (odd lengths have a zero nibble in front) or 0b… (base64). kInvalidArgument, also
// beyond `limit` bytes.
Result<Bytes> parse_binary(std::string_view value, std::size_t limit);
std::string format_binary(ByteView bytes);  // 0x…

// iqn., eui. or naa. and what may follow (section 4.2.7, in its normalized form), up to 223 bytes.
bool is_node_name(std::string_view name);

}  // namespace tapewarden::iscsi
