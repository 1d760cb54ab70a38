#include "admin/http/router.h"

#include <boost/json.hpp>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/http/json_answer.h"
#include "admin/http/openapi.h"
#include "admin/http/session_routes.h"
#include "people/testing/people_fixture.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using people::Permission;
using people::Role;
using ::testing::HasSubstr;
using ::testing::Not;

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    router_.add(session_routes(fixture_.people(), [this] { return ready_; }, "tapewarden-keyd"));
    router_.add(people_routes(fixture_.people()));
    router_.add({{.method = "GET",
                  .pattern = "/v1/things/{name}",
                  .permission = Permission::kView,
                  .noun = "thing",
                  .summary = "Show a thing.",
                  .fields = {{.name = "limit", .type = FieldType::kInteger, .place = FieldPlace::kQuery},
                             {.name = "tag", .type = FieldType::kTextList, .place = FieldPlace::kQuery}},
                  .handler = [](const Request& request) -> Result<Answer> {
                    json::array tags;
                    for (const auto& tag : request.arguments.list("tag")) tags.emplace_back(tag);
                    return json_answer(
                        json::object{{"name", request.arguments.text("name")},
                                     {"limit", request.arguments.integer("limit").value_or(-1)},
                                     {"tags", std::move(tags)}});
                  }},
                 {.method = "POST",
                  .pattern = "/v1/things",
                  .permission = Permission::kChangeKeys,
                  .noun = "thing",
                  .summary = "Make a thing.",
                  .fields = {{.name = "name", .required = true, .meaning = "its name", .limit = 8},
                             {.name = "colour", .choices = {"red", "blue"}},
                             {.name = "count", .type = FieldType::kInteger},
                             {.name = "loud", .type = FieldType::kFlag},
                             {.name = "file", .type = FieldType::kFile},
                             {.name = "words", .type = FieldType::kTextList},
                             {.name = "secret", .type = FieldType::kSecret, .limit = 32}},
                  .handler = [this](const Request& request) { return make_thing(request); }}});
  }

  Result<Answer> make_thing(const Request& request) {
    if (request.arguments.text("name") == "bad") {
      return fail(ErrorCode::kConflict, "a thing is in the way", "name", "move it", 0xEE34);
    }
    const auto* secret = request.arguments.optional_secret("secret");
    seen_secret_ = secret != nullptr ? std::string(as_text(secret->reveal())) : "";
    return json_answer({{"made", request.arguments.text("name")}}, 201);
  }

  net::HttpRequest request(std::string method, std::string target, std::string_view body = {},
                           std::string token = {}) {
    net::HttpRequest http;
    http.method = std::move(method);
    http.path = target.substr(0, target.find('?'));
    const auto question = target.find('?');
    if (question != std::string::npos) {
      std::string_view query = std::string_view(target).substr(question + 1);
      while (!query.empty()) {
        const auto pair = query.substr(0, query.find('&'));
        http.query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
      }
    }
    http.target = std::move(target);
    http.body = to_bytes(body);
    if (!body.empty()) http.headers.add("content-type", "application/json");
    if (!token.empty()) http.headers.add("authorization", "Bearer " + token);
    return http;
  }
  net::HttpResponse call(std::string method, std::string target, std::string_view body = {},
                         std::string token = {}) {
    return router_.respond(request(std::move(method), std::move(target), body, std::move(token)));
  }
  static json::value parsed(const net::HttpResponse& response) { return json::parse(as_text(response.body)); }
  static std::string error_of(const net::HttpResponse& response, const char* member) {
    return json::value_to<std::string>(parsed(response).at("error").at(member));
  }
  std::string log_in(Role role) { return fixture_.log_in(role); }

  people::testing::PeopleFixture fixture_;
  ThreadPool workers_{2};
  Router router_{fixture_.people(), workers_};
  std::string seen_secret_;
  bool ready_ = true;
};

TEST_F(RouterTest, U3_LoginGivesATokenThatOpensRoutesUntilLogout) {
  const auto login =
      call("POST", "/v1/session", R"({"name": "auditor", "password": "a p\u0061ssword for tests"})");
  ASSERT_EQ(login.status, 200U) << as_text(login.body);
  const auto token = json::value_to<std::string>(parsed(login).at("token"));
  EXPECT_EQ(parsed(login).at("role"), "auditor");
  EXPECT_EQ(login.headers.get("Cache-Control"), "no-store");
  EXPECT_EQ(call("GET", "/v1/things/x", {}, token).status, 200U);
  EXPECT_EQ(parsed(call("GET", "/v1/session", {}, token)).at("name"), "auditor");
  EXPECT_EQ(call("DELETE", "/v1/session", {}, token).status, 204U);
  EXPECT_EQ(call("GET", "/v1/things/x", {}, token).status, 401U);
}

