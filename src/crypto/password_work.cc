#include "crypto/password_work.h"

namespace tapewarden::crypto {
namespace {

using PbeParameterPtr = OpensslPtr<PBEPARAM, PBEPARAM_free>;
using Pbes2Ptr = OpensslPtr<PBE2PARAM, PBE2PARAM_free>;
using Pbkdf2Ptr = OpensslPtr<PBKDF2PARAM, PBKDF2PARAM_free>;
using ScryptPtr = OpensslPtr<SCRYPT_PARAMS, SCRYPT_PARAMS_free>;

// An algorithm's name, and its parameters where they are a SEQUENCE.
struct Parts {
  int name = NID_undef;
  const ASN1_STRING* parameters = nullptr;
};
Parts parts_of(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* name = nullptr;
  int type = 0;
  const void* value = nullptr;
  X509_ALGOR_get0(&name, &type, &value, algorithm);
  return {OBJ_obj2nid(name), type == V_ASN1_SEQUENCE ? static_cast<const ASN1_STRING*>(value) : nullptr};
}

template <typename Owner>
Owner unpack(const Parts& parts, const ASN1_ITEM* item) {
  if (parts.parameters == nullptr) return nullptr;
  return Owner(static_cast<Owner::pointer>(ASN1_item_unpack(parts.parameters, item)));
}

long scrypt_work(const SCRYPT_PARAMS& parameters) {
  long work = 1;
  for (const ASN1_INTEGER* number :
       {parameters.costParameter, parameters.blockSize, parameters.parallelizationParameter}) {
    const long factor = ASN1_INTEGER_get(number);
    if (factor < 1) return 0;
    // Beyond the limit the product says no more than that.
    if (factor > kLargestPasswordWork / work) return kLargestPasswordWork + 1;
    work *= factor;
  }
  return work;
}

}  // namespace

long password_work(const X509_ALGOR* algorithm) {
  const Parts outer = parts_of(algorithm);
  if (outer.name != NID_pbes2) {
    const auto plain = unpack<PbeParameterPtr>(outer, ASN1_ITEM_rptr(PBEPARAM));
    return plain != nullptr ? ASN1_INTEGER_get(plain->iter) : 0;
  }
  const auto scheme = unpack<Pbes2Ptr>(outer, ASN1_ITEM_rptr(PBE2PARAM));
  if (scheme == nullptr) return 0;
  const Parts inner = parts_of(scheme->keyfunc);
  if (inner.name == NID_id_scrypt) {
    const auto scrypt = unpack<ScryptPtr>(inner, ASN1_ITEM_rptr(SCRYPT_PARAMS));
    return scrypt != nullptr ? scrypt_work(*scrypt) : 0;
  }
  if (inner.name != NID_id_pbkdf2) return 0;
  const auto pbkdf2 = unpack<Pbkdf2Ptr>(inner, ASN1_ITEM_rptr(PBKDF2PARAM));
  return pbkdf2 != nullptr ? ASN1_INTEGER_get(pbkdf2->iter) : 0;
}

}  // namespace tapewarden::crypto
