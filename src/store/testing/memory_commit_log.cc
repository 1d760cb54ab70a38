#include "store/testing/memory_commit_log.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/assert.h"
#include "crypto/hash.h"

namespace tapewarden::store::testing {

Status MemoryCommitLog::take(std::span<const std::string> records) {
  if (fault_) return std::unexpected(*fault_);
  for (const std::string& record : records) {
    chain_ = crypto::sha256({chain_, as_bytes(record)});
    records_.push_back(record);
  }
  return {};
}

Status MemoryCommitLog::ready() const {
  const std::lock_guard lock(mutex_);
  return stopped_ ? Status(std::unexpected(*stopped_)) : Status();
}

void MemoryCommitLog::stop_after_append(Error error) {
  const std::lock_guard lock(mutex_);
  stopped_ = std::move(error);
}

Status MemoryCommitLog::append(const CommitMark& mark, std::span<const std::string> records) {
  const std::lock_guard lock(mutex_);
  const Hash256 before = chain_;
  TRY(take(records));
  commits_.push_back({mark, before, {records.begin(), records.end()}});
  chain_ = crypto::sha256({chain_, mark.head});
  return {};
}

Status MemoryCommitLog::note(std::span<const std::string> records) {
  const std::lock_guard lock(mutex_);
  TRY(take(records));
  ++notes_;
  return {};
}

Status MemoryCommitLog::replay(std::uint64_t from, const std::function<Status(const LoggedCommit&)>& visit) {
  std::vector<LoggedCommit> commits;
  {
    const std::lock_guard lock(mutex_);
    const auto first = std::ranges::find_if(
        commits_, [&](const LoggedCommit& commit) { return commit.mark.sequence >= from; });
    commits.assign(first, commits_.end());
  }
  for (const LoggedCommit& commit : commits) TRY(visit(commit));
  return {};
}

std::optional<CommitMark> MemoryCommitLog::last_mark() const {
  const std::lock_guard lock(mutex_);
  if (commits_.empty()) return std::nullopt;
  return commits_.back().mark;
}

Hash256 MemoryCommitLog::chain_hash() const {
  const std::lock_guard lock(mutex_);
  return chain_;
}

void MemoryCommitLog::fail_with(Error error) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(error);
}

void MemoryCommitLog::clear_fault() {
  const std::lock_guard lock(mutex_);
  fault_.reset();
}

void MemoryCommitLog::drop_last(std::size_t count) {
  const std::lock_guard lock(mutex_);
  for (; count > 0 && !commits_.empty(); --count) {
    chain_ = commits_.back().chain_before;
    commits_.pop_back();
  }
}

void MemoryCommitLog::copy_from(const MemoryCommitLog& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  commits_ = other.commits_;
  records_ = other.records_;
  notes_ = other.notes_;
  chain_ = other.chain_;
  fault_ = other.fault_;
}

std::vector<std::string> MemoryCommitLog::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

std::size_t MemoryCommitLog::notes() const {
  const std::lock_guard lock(mutex_);
  return notes_;
}

TemporaryDirectory::TemporaryDirectory(Storage storage) {
  const std::filesystem::path usual = std::filesystem::temp_directory_path();
  for (const std::filesystem::path& parent : {std::filesystem::path("/dev/shm"), usual}) {
    if (storage == Storage::kDisk && parent != usual) continue;
    std::string name = (parent / "tapewarden-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) continue;
    path_ = name;
    break;
  }
  TW_ASSERT(!path_.empty());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tapewarden::store::testing
