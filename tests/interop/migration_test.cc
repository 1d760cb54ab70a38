// Keystores that Java's own keytool made, taken over by the command line, and the tapes of their keys read.
#include <fstream>

#include "base/real_env.h"
#include "eedk/data_key_identifier.h"
#include "interop/interop_site.h"
#include "keymgr/migration/old_keystore.h"
#include "keymgr/migration/testing/jceks_writer.h"
#include "keymgr/migration/testing/keytool.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::testing {
namespace {

using keymgr::testing::Keytool;
using keymgr::testing::kStorePassword;
using ::testing::HasSubstr;

class InteropMigration : public InteropSite {
 protected:
  void SetUp() override {
    if (Keytool::program() == nullptr) GTEST_SKIP() << "keytool is not installed";
    InteropSite::SetUp();
  }
  static void put(const std::string& name, ByteView content) {
    std::ofstream(file(name), std::ios::binary) << as_text(content);
  }
  // A cartridge as the old server's drive left it: the key's identifier, and records sealed with the key.
  static Status old_tape(const std::string& volser, const keymgr::OldKeystoreEntry& entry, ByteView record) {
    RealClock clock;
    ThreadPool pool(1);
    (void)TRY(tapewarden({"cartridge", "create", file(volser), "--kind", "LTO", "--volser", volser}));
    const auto dki = TRY(eedk::DataKeyIdentifier::from_alias(entry.alias));
    auto cartridge = TRY(tape::Cartridge::open({&clock, &site().disk(), &site().random(), &pool},
                                               file(volser), tape::CartridgeMode::kReadWrite));
    tape::SessionSpec session;
    session.key = std::make_shared<const tape::DataKey>(entry.data_key.clone());
    session.method = tape::KeyMethod::kIdentifiedKey;
    session.akad = to_bytes(dki.view());
    session.key_info.method = tape::KeyMethod::kIdentifiedKey;
    session.key_info.akad = session.akad;
    TRY(cartridge->set_write_session(std::move(session)));
    TRY(cartridge->write_record(record));
    TRY(cartridge->write_filemarks(1));
    TRY(cartridge->sync());
    return cartridge->unload();
  }
};

TEST_F(InteropMigration, K20_ATapeOfTheOldServerIsRead) {
  const Keytool tool{std::string(kStorePassword)};
  tool.data_key("KMB00000000000000000a");
  tool.data_key("key1");
  tool.pair("cert1");
  put("EKMKeys.jck", tool.file());
  put("store-password", as_bytes(std::string(kStorePassword) + "\n"));
  put("KeyGroups.xml",
      as_bytes("<KeyGroups><KeyGroup groupID=\"Old\"><KeyAlias>key1</KeyAlias></KeyGroup></KeyGroups>"));
  const auto store =
      keymgr::read_old_keystore(tool.file(), crypto::SecretBytes::copy_of(as_bytes(kStorePassword)));
  TW_ASSERT_OK(store);
  TW_ASSERT_OK(make_drive("LTO", "6100000001", "TW0301L9"));
  int tapes = 0;
  const std::vector<std::string> import{"migrate",         "ekm",
                                        "--keystore",      file("EKMKeys.jck"),
                                        "--password-file", file("store-password"),
                                        "--key-groups",    file("KeyGroups.xml")};
  for (const auto& entry : store->entries) {
    if (entry.kind != keymgr::EntryKind::kSecretKey) continue;
    const std::string volser = "TW031" + std::to_string(tapes++) + "L9";
    const Bytes data = random_file(site().random(), file("data"), 5000);
    TW_ASSERT_OK(old_tape(volser, entry, data));
    if (tapes == 1) {
      EXPECT_FALSE(tape("read", "6100000001", volser, {"--output", file("back")})) << "its key is not here";
      const auto came = as_officer(import);
      TW_ASSERT_OK(came);
      EXPECT_THAT(*came, HasSubstr("came: 4, here already: 0"));
    }
    TW_EXPECT_OK(tape("read", "6100000001", volser, {"--output", file("back")}));
    EXPECT_TRUE(read_bytes(file("back")) == data) << entry.alias;
  }
  EXPECT_EQ(tapes, 2);
  const auto again = as_officer(import);
  TW_ASSERT_OK(again);
  EXPECT_THAT(*again, HasSubstr("came: 0, here already: 4"));
}

TEST_F(InteropMigration, K20_ARefusedKeystoreIsToldInWordsAndInTheAudit) {
  const Keytool tool{std::string(kStorePassword)};
  tool.data_key("never");
  const Bytes store = tool.file();
  put("whole.jck", store);
  put("cut.jck", ByteView(store).first(store.size() - 40));
  put("right", as_bytes(kStorePassword));
  put("wrong", as_bytes("this is another"));
  const auto wrong =
      as_officer({"migrate", "ekm", "--keystore", file("whole.jck"), "--password-file", file("wrong")});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("the password is not the keystore's"));
  const auto cut =
      as_officer({"migrate", "ekm", "--keystore", file("cut.jck"), "--password-file", file("right")});
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error().message, HasSubstr("cut short or damaged"));
  EXPECT_FALSE(as_officer({"key", "show", "NEVER"}));
  TW_EXPECT_OK(shell(R"sh(
[ "$(grep -h '"action":"migration.refuse"' primary/data/audit/audit*.jsonl | grep -c '"outcome":"failure"')" -ge 2 ]
! grep -q 'this is another' primary/data/audit/audit*.jsonl)sh"));
}

}  // namespace
}  // namespace tapewarden::testing
