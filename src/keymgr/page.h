// One page of a longer answer. Values.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "keymgr/limits.h"

namespace tapewarden::keymgr {

// `after` is the `next` of the page before; empty for the first. At most kMaximumPage rows come at once.
struct PageRequest {
  std::size_t limit = 100;
  std::string after = {};
};

template <typename T>
struct Page {
  std::vector<T> items;
  std::string next;  // empty: no more
};

}  // namespace tapewarden::keymgr
