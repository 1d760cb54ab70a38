#include "cli/proof_file.h"

#include "base/counted.h"
#include "base/text.h"
#include "cli/report.h"
#include "proof/evidence_check.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kCertificateFileLimit = 1U << 20;

Result<std::vector<crypto::Certificate>> certificates_in(Context& context, const std::string& path,
                                                         std::string_view field) {
  const auto text = TRY(read_file(*context.env.disk, path, kCertificateFileLimit));
  auto list = crypto::Certificate::list_from_pem(as_text(text));
  if (list) return list;
  return fail(ErrorCode::kInvalidArgument, path + " holds no certificate", std::string(field),
              "give a file in PEM form");
}

Result<proof::Trust> trust_of(Context& context, const Values& values) {
  proof::Trust trust;
  if (values.has("--certificate")) {
    trust.certificates = TRY(certificates_in(context, values.text("--certificate"), "--certificate"));
  }
  if (values.has("--ca")) {
    trust.authorities = TRY(certificates_in(context, values.text("--ca"), "--ca"));
  } else if (trust.certificates.empty() && !context.globals.site.empty()) {
    trust.authorities = TRY(certificates_in(context, context.globals.site + "/ca/authority.crt", "--site"));
  }
  return trust;
}

std::string line(std::string_view name, std::string_view value) {
  std::string out(name);
  out.resize(std::max<std::size_t>(out.size() + 1, 18), ' ');
  return out + std::string(value) + "\n";
}

std::string shown(const json::object& content, std::string_view name) {
  const auto* value = content.if_contains(name);
  if (value == nullptr) return "-";
  if (value->is_string()) return escape_unprintable(value->get_string());
  return escape_unprintable(json::serialize(*value));
}

std::string shown_maker(const json::object& content) {
  const auto* maker = content.if_contains("made_by");
  if (maker == nullptr || !maker->is_object()) return "-";
  return shown(maker->get_object(), "name") + ", " + shown(maker->get_object(), "role");
}

// "VOL002, VOL003" of a list of objects.
Result<std::string> volsers(const json::object& content, std::string_view list) {
  std::string out;
  for (const auto& value : *TRY(proof::list_member(content, list))) {
    const auto* object = value.if_object();
    if (object != nullptr) out += (out.empty() ? "" : ", ") + shown(*object, "volser");
  }
  return out.empty() ? "none" : out;
}

Result<std::string> key_states(const json::object& content) {
  std::string out;
  for (const auto& value : *TRY(proof::list_member(content, "key_at_this_server"))) {
    const auto* key = value.if_object();
    if (key != nullptr) out += (out.empty() ? "" : ", ") + shown(*key, "alias") + " " + shown(*key, "state");
  }
  return out.empty() ? "none stored" : out;
}

}  // namespace

std::vector<ArgumentSpec> proof_arguments(std::string_view what) {
  return {{.name = "FILE", .required = true, .meaning = what},
          {.name = "--certificate", .meaning = "the key server's signing certificate, in PEM"},
          {.name = "--ca", .meaning = "the authority that issued it, in PEM; with --site that of the site"}};
}

Result<proof::SignedDocument> open_proof(Context& context, const Values& values, proof::DocumentKind kind) {
  const auto file = TRY(read_file(*context.env.disk, values.text("FILE"), proof::kMaximumDocumentBytes));
  auto document = TRY(proof::open_document(as_text(file), kind));
  const auto trust = TRY(trust_of(context, values));
  if (trust.empty()) {
    const auto& certificate = document.signer.certificate;
    return fail(ErrorCode::kInvalidArgument,
                "the file is whole and signed by \"" + escape_unprintable(certificate.common_name()) +
                    "\" (SHA-256 " + to_hex(certificate.fingerprint()) +
                    "), but nothing says whether to trust that one",
                "--certificate", "give the key server's certificate, or the authority's with --ca");
  }
  TRY(proof::check_trust(document, trust));
  return document;
}

std::string signer_text(const proof::SignedDocument& document) {
  return line("signed by:", escape_unprintable(document.signer.certificate.common_name()) + ", SHA-256 " +
                                to_hex(document.signer.certificate.fingerprint())) +
         line("key server:",
              escape_unprintable(document.signer.name) + ", " + document.signer.server.text()) +
         line("made:", format_utc(document.made) + " for " + shown_maker(document.content));
}

