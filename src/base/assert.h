// Checks of what the programmer promised. They stay on in release builds: a broken promise near keys stops
// the program before it can write. What the world does wrong is an Error, never an assertion.
#pragma once

namespace tapewarden {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}  // namespace tapewarden

#define TW_ASSERT(condition)                                          \
  do {                                                                \
    if (!(condition)) [[unlikely]]                                    \
      ::tapewarden::assertion_failed(#condition, __FILE__, __LINE__); \
  } while (false)
