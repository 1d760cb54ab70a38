// The engine's catalogue (feature rows T1, T2, T3, T6, T10): every logical volume and cartridge, the pools
// and constructs, in a locked database of its own: PATH, and PATH.heads with the marks of its commits.
//
// Invariants
//  C1 Content is somewhere: for a volume that has content (generation above deleted_generation) the catalogue
//     says that it is cached, or that an active copy lies on a readable cartridge. No change leaves this;
//     what the world breaks (a cartridge went bad) is told as Residence::kMissing.
//  C2 A copy is active when its generation is the volume's. An active copy names a cartridge that is there,
//     in the medium generation that it has now.
//  C3 active_bytes and active_volumes of a cartridge are the sums over the active copies that lie on it. Only
//     with none may it be begun anew, be scratch, or come into another pool.
//  C4 cartridge_totals() and volume_totals() are the sums over all cartridges and volumes.
//  C5 A volume that counts as cached has a cache key.
//  C6 Generations only grow, also of a volser that was withdrawn and comes back; so do numbers of files in
//     the cache. After a rebuild they go on beyond whatever a cartridge may hold that was not read
//     (CatalogueChange::begin_generations_at()).
//  C7 Each deletion of content is among deleted_volumes() until it was dropped from there.
//  C8 No two migrations that have not ended empty one pool, and none fills a pool that another one empties.
// check() recomputes C2 to C5 and C8 from the rows.
//
// A change is durable when change() returns. After a power loss the catalogue is as after its last commit; an
// older copy of it that was put back is refused.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/catalogue/change.h"
#include "engine/catalogue/head_file.h"

namespace tapewarden::engine {

struct CatalogueOptions {
  std::string path;  // of the database
  Uuid engine;       // whose catalogue it is
};

class Catalogue {
 public:
  // Makes it, with the default pools and constructs, when neither the database nor its marks are there.
  // kCorrupt: damage, or an older copy, named; kWrongKey; kConflict: another process has it open.
  static Result<std::unique_ptr<Catalogue>> open(Env env, CatalogueOptions options,
                                                 const store::MasterKeys& master);

  // Thread-safe. Reads run side by side; changes of several threads share commits.
  Status read(const std::function<Status(CatalogueView&)>& work);
  // An error of `work` undoes all that it changed, and is returned. Not from within a work.
  Status change(const std::function<Status(CatalogueChange&)>& work);

  // One thing each, in a snapshot of its own. kNotFound.
  Result<LogicalVolume> volume(std::string_view volser);
  Result<PhysicalVolume> cartridge(std::string_view barcode);
  Result<crypto::SecretBytes> cache_key(std::string_view volser);

  // Reads everything, and names what does not fit, damaged rows too; at most kMaximumFaults. Empty when all
  // is well. Takes a while; changes go on meanwhile.
  Result<std::vector<std::string>> check();

  // For backups, verification and the rotation of its master key.
  store::Keystore& keystore() { return *keystore_; }

 private:
  Catalogue(Env env, std::unique_ptr<HeadFile> heads, std::unique_ptr<store::Keystore> keystore)
      : env_(env), heads_(std::move(heads)), keystore_(std::move(keystore)) {}
  Status make_defaults();

  Env env_;
  std::unique_ptr<HeadFile> heads_;
  std::unique_ptr<store::Keystore> keystore_;
};

}  // namespace tapewarden::engine
