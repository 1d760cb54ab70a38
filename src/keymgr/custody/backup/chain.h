// Backup files that belong together: a base and the increments after it, in the order in which a restore
// takes them. Values; functions read headers only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymgr/custody/backup/file_header.h"

namespace tapewarden::keymgr::backup {

struct FoundFile {
  std::string path;
  FileHeader header;
};

struct DirectoryContent {
  std::vector<FoundFile> files;  // with a readable header
  struct Unreadable {
    std::string path;
    Error error;
  };
  std::vector<Unreadable> unreadable;  // names that should be backup files and are not
};
// Every *.twb of the directory. Errors of the disk.
Result<DirectoryContent> look_into(Disk& disk, const std::string& directory);

// A base and its increments without a gap; only files of one server, epoch, target and base number.
struct Chain {
  std::vector<FoundFile> files;  // the base first
  const FileHeader& base() const { return files.front().header; }
  const FileHeader& newest() const { return files.back().header; }
};

// Increments whose predecessor is not there, up to the next base: they cannot be restored.
struct Gap {
  FoundFile first;
  FoundFile last;
  std::uint32_t missing = 0;     // number of the first increment that is not there; 0: the base
  std::uint64_t after = 0;       // the commits after this one are missing, up to first.header.from
  std::optional<FoundFile> end;  // the last file before the hole; nothing without the base
  std::string text() const;
};

// The chains among `files`, the newest last: by epoch, then by the commit up to which they go. An increment
// whose predecessor is not there ends its chain; it is in `gaps`.
std::vector<Chain> chains_of(const std::vector<FoundFile>& files, std::vector<Gap>* gaps = nullptr);

// The chain that ends with this very file. kNotFound when its base or an increment between is missing.
Result<Chain> chain_ending_with(const std::vector<FoundFile>& files, const std::string& path);

}  // namespace tapewarden::keymgr::backup
