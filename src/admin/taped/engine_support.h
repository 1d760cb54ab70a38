// What the routes of the engine behind the cache share. Included by .cc files only.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/taped/support.h"
#include "engine/operator/volume_sheet.h"

namespace tapewarden::admin {

// A handler that runs only where there is an engine; kUnsupported otherwise.
using EngineHandler =
    std::function<Result<Answer>(const TapedServices&, const EngineServices&, const Request&)>;
Handler on_engine(const TapedServices& services, EngineHandler handler);

// A route that looks, for everybody who may see things; and one that changes something.
Route engine_look(const TapedServices& services, std::string_view pattern, std::string_view noun,
                  std::string_view summary, std::vector<FieldSpec> fields, std::string_view answer,
                  EngineHandler handler);
Route engine_order(const TapedServices& services, std::string_view method, std::string_view pattern,
                   Permission permission, std::string_view noun, std::string_view summary,
                   std::vector<FieldSpec> fields, std::string_view answer, EngineHandler handler);

// `limit` and `after` of a list.
std::vector<FieldSpec> with_page_fields(std::vector<FieldSpec> fields);
Result<engine::PageRequest> page_of(const Arguments& arguments);

// Pool numbers, and other small numbers. kInvalidArgument naming the field.
Result<std::uint8_t> pool_number(std::string_view text, std::string_view field);
Result<std::optional<std::uint8_t>> pool_in(const Arguments& arguments, std::string_view field);
template <typename Number>
Result<std::optional<Number>> number_in(const Arguments& arguments, std::string_view field) {
  const auto given = arguments.integer(field);
  if (!given) return std::optional<Number>();
  if (std::in_range<Number>(*given)) return std::optional(static_cast<Number>(*given));
  return fail(ErrorCode::kInvalidArgument, "the number is out of range", std::string(field),
              "give at most " + std::to_string(std::numeric_limits<Number>::max()));
}

// A construct's name; `default` stands for the one of hosts that name none, whose eight dashes a command line
// would take for an option.
std::string construct_name(std::string text);
std::optional<std::string> construct_in(const Arguments& arguments, std::string_view field);

std::optional<engine::MediumKind> media_in(const Arguments& arguments, std::string_view field);
std::optional<engine::MediumEncryption> encryption_in(const Arguments& arguments);
std::optional<engine::CartridgeState> state_in(const Arguments& arguments);
// For FieldSpec::choices.
std::vector<std::string_view> media_names();
std::vector<std::string_view> encryption_names();
std::vector<std::string_view> state_names();

// RFC 3339; empty for what never happened.
std::string time_text(WallTime time);
std::string time_text(const std::optional<WallTime>& time);
// "FINANCE (hash), ARCHIVE (clear)"; empty: none.
std::string labels_text(const std::array<engine::KeyLabel, 2>& labels);
json::array texts(const std::vector<std::string>& lines);

json::object to_json(const engine::LogicalVolume& volume);
json::object to_json(const engine::PhysicalVolume& cartridge);

// A search by key label found nothing at all: adds to its `notes` when there is no such key.
Status note_unknown_label(json::object& body, const EngineServices& engine, const Arguments& arguments);

// Data of a pool that encrypts may go where it is written in clear: asked for explicitly, and only by who
// settles encryption.
inline const FieldSpec kAllowClear{
    .name = "allow_clear",
    .type = FieldType::kFlag,
    .meaning = "what a pool encrypts may lie in clear there; for security officers alone"};
// kPermissionDenied naming the permission.
Result<engine::ClearLeave> clear_leave_in(const Request& request);

// items: name, outcome, done. One alone that was not done is an error.
Result<json::object> lines_json(const std::vector<engine::OrderLine>& lines);

}  // namespace tapewarden::admin
