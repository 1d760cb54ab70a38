#include "engine/work/held_pools.h"

namespace tapewarden::engine {

Status watch_held_pools(Catalogue& catalogue, Notices& notices) {
  static const std::string kSubject = "pools";
  std::string held;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    held.clear();
    for (const auto& pool : TRY(view.pools()))
      if (pool.encryption == PoolEncryption::kHeld)
        held += (held.empty() ? "" : ", ") + std::to_string(pool.number);
    return {};
  }));
  if (held.empty()) {
    (void)notices.clear(NoticeKind::kPoolsHeld, kSubject, "every pool is set");
    return {};
  }
  notices.raise(NoticeKind::kPoolsHeld, kSubject,
                "Since the catalogue was rebuilt it is not known how these pools are to be written, and "
                "nothing is written for them: " +
                    held +
                    ". Have a security officer say it of each that is used: pool set N --encryption "
                    "identified, wrapped or off");
  return {};
}

}  // namespace tapewarden::engine
