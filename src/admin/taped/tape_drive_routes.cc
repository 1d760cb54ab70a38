// The drives in their bays by REST.
#include <algorithm>

#include "admin/taped/limits.h"
#include "admin/taped/support.h"
#include "base/text.h"
#include "tape/device/density.h"

namespace tapewarden::admin {
namespace {

std::string state_of(tape::DriveBay& bay, bool in_use) {
  if (!bay.powered()) return "off";
  if (in_use) return "at work";
  if (bay.awaits_cartridge()) return "waiting for its cartridge";
  if (bay.loaded()) return "loaded";
  return bay.holds_cartridge() ? "unloaded" : "empty";
}

json::object to_json(const tape::MountedCartridge& mounted) {
  return {{"volume", mounted.identity.volume.text()},
          {"writable", mounted.writable},
          {"worm", mounted.identity.worm},
          {"encrypted", mounted.encrypted},
          {"block", mounted.position.logical_object},
          {"file", mounted.position.file_number},
          {"capacity_bytes", mounted.capacity.capacity_bytes},
          {"used_bytes", mounted.capacity.used_bytes}};
}

// Whose writes are encrypted, as one word; and by whom.
std::string encryption_of(const tape::DriveStatus& status, const std::vector<iscsi::SessionInfo>& sessions) {
  using tape::KeyManagement;
  if (status.management == KeyManagement::kNone) return "off";
  if (status.management != KeyManagement::kApplication && status.holds_key) return "on";
  if (status.management == KeyManagement::kLibrary) return "as the library says";
  if (status.management == KeyManagement::kSystem) return "as its host says";
  std::string who;
  for (const auto& one : status.encryption) {
    if (!one.encrypts && !one.decrypts) continue;
    who += (who.empty() ? "" : ", ") + std::string(one.encrypts ? "on for " : "reading for ") +
           initiator_of(sessions, one.nexus);
  }
  return who.empty() ? "off" : who;
}

std::string density_name(std::uint8_t code) {
  const auto* density = tape::find_density(code);
  return density == nullptr ? std::string() : std::string(density->name);
}

void add_status(json::object& item, const tape::DriveStatus& status,
                const std::vector<iscsi::SessionInfo>& sessions) {
  item["density"] = density_name(status.density);
  item["encryption"] = encryption_of(status, sessions);
  item["reserved"] = status.reserved;
  item["reserved_by"] = status.holder ? initiator_of(sessions, *status.holder) : "";
  json::array preventing;
  for (const auto nexus : status.preventing) preventing.push_back(json::value(initiator_of(sessions, nexus)));
  item["removal_prevented_by"] = std::move(preventing);
  item["loads"] = status.loads;
  item["host_bytes_written"] = status.traffic.host_written;
  item["host_bytes_read"] = status.traffic.host_read;
  item["mounted"] = status.mounted ? json::value(to_json(*status.mounted)) : json::value(nullptr);
}

std::string unit_text(const TapedServices& services, const std::string& serial) {
  const auto found = std::ranges::find(services.units, "drive " + serial, &ServedUnit::what);
  return found == services.units.end() ? std::string() : found->target + " LUN " + std::to_string(found->lun);
}

json::object drive_json(const TapedServices& services, tape::DriveBay& bay,
                        const std::vector<iscsi::SessionInfo>& sessions, const std::string& barcode) {
  std::vector<scsi::NexusId> nexuses;
  for (const auto& session : sessions) nexuses.push_back(session.nexus);
  const auto status = bay.status(nexuses, kDrivePatience);
  json::object item{{"serial", bay.serial()},
                    {"kind", tape::to_string(bay.kind())},
                    {"state", state_of(bay, !status)},
                    {"cartridge", barcode},
                    {"unit", unit_text(services, bay.serial())}};
  item["keys"] = status ? json::value(tape::to_string(status->management)) : json::value("");
  if (status) add_status(item, *status, sessions);
  return item;
}

std::string barcode_in(const TapedServices& services, const std::string& serial) {
  std::string barcode;
  services.library.look([&](const tape::LibraryFolder& folder) {
    if (const auto* holding = folder.inventory().at(tape::drive_place(serial))) barcode = holding->barcode;
  });
  return barcode;
}

Result<std::shared_ptr<tape::DriveBay>> bay_of(const TapedServices& services, const Request& request) {
  const auto serial = to_upper(request.arguments.text("serial"));
  for (const auto& bay : services.library.bays())
    if (bay->serial() == serial) return bay;
  return fail(ErrorCode::kNotFound, "the library has no drive of this serial", "serial",
              "list the drives to see theirs");
}

Result<json::object> show(const TapedServices& services, tape::DriveBay& bay) {
  return drive_json(services, bay, services.sessions(), barcode_in(services, bay.serial()));
}

Result<Answer> unload(const TapedServices& services, const Request& request) {
  const auto bay = TRY(bay_of(services, request));
  const auto to = TRY(place_of(request, "to"));
  const bool force = request.arguments.flag("force").value_or(false);
  const auto barcode = barcode_in(services, bay->serial());
  return change(services, request, "tape-drive.unload",
                {{"drive", bay->serial()}, {"barcode", barcode}, {"force", force ? "yes" : "no"}},
                [&]() -> Result<json::object> {
                  const auto place = TRY(services.library.unload_by_hand(bay->serial(), to, force));
                  return json::object{
                      {"drive", bay->serial()}, {"barcode", barcode}, {"place", place.text()}};
                });
}

Result<Answer> power(const TapedServices& services, const Request& request) {
  const auto bay = TRY(bay_of(services, request));
  const auto wanted = request.arguments.text("power");
  return change(services, request, "tape-drive.power", {{"drive", bay->serial()}, {"power", wanted}},
                [&]() -> Result<json::object> {
                  if (wanted != "on") TRY(services.library.switch_drive(bay->serial(), false));
                  if (wanted != "off") TRY(services.library.switch_drive(bay->serial(), true));
                  return show(services, *bay);
                });
}

}  // namespace

json::array drives_json(const TapedServices& services) {
  const auto sessions = services.sessions();
  json::array items;
  for (const auto& bay : services.library.bays())
    items.push_back(drive_json(services, *bay, sessions, barcode_in(services, bay->serial())));
  return items;
}

std::vector<Route> tape_drive_routes(const TapedServices& services) {
  std::vector<Route> routes;
  routes.push_back({.method = "GET",
                    .pattern = "/v1/tape-drives",
                    .permission = Permission::kView,
                    .noun = "tape-drive",
                    .summary = "List the drives in their bays.",
                    .answer = "State, cartridge, encryption and reservation of each.",
                    .handler = [services](const Request&) -> Result<Answer> {
                      return json_answer(json::object{{"items", drives_json(services)}, {"next", ""}});
                    }});
  routes.push_back({.method = "GET",
                    .pattern = "/v1/tape-drives/{serial}",
                    .permission = Permission::kView,
                    .noun = "tape-drive",
                    .summary = "Show one drive.",
                    .answer = "Its state, and what is mounted.",
                    .handler = [services](const Request& request) -> Result<Answer> {
                      return json_answer(TRY(show(services, *TRY(bay_of(services, request)))));
                    }});
  routes.push_back(
      {.method = "POST",
       .pattern = "/v1/tape-drives/{serial}/unload",
       .permission = Permission::kChangeLibrary,
       .noun = "tape-drive",
       .summary = "Take the cartridge out of a drive.",
       .fields = {{.name = "to",
                   .meaning = "slot:1 or port:1; unless given, the slot that it came from, or a free one",
                   .limit = 64},
                  {.name = "force",
                   .type = FieldType::kFlag,
                   .meaning =
                       "reset the drive first: reservations, prevention of removal and keys of hosts end"}},
       .answer = "Where the cartridge is now.",
       .handler = [services](const Request& request) { return unload(services, request); }});
  routes.push_back({.method = "POST",
                    .pattern = "/v1/tape-drives/{serial}/power",
                    .permission = Permission::kChangeLibrary,
                    .noun = "tape-drive",
                    .summary = "Switch a drive off, on, or off and on.",
                    .fields = {{.name = "power",
                                .required = true,
                                .meaning = "off, on or cycle",
                                .choices = {"off", "on", "cycle"}}},
                    .answer = "The drive after it.",
                    .handler = [services](const Request& request) { return power(services, request); }});
  return routes;
}

}  // namespace tapewarden::admin
