// Keystores made by Java's own keytool: an outside suite, for machines that have it. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/testing/command.h"

namespace tapewarden::keymgr::testing {

class Keytool {
 public:
  // nullptr where there is no keytool.
  static const std::string* program();

  explicit Keytool(std::string password);
  // `keytool` with these arguments and the store's name and password; its output. An exit code other than 0
  // is a failure of the test.
  std::string run(std::vector<std::string> arguments, const std::string& type = "JCEKS") const;
  void data_key(const std::string& alias, const std::string& algorithm = "AES", int bits = 256) const;
  void pair(const std::string& alias, int bits = 2048) const;
  // A certificate alone: of another pair, which is dropped.
  void certificate(const std::string& alias) const;
  // All entries once more, as a PKCS#12 file with the same password.
  Bytes as_pkcs12() const;
  void put(ByteView store) const { folder_.write("store", store); }
  Bytes file() const { return folder_.read("store"); }

 private:
  crypto::testing::ScratchFolder folder_;
  std::string password_file_;
};

}  // namespace tapewarden::keymgr::testing
