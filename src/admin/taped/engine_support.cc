#include "admin/taped/engine_support.h"

#include <algorithm>

#include "admin/taped/limits.h"
#include "base/text.h"
#include "engine/catalogue/limits.h"

namespace tapewarden::admin {
namespace {

using engine::CartridgeState;
using engine::MediumEncryption;
using engine::MediumKind;

constexpr std::array kMedia{MediumKind::kLto, MediumKind::k3592};
constexpr std::array kEncryptions{MediumEncryption::kUnknown, MediumEncryption::kClear,
                                  MediumEncryption::kWrapped, MediumEncryption::kIdentified};
constexpr std::array kStates{CartridgeState::kScratch, CartridgeState::kFilling,
                             CartridgeState::kFull,    CartridgeState::kClosed,
                             CartridgeState::kDamaged, CartridgeState::kAwaitingErase,
                             CartridgeState::kEjected, CartridgeState::kExported};

template <typename Values>
std::vector<std::string_view> names_of(const Values& values) {
  std::vector<std::string_view> names;
  for (const auto value : values) names.push_back(engine::to_string(value));
  return names;
}

// The router has checked that it is one of the names.
template <typename Values>
auto value_in(const Arguments& arguments, std::string_view field, const Values& values) {
  std::optional<typename Values::value_type> found;
  const auto text = arguments.optional_text(field);
  for (const auto value : values)
    if (text && equal_ignoring_case(*text, engine::to_string(value))) found = value;
  return found;
}

}  // namespace

Handler on_engine(const TapedServices& services, EngineHandler handler) {
  return [services, handler = std::move(handler)](const Request& request) -> Result<Answer> {
    if (!services.engine)
      return fail(ErrorCode::kUnsupported, "this tape engine has no cache and no cartridges behind it",
                  "engine", "configure [engine] in taped.toml");
    return handler(services, *services.engine, request);
  };
}

Route engine_order(const TapedServices& services, std::string_view method, std::string_view pattern,
                   Permission permission, std::string_view noun, std::string_view summary,
                   std::vector<FieldSpec> fields, std::string_view answer, EngineHandler handler) {
  return {.method = method,
          .pattern = pattern,
          .permission = permission,
          .noun = noun,
          .summary = summary,
          .fields = std::move(fields),
          .answer = answer,
          .handler = on_engine(services, std::move(handler))};
}

Route engine_look(const TapedServices& services, std::string_view pattern, std::string_view noun,
                  std::string_view summary, std::vector<FieldSpec> fields, std::string_view answer,
                  EngineHandler handler) {
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the std::function that is returned owns it
  return engine_order(services, "GET", pattern, Permission::kView, noun, summary, std::move(fields), answer,
                      std::move(handler));
}

std::vector<FieldSpec> with_page_fields(std::vector<FieldSpec> fields) {
  fields.push_back({.name = "limit",
                    .type = FieldType::kInteger,
                    .place = FieldPlace::kQuery,
                    .meaning = "the number of items wanted at once, 1 to 1000; 100 unless given"});
  fields.push_back(
      {.name = "after", .place = FieldPlace::kQuery, .meaning = "`next` of the page before", .limit = 64});
  return fields;
}

Result<engine::PageRequest> page_of(const Arguments& arguments) {
  const auto limit = arguments.integer("limit").value_or(static_cast<std::int64_t>(kEnginePage));
  if (limit < 1 || limit > static_cast<std::int64_t>(kMaximumEnginePage))
    return fail(ErrorCode::kInvalidArgument, "the limit is out of bounds", "limit",
                "ask for 1 to " + std::to_string(kMaximumEnginePage));
  return engine::PageRequest{.limit = static_cast<std::size_t>(limit),
                             .after = arguments.text_or("after", "")};
}

Result<std::uint8_t> pool_number(std::string_view text, std::string_view field) {
  const auto number = parse_number(text, 0, engine::kMaximumPool, field);
  if (number) return static_cast<std::uint8_t>(*number);
  return fail(ErrorCode::kInvalidArgument, "pools are numbered from 0 to 32", std::string(field));
}

Result<std::optional<std::uint8_t>> pool_in(const Arguments& arguments, std::string_view field) {
  const auto given = arguments.integer(field);
  if (!given) return std::optional<std::uint8_t>();
  return std::optional(TRY(pool_number(std::to_string(*given), field)));
}

std::string construct_name(std::string text) {
  return text == "default" ? std::string(engine::kDefaultConstruct) : text;
}
std::optional<std::string> construct_in(const Arguments& arguments, std::string_view field) {
  const auto text = arguments.optional_text(field);
  if (!text) return std::nullopt;
  return construct_name(*text);
}

std::optional<MediumKind> media_in(const Arguments& arguments, std::string_view field) {
  return value_in(arguments, field, kMedia);
}
std::optional<MediumEncryption> encryption_in(const Arguments& arguments) {
  return value_in(arguments, "encryption", kEncryptions);
}
std::optional<CartridgeState> state_in(const Arguments& arguments) {
  return value_in(arguments, "state", kStates);
}
std::vector<std::string_view> media_names() {
  return names_of(kMedia);
}
std::vector<std::string_view> encryption_names() {
  return names_of(kEncryptions);
}
std::vector<std::string_view> state_names() {
  return names_of(kStates);
}

std::string time_text(WallTime time) {
  return time == WallTime{} ? std::string() : format_utc(time);
}
std::string time_text(const std::optional<WallTime>& time) {
  return time ? time_text(*time) : std::string();
}

std::string labels_text(const std::array<engine::KeyLabel, 2>& labels) {
  std::string text;
  for (const auto& label : labels)
    if (!label.text.empty())
      text += (text.empty() ? "" : ", ") + label.text + " (" + std::string(to_string(label.mode)) + ")";
  return text;
}

json::array texts(const std::vector<std::string>& lines) {
  json::array out;
  for (const auto& line : lines) out.emplace_back(line);
  return out;
}

json::object to_json(const engine::LogicalVolume& volume) {
  return {{"volser", volume.volser},
          {"category", to_string(volume.category)},
          {"residence", to_string(volume.residence())},
          {"storage_group", volume.storage_group},
          {"management_class", volume.management_class},
          {"preference", volume.preference},
          {"size_mib", volume.capacity_bytes >> 20},
          {"cached_bytes", volume.cached ? volume.cached_bytes : 0},
          {"mounted", volume.mounted},
          {"due", (volume.primary_due ? 1 : 0) + (volume.secondary_due ? 1 : 0)},
          {"written", time_text(volume.written)},
          {"accessed", time_text(volume.accessed)},
          {"delete_after", time_text(volume.delete_after)}};
}

json::object to_json(const engine::PhysicalVolume& cartridge) {
  const auto when = cartridge.move.when;
  return {
      {"barcode", cartridge.barcode},
      {"kind", to_string(cartridge.kind)},
      {"pool", cartridge.pool},
      {"home_pool", cartridge.home_pool},
      {"borrowed", cartridge.borrowed},
      {"state", to_string(cartridge.state)},
      {"encryption", to_string(cartridge.encryption)},
      {"labels", labels_text(cartridge.labels)},
      {"alias", cartridge.alias},
      {"written_bytes", cartridge.written_bytes},
      {"active_bytes", cartridge.active_bytes},
      {"active_volumes", cartridge.active_volumes},
      {"medium", cartridge.medium},
      {"library", cartridge.library},
      {"first_written", time_text(cartridge.first_written)},
      {"last_written", time_text(cartridge.last_written)},
      {"last_accessed", time_text(cartridge.last_accessed)},
      {"last_inactivated", time_text(cartridge.last_inactivated)},
      {"full_since", time_text(cartridge.full_since)},
      {"move", when == engine::MoveRequest::When::kNone  ? ""
               : when == engine::MoveRequest::When::kNow ? "now"
                                                         : "when-eligible"},
      {"move_to_pool",
       when == engine::MoveRequest::When::kNone ? json::value("") : json::value(cartridge.move.target_pool)},
      {"rekey", labels_text(cartridge.rekey.labels)},
      {"note", cartridge.note}};
}

Status note_unknown_label(json::object& body, const EngineServices& engine, const Arguments& arguments) {
  const auto label = arguments.text_or("label", "");
  if (label.empty() || !body.at("items").as_array().empty() || arguments.has("after")) return {};
  auto note = TRY(engine::unknown_label(engine.parts.catalogue, engine.parts.names, label));
  if (!note.empty()) body["notes"] = texts({std::move(note)});
  return {};
}

Result<engine::ClearLeave> clear_leave_in(const Request& request) {
  if (!request.arguments.flag(kAllowClear.name).value_or(false)) return engine::ClearLeave::kNo;
  if (const auto may = people::require(request.principal, Permission::kChangeSettings); !may) {
    Error error = may.error();
    error.field = kAllowClear.name;
    return std::unexpected(std::move(error));
  }
  return engine::ClearLeave::kYes;
}

Result<json::object> lines_json(const std::vector<engine::OrderLine>& lines) {
  if (lines.size() == 1 && lines.front().error) return std::unexpected(*lines.front().error);
  json::array items;
  std::size_t done = 0;
  for (const auto& line : lines) {
    if (!line.error) ++done;
    items.push_back(
        json::object{{"name", line.name}, {"outcome", line.outcome}, {"done", !line.error.has_value()}});
  }
  return json::object{{"done", done}, {"not_done", lines.size() - done}, {"items", std::move(items)}};
}

}  // namespace tapewarden::admin
