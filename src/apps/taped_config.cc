#include "apps/taped_config.h"

#include "config/toml_file.h"

namespace tapewarden::apps {
namespace {

using config::Section;

constexpr std::size_t kMaxTargetName = 223;     // RFC 7143 section 4.2.7.1
constexpr std::size_t kSecretFileLimit = 4096;  // bytes
constexpr std::size_t kMaxUser = 255;

// Both keys or none.
Result<std::optional<ChapFile>> read_chap(Section& section, const std::string& user_key,
                                          const std::string& file_key) {
  ChapFile chap{TRY(section.text(user_key, "")), TRY(section.path(file_key, ""))};
  if (chap.user.empty() && chap.secret_file.empty()) return std::nullopt;
  if (chap.user.empty() || chap.user.size() > kMaxUser)
    return section.wrong(user_key, "name the CHAP user that goes with " + file_key);
  if (chap.secret_file.empty()) return section.wrong(file_key, "name the file of " + user_key + "'s secret");
  return chap;
}

Result<IscsiConfig> read_iscsi(Section section) {
  IscsiConfig config;
  config.address = TRY(section.text("address", config.address));
  config.port = static_cast<std::uint16_t>(TRY(section.number("port", 0, 65535, config.port)));
  config.target = TRY(section.text("target"));
  if (config.target.empty() || config.target.size() > kMaxTargetName)
    return section.wrong("target", "write a name such as iqn.2026-11.internal.tapewarden:library");
  config.initiator = TRY(read_chap(section, "user", "secret_file"));
  config.engine = TRY(read_chap(section, "target_user", "target_secret_file"));
  if (config.engine && !config.initiator)
    return section.wrong("target_user", "set user and secret_file too: CHAP begins with the initiator");
  config.initiators = TRY(section.texts("initiators"));
  config.unprotected_network = TRY(section.flag("unprotected_network", false));
  TRY(section.no_others());
  return config;
}

Result<iscsi::ChapAccount> read_account(Disk& disk, const ChapFile& chap, const std::string& key) {
  auto content = read_file(disk, chap.secret_file, kSecretFileLimit);
  if (!content) return in_context("iscsi." + key, content.error());
  std::size_t size = content->size();
  while (size > 0 && ((*content)[size - 1] == '\n' || (*content)[size - 1] == '\r')) --size;
  auto secret = crypto::SecretBytes::copy_of(ByteView(*content).first(size));
  crypto::wipe(*content);
  if (size < iscsi::kMinChapSecretBytes || size > iscsi::kMaxChapSecretBytes)
    return fail(ErrorCode::kInvalidArgument, chap.secret_file + " holds a secret of the wrong length",
                "iscsi." + key,
                "write " + std::to_string(iscsi::kMinChapSecretBytes) + " to " +
                    std::to_string(iscsi::kMaxChapSecretBytes) + " characters into it");
  return iscsi::ChapAccount{chap.user, std::move(secret)};
}

}  // namespace

Result<TapedConfig> read_taped_config(Disk& disk, const std::string& path) {
  auto file = TRY(config::TomlFile::read(disk, path));
  for (const auto* name : {"iscsi", "library", "log"}) (void)file.section(name);
  TRY(file.no_other_sections());
  TapedConfig config;
  config.iscsi = TRY(read_iscsi(file.section("iscsi")));
  config.library = TRY(tape::read_library_spec(file.section("library")));
  auto log = file.section("log");
  config.log_level = TRY(log.text("level", config.log_level));
  TRY(log.no_others());
  return config;
}

Result<iscsi::Authentication> read_authentication(Disk& disk, const IscsiConfig& config) {
  iscsi::Authentication authentication;
  if (config.initiator)
    authentication.initiators.push_back(TRY(read_account(disk, *config.initiator, "secret_file")));
  if (config.engine) authentication.target = TRY(read_account(disk, *config.engine, "target_secret_file"));
  return authentication;
}

}  // namespace tapewarden::apps
