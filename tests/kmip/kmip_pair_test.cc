// What KMIP clients keep, across what happens to a pair: two servers that were apart, and a machine that is
// lost.
#include <gmock/gmock.h>

#include "kmip/kmip_site.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;

class KmipPair : public KmipSite {
 protected:
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
