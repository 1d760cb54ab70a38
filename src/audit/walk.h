// Walks an audit directory's lines in order and checks the chain on the way: what verification, replay and
// listing share. Any thread; reads files only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "audit/line.h"
#include "audit/segments.h"

namespace tapewarden::audit {

// One line with where it stands. Views hold during the visit.
struct Visited {
  const std::string& file;
  std::uint64_t file_line = 0;  // from 1, within the file
  const Line& line;
  const ChainPoint& before;  // the chain before this line
  std::string_view text;     // the whole line
};

struct Walk {
  std::vector<std::string> files;  // names in the directory, in order
  std::shared_ptr<File> last;      // the last of them: held, because a running server may rename it
  std::uint64_t last_size = 0;     // how much of it to read
};

// All files of the directory, the last as long as it is now. kNotFound when there is none.
Result<Walk> plan_walk(Disk& disk, const std::string& directory);

// Calls `visit` for each line; ends early with the error that it returns. A last line without line end (an
// append that is under way, or was cut off) ends the walk without an error; its length is returned.
// kCorrupt naming file and line.
Result<std::uint64_t> walk_lines(Disk& disk, const std::string& directory, const Walk& walk,
                                 const std::function<Status(const Visited&)>& visit);

}  // namespace tapewarden::audit
