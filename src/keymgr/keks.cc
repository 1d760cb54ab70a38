#include "keymgr/keks.h"

#include <algorithm>

#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/new_passphrase.h"
#include "crypto/random.h"
#include "eedk/ekm_code.h"
#include "keymgr/audit_note.h"
#include "keymgr/key_life.h"
#include "keymgr/limits.h"
#include "keymgr/serve_policy.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

constexpr int kMaximumValidDays = 36'500;

std::string hex_of(const Hash256& id) {
  return to_hex(id);
}

store::Value key_of(const Hash256& id) {
  return to_bytes(ByteView(id));
}

// A row may be gone, by a restore, where the mark of its destruction is not.
Status check_not_buried(store::Reader& reader, const Hash256& id) {
  const auto mark = TRY(strongest_tombstone(reader, KeyKind::kKek, id));
  if (!mark || !is_tombstone(mark->state)) return {};
  return fail(ErrorCode::kConflict, "this KEK was destroyed here", "certificate",
              "a destroyed key does not come back by import");
}

Result<crypto::PublicKey> rsa_key_of(const crypto::Certificate& certificate) {
  auto key = TRY(certificate.public_key());
  if (key.kind() == crypto::KeyKind::kRsa) return key;
  return fail(ErrorCode::kInvalidArgument, "a KEK is an RSA key of 2048, 3072 or 4096 bits", "certificate");
}

}  // namespace

Result<std::string> canonical_label(std::string_view label) {
  TRY(eedk::check_label(label, "label"));
  return to_upper(label);
}

Result<NewKek> generate_kek(const ServerContext& context, const KekSpec& spec) {
  if (spec.bits != 2048 && spec.bits != 3072 && spec.bits != 4096) {
    return fail(ErrorCode::kInvalidArgument, "a KEK has 2048, 3072 or 4096 bits", "bits");
  }
  if (spec.valid_days < 1 || spec.valid_days > kMaximumValidDays) {
    return fail(ErrorCode::kInvalidArgument, "the days of validity are out of range", "valid_days",
                "use 1 to " + std::to_string(kMaximumValidDays));
  }
  if (spec.common_name.empty() || !is_printable(spec.common_name)) {
    return fail(ErrorCode::kInvalidArgument, "a KEK needs a printable common name", "common_name");
  }
  for (const auto& label : spec.labels) TRY(canonical_label(label));
  NewKek out;
  out.key = crypto::PrivateKey::generate_rsa(spec.bits);
  out.labels = spec.labels;
  crypto::CertificateSpec certificate;
  certificate.common_name = spec.common_name;
  certificate.organizational_unit = "kek";
  certificate.use = crypto::CertificateUse::kKeyWrapping;
  certificate.not_before = context.now();
  certificate.not_after = context.now() + std::chrono::hours(24) * spec.valid_days;
  out.certificate = TRY(crypto::self_signed_certificate(certificate, *out.key, *context.env.random));
  return out;
}

Result<std::optional<Kek>> Keks::find(store::Reader& reader, const Hash256& id) const {
  const auto row = TRY(reader.get(kKekTable, {key_of(id)}));
  if (!row) return std::optional<Kek>();
  return std::optional(Kek::from_row(*row));
}

Result<Kek> Keks::require(store::Reader& reader, const Hash256& id) const {
  auto kek = TRY(find(reader, id));
  if (kek) return *std::move(kek);
  return fail(ErrorCode::kNotFound, "there is no KEK " + hex_of(id), "id",
              "list the KEKs to see their hashes");
}

Status Keks::put(store::Transaction& transaction, const Kek& kek) const {
  return transaction.put(kKekTable, kek.to_row());
}

void Keks::audit(store::Transaction& transaction, const Actor& actor, std::string_view action, const Kek& kek,
                 std::string_view detail) const {
  note(transaction, context_,
       {.type = AuditType::kResourceManagement,
        .action = action,
        .actor = actor,
        .fields = {{"kek", hex_of(kek.id)},
                   {"common_name", kek.common_name},
                   {"state", std::string(to_string(kek.state))},
                   {"private_half", kek.has_private ? "yes" : "no"},
                   {"detail", std::string(detail)}}});
}

// The private half goes in sealed; that it belongs to the certificate is checked here (I1).
Status Keks::take_private(store::Transaction& transaction, Kek& kek, const crypto::PrivateKey& key) const {
  if (key.kind() != crypto::KeyKind::kRsa || key.public_key().spki_hash() != kek.id) {
    return fail(ErrorCode::kInvalidArgument, "the private key does not belong to the certificate", "key",
                "import the pair as it was made");
  }
  const store::Value id = key_of(kek.id);
  kek.sealed_private = transaction.seal(kKekTable, {&id, 1}, "private_half", key.pkcs8());
  kek.has_private = true;
  kek.private_commit = static_cast<std::int64_t>(transaction.sequence());
  return {};
}

