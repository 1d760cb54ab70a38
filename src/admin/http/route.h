// A route of the REST interface as data: what it is called, who may use it, what it takes and what it does.
// The router, the OpenAPI document and the test of permissions all read the same table. Values; a handler
// must be thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/http/arguments.h"
#include "net/http.h"
#include "people/person.h"

namespace tapewarden::admin {

class Consent;

struct Request {
  people::Principal principal;  // of a route without permission: empty
  Arguments arguments;
  std::shared_ptr<const net::SessionInfo> connection;
  crypto::SecretBytes token;  // the bearer token; empty without one
  // Of a route with two_person: the second person's consent; nothing where two-person approval is off.
  std::shared_ptr<const Consent> consent;
};

// What a call would touch as things are now. `identity` is covered by the consent, so that a name which comes
// to mean another thing in between is another request; `summary` is for people.
struct Matter {
  std::string identity;
  std::string summary;
};

struct Answer {
  unsigned status = 200;
  std::string content_type = "application/json";
  Bytes body;
};

// May wait for the disk: runs on a worker thread.
using Handler = std::function<Result<Answer>(const Request&)>;

struct Route {
  std::string_view method{};   // GET, POST, PATCH, PUT, DELETE
  std::string_view pattern{};  // "/v1/drives/{serial}": each {name} is one segment and a text field
  // Absent: anybody may call it, logged in or not.
  std::optional<people::Permission> permission{};
  std::string_view noun{};          // groups routes in the document
  std::string_view summary{};       // one sentence in the imperative
  std::vector<FieldSpec> fields{};  // of query and body; path fields only when they have a rule to tell
  std::string_view answer = "The state after it.";
  Handler handler{};
  // One officer alone may not do it (K22): without an approval the call asks for one and answers 202.
  bool two_person = false;
  // The handler uses request.consent within the transaction of what it does. Otherwise the consent is used up
  // before the handler begins.
  bool uses_consent = false;
  // Of a route with two_person; without it the arguments alone say what is meant. Its errors are told at
  // once.
  std::function<Result<Matter>(const Request&)> matter{};
};

}  // namespace tapewarden::admin
