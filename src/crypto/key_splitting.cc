#include "crypto/key_splitting.h"

#include <algorithm>
#include <string>

#include "crypto/openssl_handles.h"
#include "crypto/random.h"

namespace tapewarden::crypto {
namespace {

using ContextPtr = OpensslPtr<BN_CTX, BN_CTX_free>;

std::unexpected<Error> refuse(std::string message, std::string field) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), std::move(field));
}

// GF(2^8) as AES has it (FIPS 197 section 4): modulo x^8 + x^4 + x^3 + x + 1. Without a branch or a table
// that depends on a secret.
struct Gf8 {
  using Element = std::uint8_t;
  static constexpr std::size_t kBytes = 1;

  static Element times(Element a, Element b) {
    unsigned out = 0;
    unsigned left = a;
    for (unsigned bit = 0; bit < 8; ++bit) {
      out ^= left & (0U - ((b >> bit) & 1U));
      left = ((left << 1U) ^ (0x1BU & (0U - (left >> 7U)))) & 0xFFU;
    }
    return static_cast<Element>(out);
  }
  static Element inverse(Element a) {  // a^254
    Element out = 1;
    for (unsigned i = 0; i < 7; ++i) {
      a = times(a, a);
      out = times(out, a);
    }
    return out;
  }
  static Element read(ByteView from) { return from[0]; }
  static void write(Element value, MutableByteView to) { to[0] = value; }
};

// GF(2^16) = GF(2^8)[y] / (y^2 + y + m), m = {3A}: u y + v is the pair of bytes u, v.
struct Gf16 {
  using Element = std::uint16_t;
  static constexpr std::size_t kBytes = 2;
  static constexpr std::uint8_t kM = 0x3A;

  static std::uint8_t high(Element a) { return static_cast<std::uint8_t>(a >> 8U); }
  static std::uint8_t low(Element a) { return static_cast<std::uint8_t>(a & 0xFFU); }
  static Element pair(unsigned u, unsigned v) { return static_cast<Element>((u << 8U) | v); }

  static Element times(Element a, Element b) {
    const auto ru = Gf8::times(high(a), high(b));
    const auto sv = Gf8::times(low(a), low(b));
    const auto both =
        Gf8::times(static_cast<std::uint8_t>(high(a) ^ low(a)), static_cast<std::uint8_t>(high(b) ^ low(b)));
    return pair(both ^ sv, sv ^ Gf8::times(ru, kM));
  }
  static Element inverse(Element a) {
    const auto u = high(a);
    const auto v = low(a);
    const auto sum = static_cast<std::uint8_t>(u ^ v);
    const auto d = static_cast<std::uint8_t>(Gf8::times(sum, v) ^ Gf8::times(kM, Gf8::times(u, u)));
    const auto over = Gf8::inverse(d);
    return pair(Gf8::times(u, over), Gf8::times(sum, over));
  }
  static Element read(ByteView from) { return pair(from[0], from[1]); }
  static void write(Element value, MutableByteView to) {
    to[0] = high(value);
    to[1] = low(value);
  }
};

template <typename Field>
std::vector<KeyPart> split_over(const SecretBytes& key, const SplitTerms& terms, Random& random) {
  using Element = Field::Element;
  // The coefficients of x, x^2 and so on, each as long as the key.
  const auto coefficients = random_secret(random, (terms.threshold - 1) * key.size());
  std::vector<KeyPart> out;
  for (unsigned number = 1; number <= terms.parts; ++number) {
    KeyPart part{number, SecretBytes::zeros(key.size())};
    for (std::size_t at = 0; at < key.size(); at += Field::kBytes) {
      Element value = 0;
      for (unsigned power = terms.threshold - 1; power > 0; --power) {
        const auto coefficient = Field::read(coefficients.reveal().subspan((power - 1) * key.size() + at));
        value = static_cast<Element>(
            Field::times(static_cast<Element>(value ^ coefficient), static_cast<Element>(number)));
      }
      const auto secret = Field::read(key.reveal().subspan(at));
      Field::write(static_cast<Element>(value ^ secret), part.content.reveal_mutable().subspan(at));
    }
    out.push_back(std::move(part));
  }
  return out;
}

// What the polynomials through the first `threshold` parts are at `x`; at 0 the key.
template <typename Field>
SecretBytes value_over(std::span<const KeyPart> parts, unsigned threshold, unsigned x) {
  using Element = Field::Element;
  auto out = SecretBytes::zeros(parts[0].content.size());
  for (unsigned i = 0; i < threshold; ++i) {
    Element weight = 1;
    for (unsigned j = 0; j < threshold; ++j) {
      if (j == i) continue;
      const auto over = Field::inverse(static_cast<Element>(parts[j].number ^ parts[i].number));
      weight = Field::times(weight, Field::times(static_cast<Element>(parts[j].number ^ x), over));
    }
    for (std::size_t at = 0; at < out.size(); at += Field::kBytes) {
      const auto sum = Field::read(out.reveal().subspan(at));
      const auto more = Field::times(weight, Field::read(parts[i].content.reveal().subspan(at)));
      Field::write(static_cast<Element>(sum ^ more), out.reveal_mutable().subspan(at));
    }
  }
  return out;
}

