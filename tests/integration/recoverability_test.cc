// K26 from end to end: a pair with a backup target loses its backup, then its peer.
#include <filesystem>

#include "integration/other_file_system.h"
#include "integration/tape_site.h"

namespace tapewarden::testing {
namespace {

class KeydRecoverability : public TapeSite {
 protected:
  void SetUp() override {
    TapeSite::SetUp();
    if (elsewhere.path().empty()) GTEST_SKIP() << "there is no second file system here";
  }
  static json::object cartridge(const std::string& volser) {
    const auto out = as_operator({"recoverability", "--volser", volser, "--json"});
    EXPECT_TRUE(out.has_value()) << out.error().text();
    if (!out) return {};
    const auto value = json::parse(*out);
    const auto& items = value.at("items").as_array();
    return items.size() == 1 ? items.at(0).as_object() : json::object();
  }
  static std::int64_t independent(const std::string& volser) {
    const auto found = cartridge(volser);
    const auto* value = found.if_contains("independent");
    return value == nullptr ? -1 : value->to_number<std::int64_t>();
  }
  static std::size_t audited(const std::string& action) {
    const auto audit = rest().get("/v1/audit?limit=1000");
    std::size_t count = 0;
    if (!audit) return count;
    for (const auto& item : audit->at("items").as_array()) {
      const std::string text = json::serialize(item);
      if (text.find("\"" + action + "\"") != std::string::npos && text.find("K26GROUP") != std::string::npos)
        ++count;
    }
    return count;
  }
  static bool warned() {
    const auto status = rest().get("/v1/status");
    return status && json::serialize(status->at("warnings")).find("group:K26GROUP") != std::string::npos;
  }
  static Status set(const std::string& name, const std::string& value) {
    TRY(as_officer({"setting", "set", name, value}));
    return {};
  }

  OtherFileSystem elsewhere;
};

TEST_F(KeydRecoverability, K26_ALostBackupAndASilentPeerAreTold) {
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(make_group("K26GROUP", 4));
  TW_EXPECT_OK(make_drive("LTO", "2600000001", "TW0261L9"));
  random_file(site().random(), file("data"), std::size_t{100} << 10);
  TW_EXPECT_OK(tape("write", "2600000001", "TW0261L9", {"--group", "K26GROUP", "--input", file("data")}));
  EXPECT_TRUE(eventually([] { return independent("TW0261L9") == 2; }));

  // A backup counts when it was verified, not before.
  const std::string vault = elsewhere.path() + "/vault";
  std::filesystem::create_directories(vault);
  TW_EXPECT_OK(rest().post("/v1/backups", json::object{{"name", "vault"},
                                                       {"directory", vault},
                                                       {"domain", "safe"},
                                                       {"passphrase", "seven lonely custodians wait"}}));
  TW_EXPECT_OK(rest().post("/v1/backups/vault/run"));
  EXPECT_EQ(independent("TW0261L9"), 2);
  TW_EXPECT_OK(rest().post("/v1/backups/vault/verify"));
  EXPECT_EQ(independent("TW0261L9"), 3);
  const auto one = cartridge("TW0261L9");
  EXPECT_EQ(one.at("pool"), "group:K26GROUP");
  EXPECT_NE(json::serialize(one.at("places")).find("target:vault (20"), std::string::npos);

  // Which tapes die.
  const auto without = [](std::vector<std::string> words) {
    std::vector<std::string> arguments{"recoverability"};
    for (auto& word : words) arguments.insert(arguments.end(), {"--without", std::move(word)});
    return as_operator(std::move(arguments)).value_or("refused");
  };
  EXPECT_NE(without({"server:primary", "server:secondary"}).find("no tape dies"), std::string::npos);
  const auto dead = without({"server:primary", "server:secondary", "domain:safe"});
  EXPECT_NE(dead.find("1 tape dies"), std::string::npos) << dead;
  EXPECT_NE(dead.find("TW0261L9"), std::string::npos) << dead;
  EXPECT_EQ(without({"server:nowhere"}), "refused");
  TW_EXPECT_OK(as_operator({"recoverability"}));
  TW_EXPECT_OK(as_operator({"recoverability", "pools"}));

  // The backup is deleted: a place less.
  TW_EXPECT_OK(set("recoverability.wanted", "3"));
  EXPECT_EQ(cartridge("TW0261L9").at("state"), "well");
  std::filesystem::remove_all(vault);
  EXPECT_FALSE(rest().post("/v1/backups/vault/verify"));
  EXPECT_EQ(independent("TW0261L9"), 2);
  EXPECT_TRUE(eventually([] { return audited("recoverability.short") == 1; }));
  EXPECT_TRUE(eventually([] { return warned(); }));
  TW_EXPECT_OK(set("recoverability.wanted", "2"));
  EXPECT_TRUE(eventually([] { return audited("recoverability.restored") == 1 && !warned(); }));

  // The peer is killed: it counts for the hours that are set, and then no more.
  site().kill_hard(Which::kSecondary);
  EXPECT_TRUE(eventually([] {
    return json::serialize(cartridge("TW0261L9")).find("server:secondary (20") != std::string::npos;
  }));
  EXPECT_EQ(independent("TW0261L9"), 2);
  EXPECT_EQ(audited("recoverability.short"), 1U);
  TW_EXPECT_OK(set("recoverability.silent_hours", "0"));
  EXPECT_EQ(independent("TW0261L9"), 1);
  EXPECT_TRUE(eventually([] { return audited("recoverability.short") == 2; }));
  TW_EXPECT_OK(site().start(Which::kSecondary));
  EXPECT_TRUE(eventually([] { return audited("recoverability.restored") == 2; }));
}

TEST_F(KeydRecoverability, K26_BothServersCheckThemselvesAndTellEachOther) {
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(make_group("K26CHECK", 4));
  TW_EXPECT_OK(as_operator({"recoverability", "check"}));
  TW_EXPECT_OK(site().rest(Which::kSecondary).post("/v1/recoverability/check"));
  const auto checked = [](Which which) {
    const auto places = site().rest(which).get("/v1/recoverability/places");
    std::size_t count = 0;
    if (!places) return count;
    for (const auto& place : places->at("items").as_array()) {
      const auto& check = place.at("check");
      if (check.is_object() && check.at("data_keys").to_number<int>() >= 4 && check.at("failed") == 0)
        ++count;
    }
    return count;
  };
  EXPECT_TRUE(eventually([&] { return checked(Which::kPrimary) == 2 && checked(Which::kSecondary) == 2; }));
}

}  // namespace
}  // namespace tapewarden::testing
