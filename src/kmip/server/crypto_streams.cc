#include "kmip/server/crypto_streams.h"

#include <ranges>

namespace tapewarden::kmip {

Result<StreamPtr> StreamBook::take(const Bytes& correlation, std::string_view owner, Operation operation,
                                   std::uint64_t message) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(correlation);
  if (found == entries_.end()) return StreamPtr();
  Entry& entry = found->second;
  if (entry.stream->owner != owner || entry.stream->operation != operation) return StreamPtr();
  if (entry.message != 0 && entry.message != message) {
    return fail(ErrorCode::kConflict, "another message goes on with this stream");
  }
  entry.message = message;
  return entry.stream;
}

// Those that rested longest: of each owner who has too many, then of all.
void StreamBook::make_room() {
  std::map<std::uint64_t, Bytes> by_age;
  for (const auto& [correlation, entry] : entries_) by_age.emplace(entry.used, correlation);
  std::map<std::string, std::size_t> owned;
  std::size_t kept = 0;
  for (const auto& [used, correlation] : std::views::reverse(by_age)) {
    const auto found = entries_.find(correlation);
    const bool room = kept < kMaximumStreams && owned[found->second.stream->owner] < kMaximumStreamsOfOwner;
    if (!room) {
      entries_.erase(found);
      continue;
    }
    ++kept;
    ++owned[found->second.stream->owner];
  }
}

void StreamBook::finish(const StreamChanges& changes, std::uint64_t message) {
  const MutexLock lock(mutex_);
  for (const auto& [correlation, stream] : changes) {
    if (stream == nullptr) {
      entries_.erase(correlation);
    } else {
      entries_[correlation] = {stream, ++clock_, 0};
    }
  }
  for (auto& [correlation, entry] : entries_) {
    if (entry.message == message) entry.message = 0;
  }
  if (!changes.empty()) make_room();
}

}  // namespace tapewarden::kmip
