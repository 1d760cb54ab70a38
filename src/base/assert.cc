#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace tapewarden {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "tapewarden: broken promise: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace tapewarden
