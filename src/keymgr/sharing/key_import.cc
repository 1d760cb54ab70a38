#include "keymgr/sharing/key_import.h"

#include "base/text.h"
#include "crypto/cms.h"
#include "keymgr/audit_note.h"
#include "keymgr/sharing/fingerprint.h"
#include "keymgr/sharing/key_intake.h"
#include "keymgr/sharing/limits.h"
#include "keymgr/sharing/own_certificate.h"
#include "keymgr/sharing/partners.h"
#include "keymgr/sharing/shared_file.h"

namespace tapewarden::keymgr::sharing {
namespace {

constexpr std::string_view kAction = "key.import-shared";

// A file that was read whole and may be taken.
struct Admitted {
  SignedFile file;
  Partner partner;
  SharedContent content;
  std::vector<std::string> warnings;
};

std::unexpected<Error> own_export(const SignedFile& file) {
  return fail(ErrorCode::kConflict,
              "this file was exported by this site itself, on " + format_utc(file.header.made), "file",
              "send it to the partner for whom it was made; here it brings nothing");
}

// P1: by signature and fingerprint.
Result<Partner> sender_of(store::Reader& reader, const SignedFile& file) {
  const Hash256 signer = file.signer.fingerprint();
  for (const auto& own : TRY(own_certificates(reader))) {
    if (own.fingerprint() == signer) return own_export(file);
  }
  auto partner = TRY(partner_with(reader, signer));
  if (!partner) {
    return fail(
        ErrorCode::kUnauthenticated,
        "the file is signed by nobody who is a partner here; the signer's fingerprint is " + spoken(signer),
        "file", "import the sender's certificate and confirm its fingerprint first");
  }
  if (partner->is_confirmed()) return *std::move(partner);
  return fail(ErrorCode::kConflict, "the fingerprint of " + partner->display + " is not confirmed", "partner",
              "have it read out over the telephone: tapewarden partner confirm");
}

// The site's private key that the file was sealed to; older ones still open what came late.
Result<crypto::SecretBytes> file_key_of(store::Reader& reader, const SignedFile& file) {
  for (const auto& own : TRY(own_certificates(reader))) {
    if (crypto::sha256(own.certificate) != file.header.recipient) continue;
    if (own.fingerprint() != file.header.recipient_identity) break;
    auto opened = crypto::open_as_recipient(file.header.envelope, TRY(sealing_key(reader, own)));
    if (opened && opened->size() == crypto::kAesKeyBytes) return opened;
    break;
  }
  return fail(ErrorCode::kWrongKey,
              "the file is not sealed to a certificate of this site, but to " + to_hex(file.header.recipient),
              "file",
              "send the partner this site's certificate (tapewarden partner certificate) and ask for "
              "another export");
}

// A sender chooses the ids of his files. One that is another file's would write over what is kept about it.
Status check_id(const std::optional<Transfer>& known, const Partner& partner, const FileHeader& header) {
  if (!known || (known->fingerprint == partner.fingerprint && known->made == header.made)) return {};
  return fail(ErrorCode::kConflict,
              "another file, which came from " + known->partner + ", had this file's id", "file",
              "have the sender export the keys again");
}

// Every box opens to the key of its fingerprint: found before anything is changed.
Status check_keys(const SharedContent& content) {
  backup::SecretSealer opener(content.secrets);
  for (const auto& key : content.keys) (void)TRY(open_shared(opener, key));
  return {};
}

Result<Admitted> admit(KeyManager& manager, ByteView bytes) {
  Admitted out;
  out.file = TRY(read_file(bytes));
  crypto::SecretBytes file_key;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    out.partner = TRY(sender_of(reader, out.file));
    file_key = TRY(file_key_of(reader, out.file));
    const auto known = TRY(find_transfer(reader, out.file.header.id, Direction::kReceived));
    TRY(check_id(known, out.partner, out.file.header));
    const auto newest = TRY(own_certificate(reader));
    if (crypto::sha256(newest.certificate) != out.file.header.recipient) {
      out.warnings.push_back(
          "it is sealed to an older certificate of this site: send the partner the new one");
    }
    return {};
  }));
  if (out.file.signer.not_after() < manager.context().now()) {
    out.warnings.push_back("the sender's identity certificate has expired: ask for a new one");
  }
  out.content = TRY(open_content(out.file, file_key));
  TRY(check_keys(out.content));
  return out;
}

