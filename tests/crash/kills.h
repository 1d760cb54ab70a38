// How often the tests of this folder kill.
#pragma once

#include <cstdlib>

namespace tapewarden::testing {

// TAPEWARDEN_KILLS, or `usual` where it is not set.
inline int kills_wanted(int usual) {
  const char* text = std::getenv("TAPEWARDEN_KILLS");
  return text != nullptr ? std::atoi(text) : usual;
}

}  // namespace tapewarden::testing
