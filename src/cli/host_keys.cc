#include "cli/host_keys.h"

#include <algorithm>

#include "base/text.h"

namespace tapewarden::cli {
namespace {

constexpr std::size_t kIdentifierBytes = 12;

Error of(const tape::TapeError& error) {
  return error.error();
}

Result<std::uint8_t> algorithm_of(tape::TapeDrive& drive) {
  const auto capabilities = drive.encryption_capabilities();
  if (!capabilities) return std::unexpected(of(capabilities.error()));
  for (const auto& algorithm : capabilities->algorithms)
    if (algorithm.key_size == scsi::kDataKeyLength && algorithm.max_authenticated >= kIdentifierBytes &&
        algorithm.encrypt_capability != 0 && algorithm.decrypt_capability != 0)
      return algorithm.index;
  return fail(ErrorCode::kUnsupported,
              "the drive has no algorithm with keys of 32 bytes and room for a key's name of 12", "DEVICE");
}

Result<std::shared_ptr<const tape::DriveIdentity>> stand_in_of(Context& context,
                                                               const keyproxy::EngineConfig& config,
                                                               const HostDrive& host) {
  if (host.serial().empty())
    return fail(ErrorCode::kUnsupported, "the drive does not tell its serial number", "DEVICE");
  auto identity = tape::DriveIdentity::load(*context.env.disk, config.drives + "/" + host.serial());
  if (identity) return *std::move(identity);
  if (identity.error().code != ErrorCode::kNotFound) return std::unexpected(std::move(identity).error());
  const std::string serial = escape_unprintable(host.serial());
  return fail(
      ErrorCode::kNotFound, "this host keeps no identity for drive " + serial, "--site",
      "make one and enrol it: tapewarden drive create --kind LTO --serial " + serial + ", then drive enrol");
}

}  // namespace

Status check_host_manages(tape::TapeDrive& drive) {
  const auto status = drive.encryption_status();
  if (!status)
    return in_context("the drive does not tell of encryption; it may lack it, or have it switched off",
                      of(status.error()));
  if (host_may_manage(status->control)) return {};
  return fail(
      ErrorCode::kConflict, "the keys of this drive come from " + std::string(manager_name(status->control)),
      "DEVICE",
      "it needs none from this host: write and read with `tapewarden tape`, tar or any program; for keys "
      "from here set the drive to application-managed encryption");
}

bool host_may_manage(scsi::ParametersControl control) {
  return control == scsi::ParametersControl::kNotReported ||
         control == scsi::ParametersControl::kNotExclusive;
}

Status HostKeys::look(const Values& values) {
  tape::TapeDrive& drive = host_.tape();
  TRY(check_host_manages(drive));
  use_.algorithm_index = TRY(algorithm_of(drive));
  if (values.has("--mixed")) use_.decryption = scsi::DecryptionMode::kMixed;
  use_.beyond_local_bus = values.has("--allow-remote-plain-key");
  const auto management = drive.encryption_management();
  use_.clear_on_demount = management && management->clear_on_demount;
  const auto formats = drive.key_formats();
  const bool offers = formats && std::ranges::find(*formats, scsi::KeyFormat::kWrapped) != formats->end();
  wrapped_ = offers && drive.key_request().has_value();
  if (wrapped_ || host_.on_local_bus() || use_.beyond_local_bus) return {};
  return fail(ErrorCode::kPermissionDenied,
              "the drive takes plain keys alone, and is not on a bus of this host: the key would be on the "
              "network in clear",
              "DEVICE", "attach the drive to this host, or say --allow-remote-plain-key");
}

Result<std::unique_ptr<HostKeys>> HostKeys::open(Context& context, const Values& values, HostDrive& host) {
  if (context.globals.site.empty())
    return fail(
        ErrorCode::kInvalidArgument, "the site is missing", "--site",
        "name the folder that `site init` made: its key servers give the key; `tape write --clear` needs "
        "none");
  const auto config =
      TRY(keyproxy::read_engine_config(*context.env.disk, context.globals.site + "/engine/engine.toml"));
  std::unique_ptr<HostKeys> keys(new HostKeys(host));
  TRY(keys->look(values));
  if (!keys->wrapped_) {
    keys->stand_in_ = TRY(stand_in_of(context, config, host));
    keys->name_ = TRY(keyproxy::name_of_cartridge(host.tape(), values.text("--volser")));
  }
  keys->servers_ = TRY(keyproxy::KeyServers::connect(context.env, config));
  keys->servers_->prefer_primary();
  return keys;
}

Result<keyproxy::SetKey> HostKeys::give(keyproxy::HostIntent intent, const std::string& group) {
  auto& proxy = servers_->proxy();
  return wrapped_ ? proxy.set_key(host_.tape(), intent, group, use_.decryption)
                  : proxy.set_plain_key(host_.tape(), *stand_in_, name_, intent, group, use_);
}

Status HostKeys::confirm(const keyproxy::SetKey& key) {
  auto& proxy = servers_->proxy();
  return wrapped_ ? proxy.confirm(host_.tape(), key) : proxy.confirm(*stand_in_, name_, key);
}

}  // namespace tapewarden::cli
