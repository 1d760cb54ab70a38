#include "cli/library_engine.h"

#include "cli/library_maker.h"
#include "cli/rest_command.h"

namespace tapewarden::cli {

bool engine_alone(const Context& context, const Values& values) {
  if (values.has("--config")) return false;
  return context.globals.site.empty() || !context.globals.server.empty();
}

Result<std::unique_ptr<tape::LibraryFolder>> library_or_engine(Context& context, const Values& values) {
  if (engine_alone(context, values)) return nullptr;
  const auto path = TRY(library_config_path(context, values));
  auto folder = tape::LibraryFolder::open(context.env, TRY(read_library_config(*context.env.disk, path)));
  if (folder || folder.error().code != ErrorCode::kConflict || folder.error().field != "library.folder")
    return folder;
  const bool can_ask = !values.has("--config") && !context.globals.as.empty();
  if (can_ask) return nullptr;
  return fail(ErrorCode::kConflict, "the library is in use: tapewarden-taped serves it", "--as",
              "say who asks it, by --site DIR --as NAME; or stop it");
}

Status ask_engine(Context& context, RestCall call, const std::vector<EngineField>& fields) {
  call.server = kEngineServer;
  Command command{.noun = "library"};
  Values values;
  for (const auto& field : fields) {
    command.arguments.push_back({.name = field.name, .kind = field.kind, .field = field.name});
    if (!field.text.empty()) values.add(field.name, field.text);
  }
  command.does = std::move(call);
  return run_rest_command(context, command, values);
}

}  // namespace tapewarden::cli
