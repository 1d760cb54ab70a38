#include "cli/library_view.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <tuple>

#include "base/counted.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/server_session.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 5> kColumns = {"barcode", "kind", "place", "volume", "note"};
constexpr std::array<std::string_view, 4> kPlaces = {"drive ", "import/export slot ", "slot ", "outside"};

std::string text_in(const json::object& row, std::string_view name) {
  const auto* value = row.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_in(const json::object& view, std::string_view name) {
  const auto* value = view.if_contains(name);
  return value != nullptr && value->is_int64()    ? value->get_int64()
         : value != nullptr && value->is_uint64() ? static_cast<std::int64_t>(value->get_uint64())
                                                  : 0;
}

// Kind of place, its number, its name.
std::tuple<std::size_t, std::uint64_t, std::string> rank_of(const json::value& row) {
  const std::string place = row.is_object() ? text_in(row.get_object(), "place") : std::string();
  const auto kind = std::ranges::find_if(kPlaces, [&place](auto begin) { return place.starts_with(begin); }) -
                    kPlaces.begin();
  const auto number = parse_number(place.substr(place.rfind(' ') + 1), 0, UINT32_MAX, "place");
  return {static_cast<std::size_t>(kind), number.value_or(0), place};
}

// What is wrong with it, in words.
json::object with_note(json::object row) {
  const auto* missing = row.if_contains("missing");
  std::string note = missing != nullptr && missing->is_bool() && missing->get_bool()
                         ? std::string("MISSING: its file is gone")
                         : std::string();
  if (const auto fault = text_in(row, "partition_fault"); !fault.empty())
    note += (note.empty() ? "" : "; ") + fault;
  row["note"] = note;
  return row;
}

Result<std::string> table_of(const json::array& cartridges) {
  json::array rows;
  for (const auto& row : cartridges)
    if (row.is_object()) rows.push_back(with_note(row.get_object()));
  Listing listing;
  TRY(listing.add_page(as_bytes(json::serialize(json::object{{"items", rows}}))));
  std::ostringstream lines;
  listing.print_table(lines, kColumns);
  return lines.str();
}

}  // namespace

json::object view_of(const tape::LibraryFolder& folder) {
  json::array rows;
  for (const auto& [barcode, holding] : folder.inventory().cartridges())
    rows.push_back(json::object{{"barcode", barcode},
                                {"volume", holding.volume.text()},
                                {"kind", tape::to_string(holding.kind)},
                                {"place", holding.place.text()},
                                {"missing", folder.missing(barcode)},
                                {"partition_fault", folder.partition_fault(holding)}});
  json::array strays;
  for (const auto& name : folder.strays()) strays.push_back(json::value(name));
  const auto& spec = folder.spec();
  return {{"serial", spec.changer.serial},       {"slots", spec.slots()},
          {"import_export_slots", spec.ports()}, {"drives", spec.drives.size()},
          {"cartridges", std::move(rows)},       {"unknown_files", std::move(strays)}};
}

Result<json::object> view_of_engine(Context& context) {
  if (!context.globals.site.empty() && context.globals.server.empty()) context.globals.server = kEngineServer;
  auto session = TRY(ServerSession::open(context, ServerKind::kEngine));
  auto view = TRY(session.get("/v1/library"));
  view["cartridges"] = TRY(session.list("/v1/cartridges"));
  return view;
}

Status print_library(Context& context, json::object view) {
  auto* cartridges = view["cartridges"].if_array();
  if (cartridges == nullptr) cartridges = &view["cartridges"].emplace_array();
  std::ranges::sort(*cartridges, {}, rank_of);
  std::string text = "library " + escape_unprintable(text_in(view, "serial")) + ": " +
                     counted(number_in(view, "slots"), "slot") + ", " +
                     counted(number_in(view, "import_export_slots"), "import/export slot") + ", " +
                     counted(number_in(view, "drives"), "drive") + ", " +
                     counted(cartridges->size(), "cartridge") + "\n";
  if (!cartridges->empty()) text += TRY(table_of(*cartridges));
  if (const auto* strays = view["unknown_files"].if_array(); strays != nullptr)
    for (const auto& name : *strays)
      if (name.is_string())
        text += "not in the inventory: " + escape_unprintable(std::string(name.get_string())) + "\n";
  print_report(context, view, text);
  return {};
}

}  // namespace tapewarden::cli