TEST_F(RouterTest, U3_WrongPasswordIsRefusedWithoutAnEcho) {
  const auto refused = call("POST", "/v1/session", R"({"name":"auditor","password":"quite another one"})");
  EXPECT_EQ(refused.status, 401U);
  EXPECT_EQ(refused.headers.get("WWW-Authenticate"), "Bearer");
  EXPECT_THAT(as_text(refused.body), Not(HasSubstr("quite another")));
  for (const auto& line : fixture_.log().records()) EXPECT_THAT(line, Not(HasSubstr("quite another")));
}

TEST_F(RouterTest, U3_CertificateLoginNeedsACertificateOfAKnownPerson) {
  EXPECT_EQ(call("POST", "/v1/session/certificate").status, 401U);
  auto http = request("POST", "/v1/session/certificate");
  auto session = std::make_shared<net::SessionInfo>();
  const auto key = crypto::PrivateKey::generate_p256();
  crypto::SystemRandom random;
  crypto::CertificateSpec spec;
  spec.common_name = "officer";
  spec.not_after = from_millis(4'000'000'000'000);
  session->peer.certificate = *crypto::self_signed_certificate(spec, key, random);
  session->peer.fingerprint = session->peer.certificate.fingerprint();
  http.session = session;
  EXPECT_EQ(router_.respond(http).status, 401U);
  const auto officer = log_in(Role::kSecurityOfficer);
  const std::string change = R"({"certificate_fingerprint":")" + to_hex(session->peer.fingerprint) + "\"}";
  ASSERT_EQ(call("PATCH", "/v1/people/officer", change, officer).status, 200U);
  const auto login = router_.respond(http);
  ASSERT_EQ(login.status, 200U) << as_text(login.body);
  EXPECT_EQ(parsed(login).at("method"), "certificate");
  session->peer.expired = true;
  EXPECT_EQ(router_.respond(http).status, 401U);
}

TEST_F(RouterTest, U3_MissingUnknownAndExpiredSessionsAreRefused) {
  EXPECT_EQ(call("GET", "/v1/things/x").status, 401U);
  EXPECT_EQ(call("GET", "/v1/things/x", {}, "nonsense").status, 401U);
  EXPECT_EQ(call("GET", "/v1/things/x", {}, std::string(64, '0')).status, 401U);
  const auto token = log_in(Role::kAuditor);
  fixture_.clock().advance(std::chrono::minutes(15));
  EXPECT_EQ(call("GET", "/v1/things/x", {}, token).status, 401U);
}

TEST_F(RouterTest, U3_LackOfPermissionIsRefusedAndAudited) {
  const auto token = log_in(Role::kAuditor);
  const auto refused = call("POST", "/v1/things", R"({"name":"x"})", token);
  EXPECT_EQ(refused.status, 403U);
  EXPECT_THAT(error_of(refused, "message"), HasSubstr("change-keys"));
  EXPECT_THAT(error_of(refused, "remedy"), HasSubstr("security-officer"));
  EXPECT_THAT(fixture_.log().records().back(), HasSubstr("\"request\":\"POST /v1/things\""));
  EXPECT_THAT(fixture_.log().records().back(), HasSubstr("\"permission\":\"change-keys\""));
}

TEST_F(RouterTest, U3_AFailedChangeIsAuditedAndToldInFull) {
  const auto token = log_in(Role::kSecurityOfficer);
  const auto failed = call("POST", "/v1/things", R"({"name":"bad"})", token);
  EXPECT_EQ(failed.status, 409U);
  EXPECT_EQ(error_of(failed, "code"), "conflict");
  EXPECT_EQ(error_of(failed, "origin"), "key-server");
  EXPECT_EQ(error_of(failed, "field"), "name");
  EXPECT_EQ(error_of(failed, "remedy"), "move it");
  EXPECT_EQ(error_of(failed, "detail"), "EE34");
  EXPECT_THAT(fixture_.log().records().back(), HasSubstr("a thing is in the way"));
}

