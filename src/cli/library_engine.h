// Where an operator's work on a virtual library is done: on its files while nobody serves it, by REST while
// tapewarden-taped does. Not thread-safe.
#pragma once

#include <memory>
#include <string_view>

#include "cli/command.h"
#include "cli/context.h"
#include "tape/library/library_folder.h"

namespace tapewarden::cli {

// The folder with its lock; nothing when the engine is to be asked: it serves the library, or --server or
// the last login names it. kConflict when the library is served and nothing says who asks.
Result<std::unique_ptr<tape::LibraryFolder>> library_or_engine(Context& context, const Values& values);
// Neither a configuration nor a site is named: the engine of --server, or of the last login.
bool engine_alone(const Context& context, const Values& values);

// One field of a request, with its argument's value.
struct EngineField {
  std::string_view name{};
  std::string text{};
  ArgumentKind kind = ArgumentKind::kText;
};
// Asks the engine, and prints its answer.
Status ask_engine(Context& context, RestCall call, const std::vector<EngineField>& fields = {});

}  // namespace tapewarden::cli
