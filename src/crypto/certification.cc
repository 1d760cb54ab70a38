#include "crypto/certification.h"

#include <algorithm>
#include <openssl/pem.h>
#include <string>

#include "crypto/certificate_parts.h"

namespace tapewarden::crypto {
namespace {

constexpr std::size_t kMostParts = 32;
constexpr std::size_t kMostNameBytes = 4096;
constexpr std::size_t kMostKeyBytes = 16U << 10;

using StorePtr = OpensslPtr<X509_STORE, X509_STORE_free>;
using StoreContextPtr = OpensslPtr<X509_STORE_CTX, X509_STORE_CTX_free>;
void free_stack(STACK_OF(X509) * stack) {
  sk_X509_free(stack);
}
using StackPtr = OpensslPtr<STACK_OF(X509), free_stack>;

std::unexpected<Error> refuse(const char* message, const char* field) {
  return fail(ErrorCode::kInvalidArgument, message, field);
}

// What one of OpenSSL's i2d functions writes.
template <typename Write, typename Object>
Bytes der_of(Write write, const Object* object) {
  unsigned char* out = nullptr;
  const int size = write(object, &out);
  TW_ASSERT(size >= 0);
  Bytes der(out, out + size);
  OPENSSL_free(out);
  return der;
}

SubjectNamePtr parse_name(ByteView der) {
  if (der.empty() || der.size() > kMostNameBytes) return nullptr;
  const unsigned char* at = der.data();
  SubjectNamePtr name(d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size())));
  return at == der.data() + der.size() ? std::move(name) : nullptr;
}

PkeyPtr parse_key(ByteView spki) {
  if (spki.empty() || spki.size() > kMostKeyBytes) return nullptr;
  const unsigned char* at = spki.data();
  PkeyPtr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  return at == spki.data() + spki.size() ? std::move(key) : nullptr;
}

X509RequestPtr parse_request(ByteView request) {
  if (request.empty() || request.size() > kEncodedLimit) return nullptr;
  const unsigned char* at = request.data();
  X509RequestPtr out(d2i_X509_REQ(nullptr, &at, static_cast<long>(request.size())));
  if (out != nullptr) return at == request.data() + request.size() ? std::move(out) : nullptr;
  const auto bio = reading_bio(request);
  return X509RequestPtr(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
}

std::string key_usage_of(const LeafUses& uses) {
  TW_ASSERT(uses.signs || uses.wraps || uses.encrypts || uses.agrees);
  std::string out = "critical";
  if (uses.signs) out += ",digitalSignature";
  if (uses.wraps) out += ",keyEncipherment";
  if (uses.encrypts) out += ",dataEncipherment";
  if (uses.agrees) out += ",keyAgreement";
  return out;
}

constexpr const char* kNoTls = "emailProtection,codeSigning";

ExtensionsPtr extensions_for(const LeafSpec& spec, X509* issuer, bool authority) {
  auto list = new_extensions();
  add_extension_text(list.get(), NID_basic_constraints,
                     authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
  add_extension_text(list.get(), NID_key_usage,
                     authority ? "critical,keyCertSign,cRLSign" : key_usage_of(spec.uses).c_str());
  add_extension_text(list.get(), NID_ext_key_usage, kNoTls);
  add_extension(list.get(), NID_subject_key_identifier, key_id(spec.spki).get());
  if (const auto* id = X509_get0_subject_key_id(issuer)) add_authority_id(list.get(), id);
  return list;
}

bool issued(X509* issuer, X509* subject) {
  return issuer != subject && X509_check_issued(issuer, subject) == X509_V_OK;
}

// The one that issued none of the others; nullptr: there is not exactly one.
X509* leaf_of(std::span<const Certificate> chain) {
  X509* out = nullptr;
  for (const auto& one : chain) {
    X509* raw = CertificateAccess::handle(one);
    const bool issues = std::ranges::any_of(
        chain, [&](const Certificate& other) { return issued(raw, CertificateAccess::handle(other)); });
    if (issues) continue;
    if (out != nullptr) return nullptr;
    out = raw;
  }
  return out;
}

bool is_unvouched(int error) {
  return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
         error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
         error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
         error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN || error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
}

// That all of `chain` stand in what was verified.
bool has_all(STACK_OF(X509) * verified, std::span<const Certificate> chain) {
  return std::ranges::all_of(chain, [&](const Certificate& one) {
    for (int i = 0; i < sk_X509_num(verified); ++i) {
      if (X509_cmp(sk_X509_value(verified, i), CertificateAccess::handle(one)) == 0) return true;
    }
    return false;
  });
}

Result<Certificate> issue(const LeafSpec& spec, const Certificate& authority, const PrivateKey& authority_key,
                          Random& random, bool as_authority) {
  const ErrorScope errors;
  if (!authority.is_authority()) return refuse("This certificate may not issue others.", "authority");
  if (TRY(authority.public_key()) != authority_key.public_key()) {
    return refuse("The key is not that of the authority's certificate.", "authority");
  }
  if (spec.not_after <= spec.not_before) {
    return refuse("The certificate would end before it begins.", "not_after");
  }
  const auto name = parse_name(spec.subject);
  const auto key = parse_key(spec.spki);
  if (name == nullptr) return refuse("The subject does not parse.", "subject");
  if (key == nullptr) return refuse("The public key does not parse.", "key");
  X509* issuer = CertificateAccess::handle(authority);
  X509Ptr certificate(X509_new());
  TW_ASSERT(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  set_serial(certificate.get(), random);
  TW_ASSERT(X509_set_subject_name(certificate.get(), name.get()) == 1);
  TW_ASSERT(X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer)) == 1);
  if (!set_times(certificate.get(), spec.not_before, spec.not_after)) {
    return refuse("The time cannot be said in a certificate.", "not_after");
  }
  TW_ASSERT(X509_set_pubkey(certificate.get(), key.get()) == 1);
  add_extensions(certificate.get(), extensions_for(spec, issuer, as_authority).get());
  TW_ASSERT(X509_sign(certificate.get(), KeyAccess::handle(authority_key), EVP_sha256()) > 0);
  return Certificate::from_der(CertificateAccess::make(std::move(certificate)).der());
}

}  // namespace

