// The commands of the virtual library's operator, on real files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "base/real_env.h"
#include "cli/library_maker.h"
#include "cli/nouns.h"
#include "crypto/certificate.h"
#include "crypto/random.h"
#include "store/testing/memory_commit_log.h"
#include "tape/library/kept_cartridges.h"

namespace tapewarden::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LibraryCommands : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(disk_.make_directories(site() + "/ca", 0700));
    ASSERT_TRUE(disk_.make_directories(site() + "/engine/drives", 0700));
    const auto key = crypto::PrivateKey::generate_p256();
    crypto::CertificateSpec spec;
    spec.common_name = "site";
    spec.use = crypto::CertificateUse::kAuthority;
    spec.not_before = clock_.wall_now() - std::chrono::hours(1);
    spec.not_after = clock_.wall_now() + std::chrono::hours(1);
    const auto authority = crypto::self_signed_certificate(spec, key, random_);
    ASSERT_TRUE(authority);
    ASSERT_TRUE(write_file_atomically(disk_, site() + "/ca/authority.crt", as_bytes(authority->pem())));
    const auto pem = key.pem();
    ASSERT_TRUE(write_file_atomically(disk_, site() + "/ca/authority.key", pem.reveal()));
  }
  std::string site() const { return directory_.file("site"); }
  // Output; the error's text when it fails.
  std::string run(std::string_view verb, const std::string& operand = {},
                  const std::vector<std::pair<std::string, std::string>>& options = {}, bool json = false) {
    std::ostringstream out;
    Context context;
    context.env = {&clock_, &disk_, &random_, nullptr};
    context.out = &out;
    context.err = &said_;
    context.globals.site = site();
    context.globals.json = json;
    return run(context, out, library_commands(), verb, operand, options);
  }
  std::string run_engine(std::string_view verb, const std::string& operand = {}) {
    std::ostringstream out;
    Context context;
    context.env = {&clock_, &disk_, &random_, nullptr};
    context.out = &out;
    context.err = &said_;
    context.globals.site = site();
    return run(context, out, tape_engine_commands(), verb, operand, {});
  }
  static std::string run(Context& context, const std::ostringstream& out,
                         const std::vector<Command>& commands, std::string_view verb,
                         const std::string& operand,
                         const std::vector<std::pair<std::string, std::string>>& options) {
    for (const auto& command : commands) {
      if (command.verb != verb) continue;
      Values values;
      if (!operand.empty()) values.add(command.arguments.front().name, operand);
      for (const auto& [name, value] : options) values.add(name, value);
      const auto done = std::get<Action>(command.does)(context, values);
      return done ? out.str() : "error: " + done.error().text();
    }
    return "no such verb";
  }

  store::testing::TemporaryDirectory directory_;
  RealDisk disk_;
  RealClock clock_;
  crypto::SystemRandom random_;
  std::ostringstream said_;
};

TEST_F(LibraryCommands, L2_InitMakesEverythingOnceAndWhatIsMissingLater) {
  const auto first = run("init", "", {{"--drives", "1"}});
  EXPECT_THAT(first, HasSubstr("40 slots, 4 import/export slots, 1 drive\n"));
  EXPECT_THAT(first, HasSubstr("a CHAP secret was made"));
  EXPECT_EQ(*disk_.permissions(site() + "/engine/iscsi-secret"), 0600U);
  const auto secret = read_file(disk_, site() + "/engine/iscsi-secret", 100);
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->size(), 25U);
  const auto spec = read_library_config(disk_, site() + "/engine/taped.toml");
  ASSERT_TRUE(spec) << spec.error().text();
  EXPECT_TRUE(disk_.exists(spec->identities + "/" + spec->drives[0].serial + "/identity.pem"));

  const auto config = read_file(disk_, site() + "/engine/taped.toml", 10000);
  std::string text(as_text(*config));
  text.replace(text.find("drives = ["), 10, "drives = [\"3592 NEWDRIVE01\", ");
  ASSERT_TRUE(write_file_atomically(disk_, site() + "/engine/taped.toml", as_bytes(text)));
  EXPECT_EQ(said_.str(), "");
  const auto second = run("init", "", {{"--drives", "7"}});
  EXPECT_THAT(said_.str(), HasSubstr("--drives and --kind count for a new one"));
  EXPECT_THAT(second, HasSubstr("drive NEWDRIVE01 (3592)"));
  EXPECT_THAT(second, Not(HasSubstr("CHAP")));
  EXPECT_TRUE(disk_.exists(spec->identities + "/NEWDRIVE01/identity.pem"));
  EXPECT_EQ(*read_file(disk_, site() + "/engine/iscsi-secret", 100), *secret);
}