TEST_F(RouterTest, U3_UnknownPathsAndMethodsSaySo) {
  EXPECT_EQ(call("GET", "/v1/nothing").status, 404U);
  EXPECT_EQ(call("GET", "/").status, 404U);
  EXPECT_EQ(call("GET", "/v1/things/x/y").status, 404U);
  EXPECT_EQ(call("GET", "/v1/things/%zz").status, 404U);
  const auto refused = call("PUT", "/v1/session");
  EXPECT_EQ(refused.status, 405U);
  EXPECT_THAT(std::string(refused.headers.get("Allow")), HasSubstr("POST"));
}

TEST_F(RouterTest, U3_NamesInPathsAreDecodedAfterSplitting) {
  const auto token = log_in(Role::kAuditor);
  EXPECT_EQ(parsed(call("GET", "/v1/things/a%2Fb%20c", {}, token)).at("name"), "a/b c");
  const auto listed = call("GET", "/v1/things/x?tag=a&limit=7&tag=b", {}, token);
  EXPECT_EQ(parsed(listed).at("limit"), 7);
  EXPECT_EQ(parsed(listed).at("tags").as_array().size(), 2U);
}

TEST_F(RouterTest, U3_BadQueriesNameTheParameter) {
  const auto token = log_in(Role::kAuditor);
  for (const auto& [target, field] :
       std::vector<std::pair<std::string, std::string>>{{"/v1/things/x?limit=much", "limit"},
                                                        {"/v1/things/x?limit=1&limit=2", "limit"},
                                                        {"/v1/things/x?other=1", "other"}}) {
    const auto refused = call("GET", target, {}, token);
    EXPECT_EQ(refused.status, 400U) << target;
    EXPECT_EQ(error_of(refused, "field"), field);
  }
}

TEST_F(RouterTest, U3_BadBodiesNameTheField) {
  const auto token = log_in(Role::kSecurityOfficer);
  const std::vector<std::pair<std::string, std::string>> bodies{
      {"{", "body"},
      {"[1]", "body"},
      {"not json", "body"},
      {"{\"name\":\"x\"} more", "body"},
      {"{\"name\":\"\xff\"}", "body"},
      {std::string(100, '['), "body"},
      {"{}", "name"},
      {R"({"name":null})", "name"},
      {R"({"name":7})", "name"},
      {R"({"name":"ninechars"})", "name"},
      {R"({"name":"x","nmae":"y"})", "nmae"},
      {R"({"name":"x","colour":"green"})", "colour"},
      {R"({"name":"x","count":"7"})", "count"},
      {R"({"name":"x","count":1.5})", "count"},
      {R"({"name":"x","loud":"yes"})", "loud"},
      {R"({"name":"x","file":"@@@@"})", "file"},
      {R"({"name":"x","words":"one"})", "words"},
      {R"({"name":"x","words":[1]})", "words"},
      {R"({"name":"x","secret":7})", "secret"},
      {R"({"name":"x","secret":["deep"]})", "secret"},
      {R"({"name":"x","s\u0065cret":"hidden"})", "secret"},
      {R"({"name":"x","secret":"a","secret":"b"})", "secret"},
      {R"({"name":"x","secret":"\ud800"})", "secret"},
      {R"({"name":"x","secret":"123456789012345678901234567890123"})", "secret"},
  };
  for (const auto& [body, field] : bodies) {
    const auto refused = call("POST", "/v1/things", body, token);
    EXPECT_EQ(refused.status, 400U) << body;
    EXPECT_EQ(error_of(refused, "field"), field) << body;
    EXPECT_THAT(as_text(refused.body), Not(HasSubstr("hidden")));
  }
}

TEST_F(RouterTest, U3_SecretsArriveDecoded) {
  const auto token = log_in(Role::kSecurityOfficer);
  const auto made =
      call("POST", "/v1/things",
           R"({"words":["secret","x"],"secret" : "a\"\\\u00e4\ud83d\ude00,}{","name":"x"})", token);
  ASSERT_EQ(made.status, 201U) << as_text(made.body);
  EXPECT_EQ(seen_secret_, "a\"\\ä😀,}{");
  EXPECT_THAT(as_text(made.body), Not(HasSubstr("ä")));
}

TEST_F(RouterTest, U3_OnlyJsonBodiesAreRead) {
  const auto token = log_in(Role::kSecurityOfficer);
  auto http = request("POST", "/v1/things", R"({"name":"x"})", token);
  http.headers.fields.front().second = "text/plain";
  EXPECT_EQ(router_.respond(http).status, 415U);
  http.headers.fields.front().second = "Application/JSON; charset=utf-8";
  EXPECT_EQ(router_.respond(http).status, 201U);
}

