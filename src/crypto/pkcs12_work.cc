// How much work a PKCS#12 file asks for.
#include <openssl/pkcs12.h>

#include "crypto/password_work.h"
#include "crypto/pkcs12_parts.h"

namespace tapewarden::crypto::pkcs12 {
namespace {

constexpr int kDeepest = 8;  // bags within bags

// Of the bags that PKCS12_parse() would open: shrouded keys, also in bags of bags.
Status spend_on_bags(const STACK_OF(PKCS12_SAFEBAG) * bags, WorkBudget& work, int depth) {
  if (depth == kDeepest) return refuse("The PKCS#12 file holds bags within bags too deep.");
  for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); ++i) {
    const PKCS12_SAFEBAG* bag = sk_PKCS12_SAFEBAG_value(bags, i);
    const int kind = PKCS12_SAFEBAG_get_nid(bag);
    if (kind == NID_safeContentsBag) TRY(spend_on_bags(PKCS12_SAFEBAG_get0_safes(bag), work, depth + 1));
    if (kind != NID_pkcs8ShroudedKeyBag) continue;
    const X509_ALGOR* algorithm = nullptr;
    X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, nullptr);
    TRY(work.spend(algorithm));
  }
  return {};
}

}  // namespace

Status WorkBudget::spend(const X509_ALGOR* algorithm) {
  const long wanted = password_work(algorithm);
  if (wanted > 0 && wanted <= left_) {
    left_ -= wanted;
    return {};
  }
  return refuse("The PKCS#12 file asks for more work than is allowed.");
}

Status check_work(PKCS12* file, const SecretBytes& phrase) {
  const SafesPtr safes(PKCS12_unpack_authsafes(file));
  if (safes == nullptr) return refuse("The PKCS#12 file holds what cannot be read.");
  WorkBudget work(kLargestPasswordWork);
  for (int i = 0; i < sk_PKCS7_num(safes.get()); ++i) {
    PKCS7* safe = sk_PKCS7_value(safes.get(), i);
    BagsPtr bags;
    if (PKCS7_type_is_data(safe)) {
      bags.reset(PKCS12_unpack_p7data(safe));
    } else if (PKCS7_type_is_encrypted(safe)) {
      TRY(work.spend(safe->d.encrypted->enc_data->algorithm));
      bags.reset(PKCS12_unpack_p7encdata(safe, c_text(phrase), static_cast<int>(phrase.size()) - 1));
    } else {
      continue;  // passed over by PKCS12_parse(), too
    }
    if (bags == nullptr) return refuse("The PKCS#12 file holds what cannot be read.");
    TRY(spend_on_bags(bags.get(), work, 0));
  }
  return {};
}

}  // namespace tapewarden::crypto::pkcs12
