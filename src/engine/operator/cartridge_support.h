// What the orders for cartridges share. Included by .cc files only.
#pragma once

#include <functional>
#include <string>

#include "engine/operator/parts.h"

namespace tapewarden::engine {

// Changes one cartridge in one transaction while no work with tape has it. Errors of `work`, which puts what
// it changed; kNotFound, kConflict.
Status change_held(const OperatorParts& parts, const std::string& barcode,
                   const std::function<Status(CatalogueChange&, PhysicalVolume&)>& work);

}  // namespace tapewarden::engine
