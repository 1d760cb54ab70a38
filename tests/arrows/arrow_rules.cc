#include "arrow_rules.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace tapewarden::arrows {
namespace {

using Names = std::set<std::string, std::less<>>;

// Folder → the folders that it may include besides itself. "json" stands for <boost/json.hpp>, which that
// folder compiles.
const std::map<std::string, Names, std::less<>>& arrows() {
  static const std::map<std::string, Names, std::less<>> table = {
      {"base", {}},
      {"config", {"base"}},
      {"crypto", {"base"}},
      {"net", {"base", "crypto"}},
      {"json", {}},
      {"store/sqlite", {"base"}},
      {"store", {"base", "crypto", "store/sqlite", "json"}},
      {"audit", {"base", "crypto", "store", "json"}},
      {"people", {"base", "crypto", "store", "audit"}},
      {"ttlv", {"base"}},
      {"kmip", {"base", "crypto", "ttlv"}},
      {"kmip/client", {"base", "crypto", "ttlv", "kmip"}},
      {"kmip/encoding", {"base", "json", "ttlv", "kmip"}},
      {"eedk", {"base", "crypto", "ttlv"}},
      {"keymgr", {"base", "crypto", "store", "people", "audit", "eedk", "json"}},
      {"keymgr/custody", {"base", "crypto", "store", "people", "audit", "eedk", "json", "keymgr"}},
      {"keymgr/custody/backup", {"base", "crypto", "store", "audit", "eedk", "keymgr"}},
      {"keymgr/evidence", {"base", "crypto", "store", "audit", "eedk", "json", "proof", "keymgr"}},
      {"keymgr/objects", {"base", "crypto", "store", "people", "audit", "ttlv", "kmip", "keymgr"}},
      {"kmip/server",
       {"base", "crypto", "store", "people", "audit", "ttlv", "kmip", "keymgr", "keymgr/objects"}},
      {"keymgr/migration", {"base", "crypto", "store", "audit", "eedk", "keymgr"}},
      {"rescue",
       {"base", "crypto", "store", "eedk", "tape/medium", "keymgr", "keymgr/custody",
        "keymgr/custody/backup"}},
      {"keymgr/sharing", {"base", "crypto", "store", "audit", "eedk", "keymgr", "keymgr/custody/backup"}},
      {"keymgr/recoverability",
       {"base", "crypto", "store", "audit", "eedk", "keymgr", "keymgr/custody/backup", "keymgr/sharing"}},
      {"proof", {"base", "crypto", "eedk", "json"}},
      {"dkx", {"base", "crypto", "ttlv", "eedk"}},
      {"dkx/server", {"base", "crypto", "ttlv", "eedk", "dkx", "keymgr"}},
      {"dkx/client", {"base", "crypto", "ttlv", "eedk", "dkx", "net"}},
      {"scsi", {"base"}},
      {"iscsi", {"base", "crypto", "net", "scsi"}},
      {"tape/medium", {"base", "crypto"}},
      {"tape/device", {"base", "crypto", "eedk", "scsi", "tape/medium"}},
      {"tape/library", {"base", "config", "crypto", "scsi", "tape/medium", "tape/device"}},
      {"tape/initiator", {"base", "crypto", "scsi"}},
      {"tape/transport", {"base", "crypto", "scsi", "tape/initiator"}},
      {"keyproxy",
       {"base", "crypto", "scsi", "tape/medium", "tape/device", "tape/initiator", "eedk", "dkx",
        "dkx/client"}},
      {"keyproxy/engine",
       {"base", "config", "crypto", "net", "tape/device", "tape/initiator", "dkx", "dkx/client", "keyproxy"}},
      {"engine/cache", {"base", "crypto", "tape/medium"}},
      {"engine/catalogue", {"base", "crypto", "store", "json"}},
      {"engine/stack", {"base", "crypto"}},
      {"engine/physical", {"base", "crypto", "eedk", "scsi", "tape/initiator", "engine", "engine/stack"}},
      {"engine",
       {"base", "crypto", "store", "scsi", "tape/medium", "tape/initiator", "engine/cache",
        "engine/catalogue", "engine/stack", "engine/physical"}},
      {"engine/residence", {"base", "crypto", "engine", "engine/cache", "engine/catalogue", "tape/medium"}},
      {"engine/host",
       {"base", "crypto", "scsi", "tape/medium", "tape/device", "tape/library", "engine", "engine/cache",
        "engine/catalogue", "engine/residence"}},
      {"engine/work",
       {"base", "crypto", "scsi", "tape/medium", "tape/initiator", "engine", "engine/cache",
        "engine/catalogue", "engine/stack", "engine/physical", "engine/residence"}},
      {"engine/rebuild",
       {"base", "crypto", "json", "store", "engine", "engine/cache", "engine/catalogue", "engine/stack",
        "engine/physical", "engine/work"}},
      {"engine/operator",
       {"base", "crypto", "tape/medium", "tape/library", "engine", "engine/cache", "engine/catalogue",
        "engine/residence"}},
      {"engine/report", {"base", "json", "engine", "engine/catalogue"}},
      {"admin/http", {"base", "crypto", "net", "people", "audit", "json"}},
      {"admin/keyd",
       {"base", "crypto", "net", "people", "audit", "json", "keymgr", "keymgr/custody",
        "keymgr/custody/backup", "keymgr/evidence", "keymgr/migration", "keymgr/objects",
        "keymgr/recoverability", "keymgr/sharing", "kmip", "admin/http"}},
      {"admin/taped",
       {"base", "crypto", "net", "people", "audit", "json", "iscsi", "scsi", "tape/medium", "tape/device",
        "tape/library", "engine", "engine/catalogue", "engine/physical", "engine/operator", "engine/report",
        "engine/work", "engine/rebuild", "admin/http"}},
      {"cli",
       {"base", "config", "crypto", "net", "json", "scsi", "tape/medium", "tape/device", "tape/library",
        "tape/initiator", "tape/transport", "keyproxy", "keyproxy/engine", "eedk", "dkx", "dkx/client",
        "kmip/client", "proof"}},
      {"apps",
       {"base",
        "config",
        "crypto",
        "net",
        "json",
        "store",
        "store/sqlite",
        "audit",
        "people",
        "ttlv",
        "eedk",
        "keymgr",
        "dkx",
        "dkx/server",
        "dkx/client",
        "scsi",
        "iscsi",
        "tape/medium",
        "tape/device",
        "tape/library",
        "tape/initiator",
        "tape/transport",
        "keyproxy",
        "keyproxy/engine",
        "engine",
        "engine/cache",
        "engine/catalogue",
        "engine/stack",
        "engine/physical",
        "engine/residence",
        "engine/host",
        "engine/work",
        "engine/rebuild",
        "engine/operator",
        "engine/report",
        "admin/http",
        "admin/keyd",
        "admin/taped",
        "keymgr/custody",
        "keymgr/custody/backup",
        "rescue",
        "cli",
        "proof",
        "keymgr/evidence",
        "keymgr/migration",
        "keymgr/recoverability",
        "keymgr/sharing",
        "keymgr/objects",
        "kmip",
        "kmip/client",
        "kmip/encoding",
        "kmip/server"}},
  };
  return table;
}

// Libraries that only some folders may touch, by the start of the include.
struct LibraryRule {
  std::string_view prefix;
  std::initializer_list<std::string_view> folders;
  bool may_leak;  // whether their headers may carry it to other folders
};
const LibraryRule kLibraries[] = {
    {"openssl/", {"crypto", "net"}, false}, {"boost/asio", {"net"}, false},
    {"boost/beast", {"net"}, false},        {"sqlite3.h", {"store/sqlite"}, false},
    {"toml++/", {"config"}, false},         {"iscsi/", {"tape/transport"}, false},
    {"scsi/", {"tape/transport"}, false},
};

// Words that bypass the byte cursors. net may use them where the socket interface asks for casts.
constexpr std::string_view kRawBytes[] = {"memcpy", "memmove", "reinterpret_cast"};
constexpr std::string_view kRawByteFolders[] = {"base", "crypto", "net"};

struct Include {
  std::string target;
  bool quoted = false;
  std::size_t line = 0;
};

std::string folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  auto folder = std::string(slash == std::string_view::npos ? std::string_view() : path.substr(0, slash));
  if (folder == "testing") return {};
  if (folder.ends_with("/testing")) folder.resize(folder.size() - std::string_view("/testing").size());
  return folder;
}

