#include "kmip/server/crypto_streams.h"

#include <algorithm>

namespace tapewarden::kmip {

StreamPtr StreamBook::find(const Bytes& correlation) const {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(correlation);
  return found != entries_.end() ? found->second.stream : nullptr;
}

void StreamBook::apply(const StreamChanges& changes) {
  const MutexLock lock(mutex_);
  for (const auto& [correlation, stream] : changes) {
    if (stream == nullptr) {
      entries_.erase(correlation);
    } else {
      entries_[correlation] = {stream, ++clock_};
    }
  }
  while (entries_.size() > kMaximumStreams) {
    entries_.erase(
        std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.used; }));
  }
}

}  // namespace tapewarden::kmip
