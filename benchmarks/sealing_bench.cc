// What the cartridge format costs above AES-256-GCM itself: records sealed and framed, into a file that keeps
// nothing, against the cipher alone.
#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/bytes.h"
#include "base/real_env.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "harness.h"
#include "support.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::bench {
namespace {

constexpr std::size_t kRecordBytes = 256U << 10;
constexpr std::uint64_t kRecords = 1024;
constexpr double kMegabytes = static_cast<double>(kRecordBytes) * static_cast<double>(kRecords) / 1e6;
constexpr unsigned kRounds = 7;

// Keeps the first part, where the areas of a cartridge lie, and forgets records: no disk is measured here.
struct ForgetfulContent {
  Bytes kept = Bytes(std::size_t{4} << 20);
  std::uint64_t size = 0;

  // What of the kept part lies at an offset.
  MutableByteView from(std::uint64_t offset) {
    return MutableByteView(kept).subspan(
        static_cast<std::size_t>(std::min<std::uint64_t>(offset, kept.size())));
  }
};

class ForgetfulFile final : public File {
 public:
  explicit ForgetfulFile(std::shared_ptr<ForgetfulContent> content) : content_(std::move(content)) {}
  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView out) override {
    if (offset >= content_->size) return 0U;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), content_->size - offset));
    std::ranges::fill(out, std::uint8_t{0});
    const auto kept = content_->from(offset);
    copy_bytes(out, kept.first(std::min(count, kept.size())));
    return count;
  }
  Status write_at(std::uint64_t offset, ByteView data) override {
    content_->size = std::max(content_->size, offset + data.size());
    const auto kept = content_->from(offset);
    copy_bytes(kept, data.first(std::min(data.size(), kept.size())));
    return {};
  }
  Result<std::uint64_t> size() override { return content_->size; }
  Status truncate(std::uint64_t size) override {
    content_->size = size;
    return {};
  }
  Status sync() override { return {}; }

 private:
  std::shared_ptr<ForgetfulContent> content_;
};

class ForgetfulDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode, unsigned) override {
    auto& content = files_[path];
    if (content == nullptr) content = std::make_shared<ForgetfulContent>();
    return std::make_unique<ForgetfulFile>(content);
  }
  Status rename(const std::string& from, const std::string& to) override {
    files_[to] = std::move(files_[from]);
    files_.erase(from);
    return {};
  }
  Status remove(const std::string& path) override {
    files_.erase(path);
    return {};
  }
  Status make_directories(const std::string&, unsigned) override { return {}; }
  Status sync_directory(const std::string&) override { return {}; }
  Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>(); }
  bool exists(const std::string& path) override { return files_.contains(path); }
  Result<std::unique_ptr<File>> lock(const std::string& path) override {
    return open(path + ".lock", OpenMode::kCreate, 0600);
  }

 private:
  std::map<std::string, std::shared_ptr<ForgetfulContent>> files_;
};

Figures sealing() {
  RealClock clock;
  ForgetfulDisk disk;
  crypto::SystemRandom random;
  const Env env{.clock = &clock, .disk = &disk, .random = &random, .executor = nullptr};
  Bytes record(kRecordBytes);
  random.fill(record);

  tape::CartridgeSpec spec;
  spec.volser = "BENCH0L9";
  spec.compression_level = 0;
  auto cartridge = tape::Cartridge::create(env, "cartridge", spec);
  if (!cartridge) throw std::runtime_error(cartridge.error().text());
  tape::SessionSpec session;
  session.key = std::make_shared<const tape::DataKey>(crypto::random_secret(random, tape::kDataKeyBytes));
  session.method = tape::KeyMethod::kIdentifiedKey;
  must((*cartridge)->set_write_session(session));

  crypto::AesGcm cipher(crypto::random_secret(random, crypto::kAesKeyBytes));
  Bytes sealed(kRecordBytes);
  std::uint64_t counter = 0;
  const auto pair = measure_in_turn(
      kRounds,
      [&] {
        return kMegabytes / seconds_of([&] {
                 for (std::uint64_t i = 0; i < kRecords; ++i) must((*cartridge)->write_record(record));
               });
      },
      [&] {
        return kMegabytes / seconds_of([&] {
                 for (std::uint64_t i = 0; i < kRecords; ++i)
                   static_cast<void>(cipher.seal(crypto::counter_iv(counter++), {}, record, sealed));
               });
      });
  return {{"record-sealing", pair.value, "MB/s", pair.yardstick, {}}};
}

const Registrar kSealing("record-sealing", "256 KiB records sealed and framed, no disk", sealing);

// The MAC that guards each row of the keystore, against the bare hash of the same bytes.
Figures row_mac() {
  constexpr std::uint64_t kRows = 100'000;
  crypto::SystemRandom random;
  const crypto::MacKey key(crypto::random_secret(random, 32));
  Bytes row(200);
  random.fill(row);
  const auto microseconds = [](double seconds) { return seconds * 1e6 / static_cast<double>(kRows); };
  const auto pair = measure_in_turn(
      kRounds,
      [&] {
        return microseconds(seconds_of([&] {
          for (std::uint64_t i = 0; i < kRows; ++i) row[i % 32] ^= key.mac(row)[0];
        }));
      },
      [&] {
        return microseconds(seconds_of([&] {
          for (std::uint64_t i = 0; i < kRows; ++i) row[i % 32] ^= crypto::sha256(row)[0];
        }));
      });
  return {{"row-mac", pair.value, "us", pair.yardstick, 2.5, Better::kLower}};
}

const Registrar kRowMac("row-mac", "HMAC of a keystore row of 200 bytes", row_mac);

}  // namespace
}  // namespace tapewarden::bench
