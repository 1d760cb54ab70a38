// A connection to a server (the key server unless said) for a command that does more than one request; ends
// its own session when it goes. Included by .cc files only. One thread at a time.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "cli/rest_client.h"

namespace tapewarden::cli {

class ServerSession {
 public:
  static Result<ServerSession> open(Context& context, ServerKind kind = ServerKind::kKeyServer);
  ~ServerSession();
  ServerSession(ServerSession&& other) noexcept;
  ServerSession& operator=(ServerSession&&) = delete;
  ServerSession(const ServerSession&) = delete;
  ServerSession& operator=(const ServerSession&) = delete;

  // The answer's object.
  Result<boost::json::object> get(const std::string& target);
  // `approval`: as RestClient::call().
  Result<boost::json::object> post(const std::string& target, const boost::json::object& body,
                                   const std::string& approval = {});
  Result<boost::json::object> put(const std::string& target, const boost::json::object& body);
  // As RestClient::asked().
  const Bytes& asked() const { return connection_.client.asked(); }
  // The items of all pages, each an object.
  Result<boost::json::array> list(const std::string& target);

 private:
  explicit ServerSession(Connection connection) : connection_(std::move(connection)) {}
  Connection connection_;
};

}  // namespace tapewarden::cli
