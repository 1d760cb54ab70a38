// Asymmetric keys from their numbers, and the numbers of asymmetric keys.
#include <array>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <utility>

#include "base/assert.h"
#include "crypto/asymmetric_state.h"

namespace tapewarden::crypto {
namespace {

using BuilderPtr = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParamsPtr = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;

// Collects numbers for EVP_PKEY_fromdata(); keeps them until it is built.
class Builder {
 public:
  void add(const char* name, ByteView number, bool secret) {
    if (number.empty()) return;
    BignumPtr value(secret ? BN_secure_new() : BN_new());
    TW_ASSERT(BN_bin2bn(number.data(), static_cast<int>(number.size()), value.get()) != nullptr);
    TW_ASSERT(OSSL_PARAM_BLD_push_BN(builder_.get(), name, value.get()) == 1);
    numbers_.push_back(std::move(value));
  }
  void add(const char* name, const SecretBytes& number) { add(name, number.reveal(), true); }
  void add_octets(const char* name, ByteView octets) {
    if (octets.empty()) return;
    TW_ASSERT(OSSL_PARAM_BLD_push_octet_string(builder_.get(), name, octets.data(), octets.size()) == 1);
  }
  void add_text(const char* name, const std::string& text) {
    TW_ASSERT(OSSL_PARAM_BLD_push_utf8_string(builder_.get(), name, text.c_str(), 0) == 1);
  }
  PkeyPtr build(const char* type, bool is_private) {
    const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder_.get()));
    const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    const bool made =
        params != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
        EVP_PKEY_fromdata(context.get(), &key, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          params.get()) == 1;
    PkeyPtr out(key);
    return made ? std::move(out) : nullptr;
  }

 private:
  BuilderPtr builder_{OSSL_PARAM_BLD_new()};
  std::vector<BignumPtr> numbers_;
};

PkeyPtr build_rsa(bool is_private, const KeyNumbers& numbers) {
  Builder builder;
  builder.add(OSSL_PKEY_PARAM_RSA_N, numbers.modulus, false);
  builder.add(OSSL_PKEY_PARAM_RSA_E, numbers.public_exponent, false);
  if (is_private) {
    builder.add(OSSL_PKEY_PARAM_RSA_D, numbers.private_exponent);
    builder.add(OSSL_PKEY_PARAM_RSA_FACTOR1, numbers.prime_p);
    builder.add(OSSL_PKEY_PARAM_RSA_FACTOR2, numbers.prime_q);
    builder.add(OSSL_PKEY_PARAM_RSA_EXPONENT1, numbers.exponent_p);
    builder.add(OSSL_PKEY_PARAM_RSA_EXPONENT2, numbers.exponent_q);
    builder.add(OSSL_PKEY_PARAM_RSA_COEFFICIENT1, numbers.coefficient);
  }
  return builder.build("RSA", is_private);
}

// g^x mod p: OpenSSL wants both halves of a private key.
Bytes dsa_public(const KeyNumbers& numbers) {
  if (!numbers.y.empty() || numbers.x.empty()) return numbers.y;
  const auto number = [](ByteView bytes) {
    return BignumPtr(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  };
  const auto p = number(numbers.p);
  const auto g = number(numbers.g);
  const auto x = number(numbers.x.reveal());
  BN_set_flags(x.get(), BN_FLG_CONSTTIME);
  const OpensslPtr<BN_CTX, BN_CTX_free> work(BN_CTX_new());
  const BignumPtr y(BN_new());
  if (BN_mod_exp(y.get(), g.get(), x.get(), p.get(), work.get()) != 1) return {};
  Bytes out(static_cast<std::size_t>(BN_num_bytes(y.get())));
  BN_bn2bin(y.get(), out.data());
  return out;
}

PkeyPtr build_dsa(bool is_private, const KeyNumbers& numbers) {
  Builder builder;
  builder.add(OSSL_PKEY_PARAM_FFC_P, numbers.p, false);
  builder.add(OSSL_PKEY_PARAM_FFC_Q, numbers.q, false);
  builder.add(OSSL_PKEY_PARAM_FFC_G, numbers.g, false);
  builder.add(OSSL_PKEY_PARAM_PUB_KEY, dsa_public(numbers), false);
  if (is_private) builder.add(OSSL_PKEY_PARAM_PRIV_KEY, numbers.x);
  return builder.build("DSA", is_private);
}

// The point that belongs to a scalar.
Bytes point_of(const std::string& curve, const SecretBytes& scalar) {
  const OpensslPtr<EC_GROUP, EC_GROUP_free> group(EC_GROUP_new_by_curve_name(OBJ_sn2nid(curve.c_str())));
  if (group == nullptr) return {};
  const OpensslPtr<EC_POINT, EC_POINT_free> point(EC_POINT_new(group.get()));
  const BignumPtr number(BN_bin2bn(scalar.reveal().data(), static_cast<int>(scalar.size()), BN_secure_new()));
  const OpensslPtr<BN_CTX, BN_CTX_free> work(BN_CTX_new());
  if (EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, work.get()) != 1) return {};
  std::array<unsigned char, 256> out{};
  const auto size = EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(),
                                       out.size(), work.get());
  return to_bytes(ByteView(out).first(size));
}

