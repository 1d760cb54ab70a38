// Runs another program for a test (OpenSSL's command line as the judge of what we write) and a folder for its
// files. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::crypto::testing {

struct CommandResult {
  int exit_code = -1;
  std::string output;  // standard output and standard error together
};

// Full path of a program on the PATH; nothing when it is not installed.
std::optional<std::string> find_program(std::string_view name);

// `arguments[0]` is the path of the program. Waits until it ends.
CommandResult run_command(const std::vector<std::string>& arguments);

// A fresh folder, removed with all its files on destruction.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string path(std::string_view name) const;
  std::string write(std::string_view name, ByteView content) const;  // the path
  Bytes read(std::string_view name) const;                           // empty when missing

 private:
  std::string folder_;
};

}  // namespace tapewarden::crypto::testing
