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
  auto spec = TRY(tape::read_library_spec(file.section("library")));
  spec.kept = file.section("engine").present();  // the cartridges' files are in the engine's cache then
  return spec;
}

Result<TapeEngineView> read_tape_engine_view(Disk& disk, const std::string& path) {
  auto file = TRY(config::TomlFile::read(disk, path));
  auto section = file.section("engine");
  if (!section.present())
    return fail(ErrorCode::kNotFound, path + " has no section [engine]", "engine",
                "tapewarden engine draft prints one to put at its end");
  TapeEngineView view;
  view.key_servers = TRY(section.path("key_servers", ""));
  view.back_ends = TRY(tape::read_back_ends(section));
  return view;
}

Result<tape::BackEndSpec> find_back_end(const TapeEngineView& engine, const std::string& name) {
  std::vector<tape::BackEndSpec> found;
  for (const auto& spec : engine.back_ends)
    if (spec.kind == tape::BackEndKind::kVirtual && (name.empty() || spec.name == name))
      found.push_back(spec);
  if (found.size() == 1) return found.front();
  if (found.empty())
    return fail(ErrorCode::kNotFound, "the engine has no such virtual library", "--library",
                "name one of [[engine.back_end]] whose kind is virtual");
  return fail(ErrorCode::kInvalidArgument, "the engine has several virtual libraries", "--library",
              "say which: " + found[0].name + ", " + found[1].name + " …");
}

Result<std::vector<MadeBackEnd>> make_back_ends(Env env, const std::string& site,
                                                const TapeEngineView& engine) {
  std::vector<MadeBackEnd> all;
  for (const auto& spec : engine.back_ends) {
    if (spec.kind != tape::BackEndKind::kVirtual) continue;
    MadeBackEnd made{.spec = spec, .drives = {}};
    if (spec.library.identities != site + "/engine/drives")
      return fail(ErrorCode::kInvalidArgument, "the drives' identities are elsewhere than the site has them",
                  spec.section + ".identities", "write identities = \"drives\"");
    for (const auto& drive : spec.library.drives) {
      if (env.disk->exists(spec.library.identities + "/" + drive.serial)) continue;
      TRY(make_drive(env, {.site = site, .serial = drive.serial, .kind = drive.kind}));
      made.drives.push_back(drive.serial);
    }
    made.made_folder = TRY(tape::LibraryFolder::create(env, spec.library));
    all.push_back(std::move(made));
  }
  return all;
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