TEST_F(LibraryCommands, L2_CartridgesAreAddedShownAndRefusedByName) {
  EXPECT_THAT(run("show"), HasSubstr("error"));
  EXPECT_THAT(run("init", "", {{"--drives", "1"}}), HasSubstr("is ready"));
  EXPECT_EQ(run("add-cartridges", "A00001L9-A00003L9", {{"--capacity", "64M"}}), "made 3 cartridges\n");
  EXPECT_THAT(run("add-cartridges", "A00003L9"), HasSubstr("has a cartridge A00003L9"));
  EXPECT_THAT(run("add-cartridges", "B00001-B00099"), HasSubstr("37 free slots for 99 cartridges"));
  EXPECT_THAT(run("add-cartridges", "B00001", {{"--kind", "DLT"}}), HasSubstr("use LTO or 3592"));
  EXPECT_THAT(run("add-cartridges", "B00001", {{"--capacity", "much"}}), HasSubstr("not a size"));
  EXPECT_THAT(run("show"), HasSubstr("\nA00002L9  LTO   slot 2  "));
  EXPECT_THAT(run("show", "", {}, true), HasSubstr(R"("kind":"LTO","place":"slot 1","missing":false)"));
  ASSERT_TRUE(disk_.remove(site() + "/engine/library/cartridges/A00002L9.twc"));
  EXPECT_THAT(run("show"), HasSubstr("MISSING: its file is gone\n"));
  EXPECT_THAT(run("export", "a00001l9"), HasSubstr("A00001L9 is in slot 1"));
  EXPECT_THAT(run("import", "A00001L9"), HasSubstr("A00001L9 is in slot 1"));
  EXPECT_THAT(run("remove", "A00001L9"), HasSubstr("A00001L9 is in slot 1"));
  EXPECT_THAT(run("remove", "Z00001"), HasSubstr("no cartridge Z00001"));
  EXPECT_THAT(run("export", "../../etc"), HasSubstr("A-Z and 0-9"));
}

// The order in which README tells it, with cartridges as files before.
TEST_F(LibraryCommands, L2_AnEngineOverCartridgesThatLieAsFilesIsRefusedByNameAndGetsAFolderOfItsOwn) {
  EXPECT_THAT(run("init", "", {{"--drives", "1"}}), HasSubstr("is ready"));
  EXPECT_THAT(run("add-cartridges", "VOL001L9-VOL007L9", {{"--capacity", "64M"}}), HasSubstr("made 7"));
  const auto config = site() + "/engine/taped.toml";
  auto text = std::string(as_text(*read_file(disk_, config, 100000))) + run_engine("draft");
  ASSERT_TRUE(write_file_atomically(disk_, config, as_bytes(text)));
  const auto refused = run_engine("init");
  EXPECT_THAT(refused, HasSubstr("VOL001L9.twc, VOL002L9.twc, "));
  EXPECT_THAT(refused, HasSubstr("and 2 more"));
  EXPECT_THAT(refused, HasSubstr("name another folder"));
  EXPECT_FALSE(disk_.exists(site() + "/engine/back-end"));
  text.replace(text.find("folder = \"library\""), 18, "folder = \"volumes\"");
  ASSERT_TRUE(write_file_atomically(disk_, config, as_bytes(text)));
  EXPECT_THAT(run_engine("init"), HasSubstr("library LIB1 was made"));
  const auto spec = read_library_config(disk_, config);
  ASSERT_TRUE(spec) << spec.error().text();
  EXPECT_TRUE(tape::LibraryFolder::open({&clock_, &disk_, &random_, nullptr}, *spec));
  EXPECT_TRUE(disk_.exists(site() + "/engine/library/cartridges/VOL001L9.twc"));
}

TEST_F(LibraryCommands, L2_NoFileOfAnEnginesVolumeIsMissing) {
  EXPECT_THAT(run("init", "", {{"--drives", "1"}}), HasSubstr("is ready"));
  const auto config = site() + "/engine/taped.toml";
  auto text = *read_file(disk_, config, 100000);
  const auto engine = as_bytes(std::string_view("\n[engine]\n"));
  text.insert(text.end(), engine.begin(), engine.end());
  ASSERT_TRUE(write_file_atomically(disk_, config, text));
  const auto spec = read_library_config(disk_, config);
  ASSERT_TRUE(spec) << spec.error().text();
  const auto folder = tape::LibraryFolder::open({&clock_, &disk_, &random_, nullptr}, *spec);
  ASSERT_TRUE(folder) << folder.error().text();
  ASSERT_TRUE(tape::put_kept_cartridges(**folder, {{.barcode = "VOL001"}}));
  EXPECT_THAT(run("show"), HasSubstr("\nVOL001 "));
  EXPECT_THAT(run("show"), Not(HasSubstr("MISSING")));
}

TEST_F(LibraryCommands, L2_WhoHoldsTheLibraryKeepsCommandsOut) {
  EXPECT_THAT(run("init", "", {{"--drives", "1"}}), HasSubstr("is ready"));
  const auto held = disk_.lock(site() + "/engine/library/lock");
  ASSERT_TRUE(held);
  EXPECT_THAT(run("add-cartridges", "A00001L9"), HasSubstr("in use"));
  EXPECT_THAT(run("show"), HasSubstr("0 cartridges"));
}

}  // namespace
}  // namespace tapewarden::cli
