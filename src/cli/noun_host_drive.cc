// The host command: keys for a bare drive of this host (D5).
#include <boost/json.hpp>

#include "base/text.h"
#include "cli/host_drive.h"
#include "cli/key_link.h"
#include "cli/nouns.h"
#include "cli/report.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;
using keyproxy::HostIntent;

constexpr std::size_t kIdentifierBytes = 12;

Error of(const tape::TapeError& error) {
  return error.error();
}

Status show(Context& context, const Values& values) {
  const auto drive = TRY(HostDrive::open(context, values));
  json::object report;
  std::string text;
  for (const auto& fact : facts_of(*drive)) {
    report[fact.name] = fact.value;
    std::string label(fact.label);
    label.resize(16, ' ');
    text += label + fact.value + "\n";
  }
  print_report(context, report, text);
  return {};
}

Result<HostIntent> intent_of(const Values& values) {
  const auto text = values.text("--for", "write");
  if (text == "write") return HostIntent::kWriteFromBeginning;
  if (text == "append") return HostIntent::kAppend;
  if (text == "read") return HostIntent::kRead;
  return fail(ErrorCode::kInvalidArgument, "a key is for write, append or read", "--for");
}

// That a host may set keys here at all.
Status check_manager(tape::TapeDrive& drive) {
  const auto status = drive.encryption_status();
  if (!status)
    return in_context("the drive does not tell of encryption; it may lack it, or have it switched off",
                      of(status.error()));
  const bool open = status->control == scsi::ParametersControl::kNotReported ||
                    status->control == scsi::ParametersControl::kNotExclusive;
  if (open) return {};
  return fail(ErrorCode::kConflict,
              "the keys of this drive come from " + std::string(manager_name(status->control)), "DEVICE",
              "set the drive to application-managed encryption");
}

// What decides before a key is asked for, so that none is used up for nothing.
struct Abilities {
  bool wrapped = false;  // the drive has a key of its own to wrap to
  keyproxy::PlainKeyUse use;
};

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

Result<Abilities> abilities_of(HostDrive& host, const Values& values) {
  tape::TapeDrive& drive = host.tape();
  TRY(check_manager(drive));
  Abilities out;
  out.use.algorithm_index = TRY(algorithm_of(drive));
  out.use.reads_clear = values.has("--mixed");
  out.use.beyond_local_bus = values.has("--allow-remote-plain-key");
  const auto management = drive.encryption_management();
  out.use.clear_on_demount = management && management->clear_on_demount;
  const auto formats = drive.key_formats();
  const bool offers_wrapped =
      formats && std::ranges::find(*formats, scsi::KeyFormat::kWrapped) != formats->end();
  out.wrapped = offers_wrapped && drive.key_request().has_value();
  if (out.wrapped || host.on_local_bus() || out.use.beyond_local_bus) return out;
  return fail(ErrorCode::kPermissionDenied,
              "the drive takes plain keys alone, and is not on a bus of this host: the key would be on the "
              "network in clear",
              "DEVICE", "attach the drive to this host, or say --allow-remote-plain-key");
}

