#include "admin/keyd/testing/keyd_client.h"

#include "base/text.h"

namespace tapewarden::admin::testing {

namespace json = boost::json;

Outcome KeydClient::call(const std::string& name, std::string method, std::string target,
                         const json::value& body, const std::string& approval) {
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
  http.headers.add("authorization", "Bearer " + fixture_.base().log_in(name));
  if (!approval.empty()) http.headers.add("tapewarden-approval", approval);
  const auto response = fixture_.router().respond(std::move(http));
  return {response.status, response.body.empty() ? json::value() : json::parse(as_text(response.body))};
}

Outcome KeydClient::both(const std::string& method, const std::string& target, const json::value& body) {
  auto asked = officer(method, target, body);
  if (asked.status != 202) return asked;
  const std::string id = asked.text("approval");
  // A consent that was given and not used yet is still good.
  if (asked.text("state") == "asked") {
    EXPECT_EQ(call("second", "POST", "/v1/approvals/" + id + "/approve").status, 200U);
  }
  return officer(method, target, body, id);
}

void KeydClient::add_officer(const std::string& name) {
  const auto password = crypto::SecretBytes::copy_of(as_bytes(people::testing::kPassword));
  ASSERT_TRUE(fixture_.base().people().create(people::local_principal("test"),
                                              {name, people::Role::kSecurityOfficer, &password, {}}));
}

void KeydClient::set_two_person(bool on) {
  ASSERT_TRUE(fixture_.manager().set_setting(keymgr::Actor::system(), keymgr::kTwoPerson, on ? "on" : "off"));
}

}  // namespace tapewarden::admin::testing
