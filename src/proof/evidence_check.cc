#include "proof/evidence_check.h"

#include <map>

#include "base/base64.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "eedk/eedk_set.h"

namespace tapewarden::proof {
namespace {

namespace json = boost::json;

std::unexpected<Error> wrong(std::string message, std::string field) {
  return fail(ErrorCode::kCorrupt, std::move(message), std::move(field),
              "the pack is signed, yet contradicts itself: ask the server that made it");
}

Result<const json::object*> item(const json::value& value, std::string_view list) {
  if (const auto* object = value.if_object()) return object;
  return wrong("an item of the list is no object", std::string(list));
}

Result<Bytes> base64_member(const json::object& object, std::string_view name) {
  const auto bytes = from_base64(TRY(text_member(object, name)), name);
  if (!bytes) return wrong("this is no base64", std::string(name));
  return *bytes;
}

Result<std::uint64_t> number_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  json::error_code error;
  const auto number = value == nullptr ? 0 : value->to_number<std::uint64_t>(error);
  if (value == nullptr || error) return wrong("this is no number", std::string(name));
  return number;
}

Result<Hash256> hash_member(const json::object& object, std::string_view name) {
  const auto bytes = from_hex(TRY(text_member(object, name)));
  Hash256 hash{};
  if (!bytes || bytes->size() != hash.size()) return wrong("this is no hash", std::string(name));
  copy_bytes(hash, *bytes);
  return hash;
}

using Servers = std::map<Uuid, crypto::Certificate>;

Result<Servers> servers_of(const SignedDocument& document) {
  Servers servers{{document.signer.server, document.signer.certificate}};
  for (const auto& value : *TRY(list_member(document.content, "servers"))) {
    const auto* server = TRY(item(value, "servers"));
    const auto id = Uuid::parse(TRY(text_member(*server, "id")));
    const auto certificate = crypto::Certificate::from_der(TRY(base64_member(*server, "certificate")));
    if (!id || !certificate) return wrong("a server's id or certificate cannot be read", "servers");
    servers.emplace(*id, *certificate);
  }
  return servers;
}

// The seal ties EEDKs, key check value and volume to the server that made them.
Status check_set(const json::object& row, const Servers& servers, EvidenceReport& report) {
  const Bytes encoded = TRY(base64_member(row, "eedks"));
  if (encoded.empty()) return {};
  const auto set = eedk::decode_eedk_set(encoded);
  if (!set) return wrong("EEDKs of a ledger row cannot be read", "eedks");
  if (set->volume.text() != TRY(text_member(row, "volume"))) {
    return wrong("EEDKs of a ledger row belong to another volume", "eedks");
  }
  if (to_hex(set->key_check) != TRY(text_member(row, "key_check_value"))) {
    return wrong("the key check value of a ledger row is not that of its EEDKs", "key_check_value");
  }
  if (!set->seal) {
    report.remarks.emplace_back("EEDKs without a key server's seal are among the ledger's rows");
    return {};
  }
  const auto server = servers.find(set->seal->server);
  if (server == servers.end() || server->second.fingerprint() != set->seal->certificate) {
    report.remarks.push_back("EEDKs sealed by server " + set->seal->server.text() +
                             " under a certificate that the pack does not hold were not checked");
    return {};
  }
  if (!eedk::verify_seal(*set, server->second)) return wrong("the seal of EEDKs does not fit them", "eedks");
  ++report.seals;
  return {};
}

Status check_ledger(const SignedDocument& document, EvidenceReport& report) {
  const Servers servers = TRY(servers_of(document));
  for (const auto& value : *TRY(list_member(document.content, "ledger"))) {
    const auto* row = TRY(item(value, "ledger"));
    ++report.entries;
    const auto state = TRY(text_member(*row, "state"));
    if (state == "confirmed") ++report.confirmed;
    if (state == "imported") ++report.imported;
    TRY(check_set(*row, servers, report));
  }
  if (report.imported > 0) {
    report.remarks.push_back(std::to_string(report.imported) +
                             " of the rows were imported from another key manager's metadata: its word, not "
                             "this server's own observation");
  }
  return {};
}

Status check_keks(const SignedDocument& document, EvidenceReport& report) {
  for (const auto& value : *TRY(list_member(document.content, "keks"))) {
    const auto* kek = TRY(item(value, "keks"));
    const auto certificate = crypto::Certificate::from_der(TRY(base64_member(*kek, "certificate")));
    const auto key = certificate ? certificate->public_key() : std::unexpected(certificate.error());
    if (!key || to_hex(key->spki_hash()) != TRY(text_member(*kek, "id"))) {
      return wrong("a KEK's certificate is not the one that its hash names", "keks");
    }
    ++report.keks;
  }
  return {};
}

// chain = SHA-256(chain before || text up to ,"chain") (docs/formats/audit.md).
Status check_audit_line(const json::object& entry) {
  const Hash256 before = TRY(hash_member(entry, "before"));
  const std::string line = TRY(text_member(entry, "line"));
  const auto at = line.rfind(",\"chain\":\"");
  if (at == std::string::npos) return wrong("a line of the audit has no chain", "audit");
  const auto chain = crypto::sha256({before, as_bytes(std::string_view(line).substr(0, at))});
  if (line.substr(at) != ",\"chain\":\"" + to_hex(chain) + "\"}") {
    return wrong("a line of the audit does not fit its chain", "audit");
  }
  return {};
}

// The message of a checkpoint (docs/formats/audit.md).
Status check_checkpoint(const json::object& checkpoint, const crypto::Certificate& signer) {
  const auto key = signer.public_key();
  ByteWriter message;
  message.text("tapewarden audit checkpoint 1\n")
      .u64(TRY(number_member(checkpoint, "line")))
      .bytes(TRY(hash_member(checkpoint, "chain")))
      .u64(TRY(number_member(checkpoint, "commit")))
      .bytes(TRY(hash_member(checkpoint, "head")));
  if (!key || !key->verify(message.view(), TRY(base64_member(checkpoint, "signature")))) {
    return wrong("the signature of the audit's checkpoint does not fit", "checkpoint");
  }
  return {};
}

Status check_audit(const SignedDocument& document, EvidenceReport& report) {
  const auto* audit = TRY(object_member(document.content, "audit"));
  for (const auto& value : *TRY(list_member(*audit, "lines"))) {
    TRY(check_audit_line(*TRY(item(value, "lines"))));
    ++report.audit_lines;
  }
  const auto* checkpoint = audit->if_contains("checkpoint");
  if (checkpoint != nullptr && checkpoint->is_object()) {
    TRY(check_checkpoint(checkpoint->get_object(), document.signer.certificate));
    report.checkpoint = true;
  }
  return {};
}

}  // namespace

Result<EvidenceReport> check_evidence(const SignedDocument& document) {
  EvidenceReport report;
  report.volser = TRY(text_member(document.content, "volser"));
  TRY(check_ledger(document, report));
  TRY(check_keks(document, report));
  TRY(check_audit(document, report));
  report.data_keys = TRY(list_member(document.content, "data_keys"))->size();
  report.drives = TRY(list_member(document.content, "drives"))->size();
  return report;
}

}  // namespace tapewarden::proof
