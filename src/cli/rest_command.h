// Runs a command that is one request to the server: values into path, query and body, answer onto the
// terminal. One thread at a time.
#pragma once

#include "cli/command.h"
#include "cli/context.h"
#include "cli/rest_client.h"

namespace tapewarden::cli {

// The request that the values make. kInvalidArgument for a number that is none; errors of files that are
// read.
struct PreparedCall {
  std::string method;
  std::string target;
  Bytes body;
};
Result<PreparedCall> prepare_call(Context& context, const Command& command, const Values& values);

// With --json, what the server answered (its approval's id) to a call that awaits a second person; nothing
// for other errors.
void print_asked(Context& context, const Error& error, ByteView asked);

// What an answer with a line for each of several things comes to: an error when some of them, or all, were
// not done, so that whoever reads no lines is told, too.
Status judge_lines(ByteView body);

Status run_rest_command(Context& context, const Command& command, const Values& values);

}  // namespace tapewarden::cli
