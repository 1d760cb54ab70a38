// Which places open which cartridge, counted over a whole catalogue at one time (K26). Values; pure.
//
// A place opens a cartridge when it has everything that the cartridge needs: each of its data keys, and for
// each key of the wrapped-key method the private half of one KEK with its EEDK. The EEDK stands on the
// cartridge, or in the ledger, of which servers and backups have a copy.
#pragma once

#include <set>
#include <unordered_map>
#include <vector>

#include "keymgr/recoverability/catalogue.h"

namespace tapewarden::keymgr::recoverability {

// Keys that this server holds and its self-check could not open.
struct Faults {
  std::set<Uuid> keys;
  std::set<Hash256> keks;
  bool more = false;  // than are kept here: of no key is it known that it opens
  bool operator==(const Faults&) const = default;
};

// What cartridges with the same answer have in common.
struct Verdict {
  PlaceSet places;
  std::size_t independent = 0;
  // A key that it needs was destroyed on purpose: it is to be read by nobody, and missed by nobody.
  bool destroyed = false;
};

class Survey {
 public:
  // `without`: what is taken away beforehand.
  static Survey make(const Catalogue& catalogue, const Places& places, const Faults& faults,
                     const Without& without = {});

  const Verdict& of(Number cartridge) const { return verdicts_[of_cartridge_[cartridge]]; }
  std::size_t size() const { return of_cartridge_.size(); }

 private:
  std::vector<Verdict> verdicts_;
  std::vector<Number> of_cartridge_;
};

}  // namespace tapewarden::keymgr::recoverability
