#include "keymgr/objects/kmip_issuer.h"

#include "base/text.h"
#include "crypto/certification.h"
#include "keymgr/audit_note.h"
#include "keymgr/objects/tables.h"
#include "keymgr/row_codec.h"

namespace tapewarden::keymgr {
namespace {

// The rows of the table.
constexpr std::int64_t kIssuing = 1;
constexpr std::int64_t kWaiting = 2;

std::unexpected<Error> refuse(std::string message, std::string remedy) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), "certificate", std::move(remedy));
}

Status check_certificate(const crypto::Certificate& certificate, WallTime now) {
  if (!certificate.is_authority()) {
    return refuse("this certificate may not issue others",
                  "have the authority sign the request as that of an authority (CA:TRUE, keyCertSign)");
  }
  if (crypto::may_authenticate_tls(certificate)) {
    return refuse("what this certificate issues could open connections to this site's servers",
                  "have it signed with an extended key usage of emailProtection and codeSigning alone");
  }
  if (now < certificate.not_before() || certificate.not_after() <= now) {
    return refuse("the certificate is out of its time", "have the authority sign the request again");
  }
  return {};
}

}  // namespace

Result<std::optional<crypto::PrivateKey>> KmipIssuers::key_of(store::Reader& reader,
                                                              std::int64_t place) const {
  const auto row = TRY(reader.get(kKmipIssuerTable, {place}));
  if (!row) return std::nullopt;
  const auto pkcs8 = TRY(reader.unseal(kKmipIssuerTable, *row, kKmipIssuerKeyColumn));
  return TRY(crypto::PrivateKey::from_pkcs8(pkcs8));
}

Status KmipIssuers::put(store::Transaction& transaction, std::int64_t place, const Bytes& certificate,
                        const crypto::PrivateKey& key, std::int64_t days) const {
  const store::Value id = place;
  const auto sealed = transaction.seal(kKmipIssuerTable, {&id, 1}, "private_half", key.pkcs8());
  return transaction.put(kKmipIssuerTable, RowWriter(kKmipIssuerTable)
                                               .integer(place)
                                               .blob(certificate)
                                               .blob(sealed)
                                               .integer(days)
                                               .time(context_.now())
                                               .take());
}

Result<std::string> KmipIssuers::request(store::Transaction& transaction, const Actor& actor,
                                         std::string_view common_name) const {
  crypto::CertificateSpec spec;
  spec.common_name = common_name;
  spec.use = crypto::CertificateUse::kAuthority;
  const auto key = crypto::PrivateKey::generate_p256();
  auto out = TRY(crypto::make_certificate_request(spec, key));
  TRY(put(transaction, kWaiting, {}, key, 0));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "kmip.issuer.request",
        .actor = actor,
        .fields = {{"common_name", escape_unprintable(common_name)},
                   {"key", to_hex(key.public_key().spki_hash())}}});
  return out;
}

Result<KmipIssuer> KmipIssuers::set(store::Transaction& transaction, const Actor& actor,
                                    const crypto::Certificate& certificate, std::int64_t days) const {
  if (days < 1 || days > kMostIssuedDays) {
    return fail(ErrorCode::kInvalidArgument, "certificates cannot be valid for so many days", "days",
                "give 1 to " + std::to_string(kMostIssuedDays));
  }
  TRY(check_certificate(certificate, context_.now()));
  const auto certified = certificate.public_key();
  for (const auto place : {kWaiting, kIssuing}) {
    const auto key = TRY(key_of(transaction, place));
    if (!key || !certified || key->public_key() != *certified) continue;
    TRY(put(transaction, kIssuing, certificate.der(), *key, days));
    if (place == kWaiting) TRY(transaction.erase(kKmipIssuerTable, {kWaiting}));
    note(transaction, context_,
         {.type = AuditType::kConfigurationManagement,
          .action = "kmip.issuer.set",
          .actor = actor,
          .fields = {{"subject", certificate.subject()},
                     {"certificate", to_hex(certificate.fingerprint())},
                     {"days", std::to_string(days)}}});
    return KmipIssuer{certificate, days, context_.now()};
  }
  return refuse("the certificate is for no key that was made here",
                "ask this server for a request (kmip request-issuer) and have the authority sign that one");
}

Status KmipIssuers::remove(store::Transaction& transaction, const Actor& actor) const {
  const auto issuer = TRY(find(transaction));
  if (!issuer) return fail(ErrorCode::kNotFound, "no certificates are issued here");
  TRY(transaction.erase(kKmipIssuerTable, {kIssuing}));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "kmip.issuer.remove",
        .actor = actor,
        .fields = {{"subject", issuer->certificate.subject()},
                   {"certificate", to_hex(issuer->certificate.fingerprint())}}});
  return {};
}

Result<std::optional<KmipIssuer>> KmipIssuers::find(store::Reader& reader) const {
  const auto row = TRY(reader.get(kKmipIssuerTable, {kIssuing}));
  if (!row) return std::nullopt;
  RowReader in(kKmipIssuerTable, *row);
  in.integer();
  KmipIssuer out;
  out.certificate = TRY(crypto::Certificate::from_der(in.blob()));
  in.blob();
  out.days = in.integer();
  out.set = in.time();
  return out;
}

Result<crypto::PrivateKey> KmipIssuers::key(store::Reader& reader) const {
  auto key = TRY(key_of(reader, kIssuing));
  if (key) return *std::move(key);
  return fail(ErrorCode::kNotFound, "no certificates are issued here");
}

}  // namespace tapewarden::keymgr
