#include "keymgr/key_cache.h"

#include "crypto/hash.h"
#include "keymgr/limits.h"

namespace tapewarden::keymgr {

template <typename T>
void KeyCache::Bounded<T>::put(const Hash256& id, T value, std::size_t limit) {
  const auto [place, added] = entries.insert_or_assign(id, std::move(value));
  if (!added) return;
  order.push_back(id);
  if (order.size() <= limit) return;
  entries.erase(order.front());
  order.pop_front();
}

Result<crypto::PrivateKey> KeyCache::private_half(const Keks& keks, store::Reader& reader, const Kek& kek) {
  {
    const MutexLock lock(mutex_);
    const auto found = private_.entries.find(kek.id);
    if (found != private_.entries.end() && found->second.sealed == kek.sealed_private)
      return found->second.key;
  }
  auto key = TRY(keks.open_private(reader, kek));
  const MutexLock lock(mutex_);
  private_.put(kek.id, {kek.sealed_private, key}, kKekCacheEntries);
  return key;
}

Result<crypto::PublicKey> KeyCache::public_half(const Kek& kek) {
  {
    const MutexLock lock(mutex_);
    const auto found = public_.entries.find(kek.id);
    if (found != public_.entries.end()) return found->second;
  }
  auto key = TRY(TRY(crypto::Certificate::from_der(kek.certificate)).public_key());
  const MutexLock lock(mutex_);
  public_.put(kek.id, key, kPublicKeyCacheEntries);
  return key;
}

Result<crypto::PublicKey> KeyCache::public_key(ByteView spki) {
  const Hash256 id = crypto::sha256(spki);
  {
    const MutexLock lock(mutex_);
    const auto found = public_.entries.find(id);
    if (found != public_.entries.end()) return found->second;
  }
  auto key = TRY(crypto::PublicKey::from_spki(spki));
  const MutexLock lock(mutex_);
  public_.put(id, key, kPublicKeyCacheEntries);
  return key;
}

}  // namespace tapewarden::keymgr
