#include "keymgr/sharing/partners.h"

#include "base/text.h"
#include "keymgr/audit_note.h"
#include "keymgr/row_codec.h"
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/sharing/own_certificate.h"
#include "keymgr/sharing/tables.h"

namespace tapewarden::keymgr::sharing {
namespace {

constexpr std::size_t kBundleCertificates = 2;

std::unexpected<Error> bad_bundle(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), "certificate",
              "give the file that the partner's `tapewarden partner certificate` wrote");
}

std::vector<std::pair<std::string_view, std::string>> audit_fields(const Partner& partner) {
  return {{"partner", partner.display},
          {"fingerprint", spoken(partner.fingerprint)},
          {"confirmed", partner.is_confirmed() ? format_utc(partner.confirmed) : "no"}};
}

Status check_not_own(store::Reader& reader, const Bundle& bundle) {
  for (const auto& own : TRY(own_certificates(reader))) {
    if (own.fingerprint() != bundle.fingerprint() && !equal(own.certificate, bundle.certificate.der()))
      continue;
    return fail(ErrorCode::kInvalidArgument, "this is the certificate of this site itself", "certificate",
                "send it to the partner, and import the one that the partner sends");
  }
  return {};
}

// What becomes of the confirmation when `bundle` takes the place of what is here.
Status check_replacement(const Partner& here, const Bundle& bundle, bool replace) {
  if (here.fingerprint != bundle.fingerprint()) {
    if (replace) return {};
    return fail(ErrorCode::kConflict,
                "the partner " + here.display + " has another fingerprint here: " + spoken(here.fingerprint),
                "certificate", "when the partner made a new identity, say --replace and confirm it anew");
  }
  const auto old = TRY(crypto::Certificate::from_der(here.certificate));
  if (replace || bundle.certificate.not_before() >= old.not_before()) return {};
  return fail(ErrorCode::kConflict, "the certificate is older than the one of " + here.display + " here",
              "certificate", "get the partner's newest certificate, or say --replace");
}

Result<Partner> put(store::Transaction& transaction, const KeyManager& manager, const Actor& actor,
                    std::string_view name, const Bundle& bundle, bool replace) {
  const std::string folded = TRY(canonical_partner(name));
  TRY(check_not_own(transaction, bundle));
  const auto here = TRY(find_partner(transaction, folded));
  const auto same = TRY(partner_with(transaction, bundle.fingerprint()));
  if (same && same->name != folded) {
    return fail(ErrorCode::kAlreadyExists, "the partner " + same->display + " has this certificate", "name",
                "use that name, or remove that partner first");
  }
  if (here) TRY(check_replacement(*here, bundle, replace));
  if (!here && TRY(list_partners(transaction)).size() >= kMaximumPartners) {
    return fail(ErrorCode::kExhausted, "there are too many partners", "name", "remove those of old");
  }
  Partner partner;
  if (here && here->fingerprint == bundle.fingerprint()) {
    partner = *here;  // its confirmation stays
  } else {
    partner.name = folded;
    partner.display = std::string(trim(name));
  }
  partner.identity = bundle.identity ? bundle.identity->der() : Bytes();
  partner.certificate = bundle.certificate.der();
  partner.fingerprint = bundle.fingerprint();
  partner.added = manager.context().now();
  partner.added_by = actor.name;
  TRY(transaction.put(kPartnerTable, partner.to_row()));
  auto fields = audit_fields(partner);
  fields.emplace_back("certificate_sha256", to_hex(bundle.certificate.fingerprint()));
  fields.emplace_back("not_after", format_utc(bundle.certificate.not_after()));
  if (here) fields.emplace_back("fingerprint_before", spoken(here->fingerprint));
  note(transaction, manager.context(),
       {.type = AuditType::kConfigurationManagement,
        .action = "partner.import",
        .actor = actor,
        .fields = std::move(fields)});
  return partner;
}

