// Partners: other sites to which keys go and from which keys come. A partner is imported as one or two
// certificates in one PEM text: the encryption certificate (RSA) that keys are sealed to, and the identity
// (P-256) that vouches for it and signs what the partner sends. Without an identity keys can go there and
// none can come.
//
//   put() ─▶ unconfirmed ─confirm()─▶ confirmed ─put() of another identity with `replace`─▶ unconfirmed
//
// Invariants
//  P1 Nothing goes to an unconfirmed partner and nothing is taken from one.
//  P2 confirm() takes the fingerprint itself, as it was heard, never a yes.
//  P3 A confirmation holds for one fingerprint. A new encryption certificate that the confirmed identity
//     signed keeps it; whatever else comes takes it away.
// Stateless; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymgr/key_manager.h"

namespace tapewarden::keymgr::sharing {

struct Partner {
  std::string name;       // folded to upper case: the key
  std::string display;    // as it was typed
  Bytes identity;         // DER, or empty
  Bytes certificate;      // DER
  Hash256 fingerprint{};  // of the identity, or of the certificate where there is no identity
  WallTime added{};
  std::string added_by;
  WallTime confirmed{};  // kNever: nobody compared the fingerprint yet
  std::string confirmed_by;
  std::string read_by;  // who read it out, at the partner's, in the operator's words

  bool is_confirmed() const { return confirmed != kNever; }
  store::Row to_row() const;
  static Partner from_row(const store::Row& row);
};

// The certificates of a PEM text. kInvalidArgument naming "certificate".
struct Bundle {
  std::optional<crypto::Certificate> identity;
  crypto::Certificate certificate;
  Hash256 fingerprint() const { return identity ? identity->fingerprint() : certificate.fingerprint(); }
};
Result<Bundle> read_bundle(std::string_view pem);

// The folded name. kInvalidArgument: 1 to 64 printable characters.
Result<std::string> canonical_partner(std::string_view name);

Result<std::optional<Partner>> find_partner(store::Reader& reader, std::string_view name);
Result<Partner> require_partner(store::Reader& reader, std::string_view name);  // kNotFound
// The one with that identity; nothing when there is none.
Result<std::optional<Partner>> partner_with(store::Reader& reader, const Hash256& identity);
Result<std::vector<Partner>> list_partners(store::Reader& reader);  // in order of name

// What an operator should know about it today: not confirmed, about to expire, expired. Empty: nothing.
std::string remark_on(const Partner& partner, WallTime now);

// What whoever imports it should know at once: expired, not good yet, unable to send.
std::vector<std::string> import_warnings(const Partner& partner, WallTime now);

// Imports or renews a partner's certificate. kConflict when the name is another partner's and `replace` is
// not said, or an older certificate would come back; kAlreadyExists when another name has the identity;
// kInvalidArgument when it is this site's own. A refusal is audited.
Result<Partner> put_partner(KeyManager& manager, const Actor& actor, std::string_view name,
                            std::string_view pem, bool replace);
// `fingerprint`: as it was heard. See check_spoken().
Result<Partner> confirm_partner(KeyManager& manager, const Actor& actor, std::string_view name,
                                std::string_view fingerprint, std::string_view read_by);
Status remove_partner(KeyManager& manager, const Actor& actor, std::string_view name);

// Writes the audit row of something that was refused; gives the error back.
std::unexpected<Error> audit_refusal(KeyManager& manager, const Actor& actor, std::string_view action,
                                     std::vector<std::pair<std::string_view, std::string>> fields,
                                     const Error& error);

}  // namespace tapewarden::keymgr::sharing
