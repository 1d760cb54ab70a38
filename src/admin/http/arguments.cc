#include "admin/http/arguments.h"

#include "base/assert.h"
#include "base/base64.h"
#include "base/counted.h"
#include "base/text.h"
#include "crypto/hash.h"

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

std::string cut_text(std::string_view text) {
  const bool long_one = text.size() > kMaximumAnswerText;
  return escape_unprintable(text.substr(0, kMaximumAnswerText)) + (long_one ? "..." : "");
}

std::string described_value(const ArgumentValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return cut_text(*text);
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* file = std::get_if<Bytes>(&value)) {
    return "a file of " + std::to_string(file->size()) + " bytes, SHA-256 " + to_hex(crypto::sha256(*file));
  }
  const auto& list = std::get<std::vector<std::string>>(value);
  std::string out = counted(list.size(), "item") + ":";
  for (const auto& item : list) {
    if (out.size() > kMaximumAnswerText) return out + " ...";
    out += " " + cut_text(item);
  }
  return out;
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

Bytes Arguments::canonical() const {
  ByteWriter out;
  for (const auto& [name, value] : values_) {
    if (std::holds_alternative<crypto::SecretBytes>(value)) continue;
    out.bytes32(as_bytes(name)).u8(static_cast<std::uint8_t>(value.index()));
    if (const auto* text = std::get_if<std::string>(&value)) {
      out.bytes32(as_bytes(*text));
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
      out.u64(static_cast<std::uint64_t>(*number));
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      out.u8(*flag ? 1 : 0);
    } else if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
      out.u32(static_cast<std::uint32_t>(list->size()));
      for (const auto& item : *list) out.bytes32(as_bytes(item));
    } else if (const auto* file = std::get_if<Bytes>(&value)) {
      out.bytes32(*file);
    }
  }
  return out.take();
}

std::string Arguments::described() const {
  std::string out;
  for (const auto& [name, value] : values_) {
    if (std::holds_alternative<crypto::SecretBytes>(value)) continue;
    out += (out.empty() ? "" : "; ") + name + " = " + described_value(value);
  }
  return out;
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
