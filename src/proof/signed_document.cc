#include "proof/signed_document.h"

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "base/text.h"
#include "proof/json_text.h"

namespace tapewarden::proof {
namespace {

namespace json = boost::json;

constexpr std::string_view kSignatureLineStart = ",\"signature\":\"";
constexpr std::string_view kSignatureLineEnd = "\"}\n";

std::string first_line(DocumentKind kind) {
  return "{\"" + std::string(to_string(kind)) + "\":\n";
}

std::string signature_line(ByteView signature) {
  return std::string(kSignatureLineStart) + to_base64(signature) + std::string(kSignatureLineEnd);
}

std::unexpected<Error> changed(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message), "FILE", "ask the key server for the document again");
}

// The file without its last line, and that line.
struct Parts {
  std::string_view covered;
  std::string_view last;
};

Result<Parts> split_file(std::string_view file, DocumentKind kind) {
  const std::string title(title_of(kind));
  if (file.size() > kMaximumDocumentBytes) {
    return fail(ErrorCode::kInvalidArgument, "the file is too large for an " + title, "FILE");
  }
  if (!file.starts_with(first_line(kind))) {
    return fail(ErrorCode::kInvalidArgument, "the file is no " + title + ": its first line is another",
                "FILE", "the first line must be " + first_line(kind).substr(0, first_line(kind).size() - 1));
  }
  if (!file.ends_with('\n')) return changed("the file is cut off: its last line has no end");
  const auto at = file.rfind('\n', file.size() - 2);
  const Parts parts{file.substr(0, at + 1), file.substr(at + 1)};
  if (!parts.last.starts_with(kSignatureLineStart)) {
    return changed("the file is cut off or was changed: its last line is no signature");
  }
  return parts;
}

Result<Bytes> signature_of(std::string_view last) {
  auto text = last.substr(kSignatureLineStart.size());
  if (text.ends_with(kSignatureLineEnd)) text.remove_suffix(kSignatureLineEnd.size());
  auto signature = from_base64(text, "signature");
  // One signature has one spelling: nothing in the last line can be changed unseen either.
  if (!signature || signature_line(*signature) != last) return changed("the signature line was changed");
  return *std::move(signature);
}

Result<Signer> signer_of(const json::object& content) {
  const auto* object = TRY(object_member(content, "signer"));
  Signer signer;
  const auto server = Uuid::parse(TRY(text_member(*object, "server")));
  const auto der = from_base64(TRY(text_member(*object, "certificate")), "certificate");
  if (!server || !der) return changed("the signer's name or certificate was changed");
  const auto certificate = crypto::Certificate::from_der(*der);
  if (!certificate) return changed("the signer's certificate cannot be read");
  signer.server = *server;
  signer.name = TRY(text_member(*object, "name"));
  signer.certificate = *certificate;
  return signer;
}

}  // namespace

std::string_view to_string(DocumentKind kind) {
  switch (kind) {
    case DocumentKind::kEvidence:
      return "tapewarden evidence 1";
    case DocumentKind::kErasure:
      return "tapewarden erasure 1";
    case DocumentKind::kDestruction:
      break;
  }
  return "tapewarden destruction 1";
}

std::string_view title_of(DocumentKind kind) {
  switch (kind) {
    case DocumentKind::kEvidence:
      return "evidence pack";
    case DocumentKind::kErasure:
      return "erasure certificate";
    case DocumentKind::kDestruction:
      break;
  }
  return "proof of destruction";
}

std::string sign_document(DocumentKind kind, const json::object& content, const Signer& signer,
                          const crypto::PrivateKey& key, WallTime made) {
  json::object whole{{"made", format_utc(made)},
                     {"signer", json::object{{"server", signer.server.text()},
                                             {"name", signer.name},
                                             {"certificate", to_base64(signer.certificate.der())}}}};
  for (const auto& [name, value] : content) whole.emplace(name, value);
  std::string file = first_line(kind) + to_text(whole) + "\n";
  return file + signature_line(key.sign(as_bytes(file)));
}

Result<SignedDocument> open_document(std::string_view file, DocumentKind kind) {
  const Parts parts = TRY(split_file(file, kind));
  const Bytes signature = TRY(signature_of(parts.last));
  json::error_code error;
  const json::value parsed = json::parse(std::string(parts.covered) + "}", error);
  const auto* outer = error ? nullptr : parsed.if_object();
  const auto* content = outer == nullptr ? nullptr : outer->begin()->value().if_object();
  if (content == nullptr) return changed("the content was changed or cut: it is no JSON any more");
  SignedDocument document{*content, TRY(signer_of(*content)), {}};
  const auto key = document.signer.certificate.public_key();
  if (!key || !key->verify(as_bytes(parts.covered), signature)) {
    return changed("the signature does not fit: something in the file was changed after it was signed");
  }
  document.made = TRY(parse_utc(TRY(text_member(*content, "made"))));
  return document;
}

Status check_trust(const SignedDocument& document, const Trust& trust) {
  const auto& certificate = document.signer.certificate;
  const bool known = std::ranges::find(trust.certificates, certificate) != trust.certificates.end();
  const bool issued = std::ranges::any_of(trust.authorities, [&](const auto& authority) {
    return authority.is_authority() && certificate.signed_by(authority);
  });
  if (!known && !issued) {
    return fail(ErrorCode::kUnauthenticated,
                "the document was signed by \"" + escape_unprintable(certificate.common_name()) +
                    "\" (SHA-256 " + to_hex(certificate.fingerprint()) +
                    "), which is not the certificate trusted and was not issued by the authority trusted",
                "FILE", "give the certificate of the key server that made it, or its site's authority");
  }
  // Certificates count whole seconds; the document counts milliseconds.
  if (document.made + std::chrono::seconds(1) < certificate.not_before() ||
      document.made > certificate.not_after()) {
    return fail(ErrorCode::kCorrupt,
                "the document says that it was made at " + format_utc(document.made) +
                    ", when its signer's certificate was not valid",
                "made");
  }
  return {};
}

Result<std::string> text_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) {
    return fail(ErrorCode::kCorrupt, "the document has no text \"" + std::string(name) + "\"",
                std::string(name));
  }
  return std::string(value->get_string());
}

Result<const json::array*> list_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_array()) {
    return fail(ErrorCode::kCorrupt, "the document has no list \"" + std::string(name) + "\"",
                std::string(name));
  }
  return &value->get_array();
}

Result<const json::object*> object_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_object()) {
    return fail(ErrorCode::kCorrupt, "the document has no part \"" + std::string(name) + "\"",
                std::string(name));
  }
  return &value->get_object();
}

Result<WallTime> parse_utc(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
  const auto wrong = [] { return fail(ErrorCode::kCorrupt, "a time of the document is no time", "made"); };
  if (text.size() != kForm.size()) return wrong();
  std::array<unsigned, 7> parts{};
  std::size_t part = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kForm[i] == '0') {
      if (text[i] < '0' || text[i] > '9') return wrong();
      parts.at(part) = parts.at(part) * 10 + static_cast<unsigned>(text[i] - '0');
    } else {
      if (text[i] != kForm[i]) return wrong();
      ++part;
    }
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(parts[0])),
                                         std::chrono::month(parts[1]), std::chrono::day(parts[2])};
  if (!date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return wrong();
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(parts[3]) +
         std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5]) +
         std::chrono::milliseconds(parts[6]);
}

}  // namespace tapewarden::proof
