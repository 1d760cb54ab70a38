#include "keymgr/client_name.h"

#include "base/text.h"

namespace tapewarden::keymgr {

Result<std::string> canonical_kmip_client(std::string_view name, std::string_view field) {
  const bool good =
      !name.empty() && name.size() <= kMaximumKmipClientName && is_printable(name) && trim(name) == name;
  if (good) return std::string(name);
  return fail(ErrorCode::kInvalidArgument, "this is no name", std::string(field),
              "use 1 to " + std::to_string(kMaximumKmipClientName) +
                  " printable characters without blanks at the ends");
}

}  // namespace tapewarden::keymgr
