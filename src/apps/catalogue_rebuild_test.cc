// What a rebuild refuses before it looks at a cartridge, and what the audit record tells of it. Whole
// rebuilds, with cartridges and key servers: tests/engine/catalogue_rebuild_test.cc.
#include "apps/catalogue_rebuild.h"

#include <gmock/gmock.h>

#include "apps/engine_id.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::apps {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// An engine without a library behind it: nothing can be read.
class CatalogueRebuildTest : public ::testing::Test {
 protected:
  CatalogueRebuildTest() {
    config_.library.folder = directory_.file("library");
    config_.library.identities = directory_.file("drives");
    config_.library.changer.serial = "TWL0000001";
    config_.library.drives = {{.serial = "1000000001"}};
    config_.library.layout = {
        .transport = {0, 1}, .storage = {1000, 10}, .import_export = {100, 2}, .data_transfer = {500, 1}};
    config_.engine = TapeEngineConfig{};
    config_.engine->data = directory_.file("tape");
    config_.engine->cache = directory_.file("cache");
    config_.https = HttpsConfig{};
    config_.https->store = {.data = directory_.file("people"),
                            .master_key = directory_.file("master.key"),
                            .passphrase_file = directory_.file("passphrase")};
    const std::string passphrase = "correct horse battery staple and some more";
    EXPECT_TRUE(write_file_atomically(disk(), config_.https->store.passphrase_file, as_bytes(passphrase)));
    EXPECT_TRUE(make_engine_store(real_.env(), config_.https->store,
                                  crypto::SecretBytes::copy_of(as_bytes(passphrase)), {}));
  }
  Disk& disk() { return *real_.env().disk; }
  Error refused(const CatalogueRebuildOptions& options = {}) {
    const auto made =
        rebuild_catalogue(real_.env(), config_, options, [this](const std::string& line) { said_ += line; });
    if (!made) return made.error();
    ADD_FAILURE() << "it was not refused";
    return fail(ErrorCode::kInternal, "").error();
  }
  std::string audit() {
    const auto text = read_file(disk(), config_.https->store.data + "/audit/audit.jsonl", 1U << 20);
    return text ? std::string(as_text(*text)) : text.error().text();
  }
  void put(const std::string& path, const std::string& text) {
    EXPECT_TRUE(disk().make_directories(path.substr(0, path.rfind('/'))));
    EXPECT_TRUE(write_file_atomically(disk(), path, as_bytes(text)));
  }

  store::testing::TemporaryDirectory directory_{store::testing::Storage::kMemory};
  store::testing::RealEnv real_;
  TapedConfig config_;
  std::string said_;
};

TEST_F(CatalogueRebuildTest, T12_WithoutAnEngineThereIsNothingToRebuild) {
  config_.engine.reset();
  const auto error = refused();
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.field, "engine");
}

TEST_F(CatalogueRebuildTest, T12_WhileTheEngineRunsItIsRefused) {
  auto spec = config_.library;
  spec.kept = true;
  ASSERT_TRUE(tape::LibraryFolder::create(real_.env(), spec));
  const auto running = tape::LibraryFolder::open(real_.env(), spec);
  ASSERT_TRUE(running);
  const auto error = refused();
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.remedy, HasSubstr("stop tapewarden-taped"));
  EXPECT_FALSE(disk().exists(config_.engine->data));
}

TEST_F(CatalogueRebuildTest, T12_ACatalogueThatIsThereIsNotTouchedUnasked) {
  put(config_.engine->catalogue_path(), "a catalogue");
  const auto error = refused();
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_EQ(error.field, "--set-aside");
  // Set aside it is only when the new one is ready, and here none can be made.
  EXPECT_EQ(refused({.set_aside = true}).code, ErrorCode::kNotFound);
  const auto left = read_file(disk(), config_.engine->catalogue_path(), 100);
  ASSERT_TRUE(left);
  EXPECT_EQ(as_text(*left), "a catalogue");
}

TEST_F(CatalogueRebuildTest, T12_AnotherEnginesCatalogueNeedsAWord) {
  ASSERT_TRUE(disk().make_directories(config_.engine->data));
  const auto here = Uuid::from(Bytes(16, 1));
  ASSERT_TRUE(write_engine_id(disk(), config_.engine->id_path(), here));
  const auto error = refused({.engine = Uuid::from(Bytes(16, 2))});
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_EQ(error.field, "--engine");
  EXPECT_THAT(error.message, HasSubstr(here.text()));
}

TEST_F(CatalogueRebuildTest, T12_TheAuditRecordTellsWhoBeganItAndHowItEnded) {
  const auto error = refused({.incomplete = true});
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(audit(), AllOf(HasSubstr("catalogue.rebuild-begin"), HasSubstr("\"incomplete\":\"yes\""),
                             HasSubstr("catalogue-rebuild"), HasSubstr("\"outcome\":\"failure\""),
                             HasSubstr("no cartridge that an engine wrote could be read")));
}

TEST_F(CatalogueRebuildTest, T12_WhatCannotBeRecordedIsNotBegun) {
  put(config_.https->store.data + "/audit/audit.jsonl", "not a record\n");
  const auto error = refused();
  EXPECT_NE(error.code, ErrorCode::kNotFound) << error.text();
  EXPECT_THAT(said_, Not(HasSubstr("to examine")));
  EXPECT_FALSE(disk().exists(config_.engine->data + "/rebuild"));
}

}  // namespace
}  // namespace tapewarden::apps