Result<KekView> Keks::add(store::Transaction& transaction, const Actor& actor, const NewKek& added) const {
  const auto public_key = TRY(rsa_key_of(added.certificate));
  const auto here = TRY(find(transaction, public_key.spki_hash()));
  Kek kek;
  if (here) {
    if (is_tombstone(here->state)) {
      return fail(ErrorCode::kConflict, "this KEK was destroyed here", "certificate",
                  "a destroyed key does not come back by import");
    }
    kek = *here;
  } else {
    TRY(check_not_buried(transaction, public_key.spki_hash()));
    const auto count = TRY(transaction.aggregate(kKekTable, "COUNT(*)", "1", {}));
    if (count >= static_cast<std::int64_t>(kMaximumKeks)) {
      return fail(ErrorCode::kExhausted, "there are too many KEKs", {}, "destroy those no longer needed");
    }
    kek.id = public_key.spki_hash();
    kek.certificate = added.certificate.der();
    kek.common_name = escape_unprintable(added.certificate.common_name());
    kek.not_after = added.certificate.not_after();
    kek.origin = added.origin;
    kek.times.created = kek.times.activated = context_.now();
  }
  const bool takes_private = added.key && !kek.has_private;
  if (takes_private) TRY(take_private(transaction, kek, *added.key));
  const bool changes = !here || takes_private;
  if (changes) TRY(put(transaction, kek));
  audit(transaction, actor, added.origin == KeyOrigin::kGenerated ? "kek.generate" : "kek.import", kek,
        changes ? "" : "it was here already");
  for (const auto& label : added.labels) TRY(add_label(transaction, actor, kek.id, label));
  return KekView{kek, TRY(labels_of(transaction, kek.id))};
}

Result<std::string> Keks::certificate_request(store::Reader& reader, const Hash256& id) const {
  const Kek kek = TRY(require(reader, id));
  const auto key = TRY(open_private(reader, kek));
  crypto::CertificateSpec spec;
  spec.common_name = kek.common_name;
  spec.organizational_unit = "kek";
  spec.use = crypto::CertificateUse::kKeyWrapping;
  return crypto::make_certificate_request(spec, key);
}

Result<KekView> Keks::replace_certificate(store::Transaction& transaction, const Actor& actor,
                                          const crypto::Certificate& certificate) const {
  const auto public_key = TRY(rsa_key_of(certificate));
  auto found = TRY(find(transaction, public_key.spki_hash()));
  if (!found) {
    return fail(ErrorCode::kInvalidArgument, "no KEK here has the key of this certificate", "certificate",
                "import it as a new KEK instead");
  }
  found->certificate = certificate.der();
  found->common_name = escape_unprintable(certificate.common_name());
  found->not_after = certificate.not_after();
  TRY(put(transaction, *found));
  audit(transaction, actor, "kek.replace-certificate", *found, certificate.serial_hex());
  return KekView{*found, TRY(labels_of(transaction, found->id))};
}

Result<Bytes> Keks::export_pkcs12(store::Transaction& transaction, const Actor& actor, const Hash256& id,
                                  const crypto::SecretBytes& passphrase, const Consent& consent) const {
  if (actor.kind != ActorKind::kSecurityOfficer) {
    return fail(ErrorCode::kPermissionDenied, "only a security officer exports a private key", "actor");
  }
  TRY(crypto::check_new_passphrase(passphrase, "the passphrase of the file", "passphrase"));
  const Kek kek = TRY(require(transaction, id));
  crypto::Pkcs12 content;
  content.key = TRY(open_private(transaction, kek));
  content.certificate = TRY(crypto::Certificate::from_der(kek.certificate));
  const auto labels = TRY(labels_of(transaction, id));
  content.friendly_name = labels.empty() ? kek.common_name : labels.front();
  TRY(take_consent(transaction, settings_, actor, consent));
  audit(transaction, actor, "kek.export", kek,
        "PKCS#12 with the private half; approved by " + (consent.person.empty() ? "nobody" : consent.person));
  return crypto::write_pkcs12(content, passphrase);
}