// Numbers modulo a prime.
class PrimeField {
 public:
  explicit PrimeField(ByteView prime) : prime_(number(prime)) {}

  const BIGNUM* prime() const { return prime_.get(); }
  bool is_prime() const { return BN_check_prime(prime_.get(), context_.get(), nullptr) == 1; }
  std::size_t bytes() const { return static_cast<std::size_t>(BN_num_bytes(prime_.get())); }

  static BignumPtr number(ByteView bytes) {
    BignumPtr out(BN_secure_new());
    TW_ASSERT(out != nullptr &&
              BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), out.get()) != nullptr);
    return out;
  }
  static BignumPtr number(unsigned value) {
    BignumPtr out(BN_secure_new());
    TW_ASSERT(out != nullptr && BN_set_word(out.get(), value) == 1);
    return out;
  }
  // Of so many bytes; REQUIRES: it has no more.
  static SecretBytes text(const BIGNUM* value, std::size_t size) {
    auto out = SecretBytes::zeros(size);
    TW_ASSERT(BN_bn2binpad(value, out.reveal_mutable().data(), static_cast<int>(size)) >= 0);
    return out;
  }
  // Even to 1 in 2^128.
  BignumPtr draw(Random& random) {
    const auto wide = random_secret(random, bytes() + 16);
    auto out = number(wide.reveal());
    TW_ASSERT(BN_nnmod(out.get(), out.get(), prime_.get(), context_.get()) == 1);
    return out;
  }
  void add(BIGNUM* to, const BIGNUM* more) {
    TW_ASSERT(BN_mod_add(to, to, more, prime_.get(), context_.get()) == 1);
  }
  void subtract(BIGNUM* from, const BIGNUM* less) {
    TW_ASSERT(BN_mod_sub(from, from, less, prime_.get(), context_.get()) == 1);
  }
  void multiply(BIGNUM* to, const BIGNUM* by) {
    TW_ASSERT(BN_mod_mul(to, to, by, prime_.get(), context_.get()) == 1);
  }
  void invert(BIGNUM* value) {
    TW_ASSERT(BN_mod_inverse(value, value, prime_.get(), context_.get()) != nullptr);
  }

 private:
  ContextPtr context_{BN_CTX_secure_new()};
  BignumPtr prime_;
};

Result<std::vector<KeyPart>> split_over_prime(const SecretBytes& key, const SplitTerms& terms,
                                              Random& random) {
  PrimeField field(terms.prime);
  // Larger than 2^L: the prime has a bit more than the key, and that is not its only one.
  if (std::cmp_less_equal(BN_num_bits(field.prime()), key.size() * 8)) {
    return refuse("the prime is not larger than every key of so many bits", "Prime Field Size");
  }
  std::vector<BignumPtr> coefficients;
  coefficients.push_back(PrimeField::number(key.reveal()));
  while (coefficients.size() < terms.threshold) coefficients.push_back(field.draw(random));
  std::vector<KeyPart> out;
  for (unsigned number = 1; number <= terms.parts; ++number) {
    const auto x = PrimeField::number(number);
    const auto value = PrimeField::number(0U);
    for (auto one = coefficients.rbegin(); one != coefficients.rend(); ++one) {
      field.multiply(value.get(), x.get());
      field.add(value.get(), one->get());
    }
    out.push_back({number, PrimeField::text(value.get(), field.bytes())});
  }
  return out;
}

SecretBytes value_over_prime(std::span<const KeyPart> parts, const SplitTerms& terms, unsigned x) {
  PrimeField field(terms.prime);
  const auto at = PrimeField::number(x);
  const auto sum = PrimeField::number(0U);
  for (unsigned i = 0; i < terms.threshold; ++i) {
    const auto term = PrimeField::number(parts[i].content.reveal());
    const auto own = PrimeField::number(parts[i].number);
    for (unsigned j = 0; j < terms.threshold; ++j) {
      if (j == i) continue;
      const auto above = PrimeField::number(parts[j].number);
      const auto below = PrimeField::number(parts[j].number);
      field.subtract(above.get(), at.get());
      field.subtract(below.get(), own.get());
      field.invert(below.get());
      field.multiply(term.get(), above.get());
      field.multiply(term.get(), below.get());
    }
    field.add(sum.get(), term.get());
  }
  return PrimeField::text(sum.get(), field.bytes());
}

void add_bytes(MutableByteView to, ByteView more) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<std::uint8_t>(to[i] ^ more[i]);
}

std::vector<KeyPart> split_by_xor(const SecretBytes& key, const SplitTerms& terms, Random& random) {
  std::vector<KeyPart> out;
  auto last = key.clone();
  for (unsigned number = 1; number < terms.parts; ++number) {
    out.push_back({number, random_secret(random, key.size())});
    add_bytes(last.reveal_mutable(), out.back().content.reveal());
  }
  out.push_back({terms.parts, std::move(last)});
  return out;
}

