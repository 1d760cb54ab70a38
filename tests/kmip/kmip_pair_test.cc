// What KMIP clients keep, across what happens to a pair: two servers that were apart, and a machine that is
// lost.
#include <gmock/gmock.h>

#include "kmip/kmip_site.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;

class KmipPair : public KmipSite {
 protected:
  static Result<std::string> as_officer(std::vector<std::string> arguments, const std::string& officer) {
    arguments.insert(arguments.begin(), program("tapewarden"));
    arguments.insert(arguments.end(),
                     {"--site", site().directory(), "--as", officer, "--server",
                      "https://127.0.0.1:" + std::to_string(site().https_port(Which::kPrimary))});
    return TRY(run_command(arguments, site().path("officers.log"))).output;
  }
  // Asked for by the first, approved by the second, done by the first.
  static Result<std::string> as_both_officers(std::vector<std::string> arguments) {
    constexpr std::string_view kBefore = "(request ";
    const auto asked = TRY(as_officer(arguments, "officer-1"));
    const auto at = asked.find(kBefore);
    if (at == std::string::npos) return fail(ErrorCode::kInternal, "nobody was asked: " + asked);
    const auto start = at + kBefore.size();
    const auto request = asked.substr(start, asked.find_first_of(",)", start) - start);
    (void)TRY(as_officer({"approval", "approve", request}, "officer-2"));
    arguments.insert(arguments.end(), {"--approval", request});
    return as_officer(std::move(arguments), "officer-1");
  }
  static Status move_to(Which from, Which to) {
    TRY(site().stop(from));
    return site().start(to);
  }
};

TEST_F(KmipPair, K21_WhatTwoServersMadeApartIsAllKeptAndNoWrongKeyIsGiven) {
  const auto client = registered("library");
  TW_ASSERT_OK(client);
  // A server that starts alone knows of no key that its peer has.
  TW_EXPECT_OK(rest().put("/v1/settings/peer.exhausted", json::object{{"value", "serve"}}));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  Made here;
  {
    auto link = connect(*client);
    TW_ASSERT_OK(link);
    auto made = make_key(*link, "A1");
    TW_ASSERT_OK(made);
    here = *std::move(made);
  }
  TW_EXPECT_OK(move_to(Which::kPrimary, Which::kSecondary));
  Made there;
  Made alone;
  {
    auto link = connect(*client, Which::kSecondary);
    TW_ASSERT_OK(link);
    auto made = make_key(*link, "A1");
    TW_ASSERT_OK(made);
    there = *std::move(made);
    auto other = make_key(*link, "A2");
    TW_ASSERT_OK(other);
    alone = *std::move(other);
  }
  TW_EXPECT_OK(site().start(Which::kPrimary));
  TW_EXPECT_OK(site().wait_in_step());
  ASSERT_NE(here.key, there.key);
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    auto link = connect(*client, which);
    TW_ASSERT_OK(link);
    const auto both = link->ask({locate_key("A1"), get_key()});
    TW_ASSERT_OK(both);
    EXPECT_EQ(both->at(0).count(kmip::tag::kUniqueIdentifier), 2U) << to_string(which);
    EXPECT_FALSE(both->at(1).good()) << "which of the two is meant nobody knows";
    for (const auto* made : {&here, &there, &alone}) {
      const auto got = link->ask(get_key(made->id));
      TW_ASSERT_OK(got);
      EXPECT_EQ(got->key(), made->key) << to_string(which);
    }
    const auto found = link->ask({locate_key("A2"), get_key()});
    TW_ASSERT_OK(found);
    EXPECT_EQ(found->at(1).key(), alone.key);
    const auto audit = site().rest(which).get("/v1/audit?limit=1000");
    TW_ASSERT_OK(audit);
    EXPECT_THAT(json::serialize(*audit), HasSubstr("kmip.object.twice")) << to_string(which);
  }
}

