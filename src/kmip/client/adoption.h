// What a client looks for and is not here, looked for at its old server and carried over (K20). Pure but for
// what the exchanges do; one thread.
#pragma once

#include <optional>
#include <vector>

#include "kmip/client/migration.h"
#include "kmip/client/server_end.h"
#include "kmip/read_through.h"

namespace tapewarden::kmip {

inline constexpr std::size_t kMostAdoptedAtOnce = 32;  // objects that one Locate finds

struct Adoption {
  std::vector<MigratedObject> objects;  // all that the old server has of it
  // It has them, or may have, and not all are here: nobody may be told that there is none.
  std::optional<Error> trouble;
};

// Errors are those of the exchanges, and kUnsupported where the old server's version knows no attribute that
// tells the object from others.
Result<Adoption> adopt(const ServerEnd& from, const ServerEnd& to, const MigrationOrder& order,
                       const SoughtObject& sought);

}  // namespace tapewarden::kmip
