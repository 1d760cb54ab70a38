#include "apps/engine_id.h"

#include "base/text.h"

namespace tapewarden::apps {
namespace {

constexpr std::size_t kIdFileLimit = 64;  // bytes

}  // namespace

Result<std::optional<Uuid>> read_engine_id(Disk& disk, const std::string& path) {
  if (!disk.exists(path)) return std::nullopt;
  const auto content = TRY(read_file(disk, path, kIdFileLimit));
  const auto id = Uuid::parse(trim(as_text(content)));
  if (id) return *id;
  return fail(ErrorCode::kCorrupt, path + " holds no id", "engine.data", "put the file back as it was");
}

Status write_engine_id(Disk& disk, const std::string& path, const Uuid& id) {
  return write_file_atomically(disk, path, as_bytes(id.text() + "\n"));
}

}  // namespace tapewarden::apps
