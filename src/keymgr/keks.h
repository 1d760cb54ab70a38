// KEKs and their labels (K5): RSA key pairs, or their public halves alone, that wrap data keys.
//
// Invariants
//  I1 A KEK's id is SHA-256 of its certificate's SubjectPublicKeyInfo; the private half, when present,
//     belongs to it (checked when it comes in).
//  I2 A label given here names one KEK; only a merge with another server can bring a second, which is a
//     conflict: writes by that label are refused until it is settled, reads try both.
//  I3 A private half leaves only sealed to a passphrase, by a security officer, and with an audit record.
// Stateless; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/secret_bytes.h"
#include "keymgr/actor.h"
#include "keymgr/page.h"
#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "keymgr/settings.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

struct KekSpec {
  std::string common_name = {};
  unsigned bits = 3072;  // 2048, 3072 or 4096
  int valid_days = 3650;
  std::vector<std::string> labels = {};
};

// A key made outside the transaction, since making it takes long: generate_kek(), then Keks::add().
struct NewKek {
  crypto::Certificate certificate;
  std::optional<crypto::PrivateKey> key;
  std::vector<std::string> labels;
  KeyOrigin origin = KeyOrigin::kGenerated;
};
// kInvalidArgument for another size or an empty name.
Result<NewKek> generate_kek(const ServerContext& context, const KekSpec& spec);

struct KekView {
  Kek kek;
  std::vector<std::string> labels;  // as typed
};

struct LabelConflict {
  std::string label;
  std::vector<Hash256> keks;
};

struct ExpiryWarning {
  Hash256 kek{};
  std::string common_name;
  WallTime not_after{};
  bool expired = false;
};

// The folded label. kInvalidArgument as eedk::check_label().
Result<std::string> canonical_label(std::string_view label);

class Keks {
 public:
  Keks(const ServerContext& context, const Settings& settings) : context_(context), settings_(settings) {}

  // A certificate alone, or with its private half. A second call with the same certificate adds what was
  // missing (the private half, labels). kInvalidArgument when key and certificate do not belong together or
  // the key is no RSA of the sizes known; kAlreadyExists when a label names another KEK.
  Result<KekView> add(store::Transaction& transaction, const Actor& actor, const NewKek& kek) const;
  // The request (PKCS#10, PEM) for a certificate from an authority, and later that certificate in place of
  // the self-signed one: same key, or kInvalidArgument.
  Result<std::string> certificate_request(store::Reader& reader, const Hash256& id) const;
  Result<KekView> replace_certificate(store::Transaction& transaction, const Actor& actor,
                                      const crypto::Certificate& certificate) const;
  // PKCS#12 under the passphrase (long enough: crypto/new_passphrase.h). kPermissionDenied unless a security
  // officer with the consent of a second one.
  Result<Bytes> export_pkcs12(store::Transaction& transaction, const Actor& actor, const Hash256& id,
                              const crypto::SecretBytes& passphrase, const Consent& consent) const;

  Status add_label(store::Transaction& transaction, const Actor& actor, const Hash256& id,
                   std::string_view label) const;
  // kConflict while a drive or a default refers to the label.
  Status remove_label(store::Transaction& transaction, const Actor& actor, const Hash256& id,
                      std::string_view label) const;
  Result<std::vector<std::string>> labels_of(store::Reader& reader, const Hash256& id) const;  // as typed
  Result<std::vector<LabelConflict>> conflicts(store::Reader& reader) const;

  Result<Kek> change_state(store::Transaction& transaction, const Actor& actor, const Hash256& id,
                           KeyState to) const;
  // Notes that the holder of the private half, elsewhere, has shown that he can unwrap: he was sent `wrapped`
  // (from prove_challenge()) and returned its content.
  struct Challenge {
    Bytes wrapped;
    Hash256 answer_hash{};  // SHA-256 of the secret
  };
  Result<Challenge> prove_challenge(store::Reader& reader, const Hash256& id) const;
  Status prove(store::Transaction& transaction, const Actor& actor, const Hash256& id,
               const Challenge& challenge, const crypto::SecretBytes& answer) const;

  Result<std::optional<Kek>> find(store::Reader& reader, const Hash256& id) const;
  // All that the label names: none, one, or several in conflict.
  Result<std::vector<Kek>> find_by_label(store::Reader& reader, std::string_view label) const;
  Result<Page<KekView>> list(store::Reader& reader, const PageRequest& page,
                             std::optional<KeyState> state = {}) const;
  // Expired, or within kExpiryWarning of it.
  Result<std::vector<ExpiryWarning>> expiring(store::Reader& reader) const;
  // kNotFound without a private half here.
  Result<crypto::PrivateKey> open_private(store::Reader& reader, const Kek& kek) const;
  // For checks of the keystore: the private half stands here and is the one of the public half, and works.
  // Also of a KEK that is quarantined: nothing is given out. kNotFound without a private half here; kCorrupt.
  Status check_private(store::Reader& reader, const Kek& kek) const;
  // The private half is here, and at the peer where the policy wants it there (serve_policy.h).
  Result<bool> private_half_safe(store::Reader& reader, const Kek& kek) const;

 private:
  Result<crypto::PrivateKey> unseal_private(store::Reader& reader, const Kek& kek) const;
  Result<Kek> require(store::Reader& reader, const Hash256& id) const;
  Status put(store::Transaction& transaction, const Kek& kek) const;
  Status take_private(store::Transaction& transaction, Kek& kek, const crypto::PrivateKey& key) const;
  Status check_unreferenced(store::Reader& reader, const std::string& folded) const;
  void audit(store::Transaction& transaction, const Actor& actor, std::string_view action, const Kek& kek,
             std::string_view detail) const;

  const ServerContext& context_;
  const Settings& settings_;
};

}  // namespace tapewarden::keymgr
