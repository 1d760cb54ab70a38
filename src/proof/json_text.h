// JSON as text that people read and compare: one member a line, two blanks of indentation a level, members in
// the order in which they were added. The same value gives the same text. Included by .cc files only. Pure.
#pragma once

#include <boost/json.hpp>
#include <string>

namespace tapewarden::proof {

// Without a line end at its end.
std::string to_text(const boost::json::value& value);

}  // namespace tapewarden::proof