Result<Partner> confirm(store::Transaction& transaction, const KeyManager& manager, const Actor& actor,
                        std::string_view name, std::string_view fingerprint, std::string_view read_by) {
  Partner partner = TRY(require_partner(transaction, name));
  if (read_by.size() > kNoteLimit || !is_printable(read_by)) {
    return fail(ErrorCode::kInvalidArgument, "who read it out is told in up to 256 printable characters",
                "read_by");
  }
  TRY(check_spoken(fingerprint, partner.fingerprint));
  partner.confirmed = manager.context().now();
  partner.confirmed_by = actor.name;
  partner.read_by = std::string(trim(read_by));
  TRY(transaction.put(kPartnerTable, partner.to_row()));
  auto fields = audit_fields(partner);
  fields.emplace_back("read_by", partner.read_by);
  note(transaction, manager.context(),
       {.type = AuditType::kConfigurationManagement,
        .action = "partner.confirm",
        .actor = actor,
        .fields = std::move(fields)});
  return partner;
}

template <typename Work>
Result<Partner> change(KeyManager& manager, const Work& work) {
  Partner out;
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    out = TRY(work(transaction));
    return {};
  }));
  return out;
}

}  // namespace

store::Row Partner::to_row() const {
  return RowWriter(kPartnerTable)
      .text(name)
      .text(display)
      .blob(identity)
      .blob(certificate)
      .blob(fingerprint)
      .time(added)
      .text(added_by)
      .time(confirmed)
      .text(confirmed_by)
      .text(read_by)
      .take();
}

Partner Partner::from_row(const store::Row& row) {
  RowReader in(kPartnerTable, row);
  Partner partner;
  partner.name = in.text();
  partner.display = in.text();
  partner.identity = in.blob();
  partner.certificate = in.blob();
  partner.fingerprint = in.array<32>();
  partner.added = in.time();
  partner.added_by = in.text();
  partner.confirmed = in.time();
  partner.confirmed_by = in.text();
  partner.read_by = in.text();
  return partner;
}

Result<Bundle> read_bundle(std::string_view pem) {
  const auto certificates = crypto::Certificate::list_from_pem(pem);
  if (!certificates) return bad_bundle("this is no certificate in PEM");
  if (certificates->size() > kBundleCertificates)
    return bad_bundle("the file holds more than two certificates");
  Bundle out;
  for (const auto& certificate : *certificates) {
    const auto key = certificate.public_key();
    if (!key)
      return bad_bundle("a certificate holds a key of a kind that is not used: " + key.error().message);
    const bool sealing = key->kind() == crypto::KeyKind::kRsa;
    if (sealing ? !out.certificate.empty() : out.identity.has_value()) {
      return bad_bundle("the file holds two certificates of one kind");
    }
    (sealing ? out.certificate : out.identity.emplace()) = certificate;
  }
  if (out.certificate.empty()) return bad_bundle("the file holds no certificate with an RSA key to seal to");
  // Such a site writes both into one file.
  const std::string unit = "OU=" + std::string(kSharingUnit);
  if (!out.identity && out.certificate.issuer().find(unit) != std::string::npos) {
    return bad_bundle(
        "the file holds the encryption certificate of a site and not the identity that signed it: it was "
        "cut");
  }
  if (!out.identity || out.certificate.signed_by(*out.identity)) return out;
  return bad_bundle("the encryption certificate is not signed by the identity beside it");
}

Result<std::string> canonical_partner(std::string_view name) {
  const auto trimmed = trim(name);
  if (!trimmed.empty() && trimmed.size() <= kSiteNameLimit && is_printable(trimmed)) return to_upper(trimmed);
  return fail(ErrorCode::kInvalidArgument, "this is no name for a partner", "name",
              "use 1 to 64 printable characters");
}

Result<std::optional<Partner>> find_partner(store::Reader& reader, std::string_view name) {
  const auto row = TRY(reader.get(kPartnerTable, {TRY(canonical_partner(name))}));
  if (!row) return std::optional<Partner>();
  return std::optional(Partner::from_row(*row));
}

Result<Partner> require_partner(store::Reader& reader, std::string_view name) {
  auto partner = TRY(find_partner(reader, name));
  if (partner) return *std::move(partner);
  return fail(ErrorCode::kNotFound, "there is no partner " + escape_unprintable(name.substr(0, 64)),
              "partner", "import the partner's certificate: tapewarden partner import NAME FILE");
}

