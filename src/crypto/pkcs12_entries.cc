// PKCS#12 files with many entries (RFC 7292), as Java's keytool writes them.
#include <algorithm>
#include <iterator>
#include <openssl/pkcs12.h>

#include "crypto/certificate.h"
#include "crypto/old_algorithms.h"
#include "crypto/password_work.h"
#include "crypto/pkcs12_parts.h"
#include "crypto/secure_memory.h"

namespace tapewarden::crypto {
namespace {

using pkcs12::c_text;

constexpr std::size_t kNameLimit = 1024;

std::string text_of(const ASN1_OBJECT* object) {
  char text[80] = {};
  const int size = OBJ_obj2txt(text, sizeof text, object, 1);
  return size > 0 && static_cast<std::size_t>(size) < sizeof text ? std::string(text) : std::string();
}

class EntryReader {
 public:
  EntryReader(const SecretBytes& phrase, std::size_t limit) : phrase_(phrase), limit_(limit) {}

  Status read(PKCS12* file) {
    const pkcs12::SafesPtr safes(PKCS12_unpack_authsafes(file));
    if (safes == nullptr) return pkcs12::refuse("The PKCS#12 file holds what cannot be read.");
    for (int i = 0; i < sk_PKCS7_num(safes.get()); ++i) TRY(read_safe(sk_PKCS7_value(safes.get(), i)));
    return {};
  }

  // Keys get their certificates, told by the public half: Java's own marks of what belongs together are
  // times, which entries share. What is left of the certificates are entries of their own, but for those of a
  // chain.
  std::vector<Pkcs12Entry> take() {
    for (auto& entry : keys_) {
      const auto found = std::ranges::find_if(certificates_, [&](const Pkcs12Entry& one) {
        const auto key = entry.key ? one.certificate.public_key() : Result<PublicKey>(PublicKey());
        return entry.key && key && *key == entry.key->public_key();
      });
      if (found != certificates_.end()) {
        entry.certificate = std::move(found->certificate);
        certificates_.erase(found);
      } else if (entry.fault.empty()) {
        entry.fault = "a private key without a certificate";
      }
    }
    std::erase_if(certificates_, [&](const Pkcs12Entry& one) {
      return !keys_.empty() && !one.certificate.empty() && one.certificate.is_authority();
    });
    for (auto* some : {&keys_, &certificates_}) std::ranges::move(*some, std::back_inserter(secrets_));
    return std::move(secrets_);
  }

 private:
  Status read_safe(PKCS7* safe) {
    pkcs12::BagsPtr bags;
    if (PKCS7_type_is_data(safe)) {
      bags.reset(PKCS12_unpack_p7data(safe));
    } else if (PKCS7_type_is_encrypted(safe)) {
      TRY(work_.spend(safe->d.encrypted->enc_data->algorithm));
      bags.reset(PKCS12_unpack_p7encdata(safe, c_text(phrase_), length()));
    }
    if (bags == nullptr) return pkcs12::refuse("The PKCS#12 file holds what cannot be read.");
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags.get()); ++i) {
      if (count_++ == limit_)
        return fail(ErrorCode::kExhausted, "The PKCS#12 file has too many entries.", "file");
      TRY(read_bag(sk_PKCS12_SAFEBAG_value(bags.get(), i)));
    }
    return {};
  }

