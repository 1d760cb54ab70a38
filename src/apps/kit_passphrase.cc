#include "apps/kit_passphrase.h"

#include <string_view>

namespace tapewarden::apps {

namespace {

constexpr unsigned kPassphraseGroups = 8;
constexpr std::size_t kGroupSize = 5;
// 31 characters that are hard to take for one another: 8 groups of 5 hold 198 bits.
constexpr std::string_view kAlphabet = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";

constexpr std::size_t printed_size(unsigned groups) {
  return groups * (kGroupSize + 1) - 1;
}

}  // namespace

crypto::SecretBytes random_groups(Random& random, unsigned groups) {
  auto out = crypto::SecretBytes::zeros(printed_size(groups));
  const MutableByteView text = out.reveal_mutable();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % (kGroupSize + 1) == kGroupSize) {
      text[i] = '-';
      continue;
    }
    // Rejection keeps the choice even: 248 is the largest multiple of 31 below 256.
    std::uint8_t byte = 0;
    do random.fill({&byte, 1});
    while (byte >= 248);
    text[i] = static_cast<std::uint8_t>(kAlphabet[byte % kAlphabet.size()]);
  }
  return out;
}

crypto::SecretBytes random_passphrase(Random& random) {
  return random_groups(random, kPassphraseGroups);
}

std::optional<crypto::SecretBytes> as_printed(const crypto::SecretBytes& typed) {
  auto out = crypto::SecretBytes::zeros(printed_size(kPassphraseGroups));
  const MutableByteView text = out.reveal_mutable();
  std::size_t at = 0;
  for (const std::uint8_t byte : typed.reveal()) {
    if (byte == '-' || byte == ' ' || byte == '\t') continue;
    const char c = static_cast<char>(byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte);
    if (kAlphabet.find(c) == std::string_view::npos || at >= text.size()) return std::nullopt;
    text[at++] = static_cast<std::uint8_t>(c);
    if (at % (kGroupSize + 1) == kGroupSize && at < text.size()) text[at++] = '-';
  }
  if (at != text.size() || out == typed) return std::nullopt;
  return out;
}

Result<crypto::SecretBytes> fitting_passphrase(
    crypto::SecretBytes typed, const std::function<Status(const crypto::SecretBytes&)>& attempt) {
  Status first = attempt(typed);
  if (first) return typed;
  if (first.error().code != ErrorCode::kWrongKey) return std::unexpected(std::move(first).error());
  auto printed = as_printed(typed);
  if (printed && attempt(*printed)) return *std::move(printed);
  return std::unexpected(std::move(first).error());
}

Result<std::unique_ptr<store::MasterKeyFile>> open_master_key(Env env, const std::string& path,
                                                              crypto::SecretBytes typed) {
  std::unique_ptr<store::MasterKeyFile> master;
  auto fits = fitting_passphrase(std::move(typed), [&](const crypto::SecretBytes& passphrase) -> Status {
    master = TRY(store::MasterKeyFile::open(env, path, passphrase));
    return {};
  });
  if (fits) return master;
  Error error = std::move(fits).error();
  if (error.code == ErrorCode::kCorrupt) {
    if (!error.message.contains(path)) error.message = path + " is damaged: " + error.message;
    if (error.remedy.empty()) {
      error.remedy =
          "bring the whole file back from a copy of the server's folder, or make the server anew out of "
          "its backups: tapewarden-keyd restore";
    }
  }
  return std::unexpected(std::move(error));
}

}  // namespace tapewarden::apps
