#include "net/testing/test_site.h"

#include <chrono>

#include "base/assert.h"

namespace tapewarden::net::testing {

namespace {

using crypto::CertificateSpec;
using crypto::CertificateUse;

WallTime days_from_now(int days) {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()) +
         std::chrono::hours{24 * days};
}

template <typename T>
T must(Result<T> result) {
  TW_ASSERT(result.has_value());
  return *std::move(result);
}

}  // namespace

TestSite::TestSite() : authority_key_(crypto::PrivateKey::generate_p256()) {
  CertificateSpec spec;
  spec.common_name = "Test authority";
  spec.use = CertificateUse::kAuthority;
  spec.not_before = days_from_now(-1000);
  spec.not_after = days_from_now(1000);
  authority_ = must(crypto::self_signed_certificate(spec, authority_key_, random_));
}

TestSite::Leaf TestSite::issue(CertificateSpec spec) {
  Leaf leaf{{}, crypto::PrivateKey::generate_p256()};
  leaf.certificate =
      must(crypto::issue_certificate(spec, leaf.key.public_key(), authority_, authority_key_, random_));
  return leaf;
}

TestSite::Leaf TestSite::server_leaf() {
  CertificateSpec spec;
  spec.common_name = "server";
  spec.dns_names = {"localhost"};
  spec.ip_addresses = {"127.0.0.1", "::1"};
  spec.use = CertificateUse::kServerAndClient;
  spec.not_before = days_from_now(-1);
  spec.not_after = days_from_now(365);
  return issue(std::move(spec));
}

TestSite::Leaf TestSite::client_leaf(const std::string& common_name, const std::string& organizational_unit) {
  CertificateSpec spec;
  spec.common_name = common_name;
  spec.organizational_unit = organizational_unit;
  spec.not_before = days_from_now(-1);
  spec.not_after = days_from_now(365);
  return issue(std::move(spec));
}

TestSite::Leaf TestSite::client_leaf_valid(const std::string& common_name, int from_days, int to_days) {
  CertificateSpec spec;
  spec.common_name = common_name;
  spec.not_before = days_from_now(from_days);
  spec.not_after = days_from_now(to_days);
  return issue(std::move(spec));
}

TlsConfig TestSite::server_config() {
  auto leaf = server_leaf();
  TlsConfig config;
  config.chain = {leaf.certificate};
  config.key = leaf.key;
  config.authorities = {authority_};
  return config;
}

TlsConfig TestSite::client_config(const Leaf& leaf) {
  TlsConfig config;
  config.chain = {leaf.certificate};
  config.key = leaf.key;
  config.authorities = {authority_};
  return config;
}

TlsConfig TestSite::anonymous_client_config() {
  TlsConfig config;
  config.authorities = {authority_};
  return config;
}

TlsContext TestSite::server() {
  return must(TlsContext::server(server_config()));
}
TlsContext TestSite::client(const std::string& common_name) {
  return must(TlsContext::client(client_config(client_leaf(common_name))));
}
TlsContext TestSite::anonymous_client() {
  return must(TlsContext::client(anonymous_client_config()));
}

}  // namespace tapewarden::net::testing