Result<CertificationRequest> read_certification_request(ByteView request) {
  const ErrorScope errors;
  const auto parsed = parse_request(request);
  if (parsed == nullptr) return refuse("This is no certificate request.", "request");
  EVP_PKEY* key = X509_REQ_get0_pubkey(parsed.get());
  if (key == nullptr || X509_REQ_verify(parsed.get(), key) != 1) {
    return refuse("The certificate request is not signed by its own key.", "request");
  }
  CertificationRequest out;
  out.subject = der_of(i2d_X509_NAME, X509_REQ_get_subject_name(parsed.get()));
  out.spki = der_of(i2d_PUBKEY, key);
  TRY(read_subject(out.subject));
  return out;
}

Result<Bytes> make_subject(std::span<const NamePart> parts) {
  const ErrorScope errors;
  const SubjectNamePtr name(X509_NAME_new());
  TW_ASSERT(name != nullptr);
  if (parts.empty() || parts.size() > kMostParts) return refuse("A subject has 1 to 32 parts.", "subject");
  for (const auto& part : parts) {
    const int nid = OBJ_sn2nid(part.key.c_str());
    const bool added = nid != NID_undef && part.value.size() <= kMostNameBytes &&
                       X509_NAME_add_entry_by_NID(name.get(), nid, MBSTRING_UTF8, as_bytes(part.value).data(),
                                                  static_cast<int>(part.value.size()), -1, 0) == 1;
    if (!added) return refuse("A part of the subject is unknown, too long or no text.", "subject");
  }
  return der_of(i2d_X509_NAME, name.get());
}

Result<std::vector<NamePart>> read_subject(ByteView der) {
  const ErrorScope errors;
  const auto name = parse_name(der);
  if (name == nullptr || X509_NAME_entry_count(name.get()) == 0) {
    return refuse("The subject names nobody.", "subject");
  }
  return name_parts_of(name.get());
}

Result<Certificate> issue_leaf(const LeafSpec& spec, const Certificate& authority,
                               const PrivateKey& authority_key, Random& random) {
  return issue(spec, authority, authority_key, random, false);
}

Result<Certificate> issue_issuer(const LeafSpec& spec, const Certificate& authority,
                                 const PrivateKey& authority_key, Random& random) {
  return issue(spec, authority, authority_key, random, true);
}

bool may_authenticate_tls(const Certificate& authority) {
  const ErrorScope errors;
  X509* raw = CertificateAccess::handle(authority);
  return X509_check_purpose(raw, X509_PURPOSE_SSL_CLIENT, 1) > 0 ||
         X509_check_purpose(raw, X509_PURPOSE_SSL_SERVER, 1) > 0;
}

Bytes spki_of(const Certificate& certificate) {
  return der_of(i2d_X509_PUBKEY, X509_get_X509_PUBKEY(CertificateAccess::handle(certificate)));
}

ChainValidity check_chain(std::span<const Certificate> chain, std::span<const Certificate> authorities,
                          WallTime at) {
  const ErrorScope errors;
  X509* leaf = leaf_of(chain);
  if (leaf == nullptr) return ChainValidity::kInvalid;
  const StorePtr store(X509_STORE_new());
  const StackPtr others(sk_X509_new_null());
  const StoreContextPtr context(X509_STORE_CTX_new());
  TW_ASSERT(store != nullptr && others != nullptr && context != nullptr);
  for (const auto& one : authorities) {
    TW_ASSERT(X509_STORE_add_cert(store.get(), CertificateAccess::handle(one)) == 1);
  }
  for (const auto& one : chain) TW_ASSERT(sk_X509_push(others.get(), CertificateAccess::handle(one)) > 0);
  TW_ASSERT(X509_STORE_CTX_init(context.get(), store.get(), leaf, others.get()) == 1);
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  X509_VERIFY_PARAM_set_time(rules, static_cast<time_t>(seconds));
  // An authority that is given counts, though another one issued it.
  TW_ASSERT(X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN) == 1);
  if (X509_verify_cert(context.get()) == 1) {
    return has_all(X509_STORE_CTX_get0_chain(context.get()), chain) ? ChainValidity::kValid
                                                                    : ChainValidity::kInvalid;
  }
  return is_unvouched(X509_STORE_CTX_get_error(context.get())) ? ChainValidity::kUnknown
                                                               : ChainValidity::kInvalid;
}

}  // namespace tapewarden::crypto
