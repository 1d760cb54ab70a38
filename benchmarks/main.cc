// tapewarden-bench [--list] [--json FILE] [NAME…]
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "crypto/secret_bytes.h"
#include "harness.h"

namespace {

using namespace tapewarden::bench;

bool write_json(const std::string& path, const Figures& figures) {
  std::ofstream file(path);
  file << as_json(figures);
  file.close();
  return file.good();
}

int run(const std::vector<std::string>& words) {
  std::string error;
  const auto arguments = parse_arguments(words, registered(), error);
  if (!arguments) {
    std::fprintf(stderr, "bench: %s\n", error.c_str());
    return 2;
  }
  Figures all;
  for (const auto& benchmark : registered()) {
    if (arguments->list) {
      std::printf("%-24s %s\n", benchmark.name.c_str(), benchmark.what.c_str());
      continue;
    }
    if (!arguments->names.empty() &&
        std::ranges::find(arguments->names, benchmark.name) == arguments->names.end())
      continue;
    std::fprintf(stderr, "%s: %s …\n", benchmark.name.c_str(), benchmark.what.c_str());
    for (auto& figure : benchmark.run()) all.push_back(std::move(figure));
  }
  if (arguments->list) return 0;
  std::fputs(as_table(all).c_str(), stdout);
  if (!arguments->json_path.empty() && !write_json(arguments->json_path, all)) {
    std::fprintf(stderr, "bench: %s cannot be written\n", arguments->json_path.c_str());
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t kSecureHeapBytes = 4U << 20;
  const auto warning = tapewarden::crypto::harden_process(kSecureHeapBytes);
  if (!warning.empty()) std::fprintf(stderr, "bench: %s\n", warning.c_str());
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench: %s\n", failure.what());
    return 1;
  }
}