// An import under an identifier that the client chose.
Asked import_key(std::string id, std::uint8_t key) {
  return {kmip::Operation::kImport, [id = std::move(id), key](ttlv::Writer& out) {
            namespace tag = kmip::tag;
            out.add_text(tag::kUniqueIdentifier, id);
            out.add_enumeration(tag::kObjectType, kmip::ObjectType::kSymmetricKey);
            out.begin(tag::kAttributes).add_integer(tag::kCryptographicUsageMask, 12).end();
            out.begin(tag::kSymmetricKey).begin(tag::kKeyBlock);
            out.add_enumeration(tag::kKeyFormatType, kmip::KeyFormatType::kRaw);
            out.begin(tag::kKeyValue).add_bytes(tag::kKeyMaterial, Bytes(32, key)).end();
            out.add_enumeration(tag::kCryptographicAlgorithm, kmip::CryptographicAlgorithm::kAES);
            out.add_integer(tag::kCryptographicLength, 256).end().end();
          }};
}

TEST_F(KmipPair, K21_WhatWasImportedAtBothApartIsOneOrHiddenAndTold) {
  const std::string same = "12345678-1234-4234-8234-00000000000a";
  const std::string other = "12345678-1234-4234-8234-00000000000b";
  const auto client = registered("wanderer");
  TW_ASSERT_OK(client);
  TW_EXPECT_OK(rest().put("/v1/settings/peer.exhausted", json::object{{"value", "serve"}}));
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  const auto import_at = [&](Which which, std::uint8_t key) {
    auto link = connect(*client, which);
    TW_ASSERT_OK(link);
    for (const auto& [id, material] : {std::pair(same, std::uint8_t{1}), std::pair(other, key)}) {
      const auto done = link->ask(import_key(id, material));
      TW_ASSERT_OK(done);
      ASSERT_TRUE(done->good()) << done->message;
    }
  };
  import_at(Which::kPrimary, 2);
  TW_EXPECT_OK(move_to(Which::kPrimary, Which::kSecondary));
  import_at(Which::kSecondary, 3);
  TW_EXPECT_OK(site().start(Which::kPrimary));
  TW_EXPECT_OK(site().wait_in_step());
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    EXPECT_TRUE(eventually([&] {
      const auto audit = site().rest(which).get("/v1/audit?limit=1000");
      return audit && json::serialize(*audit).find("kmip.object.clash") != std::string::npos;
    })) << to_string(which);
    auto link = connect(*client, which);
    TW_ASSERT_OK(link);
    const auto one = link->ask(get_key(same));
    TW_ASSERT_OK(one);
    EXPECT_EQ(one->key(), Bytes(32, 1)) << to_string(which) << ": " << one->message;
    const auto two = link->ask(get_key(other));
    TW_ASSERT_OK(two);
    EXPECT_FALSE(two->good()) << to_string(which) << ": whose key it is nobody knows";
  }
  // An operator knows, and says so at the server that has the right one.
  TW_EXPECT_OK(rest().post("/v1/kmip/objects/" + other + "/release"));
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  const auto released = link->ask(get_key(other));
  TW_ASSERT_OK(released);
  EXPECT_EQ(released->key(), Bytes(32, 2)) << released->message;
}

