// Rows that met when two servers copied their changes, where a person should look which was meant (K19). Both
// versions are kept without their secrets, which fingerprints tell apart; both servers hold the same rows.
// Stateless; thread-safe.
#pragma once

#include <span>
#include <vector>

#include "keymgr/actor.h"
#include "keymgr/page.h"
#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

class Conflicts {
 public:
  explicit Conflicts(const ServerContext& context) : context_(context) {}

  // Keeps and audits them. Beyond kMaximumConflicts that nobody acknowledged they are only audited.
  Status record(store::Transaction& transaction, std::span<const store::RowConflict> conflicts) const;
  // Oldest first; the acknowledged ones too when asked for.
  Result<Page<ConflictRow>> list(store::Reader& reader, bool acknowledged, const PageRequest& page) const;
  // kNotFound. Twice is the same as once.
  Result<ConflictRow> acknowledge(store::Transaction& transaction, const Actor& actor, const Uuid& id) const;
  Result<std::int64_t> open_count(store::Reader& reader) const;

 private:
  const ServerContext& context_;
};

}  // namespace tapewarden::keymgr
