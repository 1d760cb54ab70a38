#include "crypto/secret_shares.h"

#include <algorithm>
#include <memory>

extern "C" {  // the header itself does not say it
#include <libgfshare.h>
}

#include "base/assert.h"
#include "crypto/hash.h"

namespace tapewarden::crypto {

namespace {

constexpr std::size_t kBlindBytes = 16;

// The library draws its coefficients through a plain function pointer.
Random* g_random = nullptr;
void fill_from_random(unsigned char* out, unsigned int count) {
  TW_ASSERT(g_random != nullptr);
  g_random->fill(MutableByteView(out, count));
}

class RandomScope {
 public:
  explicit RandomScope(Random& random) {
    g_random = &random;
    gfshare_fill_rand = fill_from_random;
  }
  ~RandomScope() { g_random = nullptr; }
  RandomScope(const RandomScope&) = delete;
  RandomScope& operator=(const RandomScope&) = delete;
};

struct FreeContext {
  void operator()(gfshare_ctx* context) const { gfshare_ctx_free(context); }
};
using ContextPtr = std::unique_ptr<gfshare_ctx, FreeContext>;

// gfshare_ctx_free() overwrites what it held by random bytes, so joining needs some too. None of these leave.
class NoSecret final : public Random {
 public:
  void fill(MutableByteView out) override { std::ranges::fill(out, std::uint8_t{0}); }
};

std::unexpected<Error> refuse(std::string message, std::string field) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), std::move(field));
}

Status check_share(const SecretShare& share, std::span<const ShareCommitment> commitments) {
  if (share.number == 0 || share.number > commitments.size()) {
    return refuse("there is no share " + std::to_string(share.number), "share");
  }
  if (commitment_of(share) == commitments[share.number - 1]) return {};
  return fail(ErrorCode::kWrongKey, "share " + std::to_string(share.number) + " is not the one that was made",
              "share", "compare it with the paper, or take another one");
}

}  // namespace

ShareCommitment commitment_of(const SecretShare& share) {
  Sha256 hash;
  const std::array<std::uint8_t, 1> number{static_cast<std::uint8_t>(share.number)};
  hash.update(number);
  hash.update(share.content.reveal());
  const Hash256 whole = hash.finish();
  ShareCommitment out;
  std::ranges::copy_n(whole.begin(), out.size(), out.begin());
  return out;
}

Result<SharedSecret> split_secret(const SecretBytes& secret, unsigned needed, unsigned count,
                                  Random& random) {
  if (needed < 2 || needed > count) return refuse("from 2 to all of the shares must be needed", "need");
  if (count > kMaximumShares) {
    return refuse("at most " + std::to_string(kMaximumShares) + " shares are made", "of");
  }
  if (secret.empty() || secret.size() > kSharedSecretLimit)
    return refuse("the secret is empty or too long", "secret");
  auto blinded = SecretBytes::zeros(kBlindBytes + secret.size());
  random.fill(blinded.reveal_mutable().first(kBlindBytes));
  copy_bytes(blinded.reveal_mutable().subspan(kBlindBytes), secret.reveal());

  const RandomScope scope(random);
  std::array<unsigned char, kMaximumShares> numbers{};
  for (unsigned i = 0; i < count; ++i) numbers[i] = static_cast<unsigned char>(i + 1);
  const ContextPtr context(gfshare_ctx_init_enc(numbers.data(), count, static_cast<unsigned char>(needed),
                                                static_cast<unsigned>(blinded.size())));
  TW_ASSERT(context != nullptr);
  gfshare_ctx_enc_setsecret(context.get(), blinded.reveal_mutable().data());
  SharedSecret out;
  out.needed = needed;
  for (unsigned i = 0; i < count; ++i) {
    SecretShare share{i + 1, SecretBytes::zeros(blinded.size())};
    gfshare_ctx_enc_getshare(context.get(), static_cast<unsigned char>(i),
                             share.content.reveal_mutable().data());
    out.commitments.push_back(commitment_of(share));
    out.shares.push_back(std::move(share));
  }
  return out;
}

Result<SecretBytes> join_secret(std::span<const SecretShare> shares, unsigned needed,
                                std::span<const ShareCommitment> commitments) {
  if (needed < 2 || needed > kMaximumShares) return refuse("no such number of shares is ever needed", "need");
  std::vector<const SecretShare*> chosen;
  for (const SecretShare& share : shares) {
    TRY(check_share(share, commitments));
    const bool again =
        std::ranges::any_of(chosen, [&](const SecretShare* one) { return one->number == share.number; });
    if (!again && chosen.size() < needed) chosen.push_back(&share);
  }
  if (chosen.size() < needed) {
    return refuse(std::to_string(chosen.size()) + " different shares are here, and " +
                      std::to_string(needed) + " are needed",
                  "share");
  }
  const std::size_t size = chosen.front()->content.size();
  const auto same = [&](const SecretShare* one) { return one->content.size() == size; };
  if (size <= kBlindBytes || size > kBlindBytes + kSharedSecretLimit || !std::ranges::all_of(chosen, same)) {
    return refuse("the shares are not of one secret: they differ in length", "share");
  }
  NoSecret filler;
  const RandomScope scope(filler);
  std::array<unsigned char, kMaximumShares> numbers{};
  for (std::size_t i = 0; i < chosen.size(); ++i) numbers[i] = static_cast<unsigned char>(chosen[i]->number);
  const ContextPtr context(gfshare_ctx_init_dec(numbers.data(), static_cast<unsigned>(chosen.size()),
                                                static_cast<unsigned>(size)));
  TW_ASSERT(context != nullptr);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    auto copy = chosen[i]->content.clone();
    gfshare_ctx_dec_giveshare(context.get(), static_cast<unsigned char>(i), copy.reveal_mutable().data());
  }
  auto blinded = SecretBytes::zeros(size);
  gfshare_ctx_dec_extract(context.get(), blinded.reveal_mutable().data());
  return SecretBytes::copy_of(blinded.reveal().subspan(kBlindBytes));
}

}  // namespace tapewarden::crypto