PkeyPtr build_ec(bool is_private, const KeyNumbers& numbers) {
  Builder builder;
  builder.add_text(OSSL_PKEY_PARAM_GROUP_NAME, numbers.curve);
  const bool derive = numbers.point.empty() && is_private && !numbers.scalar.empty();
  const auto point = derive ? point_of(numbers.curve, numbers.scalar) : numbers.point;
  builder.add_octets(OSSL_PKEY_PARAM_PUB_KEY, point);
  if (is_private) builder.add(OSSL_PKEY_PARAM_PRIV_KEY, numbers.scalar);
  return builder.build("EC", is_private);
}

Bytes number(const EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1) return {};
  const BignumPtr owned(value);
  Bytes out(static_cast<std::size_t>(BN_num_bytes(value)));
  BN_bn2bin(value, out.data());
  return out;
}

SecretBytes secret_number(const EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1) return {};
  const BignumPtr owned(value);
  if (BN_num_bytes(value) == 0) return {};
  auto out = SecretBytes::zeros(static_cast<std::size_t>(BN_num_bytes(value)));
  BN_bn2bin(value, out.reveal_mutable().data());
  return out;
}

void read_ec(const EVP_PKEY* key, KeyNumbers& out) {
  std::array<char, 64> group{};
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) == 1) {
    out.curve.assign(group.data(), length);
  }
  std::array<unsigned char, 256> point{};
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &length) ==
      1) {
    out.point = to_bytes(ByteView(point).first(length));
  }
  out.scalar = secret_number(key, OSSL_PKEY_PARAM_PRIV_KEY);
}

void read_rsa(const EVP_PKEY* key, KeyNumbers& out) {
  out.modulus = number(key, OSSL_PKEY_PARAM_RSA_N);
  out.public_exponent = number(key, OSSL_PKEY_PARAM_RSA_E);
  out.private_exponent = secret_number(key, OSSL_PKEY_PARAM_RSA_D);
  out.prime_p = secret_number(key, OSSL_PKEY_PARAM_RSA_FACTOR1);
  out.prime_q = secret_number(key, OSSL_PKEY_PARAM_RSA_FACTOR2);
  out.exponent_p = secret_number(key, OSSL_PKEY_PARAM_RSA_EXPONENT1);
  out.exponent_q = secret_number(key, OSSL_PKEY_PARAM_RSA_EXPONENT2);
  out.coefficient = secret_number(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
}

}  // namespace

Result<AsymmetricKey> AsymmetricKey::from_numbers(KeyAlgorithm algorithm, bool is_private,
                                                  const KeyNumbers& numbers) {
  const ErrorScope errors;
  PkeyPtr key;
  if (algorithm == KeyAlgorithm::kRsa) key = build_rsa(is_private, numbers);
  if (algorithm == KeyAlgorithm::kDsa) key = build_dsa(is_private, numbers);
  if (algorithm == KeyAlgorithm::kEc) key = build_ec(is_private, numbers);
  if (key == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "these numbers are no key", "key");
  }
  return AsymmetricKey(std::make_shared<const State>(State{std::move(key)}), is_private);
}

Result<KeyNumbers> AsymmetricKey::numbers() const {
  const ErrorScope errors;
  const auto* key = state_->key.get();
  KeyNumbers out;
  switch (algorithm()) {
    case KeyAlgorithm::kRsa:
      read_rsa(key, out);
      return out;
    case KeyAlgorithm::kEc:
      read_ec(key, out);
      return out;
    case KeyAlgorithm::kDsa:
      out.p = number(key, OSSL_PKEY_PARAM_FFC_P);
      out.q = number(key, OSSL_PKEY_PARAM_FFC_Q);
      out.g = number(key, OSSL_PKEY_PARAM_FFC_G);
      out.y = number(key, OSSL_PKEY_PARAM_PUB_KEY);
      out.x = secret_number(key, OSSL_PKEY_PARAM_PRIV_KEY);
      return out;
    case KeyAlgorithm::kOther:
      break;
  }
  return fail(ErrorCode::kUnsupported, "the key has no such numbers", "key");
}

}  // namespace tapewarden::crypto
