// What a misspelt word may have meant. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tapewarden {

// "did you mean A?" or "did you mean A or B?", of the known words that a slip of the finger away is `word`;
// else "use one of: A, B, C".
std::string nearest_words(std::string_view word, const std::vector<std::string>& known);

}  // namespace tapewarden
