// Files that come in several requests, because one request carries at most 3 MiB: begun, filled in order,
// used by their owner, forgotten. Kept in memory; what they hold is sealed or signed by whoever made it.
// Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/env.h"
#include "base/thread_annotations.h"

namespace tapewarden::admin {

inline constexpr std::size_t kUploads = 4;                  // under way at once
inline constexpr std::size_t kUploadBytes = 32U << 20;      // of one
inline constexpr std::chrono::minutes kUploadPatience{10};  // after its last part

class UploadStore {
 public:
  // kInvalidArgument for a size that is nothing or too much; kExhausted when too many are under way.
  Result<std::string> begin(const std::string& person, std::uint64_t size, Random& random, WallTime now);
  // `offset`: where the part begins, which is where the one before ended. kNotFound; kConflict.
  Result<std::uint64_t> add(const std::string& id, const std::string& person, std::uint64_t offset,
                            ByteView part, WallTime now);
  // The whole file. kNotFound; kConflict when parts are missing.
  Result<std::shared_ptr<const Bytes>> file(const std::string& id, const std::string& person, WallTime now);
  // Twice is once.
  void forget(const std::string& id, const std::string& person);

 private:
  struct Upload {
    std::string person;
    std::uint64_t size = 0;
    std::shared_ptr<Bytes> content;
    WallTime touched{};
  };
  Result<Upload*> find(const std::string& id, const std::string& person, WallTime now) TW_REQUIRES(mutex_);
  void drop_old(WallTime now) TW_REQUIRES(mutex_);

  Mutex mutex_;
  std::map<std::string, Upload> uploads_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::admin
