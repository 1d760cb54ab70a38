#include "keymgr/place_domains.h"

#include "base/text.h"
#include "keymgr/settings.h"

namespace tapewarden::keymgr {

Result<std::vector<std::pair<std::string, std::string>>> parse_place_domains(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  if (trim(text).empty()) return out;
  for (const std::string& part : split(text, ',')) {
    const auto equals = part.find('=');
    const std::string place(trim(std::string_view(part).substr(0, equals)));
    const std::string domain(equals == std::string::npos ? ""
                                                         : trim(std::string_view(part).substr(equals + 1)));
    if (place.empty() || domain.empty()) {
      return fail(ErrorCode::kInvalidArgument, "\"" + part + "\" names no place and its domain",
                  std::string(kPlaceDomains), "write for example primary=building-1, secondary=building-2");
    }
    out.emplace_back(place, domain);
  }
  return out;
}

}  // namespace tapewarden::keymgr
