// K13: the audit record of one key server is anchored at the other, and checked by its files alone.
#include <fstream>
#include <sstream>

#include "integration/running_site.h"

namespace tapewarden::testing {
namespace {

class KeydAnchors : public RunningSite {
 protected:
  static std::string held_at_secondary() {
    const auto held = site().rest(Which::kSecondary).get("/v1/audit/peer-checkpoints");
    return held ? json::value_to<std::string>(held->at("text")) : std::string();
  }
  static Result<CommandResult> verify_offline(const std::string& path, const std::string& against) {
    std::vector<std::string> words{program("tapewarden-keyd"),
                                   "audit",
                                   "verify",
                                   path,
                                   "--certificate",
                                   site().folder(Which::kPrimary) + "/tls/signing.crt"};
    if (!against.empty()) words.insert(words.end(), {"--against", against});
    return run_command(words, site().path("verify.log"));
  }
  static std::string read_all(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  static void write_all(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
};

TEST_F(KeydAnchors, K13_ARecordThatIsCutOffIsFoundByTheCheckpointAtThePeer) {
  const auto drive = enrolled_drive("K13ANCHOR001", dkx::DriveKind::kLto);
  TW_ASSERT_OK(drive);
  const auto made = rest().post("/v1/audit/checkpoint");
  TW_ASSERT_OK(made);
  const auto text = json::value_to<std::string>(made->at("text"));
  ASSERT_TRUE(eventually([&] { return held_at_secondary().find(text) != std::string::npos; }))
      << held_at_secondary();

  // While it runs: the server itself asks its peer.
  const auto running = rest().post("/v1/audit/verify", json::object{{"against", text}});
  TW_ASSERT_OK(running);
  EXPECT_EQ(running->at("intact"), true) << json::serialize(*running);
  EXPECT_GE(running->at("noted_compared").as_int64(), 2) << json::serialize(*running);

  const std::string noted = site().path("noted.txt");
  write_all(noted, held_at_secondary());
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  const std::string audit = site().folder(Which::kPrimary) + "/data/audit";
  const auto whole = verify_offline(audit, noted);
  TW_ASSERT_OK(whole);
  EXPECT_EQ(whole->end.exit_code, 0) << whole->output;
  EXPECT_NE(whole->output.find("fit"), std::string::npos) << whole->output;

  // The record ends earlier, at the end of an append: it is whole in itself.
  const std::string full = read_all(audit + "/audit.jsonl");
  const auto checkpoint = full.rfind("\"checkpoint\":");
  ASSERT_NE(checkpoint, std::string::npos);
  std::string cut = full.substr(0, full.rfind('\n', checkpoint) + 1);
  do {
    cut.resize(cut.rfind('\n', cut.size() - 2) + 1);
  } while (cut.substr(cut.rfind('\n', cut.size() - 2) + 1).find("\"end\":") == std::string::npos);
  const std::string copy = site().path("cut.jsonl");
  write_all(copy, cut);
  const auto alone = verify_offline(copy, "");
  TW_ASSERT_OK(alone);
  EXPECT_EQ(alone->end.exit_code, 0) << alone->output;
  const auto found = verify_offline(copy, noted);
  TW_ASSERT_OK(found);
  EXPECT_EQ(found->end.exit_code, 6) << found->output;
  EXPECT_NE(found->output.find("taken away"), std::string::npos) << found->output;

  // One letter changed: the line is named.
  std::string changed = full;
  changed[full.find("K13ANCHOR001")] = 'X';
  write_all(copy, changed);
  const auto damaged = verify_offline(copy, "");
  TW_ASSERT_OK(damaged);
  EXPECT_EQ(damaged->end.exit_code, 6) << damaged->output;
  EXPECT_NE(damaged->output.find("cut.jsonl, line number"), std::string::npos) << damaged->output;
  // No such path, and a file of notes that holds none.
  EXPECT_EQ(verify_offline(site().path("nowhere"), "")->end.exit_code, 1);
  EXPECT_EQ(verify_offline(audit, site().folder(Which::kPrimary) + "/keyd.toml")->end.exit_code, 2);

  TW_EXPECT_OK(site().start(Which::kPrimary));
  TW_EXPECT_OK(site().wait_in_step());
}

}  // namespace
}  // namespace tapewarden::testing