// What became of a key, or would.
struct Verdict {
  KeyOutcome outcome = KeyOutcome::kAdded;
  std::string remark;
};

void count(ImportReport& report, const SharedKey& key, const Verdict& verdict) {
  switch (verdict.outcome) {
    case KeyOutcome::kAdded:
      ++report.added;
      break;
    case KeyOutcome::kUnchanged:
      ++report.unchanged;
      break;
    case KeyOutcome::kKeptBoth:
      ++report.kept_both;
      break;
    case KeyOutcome::kStateMerged:
      ++report.state_merged;
      break;
    case KeyOutcome::kRefused:
      ++report.refused;
      break;
  }
  if (verdict.remark.empty() || report.lines.size() == kMaximumReportLines) return;
  report.lines.push_back({key.alias, to_hex(key.fingerprint), verdict.outcome, verdict.remark});
}

struct Judged {
  std::vector<Verdict> verdicts;     // of each key of the file
  std::vector<std::size_t> changes;  // indexes of the keys that change something
};

// Each key by itself, before anything is changed.
Result<Judged> judge_all(KeyManager& manager, const Admitted& admitted) {
  Judged out;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    const auto& keys = admitted.content.keys;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      auto judged = TRY(judge(reader, manager, keys[i]));
      if (judged.changes()) out.changes.push_back(i);
      out.verdicts.push_back({judged.outcome, std::move(judged.remark)});
    }
    return {};
  }));
  return out;
}

ImportReport report_of(const Admitted& admitted, const std::vector<Verdict>& verdicts, bool dry_run) {
  ImportReport out;
  out.dry_run = dry_run;
  out.file = admitted.file.header.id;
  out.partner = admitted.partner.display;
  out.from = admitted.file.header.from;
  out.fingerprint = admitted.partner.fingerprint;
  out.made = admitted.file.header.made;
  out.keys = admitted.content.keys.size();
  out.warnings = admitted.warnings;
  for (std::size_t i = 0; i < verdicts.size(); ++i) count(out, admitted.content.keys[i], verdicts[i]);
  return out;
}

// One import under way.
class Intake {
 public:
  Intake(KeyManager& manager, const Actor& actor, const Admitted& admitted)
      : manager_(manager), actor_(actor), admitted_(admitted), opener_(admitted.content.secrets) {}

  // The verdicts become those of the transactions: keys of this file, or others' work in between, may have
  // changed what becomes of a key.
  Status run(Judged& judged) {
    std::span<const std::size_t> changes = judged.changes;
    while (!changes.empty()) {
      const auto batch = changes.first(std::min(changes.size(), kKeysPerTransaction));
      changes = changes.subspan(batch.size());
      std::vector<Verdict> verdicts;
      TRY(manager_.keystore().write(
          [&](store::Transaction& transaction) { return take(transaction, batch, verdicts); }));
      for (std::size_t i = 0; i < batch.size(); ++i) judged.verdicts[batch[i]] = std::move(verdicts[i]);
    }
    return {};
  }

  Status finish(const ImportReport& report) {
    TRY(manager_.keystore().write([&](store::Transaction& transaction) -> Status {
      Transfer transfer = TRY(begun(transaction));
      if (transfer.ended == kNever) {
        transfer.ended = manager_.context().now();
        transfer.refused = static_cast<std::int64_t>(report.refused);
        TRY(put_transfer(transaction, transfer));
      }
      note(transaction, manager_.context(),
           {.type = AuditType::kResourceManagement,
            .action = kAction,
            .actor = actor_,
            .fields = {{"partner", admitted_.partner.display},
                       {"fingerprint", spoken(admitted_.partner.fingerprint)},
                       {"file", report.file.text()},
                       {"file_sha256", to_hex(admitted_.file.digest)},
                       {"keys", std::to_string(report.keys)},
                       {"added", std::to_string(report.added)},
                       {"unchanged", std::to_string(report.unchanged)},
                       {"kept_both", std::to_string(report.kept_both)},
                       {"state_merged", std::to_string(report.state_merged)},
                       {"refused", std::to_string(report.refused)}}});
      return {};
    }));
    return {};
  }

