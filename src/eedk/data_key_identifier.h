// Aliases of stored data keys and the 12-byte data key identifiers (DKi) made from them (K2).
//
// An alias is either
//   short: 1 to 12 printable ASCII characters; its DKi is the text padded right with blanks (20h), or
//   long:  3 letters and 18 hexadecimal digits of which the first two are 00; its DKi is the 3 letters and
//          the 9 bytes of the digits.
// Letters compare without case: an alias is kept in upper case. Aliases are the same exactly when their DKi
// are. The fourth byte of a long form is 00h, which no short form has, so a DKi has one canonical alias.
// Values; thread-safe.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::eedk {

inline constexpr std::size_t kDataKeyIdentifierBytes = 12;
inline constexpr std::size_t kShortAliasLimit = 12;
inline constexpr std::size_t kLongAliasCharacters = 21;
inline constexpr std::uint64_t kMaxAliasRange = 1'000'000;  // keys in one range

struct DataKeyIdentifier {
  std::array<std::uint8_t, kDataKeyIdentifierBytes> bytes{};

  // kInvalidArgument naming "alias" and the rule that it breaks.
  static Result<DataKeyIdentifier> from_alias(std::string_view alias);
  // As read from a tape: any 12 bytes.
  static Result<DataKeyIdentifier> from_tape(ByteView bytes);

  // The canonical alias. kInvalidArgument when the bytes have neither form: a DKi of another system.
  Result<std::string> alias() const;
  // The same with letters in upper case: the form under which keys are found, since another system may have
  // written lower case. Bytes of neither form stay as they are.
  DataKeyIdentifier folded() const;
  std::string hex() const { return to_hex(bytes); }
  ByteView view() const { return bytes; }
  friend auto operator<=>(const DataKeyIdentifier&, const DataKeyIdentifier&) = default;
};

// The canonical form of an alias: upper case, blanks at the right end dropped. kInvalidArgument.
Result<std::string> canonical_alias(std::string_view alias);

// A range such as ABC000000000000000001-0F: 3 letters and up to 18 hexadecimal digits (padded left with zeros
// to 18, the first two of which are then 00), a hyphen, and the last digits of the last alias. A text without
// a hyphen is one alias. kInvalidArgument when the end lies before the start; kExhausted beyond
// kMaxAliasRange. In order.
Result<std::vector<std::string>> expand_alias_range(std::string_view range);

// Default aliases that two installations never share (K2): PREFIX, 00, installation id (32 bits, drawn at
// random once when the server is made), counter (32 bits).
// REQUIRES: prefix has 3 letters.
std::string default_alias(std::string_view prefix, std::uint32_t installation, std::uint32_t counter);

}  // namespace tapewarden::eedk
