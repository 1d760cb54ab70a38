#include "admin/http/body.h"

#include <boost/json.hpp>

#include "admin/http/secret_fields.h"
#include "base/base64.h"
#include "base/text.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;

std::unexpected<Error> wrong_type(const FieldSpec& field, std::string_view wanted) {
  return fail(ErrorCode::kInvalidArgument, "the field has the wrong type", std::string(field.name),
              "give " + std::string(wanted));
}

std::string_view view_of(const json::string& text) {
  return {text.data(), text.size()};
}

Result<ArgumentValue> text_list(const FieldSpec& field, const json::value& value) {
  if (!value.is_array()) return wrong_type(field, "an array of strings");
  const json::array& items = value.get_array();
  if (items.size() > kMaximumListItems) return wrong_type(field, "fewer items");
  std::vector<std::string> list;
  for (const json::value& item : items) {
    if (!item.is_string()) return wrong_type(field, "an array of strings");
    list.push_back(TRY(check_text(field, view_of(item.get_string()))));
  }
  return list;
}

Result<ArgumentValue> read_value(const FieldSpec& field, const json::value& value) {
  switch (field.type) {
    case FieldType::kText:
      if (!value.is_string()) return wrong_type(field, "a string");
      return TRY(check_text(field, view_of(value.get_string())));
    case FieldType::kInteger:
      if (!value.is_int64()) return wrong_type(field, "a whole number");
      return value.get_int64();
    case FieldType::kFlag:
      if (!value.is_bool()) return wrong_type(field, "true or false");
      return value.get_bool();
    case FieldType::kTextList:
      return text_list(field, value);
    case FieldType::kFile:
      if (!value.is_string()) return wrong_type(field, "base64 in a string");
      return parse_argument(field, view_of(value.get_string()));
    case FieldType::kSecret:
      break;
  }
  // A secret that the scan did not find: its value is no string, or its name is written with escapes.
  return wrong_type(field, "a string");
}

const FieldSpec* find_field(std::span<const FieldSpec> fields, std::string_view name) {
  for (const FieldSpec& field : fields) {
    if (field.place == FieldPlace::kBody && field.name == name) return &field;
  }
  return nullptr;
}

Status take_secrets(Bytes& body, std::span<const FieldSpec> fields, Arguments& into) {
  std::vector<std::string_view> names;
  for (const FieldSpec& field : fields) {
    if (field.place == FieldPlace::kBody && field.type == FieldType::kSecret) names.push_back(field.name);
  }
  auto secrets = take_secret_fields(body, names);
  if (!secrets) {
    crypto::wipe(body);
    return std::unexpected(std::move(secrets).error());
  }
  for (auto& [name, value] : *secrets) {
    if (value.size() > find_field(fields, name)->limit) {
      return fail(ErrorCode::kInvalidArgument, "the field is too long", name, "");
    }
    into.set(name, std::move(value));
  }
  return {};
}

std::unexpected<Error> no_object() {
  return fail(ErrorCode::kInvalidArgument, "the body is not a JSON object", "body",
              "send one object, for example {\"name\": \"value\"}");
}

Result<json::value> parse_json(ByteView body) {
  json::parse_options options;
  options.max_depth = kMaximumJsonDepth;
  json::error_code error;
  try {
    json::value value = json::parse(as_text(body), error, {}, options);
    if (error || !value.is_object()) return no_object();
    return value;
  } catch (const std::exception&) {  // no memory for it
    return no_object();
  }
}

Status read_object(ByteView body, std::span<const FieldSpec> fields, Arguments& into) {
  const json::value value = TRY(parse_json(body));
  for (const auto& member : value.get_object()) {
    const std::string_view name(member.key().data(), member.key().size());
    const FieldSpec* field = find_field(fields, name);
    if (field == nullptr) {
      return fail(ErrorCode::kInvalidArgument, "the request has no such field",
                  escape_unprintable(name.substr(0, kMaximumAnswerText)), "see /v1/openapi.json");
    }
    // null says the same as leaving a field out.
    if (member.value().is_null() || (field->type == FieldType::kSecret && into.has(name))) continue;
    into.set(name, TRY(read_value(*field, member.value())));
  }
  return {};
}

}  // namespace

Status read_body(Bytes& body, std::span<const FieldSpec> fields, Arguments& into) {
  if (body.empty()) return {};
  TRY(take_secrets(body, fields, into));
  const Status status = read_object(body, fields, into);
  // Also what no field claimed may have been a secret in the wrong place.
  crypto::wipe(body);
  return status;
}

}  // namespace tapewarden::admin
