// JSON text in printable ASCII, so that no audit record can forge a line or a terminal. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace tapewarden::store {

// Appends UTF-8 `text` with everything outside 20h to 7Eh written as \uXXXX (a pair beyond U+FFFF; U+FFFD for
// bytes that are no UTF-8). Quotes and backslashes stay as they are.
void append_ascii(std::string& out, std::string_view text);
// `text` as a JSON string, with its quotes.
std::string json_quoted(std::string_view text);

}  // namespace tapewarden::store
