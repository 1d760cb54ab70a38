// The arguments of one request, read and checked against the route's FieldSpecs, whatever place they came
// from. Owns its values; secrets are wiped with it. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "admin/http/field.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::admin {

using ArgumentValue =
    std::variant<std::string, std::int64_t, bool, std::vector<std::string>, Bytes, crypto::SecretBytes>;

class Arguments {
 public:
  void set(std::string_view name, ArgumentValue value) {
    values_.insert_or_assign(std::string(name), std::move(value));
  }
  bool has(std::string_view name) const { return values_.contains(name); }

  // REQUIRES: the field, when present, has the type asked for. Required fields are present in a handler.
  const std::string& text(std::string_view name) const;
  std::string text_or(std::string_view name, std::string_view otherwise) const;
  std::optional<std::string> optional_text(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<bool> flag(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;
  const Bytes& file(std::string_view name) const;
  const crypto::SecretBytes& secret(std::string_view name) const;
  const crypto::SecretBytes* optional_secret(std::string_view name) const;

  // Every argument but the secrets, in order of name, so that equal bytes mean an equal request.
  Bytes canonical() const;
  // The same for people: "name = value" joined by "; ", long values cut, files by size and SHA-256.
  std::string described() const;

 private:
  template <typename T>
  const T* find(std::string_view name) const;

  std::map<std::string, ArgumentValue, std::less<>> values_;
};

// A text from a path or a query as the field wants it. kInvalidArgument naming the field.
Result<ArgumentValue> parse_argument(const FieldSpec& field, std::string_view text);
// A text against the field's limit and choices; the choice in its own spelling. kInvalidArgument.
Result<std::string> check_text(const FieldSpec& field, std::string_view text);

}  // namespace tapewarden::admin
