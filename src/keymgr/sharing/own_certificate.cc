#include "keymgr/sharing/own_certificate.h"

#include "base/text.h"
#include "crypto/hash.h"
#include "keymgr/audit_note.h"
#include "keymgr/row_codec.h"
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/sharing/tables.h"

namespace tapewarden::keymgr::sharing {
namespace {

constexpr std::chrono::hours kBackdated{24};  // so that a partner whose clock is behind takes it

Result<std::optional<OwnCertificate>> newest(store::Reader& reader) {
  auto all = TRY(own_certificates(reader));
  if (all.empty()) return std::optional<OwnCertificate>();
  return std::optional(std::move(all.front()));
}

Result<std::string> name_of(KeyManager& manager, const OwnCertificateSpec& spec,
                            const std::optional<OwnCertificate>& before) {
  if (spec.name.empty() && before) return before->name;
  if (!spec.name.empty()) {
    const std::string name(trim(spec.name));
    if (!name.empty() && name.size() <= kSiteNameLimit && is_printable(name)) return name;
    return fail(ErrorCode::kInvalidArgument, "this is no name for a site", "name",
                "use 1 to 64 printable characters");
  }
  ByteWriter installation;
  installation.u32(manager.context().installation);
  std::string own = "tapewarden";
  for (const auto& server : TRY(manager.list_servers())) {
    if (server.id == manager.context().server && is_printable(server.name)) own = server.name.substr(0, 48);
  }
  return own + " " + to_hex(installation.view());
}

struct Pair {
  crypto::Certificate certificate;
  crypto::PrivateKey key;
};

Result<Pair> make_identity(const ServerContext& context, const std::string& name) {
  Pair made;
  made.key = crypto::PrivateKey::generate_p256();
  crypto::CertificateSpec spec;
  spec.common_name = name;
  spec.organizational_unit = kSharingUnit;
  spec.use = crypto::CertificateUse::kAuthority;
  spec.not_before = context.now() - kBackdated;
  spec.not_after = context.now() + kIdentityValidity;
  made.certificate = TRY(crypto::self_signed_certificate(spec, made.key, *context.env.random));
  return made;
}

Result<Pair> make_sealing(const ServerContext& context, const std::string& name, const Pair& identity,
                          unsigned bits) {
  Pair made;
  made.key = crypto::PrivateKey::generate_rsa(bits);
  crypto::CertificateSpec spec;
  spec.common_name = name;
  spec.organizational_unit = std::string(kSharingUnit) + ", encryption";
  spec.use = crypto::CertificateUse::kKeyWrapping;
  spec.not_before = context.now() - kBackdated;
  spec.not_after = context.now() + kCertificateValidity;
  made.certificate = TRY(crypto::issue_certificate(spec, made.key.public_key(), identity.certificate,
                                                   identity.key, *context.env.random));
  return made;
}

void audit(store::Transaction& transaction, const KeyManager& manager, const Actor& actor,
           std::string_view action, const OwnCertificate& own, const crypto::Certificate& certificate) {
  note(transaction, manager.context(),
       {.type = AuditType::kConfigurationManagement,
        .action = action,
        .actor = actor,
        .fields = {{"name", own.name},
                   {"fingerprint", spoken(own.fingerprint())},
                   {"certificate_sha256", to_hex(certificate.fingerprint())},
                   {"not_after", format_utc(certificate.not_after())}}});
}

Result<OwnCertificate> make(KeyManager& manager, const Actor& actor, const OwnCertificateSpec& spec,
                            const std::optional<OwnCertificate>& before) {
  const ServerContext& context = manager.context();
  const std::string name = TRY(name_of(manager, spec, before));
  Pair identity;
  if (before && !spec.new_identity) {
    identity.certificate = TRY(crypto::Certificate::from_der(before->identity));
    TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
      identity.key = TRY(identity_key(reader, *before));
      return {};
    }));
  } else {
    identity = TRY(make_identity(context, name));
  }
  const Pair sealing = TRY(make_sealing(context, name, identity, spec.bits));
  OwnCertificate own;
  own.id = Uuid::random(*context.env.random);
  own.name = name;
  own.identity = identity.certificate.der();
  own.certificate = sealing.certificate.der();
  OwnCertificate kept;
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    const auto all = TRY(own_certificates(transaction));
    // Made by somebody else at the same time.
    if (!before && !all.empty()) {
      kept = all.front();
      return {};
    }
    if (all.size() >= kMaximumOwnCertificates) {
      return fail(ErrorCode::kExhausted, "there are too many certificates of this site", "renew");
    }
    kept = own;
    // The newest counts, so a clock that went back must not make it older than the one before.
    kept.made =
        all.empty() ? context.now() : std::max(context.now(), all.front().made + std::chrono::seconds(1));
    const store::Value id = to_bytes(own.id.view());
    kept.sealed_identity_key =
        transaction.seal(kOwnCertificateTable, {&id, 1}, "identity_key", identity.key.pkcs8());
    kept.sealed_sealing_key =
        transaction.seal(kOwnCertificateTable, {&id, 1}, "sealing_key", sealing.key.pkcs8());
    TRY(transaction.put(kOwnCertificateTable, kept.to_row()));
    audit(transaction, manager, actor, before ? "partner.own-renew" : "partner.own-make", kept,
          sealing.certificate);
    return {};
  }));
  return kept;
}

}  // namespace

