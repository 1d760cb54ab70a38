// How much work a PKCS#12 file asks for.
#include <openssl/pkcs12.h>

#include "crypto/pkcs12_parts.h"

namespace tapewarden::crypto::pkcs12 {
namespace {

constexpr int kDeepest = 8;  // bags within bags

using PbeParameterPtr = OpensslPtr<PBEPARAM, PBEPARAM_free>;
using Pbes2Ptr = OpensslPtr<PBE2PARAM, PBE2PARAM_free>;
using Pbkdf2Ptr = OpensslPtr<PBKDF2PARAM, PBKDF2PARAM_free>;

// How often the password is hashed for this algorithm; 0 when that is not told where it should be.
long iterations_of(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* name = nullptr;
  int type = 0;
  const void* value = nullptr;
  X509_ALGOR_get0(&name, &type, &value, algorithm);
  if (type != V_ASN1_SEQUENCE) return 0;
  const auto* text = static_cast<const ASN1_STRING*>(value);
  if (OBJ_obj2nid(name) != NID_pbes2) {
    const PbeParameterPtr plain(static_cast<PBEPARAM*>(ASN1_item_unpack(text, ASN1_ITEM_rptr(PBEPARAM))));
    return plain != nullptr ? ASN1_INTEGER_get(plain->iter) : 0;
  }
  const Pbes2Ptr outer(static_cast<PBE2PARAM*>(ASN1_item_unpack(text, ASN1_ITEM_rptr(PBE2PARAM))));
  if (outer == nullptr) return 0;
  X509_ALGOR_get0(&name, &type, &value, outer->keyfunc);
  if (OBJ_obj2nid(name) != NID_id_pbkdf2 || type != V_ASN1_SEQUENCE) return 0;
  const Pbkdf2Ptr inner(static_cast<PBKDF2PARAM*>(
      ASN1_item_unpack(static_cast<const ASN1_STRING*>(value), ASN1_ITEM_rptr(PBKDF2PARAM))));
  return inner != nullptr ? ASN1_INTEGER_get(inner->iter) : 0;
}

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
  const long wanted = iterations_of(algorithm);
  if (wanted > 0 && wanted <= left_) {
    left_ -= wanted;
    return {};
  }
  return refuse("The PKCS#12 file asks for more work than is allowed.");
}

Status check_work(PKCS12* file, const SecretBytes& phrase) {
  const SafesPtr safes(PKCS12_unpack_authsafes(file));
  if (safes == nullptr) return refuse("The PKCS#12 file holds what cannot be read.");
  WorkBudget work(kLargestIterations);
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
