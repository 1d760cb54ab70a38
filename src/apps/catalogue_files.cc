#include "apps/catalogue_files.h"

#include <algorithm>
#include <ranges>

namespace tapewarden::apps {
namespace {

constexpr std::string_view kDatabase = "catalogue.db";  // also how the names of its other files begin

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// A folder name of it: 2026-11-21T024032.123Z.
std::string stamp_of(WallTime now) {
  auto text = format_utc(now);
  std::erase(text, ':');
  return text;
}

}  // namespace

Result<std::vector<std::string>> catalogue_files(Disk& disk, const std::string& folder) {
  std::vector<std::string> paths;
  if (!disk.exists(folder)) return paths;
  for (const auto& name : TRY(disk.list(folder)))
    if (name.starts_with(kDatabase)) paths.push_back(folder + "/" + name);
  return paths;  // sorted: the shortest name is the first
}

Result<std::string> set_catalogue_aside(Disk& disk, const std::string& folder, WallTime now,
                                        const std::vector<std::string>& more) {
  const auto aside = folder + "/set-aside-" + stamp_of(now);
  if (disk.exists(aside))
    return fail(ErrorCode::kAlreadyExists, aside + " is there already", "--set-aside", "try again");
  TRY(disk.make_directories(aside));
  auto paths = TRY(catalogue_files(disk, folder));
  paths.insert(paths.end(), more.begin(), more.end());
  for (const auto& path : paths) TRY(disk.rename(path, aside + "/" + name_of(path)));
  TRY(disk.sync_directory(aside));
  TRY(disk.sync_directory(folder));
  return aside;
}

Status place_catalogue(Disk& disk, const std::string& from, const std::string& to) {
  const auto paths = TRY(catalogue_files(disk, from));
  for (const auto& path : std::views::reverse(paths)) {  // the database last
    TRY(disk.rename(path, to + "/" + name_of(path)));
    TRY(disk.sync_directory(to));
  }
  return disk.sync_directory(from);
}

Status remove_catalogue(Disk& disk, const std::string& folder) {
  for (const auto& path : TRY(catalogue_files(disk, folder))) TRY(disk.remove(path));
  return disk.exists(folder) ? disk.sync_directory(folder) : Status{};
}

}  // namespace tapewarden::apps
