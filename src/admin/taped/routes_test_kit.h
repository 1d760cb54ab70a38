// How tests of this folder call routes: as a person with a role, and what came back. Not part of the library.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin/http/router.h"
#include "base/text.h"
#include "people/testing/people_fixture.h"

namespace tapewarden::admin::test {

struct Outcome {
  unsigned status = 0;
  boost::json::value body;  // an answer that is no JSON: its text
  std::string type;         // Content-Type

  std::string text(std::string_view member) const {
    return boost::json::value_to<std::string>(body.at(member));
  }
  std::int64_t number(std::string_view member) const {
    return boost::json::value_to<std::int64_t>(body.at(member));
  }
  const boost::json::array& items() const { return body.at("items").as_array(); }
  // One member of every item.
  std::vector<std::string> each(std::string_view member) const {
    std::vector<std::string> out;
    for (const auto& item : items()) {
      const auto& value = item.at(member);
      out.push_back(value.is_string() ? std::string(value.as_string()) : boost::json::serialize(value));
    }
    return out;
  }
  // "404 volser"; of an answer that is no error its status alone.
  std::string error() const {
    const auto code = std::to_string(status);
    return status < 300 ? code : code + " " + error("field");
  }
  std::string error(std::string_view member) const {
    return boost::json::value_to<std::string>(body.at("error").at(member));
  }
};

// `target` with its query. Logs in for each call.
inline Outcome call_as(Router& router, people::testing::PeopleFixture& people, people::Role role,
                       std::string method, std::string target, const boost::json::value& body = nullptr) {
  net::HttpRequest http;
  http.method = std::move(method);
  http.path = target.substr(0, target.find('?'));
  if (const auto at = target.find('?'); at != std::string::npos) {
    for (const auto& pair : split(std::string_view(target).substr(at + 1), '&'))
      http.query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
  }
  http.target = std::move(target);
  if (!body.is_null()) {
    http.body = to_bytes(boost::json::serialize(body));
    http.headers.add("content-type", "application/json");
  }
  http.headers.add("authorization", "Bearer " + people.log_in(role));
  const auto response = router.respond(std::move(http));
  Outcome out{
      .status = response.status, .body = {}, .type = std::string(response.headers.get("Content-Type"))};
  const auto text = as_text(response.body);
  if (out.type.empty() || out.type == "application/json") {
    if (!text.empty()) out.body = boost::json::parse(text);
  } else {
    out.body = boost::json::string(text);
  }
  return out;
}

}  // namespace tapewarden::admin::test
