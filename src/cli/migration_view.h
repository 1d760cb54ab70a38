// What people see of migrations of pools: a plan, and how far one is. From the server's JSON, whose texts are
// escaped for the terminal; a member that is missing counts as 0 or empty. Pure. Included by .cc files only.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>

#include "base/error.h"

namespace tapewarden::cli {

std::string plan_text(const boost::json::object& plan);
// kConflict with the first thing that stands in the way of running what was planned.
Status plan_refusal(const boost::json::object& plan);
std::string progress_text(const boost::json::object& progress);

// "[########------------]  42 %"
std::string progress_bar(unsigned percent);
// "4.2 TB"; powers of 1000, as tape vendors count.
std::string bytes_text(std::uint64_t bytes);
// "3 d 4 h", "12 min"; at least a minute.
std::string duration_text(std::uint64_t seconds);

}  // namespace tapewarden::cli
