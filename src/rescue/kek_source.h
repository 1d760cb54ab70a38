// Private halves of KEKs from files: PEM, or PKCS#12.
#pragma once

#include "crypto/keys.h"
#include "rescue/key_wanted.h"

namespace tapewarden::rescue {

class KekSource final : public KeySource {
 public:
  // `passphrase`: of the file; nullptr when it has none. kNotFound, kInvalidArgument, kWrongKey.
  Status add_file(Disk& disk, const std::string& path, const crypto::SecretBytes* passphrase);
  Result<std::vector<FoundKey>> find(const KeyWanted& wanted) override;

 private:
  struct Kek {
    crypto::PrivateKey key;
    std::string path;
  };
  std::vector<Kek> keks_;
};

// Tries a KEK on an EEDK. A hash label that names another KEK is not tried.
void unwrap_with(const KeyWanted& wanted, const eedk::Eedk& eedk, const crypto::PrivateKey& kek,
                 const std::string& where, std::vector<FoundKey>& out);

}  // namespace tapewarden::rescue
