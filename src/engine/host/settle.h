// What becomes of a volume when a drive has given its file back (feature rows T1, T2): its generation, its
// category, its constructs, and which copies of it are due where. Rules over values; nothing is stored.
#pragma once

#include <string>
#include <vector>

#include "engine/catalogue/view.h"
#include "engine/host/named_constructs.h"

namespace tapewarden::engine {

// What the file says after the drive closed it.
struct GivenBack {
  Bytes stamp;              // tape::content_stamp()
  std::uint64_t bytes = 0;  // of the sealed file
  NamedConstructs named = {};
};

// Nothing has been written to the blank file that the volume got by a scratch mount: there is nothing to
// keep.
bool blank_as_it_was(const LogicalVolume& volume, const Bytes& stamp);

// Settles all but `mounted`, which is the caller's:
// - Another stamp is another content: one generation more, written now, and private.
// - With a change of content come the constructs that the host named; names of nothing are given back, as
//   "storage group" and "management class", and the volume keeps what it has.
// - Of private content the pools are those of its constructs now. The primary copy is due when there is none
//   of this content that can be read, or it lies in another pool; the secondary one likewise, when its class
//   names a pool. A class that names none takes nothing away. A copy that an order or an error of the tape
//   made due stays due as long as the one of before is out of the library or on a cartridge that met an
//   error.
// REQUIRES: the volume is cached.
Result<std::vector<std::string>> settle(CatalogueView& view, LogicalVolume& volume, const GivenBack& found,
                                        WallTime now);

}  // namespace tapewarden::engine
