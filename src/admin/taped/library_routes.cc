// The virtual library and its cartridges by REST.
#include <algorithm>
#include <array>
#include <filesystem>
#include <tuple>

#include "admin/taped/limits.h"
#include "admin/taped/support.h"
#include "base/counted.h"
#include "base/text.h"
#include "tape/library/barcode.h"
#include "tape/library/library_actions.h"

namespace tapewarden::admin {
namespace {

const FieldSpec kTo{.name = "to",
                    .meaning =
                        "the place: slot:1, port:1 or drive:SERIAL; unless given, the slot "
                        "that the cartridge came from, or the first free one",
                    .limit = 64};

// Whoever reads it is in another folder than the engine.
std::string absolute(const std::string& path) {
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  return failed ? path : whole.lexically_normal().string();
}

json::object to_json(const tape::LibraryFolder& folder, const tape::Holding& holding) {
  return {{"barcode", holding.barcode},
          {"volume", holding.volume.text()},
          {"kind", tape::to_string(holding.kind)},
          {"place", holding.place.text()},
          {"home", holding.home ? json::value(tape::slot_place(*holding.home).text()) : json::value("")},
          {"missing", folder.missing(holding.barcode)},
          {"partition_fault", folder.partition_fault(holding)}};
}

Result<Answer> show_library(const TapedServices& services) {
  json::object body;
  services.library.look([&body](const tape::LibraryFolder& folder) {
    json::array strays;
    for (const auto& name : folder.strays()) strays.push_back(json::value(escape_unprintable(name)));
    body = {{"serial", folder.spec().changer.serial},
            {"slots", folder.spec().slots()},
            {"import_export_slots", folder.spec().ports()},
            {"drives", folder.spec().drives.size()},
            {"cartridges", folder.inventory().cartridges().size()},
            {"unknown_files", std::move(strays)}};
  });
  body["removal_prevented"] = services.library.removal_prevented();
  return json_answer(std::move(body));
}

Result<std::size_t> page_limit(const Arguments& arguments) {
  const auto limit = arguments.integer("limit").value_or(static_cast<std::int64_t>(kCartridgePage));
  if (limit >= 1 && limit <= static_cast<std::int64_t>(kMaximumCartridgePage))
    return static_cast<std::size_t>(limit);
  return fail(ErrorCode::kInvalidArgument, "the limit is out of bounds", "limit",
              "ask for 1 to " + std::to_string(kMaximumCartridgePage));
}

Result<Answer> list_cartridges(const TapedServices& services, const Request& request) {
  const auto limit = TRY(page_limit(request.arguments));
  const auto after = request.arguments.text_or("after", "");
  json::array items;
  std::string next;
  services.library.look([&](const tape::LibraryFolder& folder) {
    const auto& all = folder.inventory().cartridges();
    for (auto at = after.empty() ? all.begin() : all.upper_bound(after); at != all.end(); ++at) {
      if (items.size() == limit) {
        next = std::string(items.back().at("barcode").as_string());
        return;
      }
      items.push_back(to_json(folder, at->second));
    }
  });
  return json_answer(json::object{{"items", std::move(items)}, {"next", next}});
}

Result<json::object> cartridge_json(const TapedServices& services, const std::string& barcode) {
  std::optional<json::object> found;
  services.library.look([&](const tape::LibraryFolder& folder) {
    if (const auto* holding = folder.inventory().find(barcode)) found = to_json(folder, *holding);
  });
  if (found) return *std::move(found);
  return fail(ErrorCode::kNotFound, "the library has no cartridge " + barcode, "barcode");
}

Result<std::string> barcode_of(const Request& request) {
  return tape::checked_barcode(request.arguments.text("barcode"));
}

Result<tape::NewCartridges> wanted_of(const Arguments& arguments) {
  tape::NewCartridges wanted;
  wanted.barcodes = TRY(tape::barcode_range(arguments.text("barcodes")));
  if (wanted.barcodes.size() > kMaximumNewCartridges)
    return fail(ErrorCode::kExhausted, "these are too many cartridges for one call", "barcodes",
                "ask for " + std::to_string(kMaximumNewCartridges) + " at most");
  const auto kind = arguments.text_or("kind", tape::to_string(tape::MediumKind::kLto));
  wanted.spec.kind = equal_ignoring_case(kind, tape::to_string(tape::MediumKind::k3592))
                         ? tape::MediumKind::k3592
                         : tape::MediumKind::kLto;
  wanted.spec.worm = arguments.flag("worm").value_or(false);
  if (const auto capacity = arguments.integer("capacity_bytes")) {
    if (*capacity <= 0)
      return fail(ErrorCode::kInvalidArgument, "this is no capacity", "capacity_bytes", "give bytes");
    wanted.spec.capacity_bytes = static_cast<std::uint64_t>(*capacity);
  }
  return wanted;
}

// So that nothing is made where not all could be.
Status check_room(tape::Library& library, const tape::NewCartridges& wanted) {
  Status good;
  library.look([&](const tape::LibraryFolder& folder) {
    for (const auto& barcode : wanted.barcodes)
      if (good && folder.inventory().find(barcode) != nullptr)
        good = fail(ErrorCode::kAlreadyExists, "the library has a cartridge " + barcode, "barcodes");
    std::size_t free = 0;
    for (std::uint32_t i = 0; i < folder.spec().slots(); ++i)
      free += folder.inventory().at(tape::slot_place(i)) == nullptr;
    if (good && free < wanted.barcodes.size())
      good = fail(ErrorCode::kExhausted,
                  "the library has " + counted(free, "free slot") + " for " +
                      counted(wanted.barcodes.size(), "cartridge"),
                  "barcodes", "make fewer, or configure more slots");
  });
  return good;
}

// A few at a time: hosts' moves wait for each of them.
Result<json::object> add(const TapedServices& services, const tape::NewCartridges& wanted) {
  TRY(check_room(services.library, wanted));
  tape::AddedCartridges added;
  for (std::size_t first = 0; first < wanted.barcodes.size(); first += kCartridgesAtOnce) {
    tape::NewCartridges some{.barcodes = {}, .spec = wanted.spec};
    const auto last = std::min(first + kCartridgesAtOnce, wanted.barcodes.size());
    some.barcodes.assign(wanted.barcodes.begin() + static_cast<std::ptrdiff_t>(first),
                         wanted.barcodes.begin() + static_cast<std::ptrdiff_t>(last));
    const auto done = services.library.act([&](tape::LibraryFolder& folder) -> Status {
      const auto part = TRY(tape::add_cartridges(folder, some));
      added.made += part.made;
      added.found += part.found;
      return {};
    });
    if (!done) return in_context(counted(added.made, "cartridge") + " made before", done.error());
  }
  return json::object{{"made", added.made}, {"found", added.found}};
}

Result<Answer> add_route(const TapedServices& services, const Request& request) {
  const auto wanted = TRY(wanted_of(request.arguments));
  return change(services, request, "cartridge.add", {{"barcodes", request.arguments.text("barcodes")}},
                [&] { return add(services, wanted); });
}

// A place, or a drive's serial alone.
Result<std::optional<tape::Place>> destination_of(const Request& request) {
  const auto drive = request.arguments.optional_text("drive");
  if (!drive) return place_of(request, "to");
  if (request.arguments.has("to"))
    return fail(ErrorCode::kInvalidArgument, "two places are named", "to", "name one of to and drive");
  return tape::drive_place(to_upper(*drive));
}

Result<Answer> move_route(const TapedServices& services, const Request& request) {
  const auto barcode = TRY(barcode_of(request));
  const auto to = TRY(destination_of(request));
  return change(services, request, "cartridge.move",
                {{"barcode", barcode}, {"to", to ? to->text() : std::string("home")}},
                [&]() -> Result<json::object> {
                  const auto place = TRY(services.library.move_by_hand(barcode, to));
                  return json::object{{"barcode", barcode}, {"place", place.text()}};
                });
}

Result<Answer> import_route(const TapedServices& services, const Request& request) {
  const auto barcode = TRY(barcode_of(request));
  return change(services, request, "cartridge.import", {{"barcode", barcode}}, [&]() -> Result<json::object> {
    tape::Place place;
    TRY(services.library.act([&](tape::LibraryFolder& folder) -> Status {
      place = TRY(tape::import_cartridge(folder, barcode));
      return {};
    }));
    return json::object{{"barcode", barcode}, {"place", place.text()}};
  });
}

Result<Answer> export_route(const TapedServices& services, const Request& request) {
  const auto barcode = TRY(barcode_of(request));
  return change(services, request, "cartridge.export", {{"barcode", barcode}}, [&]() -> Result<json::object> {
    std::string file;
    TRY(services.library.act([&](tape::LibraryFolder& folder) -> Status {
      TRY(tape::export_cartridge(folder, barcode));
      if (!folder.spec().kept) file = absolute(folder.path_of(barcode));
      return {};
    }));
    return json::object{{"barcode", barcode}, {"place", "outside"}, {"file", file}};
  });
}

Result<Answer> remove_route(const TapedServices& services, const Request& request) {
  const auto barcode = TRY(barcode_of(request));
  return change(services, request, "cartridge.remove", {{"barcode", barcode}}, [&]() -> Result<json::object> {
    std::string folder_name;
    TRY(services.library.act([&](tape::LibraryFolder& folder) -> Status {
      if (!folder.spec().kept) folder_name = absolute(folder.spec().folder + "/removed");
      return folder.remove(barcode);
    }));
    return json::object{{"barcode", barcode}, {"removed", true}, {"folder", folder_name}};
  });
}

Result<Answer> rescan_route(const TapedServices& services, const Request& request) {
  return change(services, request, "library.rescan", {}, [&]() -> Result<json::object> {
    if (!services.library.audit())
      return fail(ErrorCode::kIo, "the library's folder cannot be read", "library.folder",
                  "see the log of tapewarden-taped");
    json::object seen;
    services.library.look([&seen](const tape::LibraryFolder& folder) {
      seen = {{"missing_files", folder.missing().size()}, {"unknown_files", folder.strays().size()}};
    });
    return seen;
  });
}

Route verb(std::string_view pattern, std::string_view summary, std::vector<FieldSpec> fields,
           std::string_view answer, Handler handler) {
  return {.method = "POST",
          .pattern = pattern,
          .permission = Permission::kChangeLibrary,
          .noun = "library",
          .summary = summary,
          .fields = std::move(fields),
          .answer = answer,
          .handler = std::move(handler)};
}

Route look(std::string_view pattern, std::string_view summary, std::vector<FieldSpec> fields,
           std::string_view answer, Handler handler) {
  auto route = verb(pattern, summary, std::move(fields), answer, std::move(handler));
  route.method = "GET";
  route.permission = Permission::kView;
  return route;
}

std::vector<FieldSpec> new_cartridge_fields() {
  return {
      {.name = "barcodes",
       .required = true,
       .meaning = "one barcode, or FIRST-LAST such as VOL001L9-VOL020L9",
       .limit = 64},
      {.name = "kind", .meaning = "LTO unless given", .choices = {"LTO", "3592"}},
      {.name = "capacity_bytes", .type = FieldType::kInteger, .meaning = "stored bytes; 18 TB unless given"},
      {.name = "worm", .type = FieldType::kFlag, .meaning = "write once, read many"}};
}

}  // namespace

std::vector<Route> library_routes(const TapedServices& services) {
  const auto with = [&services](Result<Answer> (*handler)(const TapedServices&, const Request&)) {
    return [services, handler](const Request& request) { return handler(services, request); };
  };
  std::vector<Route> routes;
  routes.push_back(look("/v1/library", "Tell what the library is made of.", {}, "Its counts.",
                        [services](const Request&) { return show_library(services); }));
  routes.push_back(verb("/v1/library/rescan", "Compare inventory and folder again.", {},
                        "How many files are missing or unknown.", with(rescan_route)));
  routes.push_back(
      look("/v1/cartridges", "List the cartridges by barcode.",
           {{.name = "limit",
             .type = FieldType::kInteger,
             .place = FieldPlace::kQuery,
             .meaning = "the number of items wanted at once, 1 to 1000; 100 unless given"},
            {.name = "after", .place = FieldPlace::kQuery, .meaning = "`next` of the page before"}},
           "Barcodes and places.", with(list_cartridges)));
  routes.push_back(look("/v1/cartridges/{barcode}", "Show one cartridge.", {}, "Where it is.",
                        [services](const Request& request) -> Result<Answer> {
                          return json_answer(TRY(cartridge_json(services, TRY(barcode_of(request)))));
                        }));
  routes.push_back(verb("/v1/cartridges", "Make empty cartridges and put them into free slots.",
                        new_cartridge_fields(), "How many were made.", with(add_route)));
  routes.push_back(
      verb("/v1/cartridges/{barcode}/move", "Move a cartridge; into a drive loads it.",
           {kTo, {.name = "drive", .meaning = "the serial of the drive to load it into", .limit = 32}},
           "Where it is now.", with(move_route)));
  routes.push_back(verb("/v1/cartridges/{barcode}/import",
                        "Put a cartridge from outside into an import/export slot.", {}, "Where it is now.",
                        with(import_route)));
  routes.push_back(verb("/v1/cartridges/{barcode}/export", "Take a cartridge out of its import/export slot.",
                        {}, "Where its file is.", with(export_route)));
  routes.push_back(verb("/v1/cartridges/{barcode}/remove",
                        "Forget a cartridge that is outside; its file is kept aside.", {}, "The folder.",
                        with(remove_route)));
  return routes;
}

}  // namespace tapewarden::admin