Status Keks::add_label(store::Transaction& transaction, const Actor& actor, const Hash256& id,
                       std::string_view label) const {
  const std::string folded = TRY(canonical_label(label));
  const Kek kek = TRY(require(transaction, id));
  std::size_t own = 0;
  for (const auto& row :
       TRY(transaction.query(kKekLabelTable, "label = ? OR kek = ?", {folded, key_of(id)}))) {
    const auto existing = KekLabelRow::from_row(row);
    if (existing.kek == id) ++own;
    if (existing.label != folded) continue;
    if (existing.kek == id) return {};
    return fail(ErrorCode::kAlreadyExists,
                "the label \"" + existing.display + "\" names the KEK " + hex_of(existing.kek) + " already",
                "label", "choose another label, or remove it from that KEK first");
  }
  if (own >= kMaximumLabelsPerKek) {
    return fail(ErrorCode::kExhausted, "the KEK has too many labels", "label",
                "remove labels no longer used");
  }
  TRY(transaction.put(kKekLabelTable, KekLabelRow{folded, id, std::string(label), context_.now()}.to_row()));
  audit(transaction, actor, "kek.add-label", kek, label);
  return {};
}

// A drive or the default that names the label and would be left without a KEK.
Status Keks::check_unreferenced(store::Reader& reader, const std::string& folded) const {
  const auto drives = TRY(reader.query(
      kDriveTable, "UPPER(label_1) = ? OR UPPER(label_2) = ? ORDER BY serial LIMIT 1", {folded, folded}));
  if (!drives.empty()) {
    return fail(ErrorCode::kConflict,
                "drive " + Drive::from_row(drives.front()).serial + " has this label as a default", "label",
                "give that drive another label first");
  }
  for (const auto& choice : TRY(settings_.default_labels(reader))) {
    if (to_upper(choice.label) == folded) {
      return fail(ErrorCode::kConflict, "the label is a default of this server", "label",
                  "change default.label1 or default.label2 first");
    }
  }
  return {};
}

Status Keks::remove_label(store::Transaction& transaction, const Actor& actor, const Hash256& id,
                          std::string_view label) const {
  const std::string folded = TRY(canonical_label(label));
  const Kek kek = TRY(require(transaction, id));
  // Of a label in conflict one may always go: the other still bears the name.
  if (TRY(find_by_label(transaction, folded)).size() < 2) TRY(check_unreferenced(transaction, folded));
  TRY(transaction.erase(kKekLabelTable, {folded, key_of(id)}));
  audit(transaction, actor, "kek.remove-label", kek, label);
  return {};
}

Result<std::vector<std::string>> Keks::labels_of(store::Reader& reader, const Hash256& id) const {
  std::vector<std::string> out;
  for (const auto& row : TRY(reader.query(kKekLabelTable, "kek = ? ORDER BY added, label", {key_of(id)}))) {
    out.push_back(KekLabelRow::from_row(row).display);
  }
  return out;
}

Result<std::vector<LabelConflict>> Keks::conflicts(store::Reader& reader) const {
  std::vector<LabelConflict> out;
  const auto rows = TRY(reader.query(
      kKekLabelTable,
      "label IN (SELECT label FROM kek_label GROUP BY label HAVING COUNT(*) > 1) ORDER BY label, kek", {}));
  for (const auto& row : rows) {
    const auto label = KekLabelRow::from_row(row);
    if (out.empty() || to_upper(out.back().label) != label.label) out.push_back({label.display, {}});
    out.back().keks.push_back(label.kek);
  }
  std::erase_if(out, [](const LabelConflict& conflict) { return conflict.keks.size() < 2; });
  return out;
}

Result<Kek> Keks::change_state(store::Transaction& transaction, const Actor& actor, const Hash256& id,
                               KeyState to) const {
  Kek kek = TRY(require(transaction, id));
  if (kek.state == to) return kek;
  if (!may_follow(kek.state, to)) {
    return fail(ErrorCode::kConflict,
                "the KEK is " + std::string(to_string(kek.state)) + " and cannot become " +
                    std::string(to_string(to)),
                "state", kek.state == KeyState::kActive ? "deactivate it first" : "");
  }
  const std::string before(to_string(kek.state));
  kek.state = to;
  mark(kek.times, to, context_.now());
  if (is_tombstone(to)) {
    kek.sealed_private.clear();
    kek.has_private = false;
  }
  TRY(put(transaction, kek));
  audit(transaction, actor, "kek.state", kek, "before: " + before);
  return kek;
}

Result<Keks::Challenge> Keks::prove_challenge(store::Reader& reader, const Hash256& id) const {
  const Kek kek = TRY(require(reader, id));
  const auto key = TRY(TRY(crypto::Certificate::from_der(kek.certificate)).public_key());
  const auto secret = crypto::random_secret(*context_.env.random, 32);
  Challenge challenge;
  challenge.wrapped = TRY(key.wrap(secret, as_bytes("tapewarden proof of possession")));
  challenge.answer_hash = crypto::sha256(secret.reveal());
  return challenge;
}

