#include "keymgr/recoverability/place.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"

namespace tapewarden::keymgr::recoverability {

Result<WithoutWord> read_without(std::string_view word) {
  static constexpr std::array<std::string_view, 6> kKinds = {"server", "target", "partner",
                                                             "holder", "domain", "kek"};
  const auto colon = word.find(':');
  const std::string kind = to_lower(word.substr(0, colon));
  const bool known = std::ranges::find(kKinds, kind) != kKinds.end();
  if (colon == std::string_view::npos || !known || colon + 1 == word.size() ||
      word.size() > kMaximumWordCharacters) {
    return fail(ErrorCode::kInvalidArgument,
                "\"" + escape_unprintable(word.substr(0, kMaximumWordCharacters)) + "\" names no place",
                "without",
                "use server:NAME, target:NAME, partner:NAME, holder:LABEL, domain:NAME or kek:LABEL");
  }
  return WithoutWord{kind, std::string(word.substr(colon + 1))};
}

Result<PlaceSet> places_of(const Places& places, const WithoutWord& word) {
  PlaceSet out;
  const std::string name = word.kind + ":" + word.name;
  for (std::size_t i = 0; i < places.all.size(); ++i) {
    const Place& place = places.all[i];
    const bool meant = word.kind == "domain" ? equal_ignoring_case(place.domain, word.name)
                                             : equal_ignoring_case(place.name, name);
    if (meant) out.set(i);
  }
  if (out.any()) return out;
  std::set<std::string> known;
  for (const Place& place : places.all) {
    if (word.kind == "domain")
      known.insert("domain:" + place.domain);
    else
      known.insert(place.name);
  }
  std::string names;
  for (const auto& one : known) names += (names.empty() ? "" : ", ") + one;
  return fail(ErrorCode::kNotFound, "there is no place " + escape_unprintable(name), "without",
              "use one of: " + names);
}

std::size_t independent(const Places& places, const PlaceSet& set) {
  std::set<std::string_view> domains;
  for (std::size_t i = 0; i < places.all.size(); ++i) {
    if (set.test(i)) domains.insert(places.all[i].domain);
  }
  return domains.size();
}

}  // namespace tapewarden::keymgr::recoverability
