#include "rescue/kek_source.h"

#include "crypto/certificate.h"

namespace tapewarden::rescue {

namespace {

constexpr std::size_t kKekFileLimit = 1U << 20;

bool is_pem(ByteView file) {
  return as_text(file).find("-----BEGIN ") != std::string_view::npos;
}

Result<crypto::PrivateKey> read_kek(ByteView file, const crypto::SecretBytes* passphrase) {
  if (is_pem(file)) return crypto::PrivateKey::from_pem(crypto::SecretBytes::copy_of(file), passphrase);
  if (passphrase == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "a PKCS#12 file needs its passphrase", "kek-passphrase-file");
  }
  auto content = TRY(crypto::read_pkcs12(file, *passphrase));
  if (!content.key) {
    return fail(ErrorCode::kInvalidArgument, "it holds a certificate and no private half", "kek");
  }
  return std::move(*content.key);
}

}  // namespace

Status KekSource::add_file(Disk& disk, const std::string& path, const crypto::SecretBytes* passphrase) {
  Bytes file = TRY(read_file(disk, path, kKekFileLimit));
  auto key = read_kek(file, passphrase);
  crypto::wipe(file);
  if (!key) {
    Error error = key.error();
    error.message = path + ": " + error.message;
    return std::unexpected(std::move(error));
  }
  if (key->kind() != crypto::KeyKind::kRsa) {
    return fail(ErrorCode::kInvalidArgument, path + " holds no RSA key: it is no KEK", "kek");
  }
  keks_.push_back({std::move(*key), path});
  return {};
}

Result<std::vector<FoundKey>> KekSource::find(const KeyWanted& wanted) {
  std::vector<FoundKey> out;
  for (const auto& eedk : wanted.eedks) {
    for (const Kek& kek : keks_) {
      unwrap_with(wanted, eedk, kek.key, "the KEK " + kek.path + " by label " + to_string(eedk.label), out);
    }
  }
  return out;
}

void unwrap_with(const KeyWanted& wanted, const eedk::Eedk& eedk, const crypto::PrivateKey& kek,
                 const std::string& where, std::vector<FoundKey>& out) {
  if (eedk.algorithm != eedk::WrapAlgorithm::kRsaOaepSha256) return;
  const auto* hash = std::get_if<eedk::HashLabel>(&eedk.label);
  if (hash != nullptr && hash->spki != kek.public_key().spki_hash()) return;
  auto key = kek.unwrap(eedk.wrapped, eedk::oaep_label(wanted.volume));
  if (key) keep_if_fits(wanted, std::move(*key), where, out);
}

}  // namespace tapewarden::rescue
