#include "cli/output_file.h"

#include <iostream>
#include <unistd.h>

namespace tapewarden::cli {
namespace {

constexpr std::string_view kOption = "--output";
constexpr std::string_view kPipe = "-";

std::unexpected<Error> not_writable(const std::string& path, Error error) {
  error.message = "cannot write " + path + ": " + error.message;
  error.field = kOption;
  error.remedy = "name a file in a folder that is there and can be written; nothing was asked of the server";
  return std::unexpected(std::move(error));
}

}  // namespace

Result<OutputFile> OutputFile::prepare(Context& context, const Values& values, OutputContent content) {
  const std::string path = values.text(kOption);
  if (path.empty() || path == kPipe) {
    const bool terminal = context.out == &std::cout && ::isatty(STDOUT_FILENO) != 0;
    if (content == OutputContent::kText || !terminal) return OutputFile("");
    return fail(ErrorCode::kInvalidArgument, "this is no text for a terminal", std::string(kOption),
                "name a file, or lead standard output into one");
  }
  Disk& disk = *context.env.disk;
  if (disk.list(path)) {
    return fail(ErrorCode::kInvalidArgument, path + " is a folder", std::string(kOption),
                "name a file in it");
  }
  if (auto tried = write_file_atomically(disk, path + ".try", {}); !tried)
    return not_writable(path, tried.error());
  TRY(disk.remove(path + ".try"));
  return OutputFile(path);
}

Status OutputFile::write(Context& context, ByteView content, unsigned mode) const {
  if (!path_.empty()) {
    TRY(write_file_atomically(*context.env.disk, path_, content, mode));
    *context.err << "written: " << path_ << '\n';
    return {};
  }
  *context.out << as_text(content);
  context.out->flush();
  if (*context.out) return {};
  return fail(ErrorCode::kIo, "cannot write to standard output", std::string(kOption));
}

}  // namespace tapewarden::cli
