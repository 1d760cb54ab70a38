#include "admin/keyd/keyd_routes.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/keyd/testing/keyd_fixture.h"
#include "base/base64.h"
#include "base/text.h"
#include "crypto/certification.h"
#include "crypto/random.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using people::Role;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  unsigned status = 0;
  json::value body;

  std::string text(std::string_view member) const { return json::value_to<std::string>(body.at(member)); }
  std::string error(std::string_view member) const {
    return json::value_to<std::string>(body.at("error").at(member));
  }
  std::size_t items() const { return body.at("items").as_array().size(); }
};

class KeydRoutes : public ::testing::Test {
 protected:
  Outcome as(Role role, std::string method, std::string target, const json::value& body = nullptr) {
    net::HttpRequest http;
    http.method = std::move(method);
    http.path = target.substr(0, target.find('?'));
    if (const auto at = target.find('?'); at != std::string::npos) {
      for (const auto& pair : split(std::string_view(target).substr(at + 1), '&')) {
        http.query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
      }
    }
    http.target = std::move(target);
    if (!body.is_null()) {
      http.body = to_bytes(json::serialize(body));
      http.headers.add("content-type", "application/json");
    }
    http.headers.add("authorization", "Bearer " + fixture_.base().log_in(role));
    const auto response = fixture_.router().respond(std::move(http));
    return {response.status, response.body.empty() ? json::value() : json::parse(as_text(response.body))};
  }
  Outcome officer(std::string method, std::string target, const json::value& body = nullptr) {
    return as(Role::kSecurityOfficer, std::move(method), std::move(target), body);
  }
  std::string last_audit() { return fixture_.base().log().records().back(); }

  // A KEK's certificate and key from elsewhere, RSA 2048.
  static const crypto::Pkcs12& partner() {
    static const crypto::Pkcs12 made = [] {
      crypto::SystemRandom random;
      crypto::Pkcs12 out;
      out.key = crypto::PrivateKey::generate_rsa(2048);
      crypto::CertificateSpec spec;
      spec.common_name = "partner";
      spec.use = crypto::CertificateUse::kKeyWrapping;
      spec.not_before = from_millis(1'700'000'000'000);
      spec.not_after = from_millis(2'500'000'000'000);
      out.certificate = *crypto::self_signed_certificate(spec, *out.key, random);
      return out;
    }();
    return made;
  }

  testing::KeydFixture fixture_;
};

std::string filled(std::string_view pattern) {
  std::string path;
  bool inside = false;
  for (const char c : pattern) {
    if (c == '{') path += 'x';
    inside = (inside || c == '{') && c != '}';
    if (!inside && c != '}') path += c;
  }
  return path;
}

TEST_F(KeydRoutes, K22_EveryRouteAllowsAndRefusesEachRoleAsTheTableSays) {
  std::size_t refused = 0;
  for (const Route& route : fixture_.router().routes()) {
    const std::string path = filled(route.pattern);
    if (!route.permission) continue;
    for (const Role role : people::all_roles()) {
      const auto outcome = as(role, std::string(route.method), path);
      const std::string what = std::string(route.method) + " " + path + " as " + std::string(to_string(role));
      if (people::allowed(role, *route.permission)) {
        EXPECT_THAT(outcome.status, Not(AnyOf(401U, 403U, 405U, 500U))) << what;
      } else {
        ++refused;
        EXPECT_EQ(outcome.status, 403U) << what;
        EXPECT_THAT(last_audit(), HasSubstr("request.refuse")) << what;
      }
    }
  }
  EXPECT_GT(refused, 20U);
}

TEST_F(KeydRoutes, K22_WithoutASessionOnlyHealthLoginAndTheDocumentAnswer) {
  for (const Route& route : fixture_.router().routes()) {
    net::HttpRequest http;
    http.method = std::string(route.method);
    http.path = http.target = filled(route.pattern);
    const auto status = fixture_.router().respond(http).status;
    if (route.permission) {
      EXPECT_EQ(status, 401U) << http.target;
    } else {
      EXPECT_THAT(std::string(route.pattern),
                  AnyOf("/v1/health", "/v1/session", "/v1/session/certificate", "/v1/openapi.json"));
    }
  }
}

TEST_F(KeydRoutes, K22_EveryChangeNeedsMoreThanAnAuditorHas) {
  for (const Route& route : fixture_.router().routes()) {
    if (!route.permission || route.method == "GET") continue;
    const bool harmless = route.noun == "session" || route.pattern == "/v1/people/{name}/password" ||
                          route.pattern == "/v1/audit/verify" || route.pattern == "/v1/audit/checkpoint" ||
                          route.pattern == "/v1/check-labels";
    EXPECT_EQ(people::allowed(Role::kAuditor, *route.permission), harmless)
        << route.method << " " << route.pattern;
  }
}