TEST_F(RouterTest, U4_HealthNeedsNoLoginAndTellsNoMoreThanReadyAndWhichProgram) {
  EXPECT_EQ(as_text(call("GET", "/v1/health").body), R"({"ready":true,"program":"tapewarden-keyd"})");
  ready_ = false;
  EXPECT_EQ(call("GET", "/v1/health").status, 503U);
}

TEST_F(RouterTest, U3_TooManyRequestsAtOnceAreRefusedAtOnce) {
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  Router narrow(fixture_.people(), workers_, {.requests_in_flight = 1});
  narrow.add({{.method = "GET",
               .pattern = "/v1/slow",
               .noun = "slow",
               .summary = "Wait.",
               .handler = [opened](const Request&) -> Result<Answer> {
                 opened.wait();
                 return json_answer(json::object{});
               }}});
  const auto handler = narrow.handler();
  std::promise<unsigned> first;
  std::promise<unsigned> second;
  handler(request("GET", "/v1/slow"), [&](net::HttpResponse response) { first.set_value(response.status); });
  handler(request("GET", "/v1/slow"), [&](net::HttpResponse response) { second.set_value(response.status); });
  EXPECT_EQ(second.get_future().get(), 503U);
  gate.set_value();
  EXPECT_EQ(first.get_future().get(), 200U);
}

TEST_F(RouterTest, U3_RawPrefixesBypassSessions) {
  router_.add_raw("/v1/peer/", [](net::HttpRequest, net::HttpCompletion done) { done({218, {}, {}}); });
  std::promise<unsigned> status;
  router_.handler()(request("POST", "/v1/peer/hello"),
                    [&](net::HttpResponse response) { status.set_value(response.status); });
  EXPECT_EQ(status.get_future().get(), 218U);
}

TEST_F(RouterTest, K22_PeopleAreManagedByRestAndOnlyByOfficers) {
  const auto officer = log_in(Role::kSecurityOfficer);
  const auto made = call("POST", "/v1/people",
                         R"({"name":"Carla","role":"operator","password":"carla's long password"})", officer);
  ASSERT_EQ(made.status, 201U) << as_text(made.body);
  EXPECT_EQ(parsed(made).at("name"), "carla");
  EXPECT_THAT(as_text(made.body), Not(HasSubstr("long password")));
  EXPECT_EQ(parsed(call("GET", "/v1/people", {}, officer)).at("items").as_array().size(), 4U);
  const auto login = call("POST", "/v1/session", R"({"name":"carla","password":"carla's long password"})");
  const auto carla = json::value_to<std::string>(parsed(login).at("token"));
  EXPECT_EQ(call("DELETE", "/v1/people/auditor", {}, carla).status, 403U);
  EXPECT_EQ(call("PUT", "/v1/people/auditor/password", R"({"password":"taken over, ha!"})", carla).status,
            403U);
  EXPECT_EQ(call("PUT", "/v1/people/carla/password",
                 R"({"password":"carla's next password","current_password":"carla's long password"})", carla)
                .status,
            204U);
  EXPECT_EQ(call("GET", "/v1/session", {}, carla).status, 401U);
  EXPECT_EQ(call("PATCH", "/v1/people/carla", R"({"role":"king"})", officer).status, 400U);
  EXPECT_EQ(call("PATCH", "/v1/people/officer", R"({"disabled":true})", officer).status, 409U);
  EXPECT_EQ(call("DELETE", "/v1/people/carla", {}, officer).status, 204U);
  EXPECT_EQ(call("GET", "/v1/people/carla", {}, officer).status, 404U);
}

TEST_F(RouterTest, U3_OpenApiDescribesEveryRoute) {
  router_.add({openapi_route(router_, "Test")});
  const auto document = parsed(call("GET", "/v1/openapi.json"));
  for (const Route& route : router_.routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c | 0x20);
    const json::value& operation = document.at("paths").at(route.pattern).at(method);
    EXPECT_EQ(operation.at("summary").as_string(), route.summary);
    const auto permission = route.permission ? people::to_string(*route.permission) : "none";
    EXPECT_EQ(operation.at("x-permission").as_string(), permission);
    for (const FieldSpec& field : route.fields) {
      if (field.place != FieldPlace::kBody) continue;
      const json::value& properties =
          operation.at("requestBody").at("content").at("application/json").at("schema").at("properties");
      EXPECT_TRUE(properties.as_object().contains(field.name)) << route.pattern << " " << field.name;
    }
  }
}

}  // namespace
}  // namespace tapewarden::admin
