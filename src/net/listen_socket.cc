#include "net/listen_socket.h"

#include <boost/asio/ip/address.hpp>

namespace tapewarden::net {

namespace {

using asio::ip::tcp;

constexpr int kBacklog = 1024;

Status listen_error(const ListenAddress& listen, const std::string& step, const error_code& error) {
  const auto where = listen.address + " port " + std::to_string(listen.port);
  const auto message = "cannot " + step + " " + where + ": " + error.message();
  if (error == asio::error::address_in_use)
    return fail(ErrorCode::kConflict, message, "port",
                "choose another port or stop the program that holds it");
  if (error == asio::error::access_denied)
    return fail(ErrorCode::kPermissionDenied, message, "port", "choose a port of 1024 or above");
  return fail(ErrorCode::kIo, message, "address");
}

}  // namespace

Status open_listener(tcp::acceptor& acceptor, const ListenAddress& listen) {
  error_code error;
  const auto address = asio::ip::make_address(listen.address, error);
  if (error)
    return fail(ErrorCode::kInvalidArgument, "'" + listen.address + "' is not a numeric IP address",
                "address", "write for example 127.0.0.1, 0.0.0.0 or ::1");
  const tcp::endpoint endpoint(address, listen.port);
  if (acceptor.open(endpoint.protocol(), error)) return listen_error(listen, "open", error);
  static_cast<void>(acceptor.set_option(asio::socket_base::reuse_address(true), error));
  if (acceptor.bind(endpoint, error)) return listen_error(listen, "bind to", error);
  if (acceptor.listen(kBacklog, error)) return listen_error(listen, "listen on", error);
  return {};
}

}  // namespace tapewarden::net
