#include "crypto/cms.h"

#include <openssl/cms.h>
#include <openssl/rsa.h>

#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {
namespace {

using CmsPtr = OpensslPtr<CMS_ContentInfo, CMS_ContentInfo_free>;
constexpr std::size_t kEnvelopeLimit = 256U << 10;

std::unexpected<Error> refused(const char* what) {
  return fail(ErrorCode::kInvalidArgument, what, "recipient", "give certificates with an RSA key");
}

Status add_recipient(CMS_ContentInfo* envelope, const Certificate& recipient) {
  const PublicKey key = TRY(recipient.public_key());
  if (key.kind() != KeyKind::kRsa) {
    return refused("The certificate of a recipient holds no RSA key.");
  }
  CMS_RecipientInfo* info =
      CMS_add1_recipient_cert(envelope, CertificateAccess::handle(recipient), CMS_KEY_PARAM);
  if (info == nullptr) return refused("The certificate of a recipient cannot be sealed to.");
  EVP_PKEY_CTX* context = CMS_RecipientInfo_get0_pkey_ctx(info);
  if (context == nullptr || EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) != 1) {
    return refused("The certificate of a recipient cannot be sealed to.");
  }
  return {};
}

SecretBytes take(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  if (size <= 0) return {};
  const auto text = std::string_view(data, static_cast<std::size_t>(size));
  return SecretBytes::copy_of(as_bytes(text));
}

Bytes encode(CMS_ContentInfo* envelope) {
  unsigned char* der = nullptr;
  const int size = i2d_CMS_ContentInfo(envelope, &der);
  TW_ASSERT(size > 0);
  Bytes out(der, der + size);  // NOLINT: the C interface gives pointer and length
  OPENSSL_free(der);
  return out;
}

Result<CmsPtr> decode(ByteView sealed) {
  if (sealed.size() > kEnvelopeLimit) {
    return fail(ErrorCode::kInvalidArgument, "The envelope is too large.", "envelope");
  }
  const BioPtr in = reading_bio(sealed);
  CmsPtr envelope(d2i_CMS_bio(in.get(), nullptr));
  if (envelope == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "The envelope does not parse.", "envelope");
  }
  return envelope;
}

// An envelope without a key that opened it, or whose content does not fit.
std::optional<SecretBytes> content_of(CMS_ContentInfo* envelope) {
  const BioPtr out(BIO_new(BIO_s_secmem()));
  TW_ASSERT(out != nullptr);
  if (CMS_decrypt(envelope, nullptr, nullptr, nullptr, out.get(), CMS_BINARY) != 1) return std::nullopt;
  return take(out.get());
}

// The library frees what it is given by add0, wiped.
unsigned char* handed_over(ByteView bytes) {
  auto* out = static_cast<unsigned char*>(OPENSSL_malloc(bytes.size()));
  TW_ASSERT(out != nullptr);
  copy_bytes(MutableByteView(out, bytes.size()), bytes);
  return out;
}

constexpr std::array<std::uint8_t, 1> kSharedKeyId{1};
constexpr unsigned kSealFlags = CMS_BINARY | CMS_PARTIAL;

}  // namespace

Result<Bytes> seal_to_recipients(const SecretBytes& secret, std::span<const Certificate> recipients) {
  if (recipients.empty() || recipients.size() > kEnvelopeRecipientLimit) {
    return refused("A seal needs one to 64 recipients.");
  }
  const ErrorScope errors;
  const CmsPtr envelope(CMS_encrypt(nullptr, nullptr, EVP_aes_256_cbc(), kSealFlags));
  TW_ASSERT(envelope != nullptr);
  for (const Certificate& recipient : recipients) TRY(add_recipient(envelope.get(), recipient));
  const BioPtr content = reading_bio(secret.reveal());
  if (CMS_final(envelope.get(), content.get(), nullptr, kSealFlags) != 1) {
    return refused("The secret cannot be sealed to these recipients.");
  }
  return encode(envelope.get());
}

Result<SecretBytes> open_as_recipient(ByteView sealed, const PrivateKey& key) {
  const ErrorScope errors;
  const CmsPtr envelope = TRY(decode(sealed));
  const auto wrong = [] {
    return fail(ErrorCode::kWrongKey, "The envelope was not sealed to this private key.", "private key",
                "give the private key of one of the recipients");
  };
  // Looked for by trying: with OAEP a wrong key is told apart, so nothing is learnt that padding would hide.
  STACK_OF(CMS_RecipientInfo)* infos = CMS_get0_RecipientInfos(envelope.get());
  bool opened = false;
  for (int i = 0; infos != nullptr && !opened && i < sk_CMS_RecipientInfo_num(infos); ++i) {
    CMS_RecipientInfo* info = sk_CMS_RecipientInfo_value(infos, i);
    if (CMS_RecipientInfo_type(info) != CMS_RECIPINFO_TRANS) continue;
    EVP_PKEY* handle = KeyAccess::handle(key);
    if (EVP_PKEY_up_ref(handle) != 1 || CMS_RecipientInfo_set0_pkey(info, handle) != 1) continue;
    opened = CMS_RecipientInfo_decrypt(envelope.get(), info) == 1;
  }
  if (!opened) return wrong();
  auto content = content_of(envelope.get());
  if (!content) return wrong();
  return std::move(*content);
}

Bytes seal_to_key(const SecretBytes& secret, const SecretBytes& key) {
  const ErrorScope errors;
  const CmsPtr envelope(CMS_encrypt(nullptr, nullptr, EVP_aes_256_cbc(), kSealFlags));
  TW_ASSERT(envelope != nullptr);
  CMS_RecipientInfo* info =
      CMS_add0_recipient_key(envelope.get(), NID_id_aes256_wrap, handed_over(key.reveal()), key.size(),
                             handed_over(kSharedKeyId), kSharedKeyId.size(), nullptr, nullptr, nullptr);
  TW_ASSERT(info != nullptr);
  const BioPtr content = reading_bio(secret.reveal());
  TW_ASSERT(CMS_final(envelope.get(), content.get(), nullptr, kSealFlags) == 1);
  return encode(envelope.get());
}

Result<SecretBytes> open_with_key(ByteView sealed, const SecretBytes& key) {
  const ErrorScope errors;
  const CmsPtr envelope = TRY(decode(sealed));
  const auto wrong = [] {
    return fail(ErrorCode::kWrongKey, "The envelope was not sealed with this key.", "key");
  };
  // Borrowed for the call only.
  SecretBytes copy = key.clone();
  std::array<std::uint8_t, 1> id = kSharedKeyId;
  if (CMS_decrypt_set1_key(envelope.get(), copy.reveal_mutable().data(), copy.size(), id.data(), id.size()) !=
      1) {
    return wrong();
  }
  auto content = content_of(envelope.get());
  if (!content) return wrong();
  return std::move(*content);
}

}  // namespace tapewarden::crypto
