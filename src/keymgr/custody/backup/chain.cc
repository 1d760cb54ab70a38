#include "keymgr/custody/backup/chain.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "keymgr/custody/backup/file_reader.h"
#include "keymgr/custody/backup/limits.h"

namespace tapewarden::keymgr::backup {

namespace {

auto series_of(const FileHeader& header) {
  return std::tuple(header.server, header.epoch, header.target, header.base);
}

// Increments that begin where the file before them ends.
bool follows(const FileHeader& before, const FileHeader& header) {
  return header.increment == before.increment + 1 && header.from == before.to.sequence;
}

Error gap(const FoundFile& file) {
  return {ErrorCode::kNotFound, file.path + " lacks the increment before it", "backup file",
          "bring the missing file back into the folder, or take the chain up to the gap with --file", 0};
}

}  // namespace

Result<DirectoryContent> look_into(Disk& disk, const std::string& directory) {
  DirectoryContent out;
  const auto names = TRY(disk.list(directory));
  if (names.size() > kFilesInDirectory) {
    return fail(ErrorCode::kExhausted, directory + " holds too many files", "directory");
  }
  for (const std::string& name : names) {
    if (!name.ends_with(kFileSuffix)) continue;
    const std::string path = directory + "/" + name;
    const auto reader = FileReader::open(disk, path);
    if (reader) {
      out.files.push_back({path, (*reader)->header()});
    } else {
      out.unreadable.push_back(reader.error());
    }
  }
  return out;
}

std::vector<Chain> chains_of(const std::vector<FoundFile>& files, std::vector<Error>* gaps) {
  std::vector<FoundFile> sorted;
  std::ranges::copy_if(files, std::back_inserter(sorted),
                       [](const FoundFile& file) { return file.header.kind == FileKind::kKeystore; });
  std::ranges::sort(sorted, {}, [](const FoundFile& file) {
    return std::tuple(series_of(file.header), file.header.increment, file.path);
  });
  std::vector<Chain> chains;
  for (FoundFile& file : sorted) {
    const bool same = !chains.empty() && series_of(chains.back().base()) == series_of(file.header);
    if (file.header.is_base()) {
      chains.push_back({{std::move(file)}});
    } else if (same && follows(chains.back().newest(), file.header)) {
      chains.back().files.push_back(std::move(file));
    } else if (gaps != nullptr) {
      gaps->push_back(gap(file));
    }
  }
  std::ranges::sort(chains, {}, [](const Chain& chain) {
    return std::tuple(chain.newest().epoch, chain.newest().to.sequence, chain.base().base,
                      chain.files.front().path);
  });
  return chains;
}

Result<Chain> chain_ending_with(const std::vector<FoundFile>& files, const std::string& path) {
  for (Chain& chain : chains_of(files)) {
    const auto end = std::ranges::find(chain.files, path, &FoundFile::path);
    if (end == chain.files.end()) continue;
    chain.files.erase(end + 1, chain.files.end());
    return std::move(chain);
  }
  return fail(ErrorCode::kNotFound, "there is no unbroken chain of backups that ends with " + path, "file",
              "put the base and every increment before it into one folder");
}

}  // namespace tapewarden::keymgr::backup
