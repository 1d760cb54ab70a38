// What `library show` tells, the same whether the library's folder is looked at or the running engine is
// asked. Included by .cc files only.
#pragma once

#include <boost/json.hpp>

#include "cli/context.h"
#include "tape/library/library_folder.h"

namespace tapewarden::cli {

// serial, slots, import_export_slots, drives, cartridges (barcode, volume, kind, place, missing,
// partition_fault), unknown_files.
boost::json::object view_of(const tape::LibraryFolder& folder);
Result<boost::json::object> view_of_engine(Context& context);

// Cartridges in the order in which a person looks: drives, the door, the shelves, and what is out.
Status print_library(Context& context, boost::json::object view);

}  // namespace tapewarden::cli
