#include "keymgr/sharing/key_export.h"

#include "base/text.h"
#include "crypto/cms.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "keymgr/audit_note.h"
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/sharing/own_certificate.h"
#include "keymgr/sharing/shared_file.h"
#include "keymgr/sharing/transfers.h"

namespace tapewarden::keymgr::sharing {
namespace {

constexpr std::size_t kFileKeyBytes = 32;
constexpr std::string_view kAction = "key.export";

Status check_partner(const Partner& partner, WallTime now) {
  if (!partner.is_confirmed()) {
    return fail(ErrorCode::kConflict, "the fingerprint of " + partner.display + " is not confirmed",
                "partner", "have it read out over the telephone: tapewarden partner confirm");
  }
  const auto certificate = TRY(crypto::Certificate::from_der(partner.certificate));
  if (certificate.not_after() >= now) return {};
  return fail(ErrorCode::kConflict,
              "the certificate of " + partner.display + " expired on " + format_utc(certificate.not_after()),
              "partner",
              "get a new one from the partner (tapewarden partner certificate --renew) and import it");
}

Hash256 digest_of(const Partner& partner, const std::vector<DataKey>& keys) {
  crypto::Sha256 hash;
  hash.update(partner.fingerprint);
  hash.update(crypto::sha256(partner.certificate));
  for (const auto& key : keys) {
    hash.update(key.id.view());
    hash.update(key.fingerprint);
  }
  return hash.finish();
}

Result<ExportPlan> plan(store::Reader& reader, const KeyManager& manager, const ExportOrder& order) {
  ExportPlan out;
  out.partner = TRY(require_partner(reader, order.partner));
  TRY(check_partner(out.partner, manager.context().now()));
  out.selected = TRY(select_keys(reader, manager, order.selection));
  out.digest = digest_of(out.partner, out.selected.keys);
  return out;
}

SharedKey shared(const DataKey& key) {
  return {key.alias, key.state, key.times, key.owner, key.group, key.fingerprint, {}};
}

Result<ExportedFile> build(store::Reader& reader, const KeyManager& manager, const ExportPlan& plan) {
  const ServerContext& context = manager.context();
  const auto own = TRY(own_certificate(reader));
  const auto recipient = TRY(crypto::Certificate::from_der(plan.partner.certificate));
  const auto file_key = crypto::random_secret(*context.env.random, kFileKeyBytes);
  FileHeader header;
  header.id = Uuid::random(*context.env.random);
  header.made = context.now();
  header.from = own.name;
  header.server = context.server;
  header.keys = static_cast<std::uint32_t>(plan.selected.keys.size());
  header.recipient = recipient.fingerprint();
  header.recipient_identity = plan.partner.fingerprint;
  header.signer = own.identity;
  header.envelope = TRY(crypto::seal_to_recipients(file_key, {&recipient, 1}));
  FileBuilder builder(header, file_key);
  for (const auto& key : plan.selected.keys) builder.add(shared(key), TRY(manager.keys().open(reader, key)));
  return ExportedFile{header.id,
                      builder.finish(TRY(identity_key(reader, own))),
                      plan.selected.keys.size(),
                      plan.partner,
                      own.fingerprint(),
                      plan.selected.warnings};
}

Status keep_record(store::Transaction& transaction, KeyManager& manager, const Actor& actor,
                   const ExportPlan& plan, const ExportedFile& made, const Consent& consent) {
  const auto now_partner = TRY(require_partner(transaction, plan.partner.name));
  TRY(check_partner(now_partner, manager.context().now()));
  if (digest_of(now_partner, plan.selected.keys) != plan.digest) {
    return fail(ErrorCode::kConflict, "the partner's certificate changed in between", "partner", "ask again");
  }
  TRY(take_consent(transaction, manager.settings(), actor, consent));
  Transfer transfer;
  transfer.file = made.id;
  transfer.direction = Direction::kGiven;
  transfer.partner = plan.partner.display;
  transfer.fingerprint = plan.partner.fingerprint;
  transfer.server = manager.context().server;
  transfer.keys = static_cast<std::int64_t>(made.keys);
  transfer.made = transfer.began = transfer.ended = manager.context().now();
  transfer.by = actor.name;
  transfer.approved_by = consent.person;
  TRY(put_transfer(transaction, transfer));
  std::vector<KeyFingerprint> part;
  const auto& keys = plan.selected.keys;
  for (std::size_t at = 0; at < keys.size(); at += kFingerprintsPerRow) {
    part.clear();
    for (std::size_t i = at; i < std::min(keys.size(), at + kFingerprintsPerRow); ++i) {
      part.push_back(keys[i].fingerprint);
    }
    TRY(put_transfer_keys(transaction, transfer, static_cast<std::int64_t>(at), part));
  }
  note(transaction, manager.context(),
       {.type = AuditType::kResourceManagement,
        .action = kAction,
        .actor = actor,
        .fields = {{"partner", plan.partner.display},
                   {"fingerprint", spoken(plan.partner.fingerprint)},
                   {"file", made.id.text()},
                   {"file_sha256", to_hex(crypto::sha256(made.file))},
                   {"keys", std::to_string(made.keys)},
                   {"first", keys.front().alias},
                   {"last", keys.back().alias},
                   {"keys_sha256", to_hex(plan.digest)},
                   {"approved_by", consent.person}}});
  return {};
}

Result<ExportedFile> run(KeyManager& manager, const Actor& actor, const ExportOrder& order,
                         const Consent& consent) {
  ExportPlan planned;
  ExportedFile made;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    planned = TRY(plan(reader, manager, order));
    made = TRY(build(reader, manager, planned));
    return {};
  }));
  TRY(manager.keystore().write([&](store::Transaction& transaction) {
    return keep_record(transaction, manager, actor, planned, made, consent);
  }));
  return made;
}

std::vector<std::pair<std::string_view, std::string>> refusal_fields(const ExportOrder& order) {
  return {{"partner", escape_unprintable(std::string_view(order.partner).substr(0, kSiteNameLimit))}};
}

}  // namespace

Result<ExportPlan> plan_export(KeyManager& manager, const Actor& actor, const ExportOrder& order) {
  ExportPlan out;
  const Status planned = manager.keystore().read([&](store::Reader& reader) -> Status {
    (void)TRY(own_certificate(reader));
    out = TRY(plan(reader, manager, order));
    return {};
  });
  if (planned) return out;
  return audit_refusal(manager, actor, kAction, refusal_fields(order), planned.error());
}

Result<ExportedFile> export_keys(KeyManager& manager, const Actor& actor, const ExportOrder& order,
                                 const Consent& consent) {
  auto made = run(manager, actor, order, consent);
  if (made) return made;
  return audit_refusal(manager, actor, kAction, refusal_fields(order), made.error());
}

}  // namespace tapewarden::keymgr::sharing
