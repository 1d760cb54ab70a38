#include "integration/process_memory.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>
#include <unordered_map>

#include "crypto/secret_bytes.h"

namespace tapewarden::testing {

namespace {

constexpr std::size_t kChunk = 1U << 20;
constexpr std::size_t kPage = 4096;

// A file descriptor that closes itself.
struct Descriptor {
  int number = -1;
  explicit Descriptor(int n) : number(n) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

class Searcher {
 public:
  Searcher(int memory, const std::vector<ByteView>& needles) : memory_(memory), needles_(needles) {
    for (std::size_t i = 0; i < needles.size(); ++i) by_start_[start_of(needles[i])].push_back(i);
  }

  void search(std::uint64_t from, std::uint64_t to, const std::string& mapping) {
    const std::size_t overlap = needles_.front().size() - 1;
    Bytes window;
    std::uint64_t window_at = from;
    for (std::uint64_t at = from; at < to;) {
      const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, to - at));
      const std::size_t got = read(at, wanted);
      if (got == 0) {
        out.unreadable += kPage;
        at += kPage;
        window.clear();
        window_at = at;
        continue;
      }
      window.insert(window.end(), buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(got));
      look(window, window_at, mapping);
      at += got;
      out.bytes += got;
      const std::size_t kept = std::min(overlap, window.size());
      window_at = at - kept;
      crypto::wipe(MutableByteView(window).first(window.size() - kept));
      window.erase(window.begin(), window.end() - static_cast<std::ptrdiff_t>(kept));
    }
    crypto::wipe(buffer_);
  }

  MemorySearch out;

 private:
  static std::uint64_t start_of(ByteView bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8 | bytes[i];
    return value;
  }

  std::size_t read(std::uint64_t at, std::size_t wanted) {
    buffer_.resize(wanted);
    const auto got = ::pread(memory_, buffer_.data(), wanted, static_cast<off_t>(at));
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }

  void look(ByteView window, std::uint64_t window_at, const std::string& mapping) {
    const std::size_t length = needles_.front().size();
    if (window.size() < length) return;
    std::uint64_t value = start_of(window) >> 8;
    for (std::size_t i = 0; i + length <= window.size(); ++i) {
      value = value << 8 | window[i + 7];
      const auto found = by_start_.find(value);
      if (found == by_start_.end()) continue;
      for (const std::size_t needle : found->second) {
        if (equal(window.subspan(i, length), needles_[needle]))
          out.hits.push_back({needle, window_at + i, mapping});
      }
    }
  }

  int memory_;
  const std::vector<ByteView>& needles_;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_start_;
  Bytes buffer_;
};

}  // namespace

Result<MemorySearch> search_memory(pid_t pid, const std::vector<ByteView>& needles) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const Descriptor memory(::open((folder + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (memory.number < 0) {
    return fail(ErrorCode::kPermissionDenied, folder + "/mem: error " + std::to_string(errno));
  }
  std::ifstream maps(folder + "/maps");
  Searcher searcher(memory.number, needles);
  for (std::string line; std::getline(maps, line);) {
    std::istringstream in(line);
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    char dash = 0;
    std::string rights;
    in >> std::hex >> from >> dash >> to >> rights;
    if (!in || rights.empty() || rights.front() != 'r' || line.find("[v") != std::string::npos) continue;
    searcher.search(from, to, line);
  }
  return std::move(searcher.out);
}

}  // namespace tapewarden::testing
