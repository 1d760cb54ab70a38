#include "support.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

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

double megabytes_in_use() {
  std::ifstream in("/proc/self/statm");  // pages: size, resident
  double size = 0;
  double resident = 0;
  in >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1U << 20);
}

double peak_megabytes() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(line.find(':') + 1)) / 1024;  // kB
  return megabytes_in_use();
}

void forget_peak() {
  constexpr const char* kResetPeak = "5";  // proc(5), clear_refs
  std::ofstream("/proc/self/clear_refs") << kResetPeak;
}

}  // namespace tapewarden::bench
