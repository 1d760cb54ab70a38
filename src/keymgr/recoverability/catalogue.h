// Every cartridge of the ledger with what it needs, and every key with since when it is here: kept in memory,
// so that places are counted over a million cartridges without opening or reading anything (K26).
//
// Invariants
//  C1 A cartridge, once put, stays, and keeps its number: the ledger is never shortened.
//  C2 A key's `since` only falls: its secret never changes, so the earliest commit at which it was seen here
//     holds. (A row of the peer does not say when it came; each use of the key touches it.)
//  C3 What the ledger names and no row tells of is a key that nobody here holds.
//
// Some 230 bytes for a cartridge with a data key of its own. Not thread-safe: its owner holds a lock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "keymgr/recoverability/needs.h"
#include "keymgr/recoverability/place.h"

namespace tapewarden::keymgr::recoverability {

// What a row of a data key or a KEK says here.
struct KeyFacts {
  Uuid id;
  eedk::DataKeyIdentifier dki;
  KeyFingerprint fingerprint{};
  std::int64_t since = 0;  // the commit here from which on every copy of this server holds it
  bool refused_by_peer = false;
  bool destroyed = false;
};
struct KekFacts {
  Hash256 id{};
  bool has_private = false;
  std::int64_t since = 0;  // of the private half
  bool refused_by_peer = false;
  bool destroyed = false;
};

// Numbers of what is interned here.
using Number = std::uint32_t;
inline constexpr Number kNone = 0xFFFFFFFF;

class Catalogue {
 public:
  void put(const KeyFacts& key);
  void put(const KekFacts& kek);
  void put(const CartridgeFacts& cartridge);

  // What is put here.
  struct Key {
    Uuid id;
    KeyFingerprint fingerprint{};
    std::int64_t since = 0;
    Number next = kNone;  // another key of the same name
    bool refused_by_peer = false;
    bool destroyed = false;
  };
  struct Kek {
    Hash256 id{};
    bool known = false;
    bool has_private = false;
    std::int64_t since = 0;
    bool refused_by_peer = false;
    bool destroyed = false;
  };
  struct WrappedBy {
    Number kek = 0;
    std::int64_t ledger_since = 0;
    auto operator<=>(const WrappedBy&) const = default;
  };
  struct Cartridge {
    CartridgeId id{};
    std::int64_t sequence = 0;
    std::int64_t issued = 0;  // milliseconds
    Number server = 0;
    Number pool = 0;
    Number need = kNone;  // the first; kNone: of none is anything known
    std::unique_ptr<std::vector<Number>> more{};
  };
  // A need is the name of a data key or, with kWrapped, a set of KEKs; or kNone.
  static constexpr Number kWrapped = 0x80000000;

  const std::vector<Cartridge>& cartridges() const { return cartridges_; }
  const std::vector<std::string>& pools() const { return pool_names_; }
  const std::vector<Uuid>& servers() const { return servers_; }
  const Key* first_of(Number name) const { return names_[name] == kNone ? nullptr : &keys_[names_[name]]; }
  const Key* next_of(const Key& key) const { return key.next == kNone ? nullptr : &keys_[key.next]; }
  const std::vector<WrappedBy>& wrapped(Number need) const { return sets_[need & ~kWrapped]; }
  const std::vector<Kek>& keks() const { return keks_; }
  std::size_t key_count() const { return keys_.size(); }
  Number find(const CartridgeId& id) const;  // kNone

  // Grows whenever something that counts was changed.
  std::uint64_t generation() const { return generation_; }

 private:
  struct ByBytes {
    template <std::size_t N>
    std::size_t operator()(const std::array<std::uint8_t, N>& bytes) const {
      return std::hash<std::string_view>()(as_text(bytes));
    }
  };
  Number name_of(const eedk::DataKeyIdentifier& dki);
  Number kek_of(const Hash256& id);
  Number need_of(const Need& need);
  Number pool_of(const std::string& name);
  Number server_of(const Uuid& id);

  std::vector<Cartridge> cartridges_;
  std::unordered_map<CartridgeId, Number, ByBytes> cartridge_numbers_;
  std::vector<Number> names_;  // the first key of each name
  std::unordered_map<std::array<std::uint8_t, eedk::kDataKeyIdentifierBytes>, Number, ByBytes> name_numbers_;
  std::vector<Key> keys_;
  std::vector<Kek> keks_;
  std::unordered_map<Hash256, Number, ByBytes> kek_numbers_;
  std::vector<std::vector<WrappedBy>> sets_;
  std::map<std::vector<WrappedBy>, Number> set_numbers_;
  std::vector<std::string> pool_names_;
  std::unordered_map<std::string, Number> pool_numbers_;
  std::vector<Uuid> servers_;
  std::uint64_t generation_ = 0;
};

}  // namespace tapewarden::keymgr::recoverability
