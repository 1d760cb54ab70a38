#include "engine/host/volume_stamp.h"

#include "tape/medium/content_stamp.h"
#include "tape/medium/partition_set.h"

namespace tapewarden::engine {

Result<Bytes> volume_stamp(Disk& disk, const std::string& path) {
  const auto stamp = TRY(tape::content_stamp(disk, path));
  return Bytes(stamp.begin(), stamp.end());
}

Status sync_volume(Disk& disk, const std::string& path) {
  TRY(TRY(disk.open(path, OpenMode::kReadWrite))->sync());
  const auto second_path = tape::partition_path(path);
  if (!disk.exists(second_path)) return {};
  return TRY(disk.open(second_path, OpenMode::kReadWrite))->sync();
}

}  // namespace tapewarden::engine
