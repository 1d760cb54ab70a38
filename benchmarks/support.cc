#include "support.h"

#include <cstdlib>
#include <filesystem>

namespace tapewarden::bench {

Folder::Folder() {
  std::string name = (std::filesystem::current_path() / "bench-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder can be made here");
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tapewarden::bench
