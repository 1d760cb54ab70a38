// The engine as a whole: status, hosts' sessions, key servers.
#include "admin/taped/support.h"

namespace tapewarden::admin {
namespace {

json::array units_of(const TapedServices& services, const iscsi::SessionInfo& session) {
  json::array units;
  for (const auto& unit : services.units) {
    if (unit.target != session.target) continue;
    const auto use = unit.meter->use_of(session.nexus);
    units.push_back(json::object{{"lun", unit.lun},
                                 {"unit", unit.what},
                                 {"commands", use.commands},
                                 {"refused", use.refused},
                                 {"bytes_to_host", use.bytes_in},
                                 {"bytes_from_host", use.bytes_out}});
  }
  return units;
}

json::object to_json(const TapedServices& services, const iscsi::SessionInfo& session) {
  auto units = units_of(services, session);
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  for (const auto& unit : units) {
    read += unit.at("bytes_to_host").to_number<std::uint64_t>();
    written += unit.at("bytes_from_host").to_number<std::uint64_t>();
  }
  return {{"initiator", session.initiator},     {"target", session.target},  // empty: a discovery session
          {"address", session.remote_address},  {"user", session.chap_name},
          {"since", format_utc(session.since)}, {"bytes_to_host", read},
          {"bytes_from_host", written},         {"units", std::move(units)}};
}

json::array sessions_json(const TapedServices& services) {
  json::array items;
  for (const auto& session : services.sessions()) items.push_back(to_json(services, session));
  return items;
}

json::array key_servers_json(const TapedServices& services) {
  json::array items;
  if (!services.key_servers) return items;
  for (const auto& server : services.key_servers())
    items.push_back(json::object{{"role", server.role},
                                 {"address", server.address},
                                 {"connection", server.connection},
                                 {"state", server.state},
                                 {"problem", server.connection == "up" ? std::string() : server.problem}});
  return items;
}

json::object counts_json(const TapedServices& services) {
  json::object counts;
  services.library.look([&counts](const tape::LibraryFolder& folder) {
    std::size_t inside = 0;
    for (const auto& [barcode, holding] : folder.inventory().cartridges()) inside += holding.place.inside();
    counts = {{"slots", folder.spec().slots()},
              {"import_export_slots", folder.spec().ports()},
              {"drives", folder.spec().drives.size()},
              {"cartridges", inside},
              {"outside", folder.inventory().cartridges().size() - inside},
              {"missing_files", folder.missing().size()},
              {"unknown_files", folder.strays().size()}};
  });
  return counts;
}

// What somebody should do something about.
json::array warnings_of(const TapedServices& services) {
  json::array warnings;
  services.library.look([&warnings](const tape::LibraryFolder& folder) {
    for (const auto& barcode : folder.missing())
      warnings.emplace_back("the file of cartridge " + barcode + " is missing");
  });
  for (const auto& bay : services.library.bays())
    if (!bay->powered()) warnings.emplace_back("drive " + bay->serial() + " is switched off");
  if (services.key_servers) {
    for (const auto& server : services.key_servers())
      if (server.connection != "up")
        warnings.emplace_back("the " + server.role + " key server " + server.address +
                              " cannot be reached: " + server.problem);
  }
  if (services.warnings)
    for (const auto& text : services.warnings()) warnings.emplace_back(text);
  if (!services.ready()) warnings.emplace_back("what operators do cannot be recorded: changes are refused");
  return warnings;
}

Result<Answer> status(const TapedServices& services) {
  json::object library = counts_json(services);
  library["serial"] = services.library_serial;
  library["removal_prevented"] = services.library.removal_prevented();
  json::array units;
  for (const auto& unit : services.units)
    units.push_back(json::object{{"target", unit.target}, {"lun", unit.lun}, {"unit", unit.what}});
  return json_answer(json::object{{"version", services.version},
                                  {"time", format_utc(services.env.clock->wall_now())},
                                  {"library", std::move(library)},
                                  {"units", std::move(units)},
                                  {"drives", drives_json(services)},
                                  {"sessions", sessions_json(services)},
                                  {"key_servers", key_servers_json(services)},
                                  {"warnings", warnings_of(services)}});
}

Route list(std::string_view pattern, std::string_view summary, std::string_view answer,
           std::function<json::array()> items) {
  return {.method = "GET",
          .pattern = pattern,
          .permission = Permission::kView,
          .noun = "engine",
          .summary = summary,
          .answer = answer,
          .handler = [items = std::move(items)](const Request&) -> Result<Answer> {
            return json_answer(json::object{{"items", items()}, {"next", ""}});
          }};
}

}  // namespace

std::vector<Route> engine_routes(const TapedServices& services) {
  std::vector<Route> routes;
  routes.push_back({.method = "GET",
                    .pattern = "/v1/status",
                    .permission = Permission::kView,
                    .noun = "engine",
                    .summary = "Tell how the engine is.",
                    .answer = "Library, units, drives, sessions of hosts, key servers, and warnings.",
                    .handler = [services](const Request&) { return status(services); }});
  routes.push_back(list("/v1/sessions", "List the iSCSI sessions of hosts.",
                        "Initiator, target, and what moved at each LUN.",
                        [services] { return sessions_json(services); }));
  routes.push_back(list("/v1/key-servers", "List the key servers that the engine asks for keys.",
                        "Their roles, addresses and connections; empty when no drive is library-managed.",
                        [services] { return key_servers_json(services); }));
  return routes;
}

}  // namespace tapewarden::admin
