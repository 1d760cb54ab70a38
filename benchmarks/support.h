// What several benchmarks need: results that must be good, and a folder on the disk.
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>

#include "base/error.h"

namespace tapewarden::bench {

// A benchmark that fails ends the program with the error's text.
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// Memory of this process that is not swapped out, in MiB.
double megabytes_in_use();
// The most of it since forget_peak(), or since the start.
double peak_megabytes();
void forget_peak();

// A folder in the current one, gone with the object: /tmp may be memory, where a sync costs nothing.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tapewarden::bench
