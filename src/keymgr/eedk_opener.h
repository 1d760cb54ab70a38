// Gets the data key out of a cartridge's EEDKs (K7). Everything it finds in the keystore is gathered first
// (gather(), within a read); the opening touches no store. All failures give one error after like work: each
// EEDK costs at least one private key operation, with a decoy key when none here fits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/secret_bytes.h"
#include "eedk/eedk_set.h"
#include "keymgr/access_rules.h"
#include "keymgr/key_cache.h"
#include "keymgr/key_manager.h"

namespace tapewarden::keymgr {

// A private half that may open one of the EEDKs.
struct Opener {
  std::size_t eedk = 0;  // which of the set
  Kek kek;
  crypto::PrivateKey key;
  std::vector<std::string> labels;
};

struct Openers {
  std::vector<Opener> usable;       // active KEKs first
  std::vector<LabelChoice> labels;  // one for each EEDK whose KEK is known here, hashes resolved to labels
  std::string wanted;               // all labels and hashes that the EEDKs name, for the error text
  std::string denied;               // a label that access rules keep from the caller; empty when none
};

// The KEKs held here that the EEDKs name and the subject may use with all of the rights.
Result<Openers> gather_openers(store::Reader& reader, const KeyManager& manager, KeyCache& cache,
                               const AccessSubject& subject, const eedk::EedkSet& set,
                               std::span<const Right> rights);

struct OpenedKey {
  crypto::SecretBytes data_key;
  Opener by;
};

// EE32 naming the labels wanted; EE30 when only access rules stand between. `decoy` is any RSA key.
Result<OpenedKey> open_set(const eedk::EedkSet& set, const Openers& openers, const crypto::PrivateKey& decoy);

}  // namespace tapewarden::keymgr
