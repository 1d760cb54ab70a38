// PKCS#12 files (RFC 7292).
#include <algorithm>
#include <limits>
#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "crypto/certificate.h"
#include "crypto/key_state.h"
#include "crypto/old_algorithms.h"
#include "crypto/openssl_handles.h"
#include "crypto/pkcs12_parts.h"
#include "crypto/secure_memory.h"

namespace tapewarden::crypto {
namespace {

constexpr long kLargestMacIterations = 20'000'000;  // a file may not keep the server busy for minutes
constexpr int kIterations = 300'000;  // of PBKDF2, and of the MAC, which guards the same passphrase
constexpr std::size_t kOthersLimit = 100;

void free_certificates(STACK_OF(X509) * list) {
  sk_X509_pop_free(list, X509_free);
}
using CertificatesPtr = OpensslPtr<STACK_OF(X509), free_certificates>;

}  // namespace

namespace pkcs12 {

std::unexpected<Error> refuse(const char* message) {
  return fail(ErrorCode::kInvalidArgument, message, "file",
              "have it exported again as PKCS#12 with a passphrase, and copy it in binary");
}

Result<SecretBytes> with_nul(const SecretBytes& passphrase) {
  if (std::ranges::find(passphrase.reveal(), 0) != passphrase.reveal().end())
    return fail(ErrorCode::kInvalidArgument, "A passphrase cannot hold a NUL.", "passphrase",
                "give it as text in one line");
  auto text = SecretBytes::zeros(passphrase.size() + 1);
  copy_bytes(text.reveal_mutable(), passphrase.reveal());
  return text;
}

const char* c_text(const SecretBytes& with_nul) {
  return reinterpret_cast<const char*>(with_nul.reveal().data());
}

Result<Pkcs12Ptr> parse(ByteView file) {
  if (file.size() > kEncodedLimit) return refuse("The PKCS#12 file is too long.");
  PKCS12* shell = PKCS12_init_ex(NID_pkcs7_data, library_with_old_algorithms(), nullptr);
  TW_ASSERT(shell != nullptr);
  const auto* cursor = file.data();
  // On failure d2i frees the shell itself.
  Pkcs12Ptr parsed(d2i_PKCS12(&shell, &cursor, static_cast<long>(file.size())));
  if (parsed == nullptr || cursor != file.data() + file.size())
    return refuse("The PKCS#12 file does not parse.");
  if (PKCS12_mac_present(parsed.get()) != 1)
    return refuse("The PKCS#12 file has no MAC, so nothing shows that it is unchanged.");
  const ASN1_INTEGER* iterations = nullptr;
  PKCS12_get0_mac(nullptr, nullptr, nullptr, &iterations, parsed.get());
  if (iterations != nullptr &&
      (ASN1_INTEGER_get(iterations) < 1 || ASN1_INTEGER_get(iterations) > kLargestMacIterations))
    return refuse("The PKCS#12 file asks for more work than is allowed.");
  return parsed;
}

Status check_passphrase(PKCS12* file, const SecretBytes& phrase) {
  const char* text = c_text(phrase);
  const std::size_t size = phrase.size() - 1;
  // An empty passphrase may be stored as one NUL character or as nothing at all.
  if (PKCS12_verify_mac(file, text, static_cast<int>(size)) == 1) return {};
  if (size == 0 && PKCS12_verify_mac(file, nullptr, 0) == 1) return {};
  return fail(ErrorCode::kWrongKey, "The passphrase does not open the PKCS#12 file.", "passphrase",
              "give the passphrase that the file was exported with");
}

Result<PrivateKey> adopt(PkeyPtr key) {
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(key.get()));
  if (info == nullptr) return refuse("The PKCS#12 file holds a key of a kind that is not used.");
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr);
  TW_ASSERT(size > 0);
  auto der = SecretBytes::zeros(static_cast<std::size_t>(size));
  auto* cursor = der.reveal_mutable().data();
  TW_ASSERT(i2d_PKCS8_PRIV_KEY_INFO(info.get(), &cursor) == size);
  auto adopted = TRY(PrivateKey::from_pkcs8(der));
  if (!adopted.fits_together()) return refuse("The halves of the private key do not fit together.");
  return adopted;
}

