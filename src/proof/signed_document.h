// Documents that a key server signs and that anybody checks without it, by this program or by OpenSSL's
// command line, in thirty years too (docs/formats/evidence.md):
//
//   {"tapewarden evidence 1":          first line: what it is; nothing else that a server signs begins so
//   { … }                              the content, one member a line
//   ,"signature":"BASE64"}             last line: ECDSA P-256 with SHA-256 over all bytes before this line
//
// The whole is one JSON object. Every byte counts: the content by the signature, the last line because it has
// one spelling only. Included by .cc files only. Pure; thread-safe.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/uuid.h"
#include "crypto/certificate.h"
#include "crypto/keys.h"

namespace tapewarden::proof {

inline constexpr std::size_t kMaximumDocumentBytes = 64U << 20;

enum class DocumentKind : std::uint8_t { kEvidence, kErasure, kDestruction };
std::string_view to_string(DocumentKind kind);  // "tapewarden evidence 1"
std::string_view title_of(DocumentKind kind);   // "evidence pack"

// The key server that signs.
struct Signer {
  Uuid server;
  std::string name;
  crypto::Certificate certificate;
};

// The file. `content` gets "made" and "signer" in front of what it holds. REQUIRES: a P-256 key that belongs
// to the signer's certificate.
std::string sign_document(DocumentKind kind, const boost::json::object& content, const Signer& signer,
                          const crypto::PrivateKey& key, WallTime made);

struct SignedDocument {
  boost::json::object content;
  Signer signer;
  WallTime made{};
};

// Checks the form and the signature by the certificate that the document itself names: whether that one is
// trusted is check_trust()'s question. kInvalidArgument when it is no such document; kCorrupt when it is cut
// or anything in it was changed.
Result<SignedDocument> open_document(std::string_view file, DocumentKind kind);

// What the reader trusts beforehand: the key server's own certificate, or an authority that issued it.
struct Trust {
  std::vector<crypto::Certificate> certificates;
  std::vector<crypto::Certificate> authorities;
  bool empty() const { return certificates.empty() && authorities.empty(); }
};

// kUnauthenticated when the signer is none of those trusted; kCorrupt when the document says that it was made
// outside the time for which the certificate is valid. That the certificate has expired since is no fault.
Status check_trust(const SignedDocument& document, const Trust& trust);

// Members of a document's content. kCorrupt naming the member when it is missing or has another type.
Result<std::string> text_member(const boost::json::object& object, std::string_view name);
Result<const boost::json::array*> list_member(const boost::json::object& object, std::string_view name);
Result<const boost::json::object*> object_member(const boost::json::object& object, std::string_view name);

// Reads what format_utc() writes: 2026-11-21T02:40:32.123Z. kCorrupt.
Result<WallTime> parse_utc(std::string_view text);

}  // namespace tapewarden::proof
