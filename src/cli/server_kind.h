// Which of the two daemons a command or a login is for: they have people, sessions and paths of their own.
// Values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tapewarden::cli {

enum class ServerKind : std::uint8_t { kKeyServer, kEngine };

// For a person.
inline std::string_view to_string(ServerKind kind) {
  return kind == ServerKind::kEngine ? "tape engine" : "key server";
}
// Of the program's name, as a daemon tells it in its answers to a login and in /v1/health.
inline ServerKind kind_of_program(std::string_view program) {
  return program == "tapewarden-taped" ? ServerKind::kEngine : ServerKind::kKeyServer;
}
// The command that logs in to one of that kind.
inline std::string login_command(ServerKind kind) {
  const std::string port = kind == ServerKind::kEngine ? "2443" : "1443";
  return "tapewarden login --server https://HOST:" + port + " --ca FILE --user NAME";
}

}  // namespace tapewarden::cli
