#include "net/http.h"

#include <algorithm>

namespace tapewarden::net {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string_view first_value(const Pairs& pairs, std::string_view name) {
  const auto found =
      std::ranges::find(pairs, name, [](const auto& pair) { return std::string_view(pair.first); });
  return found == pairs.end() ? std::string_view{} : std::string_view(found->second);
}

}  // namespace

std::string_view HttpHeaders::get(std::string_view lower_case_name) const {
  return first_value(fields, lower_case_name);
}

bool HttpHeaders::has(std::string_view lower_case_name) const {
  return std::ranges::any_of(fields, [&](const auto& field) { return field.first == lower_case_name; });
}

std::string_view HttpRequest::parameter(std::string_view name) const {
  return first_value(query, name);
}

}  // namespace tapewarden::net
