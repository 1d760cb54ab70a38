// Stored data keys (K2): AES-256 keys with an alias and a DKi, for the identified-key method.
//
// Invariants
//  I1 A key's secret exists only as a sealed box in its row and, while it is used, in a SecretBytes.
//  I2 No key is made under an alias or a DKi that is taken here. Two servers that made keys apart, and an
//     import that asks for it, may bring some together: then both are kept, and a name that means several
//     is "ALIAS#FINGERPRINT".
//  I3 A state only moves along the arrows of key_state.h; a destroyed row keeps its attributes and an empty
//     secret for ever (a tombstone that no import undoes).
// Stateless; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/secret_bytes.h"
#include "keymgr/actor.h"
#include "keymgr/page.h"
#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kDataKeyBytes = 32;

KeyFingerprint fingerprint_of(const crypto::SecretBytes& data_key);

// A key that comes from outside: another site, an old EKM, a KMIP client.
struct ImportedKey {
  std::string alias;
  crypto::SecretBytes key;  // 32 bytes
  std::string group;        // empty: none
  KeyState state = KeyState::kActive;
  bool may_write = false;  // this server becomes its owner and may begin cartridges with it
  Uuid owner;              // used when !may_write; nil: nobody gives it out for writing
  bool beside = false;     // where the alias or its DKi names another key here, keep both
};

enum class ImportOutcome : std::uint8_t {
  kAdded,
  kUnchanged,  // same alias, same key
  kKeptBoth,   // added beside another key of that alias
};

class DataKeys {
 public:
  explicit DataKeys(const ServerContext& context) : context_(context) {}

  // `count` keys with default aliases: prefix, 00, installation id, counter. In no group unless named; a
  // group must exist. kInvalidArgument, kNotFound, kExhausted (counter).
  Result<std::vector<DataKey>> generate(store::Transaction& transaction, const Actor& actor,
                                        std::size_t count, std::string_view prefix,
                                        std::string_view group) const;
  // With given aliases: one alias, or a range such as ABC000000000000000001-0F. All or none; kAlreadyExists
  // naming the first alias that is taken.
  Result<std::vector<DataKey>> generate_range(store::Transaction& transaction, const Actor& actor,
                                              std::string_view range, std::string_view group) const;
  // kAlreadyExists when the alias or its DKi names a different key here and `beside` is not asked for;
  // kExhausted when it names kMaximumKeysOfOneName already; kConflict for a tombstone.
  Result<ImportOutcome> import(store::Transaction& transaction, const Actor& actor,
                               const ImportedKey& key) const;

  // By alias, or by alias and fingerprint: ALIAS#32-hex-digits. kConflict when the alias means several keys,
  // naming their fingerprints.
  Result<std::optional<DataKey>> find(store::Reader& reader, std::string_view alias) const;
  // All keys of that alias; oldest first.
  Result<std::vector<DataKey>> find_all(store::Reader& reader, std::string_view alias) const;
  // By the bytes on the tape, compared as eedk::DataKeyIdentifier::folded(); oldest first.
  Result<std::vector<DataKey>> find_by_dki(store::Reader& reader, const eedk::DataKeyIdentifier& dki) const;
  Result<std::optional<DataKey>> find_by_id(store::Reader& reader, const Uuid& id) const;
  // In order of alias; `group` empty: of all groups.
  Result<Page<DataKey>> list(store::Reader& reader, std::string_view group, std::optional<KeyState> state,
                             const PageRequest& page) const;
  // kConflict for a destroyed or quarantined key; kCorrupt when the secret is not the one of the fingerprint.
  Result<crypto::SecretBytes> open(store::Reader& reader, const DataKey& key) const;

  // kConflict when the arrow does not exist.
  Result<DataKey> change_state(store::Transaction& transaction, const Actor& actor, std::string_view alias,
                               KeyState to) const;

  // Puts a changed row back (group, position, uses, owner).
  Status put(store::Transaction& transaction, const DataKey& key) const;
  // The next value of a local counter, from 1.
  Result<std::int64_t> next_counter(store::Transaction& transaction, std::string_view name) const;

 private:
  Result<DataKey> insert(store::Transaction& transaction, std::string_view alias,
                         const crypto::SecretBytes& secret, DataKey attributes, bool beside = false) const;
  struct Place {
    std::string group;
    std::int64_t first = 0;  // position of the first key
  };
  Result<Place> reserve(store::Transaction& transaction, std::string_view group, std::size_t count) const;
  Result<KeyState> check_tombstone(store::Reader& reader, const ImportedKey& imported) const;
  // Whether the very key is here under that alias or its DKi; fails where it may not come in beside others.
  struct Namesakes {
    bool same = false;
    bool others = false;
  };
  Result<Namesakes> look_for_namesakes(store::Reader& reader, const std::string& alias,
                                       const ImportedKey& imported) const;
  Result<DataKey> generate_one(store::Transaction& transaction, std::string_view alias, const Place& place,
                               std::size_t index) const;

  const ServerContext& context_;
};

}  // namespace tapewarden::keymgr
