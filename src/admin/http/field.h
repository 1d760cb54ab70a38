// What a route takes, as data: the router reads, checks and documents every argument by these. Values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "admin/http/limits.h"

namespace tapewarden::admin {

enum class FieldPlace : std::uint8_t { kPath, kQuery, kBody };

enum class FieldType : std::uint8_t {
  kText,
  kInteger,
  kFlag,      // JSON true or false; in a query: true, false
  kTextList,  // a JSON array of strings; in a query: the parameter repeated
  kFile,      // bytes as base64 in a JSON string
  kSecret,    // a JSON string that goes straight into SecretBytes; body only
};

struct FieldSpec {
  std::string_view name{};
  FieldType type = FieldType::kText;
  FieldPlace place = FieldPlace::kBody;
  bool required = false;
  std::string_view meaning{};               // for the OpenAPI document and the error's remedy
  std::vector<std::string_view> choices{};  // of a text; compared without case; empty: any
  std::size_t limit = kMaximumTextField;    // bytes of a text, file or secret
};

}  // namespace tapewarden::admin
