// Two sites that know each other, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include "keymgr/sharing/key_export.h"
#include "keymgr/sharing/key_import.h"
#include "keymgr/sharing/own_certificate.h"
#include "keymgr/sharing/tables.h"
#include "keymgr/tables.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::sharing::testing {

using keymgr::testing::agreed;
using keymgr::testing::officer;

#define TW_ASSERT_OK(result) ASSERT_TRUE((result).has_value()) << (result).error().text()

struct Site : keymgr::testing::TestServer {
  explicit Site(std::uint8_t number) : TestServer(number, tables()) {}

  std::string bundle(OwnCertificateSpec spec = {}) {
    spec.bits = 2048;
    return give_own_certificate(manager(), officer(), spec)->bundle().value();
  }
  Hash256 fingerprint() { return give_own_certificate(manager(), officer(), {})->fingerprint(); }
  Result<ExportedFile> give(const std::string& partner, KeySelection selection) {
    return export_keys(manager(), officer(), {partner, std::move(selection)}, agreed());
  }
  Result<ImportReport> take(ByteView file, bool dry_run = false) {
    return import_keys(manager(), officer(), file, dry_run);
  }
  std::vector<DataKey> all(const std::string& alias) {
    std::vector<DataKey> out;
    (void)keystore().read([&](store::Reader& reader) -> Status {
      out = TRY(manager().keys().find_all(reader, alias));
      return {};
    });
    return out;
  }
  crypto::SecretBytes secret(const DataKey& key) {
    crypto::SecretBytes out;
    (void)keystore().read([&](store::Reader& reader) -> Status {
      out = TRY(manager().keys().open(reader, key));
      return {};
    });
    return out;
  }
  // As it is after everything that must change nothing.
  std::int64_t rows() {
    std::int64_t count = 0;
    (void)keystore().read([&](store::Reader& reader) -> Status {
      for (const auto* table : keymgr::tables()) count += TRY(reader.aggregate(*table, "COUNT(*)", "1", {}));
      for (const auto* table : tables()) count += TRY(reader.aggregate(*table, "COUNT(*)", "1", {}));
      return {};
    });
    return count;
  }
};

// Each has imported and confirmed the other.
struct TwoSites : ::testing::Test {
  TwoSites() {
    introduce(a, b, "B");
    introduce(b, a, "A");
  }
  static void introduce(Site& here, Site& other, const std::string& name) {
    EXPECT_TRUE(put_partner(here.manager(), officer(), name, other.bundle(), false));
    EXPECT_TRUE(confirm_partner(here.manager(), officer(), name, to_hex(other.fingerprint()), "Bob"));
  }
  static KeySelection aliases(std::vector<std::string> names) { return {.aliases = std::move(names)}; }

  Site a{1};
  Site b{2};
};

// A file that a site must refuse, with nothing changed there and the refusal in the record.
inline void expect_refused(Site& at, ByteView file, ErrorCode code, const std::string& words) {
  const auto before = at.rows();
  const auto failures = at.audit_count({"key.import-shared", "failure"});
  const auto report = at.take(file);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, code) << report.error().text();
  EXPECT_NE(report.error().message.find(words), std::string::npos) << report.error().message;
  EXPECT_FALSE(report.error().remedy.empty());
  EXPECT_EQ(at.rows(), before);
  EXPECT_EQ(at.audit_count({"key.import-shared", "failure"}), failures + 1);
}

}  // namespace tapewarden::keymgr::sharing::testing
