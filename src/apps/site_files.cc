#include "apps/site_files.h"

#include "crypto/certificate_renewal.h"

namespace tapewarden::apps {

namespace {

constexpr std::chrono::days kAuthorityLife{30 * 365 + 8};
constexpr std::chrono::days kLeafLife{2 * 365};
// Clocks of other machines may be behind.
constexpr std::chrono::hours kBackdate{24};

bool numeric_address(const std::string& host) {
  return host.find_first_not_of("0123456789.") == std::string::npos || host.find(':') != std::string::npos;
}

}  // namespace

Status write_secret(Env env, const std::string& path, const crypto::SecretBytes& content) {
  return write_file_atomically(*env.disk, path, content.reveal(), 0600);
}

Status write_public(Env env, const std::string& path, std::string_view content) {
  return write_file_atomically(*env.disk, path, as_bytes(content), 0644);
}

Status write_pair(Env env, const std::string& certificate_path, const std::string& key_path,
                  const KeyPair& pair) {
  TRY(write_secret(env, key_path, pair.key.pem()));
  return write_public(env, certificate_path, pair.certificate.pem());
}

namespace {

Result<crypto::SecretBytes> read_secret(Disk& disk, const std::string& path) {
  const auto file = TRY(disk.open(path, OpenMode::kRead));
  auto content = crypto::SecretBytes::zeros(kPemFileLimit);
  const std::size_t size = TRY(file->read_at(0, content.reveal_mutable()));
  return crypto::SecretBytes::copy_of(content.reveal().first(size));
}

}  // namespace

Result<SiteAuthority> SiteAuthority::make(Env env, const std::string& name) {
  KeyPair pair;
  pair.key = crypto::PrivateKey::generate_p256();
  crypto::CertificateSpec spec;
  spec.common_name = name + " site authority";
  spec.use = crypto::CertificateUse::kAuthority;
  spec.not_before = env.clock->wall_now() - kBackdate;
  spec.not_after = env.clock->wall_now() + kAuthorityLife;
  pair.certificate = TRY(crypto::self_signed_certificate(spec, pair.key, *env.random));
  return SiteAuthority(env, std::move(pair));
}

Result<SiteAuthority> SiteAuthority::load(Env env, const std::string& folder) {
  const auto certificate = read_file(*env.disk, folder + "/authority.crt", kPemFileLimit);
  const auto key = read_secret(*env.disk, folder + "/authority.key");
  if (!certificate || !key) {
    return fail(ErrorCode::kNotFound, "the site authority's certificate and key are not in " + folder, "ca",
                "bring the folder ca/ of the site to this machine for the time of this command");
  }
  KeyPair pair;
  pair.certificate = TRY(crypto::Certificate::from_pem(as_text(*certificate)));
  pair.key = TRY(crypto::PrivateKey::from_pem(*key));
  if (TRY(pair.certificate.public_key()) != pair.key.public_key()) {
    return fail(ErrorCode::kInvalidArgument, "authority.key is not the key of authority.crt", "ca");
  }
  return SiteAuthority(env, std::move(pair));
}

Result<crypto::Certificate> SiteAuthority::certify(const std::string& common_name, const std::string& unit,
                                                   crypto::CertificateUse use, const crypto::PublicKey& key,
                                                   const std::vector<std::string>& hosts) const {
  crypto::CertificateSpec spec;
  spec.common_name = common_name;
  spec.organizational_unit = unit;
  spec.use = use;
  spec.not_before = env_.clock->wall_now() - kBackdate;
  spec.not_after = env_.clock->wall_now() + kLeafLife;
  for (const auto& host : hosts) {
    (numeric_address(host) ? spec.ip_addresses : spec.dns_names).push_back(host);
    if (host == "127.0.0.1") spec.dns_names.emplace_back("localhost");
  }
  return crypto::issue_certificate(spec, key, pair_.certificate, pair_.key, *env_.random);
}

Result<crypto::Certificate> SiteAuthority::renew(const crypto::Certificate& certificate) const {
  const WallTime now = env_.clock->wall_now();
  return crypto::renew_certificate(certificate, now - kBackdate, now + kLeafLife, pair_.certificate,
                                   pair_.key, *env_.random);
}

Result<KeyPair> SiteAuthority::issue(const std::string& common_name, const std::string& unit,
                                     crypto::CertificateUse use,
                                     const std::vector<std::string>& hosts) const {
  KeyPair pair;
  pair.key = crypto::PrivateKey::generate_p256();
  pair.certificate = TRY(certify(common_name, unit, use, pair.key.public_key(), hosts));
  return pair;
}

}  // namespace tapewarden::apps
