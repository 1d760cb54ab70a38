// Where a command's --output goes: a file, written whole or not at all, or standard output. One thread at a
// time.
#pragma once

#include "cli/command.h"
#include "cli/context.h"

namespace tapewarden::cli {

enum class OutputContent : std::uint8_t { kText, kBinary };

class OutputFile {
 public:
  // Looks whether the file can be written, before the server is asked for what cannot be asked for twice: a
  // file beside it is made and removed. Without --output, or with "-", it is standard output;
  // kInvalidArgument where binary content would go to a terminal. kNotFound, kIo naming "--output".
  static Result<OutputFile> prepare(Context& context, const Values& values, OutputContent content);

  // The content, and a line on standard error that names the file. `mode`: the file's permissions.
  Status write(Context& context, ByteView content, unsigned mode) const;

 private:
  explicit OutputFile(std::string path) : path_(std::move(path)) {}
  std::string path_;  // empty: standard output
};

}  // namespace tapewarden::cli
