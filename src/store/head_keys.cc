#include "store/head_keys.h"

#include <iterator>

#include "store/own_tables.h"
#include "store/state.h"

namespace tapewarden::store {

Result<HeadKeys> HeadKeys::read(RowAccess& access) {
  HeadKeys out;
  for (const Row& row : TRY(access.query(kKeyVersionTable, "", {}))) {
    const auto key = TRY(access.unseal(kKeyVersionTable, row, kHeadKeyColumn));
    out.keys_[KeyVersionRow::from_row(row).first_commit] = std::make_shared<const crypto::MacKey>(key);
  }
  if (!out.keys_.empty()) return out;
  const Meta meta = TRY(read_meta(access.connection(), access.keys()));
  out.keys_[0] = std::make_shared<const crypto::MacKey>(access.keys().find(meta.key)->head_key());
  return out;
}

std::optional<Hash256> HeadKeys::head(const Hash256& previous, std::uint64_t sequence, const Hash256& digest,
                                      const Hash256& chain) const {
  const auto after = keys_.upper_bound(sequence);
  if (after == keys_.begin()) return std::nullopt;
  return Vault::head(*std::prev(after)->second, previous, sequence, digest, chain);
}

}  // namespace tapewarden::store
