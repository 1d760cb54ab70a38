#include "store/key_ring.h"

#include <algorithm>

#include "base/assert.h"

namespace tapewarden::store {

MasterKeys first_version(const crypto::SecretBytes& key) {
  MasterKeys keys;
  keys.push_back({kFirstKeyVersion, key.clone()});
  return keys;
}

MasterKeys copy_of(const MasterKeys& keys) {
  MasterKeys out;
  for (const VersionedKey& one : keys) out.push_back({one.version, one.key.clone()});
  return out;
}

std::string versions_text(const std::vector<KeyVersion>& versions) {
  std::string out = versions.size() == 1 ? "version " : "versions ";
  for (std::size_t i = 0; i < versions.size(); ++i) {
    if (i > 0) out += i + 1 == versions.size() ? " and " : ", ";
    out += std::to_string(versions[i]);
  }
  return out;
}

KeyRing::KeyRing(const MasterKeys& keys) {
  TW_ASSERT(!keys.empty());
  auto vaults = std::make_shared<Vaults>();
  for (const VersionedKey& one : keys) {
    vaults->emplace(one.version, std::make_shared<const Vault>(one.key, one.version));
  }
  const MutexLock lock(mutex_);
  vaults_ = std::move(vaults);
}

std::shared_ptr<const KeyRing::Vaults> KeyRing::now() const {
  const MutexLock lock(mutex_);
  return vaults_;
}

void KeyRing::add(const VersionedKey& key) {
  auto vault = std::make_shared<const Vault>(key.key, key.version);
  const MutexLock lock(mutex_);
  auto vaults = std::make_shared<Vaults>(*vaults_);
  vaults->insert_or_assign(key.version, std::move(vault));
  vaults_ = std::move(vaults);
}

void KeyRing::remove_before(KeyVersion version) {
  const MutexLock lock(mutex_);
  TW_ASSERT(vaults_->contains(version));
  auto vaults = std::make_shared<Vaults>(*vaults_);
  vaults->erase(vaults->begin(), vaults->find(version));
  vaults_ = std::move(vaults);
}

const Vault* KeyView::find(KeyVersion version) const {
  const KeyVersion wanted = std::max(version, kFirstKeyVersion);
  for (const auto& vaults : held_) {
    if (const auto found = vaults->find(wanted); found != vaults->end()) return found->second.get();
  }
  auto now = ring_->now();
  const auto found = now->find(wanted);
  if (found == now->end()) return nullptr;
  const Vault* vault = found->second.get();
  held_.push_back(std::move(now));
  return vault;
}

std::vector<KeyVersion> KeyView::versions() const {
  std::vector<KeyVersion> out;
  for (const auto& [version, vault] : *held_.back()) out.push_back(version);
  return out;
}

}  // namespace tapewarden::store
