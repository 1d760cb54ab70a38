// The drives behind the engine (T9), and how full its cache is (T5).
#include <algorithm>

#include "admin/taped/engine_support.h"
#include "base/text.h"

namespace tapewarden::admin {
namespace {

constexpr std::size_t kReasonLimit = 200;  // bytes

json::object to_json(const PhysicalDriveView& drive) {
  return {{"serial", drive.serial},         {"library", drive.library}, {"kind", drive.kind},
          {"product", drive.product},       {"state", drive.state},     {"cartridge", drive.cartridge},
          {"encryption", drive.encryption}, {"reason", drive.reason}};
}

Result<Answer> list(const TapedServices&, const EngineServices& engine, const Request&) {
  json::array items;
  for (const auto& drive : engine.drives()) items.push_back(to_json(drive));
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<json::object> drive_of(const EngineServices& engine, const std::string& serial) {
  const auto drives = engine.drives();
  const auto found = std::ranges::find(drives, serial, &PhysicalDriveView::serial);
  if (found != drives.end()) return to_json(*found);
  return fail(ErrorCode::kNotFound, "there is no drive of this serial behind the engine", "serial",
              "list the drives to see theirs");
}

// As the configuration writes it: people may write its letters in either case.
std::string serial_of(const EngineServices& engine, std::string_view given) {
  const auto drives = engine.drives();
  if (std::ranges::find(drives, given, &PhysicalDriveView::serial) != drives.end()) return std::string(given);
  const auto alike = [&](const auto& drive) { return to_upper(drive.serial) == to_upper(given); };
  const auto found = std::ranges::find_if(drives, alike);
  return found != drives.end() ? found->serial : std::string(given);
}

Result<Answer> take_offline(const TapedServices& services, const EngineServices& engine,
                            const Request& request) {
  const auto serial = serial_of(engine, request.arguments.text("serial"));
  const auto given = request.arguments.text("reason");
  if (trim(given).empty() || !is_printable(given))
    return fail(ErrorCode::kInvalidArgument, "the reason is empty or no ASCII text", "reason",
                "say in a few words why the drive is taken offline");
  return change(services, request, "physical-drive.offline", {{"drive", serial}, {"reason", given}},
                [&]() -> Result<json::object> {
                  TRY(engine.take_offline(serial, "taken offline by " + request.principal.name + ": " +
                                                      std::string(trim(given))));
                  return drive_of(engine, serial);
                });
}

Result<Answer> bring_online(const TapedServices& services, const EngineServices& engine,
                            const Request& request) {
  const auto serial = serial_of(engine, request.arguments.text("serial"));
  return change(services, request, "physical-drive.online", {{"drive", serial}},
                [&]() -> Result<json::object> {
                  TRY(engine.bring_online(serial));
                  return drive_of(engine, serial);
                });
}

Result<Answer> cache(const TapedServices&, const EngineServices& engine, const Request&) {
  const auto use = engine.cache();
  std::vector<engine::VolumeTotal> totals;
  TRY(engine.parts.catalogue.read([&](engine::CatalogueView& view) -> Status {
    totals = TRY(view.volume_totals());
    return {};
  }));
  std::int64_t cached = 0;
  std::int64_t due = 0;
  std::int64_t due_bytes = 0;
  for (const auto& [key, sums] : totals) {
    const bool here =
        key.residence == engine::Residence::kCached || key.residence == engine::Residence::kPremigrated;
    if (here) cached += sums.volumes;
    due += sums.primary_due + sums.secondary_due;
    due_bytes += sums.primary_due_bytes + sums.secondary_due_bytes;
  }
  return json_answer(json::object{
      {"limit_bytes", use.limit_bytes},
      {"used_bytes", use.used_bytes},
      {"promised_bytes", use.promised_bytes},
      {"free_bytes", use.free_bytes},
      {"disk_free_bytes", use.disk_free_bytes ? json::value(*use.disk_free_bytes) : json::value(nullptr)},
      {"volumes", cached},
      {"copies_due", due},
      {"due_bytes", due_bytes}});
}

}  // namespace

std::vector<Route> physical_drive_routes(const TapedServices& services) {
  constexpr std::string_view kNoun = "physical-drive";
  std::vector<Route> routes;
  routes.push_back(engine_look(services, "/v1/physical-drives", kNoun, "List the drives behind the engine.",
                               {}, "State, cartridge, and why one is offline.", list));
  routes.push_back(engine_order(
      services, "POST", "/v1/physical-drives/{serial}/offline", Permission::kChangeLibrary, kNoun,
      "Take a drive behind the engine out of its work; refused while it is at work.",
      {{.name = "reason", .required = true, .meaning = "why, in a few words", .limit = kReasonLimit}},
      "The drive after it.", take_offline));
  routes.push_back(engine_order(services, "POST", "/v1/physical-drives/{serial}/online",
                                Permission::kChangeLibrary, kNoun,
                                "Ask a drive behind the engine who it is, and let it take part in the work.",
                                {}, "The drive after it.", bring_online));
  routes.push_back(engine_look(services, "/v1/cache", "engine", "Tell how full the cache is.", {},
                               "Bytes used, promised, free, and due to be copied.", cache));
  return routes;
}

}  // namespace tapewarden::admin
