#include "base/testing/sim_env.h"

#include <algorithm>
#include <set>

namespace tapewarden::testing {

class SimFile final : public File {
 public:
  SimFile(SimDisk& disk, std::shared_ptr<SimDisk::Node> node) : disk_(disk), node_(std::move(node)) {}

  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView out) override {
    if (offset >= node_->now.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(out.size(), node_->now.size() - offset);
    copy_bytes(out, ByteView(node_->now).subspan(offset, count));
    return count;
  }

  Status write_at(std::uint64_t offset, ByteView data) override {
    TRY(disk_.spend_write());
    apply(node_->now, offset, data);
    node_->unsynced.push_back({offset, to_bytes(data), false});
    return {};
  }

  Result<std::uint64_t> size() override { return node_->now.size(); }

  Status truncate(std::uint64_t size) override {
    TRY(disk_.spend_write());
    node_->now.resize(size);
    node_->unsynced.push_back({size, {}, true});
    return {};
  }

  Status sync() override {
    TRY(disk_.spend_write());
    node_->synced = node_->now;
    node_->unsynced.clear();
    return {};
  }

  static void apply(Bytes& content, std::uint64_t offset, ByteView data) {
    if (content.size() < offset + data.size()) content.resize(offset + data.size());
    copy_bytes(MutableByteView(content).subspan(offset), data);
  }

 private:
  SimDisk& disk_;
  std::shared_ptr<SimDisk::Node> node_;
};

Result<std::unique_ptr<File>> SimDisk::open(const std::string& path, OpenMode mode, unsigned) {
  const auto found = files_.find(path);
  if (found != files_.end()) {
    if (mode == OpenMode::kCreateNew) return fail(ErrorCode::kAlreadyExists, path + " exists");
    return std::make_unique<SimFile>(*this, found->second);
  }
  if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite)
    return fail(ErrorCode::kNotFound, path + " is missing");
  const auto node = std::make_shared<Node>();
  files_[path] = node;
  return std::make_unique<SimFile>(*this, node);
}

Status SimDisk::rename(const std::string& from, const std::string& to) {
  const auto found = files_.find(from);
  if (found == files_.end()) return fail(ErrorCode::kNotFound, from + " is missing");
  files_[to] = found->second;
  files_.erase(from);
  return {};
}

Status SimDisk::remove(const std::string& path) {
  if (files_.erase(path) == 0) return fail(ErrorCode::kNotFound, path + " is missing");
  return {};
}

Result<std::vector<std::string>> SimDisk::list(const std::string& path) {
  const std::string prefix = path + "/";
  std::set<std::string> names;
  for (const auto& [name, node] : files_) {
    if (name.starts_with(prefix))
      names.insert(name.substr(prefix.size(), name.find('/', prefix.size()) - prefix.size()));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::unique_ptr<File>> SimDisk::lock(const std::string& path) {
  return open(path, OpenMode::kCreate, 0600);
}

// What is left of a write that the power went in.
ByteView SimDisk::survivor(const Node::Change& change, SimRandom& torn) const {
  const std::uint64_t end = change.offset + torn.below(change.data.size() + 1);
  if (end == change.offset + change.data.size()) return change.data;
  const std::uint64_t whole = std::max(change.offset, end / sector_bytes_ * sector_bytes_);
  return ByteView(change.data).first(whole - change.offset);
}

void SimDisk::power_loss(SimRandom* torn) {
  for (auto& [name, node] : files_) {
    Bytes content = node->synced;
    for (const auto& change : node->unsynced) {
      if (torn == nullptr || torn->below(2) == 0) continue;
      if (change.truncate) {
        content.resize(change.offset);
      } else {
        SimFile::apply(content, change.offset, survivor(change, *torn));
      }
    }
    node->now = node->synced = content;
    node->unsynced.clear();
  }
}

Status SimDisk::spend_write() {
  ++writes_;
  if (!failing_) return {};
  if (writes_left_ == 0) return fail(ErrorCode::kIo, "injected disk fault");
  --writes_left_;
  return {};
}

std::size_t SimExecutor::run() {
  std::size_t count = 0;
  while (true) {
    while (!timers_.empty() && timers_.begin()->first <= clock_.steady_now()) {
      ready_.push(std::move(timers_.begin()->second));
      timers_.erase(timers_.begin());
    }
    if (ready_.empty()) return count;
    auto task = std::move(ready_.front());
    ready_.pop();
    task();
    ++count;
  }
}

bool SimExecutor::run_next_timer() {
  if (timers_.empty()) return false;
  const auto wait = timers_.begin()->first - clock_.steady_now();
  if (wait.count() > 0) clock_.advance(std::chrono::ceil<std::chrono::milliseconds>(wait));
  run();
  return true;
}

}  // namespace tapewarden::testing
