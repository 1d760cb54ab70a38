// The host command: keys for a bare drive of this host (D5).
#include <boost/json.hpp>

#include "base/text.h"
#include "cli/drive_use.h"
#include "cli/host_keys.h"
#include "cli/nouns.h"
#include "cli/report.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;
using keyproxy::HostIntent;

Error of(const tape::TapeError& error) {
  return error.error();
}

scsi::SetDataEncryption no_key() {
  return {.scope = scsi::KeyScope::kAllNexuses};
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

// Where the tape must stand while the key is asked for: a key for reading is named by the tape.
Status prepare(tape::TapeDrive& drive, HostIntent intent) {
  if (intent != HostIntent::kWriteFromBeginning) {
    (void)TRY(to_first_encrypted_block(drive));
    return {};
  }
  if (const auto back = drive.rewind(); !back) return std::unexpected(of(back.error()));
  return {};
}

// That the drive has what it was given, and the tape stands where the next program wants it.
Status finish(tape::TapeDrive& drive, HostIntent intent) {
  TRY(check_given_key(drive, intent));
  if (intent == HostIntent::kWriteFromBeginning) return {};
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
  const auto intent = TRY(intent_of(values));
  const auto host = TRY(HostDrive::open(context, values));
  tape::TapeDrive& drive = host->tape();
  const auto use = TRY(DriveUse::take(context, drive, values.text("DEVICE")));
  if (const auto ready = drive.test_ready(); !ready) return std::unexpected(of(ready.error()));
  const auto keys = TRY(HostKeys::open(context, values, *host));
  TRY(prepare(drive, intent));
  const auto set = TRY(keys->give(intent, values.text("--group")));
  if (const auto good = finish(drive, intent); !good) {
    (void)drive.set_encryption(no_key());  // the error below is what matters
    return good;
  }
  tell(context, set.served, keys->wrapped());
  return {};
}

Status clear_key(Context& context, const Values& values) {
  const auto host = TRY(HostDrive::open(context, values));
  const auto use = TRY(DriveUse::take(context, host->tape(), values.text("DEVICE")));
  TRY(check_host_manages(host->tape()));
  if (const auto cleared = host->tape().set_encryption(no_key()); !cleared)
    return std::unexpected(of(cleared.error()));
  print_report(context, json::object{{"key", nullptr}}, "the drive has no key");
  return {};
}

Status release(Context& context, const Values& values) {
  const auto host = TRY(HostDrive::open(context, values));
  const auto ended = TRY(end_others_use(host->tape(), values.text("DEVICE"), values.has("--force")));
  std::string text = ended.empty() ? "nobody has reserved the drive\n" : "";
  json::array whom;
  for (const auto& holder : ended) {
    text += "the drive is free of " + holder.text() + "\n";
    whom.push_back(json::value(to_hex(ByteWriter().u64(holder.key).take())));
  }
  if (!ended.empty())
    text +=
        "a key may still be in it: `tapewarden drive clear-key` takes it; `tapewarden tape list` tells "
        "whether the tape's last file is whole\n";
  print_report(context, json::object{{"released", whom}}, text);
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
      {.noun = "drive",
       .verb = "release",
       .summary = "Take the reservation of a drive of this host from a program that died and left it",
       .example = "tapewarden drive release /dev/nst0",
       .arguments = {kDevice,
                     kDevicePassword,
                     {.name = "--force",
                      .kind = ArgumentKind::kFlag,
                      .meaning =
                          "from another host or other software too: be sure that nobody works with it"}},
       .does = release},
  };
}

}  // namespace tapewarden::cli
