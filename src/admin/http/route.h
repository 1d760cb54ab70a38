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

struct Request {
  people::Principal principal;  // of a route without permission: empty
  Arguments arguments;
  std::shared_ptr<const net::SessionInfo> connection;
  crypto::SecretBytes token;  // the bearer token; empty without one
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
};

}  // namespace tapewarden::admin
