// The files of a catalogue as they lie in a folder: put aside, and brought into place. For who has the engine
// to himself. Renames only; nothing is deleted but what an unfinished rebuild left.
//
// Invariant: at no moment lies a database in its place without its marks (PATH.heads), so a crash in between
// leaves what an engine refuses, or nothing.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"

namespace tapewarden::apps {

// Paths of what belongs to the catalogue of this folder, the database first. A folder that is not there has
// none. kIo.
Result<std::vector<std::string>> catalogue_files(Disk& disk, const std::string& folder);
// Renames them into a new folder beside them, whose path it gives. `more`: further files of the folder that
// go with them. kIo.
Result<std::string> set_catalogue_aside(Disk& disk, const std::string& folder, WallTime now,
                                        const std::vector<std::string>& more);
// Renames a catalogue that nobody has open from one folder to another one of the same file system, which has
// none. kIo.
Status place_catalogue(Disk& disk, const std::string& from, const std::string& to);
// Of a rebuild that did not come to its end. kIo.
Status remove_catalogue(Disk& disk, const std::string& folder);

}  // namespace tapewarden::apps
