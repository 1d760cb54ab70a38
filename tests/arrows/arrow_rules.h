// The rules of docs/architecture.md about what may include what, as a function over source texts: pure, so
// that the test can show with made-up sources that each rule can be broken.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace tapewarden::arrows {

struct SourceFile {
  std::string path;  // relative to src/, for example "net/tls_engine.cc"
  std::string text;
};

// One line for each rule that is broken, naming file and line; empty when all hold.
std::vector<std::string> broken_rules(std::span<const SourceFile> files);

// The folders that the rules know.
std::vector<std::string> known_folders();

}  // namespace tapewarden::arrows
