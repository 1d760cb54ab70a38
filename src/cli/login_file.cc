#include "cli/login_file.h"

#include <boost/json.hpp>

namespace tapewarden::cli {
namespace {

namespace json = boost::json;
constexpr std::size_t kFileLimit = 256U << 10;

std::string text_of(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const auto* member = object != nullptr ? object->if_contains(name) : nullptr;
  return member != nullptr && member->is_string() ? std::string(member->get_string()) : std::string();
}

std::unexpected<Error> not_logged_in() {
  return fail(ErrorCode::kUnauthenticated, "nobody is logged in", "login",
              "run tapewarden login --server URL --ca FILE --user NAME");
}

}  // namespace

Status save_login(Disk& disk, const std::string& directory, const SavedLogin& login) {
  TRY(disk.make_directories(directory, 0700));
  const std::string text = json::serialize(
      json::object{{"server", login.server}, {"name", login.name}, {"authorities", login.authorities}});
  TRY(write_file_atomically(disk, directory + "/login.json", as_bytes(text), 0600));
  return write_file_atomically(disk, directory + "/token", login.token.reveal(), 0600);
}

Result<SavedLogin> load_login(Disk& disk, const std::string& directory) {
  const auto text = read_file(disk, directory + "/login.json", kFileLimit);
  auto token = read_file(disk, directory + "/token", kFileLimit);
  if (!text || !token) return not_logged_in();
  json::error_code error;
  const json::value value = json::parse(as_text(*text), error);
  if (error) return not_logged_in();
  SavedLogin login{text_of(value, "server"), text_of(value, "name"), text_of(value, "authorities"),
                   crypto::SecretBytes::copy_of(*token)};
  crypto::wipe(*token);
  return login;
}

Status forget_login(Disk& disk, const std::string& directory) {
  const std::string path = directory + "/token";
  if (!disk.exists(path)) return {};
  return disk.remove(path);
}

}  // namespace tapewarden::cli
