#include "admin/http/openapi.h"

#include "admin/http/consent.h"
#include "admin/http/json_answer.h"
#include "admin/http/router.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;

json::object schema_of(const FieldSpec& field) {
  json::object schema;
  switch (field.type) {
    case FieldType::kText:
      schema = {{"type", "string"}, {"maxLength", field.limit}};
      break;
    case FieldType::kInteger:
      schema = {{"type", "integer"}};
      break;
    case FieldType::kFlag:
      schema = {{"type", "boolean"}};
      break;
    case FieldType::kTextList:
      schema = {{"type", "array"}, {"maxItems", kMaximumListItems}, {"items", {{"type", "string"}}}};
      break;
    case FieldType::kFile:
      schema = {{"type", "string"}, {"format", "byte"}};
      break;
    case FieldType::kSecret:
      schema = {{"type", "string"}, {"format", "password"}, {"maxLength", field.limit}};
      break;
  }
  if (!field.choices.empty()) {
    json::array choices;
    for (const auto choice : field.choices) choices.emplace_back(choice);
    schema["enum"] = std::move(choices);
  }
  return schema;
}

json::object parameter(std::string_view name, std::string_view place, bool required, std::string_view meaning,
                       json::object schema) {
  return {{"name", name},
          {"in", place},
          {"required", required},
          {"description", meaning},
          {"schema", std::move(schema)}};
}

void add_path_parameters(const Route& route, json::array& parameters) {
  for (auto rest = route.pattern; rest.find('{') != std::string_view::npos;) {
    const auto begin = rest.find('{') + 1;
    const auto end = rest.find('}');
    const auto name = rest.substr(begin, end - begin);
    rest.remove_prefix(end + 1);
    const FieldSpec* told = nullptr;
    for (const FieldSpec& field : route.fields) {
      if (field.place == FieldPlace::kPath && field.name == name) told = &field;
    }
    parameters.push_back(parameter(name, "path", true, told != nullptr ? told->meaning : name,
                                   told != nullptr ? schema_of(*told) : json::object{{"type", "string"}}));
  }
}

json::object body_of(const Route& route) {
  json::object properties;
  json::array required;
  for (const FieldSpec& field : route.fields) {
    if (field.place != FieldPlace::kBody) continue;
    json::object schema = schema_of(field);
    schema["description"] = field.meaning;
    properties[field.name] = std::move(schema);
    if (field.required) required.emplace_back(field.name);
  }
  if (properties.empty()) return {};
  json::object schema{
      {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  const bool any_required = !required.empty();
  if (any_required) schema["required"] = std::move(required);
  return {{"required", any_required}, {"content", {{"application/json", {{"schema", std::move(schema)}}}}}};
}

json::object operation(const Route& route) {
  json::object operation{{"summary", route.summary}, {"tags", json::array{route.noun}}};
  operation["x-permission"] = route.permission ? people::to_string(*route.permission) : "none";
  operation["security"] =
      route.permission ? json::array{json::object{{"session", json::array{}}}} : json::array{};
  operation["x-two-person"] = route.two_person;
  json::array parameters;
  add_path_parameters(route, parameters);
  if (route.two_person) {
    parameters.push_back(parameter(kApprovalHeader, "header", false,
                                   "the id of the approval that a second security officer has given",
                                   {{"type", "string"}}));
  }
  for (const FieldSpec& field : route.fields) {
    if (field.place == FieldPlace::kQuery) {
      parameters.push_back(parameter(field.name, "query", field.required, field.meaning, schema_of(field)));
    }
  }
  if (!parameters.empty()) operation["parameters"] = std::move(parameters);
  if (auto body = body_of(route); !body.empty()) operation["requestBody"] = std::move(body);
  const std::string_view answer = route.answer.empty() ? "Done; nothing to tell." : route.answer;
  json::object responses{{"2XX", {{"description", answer}}}};
  if (route.two_person) {
    responses["202"] = {{"description", "Not done: a second person was asked. The approval with its id."}};
  }
  responses["default"] = {{"$ref", "#/components/responses/Error"}};
  operation["responses"] = std::move(responses);
  return operation;
}

json::object components() {
  json::object error_properties;
  for (const char* name : {"code", "origin", "field", "message", "remedy", "detail"}) {
    error_properties[name] = {{"type", "string"}};
  }
  const json::object error_schema{
      {"type", "object"},
      {"properties", {{"error", {{"type", "object"}, {"properties", std::move(error_properties)}}}}}};
  return {{"securitySchemes", {{"session", {{"type", "http"}, {"scheme", "bearer"}}}}},
          {"responses",
           {{"Error",
             {{"description", "What went wrong, where, and what to do."},
              {"content", {{"application/json", {{"schema", error_schema}}}}}}}}}};
}

std::string lower(std::string_view method) {
  std::string text(method);
  for (char& c : text) c = static_cast<char>(c | 0x20);
  return text;
}

}  // namespace

std::string openapi_document(std::span<const Route> routes, std::string_view title) {
  json::object paths;
  for (const Route& route : routes) {
    auto& path = paths[route.pattern];
    if (!path.is_object()) path = json::object{};
    path.get_object()[lower(route.method)] = operation(route);
  }
  return json::serialize(json::object{{"openapi", "3.0.3"},
                                      {"info", {{"title", title}, {"version", "1"}}},
                                      {"paths", std::move(paths)},
                                      {"components", components()}});
}

Route openapi_route(const Router& router, std::string_view title) {
  return {.method = "GET",
          .pattern = "/v1/openapi.json",
          .permission = {},
          .noun = "openapi",
          .summary = "Describe this interface.",
          .answer = "An OpenAPI document.",
          .handler = [&router, title = std::string(title)](const Request&) -> Result<Answer> {
            return Answer{200, "application/json", to_bytes(openapi_document(router.routes(), title))};
          }};
}

}  // namespace tapewarden::admin