Result<Certificate> adopt(const X509* certificate) {
  unsigned char* encoded = nullptr;
  const int size = i2d_X509(certificate, &encoded);
  TW_ASSERT(size > 0);
  auto adopted = Certificate::from_der(ByteView(encoded, static_cast<std::size_t>(size)));
  OPENSSL_free(encoded);
  return adopted;
}

}  // namespace pkcs12

using namespace pkcs12;

Result<Pkcs12> read_pkcs12(ByteView file, const SecretBytes& passphrase) {
  const ErrorScope errors;
  ensure_secure_heap();
  const auto phrase = TRY(with_nul(passphrase));
  const char* text = c_text(phrase);
  const auto parsed = TRY(parse(file));
  TRY(check_passphrase(parsed.get(), phrase));
  TRY(check_work(parsed.get(), phrase));

  EVP_PKEY* raw_key = nullptr;
  X509* raw_certificate = nullptr;
  STACK_OF(X509)* raw_others = nullptr;
  if (PKCS12_parse(parsed.get(), text, &raw_key, &raw_certificate, &raw_others) != 1)
    return refuse("The PKCS#12 file holds what cannot be read.");
  PkeyPtr key(raw_key);
  const X509Ptr certificate(raw_certificate);
  const CertificatesPtr others(raw_others);

  Pkcs12 out;
  if (key != nullptr) out.key = TRY(adopt(std::move(key)));
  if (certificate != nullptr) {
    out.certificate = TRY(adopt(certificate.get()));
    int length = 0;
    const auto* alias = X509_alias_get0(certificate.get(), &length);
    if (alias != nullptr) out.friendly_name = as_text(ByteView(alias, static_cast<std::size_t>(length)));
  }
  const int count = others != nullptr ? sk_X509_num(others.get()) : 0;
  for (int i = 0; i < count; ++i) out.others.push_back(TRY(adopt(sk_X509_value(others.get(), i))));
  // Without a key no certificate is "the" one; the first takes its place.
  if (out.certificate.empty() && !out.others.empty()) {
    out.certificate = out.others.front();
    out.others.erase(out.others.begin());
  }
  if (!out.key && out.certificate.empty())
    return refuse("The PKCS#12 file holds no certificate and no RSA or P-256 key.");
  return out;
}

Result<Bytes> write_pkcs12(const Pkcs12& content, const SecretBytes& passphrase) {
  const ErrorScope errors;
  ensure_secure_heap();
  const auto phrase = TRY(with_nul(passphrase));
  if (content.others.size() > kOthersLimit) return refuse("There are too many certificates for one file.");
  const CertificatesPtr others(sk_X509_new_null());
  TW_ASSERT(others != nullptr);
  for (const auto& other : content.others) {
    X509* raw = CertificateAccess::handle(other);
    TW_ASSERT(X509_up_ref(raw) == 1 && sk_X509_push(others.get(), raw) > 0);
  }
  const Pkcs12Ptr made(PKCS12_create_ex(
      c_text(phrase), content.friendly_name.empty() ? nullptr : content.friendly_name.c_str(),
      content.key ? KeyAccess::handle(*content.key) : nullptr,
      content.certificate.empty() ? nullptr : CertificateAccess::handle(content.certificate), others.get(),
      NID_aes_256_cbc, NID_aes_256_cbc, kIterations, kIterations, 0, nullptr, nullptr));
  if (made == nullptr) return refuse("The certificate and the private key do not belong together.");
  const int size = i2d_PKCS12(made.get(), nullptr);
  TW_ASSERT(size > 0);
  Bytes file(static_cast<std::size_t>(size));
  auto* cursor = file.data();
  TW_ASSERT(i2d_PKCS12(made.get(), &cursor) == size);
  return file;
}

}  // namespace tapewarden::crypto
