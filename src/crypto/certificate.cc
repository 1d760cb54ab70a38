#include "crypto/certificate.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <mutex>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/thread_annotations.h"
#include "crypto/hash.h"
#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {
namespace {

std::unexpected<Error> refuse(const char* message) {
  return fail(ErrorCode::kInvalidArgument, message, "certificate");
}

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

BioPtr writing_bio() {
  BioPtr bio(BIO_new(BIO_s_mem()));
  TW_ASSERT(bio != nullptr);
  return bio;
}

std::string one_line(const X509_NAME* name) {
  const auto bio = writing_bio();
  // UTF-8 stays readable; control characters are escaped, so that a subject cannot forge a log line.
  TW_ASSERT(X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0);
  return text_of(bio.get());
}

WallTime to_wall(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  using namespace std::chrono;
  const auto day = year{parts.tm_year + 1900} / (parts.tm_mon + 1) / parts.tm_mday;
  return sys_days{day} + hours{parts.tm_hour} + minutes{parts.tm_min} + seconds{parts.tm_sec};
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; });
}

// The end of the PEM text rather than something that is no certificate.
bool at_end_of_pem() {
  const auto last = ERR_peek_last_error();
  return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

}  // namespace

struct Certificate::State {
  X509Ptr certificate;
  // Its public key, worked out at the first question.
  mutable std::once_flag key_read;
  mutable Result<PublicKey> key;
  Bytes der;  // a drive sends it with each request
  Hash256 fingerprint{};

  Result<PublicKey> read_key() const {
    const ErrorScope errors;
    EVP_PKEY* raw = X509_get0_pubkey(certificate.get());
    if (raw == nullptr) return refuse("The certificate holds a key of a kind that is not used.");
    TW_ASSERT(EVP_PKEY_up_ref(raw) == 1);
    return KeyAccess::make_public(PkeyPtr(raw));
  }
};

X509* CertificateAccess::handle(const Certificate& certificate) {
  TW_ASSERT(!certificate.empty());
  return certificate.state_->certificate.get();
}

namespace {
Bytes encode(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  TW_ASSERT(size > 0);
  Bytes der(static_cast<std::size_t>(size));
  auto* cursor = der.data();
  TW_ASSERT(i2d_X509(certificate, &cursor) == size);
  return der;
}
}  // namespace

Certificate CertificateAccess::make(X509Ptr certificate) {
  Certificate made;
  // OpenSSL works out extension flags at the first question; asked here, threads later only read them.
  static_cast<void>(X509_check_purpose(certificate.get(), -1, 0));
  auto state = std::make_shared<Certificate::State>();
  state->certificate = std::move(certificate);
  state->der = encode(state->certificate.get());
  state->fingerprint = sha256(state->der);
  made.state_ = std::move(state);
  return made;
}

namespace {
// The last entry of the kind; empty when there is none or it holds control characters.
std::string last_entry_of(const X509_NAME* name, int kind) {
  int last = -1;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, kind, at)) >= 0;) last = at;
  if (last < 0) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
  if (size < 0) return {};
  std::string out(as_text(ByteView(text, static_cast<std::size_t>(size))));
  OPENSSL_free(text);
  return has_control_character(out) ? std::string() : out;
}
}  // namespace

std::string common_name_of(const X509_NAME* name) {
  return last_entry_of(name, NID_commonName);
}

namespace {

// The certificates read last, by the hash of their encoding: a drive sends the same one with every request,
// and OpenSSL takes a tenth of a millisecond to parse it. Forgets all when full. Thread-safe.
class RememberedCertificates {
 public:
  Certificate find(const Hash256& hash) {
    const MutexLock lock(mutex_);
    const auto found = certificates_.find(hash);
    return found == certificates_.end() ? Certificate() : found->second;
  }
  void keep(const Hash256& hash, const Certificate& certificate) {
    const MutexLock lock(mutex_);
    if (certificates_.size() >= kRemembered) certificates_.clear();
    certificates_.emplace(hash, certificate);
  }

