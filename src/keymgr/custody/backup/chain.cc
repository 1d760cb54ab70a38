#include "keymgr/custody/backup/chain.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
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

void note_gap(std::vector<Gap>& gaps, const std::vector<Chain>& chains, const FoundFile& file) {
  const auto series = series_of(file.header);
  if (!gaps.empty() && series_of(gaps.back().first.header) == series) {
    gaps.back().last = file;
    return;
  }
  Gap gap{.first = file, .last = file, .end = {}};
  if (!chains.empty() && series_of(chains.back().base()) == series) {
    gap.end = chains.back().files.back();
    gap.missing = gap.end->header.increment + 1;
    gap.after = gap.end->header.to.sequence;
  }
  gaps.push_back(std::move(gap));
}

std::string numbers_of(std::uint32_t first, std::uint32_t last) {
  return first >= last ? std::to_string(first) : std::to_string(first) + " to " + std::to_string(last);
}

}  // namespace

std::string Gap::text() const {
  const std::string before =
      missing == 0 ? "the base" : "increment " + numbers_of(missing, first.header.increment - 1);
  std::string out = before + " of base " + std::to_string(first.header.base) + " (target " +
                    first.header.target + ") is missing: commits " + std::to_string(after + 1) + " to " +
                    std::to_string(first.header.from) + "; without it " + first.path;
  if (last.path != first.path) out += " up to " + last.path;
  return out + " cannot be restored (commits to " + std::to_string(last.header.to.sequence) + ", " +
         format_utc(last.header.created) + ")";
}

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
      out.unreadable.push_back({path, reader.error()});
    }
  }
  return out;
}

std::vector<Chain> chains_of(const std::vector<FoundFile>& files, std::vector<Gap>* gaps) {
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
      note_gap(*gaps, chains, file);
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
