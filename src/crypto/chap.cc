#include "crypto/chap.h"

#include <array>

#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {

namespace {

using AlgorithmPtr = OpensslPtr<EVP_MD, EVP_MD_free>;

const char* name_of(ChapDigest digest) {
  switch (digest) {
    case ChapDigest::kMd5:
      return "MD5";
    case ChapDigest::kSha1:
      return "SHA1";
    case ChapDigest::kSha256:
      return "SHA256";
    case ChapDigest::kSha3:
      return "SHA3-256";
  }
  return "";
}

}  // namespace

std::size_t chap_response_bytes(ChapDigest digest) {
  switch (digest) {
    case ChapDigest::kMd5:
      return 16;
    case ChapDigest::kSha1:
      return 20;
    case ChapDigest::kSha256:
    case ChapDigest::kSha3:
      return 32;
  }
  return 0;
}

Result<Bytes> chap_response(ChapDigest digest, std::uint8_t identifier, const SecretBytes& secret,
                            ByteView challenge) {
  const ErrorScope errors;
  const AlgorithmPtr algorithm(EVP_MD_fetch(nullptr, name_of(digest), nullptr));
  const DigestContextPtr context(EVP_MD_CTX_new());
  if (algorithm == nullptr || context == nullptr ||
      EVP_DigestInit_ex2(context.get(), algorithm.get(), nullptr) != 1)
    return fail(ErrorCode::kUnsupported, "this digest is not offered by OpenSSL here", "CHAP_A");
  const std::array<std::uint8_t, 1> first{identifier};
  Bytes response(chap_response_bytes(digest));
  unsigned written = 0;
  const auto secret_bytes = secret.reveal();
  TW_ASSERT(EVP_DigestUpdate(context.get(), first.data(), first.size()) == 1 &&
            EVP_DigestUpdate(context.get(), secret_bytes.data(), secret_bytes.size()) == 1 &&
            EVP_DigestUpdate(context.get(), challenge.data(), challenge.size()) == 1);
  TW_ASSERT(EVP_DigestFinal_ex(context.get(), response.data(), &written) == 1 && written == response.size());
  return response;
}

}  // namespace tapewarden::crypto
