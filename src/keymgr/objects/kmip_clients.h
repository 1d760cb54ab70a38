// Who may speak KMIP here (K21): clients by the fingerprint of their certificate, and whose objects they use.
// Stateless; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymgr/actor.h"
#include "keymgr/client_name.h"
#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "people/password.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

struct KmipClient {
  std::string name;       // as operators know it; the audit's actor
  Hash256 fingerprint{};  // SHA-256 of its certificate
  std::string owner;      // what it makes belongs to it: its own name, or a group's that shares
  std::string user;       // asked for with a password besides the certificate; empty: neither is
  Bytes salt;             // of the password; empty without a user
  Bytes sealed_verifier;  // then a box of nothing
  crypto::ScryptCost cost;
  bool may_export = false;  // Export; and private keys leave, by Get or in parts
  WallTime added{};

  store::Row to_row() const;
  static KmipClient from_row(const store::Row& row);
};

inline constexpr std::size_t kMaximumKmipClients = 10'000;

class KmipClients {
 public:
  explicit KmipClients(const ServerContext& context) : context_(context) {}

  // `password`: of client.user; nullptr without one. kAlreadyExists: the name, or the certificate under
  // another name; where no owner is given, the name is that of a group that others share; or a name differs
  // from one that is in use in case alone.
  Result<KmipClient> add(store::Transaction& transaction, const Actor& actor, KmipClient client,
                         const people::PasswordVerifier* password = nullptr) const;
  // Its objects stay with their owner. kNotFound.
  Status remove(store::Transaction& transaction, const Actor& actor, std::string_view name) const;
  Result<std::optional<KmipClient>> find(store::Reader& reader, std::string_view name) const;
  // Of several, which only two servers that were apart can have registered, the earliest registration.
  Result<std::optional<KmipClient>> find_by_certificate(store::Reader& reader,
                                                        const Hash256& fingerprint) const;
  // What people::fits() wants. REQUIRES: the client has a user.
  Result<people::PasswordVerifier> verifier_of(store::Reader& reader, const KmipClient& client) const;
  Result<std::vector<KmipClient>> list(store::Reader& reader) const;  // by name

 private:
  const ServerContext& context_;
};

}  // namespace tapewarden::keymgr