Result<std::vector<Partner>> list_partners(store::Reader& reader) {
  std::vector<Partner> out;
  for (const auto& row : TRY(reader.query(kPartnerTable, "1 ORDER BY name LIMIT ?",
                                          {static_cast<std::int64_t>(kMaximumPartners)}))) {
    out.push_back(Partner::from_row(row));
  }
  return out;
}

Result<std::optional<Partner>> partner_with(store::Reader& reader, const Hash256& identity) {
  for (auto& partner : TRY(list_partners(reader))) {
    if (partner.fingerprint == identity) return std::optional(std::move(partner));
  }
  return std::optional<Partner>();
}

std::string remark_on(const Partner& partner, WallTime now) {
  const auto certificate = crypto::Certificate::from_der(partner.certificate);
  if (!certificate) return "its certificate does not parse";
  if (certificate->not_after() < now)
    return "its certificate expired on " + format_utc(certificate->not_after());
  if (!partner.is_confirmed()) return "its fingerprint is not confirmed";
  if (certificate->not_after() - now < kExpiryNotice) {
    return "its certificate expires on " + format_utc(certificate->not_after());
  }
  return {};
}

std::vector<std::string> import_warnings(const Partner& partner, WallTime now) {
  std::vector<std::string> out;
  const auto certificate = crypto::Certificate::from_der(partner.certificate);
  if (certificate && certificate->not_after() < now) {
    out.push_back("its certificate expired on " + format_utc(certificate->not_after()) +
                  ": nothing can be exported to it; ask the partner for a new one");
  }
  if (certificate && certificate->not_before() > now) {
    out.push_back("its certificate is good from " + format_utc(certificate->not_before()) +
                  " on only: compare the clocks of the two sites");
  }
  if (partner.identity.empty()) {
    out.emplace_back("it has no identity: keys can go there, and none can come from there");
  }
  return out;
}

std::unexpected<Error> audit_refusal(KeyManager& manager, const Actor& actor, std::string_view action,
                                     std::vector<std::pair<std::string_view, std::string>> fields,
                                     const Error& error) {
  fields.emplace_back("reason", error.message);
  const auto written = manager.keystore().write([&](store::Transaction& transaction) -> Status {
    note(transaction, manager.context(),
         {.type = AuditType::kResourceManagement,
          .action = action,
          .actor = actor,
          .success = false,
          .fields = fields});
    return {};
  });
  // What cannot be recorded is told instead: the refusal itself stands either way.
  if (!written) return std::unexpected(written.error());
  return std::unexpected(error);
}

Result<Partner> put_partner(KeyManager& manager, const Actor& actor, std::string_view name,
                            std::string_view pem, bool replace) {
  const auto bundle = read_bundle(pem);
  auto done = bundle ? change(manager,
                              [&](store::Transaction& transaction) {
                                return put(transaction, manager, actor, name, *bundle, replace);
                              })
                     : Result<Partner>(std::unexpected(bundle.error()));
  if (done) return done;
  return audit_refusal(manager, actor, "partner.import",
                       {{"partner", escape_unprintable(name.substr(0, 64))}}, done.error());
}

Result<Partner> confirm_partner(KeyManager& manager, const Actor& actor, std::string_view name,
                                std::string_view fingerprint, std::string_view read_by) {
  auto done = change(manager, [&](store::Transaction& transaction) {
    return confirm(transaction, manager, actor, name, fingerprint, read_by);
  });
  if (done) return done;
  return audit_refusal(manager, actor, "partner.confirm",
                       {{"partner", escape_unprintable(name.substr(0, 64))}}, done.error());
}

Status remove_partner(KeyManager& manager, const Actor& actor, std::string_view name) {
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    const Partner partner = TRY(require_partner(transaction, name));
    TRY(transaction.erase(kPartnerTable, {partner.name}));
    note(transaction, manager.context(),
         {.type = AuditType::kConfigurationManagement,
          .action = "partner.remove",
          .actor = actor,
          .fields = audit_fields(partner)});
    return {};
  }));
  return {};
}

}  // namespace tapewarden::keymgr::sharing
