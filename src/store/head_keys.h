// What the heads of all commits were made with, over every version of the master key: the versions that are
// gone left the key of their heads behind, sealed (own_tables.h). Immutable; thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "store/session.h"

namespace tapewarden::store {

class HeadKeys {
 public:
  // REQUIRES: a read transaction is open.
  static Result<HeadKeys> read(RowAccess& access);

  // Nothing when the row with that commit's key is gone: then no head can be told to fit.
  std::optional<Hash256> head(const Hash256& previous, std::uint64_t sequence, const Hash256& digest,
                              const Hash256& chain) const;

 private:
  // By the first commit that was made with each; the first entry is 0, unless its row was taken away.
  std::map<std::uint64_t, std::shared_ptr<const crypto::MacKey>> keys_;
};

}  // namespace tapewarden::store
