#include "apps/taped_config.h"

#include <algorithm>

#include "base/text.h"
#include "config/toml_file.h"
#include "scsi/ram_disk.h"
#include "tape/device/density.h"

namespace tapewarden::apps {
namespace {

using config::Section;

constexpr std::size_t kMaxTargetName = 223;     // RFC 7143 section 4.2.7.1
constexpr std::size_t kSecretFileLimit = 4096;  // bytes
constexpr std::size_t kMaxUser = 255;
constexpr std::uint64_t kMostSessions = 4096;
// Of standard INQUIRY data (SPC-4 section 6.6.2).
constexpr std::size_t kVendorBytes = 8;
constexpr std::size_t kProductBytes = 16;
constexpr std::size_t kRevisionBytes = 4;
constexpr std::uint64_t kMebibyte = 1U << 20;
constexpr std::uint64_t kRamDiskMebibytes = 64;  // unless given
constexpr std::uint64_t kMaxRamDiskMebibytes = scsi::kMaxRamDiskBlocks / (kMebibyte / scsi::kRamDiskBlock);

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

Result<PartitionLogin> read_partition_login(Section section, const IscsiConfig& site,
                                            const std::string& partition) {
  PartitionLogin login{.partition = partition};
  login.initiator = TRY(read_chap(section, "user", "secret_file"));
  login.engine = TRY(read_chap(section, "target_user", "target_secret_file"));
  if (login.engine && !login.initiator && !site.initiator)
    return section.wrong("target_user", "set user and secret_file too: CHAP begins with the initiator");
  login.initiators = TRY(section.texts("initiators"));
  TRY(section.no_others());
  return login;
}

// A partition's target has a longer name, and may have a login of its own.
Status read_partitions(Section& section, const tape::LibrarySpec& library, IscsiConfig& config) {
  for (const auto& partition : library.partitions) {
    const auto target = target_name(config, partition.name);
    if (target.size() > kMaxTargetName)
      return section.wrong("target", "write a shorter name: with partition " + partition.name + " it has " +
                                         std::to_string(target.size()) + " characters of at most " +
                                         std::to_string(kMaxTargetName));
    auto own = section.section(to_lower(partition.name));
    if (own.present())
      config.partitions.push_back(TRY(read_partition_login(std::move(own), config, partition.name)));
  }
  return {};
}

Result<IscsiConfig> read_iscsi(Section section, const tape::LibrarySpec& library) {
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
  config.max_sessions =
      static_cast<unsigned>(TRY(section.number("max_sessions", 1, kMostSessions, config.max_sessions)));
  TRY(read_partitions(section, library, config));
  TRY(section.no_others());
  return config;
}

Result<std::optional<HttpsConfig>> read_https(Section section) {
  if (!section.present()) return std::nullopt;
  HttpsConfig config;
  config.address = TRY(section.text("address", config.address));
  config.port = static_cast<std::uint16_t>(TRY(section.number("port", 0, 65535, config.port)));
  config.certificate = TRY(section.path("certificate"));
  config.key = TRY(section.path("key"));
  config.authorities = TRY(section.path("authorities"));
  config.store.data = TRY(section.path("data"));
  config.store.master_key = TRY(section.path("master_key"));
  config.store.passphrase_file = TRY(section.path("passphrase_file"));
  TRY(section.no_others());
  return config;
}

Result<std::optional<RamDiskConfig>> read_ram_disk(Section section, const IscsiConfig& iscsi) {
  if (!section.present()) return std::nullopt;
  RamDiskConfig config;
  config.target = TRY(section.text("target"));
  if (config.target.empty() || config.target.size() > kMaxTargetName || config.target == iscsi.target)
    return section.wrong("target",
                         "write a name of its own, such as iqn.2026-11.internal.tapewarden:ram-disk");
  const auto mebibytes = TRY(section.number("size_mib", 1, kMaxRamDiskMebibytes, kRamDiskMebibytes));
  config.blocks = mebibytes * (kMebibyte / scsi::kRamDiskBlock);
  TRY(section.no_others());
  return config;
}

Result<std::string> read_identity(Section& section, const std::string& key, std::size_t limit) {
  auto text = TRY(section.text(key, ""));
  const bool ascii = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  if (text.size() <= limit && ascii) return text;
  return section.wrong(key, "write up to " + std::to_string(limit) + " printable ASCII characters");
}

// "LTO-8".
Result<std::uint8_t> read_density(Section& section, const tape::LibrarySpec& library) {
  const auto text = TRY(section.text("density", ""));
  if (text.empty()) return std::uint8_t{0};
  for (const auto& density : tape::lto_densities()) {
    if (!equal_ignoring_case(text, "LTO-" + std::to_string(density.generation))) continue;
    const auto is_lto = [](const auto& drive) { return drive.kind == tape::MediumKind::kLto; };
    if (std::ranges::any_of(library.drives, is_lto)) return density.code;
    return section.wrong("density", "leave it out: the library has no LTO drive");
  }
  return section.wrong("density", "write LTO-5, LTO-6, LTO-7, LTO-8 or LTO-9");
}

Result<DrivesConfig> read_drives(Section section, const tape::LibrarySpec& library) {
  DrivesConfig config;
  config.vendor = TRY(read_identity(section, "vendor", kVendorBytes));
  config.product = TRY(read_identity(section, "product", kProductBytes));
  config.revision = TRY(read_identity(section, "revision", kRevisionBytes));
  config.density = TRY(read_density(section, library));
  TRY(section.no_others());
  return config;
}

Result<iscsi::ChapAccount> read_account(Disk& disk, const ChapFile& chap, const std::string& key) {
  auto content = read_file(disk, chap.secret_file, kSecretFileLimit);
  if (!content) return in_context(key, content.error());
  std::size_t size = content->size();
  while (size > 0 && ((*content)[size - 1] == '\n' || (*content)[size - 1] == '\r')) --size;
  auto secret = crypto::SecretBytes::copy_of(ByteView(*content).first(size));
  crypto::wipe(*content);
  if (size < iscsi::kMinChapSecretBytes || size > iscsi::kMaxChapSecretBytes)
    return fail(ErrorCode::kInvalidArgument, chap.secret_file + " holds a secret of the wrong length", key,
                "write " + std::to_string(iscsi::kMinChapSecretBytes) + " to " +
                    std::to_string(iscsi::kMaxChapSecretBytes) + " characters into it");
  return iscsi::ChapAccount{chap.user, std::move(secret)};
}

}  // namespace

Result<TapedConfig> read_taped_config(Disk& disk, const std::string& path) {
  auto file = TRY(config::TomlFile::read(disk, path));
  for (const auto* name : {"iscsi", "library", "drives", "ram_disk", "https", "engine", "log"})
    (void)file.section(name);
  TRY(file.no_other_sections());
  TapedConfig config;
  config.library = TRY(tape::read_library_spec(file.section("library")));
  config.iscsi = TRY(read_iscsi(file.section("iscsi"), config.library));
  config.drives = TRY(read_drives(file.section("drives"), config.library));
  config.ram_disk = TRY(read_ram_disk(file.section("ram_disk"), config.iscsi));
  config.https = TRY(read_https(file.section("https")));
  config.engine = TRY(read_tape_engine(file.section("engine"), config.library));
  if (config.engine && !config.https)
    return file.section("https").wrong("master_key",
                                       "add [https]: its master key seals the engine's catalogue, "
                                       "and operators settle pools and volumes there");
  auto log = file.section("log");
  config.log_level = TRY(log.text("level", config.log_level));
  TRY(log.no_others());
  return config;
}

std::string target_name(const IscsiConfig& config, const std::string& partition) {
  return config.target + "." + to_lower(partition);
}

IscsiConfig login_of(const IscsiConfig& config, const std::string& partition) {
  IscsiConfig login = config;
  const auto own = std::ranges::find(config.partitions, partition, &PartitionLogin::partition);
  if (own == config.partitions.end()) return login;
  login.section += "." + to_lower(partition);
  if (own->initiator) login.initiator = own->initiator;
  if (own->engine) login.engine = own->engine;
  if (!own->initiators.empty()) login.initiators = own->initiators;
  return login;
}

Result<iscsi::Authentication> read_authentication(Disk& disk, const IscsiConfig& config) {
  iscsi::Authentication authentication;
  const auto key = [&config](const char* name) { return config.section + "." + name; };
  if (config.initiator)
    authentication.initiators.push_back(TRY(read_account(disk, *config.initiator, key("secret_file"))));
  if (config.engine)
    authentication.target = TRY(read_account(disk, *config.engine, key("target_secret_file")));
  return authentication;
}

}  // namespace tapewarden::apps
