// Small text helpers. Names of keys, labels and people compare without case in ASCII only; other bytes
// compare as they are. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tapewarden {

std::string to_upper(std::string_view text);  // ASCII only
std::string to_lower(std::string_view text);  // ASCII only
bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string_view trim(std::string_view text);  // blanks, tabs, line ends
std::vector<std::string> split(std::string_view text, char separator);
// Printable ASCII (20h to 7Eh) only: no name with a line end or an escape sequence can forge a log line or a
// terminal.
bool is_printable(std::string_view text);
// Every byte outside printable ASCII, and the backslash, as \xHH: for showing text that came from outside.
std::string escape_unprintable(std::string_view text);
// Decimal, whole text, within [low, high]; kInvalidArgument naming `field`.
Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t low, std::uint64_t high,
                                   std::string_view field);

}  // namespace tapewarden