bool is_fake(std::string_view path) {
  return path.find("/testing/") != std::string_view::npos;
}

// Tests, their shared helpers and fakes beside the code, and the fakes for other tests.
bool is_test(std::string_view path) {
  return is_fake(path) || path.find("/fake_") != std::string_view::npos || path.ends_with("_test.cc") ||
         path.find("_test_") != std::string_view::npos;
}

// Without comments, with string literals emptied; line ends stay. Include lines keep their names.
std::string without_comments(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
      if (at < text.size()) out += '\n';
    } else if (text.substr(at, 2) == "/*") {
      const auto end = std::min(text.find("*/", at + 2), text.size());
      out.append(static_cast<std::size_t>(std::ranges::count(text.substr(at, end - at), '\n')), '\n');
      at = end + 1;
    } else {
      out += text[at];
    }
  }
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::optional<Include> include_in(std::string_view line, std::size_t number) {
  const auto skip_blanks = [&line] {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  };
  skip_blanks();
  if (!line.starts_with('#')) return std::nullopt;
  line.remove_prefix(1);
  skip_blanks();
  if (!line.starts_with("include")) return std::nullopt;
  line.remove_prefix(std::string_view("include").size());
  skip_blanks();
  if (line.empty() || (line[0] != '"' && line[0] != '<')) return std::nullopt;
  const auto end = line.find(line[0] == '"' ? '"' : '>', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return Include{std::string(line.substr(1, end - 1)), line[0] == '"', number};
}

bool has_word(std::string_view line, std::string_view word) {
  const auto part_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (auto at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    const auto after = at + word.size();
    if ((at == 0 || !part_of_name(line[at - 1])) && (after == line.size() || !part_of_name(line[after])))
      return true;
  }
  return false;
}

class Judge {
 public:
  explicit Judge(std::span<const SourceFile> files) {
    for (const auto& file : files) read(file);
  }

  std::vector<std::string> run() {
    for (const auto& [path, includes] : includes_) {
      if (!arrows().contains(folder_of(path))) {
        say(path, 0, "lies in a folder that the arrow table does not know");
        continue;
      }
      for (const auto& include : includes) judge(path, include);
      judge_leaks(path);
    }
    judge_cycles();
    return std::move(broken_);
  }

 private:
  void say(const std::string& path, std::size_t line, const std::string& what) {
    broken_.push_back("src/" + path + (line > 0 ? ":" + std::to_string(line) : "") + ": " + what);
  }

  void read(const SourceFile& file) {
    const auto text = without_comments(file.text);
    const auto folder = folder_of(file.path);
    auto& includes = includes_[file.path];
    std::size_t number = 0;
    for (const auto line : lines_of(text)) {
      ++number;
      if (auto include = include_in(line, number)) includes.push_back(*std::move(include));
      if (std::ranges::find(kRawByteFolders, folder) != std::end(kRawByteFolders)) continue;
      for (const auto word : kRawBytes)
        if (has_word(line, word)) say(file.path, number, std::string(word) + " outside base, crypto and net");
    }
  }

  void judge(const std::string& path, const Include& include) {
    const auto folder = folder_of(path);
    if (!include.quoted) {
      judge_library(path, include);
      return;
    }
    const auto target = folder_of(include.target);
    if (include.target.find('/') == std::string::npos || include.target.find("..") != std::string::npos) {
      say(path, include.line, "\"" + include.target + "\" is not named from src/");
      return;
    }
    if (!is_test(path) && is_test(include.target)) {
      say(path, include.line, "\"" + include.target + "\" is for tests");
      return;
    }
    if (target == folder || (is_test(path) && is_test(include.target))) return;
    if (!is_test(path)) folder_graph_[folder].insert(target);
    if (!arrows().find(folder)->second.contains(target))
      say(path, include.line, folder + " may not include \"" + include.target + "\"");
  }

  void judge_library(const std::string& path, const Include& include) {
    const auto folder = folder_of(path);
    for (const auto& rule : kLibraries)
      if (include.target.starts_with(rule.prefix) &&
          std::ranges::find(rule.folders, folder) == rule.folders.end())
        say(path, include.line, folder + " may not include <" + include.target + ">");
    if (include.target.starts_with("boost/json") && folder != "json" &&
        !arrows().find(folder)->second.contains("json"))
      say(path, include.line, folder + " may not include <" + include.target + ">");
  }

  // That no header of another folder carries one of the kept-in libraries here.
  void judge_leaks(const std::string& path) {
    for (const auto& rule : kLibraries) {
      if (rule.may_leak || std::ranges::find(rule.folders, folder_of(path)) != rule.folders.end()) continue;
      std::set<std::string> seen;
      if (const auto carrier = carrier_of(path, rule.prefix, seen); !carrier.empty() && carrier != path)
        say(path, 0, "gets <" + std::string(rule.prefix) + "…> through \"" + carrier + "\"");
    }
  }

  std::string carrier_of(const std::string& path, std::string_view prefix,
                         std::set<std::string>& seen) const {
    const auto found = includes_.find(path);
    if (found == includes_.end() || !seen.insert(path).second) return {};
    for (const auto& include : found->second) {
      if (!include.quoted && include.target.starts_with(prefix)) return path;
      if (!include.quoted) continue;
      if (auto carrier = carrier_of(include.target, prefix, seen); !carrier.empty()) return carrier;
    }
    return {};
  }

  void judge_cycles() {
    for (const auto& [folder, targets] : folder_graph_)
      for (const auto& target : targets)
        if (folder < target && reaches(target, folder))
          broken_.push_back("src/" + folder + " and src/" + target + " include each other");
  }

  bool reaches(const std::string& from, const std::string& to) const {
    std::vector<std::string> open{from};
    Names seen;
    while (!open.empty()) {
      const auto folder = std::move(open.back());
      open.pop_back();
      if (folder == to) return true;
      const auto found = folder_graph_.find(folder);
      if (found == folder_graph_.end() || !seen.insert(folder).second) continue;
      open.insert(open.end(), found->second.begin(), found->second.end());
    }
    return false;
  }

  std::map<std::string, std::vector<Include>> includes_;
  std::map<std::string, Names> folder_graph_;
  std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> broken_rules(std::span<const SourceFile> files) {
  return Judge(files).run();
}

std::vector<std::string> known_folders() {
  std::vector<std::string> names;
  for (const auto& [folder, targets] : arrows()) names.push_back(folder);
  return names;
}

}  // namespace tapewarden::arrows
