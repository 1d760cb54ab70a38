#include "keymgr/custody/backup/tape_media.h"

#include <optional>
#include <vector>

#include "base/text.h"
#include "keymgr/custody/backup/limits.h"

namespace tapewarden::keymgr::backup {

namespace {

constexpr std::size_t kMountPointField = 4;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) out.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return out;
}

// Blanks, tabs, line ends and backslashes of a path stand there as \ooo.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digits = text.substr(i + 1 <= text.size() ? i + 1 : i, 3);
    const bool octal = text[i] == '\\' && digits.size() == 3 &&
                       digits.find_first_not_of("01234567") == std::string_view::npos;
    if (!octal) {
      out += text[i];
      continue;
    }
    out += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
    i += 3;
  }
  return out;
}

bool holds(const std::string& mount_point, std::string_view directory) {
  if (mount_point == "/") return true;
  return directory.starts_with(mount_point) &&
         (directory.size() == mount_point.size() || directory[mount_point.size()] == '/');
}

}  // namespace

bool lies_on_tape(std::string_view mounts, std::string_view directory) {
  std::size_t longest = 0;
  bool tape = false;
  while (!mounts.empty()) {
    const std::size_t end = std::min(mounts.find('\n'), mounts.size());
    const auto words = words_of(mounts.substr(0, end));
    mounts.remove_prefix(std::min(end + 1, mounts.size()));
    std::optional<std::size_t> type;
    for (std::size_t i = kMountPointField + 1; i + 1 < words.size() && !type; ++i) {
      if (words[i] == "-") type = i + 1;
    }
    if (!type) continue;
    const std::string mount_point = unescaped(words[kMountPointField]);
    // Of two mounts on one point the later one is seen.
    if (!holds(mount_point, directory) || mount_point.size() < longest) continue;
    longest = mount_point.size();
    tape = to_lower(words[*type]).find("ltfs") != std::string::npos;
  }
  return tape;
}

std::string system_mounts(Disk& disk) {
  const auto file = disk.open("/proc/self/mountinfo", OpenMode::kRead);
  if (!file) return {};
  Bytes content(kMountsLimit);  // its size is not told before it is read
  const auto got = (*file)->read_at(0, content);
  if (!got) return {};
  return std::string(as_text(ByteView(content).first(*got)));
}

}  // namespace tapewarden::keymgr::backup
