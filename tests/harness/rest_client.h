// The REST interface of a key server as one person uses it: logs in with the client certificate when it is
// needed, and again when the server was restarted. Thread-safe.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "net/http.h"

namespace tapewarden::testing {

namespace json = boost::json;

struct RestAnswer {
  unsigned status = 0;
  json::value body;  // null when there is none
};

class RestClient {
 public:
  // `person`: the folder with client.crt and client.key.
  static Result<std::unique_ptr<RestClient>> make(net::Loop& loop, Disk& disk, std::uint16_t port,
                                                  const std::string& person, const std::string& authorities);

  // Errors of the connection only; any status is an answer.
  Result<RestAnswer> call(const std::string& method, const std::string& target, const json::value& body = {});
  // The body of a 2xx answer; kConflict with the answer's text otherwise.
  Result<json::value> get(const std::string& target) { return good(call("GET", target)); }
  Result<json::value> post(const std::string& target, const json::value& body = json::object{}) {
    return good(call("POST", target, body));
  }
  Result<json::value> put(const std::string& target, const json::value& body = json::object{}) {
    return good(call("PUT", target, body));
  }
  Result<json::value> patch(const std::string& target, const json::value& body) {
    return good(call("PATCH", target, body));
  }
  Result<json::value> remove(const std::string& target) { return good(call("DELETE", target)); }

 private:
  explicit RestClient(std::unique_ptr<net::HttpClient> client) : client_(std::move(client)) {}
  static Result<json::value> good(Result<RestAnswer> answer);
  Result<RestAnswer> send(const std::string& method, const std::string& target, const json::value& body);
  Status log_in();

  std::unique_ptr<net::HttpClient> client_;
  std::mutex mutex_;
  std::string token_;
};

// Percent-encoding for one part of a target.
std::string encode_part(std::string_view text);

}  // namespace tapewarden::testing
