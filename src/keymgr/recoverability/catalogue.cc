#include "keymgr/recoverability/catalogue.h"

#include <algorithm>

namespace tapewarden::keymgr::recoverability {
namespace {

template <typename T>
Number numbered(std::vector<T>& all, T value) {
  all.push_back(std::move(value));
  return static_cast<Number>(all.size() - 1);
}

constexpr std::string_view kOtherPools = "others";

}  // namespace

Number Catalogue::name_of(const eedk::DataKeyIdentifier& dki) {
  const auto [at, is_new] = name_numbers_.try_emplace(dki.bytes, 0);
  if (is_new) at->second = numbered(names_, kNone);
  return at->second;
}

Number Catalogue::kek_of(const Hash256& id) {
  const auto [at, is_new] = kek_numbers_.try_emplace(id, 0);
  if (is_new) at->second = numbered(keks_, Kek{.id = id});
  return at->second;
}

Number Catalogue::pool_of(const std::string& name) {
  const bool full = pool_names_.size() >= kMaximumPools && !pool_numbers_.contains(name);
  const auto [at, is_new] = pool_numbers_.try_emplace(full ? std::string(kOtherPools) : name, 0);
  if (is_new) at->second = numbered(pool_names_, at->first);
  return at->second;
}

Number Catalogue::server_of(const Uuid& id) {
  const auto found = std::ranges::find(servers_, id);
  if (found != servers_.end()) return static_cast<Number>(found - servers_.begin());
  return numbered(servers_, id);
}

Number Catalogue::need_of(const Need& need) {
  if (need.data_key) return name_of(*need.data_key);
  if (need.keks.empty()) return kNone;
  std::vector<WrappedBy> set;
  set.reserve(need.keks.size());
  for (const auto& one : need.keks) set.push_back({kek_of(one.kek), one.ledger_since});
  const auto [at, is_new] = set_numbers_.try_emplace(set, 0);
  if (is_new) at->second = numbered(sets_, std::move(set));
  return at->second | kWrapped;
}

void Catalogue::put(const KeyFacts& key) {
  const Number name = name_of(key.dki);
  Number at = names_[name];
  while (at != kNone && keys_[at].id != key.id) at = keys_[at].next;
  if (at == kNone) {
    at = numbered(keys_, Key{.id = key.id, .since = key.since, .next = names_[name]});
    names_[name] = at;
  }
  Key& kept = keys_[at];
  const std::int64_t since = std::min(kept.since, key.since);  // C2
  const bool same = kept.fingerprint == key.fingerprint && kept.since == since &&
                    kept.refused_by_peer == key.refused_by_peer && kept.destroyed == key.destroyed;
  if (same) return;
  kept.fingerprint = key.fingerprint;
  kept.since = since;
  kept.refused_by_peer = key.refused_by_peer;
  kept.destroyed = key.destroyed;
  ++generation_;
}

void Catalogue::put(const KekFacts& kek) {
  Kek& kept = keks_[kek_of(kek.id)];
  const std::int64_t since = kept.has_private ? std::min(kept.since, kek.since) : kek.since;
  const bool same = kept.known && kept.has_private == kek.has_private && kept.since == since &&
                    kept.refused_by_peer == kek.refused_by_peer && kept.destroyed == kek.destroyed;
  if (same) return;
  kept = {kek.id, true, kek.has_private, since, kek.refused_by_peer, kek.destroyed};
  ++generation_;
}

void Catalogue::put(const CartridgeFacts& cartridge) {
  const auto [at, is_new] = cartridge_numbers_.try_emplace(cartridge.id, 0);
  if (is_new) at->second = numbered(cartridges_, Cartridge{.id = cartridge.id});
  Cartridge& kept = cartridges_[at->second];
  kept.server = server_of(cartridge.newest.server);
  kept.sequence = cartridge.newest.sequence;
  kept.issued = to_millis(cartridge.issued);
  kept.pool = pool_of(cartridge.pool);
  kept.need = cartridge.needs.empty() ? kNone : need_of(cartridge.needs.front());
  kept.more.reset();
  if (cartridge.needs.size() > 1) {
    kept.more = std::make_unique<std::vector<Number>>();
    for (std::size_t i = 1; i < cartridge.needs.size(); ++i) {
      kept.more->push_back(need_of(cartridge.needs[i]));
    }
  }
  ++generation_;
}

Number Catalogue::find(const CartridgeId& id) const {
  const auto found = cartridge_numbers_.find(id);
  return found == cartridge_numbers_.end() ? kNone : found->second;
}

}  // namespace tapewarden::keymgr::recoverability