 private:
  // The row of this file, as an earlier batch or an earlier try left it. kConflict: see check_id().
  Result<Transfer> begun(store::Transaction& transaction) const {
    auto known = TRY(find_transfer(transaction, admitted_.file.header.id, Direction::kReceived));
    TRY(check_id(known, admitted_.partner, admitted_.file.header));
    if (known) return *std::move(known);
    Transfer transfer;
    transfer.file = admitted_.file.header.id;
    transfer.direction = Direction::kReceived;
    transfer.partner = admitted_.partner.display;
    transfer.fingerprint = admitted_.partner.fingerprint;
    transfer.server = admitted_.file.header.server;
    transfer.keys = static_cast<std::int64_t>(admitted_.content.keys.size());
    transfer.made = admitted_.file.header.made;
    transfer.began = manager_.context().now();
    transfer.by = actor_.name;
    return transfer;
  }

  // May run again from the start, so it keeps nothing outside but the verdicts, one for each of the batch,
  // which it begins anew.
  Status take(store::Transaction& transaction, std::span<const std::size_t> batch,
              std::vector<Verdict>& verdicts) {
    verdicts.clear();
    Transfer transfer = TRY(begun(transaction));
    transfer.ended = kNever;
    std::vector<KeyFingerprint> taken;
    std::string aliases;
    for (const std::size_t index : batch) {
      const SharedKey& key = admitted_.content.keys[index];
      const auto judged = TRY(judge(transaction, manager_, key));
      verdicts.push_back({judged.outcome, judged.remark});
      if (!judged.changes()) continue;
      TRY(apply(transaction, manager_, actor_, key, judged, TRY(open_shared(opener_, key))));
      ++(judged.outcome == KeyOutcome::kAdded      ? transfer.added
         : judged.outcome == KeyOutcome::kKeptBoth ? transfer.kept_both
                                                   : transfer.merged);
      taken.push_back(key.fingerprint);
      aliases += (aliases.empty() ? "" : " ") + key.alias;
    }
    TRY(put_transfer(transaction, transfer));
    TRY(put_transfer_keys(transaction, transfer, static_cast<std::int64_t>(batch.front()), taken));
    note(transaction, manager_.context(),
         {.type = AuditType::kResourceManagement,
          .action = "key.import-shared-batch",
          .actor = actor_,
          .fields = {{"partner", transfer.partner},
                     {"file", transfer.file.text()},
                     {"keys", std::to_string(taken.size())},
                     {"aliases", std::move(aliases)}}});
    return {};
  }

  KeyManager& manager_;
  const Actor& actor_;
  const Admitted& admitted_;
  backup::SecretSealer opener_;
};

Result<ImportReport> run(KeyManager& manager, const Actor& actor, ByteView file, bool dry_run) {
  const auto admitted = TRY(admit(manager, file));
  auto judged = TRY(judge_all(manager, admitted));
  if (dry_run) return report_of(admitted, judged.verdicts, dry_run);
  Intake intake(manager, actor, admitted);
  TRY(intake.run(judged));
  auto report = report_of(admitted, judged.verdicts, dry_run);
  TRY(intake.finish(report));
  return report;
}

}  // namespace

std::string_view to_string(KeyOutcome outcome) {
  switch (outcome) {
    case KeyOutcome::kAdded:
      return "added";
    case KeyOutcome::kUnchanged:
      return "unchanged";
    case KeyOutcome::kKeptBoth:
      return "kept-both";
    case KeyOutcome::kStateMerged:
      return "state-merged";
    case KeyOutcome::kRefused:
      return "refused";
  }
  return "unknown";
}

Result<ImportReport> import_keys(KeyManager& manager, const Actor& actor, ByteView file, bool dry_run) {
  auto report = run(manager, actor, file, dry_run);
  if (report) return report;
  return audit_refusal(manager, actor, kAction, {{"file_sha256", to_hex(crypto::sha256(file))}},
                       report.error());
}

}  // namespace tapewarden::keymgr::sharing
