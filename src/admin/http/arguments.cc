#include "admin/http/arguments.h"

#include "base/assert.h"
#include "base/base64.h"
#include "base/text.h"

namespace tapewarden::admin {
namespace {

std::string choices_of(const FieldSpec& field) {
  std::string text;
  for (const auto choice : field.choices) text += (text.empty() ? "" : ", ") + std::string(choice);
  return text;
}

std::unexpected<Error> wrong_type(const FieldSpec& field, std::string_view wanted) {
  return fail(ErrorCode::kInvalidArgument, "the field has the wrong type", std::string(field.name),
              "give " + std::string(wanted));
}

Result<std::int64_t> parse_integer(const FieldSpec& field, std::string_view text) {
  const bool negative = text.starts_with('-');
  const auto digits = negative ? text.substr(1) : text;
  const auto value = parse_number(digits, 0, std::uint64_t{1} << 62, field.name);
  if (!value) return wrong_type(field, "a whole number");
  const auto number = static_cast<std::int64_t>(*value);
  return negative ? -number : number;
}

}  // namespace

template <typename T>
const T* Arguments::find(std::string_view name) const {
  const auto it = values_.find(name);
  if (it == values_.end()) return nullptr;
  const T* value = std::get_if<T>(&it->second);
  TW_ASSERT(value != nullptr);
  return value;
}

const std::string& Arguments::text(std::string_view name) const {
  const auto* value = find<std::string>(name);
  TW_ASSERT(value != nullptr);
  return *value;
}

std::string Arguments::text_or(std::string_view name, std::string_view otherwise) const {
  const auto* value = find<std::string>(name);
  return value != nullptr ? *value : std::string(otherwise);
}

std::optional<std::string> Arguments::optional_text(std::string_view name) const {
  const auto* value = find<std::string>(name);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Arguments::integer(std::string_view name) const {
  const auto* value = find<std::int64_t>(name);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<bool> Arguments::flag(std::string_view name) const {
  const auto* value = find<bool>(name);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::vector<std::string> Arguments::list(std::string_view name) const {
  const auto* value = find<std::vector<std::string>>(name);
  return value != nullptr ? *value : std::vector<std::string>{};
}

const Bytes& Arguments::file(std::string_view name) const {
  const auto* value = find<Bytes>(name);
  TW_ASSERT(value != nullptr);
  return *value;
}

const crypto::SecretBytes& Arguments::secret(std::string_view name) const {
  const auto* value = find<crypto::SecretBytes>(name);
  TW_ASSERT(value != nullptr);
  return *value;
}

const crypto::SecretBytes* Arguments::optional_secret(std::string_view name) const {
  return find<crypto::SecretBytes>(name);
}

Result<std::string> check_text(const FieldSpec& field, std::string_view text) {
  if (text.size() > field.limit) {
    return fail(ErrorCode::kInvalidArgument, "the field is too long", std::string(field.name),
                "use at most " + std::to_string(field.limit) + " bytes");
  }
  if (field.choices.empty()) return std::string(text);
  for (const auto choice : field.choices) {
    if (equal_ignoring_case(choice, text)) return std::string(choice);
  }
  return fail(ErrorCode::kInvalidArgument, "the field takes no such value", std::string(field.name),
              "use one of: " + choices_of(field));
}

Result<ArgumentValue> parse_argument(const FieldSpec& field, std::string_view text) {
  switch (field.type) {
    case FieldType::kText:
      return TRY(check_text(field, text));
    case FieldType::kInteger:
      return TRY(parse_integer(field, text));
    case FieldType::kFlag:
      if (text != "true" && text != "false") return wrong_type(field, "true or false");
      return text == "true";
    case FieldType::kTextList:
      return std::vector<std::string>{TRY(check_text(field, text))};
    case FieldType::kFile:
      if (text.size() / 4 * 3 > field.limit) return wrong_type(field, "a smaller file");
      return TRY(from_base64(text, field.name));
    case FieldType::kSecret:
      break;  // never in a path or query, which logs and histories keep
  }
  return wrong_type(field, "it in the body");
}

}  // namespace tapewarden::admin
