// Writes JCEKS keystores for tests, as Java does and as it never would. A value; one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/certificate.h"
#include "crypto/java_key_protector.h"
#include "crypto/keys.h"

namespace tapewarden::keymgr::testing {

inline constexpr std::string_view kStorePassword = "changeit-1234";

// A serialised javax.crypto.spec.SecretKeySpec, byte for byte as Java writes it.
Bytes secret_key_spec(std::string_view algorithm, ByteView key);
// A serialised java.security.KeyRep of a secret key, as other classes of keys are written.
Bytes key_rep(std::string_view algorithm, ByteView key);

class JceksWriter {
 public:
  std::string password{kStorePassword};
  std::string key_password{kStorePassword};
  crypto::JavaPbeParameters parameters{{1, 2, 3, 4, 5, 6, 7, 8}, 20};
  std::uint32_t version = 2;
  std::string sealed_class = "com.sun.crypto.provider.SealedObjectForKeyProtector";

  JceksWriter& data_key(std::string_view alias, ByteView key, std::string_view algorithm = "AES") {
    return sealed(alias, secret_key_spec(algorithm, key));
  }
  // A secret key entry around any plaintext.
  JceksWriter& sealed(std::string_view alias, ByteView plain);
  JceksWriter& pair(std::string_view alias, const crypto::PrivateKey& key,
                    const crypto::Certificate& certificate);
  JceksWriter& certificate(std::string_view alias, const crypto::Certificate& certificate);
  JceksWriter& raw(std::uint32_t tag, std::string_view alias, ByteView rest);
  // `count`: the number of entries that the file tells of; by default the true one.
  Bytes file(std::optional<std::uint32_t> count = {}) const;

 private:
  void begin(std::uint32_t tag, std::string_view alias);
  void add_certificate(const crypto::Certificate& certificate);

  ByteWriter entries_;
  std::uint32_t count_ = 0;
};

}  // namespace tapewarden::keymgr::testing