Result<std::shared_ptr<const tape::DriveIdentity>> stand_in_of(Context& context, const EngineConfig& config,
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

// Where the tape must stand while the key is asked for: a key for reading is named by the tape.
Status prepare(tape::TapeDrive& drive, HostIntent intent) {
  if (intent != HostIntent::kWriteFromBeginning) {
    TRY(to_first_encrypted_block(drive));
    return {};
  }
  if (const auto back = drive.rewind(); !back) return std::unexpected(of(back.error()));
  return {};
}

// That the drive has what it was given, and the tape stands where the next program wants it.
Status finish(tape::TapeDrive& drive, HostIntent intent) {
  const auto status = drive.encryption_status();
  if (!status) return std::unexpected(of(status.error()));
  const bool writes = status->encryption == scsi::EncryptionMode::kEncrypt;
  if (writes != (intent != HostIntent::kRead))
    return fail(ErrorCode::kInternal, "the drive took the key and does not use it as it was told", "DEVICE");
  if (intent == HostIntent::kWriteFromBeginning) return {};
  const auto next = drive.next_block_status();
  if (next && next->status == scsi::BlockStatus::kKeyMissing)
    return fail(ErrorCode::kWrongKey, "the drive says that this is not the key of the tape", "cartridge");
  const auto moved = intent == HostIntent::kAppend ? drive.to_end_of_data() : drive.rewind();
  if (!moved) return std::unexpected(of(moved.error()));
  return {};
}

void tell(Context& context, const keyproxy::Served& served, bool wrapped) {
  const auto role = dkx::to_string(served.role);
  const json::object report{
      {"key", served.alias}, {"format", wrapped ? "wrapped" : "plain"}, {"server", std::string(role)}};
  print_report(context, report,
               "the drive has key " + escape_unprintable(served.alias) + ", given to it " +
                   (wrapped ? "wrapped" : "in clear") + ", from the " + std::string(role) + " key server");
}

Status load_key(Context& context, const Values& values) {
  if (context.globals.site.empty())
    return fail(ErrorCode::kInvalidArgument, "the site is missing", "--site",
                "name the folder that `site init` made");
  const auto intent = TRY(intent_of(values));
  const auto config =
      TRY(read_engine_config(*context.env.disk, context.globals.site + "/engine/engine.toml"));
  const auto host = TRY(HostDrive::open(context, values));
  tape::TapeDrive& drive = host->tape();
  if (const auto ready = drive.test_ready(); !ready) return std::unexpected(of(ready.error()));
  const auto abilities = TRY(abilities_of(*host, values));
  const auto group = values.text("--group");
  std::shared_ptr<const tape::DriveIdentity> stand_in;
  keyproxy::CartridgeName name;
  if (!abilities.wrapped) {
    stand_in = TRY(stand_in_of(context, config, *host));
    name = TRY(keyproxy::name_of_cartridge(drive, values.text("--volser")));
  }
  TRY(prepare(drive, intent));
  const auto link = TRY(KeyLink::open(context.env, config));
  const auto set = abilities.wrapped
                       ? link->proxy().set_key(drive, intent, group)
                       : link->proxy().set_plain_key(drive, *stand_in, name, intent, group, abilities.use);
  if (!set) return std::unexpected(set.error());
  if (const auto good = finish(drive, intent); !good) {
    (void)link->proxy().clear_key(drive);  // the error below is what matters
    return good;
  }
  tell(context, set->served, abilities.wrapped);
  return {};
}

Status clear_key(Context& context, const Values& values) {
  const auto host = TRY(HostDrive::open(context, values));
  TRY(check_manager(host->tape()));
  const scsi::SetDataEncryption off{.scope = scsi::KeyScope::kAllNexuses};
  if (const auto cleared = host->tape().set_encryption(off); !cleared)
    return std::unexpected(of(cleared.error()));
  print_report(context, json::object{{"key", nullptr}}, "the drive has no key");
  return {};
}

}  // namespace

std::vector<Command> host_drive_commands() {
  return {
      {.noun = "drive",
       .verb = "show",
       .summary = "Show a drive of this host: who it is, its cartridge, how it encrypts",
       .example = "tapewarden drive show /dev/nst0",
       .arguments = {kDevice, kDevicePassword},
       .does = show},
      {.noun = "drive",
       .verb = "load-key",
       .summary = "Give a drive of this host a key from the key servers",
       .example = "tapewarden drive load-key /dev/nst0 --site ~/site --for write --group DAILY",
       .arguments =
           {kDevice,
            kDevicePassword,
            {.name = "--for", .meaning = "write (a new key), append or read (the tape's key)"},
            {.name = "--group", .meaning = "key group or alias, for write; else the key server chooses"},
            {.name = "--volser", .meaning = "the cartridge's name, where its memory has none"},
            {.name = "--mixed", .kind = ArgumentKind::kFlag, .meaning = "clear blocks can be read too"},
            {.name = "--allow-remote-plain-key",
             .kind = ArgumentKind::kFlag,
             .meaning = "the key may go over a network in clear"}},
       .does = load_key},
      {.noun = "drive",
       .verb = "clear-key",
       .summary = "Take the key from a drive of this host: it writes clear, and reads clear blocks alone",
       .example = "tapewarden drive clear-key /dev/nst0",
       .arguments = {kDevice, kDevicePassword},
       .does = clear_key},
  };
}

}  // namespace tapewarden::cli
