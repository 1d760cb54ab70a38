#include "apps/audit_check.h"

#include "audit/verify.h"
#include "crypto/certificate.h"

namespace tapewarden::apps {

namespace {

constexpr std::size_t kPemLimit = 64U << 10;

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string describe(const audit::VerifyReport& report, bool with_key, bool with_notes) {
  std::string text = "whole: " + counted(report.lines, "line", "lines") + " in " +
                     counted(report.files, "file", "files") + ", number " +
                     std::to_string(report.first_line) + " to " + std::to_string(report.last.line) + ", " +
                     counted(report.commits, "commit", "commits") + "\n";
  text += "last commit " + std::to_string(report.last_commit.sequence) + ", chain " +
          to_hex(report.last.chain) + "\n";
  text += counted(report.checkpoints, "checkpoint", "checkpoints") + ", " +
          (with_key ? counted(report.signatures_checked, "signature", "signatures") + " checked"
                    : "signatures not checked: name the server's tls/signing.crt with --certificate");
  if (with_notes) {
    text += "\n" + counted(report.notes_compared, "noted checkpoint fits", "noted checkpoints fit");
    if (report.notes_too_old > 0) {
      text += ", " + std::to_string(report.notes_too_old) + " from before the first line not compared";
    }
  } else {
    text +=
        "\nnot compared with checkpoints noted elsewhere: a record that was rewritten whole is found only so";
  }
  if (report.began_after > 0) {
    text += "\na restore began this record anew behind commit " + std::to_string(report.began_after);
  }
  if (report.notes_of_earlier_record > 0) {
    text += "\n" + counted(report.notes_of_earlier_record, "noted checkpoint is", "noted checkpoints are") +
            " of the record before it: compare with data/audit-of-epoch-N.jsonl";
  }
  if (report.unfinished_bytes > 0) {
    text += "\n" + counted(report.unfinished_bytes, "byte", "bytes") +
            " at the end are an append under way, or one that a crash cut off";
  }
  return text;
}

}  // namespace

Result<std::string> check_audit(Env env, const AuditCheck& check) {
  std::optional<crypto::PublicKey> key;
  if (!check.certificate.empty()) {
    const Bytes pem = TRY(read_file(*env.disk, check.certificate, kPemLimit));
    const auto certificate = crypto::Certificate::from_pem(as_text(pem));
    if (!certificate) return in_context(check.certificate, certificate.error());
    key = TRY(certificate->public_key());
  }
  std::vector<audit::CheckpointNote> notes;
  if (!check.against.empty()) {
    const Bytes text = TRY(read_file(*env.disk, check.against, audit::kNotesTextLimit));
    auto parsed = audit::parse_notes(as_text(text));
    if (!parsed) return in_context(check.against, parsed.error());
    notes = std::move(*parsed);
  }
  const audit::VerifyOptions options{key ? &*key : nullptr, notes};
  const bool directory = env.disk->list(check.path).has_value();
  const auto report = TRY(directory ? audit::verify_files(*env.disk, check.path, options)
                                    : audit::verify_file(*env.disk, check.path, options));
  if (report.fault) return std::unexpected(*report.fault);
  return describe(report, key.has_value(), !check.against.empty());
}

}  // namespace tapewarden::apps
