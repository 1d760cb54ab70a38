#include "keymgr/sharing/peer_rules.h"

#include "crypto/certificate.h"
#include "crypto/keys.h"
#include "keymgr/incoming_row.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/sharing/partners.h"
#include "keymgr/sharing/tables.h"
#include "keymgr/sharing/transfers.h"

namespace tapewarden::keymgr::sharing {

using store::IncomingRow;
using store::TableSpec;

namespace {

constexpr std::size_t kLongestName = 256;  // of a person

std::unexpected<Error> no(std::string why, std::string_view column) {
  return fail(ErrorCode::kPermissionDenied, std::move(why), std::string(column));
}

Status check_secret(const IncomingRow& in, std::size_t column, const crypto::PublicKey& public_key,
                    std::string_view name) {
  const auto key = TRY(crypto::PrivateKey::from_pkcs8(TRY(in.secret(column))));
  if (key.public_key() == public_key) return {};
  return no("its private key does not belong to its certificate", name);
}

}  // namespace

Status check_own_certificate_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("id", {16}).words({"name"}, kSiteNameLimit).counts({"made"});
  row.most_bytes("identity", kCertificateLimit).most_bytes("certificate", kCertificateLimit);
  for (const auto* column : {"identity_key", "sealing_key"}) {
    row.that(!row.blob(column).empty(), "is missing", column);
  }
  TRY(row.take());
  if (in.mine != nullptr) return {};  // all of it is written once
  const auto identity = TRY(crypto::Certificate::from_der(row.blob("identity")));
  const auto sealing = TRY(crypto::Certificate::from_der(row.blob("certificate")));
  if (!sealing.signed_by(identity)) return no("it was not issued by its identity", "certificate");
  TRY(check_secret(in, kOwnIdentityKeyColumn, TRY(identity.public_key()), "identity_key"));
  return check_secret(in, kOwnSealingKeyColumn, TRY(sealing.public_key()), "sealing_key");
}

Status check_partner_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.canonical("name", canonical_partner(row.text("name")));
  if (in.erased) return row.take();
  row.canonical("name", canonical_partner(row.text("display")));
  row.most_bytes("identity", kCertificateLimit).most_bytes("certificate", kCertificateLimit);
  row.bytes("fingerprint", {32}).counts({"added", "confirmed"});
  row.words({"added_by", "confirmed_by", "read_by"}, kLongestName);
  TRY(row.take());
  const auto certificate = TRY(crypto::Certificate::from_der(row.blob("certificate")));
  Hash256 fingerprint = certificate.fingerprint();
  if (!row.blob("identity").empty()) {
    const auto identity = TRY(crypto::Certificate::from_der(row.blob("identity")));
    if (!certificate.signed_by(identity)) return no("it was not issued by its identity", "certificate");
    fingerprint = identity.fingerprint();
  }
  if (equal(fingerprint, row.blob("fingerprint"))) return {};
  return no("its fingerprint is another certificate's", "fingerprint");
}

Status check_transfer_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("file", {16}).bytes("server", {16}).bytes("fingerprint", {32}).within("direction", 1, 2);
  row.words({"partner"}, kSiteNameLimit).words({"by_person", "approved_by"}, kLongestName);
  row.within("keys", 0, static_cast<std::int64_t>(kMaximumSharedKeys));
  row.counts({"added", "kept_both", "merged", "refused", "made", "began", "ended"});
  TRY(row.take());
  const bool given = row.integer("direction") == static_cast<std::int64_t>(Direction::kGiven);
  if (!given || in.everything || in.mine != nullptr || row.is_senders("server")) return {};
  return no("it tells of keys that another server gave to a partner", "server");
}

Status check_transfer_keys_row(const TableSpec& table, const IncomingRow& in) {
  RowChecks row(table, in);
  row.bytes("file", {16}).within("direction", 1, 2);
  row.within("number", 0, static_cast<std::int64_t>(kMaximumSharedKeys));
  row.most_bytes("fingerprints", kFingerprintsPerRow * sizeof(KeyFingerprint));
  row.that(row.blob("fingerprints").size() % sizeof(KeyFingerprint) == 0, "has another size", "fingerprints");
  return row.take();
}

}  // namespace tapewarden::keymgr::sharing