TEST_F(KeydRoutes, K1_DrivesAreAddedChangedListedAndDeleted) {
  const auto added = as(Role::kOperator, "POST", "/v1/drives", {{"serial", "1234567890"}, {"kind", "3592"}});
  ASSERT_EQ(added.status, 201U) << added.body;
  EXPECT_EQ(added.text("serial"), "001234567890");
  EXPECT_EQ(added.text("state"), "accepted");
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/drives", {{"serial", "1234567890"}}).status, 409U);
  EXPECT_THAT(last_audit(), HasSubstr("request.fail"));
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/drives", {{"serial", "12"}}).error("field"), "serial");
  EXPECT_EQ(as(Role::kAuditor, "GET", "/v1/drives?state=accepted").items(), 1U);
  EXPECT_EQ(as(Role::kAuditor, "GET", "/v1/drives?state=pending").items(), 0U);
  const auto changed =
      as(Role::kOperator, "PATCH", "/v1/drives/001234567890", {{"wwnn", "5005076300000001"}});
  ASSERT_EQ(changed.status, 200U) << changed.body;
  EXPECT_EQ(changed.text("wwnn"), "5005076300000001");
  EXPECT_EQ(changed.text("kind"), "3592");
  EXPECT_EQ(as(Role::kOperator, "PATCH", "/v1/drives/001234567890", {{"mode_1", "hash"}}).error("field"),
            "mode_1");
  EXPECT_EQ(as(Role::kOperator, "PATCH", "/v1/drives/001234567890", {{"certificate", "no PEM"}}).status,
            400U);
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/drives/001234567890/reject").text("state"), "rejected");
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/drives/001234567890/accept").text("state"), "accepted");
  EXPECT_EQ(
      as(Role::kOperator, "POST", "/v1/drives/001234567890/accept", {{"expected_identity", "12"}}).status,
      400U);
  EXPECT_EQ(as(Role::kOperator, "DELETE", "/v1/drives/001234567890").status, 204U);
  EXPECT_EQ(as(Role::kOperator, "GET", "/v1/drives/001234567890").status, 404U);
}

TEST_F(KeydRoutes, K1_AnOfferedIdentityIsForgottenAndWhatIsPinnedStays) {
  const auto identity = [] {
    crypto::CertificateSpec spec;
    spec.common_name = "001234567890";
    spec.not_before = from_millis(1'700'000'000'000);
    spec.not_after = from_millis(2'500'000'000'000);
    crypto::SystemRandom random;
    return *crypto::self_signed_certificate(spec, crypto::PrivateKey::generate_p256(), random);
  };
  ASSERT_EQ(
      as(Role::kOperator, "POST", "/v1/drives", {{"serial", "1234567890"}, {"certificate", identity().pem()}})
          .status,
      201U);
  const auto before = as(Role::kOperator, "GET", "/v1/drives/001234567890");
  keymgr::Caller caller;
  caller.serial = "001234567890";
  caller.identity = identity();
  ASSERT_TRUE(fixture_.manager().keystore().write([&](store::Transaction& transaction) -> Status {
    return fixture_.manager().drives().discover(transaction, caller, false).has_value()
               ? Status{}
               : Status(fail(ErrorCode::kInternal, "not discovered"));
  }));
  ASSERT_FALSE(fixture_.manager().drive("001234567890")->offered_certificate.empty());
  EXPECT_EQ(as(Role::kAuditor, "POST", "/v1/drives/001234567890/dismiss-offer").status, 403U);
  const auto dismissed = as(Role::kOperator, "POST", "/v1/drives/001234567890/dismiss-offer");
  ASSERT_EQ(dismissed.status, 200U) << dismissed.body;
  EXPECT_THAT(last_audit(), HasSubstr("drive.dismiss-offer"));
  EXPECT_TRUE(fixture_.manager().drive("001234567890")->offered_certificate.empty());
  EXPECT_EQ(dismissed.body, before.body) << "the pins stay, and the state";
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/drives/009999999999/dismiss-offer").status, 404U);
}

TEST_F(KeydRoutes, K1_TheDriveTableGoesOutAndComesBack) {
  ASSERT_EQ(officer("POST", "/v1/drives", {{"serial", "1234567890"}}).status, 201U);
  const auto exported = officer("GET", "/v1/drive-table/export");
  ASSERT_EQ(officer("DELETE", "/v1/drives/001234567890").status, 204U);
  const auto imported =
      officer("POST", "/v1/drive-table/import", {{"text", exported.text("text")}, {"mode", "merge"}});
  ASSERT_EQ(imported.status, 200U) << imported.body;
  EXPECT_EQ(imported.body.at("added"), 1);
  EXPECT_EQ(officer("POST", "/v1/drive-table/import", {{"text", "}"}, {"mode", "merge"}}).status, 400U);
  EXPECT_EQ(officer("POST", "/v1/drive-table/import", {{"text", "{}"}, {"mode", "mix"}}).error("field"),
            "mode");
}

