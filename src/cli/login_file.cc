#include "cli/login_file.h"

#include <boost/json.hpp>

namespace tapewarden::cli {
namespace {

namespace json = boost::json;
constexpr std::size_t kFileLimit = 256U << 10;
constexpr unsigned kOwnFile = 0600;

std::string_view word_of(ServerKind kind) {
  return kind == ServerKind::kEngine ? "engine" : "key-server";
}
ServerKind other_than(ServerKind kind) {
  return kind == ServerKind::kEngine ? ServerKind::kKeyServer : ServerKind::kEngine;
}
std::string facts_path(const std::string& directory, ServerKind kind) {
  return directory + "/login-" + std::string(word_of(kind)) + ".json";
}
std::string token_path(const std::string& directory, ServerKind kind) {
  return directory + "/token-" + std::string(word_of(kind));
}

std::string text_of(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const auto* member = object != nullptr ? object->if_contains(name) : nullptr;
  return member != nullptr && member->is_string() ? std::string(member->get_string()) : std::string();
}

std::optional<SavedLogin> read_login(Disk& disk, const std::string& directory, ServerKind kind) {
  const auto text = read_file(disk, facts_path(directory, kind), kFileLimit);
  auto token = read_file(disk, token_path(directory, kind), kFileLimit);
  if (!text || !token) return std::nullopt;
  json::error_code error;
  const json::value value = json::parse(as_text(*text), error);
  SavedLogin login{kind, text_of(value, "server"), text_of(value, "name"), text_of(value, "authorities"),
                   crypto::SecretBytes::copy_of(*token)};
  crypto::wipe(*token);
  if (error) return std::nullopt;
  return login;
}

}  // namespace

Status save_login(Disk& disk, const std::string& directory, const SavedLogin& login) {
  TRY(disk.make_directories(directory, 0700));
  const std::string text = json::serialize(
      json::object{{"server", login.server}, {"name", login.name}, {"authorities", login.authorities}});
  TRY(write_file_atomically(disk, facts_path(directory, login.kind), as_bytes(text), kOwnFile));
  return write_file_atomically(disk, token_path(directory, login.kind), login.token.reveal(), kOwnFile);
}

Result<SavedLogin> load_login(Disk& disk, const std::string& directory, std::optional<ServerKind> kind) {
  const ServerKind wanted = kind.value_or(ServerKind::kKeyServer);
  if (auto login = read_login(disk, directory, wanted)) return *std::move(login);
  auto other = read_login(disk, directory, other_than(wanted));
  if (!other)
    return fail(ErrorCode::kUnauthenticated,
                kind ? "nobody is logged in to a " + std::string(to_string(wanted)) : "nobody is logged in",
                "login", "run " + login_command(wanted) + ", or give --site DIR --as NAME");
  if (!kind) return *std::move(other);
  return fail(ErrorCode::kUnauthenticated,
              "this asks a " + std::string(to_string(wanted)) + ", and the login is for the " +
                  std::string(to_string(other->kind)) + " " + other->server,
              "login", "run " + login_command(wanted) + " too (both are kept), or give --site DIR --as NAME");
}

Status forget_login(Disk& disk, const std::string& directory, ServerKind kind) {
  const std::string path = token_path(directory, kind);
  if (!disk.exists(path)) return {};
  return disk.remove(path);
}

}  // namespace tapewarden::cli
