// What the command line does to cartridges with a key server's word: repair from the ledger (K6), checking
// with the key, certificates of erasure (D6), and evidence (K12).
#include <gmock/gmock.h>

#include "integration/tape_site.h"
#include "tape/medium/layout.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kDataBytes = 300'000;

class KeydCartridgeKeys : public TapeSite {
 protected:
  void SetUp() override {
    RunningSite::SetUp();
    static const bool made = [] {
      TW_EXPECT_OK(rest().post("/v1/groups", json::object{{"name", "SHARED"}, {"policy", "round-robin"}}));
      TW_EXPECT_OK(rest().post("/v1/keys", json::object{{"count", 1}, {"group", "SHARED"}}));
      TW_EXPECT_OK(make_group("ONCE", 8));
      TW_EXPECT_OK(rest().post("/v1/keks",
                               json::object{{"common_name", "k6"}, {"bits", 2048}, {"labels", {"K6 KEK"}}}));
      return true;
    }();
    ASSERT_TRUE(made);
  }
  static void write(const std::string& kind, const std::string& serial, const std::string& volser,
                    const std::vector<std::string>& options) {
    TW_ASSERT_OK(make_drive(kind, serial, volser));
    write_again(serial, volser, options);
  }
  static void write_again(const std::string& serial, const std::string& volser,
                          std::vector<std::string> options) {
    data_ = random_file(site().random(), file("data"), kDataBytes);
    options.insert(options.end(), {"--input", file("data"), "--overwrite"});
    TW_EXPECT_OK(tape("write", serial, volser, options));
  }
  static void expect_reads_back(const std::string& serial, const std::string& volser) {
    TW_EXPECT_OK(tape("read", serial, volser, {"--output", file("back")}));
    EXPECT_TRUE(read_bytes(file("back")) == data_);
  }
  static void overwrite(const std::string& volser, std::uint64_t offset, std::size_t bytes) {
    std::fstream out(file(volser), std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(offset));
    out << std::string(bytes, 'x');
  }
  // Makes every copy of the key information unreadable, in both generations.
  static void lose_key_areas(const std::string& volser) {
    for (std::size_t copy = 0; copy < tape::kKeyCopies; ++copy) {
      for (std::size_t slot = 0; slot < 2; ++slot) {
        overwrite(volser, tape::key_slot_offset(copy, slot), tape::kKeySlotBytes);
      }
    }
  }
  static inline Bytes data_;
};

TEST_F(KeydCartridgeKeys, K6_LostEedksComeBackFromTheLedger) {
  write("3592", "5000000001", "TW0101JD", {"--label", "K6 KEK:hash"});
  lose_key_areas("TW0101JD");
  EXPECT_FALSE(tape("read", "5000000001", "TW0101JD", {"--output", file("back")}));
  EXPECT_FALSE(tapewarden({"cartridge", "repair", file("TW0101JD")})) << "no copy is left on the cartridge";
  const auto repaired = as_operator({"cartridge", "repair", file("TW0101JD"), "--from-ledger"});
  TW_ASSERT_OK(repaired);
  EXPECT_THAT(*repaired, HasSubstr("from the ledger (write of "));
  EXPECT_THAT(*repaired, HasSubstr("confirmed); copies that were damaged: 4, are now: 0"));
  expect_reads_back("5000000001", "TW0101JD");
}

TEST_F(KeydCartridgeKeys, K6_OnlyKeyInformationOfTheKeyOnTheTapeComesBack) {
  write("3592", "5000000002", "TW0102JD", {"--label", "K6 KEK:clear"});
  write_again("5000000002", "TW0102JD", {"--label", "K6 KEK:hash"});
  TW_EXPECT_OK(tapewarden(
      {"cartridge", "erase", file("TW0102JD"), "--method", "cryptographic", "--yes", "--without-server"}));
  EXPECT_FALSE(tape("read", "5000000002", "TW0102JD", {"--output", file("back")}));
  TW_EXPECT_OK(as_operator({"cartridge", "repair", file("TW0102JD"), "--from-ledger"}));
  expect_reads_back("5000000002", "TW0102JD");
  // A cartridge that this site never sealed.
  TW_EXPECT_OK(
      tapewarden({"cartridge", "create", file("TW0109JD"), "--kind", "3592", "--volser", "TW0109JD"}));
  EXPECT_FALSE(as_operator({"cartridge", "repair", file("TW0109JD"), "--from-ledger"}));
}

TEST_F(KeydCartridgeKeys, K6_ALostIdentifierComesBackFromTheLedger) {
  write("LTO", "5000000003", "TW0103L9", {"--group", "ONCE"});
  lose_key_areas("TW0103L9");
  TW_EXPECT_OK(as_operator({"cartridge", "repair", file("TW0103L9"), "--from-ledger"}));
  const auto keys = tapewarden({"cartridge", "show-keys", file("TW0103L9")});
  TW_ASSERT_OK(keys);
  EXPECT_THAT(*keys, HasSubstr("identified-key"));
  expect_reads_back("5000000003", "TW0103L9");
}

