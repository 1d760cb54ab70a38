#include "cli/library_maker.h"

#include <filesystem>

#include "cli/drive_maker.h"
#include "config/new_taped_toml.h"
#include "config/toml_file.h"
#include "tape/library/library_folder.h"

namespace tapewarden::cli {
namespace {

constexpr std::string_view kSecretAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
constexpr std::size_t kSecretCharacters = 24;  // 120 bits
constexpr unsigned kPublicFile = 0644;

// Nothing when the configuration names none, or when the file is there.
Result<bool> make_secret(Env env, const std::string& path) {
  if (path.empty() || env.disk->exists(path)) return false;
  auto secret = crypto::SecretBytes::zeros(kSecretCharacters + 1);
  env.random->fill(secret.reveal_mutable());
  for (auto& byte : secret.reveal_mutable())
    byte = static_cast<std::uint8_t>(kSecretAlphabet[byte % kSecretAlphabet.size()]);
  secret.reveal_mutable().back() = '\n';
  const auto file = TRY(env.disk->open(path, OpenMode::kCreateNew, 0600));
  TRY(file->write_at(0, secret.reveal()));
  TRY(file->sync());
  return true;
}

Status write_config(Env env, const NewLibrary& wanted, const std::string& path) {
  if (wanted.drives == 0 || wanted.drives > config::kMaxNewDrives)
    return fail(ErrorCode::kInvalidArgument, "a new library has 1 to 99 drives", "--drives");
  auto values = config::draw_taped_toml(*env.random, wanted.drives, std::string(to_string(wanted.kind)));
  values.https = env.disk->exists(wanted.site + "/engine/master.key");
  const auto text = config::text_of(values);
  return write_file_atomically(*env.disk, path, as_bytes(text), kPublicFile);
}

}  // namespace

std::string absolute_path(const std::string& path) {
  std::error_code failed;
  auto whole = std::filesystem::absolute(path, failed).lexically_normal().string();
  if (failed) return path;
  while (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return whole;
}

Result<std::string> library_config_path(const Context& context, const Values& values) {
  if (values.has("--config")) return absolute_path(values.text("--config"));
  if (!context.globals.site.empty()) return absolute_path(context.globals.site) + "/engine/taped.toml";
  return fail(ErrorCode::kInvalidArgument, "which library?", "--config",
              "name its taped.toml, or its site with --site");
}

Result<tape::LibrarySpec> read_library_config(Disk& disk, const std::string& path) {
  auto file = TRY(config::TomlFile::read(disk, path));
  return tape::read_library_spec(file.section("library"));
}

Result<MadeLibrary> make_library(Env env, const NewLibrary& wanted) {
  MadeLibrary made;
  made.config = wanted.site + "/engine/taped.toml";
  if (!env.disk->exists(made.config)) {
    TRY(write_config(env, wanted, made.config));
    made.wrote_config = true;
  }
  auto file = TRY(config::TomlFile::read(*env.disk, made.config));
  made.spec = TRY(tape::read_library_spec(file.section("library")));
  if (made.spec.identities != wanted.site + "/engine/drives")
    return fail(ErrorCode::kInvalidArgument, "the drives' identities are elsewhere than the site has them",
                "library.identities", "write identities = \"drives\"");
  for (const auto& drive : made.spec.drives) {
    if (env.disk->exists(made.spec.identities + "/" + drive.serial)) continue;
    TRY(make_drive(env, {.site = wanted.site, .serial = drive.serial, .kind = drive.kind}));
    made.drives.push_back(drive.serial);
  }
  made.wrote_secret = TRY(make_secret(env, TRY(file.section("iscsi").path("secret_file", ""))));
  made.made_folder = TRY(tape::LibraryFolder::create(env, made.spec));
  return made;
}

}  // namespace tapewarden::cli