TEST_F(KeydRoutes, K2_KeysAreGeneratedShownAndTheirStatesChanged) {
  const auto made = as(Role::kOperator, "POST", "/v1/keys", {{"count", 3}, {"prefix", "ABC"}});
  ASSERT_EQ(made.status, 201U) << made.body;
  EXPECT_EQ(made.body.at("count"), 3);
  EXPECT_THAT(made.text("first"), HasSubstr("ABC00"));
  const auto range = as(Role::kOperator, "POST", "/v1/keys", {{"range", "XYZ000000000000000001-0F"}});
  EXPECT_EQ(range.body.at("count"), 15) << range.body;
  EXPECT_EQ(officer("POST", "/v1/keys", {{"range", "XYZ01-0F"}, {"count", 2}}).error("field"), "range");
  EXPECT_EQ(officer("POST", "/v1/keys", {{"count", 0}}).error("field"), "count");
  EXPECT_EQ(officer("POST", "/v1/keys", {{"count", 100'001}}).error("field"), "count");
  EXPECT_EQ(officer("POST", "/v1/keys", {{"group", "NONE"}}).status, 404U);
  const auto page = officer("GET", "/v1/keys?limit=10");
  EXPECT_EQ(page.items(), 10U);
  EXPECT_EQ(officer("GET", "/v1/keys?limit=10&after=" + page.text("next")).items(), 8U);
  EXPECT_EQ(officer("GET", "/v1/keys?limit=0").error("field"), "limit");
  EXPECT_EQ(officer("GET", "/v1/keys?state=asleep").status, 400U);
  const std::string key = "/v1/keys/" + made.text("first");
  EXPECT_EQ(officer("PUT", key + "/state", {{"state", "deactivated"}}).text("state"), "deactivated");
  EXPECT_EQ(officer("PUT", key + "/state", {{"state", "active"}}).status, 409U);
  EXPECT_EQ(officer("GET", key).text("state"), "deactivated");
  EXPECT_EQ(officer("GET", "/v1/keys/NOSUCHKEY").status, 404U);
}

TEST_F(KeydRoutes, K3_GroupsTakeMoveAndGiveUpKeys) {
  ASSERT_EQ(officer("POST", "/v1/groups", {{"name", "Archive / 1"}, {"policy", "round-robin"}}).status, 201U);
  ASSERT_EQ(officer("POST", "/v1/groups", {{"name", "B"}}).status, 201U);
  EXPECT_EQ(officer("POST", "/v1/groups", {{"name", "b"}}).status, 409U);
  EXPECT_EQ(officer("POST", "/v1/groups", {{"name", "C"}, {"policy", "never"}}).error("field"), "policy");
  ASSERT_EQ(officer("POST", "/v1/keys", {{"range", "ABC01"}}).status, 201U);
  const std::string alias = "ABC01";
  const auto joined = officer("POST", "/v1/groups/archive%20%2F%201/keys", {{"alias", alias}});
  ASSERT_EQ(joined.status, 200U) << joined.body;
  EXPECT_EQ(joined.body.at("total"), 1);
  EXPECT_EQ(officer("POST", "/v1/groups/B/keys", {{"alias", alias}}).status, 409U);
  const auto moved = officer("POST", "/v1/groups/archive%20%2F%201/move", {{"alias", alias}, {"to", "B"}});
  ASSERT_EQ(moved.status, 200U) << moved.body;
  EXPECT_EQ(moved.text("name"), "B");
  EXPECT_EQ(officer("PUT", "/v1/groups/B/default").body.at("default"), true);
  EXPECT_EQ(officer("PATCH", "/v1/groups/B", {{"keys_ahead", 5}}).body.at("keys_ahead"), 5);
  EXPECT_EQ(officer("GET", "/v1/groups/B").text("policy"), "use-once");
  EXPECT_EQ(officer("DELETE", "/v1/groups/B/keys/" + alias).status, 204U);
  EXPECT_EQ(officer("GET", "/v1/groups").items(), 2U);
  EXPECT_EQ(officer("DELETE", "/v1/groups/archive%20%2F%201").status, 200U);
  EXPECT_EQ(officer("GET", "/v1/groups/gone").status, 404U);
}

TEST_F(KeydRoutes, K3_AGroupWithUnusedKeysIsDeletedOnlyWhenThatIsSaid) {
  ASSERT_EQ(officer("POST", "/v1/groups", {{"name", "DAILY"}}).status, 201U);
  ASSERT_EQ(officer("POST", "/v1/keys", {{"range", "ABC01-03"}, {"group", "DAILY"}}).status, 201U);
  const auto refused = officer("DELETE", "/v1/groups/DAILY");
  EXPECT_EQ(refused.status, 409U);
  EXPECT_EQ(refused.error("field"), "yes");
  EXPECT_THAT(refused.error("message"), HasSubstr("3 keys"));
  EXPECT_EQ(officer("GET", "/v1/groups/DAILY").body.at("total"), 3);
  const auto deleted = officer("DELETE", "/v1/groups/DAILY", {{"yes", true}});
  ASSERT_EQ(deleted.status, 200U) << deleted.body;
  EXPECT_EQ(deleted.text("deleted"), "DAILY");
  EXPECT_EQ(deleted.body.at("unused_keys_in_no_group"), 3);
  EXPECT_EQ(officer("GET", "/v1/groups/DAILY").status, 404U);
  ASSERT_EQ(officer("POST", "/v1/groups", {{"name", "D"}}).status, 201U);
  ASSERT_EQ(officer("PUT", "/v1/groups/D/default").status, 200U);
  EXPECT_EQ(officer("DELETE", "/v1/groups/D", {{"yes", true}}).status, 409U) << "it is the default";
}

TEST_F(KeydRoutes, K1_WhatAPersonNamesMustBeThere) {
  const auto refused = [&](const std::string& method, const std::string& path, const json::value& body) {
    const auto answer = officer(method, path, body);
    EXPECT_EQ(answer.status, 404U) << path << " " << answer.body;
    return answer.error("field");
  };
  const json::object serial{{"serial", "1234567890"}};
  const auto drive = [&](std::string_view field) {
    auto body = serial;
    body[field] = "NOPE";
    return body;
  };
  for (const std::string field : {"default_group", "default_alias", "label_1", "label_2"})
    EXPECT_EQ(refused("POST", "/v1/drives", drive(field)), field);
  EXPECT_EQ(officer("GET", "/v1/drives").items(), 0U) << "nothing was changed";
  ASSERT_EQ(officer("POST", "/v1/drives", serial).status, 201U);
  EXPECT_EQ(refused("PATCH", "/v1/drives/1234567890", {{"label_1", "NOPE"}}), "label_1");
  EXPECT_EQ(refused("PUT", "/v1/settings/default.label1", {{"value", "NOPE"}}), "default.label1");
  EXPECT_EQ(officer("PUT", "/v1/settings/default.label1", {{"value", ""}}).status, 200U) << "none";
  const json::value quota{
      {"subject_kind", "any"}, {"object_kind", "group"}, {"object", "NOPE"}, {"writes_day", 1}};
  EXPECT_EQ(refused("POST", "/v1/quotas", quota), "object");
  const json::value rule{
      {"subject_kind", "any"}, {"object_kind", "label"}, {"object", "NOPE"}, {"read", true}};
  EXPECT_EQ(refused("POST", "/v1/access", rule), "object");
  ASSERT_EQ(officer("POST", "/v1/groups", {{"name", "NOPE"}}).status, 201U);
  EXPECT_EQ(officer("POST", "/v1/quotas", quota).status, 201U);
  EXPECT_EQ(officer("PATCH", "/v1/drives/1234567890", {{"default_group", "nope"}}).status, 200U);
  const auto proxy =
      officer("POST", "/v1/proxies",
              {{"certificate", partner().certificate.pem()}, {"name", "engine"}, {"serial", "000000000000"}});
  ASSERT_EQ(proxy.status, 201U) << "its drive may come later";
  EXPECT_THAT(proxy.text("warning"), HasSubstr("no drive with this serial"));
}

TEST_F(KeydRoutes, K5_KeksAreGeneratedLabelledAndRequested) {
  const auto made = officer("POST", "/v1/keks",
                            {{"common_name", "tape KEK"}, {"bits", 2048}, {"labels", {"Alpha", "Beta"}}});
  ASSERT_EQ(made.status, 201U) << made.body;
  const std::string kek = "/v1/keks/" + made.text("id");
  EXPECT_EQ(officer("GET", "/v1/keks/alpha").text("id"), made.text("id"));
  EXPECT_EQ(officer("GET", "/v1/keks/gamma").status, 404U);
  EXPECT_EQ(officer("POST", "/v1/keks", {{"common_name", "x"}, {"bits", 2049}}).status, 400U);
  EXPECT_EQ(officer("POST", "/v1/keks", {{"common_name", "x"}, {"bits", 512}}).error("field"), "bits");
  EXPECT_EQ(officer("POST", kek + "/labels", {{"label", "Gamma"}}).body.at("labels").as_array().size(), 3U);
  EXPECT_EQ(officer("DELETE", kek + "/labels/gamma").status, 204U);
  const auto request = officer("GET", kek + "/request");
  EXPECT_TRUE(crypto::read_certificate_request(request.text("request")));
  EXPECT_EQ(
      officer("PUT", kek + "/certificate", {{"certificate", partner().certificate.pem()}}).error("field"),
      "certificate");
  EXPECT_EQ(officer("PUT", kek + "/state", {{"state", "deactivated"}}).text("state"), "deactivated");
  EXPECT_EQ(officer("GET", "/v1/keks").items(), 1U);
}

TEST_F(KeydRoutes, K21_AnOfficerGivesTheServerAnIssuerWhoseKeyStays) {
  EXPECT_EQ(officer("GET", "/v1/kmip/issuer").status, 404U);
  const auto asked = officer("POST", "/v1/kmip/issuer/request", {{"common_name", "KMIP issuer"}});
  ASSERT_EQ(asked.status, 201U) << asked.body;
  const auto pem = asked.text("request");
  EXPECT_EQ(json::serialize(asked.body).find("PRIVATE"), std::string::npos);
  const auto request = crypto::read_certification_request(as_bytes(pem));
  ASSERT_TRUE(request) << request.error().text();
  crypto::SystemRandom random;
  crypto::CertificateSpec spec;
  spec.common_name = "Site authority";
  spec.use = crypto::CertificateUse::kAuthority;
  spec.not_before = from_millis(0);
  spec.not_after = from_millis(4'000'000'000'000);
  const auto key = crypto::PrivateKey::generate_p256();
  const auto authority = crypto::self_signed_certificate(spec, key, random).value();
  const crypto::LeafSpec leaf{request->subject, request->spki, {}, spec.not_before, spec.not_after};
  const auto issuer = crypto::issue_issuer(leaf, authority, key, random).value();
  const auto set = [&](const crypto::Certificate& certificate, std::int64_t days) {
    return officer("PUT", "/v1/kmip/issuer", {{"certificate", certificate.pem()}, {"days", days}});
  };
  EXPECT_EQ(set(authority, 30).error("field"), "certificate");
  EXPECT_EQ(set(issuer, 0).error("field"), "days");
  EXPECT_EQ(as(Role::kOperator, "PUT", "/v1/kmip/issuer", {{"certificate", issuer.pem()}}).status, 403U);
  EXPECT_EQ(set(issuer, 30).text("subject"), "CN=KMIP issuer");
  EXPECT_THAT(last_audit(), HasSubstr("kmip.issuer.set"));
  EXPECT_EQ(officer("GET", "/v1/kmip/issuer").body.at("days"), 30);
  EXPECT_EQ(officer("DELETE", "/v1/kmip/issuer").status, 204U);
  EXPECT_EQ(officer("DELETE", "/v1/kmip/issuer").status, 404U);
}

TEST_F(KeydRoutes, K5_Pkcs12GoesInAndOutUnderItsPassphrase) {
  const auto passphrase = crypto::SecretBytes::copy_of(as_bytes("a long passphrase"));
  const std::string file = to_base64(*crypto::write_pkcs12(partner(), passphrase));
  const auto wrong = officer("POST", "/v1/keks/pkcs12",
                             {{"file", file}, {"passphrase", "another passphrase"}, {"labels", {"P"}}});
  EXPECT_EQ(wrong.status, 422U) << wrong.body;
  EXPECT_THAT(json::serialize(wrong.body), Not(HasSubstr("another passphrase")));
  const auto imported = officer("POST", "/v1/keks/pkcs12",
                                {{"file", file}, {"passphrase", "a long passphrase"}, {"labels", {"P"}}});
  ASSERT_EQ(imported.status, 201U) << imported.body;
  EXPECT_EQ(imported.body.at("has_private"), true);
  const json::value wanted{{"passphrase", "the file's passphrase"}};
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/keks/P/export", wanted).status, 403U);
  EXPECT_EQ(officer("POST", "/v1/keks/P/export", {{"passphrase", "short"}}).status, 400U);
  const auto exported = officer("POST", "/v1/keks/P/export", wanted);
  ASSERT_EQ(exported.status, 200U) << exported.body;
  const auto opened = crypto::read_pkcs12(*from_base64(exported.text("file"), "file"),
                                          crypto::SecretBytes::copy_of(as_bytes("the file's passphrase")));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->certificate.fingerprint(), partner().certificate.fingerprint());
  for (const auto& line : fixture_.base().log().records())
    EXPECT_THAT(line, Not(HasSubstr("passphrase\":\"")));
}

TEST_F(KeydRoutes, K6_TheHolderElsewhereProvesThatItCanUnwrap) {
  ASSERT_EQ(officer("POST", "/v1/keks/certificates",
                    {{"certificate", partner().certificate.pem()}, {"labels", {"Elsewhere"}}})
                .status,
            201U);
  const auto challenge = officer("POST", "/v1/keks/elsewhere/challenge");
  ASSERT_EQ(challenge.status, 201U) << challenge.body;
  const auto secret = partner().key->unwrap(*from_base64(challenge.text("wrapped"), "wrapped"),
                                            as_bytes("tapewarden proof of possession"));
  ASSERT_TRUE(secret);
  const json::value answer{{"challenge", challenge.text("challenge")}, {"answer", to_hex(secret->reveal())}};
  EXPECT_EQ(officer("POST", "/v1/keks/elsewhere/proof", answer).body.at("proven"), true);
  EXPECT_EQ(officer("POST", "/v1/keks/elsewhere/proof", answer).status, 404U);
  const auto second = officer("POST", "/v1/keks/elsewhere/challenge");
  const json::value wrong{{"challenge", second.text("challenge")}, {"answer", std::string(64, '0')}};
  EXPECT_EQ(officer("POST", "/v1/keks/elsewhere/proof", wrong).status, 403U);
  EXPECT_EQ(
      officer("POST", "/v1/keks/elsewhere/proof", {{"challenge", "x"}, {"answer", "zz"}}).error("field"),
      "answer");
}

TEST_F(KeydRoutes, K27_AccessRulesAndProxies) {
  ASSERT_EQ(officer("POST", "/v1/groups", {{"name", "B"}}).status, 201U);
  const auto rule = officer("POST", "/v1/access",
                            {{"subject_kind", "drive"},
                             {"subject", "1234567890"},
                             {"object_kind", "group"},
                             {"object", "B"},
                             {"read", true}});
  ASSERT_EQ(rule.status, 201U) << rule.body;
  EXPECT_EQ(rule.body.at("write"), false);
  EXPECT_EQ(officer("GET", "/v1/access").items(), 1U);
  EXPECT_EQ(officer("POST", "/v1/access", {{"subject_kind", "drive"}}).error("field"), "object_kind");
  EXPECT_EQ(as(Role::kOperator, "DELETE", "/v1/access/" + rule.text("id")).status, 403U);
  EXPECT_EQ(officer("DELETE", "/v1/access/" + rule.text("id")).status, 204U);
  EXPECT_EQ(officer("DELETE", "/v1/access/nonsense").status, 404U);

  const json::value proxy{
      {"certificate", partner().certificate.pem()}, {"name", "engine"}, {"serial", "1234567890"}};
  const auto allowed = officer("POST", "/v1/proxies", proxy);
  ASSERT_EQ(allowed.status, 201U) << allowed.body;
  EXPECT_EQ(officer("GET", "/v1/proxies").items(), 1U);
  EXPECT_EQ(officer("POST", "/v1/proxies", {{"name", "x"}, {"serial", "1234567890"}}).error("field"),
            "fingerprint");
  EXPECT_EQ(officer("DELETE", "/v1/proxies/" + allowed.text("fingerprint") + "/1234567890").status, 204U);
  const auto again = officer("DELETE", "/v1/proxies/" + allowed.text("fingerprint") + "/1234567890");
  EXPECT_EQ(again.status, 404U);
  EXPECT_NE(again.error("message").find("no proxy with this certificate"), std::string::npos);
  EXPECT_EQ(officer("GET", "/v1/proxies").items(), 0U);
}

TEST_F(KeydRoutes, U3_SettingsTellTheirMeaningAndGoBackToTheirDefault) {
  EXPECT_GE(officer("GET", "/v1/settings").items(), 5U);
  EXPECT_EQ(officer("PUT", "/v1/settings/drive.unknown", {{"value", "accept"}}).text("value"), "accept");
  EXPECT_EQ(officer("PUT", "/v1/settings/drive.unknown", {{"value", "perhaps"}}).status, 400U);
  EXPECT_EQ(officer("PUT", "/v1/settings/no.such", {{"value", "x"}}).status, 404U);
  EXPECT_EQ(officer("DELETE", "/v1/settings/drive.unknown").text("value"), "pending");
  EXPECT_EQ(officer("GET", "/v1/settings/drive.unknown").text("default"), "pending");
  EXPECT_EQ(officer("GET", "/v1/settings/no.such").status, 404U);
}

TEST_F(KeydRoutes, K12_TheLedgerIsAskedByEveryFilter) {
  EXPECT_EQ(officer("GET", "/v1/ledger").items(), 0U);
  EXPECT_EQ(officer("GET",
                    "/v1/ledger?volser=VOL001&alias=A&label=L&drive=1234567890&from=2026-01-01"
                    "&until=2026-12-31T23:59:59Z&kek=" +
                        std::string(64, 'a'))
                .items(),
            0U);
  EXPECT_EQ(officer("GET", "/v1/ledger?volume=none").error("field"), "volume");
  for (const char* bad : {"2026-13-01", "2026-02-30", "yesterday", "2026-01-01T25:00:00Z", "2026/01/01"}) {
    EXPECT_EQ(officer("GET", std::string("/v1/ledger?from=") + bad).error("field"), "from") << bad;
  }
}

TEST_F(KeydRoutes, K12_EvidenceOfAnUnknownCartridgeIsNotFound) {
  EXPECT_EQ(as(Role::kAuditor, "GET", "/v1/ledger/VOL001/evidence").error("field"), "volser");
  EXPECT_EQ(as(Role::kOperator, "GET", "/v1/ledger/VOL001/evidence").status, 404U);
}

TEST_F(KeydRoutes, K12_EvidenceIsASignedTextOfWhatTheLedgerHolds) {
  ASSERT_TRUE(fixture_.manager().keystore().write([&](store::Transaction& transaction) -> Status {
    keymgr::LedgerEntry entry;
    entry.volser = "VOL001";
    (void)TRY(fixture_.manager().ledger().add(transaction, entry));
    return {};
  }));
  const auto answer = as(Role::kAuditor, "GET", "/v1/ledger/vol001/evidence");
  ASSERT_EQ(answer.status, 200U) << answer.body;
  EXPECT_THAT(answer.text("pack"), StartsWith("{\"tapewarden evidence 1\":\n"));
}

TEST_F(KeydRoutes, D6_ErasuresAreCertifiedForWhoeverErases) {
  json::object report{{"volser", "VOL001"},
                      {"volume", "2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa"},
                      {"method", "overwrite"},
                      {"began", "2026-11-21T02:40:32Z"},
                      {"ended", "2026-11-21T02:41:32Z"},
                      {"bytes_overwritten", 4096},
                      {"key_check_values", {"00ff"}}};
  const auto made = as(Role::kOperator, "POST", "/v1/erasures", report);
  ASSERT_EQ(made.status, 201U) << made.body;
  EXPECT_THAT(made.text("certificate"), StartsWith("{\"tapewarden erasure 1\":\n"));
  for (const auto& [field, bad] :
       std::vector<std::pair<std::string, json::value>>{{"volume", "none"},
                                                        {"method", "burnt"},
                                                        {"began", "then"},
                                                        {"ended", "2026-11-20"},
                                                        {"bytes_overwritten", -1},
                                                        {"dki", "00"},
                                                        {"key_check_values", json::array{"x"}}}) {
    auto wrong = report;
    wrong[field] = bad;
    EXPECT_EQ(officer("POST", "/v1/erasures", wrong).error("field"), field);
  }
  EXPECT_EQ(as(Role::kAuditor, "POST", "/v1/erasures", report).status, 403U);
}

TEST_F(KeydRoutes, D6_TheOtherCartridgesOfAKeyAreAskedFor) {
  const std::string volume = "2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa";
  EXPECT_EQ(officer("GET", "/v1/ledger/same-key?volser=VOL001&volume=" + volume).items(), 0U);
  EXPECT_EQ(officer("GET", "/v1/ledger/same-key?volser=VOL001&volume=none").error("field"), "volume");
  EXPECT_EQ(officer("GET", "/v1/ledger/same-key?volser=VOL001&dki=12&volume=" + volume).error("field"),
            "dki");
}

TEST_F(KeydRoutes, K12_OldMetadataIsImportedByAnOfficer) {
  const json::object body{{"text",
                           "<KeyUsageEvent><DriveSSN>1300000123</DriveSSN><VolSer>OLD001</VolSer>"
                           "<keyAlias1>cert1</keyAlias1><dateTime>Tue Feb 20 09:18:07 UTC 2007</dateTime>"
                           "</KeyUsageEvent><KeyUsageEvent>"}};
  auto dry = body;
  dry["dry_run"] = true;
  EXPECT_EQ(officer("POST", "/v1/ledger/import-ekm", dry).body.at("added"), 1);
  EXPECT_EQ(officer("GET", "/v1/ledger?volser=OLD001").items(), 0U);
  const auto done = officer("POST", "/v1/ledger/import-ekm", body);
  ASSERT_EQ(done.status, 200U) << done.body;
  EXPECT_EQ(done.body.at("left_out"), 1);
  EXPECT_EQ(done.body.at("lines").at(1).at("outcome"), "left-out");
  EXPECT_EQ(officer("GET", "/v1/ledger?volser=OLD001").body.at("items").at(0).at("state"), "imported");
  EXPECT_EQ(officer("POST", "/v1/ledger/import-ekm", {{"text", "no XML"}}).error("field"), "text");
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/ledger/import-ekm", body).status, 403U);
}

TEST_F(KeydRoutes, K13_TheAuditIsListedFilteredAndVerified) {
  ASSERT_TRUE(fixture_.note(R"({"type":"key_serving","outcome":"success","action":"serve","actor":"d1"})"));
  ASSERT_TRUE(fixture_.note(R"({"type":"key_serving","outcome":"failure","action":"serve","actor":"d2"})"));
  const auto refused = as(Role::kAuditor, "GET", "/v1/audit?outcome=failure&type=key_serving");
  ASSERT_EQ(refused.status, 200U) << refused.body;
  ASSERT_EQ(refused.items(), 1U) << refused.body;
  EXPECT_EQ(refused.body.at("items").at(0).at("actor"), "d2");
  EXPECT_EQ(as(Role::kAuditor, "GET", "/v1/audit?type=gossip").error("field"), "type");
  EXPECT_EQ(as(Role::kAuditor, "GET", "/v1/audit?limit=1001").error("field"), "limit");
  EXPECT_EQ(as(Role::kAuditor, "GET", "/v1/audit?after_line=-1").error("field"), "after_line");
  EXPECT_EQ(as(Role::kAuditor, "POST", "/v1/audit/verify").body.at("intact"), true);
}

TEST_F(KeydRoutes, K13_ACheckpointIsMadePrintedAndComparedLater) {
  ASSERT_TRUE(fixture_.note(R"({"type":"runtime","outcome":"success","action":"x"})"));
  EXPECT_EQ(as(Role::kOperator, "POST", "/v1/audit/checkpoint").status, 403U);
  const auto made = as(Role::kAuditor, "POST", "/v1/audit/checkpoint");
  ASSERT_EQ(made.status, 200U) << made.body;
  EXPECT_THAT(last_audit(), HasSubstr("audit.checkpoint"));
  const auto good = as(Role::kAuditor, "POST", "/v1/audit/verify", {{"against", made.text("text")}});
  ASSERT_EQ(good.status, 200U) << good.body;
  EXPECT_EQ(good.body.at("intact"), true);
  EXPECT_EQ(good.body.at("noted_compared"), 1);
  const auto bad = as(Role::kAuditor, "POST", "/v1/audit/verify", {{"against", "nothing noted"}});
  EXPECT_EQ(bad.status, 400U);
  EXPECT_EQ(bad.error("field"), "against");
}

TEST_F(KeydRoutes, K13_ThePeersCheckpointsFindARecordThatWasCutOff) {
  const auto made = as(Role::kAuditor, "POST", "/v1/audit/checkpoint");
  auto note = audit::parse_note(made.text("text"));
  ASSERT_TRUE(note.has_value());
  fixture_.by_peer = std::vector<audit::CheckpointNote>{*note};
  const auto good = as(Role::kAuditor, "POST", "/v1/audit/verify");
  EXPECT_EQ(good.body.at("intact"), true) << good.body;
  EXPECT_EQ(good.text("peer"), "the peer holds 1 checkpoint of this server's record");
  // What the peer holds of a longer record than there is.
  note->point.line += 100;
  note->signature = fixture_.sign(audit::checkpoint_message(note->mark, note->point));
  fixture_.by_peer = std::vector<audit::CheckpointNote>{*note};
  const auto cut = as(Role::kAuditor, "POST", "/v1/audit/verify");
  EXPECT_EQ(cut.body.at("intact"), false) << cut.body;
  EXPECT_THAT(json::value_to<std::string>(cut.body.at("fault").at("message")), HasSubstr("was taken away"));
  fixture_.by_peer = fail(ErrorCode::kUnavailable, "nobody there");
  const auto alone = as(Role::kAuditor, "POST", "/v1/audit/verify");
  EXPECT_EQ(alone.body.at("intact"), true);
  EXPECT_THAT(alone.text("peer"), HasSubstr("not compared"));
  fixture_.of_peer = {*note};
  const auto listed = as(Role::kAuditor, "GET", "/v1/audit/peer-checkpoints");
  EXPECT_EQ(listed.items(), 1U);
  EXPECT_EQ(listed.text("text"), audit::note_text(*note) + "\n");
  EXPECT_EQ(as(Role::kOperator, "GET", "/v1/audit/peer-checkpoints").status, 403U);
}

TEST_F(KeydRoutes, K13_ADamagedAuditIsFoundAndNamed) {
  ASSERT_TRUE(fixture_.note(R"({"type":"runtime","outcome":"success","action":"a","actor":"d1"})"));
  ASSERT_TRUE(fixture_.note(R"({"type":"runtime","outcome":"success","action":"b","actor":"d1"})"));
  auto& disk = *fixture_.base().env().disk;
  const auto names = disk.list(fixture_.audit_directory());
  ASSERT_TRUE(names);
  for (const auto& name : *names) {
    const std::string path = fixture_.audit_directory() + "/" + name;
    auto content = *read_file(disk, path, 1U << 20);
    const auto at = as_text(content).find("\"d1\"");
    if (at == std::string_view::npos) continue;
    const auto file = disk.open(path, OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->write_at(at + 1, as_bytes("e")));
  }
  const auto report = as(Role::kAuditor, "POST", "/v1/audit/verify");
  EXPECT_EQ(report.body.at("intact"), false) << report.body;
  EXPECT_FALSE(json::value_to<std::string>(report.body.at("fault").at("message")).empty());
}

TEST_F(KeydRoutes, U3_StatusTellsServerHeadAndWarnings) {
  ASSERT_EQ(officer("POST", "/v1/groups", {{"name", "B"}}).status, 201U);
  const auto before = officer("GET", "/v1/status");
  ASSERT_EQ(before.status, 200U) << before.body;
  EXPECT_EQ(before.text("server"), fixture_.base().server().text());
  EXPECT_EQ(before.text("name"), "primary");
  EXPECT_GT(before.body.at("head").at("sequence").as_int64(), 0);
  EXPECT_TRUE(before.body.at("peer").is_null());
  EXPECT_EQ(before.body.at("warnings").as_array().size(), 1U)
      << "two-person approval is off: " << before.body;
  EXPECT_EQ(before.body.at("serve").at("policy"), "at-once") << "neither a peer nor a backup target";
  EXPECT_EQ(before.body.at("serve").at("chosen"), false);
  EXPECT_EQ(before.body.at("serve").at("writes_waiting").to_number<int>(), 0);
  ASSERT_EQ(officer("PUT", "/v1/settings/keys.serve", {{"value", "after-backup"}}).status, 200U);
  EXPECT_EQ(officer("GET", "/v1/status").body.at("serve").at("policy"), "after-backup");
  const json::value soon{{"common_name", "brief"}, {"bits", 2048}, {"valid_days", 7}, {"labels", {"S"}}};
  ASSERT_EQ(officer("POST", "/v1/keks", soon).status, 201U);
  EXPECT_THAT(json::serialize(officer("GET", "/v1/status").body.at("warnings")), HasSubstr("brief"));
  EXPECT_EQ(officer("GET", "/v1/servers").items(), 1U);
}

TEST_F(KeydRoutes, T3_LabelsAreCheckedBeforeAPoolUsesThem) {
  ASSERT_EQ(officer("POST", "/v1/groups", {{"name", "B"}}).status, 201U);
  const auto checked = officer("POST", "/v1/check-labels", {{"labels", {"nolabel"}}, {"groups", {"B"}}});
  ASSERT_EQ(checked.status, 200U) << checked.body;
  ASSERT_EQ(checked.items(), 2U);
  EXPECT_EQ(checked.body.at("items").at(0).at("known"), false);
  EXPECT_EQ(checked.body.at("items").at(1).at("known"), true);
  EXPECT_EQ(checked.body.at("items").at(1).at("writable"), false);
  EXPECT_EQ(officer("POST", "/v1/check-labels", json::object{}).error("field"), "labels");
}

}  // namespace
}  // namespace tapewarden::admin