TEST_F(KeydCartridgeKeys, K9_ACartridgeGetsNewEedksUnderAnotherLabel) {
  TW_EXPECT_OK(
      rest().post("/v1/keks", json::object{{"common_name", "k9"}, {"bits", 2048}, {"labels", {"K9 KEK"}}}));
  write("3592", "5000000008", "TW0110JD", {"--label", "K6 KEK:clear"});
  EXPECT_FALSE(as_operator({"cartridge", "rekey", file("TW0110JD"), "--label", "K9 KEK"}))
      << "an officer's work";
  EXPECT_FALSE(as_person("officer-1", {"cartridge", "rekey", file("TW0110JD"), "--label", "NO SUCH"}));
  const auto rekeyed = as_person("officer-1", {"cartridge", "rekey", file("TW0110JD"), "--label", "K9 KEK"});
  TW_ASSERT_OK(rekeyed);
  EXPECT_THAT(*rekeyed, HasSubstr("from the ledger (rekey of "));
  const auto keys = tapewarden({"cartridge", "show-keys", file("TW0110JD")});
  TW_ASSERT_OK(keys);
  EXPECT_THAT(*keys, HasSubstr("generation:      3"));
  EXPECT_THAT(as_text(read_bytes(file("TW0110JD"))), HasSubstr("K9 KEK")) << "its clear label";
  expect_reads_back("5000000008", "TW0110JD");
  // What this site never wrote stands in no ledger.
  TW_EXPECT_OK(
      tapewarden({"cartridge", "create", file("TW0111JD"), "--kind", "3592", "--volser", "TW0111JD"}));
  EXPECT_FALSE(as_person("officer-1", {"cartridge", "rekey", file("TW0111JD"), "--label", "K9 KEK"}));
}

TEST_F(KeydCartridgeKeys, D4_EveryTagIsCheckedWithTheKeyFromTheServers) {
  write("LTO", "5000000004", "TW0104L9", {"--group", "ONCE", "--no-compression"});
  const std::vector<std::string> verify{"cartridge",        "verify",  file("TW0104L9"), "--site",
                                        site().directory(), "--drive", "5000000004"};
  const auto good = tapewarden(verify);
  TW_ASSERT_OK(good);
  EXPECT_THAT(*good, HasSubstr("every tag fits"));
  EXPECT_THAT(*good, HasSubstr(std::to_string(kDataBytes) + " bytes, 1 filemark"));
  overwrite("TW0104L9", tape::kDataStart + kDataBytes / 2, 16);
  EXPECT_FALSE(tapewarden({"cartridge", "verify", file("TW0104L9")}));
  EXPECT_FALSE(tapewarden(verify));
}

TEST_F(KeydCartridgeKeys, D6_ASharedKeyIsShownAndNeedsAWord) {
  write("LTO", "5000000005", "TW0105L9", {"--group", "SHARED"});
  TW_EXPECT_OK(
      tapewarden({"cartridge", "create", file("TW0106L9"), "--kind", "LTO", "--volser", "TW0106L9"}));
  write_again("5000000005", "TW0106L9", {"--group", "SHARED"});
  std::vector<std::string> erase{"cartridge",     "erase", file("TW0106L9"), "--method",
                                 "cryptographic", "--yes", "--certificate",  file("erased")};
  const auto refused = as_operator(erase);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("also seals 1 other cartridge:"));
  EXPECT_THAT(refused.error().message, HasSubstr("TW0105L9"));
  expect_reads_back("5000000005", "TW0106L9");
  erase.emplace_back("--although-shared");
  TW_EXPECT_OK(as_operator(erase));
  const auto shown =
      tapewarden({"cartridge", "verify-erasure", file("erased"), "--ca", site().path("ca/authority.crt")});
  TW_ASSERT_OK(shown);
  EXPECT_THAT(*shown, HasSubstr("erased:           TW0106L9"));
  EXPECT_THAT(*shown, HasSubstr("for operator, operator"));
  EXPECT_THAT(*shown, HasSubstr("key also seals:   TW0105L9"));
  EXPECT_THAT(*shown, HasSubstr(" active"));
}

TEST_F(KeydCartridgeKeys, D6_OverwritingIsCertifiedAndAForeignAuthorityRefused) {
  write("LTO", "5000000006", "TW0107L9", {"--group", "ONCE"});
  TW_EXPECT_OK(as_operator({"cartridge", "erase", file("TW0107L9"), "--method", "overwrite", "--yes",
                            "--certificate", file("erased")}));
  TW_EXPECT_OK(tapewarden({"cartridge", "verify-erasure", file("erased"), "--certificate",
                           site().folder(Which::kPrimary) + "/tls/signing.crt"}));
  EXPECT_FALSE(tapewarden({"cartridge", "verify-erasure", file("erased"), "--certificate",
                           site().folder(Which::kSecondary) + "/tls/signing.crt"}));
}

TEST_F(KeydCartridgeKeys, K12_TheEvidenceOfACartridgeProvesIssueAndConfirmation) {
  write("3592", "5000000007", "TW0108JD", {"--label", "K6 KEK:hash"});
  TW_ASSERT_OK(as_operator({"ledger", "evidence", "TW0108JD", "--output", file("pack")}));
  const auto shown = tapewarden({"ledger", "verify-evidence", file("pack"), "--site", site().directory()});
  TW_ASSERT_OK(shown);
  EXPECT_THAT(*shown, HasSubstr("1 row, 1 confirmed by drives, 0 imported"));
  EXPECT_THAT(*shown, HasSubstr("1 set whose seals fit"));
  EXPECT_THAT(*shown, HasSubstr("3 records")) << "served, confirmed, and the pack itself";
}

}  // namespace
}  // namespace tapewarden::testing
