#include "base/env.h"

#include <cstdio>

namespace tapewarden {

std::string format_utc(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  char text[64];
  const int length =
      std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                    static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {text, static_cast<std::size_t>(length)};
}

std::string parent_directory(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<Bytes> read_file(Disk& disk, const std::string& path, std::size_t limit) {
  const auto file = TRY(disk.open(path, OpenMode::kRead));
  const std::uint64_t size = TRY(file->size());
  if (size > limit) return fail(ErrorCode::kInvalidArgument, path + " is larger than expected");
  Bytes content(size);
  const std::size_t got = TRY(file->read_at(0, content));
  content.resize(got);
  return content;
}

Status write_file_atomically(Disk& disk, const std::string& path, ByteView content, unsigned permissions) {
  const std::string fresh = path + ".new";
  if (disk.exists(fresh)) TRY(disk.remove(fresh));
  {
    const auto file = TRY(disk.open(fresh, OpenMode::kCreateNew, permissions));
    TRY(file->write_at(0, content));
    TRY(file->sync());
  }
  TRY(disk.rename(fresh, path));
  return disk.sync_directory(parent_directory(path));
}

}  // namespace tapewarden
