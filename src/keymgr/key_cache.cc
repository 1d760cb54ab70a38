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

template <typename T>
void KeyCache::Bounded<T>::drop(const Hash256& id) {
  if (entries.erase(id) > 0) std::erase(order, id);
}

Status KeyCache::drop_stale(const Keks& keks, store::Reader& reader) {
  std::map<Hash256, Bytes> held;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, entry] : private_.entries) held[id] = entry.sealed;
  }
  for (const auto& [id, sealed] : held) {
    const auto kek = TRY(keks.find(reader, id));
    if (kek && !is_tombstone(kek->state) && kek->sealed_private == sealed) continue;
    const MutexLock lock(mutex_);
    const auto found = private_.entries.find(id);
    if (found != private_.entries.end() && found->second.sealed == sealed) private_.drop(id);
  }
  return {};
}

std::size_t KeyCache::private_halves() const {
  const MutexLock lock(mutex_);
  return private_.entries.size();
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

Result<bool> KeyCache::in_ledger(const Ledger& ledger, store::Reader& reader, const eedk::EedkSet& set) {
  const Hash256 id = crypto::sha256(eedk::encode(set));
  {
    const MutexLock lock(mutex_);
    if (in_ledger_.entries.contains(id)) return true;
  }
  return ledger.holds(reader, set);
}

void KeyCache::saw_in_ledger(const eedk::EedkSet& set) {
  const Hash256 id = crypto::sha256(eedk::encode(set));
  const MutexLock lock(mutex_);
  in_ledger_.put(id, {}, kKnownSetEntries);
}

}  // namespace tapewarden::keymgr
