#include "crypto/testing/java_protect.h"

#include <openssl/evp.h>

#include "base/assert.h"

namespace tapewarden::crypto::testing {
namespace {

Bytes der(std::uint8_t tag, ByteView content) {
  ByteWriter out;
  out.u8(tag);
  if (content.size() < 0x80) {
    out.u8(static_cast<std::uint8_t>(content.size()));
  } else {
    out.u8(0x82).u16(static_cast<std::uint16_t>(content.size()));
  }
  return out.bytes(content).take();
}

Bytes joined(const Bytes& a, const Bytes& b) {
  return ByteWriter().bytes(a).bytes(b).take();
}

}  // namespace

Bytes java_pbe_der(const JavaPbeParameters& parameters) {
  const Bytes count = ByteWriter().u32(parameters.iterations).take();
  return der(0x30, joined(der(0x04, parameters.salt), der(0x02, count)));
}

Bytes java_protect(std::string_view password, const JavaPbeParameters& parameters, ByteView plain) {
  auto salt = to_bytes(ByteView(parameters.salt));
  if (equal(ByteView(salt).first(4), ByteView(salt).last(4))) {
    const Bytes old = salt;
    salt[0] = old[3];
    salt[1] = old[0];
    salt[2] = old[1];
  }
  Bytes derived;
  for (std::size_t half = 0; half < 2; ++half) {
    Bytes value = to_bytes(ByteView(salt).subspan(4 * half, 4));
    for (std::uint32_t i = 0; i < parameters.iterations; ++i) {
      const Bytes input = joined(value, to_bytes(password));
      value.assign(16, 0);
      TW_ASSERT(EVP_Digest(input.data(), input.size(), value.data(), nullptr, EVP_md5(), nullptr) == 1);
    }
    derived = joined(derived, value);
  }
  auto* context = EVP_CIPHER_CTX_new();
  TW_ASSERT(EVP_EncryptInit_ex(context, EVP_des_ede3_cbc(), nullptr, derived.data(), &derived[24]) == 1);
  Bytes out(plain.size() + 8);
  int written = 0;
  int last = 0;
  TW_ASSERT(EVP_EncryptUpdate(context, out.data(), &written, plain.data(), static_cast<int>(plain.size())) ==
            1);
  TW_ASSERT(EVP_EncryptFinal_ex(context, &out[static_cast<std::size_t>(written)], &last) == 1);
  EVP_CIPHER_CTX_free(context);
  out.resize(static_cast<std::size_t>(written) + static_cast<std::size_t>(last));
  return out;
}

Bytes java_protected_key(std::string_view password, const JavaPbeParameters& parameters, ByteView pkcs8) {
  const Bytes oid = {0x06, 0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x13, 0x01};
  const Bytes algorithm = der(0x30, joined(oid, java_pbe_der(parameters)));
  return der(0x30, joined(algorithm, der(0x04, java_protect(password, parameters, pkcs8))));
}

}  // namespace tapewarden::crypto::testing
