// What the two ways of reading a PKCS#12 file share. Internal to crypto/. Pure; thread-safe.
#pragma once

#include "crypto/openssl_handles.h"

namespace tapewarden::crypto::pkcs12 {

// As C text in secure memory; kInvalidArgument when it holds a NUL and would be cut.
Result<SecretBytes> with_nul(const SecretBytes& passphrase);
const char* c_text(const SecretBytes& with_nul);

// Parsed in the library context that knows old algorithms, its MAC present and of bounded cost.
// kInvalidArgument.
Result<Pkcs12Ptr> parse(ByteView file);
// kWrongKey unless the MAC says that the file is unchanged and the passphrase its own. `phrase`: with_nul().
Status check_passphrase(PKCS12* file, const SecretBytes& phrase);

// Out of the context with the old algorithms into the program's own, by way of secure memory.
Result<PrivateKey> adopt(PkeyPtr key);
Result<Certificate> adopt(const X509* certificate);

class WorkBudget {
 public:
  explicit WorkBudget(long work) : left_(work) {}
  // Before something is opened by this algorithm: kInvalidArgument beyond the budget, or when the file does
  // not tell how much work it is (password_work.h). The budget is that of all parts of a file together.
  Status spend(const X509_ALGOR* algorithm);

 private:
  long left_;
};
// Adds up what PKCS12_parse() would spend, without opening private keys. kInvalidArgument beyond
// kLargestPasswordWork.
Status check_work(PKCS12* file, const SecretBytes& phrase);

inline void free_safes(STACK_OF(PKCS7) * list) {
  sk_PKCS7_pop_free(list, PKCS7_free);
}
inline void free_bags(STACK_OF(PKCS12_SAFEBAG) * list) {
  sk_PKCS12_SAFEBAG_pop_free(list, PKCS12_SAFEBAG_free);
}
using SafesPtr = OpensslPtr<STACK_OF(PKCS7), free_safes>;
using BagsPtr = OpensslPtr<STACK_OF(PKCS12_SAFEBAG), free_bags>;

std::unexpected<Error> refuse(const char* message);

}  // namespace tapewarden::crypto::pkcs12