Status verify_evidence(Context& context, const Values& values) {
  const auto document = TRY(open_proof(context, values, proof::DocumentKind::kEvidence));
  const auto report = TRY(proof::check_evidence(document));
  json::array remarks;
  std::string text = line("evidence for:", escape_unprintable(report.volser)) + signer_text(document);
  text += line("ledger:", counted(report.entries, "row") + ", " + std::to_string(report.confirmed) +
                              " confirmed by drives, " + std::to_string(report.imported) + " imported");
  text += line("EEDKs:", counted(report.seals, "set") + " whose seals fit");
  text += line("keys described:", counted(report.data_keys, "data key") + ", " + counted(report.keks, "KEK"));
  text += line("drives:", std::to_string(report.drives));
  text += line("audit:", counted(report.audit_lines, "record") +
                             (report.checkpoint ? ", and a signed checkpoint" : ""));
  for (const auto& remark : report.remarks) {
    text += line("note:", escape_unprintable(remark));
    remarks.emplace_back(remark);
  }
  text += "verified: nothing in the file was changed since it was signed\n";
  print_report(context,
               {{"verified", true},
                {"volser", report.volser},
                {"made", format_utc(document.made)},
                {"signer", to_hex(document.signer.certificate.fingerprint())},
                {"rows", report.entries},
                {"confirmed", report.confirmed},
                {"imported", report.imported},
                {"seals", report.seals},
                {"audit_records", report.audit_lines},
                {"checkpoint", report.checkpoint},
                {"notes", std::move(remarks)}},
               text);
  return {};
}

Status verify_erasure(Context& context, const Values& values) {
  const auto document = TRY(open_proof(context, values, proof::DocumentKind::kErasure));
  const auto& content = document.content;
  std::string text = line("erased:", shown(content, "volser") + ", volume " + shown(content, "volume"));
  text += line("method:", shown(content, "method"));
  text += line("when:", shown(content, "began") + " to " + shown(content, "ended"));
  text += signer_text(document);
  text += line("witness:", shown(content, "witness"));
  text += line("guaranteed:", shown(content, "guarantees"));
  text += line("not guaranteed:", shown(content, "does_not_guarantee"));
  text += line("key held there:", TRY(key_states(content)));
  text += line("key also seals:", TRY(volsers(content, "same_key_also_seals")));
  text += "verified: nothing in the file was changed since it was signed\n";
  json::object report{{"verified", true}, {"signer", to_hex(document.signer.certificate.fingerprint())}};
  report.emplace("certificate", content);
  print_report(context, report, text);
  return {};
}

namespace {

// Proofs of earlier versions say nothing of partners.
Result<std::string> partners_text(const json::object& content) {
  if (!content.contains("partners")) return std::string();
  const auto& partners = *TRY(proof::object_member(content, "partners"));
  std::string text = line("partners:", shown(partners, "note"));
  for (const auto& value : *TRY(proof::list_member(partners, "holding_the_key"))) {
    const auto* partner = value.if_object();
    if (partner == nullptr) continue;
    text += line("  perhaps at:", shown(*partner, "name") + " (" + shown(*partner, "fingerprint") + "), " +
                                      shown(*partner, "direction") + " " + shown(*partner, "at"));
  }
  return text;
}

}  // namespace

Status verify_destruction(Context& context, const Values& values) {
  const auto document = TRY(open_proof(context, values, proof::DocumentKind::kDestruction));
  const auto& content = document.content;
  const auto& mark = *TRY(proof::object_member(content, "tombstone"));
  const auto& backups = *TRY(proof::object_member(content, "backups"));
  std::string text = line("destroyed:", shown(mark, "kind") + " " + shown(mark, "name") + ", fingerprint " +
                                            shown(mark, "fingerprint"));
  text += line("state:", shown(mark, "state") + " since " + shown(mark, "at"));
  text += line("by:", shown(mark, "by") + ", approved by " + shown(mark, "approved_by"));
  text += line("cartridges lost:", shown(mark, "cartridges_lost"));
  text += signer_text(document);
  text += line("backups:", shown(backups, "note"));
  for (const auto& value : *TRY(proof::list_member(backups, "holding_the_key"))) {
    if (const auto* backup = value.if_object()) {
      text += line("  perhaps in:", shown(*backup, "name") + " in " + shown(*backup, "place") + ", made " +
                                        shown(*backup, "made"));
    }
  }
  text += TRY(partners_text(content));
  text += line("guaranteed:", shown(content, "guarantees"));
  text += line("not guaranteed:", shown(content, "does_not_guarantee"));
  text += "verified: nothing in the file was changed since it was signed\n";
  json::object report{{"verified", true}, {"signer", to_hex(document.signer.certificate.fingerprint())}};
  report.emplace("proof", content);
  print_report(context, report, text);
  return {};
}

}  // namespace tapewarden::cli