SecretBytes join_by_xor(std::span<const KeyPart> parts) {
  auto out = SecretBytes::zeros(parts[0].content.size());
  for (const auto& part : parts) add_bytes(out.reveal_mutable(), part.content.reveal());
  return out;
}

SecretBytes value_at(std::span<const KeyPart> parts, const SplitTerms& terms, unsigned x) {
  if (terms.method == SplitMethod::kGf8) return value_over<Gf8>(parts, terms.threshold, x);
  if (terms.method == SplitMethod::kGf16) return value_over<Gf16>(parts, terms.threshold, x);
  return value_over_prime(parts, terms, x);
}

Status check_parts(std::span<const KeyPart> parts, const SplitTerms& terms) {
  if (parts.size() < terms.threshold) {
    return refuse(std::to_string(parts.size()) + " parts are here, and " + std::to_string(terms.threshold) +
                      " are needed",
                  "Unique Identifier");
  }
  std::vector<unsigned> seen;
  for (const auto& part : parts) {
    const bool again = std::ranges::find(seen, part.number) != seen.end();
    if (again || part.number == 0 || part.number > terms.parts) {
      return refuse("a part is there twice, or is none of them", "Key Part Identifier");
    }
    seen.push_back(part.number);
    const bool fits = part.content.size() == parts[0].content.size() && !part.content.empty() &&
                      part.content.size() <= kMostSplitBytes + kMostPrimeBytes &&
                      (terms.method != SplitMethod::kGf16 || part.content.size() % 2 == 0);
    if (!fits) return refuse("the parts are not of one key: their lengths do not fit", "Key Material");
  }
  return {};
}

std::unexpected<Error> not_of_one_key() {
  return fail(ErrorCode::kCorrupt, "the parts are not of one key", "Key Material");
}

}  // namespace

Status check_split_terms(const SplitTerms& terms) {
  if (terms.parts > kMostKeyParts || terms.parts < 2) {
    return refuse("a key is split into 2 to " + std::to_string(kMostKeyParts) + " parts", "Split Key Parts");
  }
  if (terms.threshold < 2 || terms.threshold > terms.parts) {
    return refuse("2 to all of the parts are needed for the key", "Split Key Threshold");
  }
  if (terms.method == SplitMethod::kXor && terms.threshold != terms.parts) {
    return refuse("XOR needs all of the parts", "Split Key Threshold");
  }
  if (terms.method != SplitMethod::kPrimeField) return {};
  if (terms.prime.empty()) return refuse("it is missing", "Prime Field Size");
  if (terms.prime.size() > kMostPrimeBytes) {
    return refuse("primes of more than " + std::to_string(kMostPrimeBytes * 8) + " bits are not taken",
                  "Prime Field Size");
  }
  const PrimeField field(terms.prime);
  if (BN_is_word(field.prime(), 2) || BN_num_bits(field.prime()) <= 7 || !field.is_prime()) {
    return refuse("this is no prime that is larger than the number of parts", "Prime Field Size");
  }
  return {};
}

Result<std::vector<KeyPart>> split_key(const SecretBytes& key, const SplitTerms& terms, Random& random) {
  TRY(check_split_terms(terms));
  if (key.empty() || key.size() > kMostSplitBytes) {
    return refuse("the key is empty, or too long to be split", "Cryptographic Length");
  }
  switch (terms.method) {
    case SplitMethod::kXor:
      return split_by_xor(key, terms, random);
    case SplitMethod::kGf8:
      return split_over<Gf8>(key, terms, random);
    case SplitMethod::kGf16:
      if (key.size() % 2 == 0) return split_over<Gf16>(key, terms, random);
      return refuse("the key has an odd number of bytes: GF(2^8) takes such keys", "Split Key Method");
    case SplitMethod::kPrimeField:
      return split_over_prime(key, terms, random);
  }
  TW_ASSERT(false);
}

Result<SecretBytes> join_key(std::span<const KeyPart> parts, const SplitTerms& terms, std::size_t bytes) {
  TRY(check_split_terms(terms));
  TRY(check_parts(parts, terms));
  const bool prime = terms.method == SplitMethod::kPrimeField;
  if (prime && parts[0].content.size() != terms.prime.size()) {
    return refuse("the parts are not as long as the prime", "Key Material");
  }
  if (terms.method == SplitMethod::kXor) {
    auto key = join_by_xor(parts);
    return key.size() == bytes ? Result<SecretBytes>(std::move(key)) : not_of_one_key();
  }
  for (const auto& extra : parts.subspan(terms.threshold)) {
    if (value_at(parts, terms, extra.number) != extra.content) return not_of_one_key();
  }
  auto key = value_at(parts, terms, 0);
  if (key.size() < bytes) return not_of_one_key();
  const auto head = key.reveal().first(key.size() - bytes);
  if (std::ranges::any_of(head, [](auto byte) { return byte != 0; })) return not_of_one_key();
  if (!prime && !head.empty()) return not_of_one_key();
  return SecretBytes::copy_of(key.reveal().last(bytes));
}

}  // namespace tapewarden::crypto
