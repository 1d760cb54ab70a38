#include "engine/physical/drive_keys.h"

namespace tapewarden::engine {

std::string KeyNames::text() const {
  std::string out = alias.empty() ? std::string() : "key " + alias;
  for (const auto& label : labels) out += (out.empty() ? "key label " : ", key label ") + label;
  return out;
}

}  // namespace tapewarden::engine
