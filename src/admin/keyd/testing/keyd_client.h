// A test that calls the routes of a whole key server as one of its people.
#pragma once

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <string>

#include "admin/keyd/testing/keyd_fixture.h"

namespace tapewarden::admin::testing {

struct Outcome {
  unsigned status = 0;
  boost::json::value body;

  std::string text(std::string_view member) const {
    return boost::json::value_to<std::string>(body.at(member));
  }
  std::string error(std::string_view member) const {
    return boost::json::value_to<std::string>(body.at("error").at(member));
  }
  std::size_t items() const { return body.at("items").as_array().size(); }
};

class KeydClient : public ::testing::Test {
 protected:
  // By the name of an account that has testing::kPassword. `approval`: its id goes into the header.
  Outcome call(const std::string& name, std::string method, std::string target,
               const boost::json::value& body = nullptr, const std::string& approval = {});
  Outcome as(people::Role role, std::string method, std::string target,
             const boost::json::value& body = nullptr, const std::string& approval = {}) {
    return call(people::testing::PeopleFixture::name_of(role), std::move(method), std::move(target), body,
                approval);
  }
  Outcome officer(std::string method, std::string target, const boost::json::value& body = nullptr,
                  const std::string& approval = {}) {
    return as(people::Role::kSecurityOfficer, std::move(method), std::move(target), body, approval);
  }
  // The call with a second officer's consent: asked, approved by "second", repeated.
  Outcome both(const std::string& method, const std::string& target,
               const boost::json::value& body = nullptr);
  void add_officer(const std::string& name);
  void set_two_person(bool on);
  std::vector<std::string> records() { return fixture_.base().log().records(); }

  KeydFixture fixture_;
};

}  // namespace tapewarden::admin::testing