 private:
  static constexpr std::size_t kRemembered = 1024;
  Mutex mutex_;
  std::map<Hash256, Certificate> certificates_ TW_GUARDED_BY(mutex_);
};

// Never destroyed: OpenSSL may have cleaned up by then.
RememberedCertificates& remembered() {
  static auto* const instance = new RememberedCertificates;
  return *instance;
}

}  // namespace

Result<Certificate> Certificate::from_der(ByteView der) {
  const ErrorScope errors;
  if (der.size() > kEncodedLimit) return refuse("The certificate is too long.");
  const auto hash = sha256(der);
  if (auto known = remembered().find(hash); !known.empty()) return known;
  const auto* cursor = der.data();
  X509Ptr certificate(d2i_X509(nullptr, &cursor, static_cast<long>(der.size())));
  if (certificate == nullptr || cursor != der.data() + der.size())
    return refuse("The certificate does not parse.");
  auto made = CertificateAccess::make(std::move(certificate));
  remembered().keep(hash, made);
  return made;
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  const ErrorScope errors;
  if (pem.size() > kEncodedLimit) return refuse("The certificate file is too long.");
  const auto bio = reading_bio(as_bytes(pem));
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return refuse("The text holds no certificate in PEM.");
  return CertificateAccess::make(std::move(certificate));
}

Result<std::vector<Certificate>> Certificate::list_from_pem(std::string_view pem) {
  const ErrorScope errors;
  if (pem.size() > kEncodedLimit) return refuse("The certificate file is too long.");
  const auto bio = reading_bio(as_bytes(pem));
  std::vector<Certificate> list;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    list.push_back(CertificateAccess::make(X509Ptr(next)));
  if (!at_end_of_pem()) return refuse("A certificate in the text does not parse.");
  if (list.empty()) return refuse("The text holds no certificate in PEM.");
  return list;
}

Bytes Certificate::der() const {
  TW_ASSERT(!empty());
  return state_->der;
}

std::string Certificate::pem() const {
  const auto bio = writing_bio();
  TW_ASSERT(PEM_write_bio_X509(bio.get(), CertificateAccess::handle(*this)) == 1);
  return text_of(bio.get());
}

std::string Certificate::subject() const {
  return one_line(X509_get_subject_name(CertificateAccess::handle(*this)));
}

std::string Certificate::common_name() const {
  return common_name_of(X509_get_subject_name(CertificateAccess::handle(*this)));
}

std::string Certificate::organizational_unit() const {
  return last_entry_of(X509_get_subject_name(CertificateAccess::handle(*this)), NID_organizationalUnitName);
}

std::string Certificate::issuer() const {
  return one_line(X509_get_issuer_name(CertificateAccess::handle(*this)));
}

std::string Certificate::serial_hex() const {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(CertificateAccess::handle(*this));
  return to_hex(
      ByteView(ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))));
}

WallTime Certificate::not_before() const {
  return to_wall(X509_get0_notBefore(CertificateAccess::handle(*this)));
}

WallTime Certificate::not_after() const {
  return to_wall(X509_get0_notAfter(CertificateAccess::handle(*this)));
}

Result<PublicKey> Certificate::public_key() const {
  TW_ASSERT(!empty());
  std::call_once(state_->key_read, [this] { state_->key = state_->read_key(); });
  return state_->key;
}

Hash256 Certificate::fingerprint() const {
  TW_ASSERT(!empty());
  return state_->fingerprint;
}

bool Certificate::signed_by(const Certificate& authority) const {
  const ErrorScope errors;
  X509* certificate = CertificateAccess::handle(*this);
  X509* issuer = CertificateAccess::handle(authority);
  if (X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) != 0) return false;
  if (!authority.is_authority() && *this != authority) return false;
  EVP_PKEY* key = X509_get0_pubkey(issuer);
  return key != nullptr && X509_verify(certificate, key) == 1;
}

bool Certificate::is_authority() const {
  const ErrorScope errors;
  // 1 says that the certificate's own constraints make it one; the other values are guesses about old forms.
  return X509_check_ca(CertificateAccess::handle(*this)) == 1;
}

bool Certificate::operator==(const Certificate& other) const {
  if (empty() || other.empty()) return empty() == other.empty();
  return X509_cmp(CertificateAccess::handle(*this), CertificateAccess::handle(other)) == 0;
}

}  // namespace tapewarden::crypto