  Status read_bag(PKCS12_SAFEBAG* bag) {
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
      case NID_pkcs8ShroudedKeyBag:
        return read_shrouded_key(bag);
      case NID_keyBag:
        add_key(bag, PKCS12_SAFEBAG_get0_p8inf(bag));
        return {};
      case NID_certBag:
        add_certificate(bag);
        return {};
      case NID_secretBag:
        return read_secret(bag);
      default:
        return {};
    }
  }

  Status read_shrouded_key(PKCS12_SAFEBAG* bag) {
    const X509_ALGOR* algorithm = nullptr;
    X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, nullptr);
    TRY(work_.spend(algorithm));
    const Pkcs8Ptr key(
        PKCS12_decrypt_skey_ex(bag, c_text(phrase_), length(), library_with_old_algorithms(), nullptr));
    add_key(bag, key.get());
    return {};
  }

  void add_key(PKCS12_SAFEBAG* bag, const PKCS8_PRIV_KEY_INFO* info) {
    Pkcs12Entry entry;
    entry.friendly_name = name_of(bag);
    PkeyPtr raw(info != nullptr ? EVP_PKCS82PKEY_ex(info, library_with_old_algorithms(), nullptr) : nullptr);
    auto key =
        raw != nullptr ? pkcs12::adopt(std::move(raw)) : pkcs12::refuse("its private key cannot be read");
    if (key) {
      entry.key = *std::move(key);
    } else {
      entry.fault = key.error().message;
    }
    keys_.push_back(std::move(entry));
  }

  void add_certificate(PKCS12_SAFEBAG* bag) {
    Pkcs12Entry entry;
    entry.friendly_name = name_of(bag);
    const X509Ptr raw(PKCS12_SAFEBAG_get1_cert(bag));
    auto certificate =
        raw != nullptr ? pkcs12::adopt(raw.get()) : pkcs12::refuse("its certificate cannot be read");
    if (certificate) {
      entry.certificate = *std::move(certificate);
    } else {
      entry.fault = certificate.error().message;
    }
    certificates_.push_back(std::move(entry));
  }

  // Java's own way: an EncryptedPrivateKeyInfo in an OCTET STRING.
  Status read_secret(PKCS12_SAFEBAG* bag) {
    auto& entry = secrets_.emplace_back();
    entry.friendly_name = name_of(bag);
    entry.fault = "its secret key is kept in a way that is not read";
    const auto* value = PKCS12_SAFEBAG_get0_bag_obj(bag);
    if (value == nullptr || ASN1_TYPE_get(value) != V_ASN1_OCTET_STRING) return {};
    const auto* text = value->value.octet_string;
    const auto* cursor = ASN1_STRING_get0_data(text);
    const SignatureBlobPtr sealed(d2i_X509_SIG(nullptr, &cursor, ASN1_STRING_length(text)));
    if (sealed == nullptr) return {};
    const X509_ALGOR* algorithm = nullptr;
    X509_SIG_get0(sealed.get(), &algorithm, nullptr);
    TRY(work_.spend(algorithm));
    const Pkcs8Ptr info(
        PKCS8_decrypt_ex(sealed.get(), c_text(phrase_), length(), library_with_old_algorithms(), nullptr));
    const ASN1_OBJECT* name = nullptr;
    const unsigned char* key = nullptr;
    int size = 0;
    if (info == nullptr || PKCS8_pkey_get0(&name, &key, &size, nullptr, info.get()) != 1) return {};
    entry.secret = SecretBytes::copy_of(ByteView(key, static_cast<std::size_t>(size)));
    entry.secret_algorithm = text_of(name);
    entry.fault.clear();
    return {};
  }

  int length() const { return static_cast<int>(phrase_.size()) - 1; }

  static std::string name_of(PKCS12_SAFEBAG* bag) {
    char* text = PKCS12_get_friendlyname(bag);
    if (text == nullptr) return {};
    const std::string name = std::string(text).substr(0, kNameLimit);
    OPENSSL_free(text);
    return name;
  }

  const SecretBytes& phrase_;
  std::size_t limit_;
  std::size_t count_ = 0;
  pkcs12::WorkBudget work_{kLargestPasswordWork};
  std::vector<Pkcs12Entry> secrets_;
  std::vector<Pkcs12Entry> keys_;
  std::vector<Pkcs12Entry> certificates_;
};

}  // namespace

Result<std::vector<Pkcs12Entry>> read_pkcs12_entries(ByteView file, const SecretBytes& passphrase,
                                                     std::size_t limit) {
  const ErrorScope errors;
  ensure_secure_heap();
  const auto phrase = TRY(pkcs12::with_nul(passphrase));
  const auto parsed = TRY(pkcs12::parse(file));
  TRY(pkcs12::check_passphrase(parsed.get(), phrase));
  EntryReader reader(phrase, limit);
  TRY(reader.read(parsed.get()));
  return reader.take();
}

}  // namespace tapewarden::crypto
