#include "keymgr/migration/testing/keytool.h"

#include <gtest/gtest.h>

namespace tapewarden::keymgr::testing {

const std::string* Keytool::program() {
  static const auto found = crypto::testing::find_program("keytool");
  return found ? &*found : nullptr;
}

Keytool::Keytool(std::string password) : password_file_(folder_.write("password", as_bytes(password))) {}

std::string Keytool::run(std::vector<std::string> arguments, const std::string& type) const {
  // The least work that this Java allows, so that tests are quick.
  std::vector<std::string> all{*program(), "-J-Djdk.jceks.iterationCount=10000"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  all.insert(all.end(),
             {"-storetype", type, "-keystore", folder_.path("store"), "-storepass:file", password_file_});
  const auto result = crypto::testing::run_command(all);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  return result.output;
}

void Keytool::data_key(const std::string& alias, const std::string& algorithm, int bits) const {
  run({"-genseckey", "-alias", alias, "-keyalg", algorithm, "-keysize", std::to_string(bits), "-keypass:file",
       password_file_});
}

void Keytool::pair(const std::string& alias, int bits) const {
  run({"-genkeypair", "-alias", alias, "-keyalg", "RSA", "-keysize", std::to_string(bits), "-dname",
       "CN=" + alias, "-validity", "3650", "-keypass:file", password_file_});
}

void Keytool::certificate(const std::string& alias) const {
  pair(alias);
  run({"-exportcert", "-rfc", "-alias", alias, "-file", folder_.path("certificate")});
  run({"-delete", "-alias", alias});
  run({"-importcert", "-noprompt", "-alias", alias, "-file", folder_.path("certificate")});
}

Bytes Keytool::as_pkcs12() const {
  const auto result = crypto::testing::run_command(
      {*program(), "-importkeystore", "-srcstoretype", "JCEKS", "-srckeystore", folder_.path("store"),
       "-srcstorepass:file", password_file_, "-deststoretype", "PKCS12", "-destkeystore",
       folder_.path("copy.p12"), "-deststorepass:file", password_file_});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  return folder_.read("copy.p12");
}

}  // namespace tapewarden::keymgr::testing