store::Row OwnCertificate::to_row() const {
  return RowWriter(kOwnCertificateTable)
      .uuid(id)
      .text(name)
      .blob(identity)
      .blob(certificate)
      .time(made)
      .blob(sealed_identity_key)
      .blob(sealed_sealing_key)
      .take();
}

OwnCertificate OwnCertificate::from_row(const store::Row& row) {
  RowReader in(kOwnCertificateTable, row);
  OwnCertificate own;
  own.id = in.uuid();
  own.name = in.text();
  own.identity = in.blob();
  own.certificate = in.blob();
  own.made = in.time();
  own.sealed_identity_key = in.blob();
  own.sealed_sealing_key = in.blob();
  return own;
}

Hash256 OwnCertificate::fingerprint() const {
  return crypto::sha256(identity);
}

Result<std::string> OwnCertificate::bundle() const {
  return TRY(crypto::Certificate::from_der(certificate)).pem() +
         TRY(crypto::Certificate::from_der(identity)).pem();
}

Result<std::vector<OwnCertificate>> own_certificates(store::Reader& reader) {
  std::vector<OwnCertificate> out;
  for (const auto& row : TRY(reader.query(kOwnCertificateTable, "1 ORDER BY made DESC, id DESC LIMIT ?",
                                          {static_cast<std::int64_t>(kMaximumOwnCertificates)}))) {
    out.push_back(OwnCertificate::from_row(row));
  }
  return out;
}

Result<OwnCertificate> own_certificate(store::Reader& reader) {
  auto own = TRY(newest(reader));
  if (own) return *std::move(own);
  return fail(ErrorCode::kNotFound, "this site has no certificate for sharing yet", "certificate",
              "make it: tapewarden partner certificate, and send it to the partner");
}

Result<crypto::PrivateKey> identity_key(store::Reader& reader, const OwnCertificate& own) {
  return crypto::PrivateKey::from_pkcs8(
      TRY(reader.unseal(kOwnCertificateTable, own.to_row(), kOwnIdentityKeyColumn)));
}

Result<crypto::PrivateKey> sealing_key(store::Reader& reader, const OwnCertificate& own) {
  return crypto::PrivateKey::from_pkcs8(
      TRY(reader.unseal(kOwnCertificateTable, own.to_row(), kOwnSealingKeyColumn)));
}

Result<OwnCertificate> give_own_certificate(KeyManager& manager, const Actor& actor,
                                            const OwnCertificateSpec& spec) {
  std::optional<OwnCertificate> before;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    before = TRY(newest(reader));
    return {};
  }));
  if (!before || spec.renew || spec.new_identity) return make(manager, actor, spec, before);
  const auto certificate = TRY(crypto::Certificate::from_der(before->certificate));
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    audit(transaction, manager, actor, "partner.own-export", *before, certificate);
    return {};
  }));
  return *std::move(before);
}

}  // namespace tapewarden::keymgr::sharing
