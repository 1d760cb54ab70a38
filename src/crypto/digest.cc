#include "crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <utility>

#include "base/assert.h"
#include "base/concat.h"
#include "crypto/digest_names.h"
#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {
namespace {

struct Known {
  DigestName name;
  const char* text;
  std::size_t size;
};

constexpr Known kKnown[] = {
    {DigestName::kMd5, "MD5", 16},
    {DigestName::kSha1, "SHA1", 20},
    {DigestName::kSha224, "SHA224", 28},
    {DigestName::kSha256, "SHA256", 32},
    {DigestName::kSha384, "SHA384", 48},
    {DigestName::kSha512, "SHA512", 64},
    {DigestName::kSha512_224, "SHA512-224", 28},
    {DigestName::kSha512_256, "SHA512-256", 32},
    {DigestName::kSha3_224, "SHA3-224", 28},
    {DigestName::kSha3_256, "SHA3-256", 32},
    {DigestName::kSha3_384, "SHA3-384", 48},
    {DigestName::kSha3_512, "SHA3-512", 64},
    {DigestName::kRipemd160, "RIPEMD160", 20},
};

const Known& known(DigestName name) {
  return kKnown[static_cast<std::size_t>(name)];
}

std::unexpected<Error> not_there(const char* name) {
  return fail(ErrorCode::kUnsupported, concat("this machine's OpenSSL has no ", name), "algorithm");
}

const char* cmac_cipher(std::size_t key_bytes) {
  switch (key_bytes) {
    case 16:
      return "AES-128-CBC";
    case 24:
      return "AES-192-CBC";
    case 32:
      return "AES-256-CBC";
    default:
      return nullptr;
  }
}

using MdPtr = OpensslPtr<EVP_MD, EVP_MD_free>;
using MacPtr = OpensslPtr<EVP_MAC, EVP_MAC_free>;

}  // namespace

const char* openssl_name(DigestName name) {
  return known(name).text;
}

std::size_t digest_size(DigestName name) {
  return known(name).size;
}

Result<Bytes> digest(DigestName name, ByteView data) {
  auto stream = TRY(DigestStream::start(name));
  stream.update(data);
  return stream.finish();
}

struct DigestStream::State {
  DigestContextPtr context;
  std::size_t size = 0;
};

DigestStream::DigestStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
DigestStream::DigestStream(DigestStream&&) noexcept = default;
DigestStream& DigestStream::operator=(DigestStream&&) noexcept = default;
DigestStream::~DigestStream() = default;

Result<DigestStream> DigestStream::start(DigestName name) {
  const ErrorScope errors;
  const MdPtr algorithm(EVP_MD_fetch(nullptr, openssl_name(name), nullptr));
  if (algorithm == nullptr) return not_there(openssl_name(name));
  auto state = std::make_unique<State>();
  state->context.reset(EVP_MD_CTX_new());
  state->size = digest_size(name);
  TW_ASSERT(EVP_DigestInit_ex2(state->context.get(), algorithm.get(), nullptr) == 1);
  return DigestStream(std::move(state));
}

DigestStream DigestStream::clone() const {
  auto state = std::make_unique<State>();
  state->context.reset(EVP_MD_CTX_new());
  state->size = state_->size;
  TW_ASSERT(EVP_MD_CTX_copy_ex(state->context.get(), state_->context.get()) == 1);
  return DigestStream(std::move(state));
}

void DigestStream::update(ByteView data) {
  TW_ASSERT(EVP_DigestUpdate(state_->context.get(), data.data(), data.size()) == 1);
}

Bytes DigestStream::finish() {
  Bytes out(state_->size);
  TW_ASSERT(EVP_DigestFinal_ex(state_->context.get(), out.data(), nullptr) == 1);
  return out;
}

struct MacStream::State {
  MacContextPtr context;
};

MacStream::MacStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
MacStream::MacStream(MacStream&&) noexcept = default;
MacStream& MacStream::operator=(MacStream&&) noexcept = default;
MacStream::~MacStream() = default;

Result<MacStream> MacStream::start(std::optional<DigestName> hmac, const SecretBytes& key) {
  const ErrorScope errors;
  const char* cipher = cmac_cipher(key.size());
  if (!hmac && cipher == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "CMAC takes an AES key of 128, 192 or 256 bits", "key");
  }
  const MacPtr algorithm(EVP_MAC_fetch(nullptr, hmac ? "HMAC" : "CMAC", nullptr));
  TW_ASSERT(algorithm != nullptr);
  std::string name = hmac ? openssl_name(*hmac) : cipher;
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(hmac ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER, name.data(), 0),
      OSSL_PARAM_construct_end()};
  auto state = std::make_unique<State>();
  state->context.reset(EVP_MAC_CTX_new(algorithm.get()));
  const auto view = key.reveal();
  if (EVP_MAC_init(state->context.get(), view.data(), view.size(), parameters) != 1) {
    return not_there(name.c_str());
  }
  return MacStream(std::move(state));
}

MacStream MacStream::clone() const {
  auto state = std::make_unique<State>();
  state->context.reset(EVP_MAC_CTX_dup(state_->context.get()));
  TW_ASSERT(state->context != nullptr);
  return MacStream(std::move(state));
}

void MacStream::update(ByteView data) {
  TW_ASSERT(EVP_MAC_update(state_->context.get(), data.data(), data.size()) == 1);
}

Bytes MacStream::finish() {
  Bytes out(EVP_MAX_MD_SIZE);
  std::size_t size = 0;
  TW_ASSERT(EVP_MAC_final(state_->context.get(), out.data(), &size, out.size()) == 1);
  out.resize(size);
  return out;
}

}  // namespace tapewarden::crypto