Status Keks::prove(store::Transaction& transaction, const Actor& actor, const Hash256& id,
                   const Challenge& challenge, const crypto::SecretBytes& answer) const {
  Kek kek = TRY(require(transaction, id));
  const Hash256 hash = crypto::sha256(answer.reveal());
  if (!crypto::equal_constant_time(hash, challenge.answer_hash)) {
    return fail(ErrorCode::kPermissionDenied, "the answer is not the content of the challenge", "answer",
                "let the holder of the private half answer this challenge, not an earlier one");
  }
  kek.proven = true;
  kek.proven_at = context_.now();
  TRY(put(transaction, kek));
  audit(transaction, actor, "kek.prove", kek, "");
  return {};
}

Result<std::vector<Kek>> Keks::find_by_label(store::Reader& reader, std::string_view label) const {
  std::vector<Kek> out;
  for (const auto& row : TRY(reader.query(kKekLabelTable, "label = ? ORDER BY kek", {to_upper(label)}))) {
    auto kek = TRY(find(reader, KekLabelRow::from_row(row).kek));
    if (kek) out.push_back(*std::move(kek));
  }
  return out;
}

Result<Page<KekView>> Keks::list(store::Reader& reader, const PageRequest& page,
                                 std::optional<KeyState> state) const {
  const auto limit = static_cast<std::int64_t>(std::min(page.limit, kMaximumPage));
  const Bytes after = TRY(from_hex(page.after));
  Page<KekView> out;
  const auto wanted = state ? static_cast<std::int64_t>(*state) : 0;
  for (const auto& row : TRY(reader.query(kKekTable, "id > ? AND (? = 0 OR state = ?) ORDER BY id LIMIT ?",
                                          {after, wanted, wanted, limit}))) {
    Kek kek = Kek::from_row(row);
    auto labels = TRY(labels_of(reader, kek.id));
    out.items.push_back({std::move(kek), std::move(labels)});
  }
  if (limit > 0 && out.items.size() == static_cast<std::size_t>(limit))
    out.next = hex_of(out.items.back().kek.id);
  return out;
}

Result<std::vector<ExpiryWarning>> Keks::expiring(store::Reader& reader) const {
  std::vector<ExpiryWarning> out;
  const auto rows = TRY(
      reader.query(kKekTable, "not_after <= ? AND state IN (1, 2) ORDER BY not_after LIMIT ?",
                   {to_millis(context_.now() + kExpiryWarning), static_cast<std::int64_t>(kMaximumPage)}));
  for (const auto& row : rows) {
    const Kek kek = Kek::from_row(row);
    out.push_back({kek.id, kek.common_name, kek.not_after, kek.not_after <= context_.now()});
  }
  return out;
}

Result<crypto::PrivateKey> Keks::open_private(store::Reader& reader, const Kek& kek) const {
  if (kek.quarantined != kNever) {
    return fail(ErrorCode::kConflict, "the KEK " + hex_of(kek.id) + " is quarantined", "kek",
                "a security officer releases it: tapewarden kek release");
  }
  return unseal_private(reader, kek);
}

Status Keks::check_private(store::Reader& reader, const Kek& kek) const {
  if (TRY(unseal_private(reader, kek)).fits_together()) return {};
  return fail(ErrorCode::kCorrupt, "the halves of the KEK " + hex_of(kek.id) + " do not fit together", "kek",
              "restore the keystore from a backup");
}

Result<crypto::PrivateKey> Keks::unseal_private(store::Reader& reader, const Kek& kek) const {
  if (!kek.has_private) {
    return fail(ErrorCode::kNotFound, "only the public half of the KEK " + hex_of(kek.id) + " is held here",
                "kek", "import the pair as PKCS#12, or ask where the private half is held");
  }
  const auto der = TRY(reader.unseal(kKekTable, kek.to_row(), kKekPrivateColumn));
  auto key = TRY(crypto::PrivateKey::from_pkcs8(der));
  if (key.public_key().spki_hash() == kek.id) return key;
  return fail(ErrorCode::kCorrupt, "the private half of the KEK " + hex_of(kek.id) + " is another key", "kek",
              "restore the keystore from a backup");
}

Result<bool> Keks::private_half_safe(store::Reader& reader, const Kek& kek) const {
  if (!kek.has_private || kek.quarantined != kNever) return false;
  return kek.private_commit <= TRY(write_gate(reader, context_, settings_)).replica;
}

}  // namespace tapewarden::keymgr
