// A count and what is counted, in words: "1 block", "2 blocks". For nouns whose plural only adds an s. Pure.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace tapewarden {

template <std::integral Count>
std::string counted(Count count, std::string_view noun) {
  std::string out = std::to_string(count) + " " + std::string(noun);
  if (count != 1) out += 's';
  return out;
}

}  // namespace tapewarden
