// KMIP as clients meet it at real key servers: over TLS with their certificates, at either server of a pair,
// and across a server's sudden end.
#include <gmock/gmock.h>

#include "kmip/kmip_site.h"

namespace tapewarden::testing {
namespace {

namespace tag = kmip::tag;
using kmip::Operation;
using kmip::ResultReason;

class KmipServer : public KmipSite {};

TEST_F(KmipServer, K21_AClientMakesLocatesAndGetsAKey) {
  const auto client = registered("library-1");
  TW_ASSERT_OK(client);
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  const auto made = make_key(*link, "AA01");
  TW_ASSERT_OK(made);
  EXPECT_EQ(made->key.size(), 32U);
  const auto found = link->ask({locate_key("AA01"), get_key()});
  TW_ASSERT_OK(found);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(0).text(tag::kUniqueIdentifier), made->id);
  EXPECT_EQ(found->at(1).key(), made->key);
  const auto listed = rest().get("/v1/kmip/objects?owner=library-1");
  TW_ASSERT_OK(listed);
  ASSERT_EQ(listed->at("items").as_array().size(), 1U);
  EXPECT_EQ(listed->at("items").at(0).at("barcode").as_string(), "TAPE01");
  const auto ledger = rest().get("/v1/ledger?volser=TAPE01");
  TW_ASSERT_OK(ledger);
  EXPECT_EQ(ledger->at("items").at(0).at("alias"), listed->at("items").at(0).at("alias"));
}

TEST_F(KmipServer, K21_LocateOneThenGetGivesThatKeyAndNotTheNewest) {
  const auto client = registered("library-2");
  TW_ASSERT_OK(client);
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  const auto first = make_key(*link, "BB01");
  const auto second = make_key(*link, "BB02");
  TW_ASSERT_OK(first);
  TW_ASSERT_OK(second);
  ASSERT_NE(first->key, second->key);
  const auto got = link->ask({locate_key("BB01"), get_key()});
  TW_ASSERT_OK(got);
  EXPECT_EQ(got->at(1).key(), first->key);
}

TEST_F(KmipServer, K21_AnEmptyLocateThenGetGivesNoKey) {
  const auto client = registered("library-3");
  TW_ASSERT_OK(client);
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  TW_ASSERT_OK(make_key(*link, "CC01"));
  const auto got = link->ask({create_key("CC02", "TAPE02"), locate_key("CC99"), get_key()});
  TW_ASSERT_OK(got);
  ASSERT_EQ(got->size(), 3U);
  EXPECT_EQ(got->at(1).count(tag::kUniqueIdentifier), 0U);
  EXPECT_FALSE(got->at(2).good());
  EXPECT_TRUE(got->at(2).key().empty());
  const auto alone = link->ask(get_key());
  TW_ASSERT_OK(alone);
  EXPECT_FALSE(alone->good()) << "a message has a placeholder of its own";
}

TEST_F(KmipServer, K21_TwoConnectionsInterleavedGetEachItsOwnKey) {
  const auto client = registered("library-4");
  TW_ASSERT_OK(client);
  auto one = connect(*client);
  auto other = connect(*client);
  TW_ASSERT_OK(one);
  TW_ASSERT_OK(other);
  for (int round = 0; round < 8; ++round) {
    const auto name = std::to_string(round);
    const auto mine = make_key(*one, "D1" + name);
    const auto theirs = make_key(*other, "D2" + name);
    TW_ASSERT_OK(mine);
    TW_ASSERT_OK(theirs);
    const auto first = one->ask({locate_key("D1" + name), get_key()});
    const auto second = other->ask({locate_key("D2" + name), get_key()});
    TW_ASSERT_OK(first);
    TW_ASSERT_OK(second);
    EXPECT_EQ(first->at(1).key(), mine->key);
    EXPECT_EQ(second->at(1).key(), theirs->key);
  }
}

TEST_F(KmipServer, K21_WhatOneServerMadeIsReadAndChangedAtTheOther) {
  const auto client = registered("library-5");
  TW_ASSERT_OK(client);
  auto link = connect(*client);
  auto second = connect(*client, Which::kSecondary);
  TW_ASSERT_OK(link);
  TW_ASSERT_OK(second);
  const auto made = make_key(*link, "EE01");
  TW_ASSERT_OK(made);
  const auto got = second->ask({locate_key("EE01"), get_key()});
  TW_ASSERT_OK(got);
  EXPECT_EQ(got->at(0).text(tag::kUniqueIdentifier), made->id);
  EXPECT_EQ(got->at(1).key(), made->key);
  const auto twice = second->ask(create_key("EE01", "TAPE05"));
  TW_ASSERT_OK(twice);
  EXPECT_FALSE(twice->good()) << "a cartridge's application data are unique at both servers";
  const auto there = make_key(*second, "EE02");
  TW_ASSERT_OK(there);
  const auto here = link->ask({locate_key("EE02"), get_key()});
  TW_ASSERT_OK(here);
  EXPECT_EQ(here->at(1).key(), there->key);
  const auto destroyed = second->ask(by_id(Operation::kDestroy, made->id));
  TW_ASSERT_OK(destroyed);
  EXPECT_TRUE(destroyed->good()) << destroyed->message;
  const auto gone = link->ask(get_key(made->id));
  TW_ASSERT_OK(gone);
  EXPECT_FALSE(gone->good());
}

TEST_F(KmipServer, K21_AKeyThatWasAcknowledgedSurvivesAKill) {
  const auto client = registered("library-6");
  TW_ASSERT_OK(client);
  std::vector<Made> made;
  {
    auto link = connect(*client);
    TW_ASSERT_OK(link);
    for (int i = 0; i < 8; ++i) {
      auto one = make_key(*link, "FF0" + std::to_string(i));
      TW_ASSERT_OK(one);
      made.push_back(std::move(*one));
    }
    site().kill_hard(Which::kPrimary);
  }
  TW_ASSERT_OK(site().start(Which::kPrimary));
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  for (std::size_t i = 0; i < made.size(); ++i) {
    const auto got = link->ask({locate_key("FF0" + std::to_string(i)), get_key()});
    TW_ASSERT_OK(got);
    EXPECT_EQ(got->at(1).key(), made[i].key);
  }
  TW_EXPECT_OK(site().wait_in_step());
}

TEST_F(KmipServer, K21_AnUnregisteredCertificateIsRefusedInKmipAndRecorded) {
  const auto stranger = identity("stranger");
  TW_ASSERT_OK(stranger);
  auto audit = AuditWatch::begin(rest());
  TW_ASSERT_OK(audit);
  auto link = connect(*stranger);
  TW_ASSERT_OK(link);
  const auto answer = link->ask(create_key("0001", "TAPE07"));
  TW_ASSERT_OK(answer);
  EXPECT_EQ(answer->status, static_cast<std::uint32_t>(kmip::ResultStatus::kOperationFailed));
  EXPECT_EQ(answer->reason, static_cast<std::uint32_t>(ResultReason::kAuthenticationNotSuccessful));
  const auto saw = audit->saw({"kmip.authenticate", "stranger", "failure"});
  TW_ASSERT_OK(saw);
  EXPECT_TRUE(*saw);
}

TEST_F(KmipServer, K21_AWithdrawnClientIsRefusedOnItsOpenConnection) {
  const auto client = registered("library-8");
  TW_ASSERT_OK(client);
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  const auto made = make_key(*link, "1101");
  TW_ASSERT_OK(made);
  TW_EXPECT_OK(rest().remove("/v1/kmip/clients/library-8"));
  const auto refused = link->ask(get_key(made->id));
  TW_ASSERT_OK(refused);
  EXPECT_EQ(refused->reason, static_cast<std::uint32_t>(ResultReason::kAuthenticationNotSuccessful));
}

TEST_F(KmipServer, K21_ClientsOfOneGroupShareAndOthersSeeNothing) {
  const auto one = registered("drive-a", "vault");
  const auto two = registered("drive-b", "vault");
  const auto other = registered("library-9");
  TW_ASSERT_OK(one);
  TW_ASSERT_OK(two);
  TW_ASSERT_OK(other);
  auto link = connect(*one);
  auto beside = connect(*two);
  auto foreign = connect(*other);
  TW_ASSERT_OK(link);
  TW_ASSERT_OK(beside);
  TW_ASSERT_OK(foreign);
  const auto made = make_key(*link, "2201");
  TW_ASSERT_OK(made);
  const auto shared = beside->ask({locate_key("2201"), get_key()});
  TW_ASSERT_OK(shared);
  EXPECT_EQ(shared->at(1).key(), made->key);
  const auto unseen = foreign->ask(get_key(made->id));
  TW_ASSERT_OK(unseen);
  EXPECT_FALSE(unseen->good());
  EXPECT_FALSE(rest().post("/v1/kmip/objects/" + made->id + "/reassign", json::object{{"owner", "nobody"}}));
  TW_EXPECT_OK(
      rest().post("/v1/kmip/objects/" + made->id + "/reassign", json::object{{"owner", "library-9"}}));
  const auto now = foreign->ask({locate_key("2201"), get_key()});
  TW_ASSERT_OK(now);
  EXPECT_EQ(now->at(1).key(), made->key);
  const auto taken = beside->ask(get_key(made->id));
  TW_ASSERT_OK(taken);
  EXPECT_FALSE(taken->good());
}

TEST_F(KmipServer, K21_AnExpiredCertificateReadsAndMakesNothing) {
  const auto client = registered("library-10", "old", -30, 365);
  const auto expired = registered("library-11", "old", -30, -1);
  TW_ASSERT_OK(client);
  TW_ASSERT_OK(expired);
  auto link = connect(*client);
  auto old = connect(*expired);
  TW_ASSERT_OK(link);
  TW_ASSERT_OK(old);
  const auto made = make_key(*link, "3301");
  TW_ASSERT_OK(made);
  const auto got = old->ask({locate_key("3301"), get_key()});
  TW_ASSERT_OK(got);
  EXPECT_EQ(got->at(1).key(), made->key);
  const auto refused = old->ask(create_key("3302", "TAPE11"));
  TW_ASSERT_OK(refused);
  EXPECT_EQ(refused->reason, static_cast<std::uint32_t>(ResultReason::kPermissionDenied));
}

TEST_F(KmipServer, K21_WhatAClientDestroyedIsBroughtBackByAnOperator) {
  const auto client = registered("library-12");
  TW_ASSERT_OK(client);
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  const auto made = make_key(*link, "4401");
  TW_ASSERT_OK(made);
  TW_EXPECT_OK(link->ask(by_id(Operation::kDestroy, made->id)));
  const auto gone = link->ask(get_key(made->id));
  TW_ASSERT_OK(gone);
  EXPECT_FALSE(gone->good());
  TW_EXPECT_OK(rest().post("/v1/kmip/objects/" + made->id + "/release"));
  const auto back = link->ask({locate_key("4401"), get_key()});
  TW_ASSERT_OK(back);
  EXPECT_EQ(back->at(1).key(), made->key);
}

TEST_F(KmipServer, K21_APasswordIsAskedForBesidesTheCertificateWhereOneIsSet) {
  const auto client =
      registered_as({{"name", "library-14"}, {"user", "robot"}, {"password", "a long enough phrase"}});
  TW_ASSERT_OK(client);
  EXPECT_FALSE(
      rest().post("/v1/kmip/clients",
                  json::object{{"name", "half"}, {"user", "robot"}, {"fingerprint", std::string(64, 'a')}}));
  constexpr auto kRefused = static_cast<std::uint32_t>(ResultReason::kAuthenticationNotSuccessful);
  auto link = connect(*client);
  auto there = connect(*client, Which::kSecondary);
  TW_ASSERT_OK(link);
  TW_ASSERT_OK(there);
  const auto without = link->ask(create_key("6601", "TAPE14"));
  TW_ASSERT_OK(without);
  EXPECT_EQ(without->reason, kRefused);
  auto audit = AuditWatch::begin(rest());
  TW_ASSERT_OK(audit);
  link->use_password("robot", "another phrase");
  const auto wrong = link->ask(create_key("6601", "TAPE14"));
  TW_ASSERT_OK(wrong);
  EXPECT_EQ(wrong->reason, kRefused);
  const auto saw = audit->saw({"kmip.authenticate", "library-14", "failure"});
  TW_ASSERT_OK(saw);
  EXPECT_TRUE(*saw);
  for (const auto& line : audit->last_seen()) EXPECT_EQ(line.find("another phrase"), std::string::npos);
  link->use_password("robot", "a long enough phrase");
  const auto made = make_key(*link, "6601");
  TW_ASSERT_OK(made);
  link->use_password("rob", "a long enough phrase");
  const auto stranger = link->ask(get_key(made->id));
  TW_ASSERT_OK(stranger);
  EXPECT_EQ(stranger->reason, kRefused);
  there->use_password("robot", "a long enough phrase");
  const auto got = there->ask({locate_key("6601"), get_key()});
  TW_ASSERT_OK(got);
  EXPECT_EQ(got->at(1).key(), made->key) << "the other server knows the password too";
}

TEST_F(KmipServer, K21_BytesThatAreNoMessageAreRefusedAndTheServerGoesOn) {
  const auto client = registered("library-13");
  TW_ASSERT_OK(client);
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  link->client().send(to_bytes(std::string_view("GET / HTTP/1.1\r\n\r\n")));
  const auto last = link->client().receive(std::chrono::seconds{10});
  TW_ASSERT_OK(last);
  EXPECT_TRUE(ttlv::decode(*last)) << "the last answer is KMIP";
  EXPECT_TRUE(link->client().wait_closed(std::chrono::seconds{10}));
  auto next = connect(*client);
  TW_ASSERT_OK(next);
  TW_EXPECT_OK(make_key(*next, "5501"));
}

TEST_F(KmipServer, K21_TheCommandLineTriesWhatALibraryDoes) {
  const auto files = files_of("library-15");
  TW_ASSERT_OK(files);
  const auto try_server = [&](const std::string& certificate, const std::string& key) {
    return run_command(
        {program("tapewarden"), "kmip", "test", "127.0.0.1", "--port", std::to_string(kmip_port()),
         "--certificate", certificate, "--key", key, "--authorities", site().path("ca/authority.crt")},
        site().path("kmip-test.log"));
  };
  const auto tried = try_server(files->certificate, files->key);
  TW_ASSERT_OK(tried);
  EXPECT_EQ(tried->end.exit_code, 0) << tried->output;
  EXPECT_THAT(tried->output, ::testing::HasSubstr("works  the first is still found, not the newest"));
  EXPECT_THAT(tried->output, ::testing::Not(::testing::HasSubstr("not    "))) << tried->output;
  const auto officer = site().path("people/officer-1/client");
  const auto refused = try_server(officer + ".crt", officer + ".key");
  TW_ASSERT_OK(refused);
  EXPECT_NE(refused->end.exit_code, 0);
  EXPECT_THAT(refused->output, ::testing::HasSubstr("not registered as a KMIP client"));
}

}  // namespace
}  // namespace tapewarden::testing