TEST_F(KmipPair, K19_ARewriteTakesThePeersWordOfKmipClientsAndLosesNoObject) {
  const std::string alone = "12345678-1234-4234-8234-00000000000c";
  const auto client = registered("rewritten");
  TW_ASSERT_OK(client);
  TW_EXPECT_OK(rest().put("/v1/settings/peer.exhausted", json::object{{"value", "serve"}}));
  // One officer alone may rewrite, then.
  TW_ASSERT_OK(as_both_officers({"setting", "set", "approval.two_person", "off"}));
  TW_EXPECT_OK(site().wait_in_step());
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  const auto spoilt = identity("spoilt");
  TW_ASSERT_OK(spoilt);
  TW_EXPECT_OK(rest().post("/v1/kmip/clients",
                           json::object{{"name", "spoilt"}, {"certificate", spoilt->certificate.pem()}}));
  {
    auto link = connect(*client);
    TW_ASSERT_OK(link);
    const auto done = link->ask(import_key(alone, 7));
    TW_ASSERT_OK(done);
    ASSERT_TRUE(done->good()) << done->message;
  }
  TW_EXPECT_OK(rest().post("/v1/sync/rewrite"));
  TW_EXPECT_OK(site().start(Which::kSecondary));
  TW_EXPECT_OK(site().wait_in_step());
  const auto clients = [](Which which) {
    const auto all = site().rest(which).get("/v1/kmip/clients");
    return all ? json::serialize(*all) : all.error().text();
  };
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    EXPECT_TRUE(eventually([&] { return clients(which).find("spoilt") == std::string::npos; }))
        << to_string(which) << ": " << clients(which);
    EXPECT_THAT(clients(which), HasSubstr("rewritten")) << to_string(which);
    auto link = connect(*client, which);
    TW_ASSERT_OK(link);
    const auto got = link->ask(get_key(alone));
    TW_ASSERT_OK(got);
    EXPECT_EQ(got->key(), Bytes(32, 7)) << to_string(which) << ": " << got->message;
  }
  const auto conflicts = rest().get("/v1/conflicts");
  TW_ASSERT_OK(conflicts);
  EXPECT_THAT(json::serialize(*conflicts), HasSubstr("managed_object"));
}

TEST_F(KmipPair, K21_ARestoredServerKnowsItsClientsAndServesTheirKeys) {
  constexpr std::string_view kPassphrase = "seven lonely custodians wait";
  const auto client = registered("library-2");
  TW_ASSERT_OK(client);
  TW_EXPECT_OK(site().stop(Which::kSecondary));
  Made made;
  {
    auto link = connect(*client);
    TW_ASSERT_OK(link);
    auto one = make_key(*link, "B1");
    TW_ASSERT_OK(one);
    made = *std::move(one);
  }
  const std::string vault = site().path("vault");
  std::filesystem::create_directories(vault);
  TW_EXPECT_OK(rest().post(
      "/v1/backups",
      json::object{
          {"name", "vault"}, {"directory", vault}, {"domain", "vault"}, {"passphrase", kPassphrase}}));
  TW_EXPECT_OK(rest().post("/v1/backups/vault/run"));
  TW_EXPECT_OK(rest().post("/v1/backups/vault/verify"));
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  const std::string folder = site().folder(Which::kPrimary);
  std::filesystem::remove_all(folder);
  std::ofstream(site().path("backup-passphrase")) << kPassphrase << "\n";
  std::ofstream(site().path("new-passphrase")) << "a wholly new passphrase\n";
  for (const auto* file : {"backup-passphrase", "new-passphrase"}) {
    std::filesystem::permissions(site().path(file),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  const auto restored =
      run_command({program("tapewarden-keyd"), "restore", "--from", vault, "--to", folder,
                   "--passphrase-file", site().path("backup-passphrase"), "--new-passphrase-file",
                   site().path("new-passphrase"), "--ca", site().path("ca/authority.crt")},
                  site().path("restore.log"), std::chrono::seconds{120});
  TW_ASSERT_OK(restored);
  ASSERT_EQ(restored->end.exit_code, 0) << restored->output;
  TW_EXPECT_OK(site().without_peer(Which::kPrimary));
  TW_ASSERT_OK(site().start(Which::kPrimary));
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  const auto got = link->ask({locate_key("B1"), get_key()});
  TW_ASSERT_OK(got);
  EXPECT_EQ(got->at(0).text(kmip::tag::kUniqueIdentifier), made.id);
  EXPECT_EQ(got->at(1).key(), made.key);
  TW_EXPECT_OK(make_key(*link, "B2"));
}

}  // namespace
}  // namespace tapewarden::testing
