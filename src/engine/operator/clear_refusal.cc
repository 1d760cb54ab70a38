#include "engine/operator/clear_refusal.h"

namespace tapewarden::engine {

std::unexpected<Error> refuse_clear(const std::string& what, const Pool& home, const Pool& target,
                                    std::string_view field) {
  return fail(ErrorCode::kConflict,
              what + " belongs to pool " + std::to_string(home.number) + ", which encrypts, and pool " +
                  std::to_string(target.number) + " is written in clear",
              std::string(field),
              "name a pool that encrypts, or have a security officer set the encryption of pool " +
                  std::to_string(target.number) +
                  "; that it is to lie there in clear a security officer alone says, with allow_clear "
                  "(--allow-clear)");
}

}  // namespace tapewarden::engine
