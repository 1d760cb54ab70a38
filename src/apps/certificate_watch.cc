#include "apps/certificate_watch.h"

#include "crypto/certificate.h"

namespace tapewarden::apps {
namespace {

constexpr std::size_t kPemFileLimit = 64U << 10;  // bytes

}  // namespace

Result<CertificateWatch> CertificateWatch::start(Env env, const std::string& certificate,
                                                 const std::string& authorities) {
  CertificateWatch out(env);
  const auto read = [&](const std::string& path) -> Result<std::vector<crypto::Certificate>> {
    const Bytes pem = TRY(read_file(*env.disk, path, kPemFileLimit));
    auto certificates = crypto::Certificate::list_from_pem(as_text(pem));
    if (!certificates) return in_context(path, certificates.error());
    return certificates;
  };
  const auto own = TRY(read(certificate));
  out.watched_.push_back({"this server's TLS certificate " + certificate, own.front().not_after(),
                          "renew it (`tapewarden site renew`) and start the server again; once it has run "
                          "out, nobody can administer the server"});
  for (const auto& authority : TRY(read(authorities))) {
    out.watched_.push_back(
        {"the certificate of the authority " + authority.common_name(), authority.not_after(),
         "add the authority that follows it to " + authorities + " of every server before that day"});
  }
  return out;
}

std::vector<std::string> CertificateWatch::warnings() const {
  std::vector<std::string> out;
  const WallTime now = env_.clock->wall_now();
  for (const Watched& watched : watched_) {
    if (watched.not_after - now > kCertificateWarning) continue;
    out.push_back(watched.what + (watched.not_after <= now ? " ran out on " : " runs out on ") +
                  format_utc(watched.not_after).substr(0, 10) + ": " + watched.remedy);
  }
  return out;
}

}  // namespace tapewarden::apps
