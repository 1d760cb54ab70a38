// Whether a target's backups restore: verifications and drills.
#include <map>

#include "keymgr/audit_note.h"
#include "keymgr/custody/backup/file_reader.h"
#include "keymgr/custody/backup/limits.h"
#include "keymgr/custody/backup/run.h"
#include "keymgr/custody/backup/service_busy.h"
#include "keymgr/custody/backup/verification.h"

namespace tapewarden::keymgr::backup {

namespace {

std::string count_fields(const KeyCounts& keys) {
  return std::to_string(keys.data_keys) + " data keys, " + std::to_string(keys.keks) + " KEKs, " +
         std::to_string(keys.destroyed) + " destroyed";
}

}  // namespace

Status Service::note_verify(const Actor& actor, const Target& target, const Result<VerifyReport>& result) {
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    AuditNote record{.type = AuditType::kResourceManagement,
                     .action = "backup.verify",
                     .actor = actor,
                     .success = result.has_value(),
                     .fields = {{"target", target.name}}};
    TargetState state = TRY(load_state(t, target.name));
    if (result) {
      state.verified_at = context_.now();
      state.verified = std::max(state.verified, static_cast<std::int64_t>(result->commit));
      state.verify_failure.clear();
      record.fields.emplace_back("covered", std::to_string(result->commit));
      record.fields.emplace_back("files", std::to_string(result->files));
      record.fields.emplace_back("rows", std::to_string(result->rows));
      record.fields.emplace_back("keys", count_fields(result->keys));
    } else {
      state.verify_failure = result.error().text();
      record.fields.emplace_back("reason", result.error().text());
    }
    if (TRY(t.get(kTargetTable, {target.name}))) TRY(t.put(kTargetStateTable, state.to_row()));
    note(t, context_, record);
    return {};
  }));
  if (!result) return {};
  const MutexLock lock(mutex_);
  Covered& covered = covered_[target.name];
  covered.verified = std::max(covered.verified, result->commit);
  return {};
}

namespace {

// The backup is at fault, not the place where it was tried.
bool is_about_files(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kWrongKey ||
         error.code == ErrorCode::kNotFound;
}

}  // namespace

Result<VerifyReport> Service::verify(const Actor& actor, const std::string& name) {
  Busy busy(*this, name);
  TRY(busy.take());
  const Target target = TRY(require(name));
  Result<VerifyReport> result = verify_now(target);
  TRY(note_verify(actor, target, result));
  if (!result && is_about_files(result.error())) TRY(lose(target, result.error()));
  return result;
}

Result<VerifyReport> Service::verify_now(const Target& target,
                                         const std::function<Status(store::Keystore&)>& look) {
  std::map<std::string, crypto::SecretBytes> keys;
  std::vector<KnownFile> known;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    known = newest_chain(TRY(known_files(reader, target.name, FileKind::kKeystore)));
    for (const KnownFile& file : known) {
      keys.emplace(target.directory + "/" + file.name,
                   TRY(reader.unseal(kKnownFileTable, file.to_row(), kKnownFileKeyColumn)));
    }
    return {};
  }));
  if (known.empty()) {
    return fail(ErrorCode::kNotFound, "the target " + target.name + " has no backup yet", "name",
                "run a backup first");
  }
  Chain chain;
  for (const KnownFile& file : known) {
    const std::string path = target.directory + "/" + file.name;
    const auto reader = FileReader::open(*context_.env.disk, path);
    if (!reader) return in_context("the backup's chain has a hole", reader.error());
    if ((*reader)->bytes() != static_cast<std::uint64_t>(file.bytes)) {
      return fail(ErrorCode::kCorrupt, path + " has another length than it was written with", "backup file",
                  "run a new base");
    }
    chain.files.push_back({path, (*reader)->header()});
  }
  TRY(check_audit_files(target));
  SignerTrust trust;
  trust.key = context_.signing_key.public_key();
  const auto source = [&](const FoundFile& file) -> Result<crypto::SecretBytes> {
    return keys.at(file.path).clone();
  };
  const Proof proof = TRY(prove_restorable(context_.env, chain, source, trust, options_.tables,
                                           options_.scratch_directory + "/verify-" + target.name, look));
  VerifyReport report;
  report.files = proof.files;
  report.bytes = proof.replayed.bytes;
  report.rows = proof.replayed.rows;
  report.commit = proof.replayed.mark.sequence;
  report.keys = proof.replayed.keys;
  return report;
}

Status Service::note_drill(const Actor& actor, const Target& target, const Result<DrillReport>& result) {
  AuditNote record{.type = AuditType::kResourceManagement,
                   .action = "backup.drill",
                   .actor = actor,
                   .success = result && result->failed.empty(),
                   .fields = {{"target", target.name}}};
  if (result) {
    record.fields.emplace_back("cartridges", std::to_string(result->cartridges));
    record.fields.emplace_back("served", std::to_string(result->served));
    std::string failed;
    for (const std::string& failure : result->failed) failed += (failed.empty() ? "" : "; ") + failure;
    if (!failed.empty()) record.fields.emplace_back("not_served", failed);
  } else {
    record.fields.emplace_back("reason", result.error().text());
  }
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    note(t, context_, record);
    return {};
  }));
  return {};
}

Result<DrillReport> Service::drill(const Actor& actor, const std::string& name, std::size_t cartridges) {
  if (cartridges == 0 || cartridges > kDrillCartridges) {
    return fail(ErrorCode::kInvalidArgument, "the number of cartridges is out of range", "cartridges",
                "use 1 to " + std::to_string(kDrillCartridges));
  }
  Busy busy(*this, name);
  TRY(busy.take());
  const Target target = TRY(require(name));
  DrillReport report;
  const auto verified = verify_now(target, [&](store::Keystore& scratch) -> Status {
    report = TRY(serve_from(context_.env, scratch, context_.server, cartridges));
    return {};
  });
  TRY(note_verify(actor, target, verified));
  Result<DrillReport> result = std::move(report);
  if (!verified) result = std::unexpected(verified.error());
  TRY(note_drill(actor, target, result));
  return result;
}

// The files of the audit's series are there as they were written.
Status Service::check_audit_files(const Target& target) {
  std::vector<KnownFile> files;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    files = TRY(known_files(reader, target.name, FileKind::kAudit));
    return {};
  }));
  for (const KnownFile& file : files) {
    const std::string path = target.directory + "/" + file.name;
    const auto reader = TRY(FileReader::open(*context_.env.disk, path));
    if (TRY(reader->check_signature()) == file.digest) continue;
    return fail(ErrorCode::kCorrupt, path + " is not the file that was written", "backup file",
                "bring the file back from a copy");
  }
  return {};
}

}  // namespace tapewarden::keymgr::backup
