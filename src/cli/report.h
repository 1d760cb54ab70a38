// What a command that works on files tells: lines for a person, or one JSON object with --json. Included by
// .cc files only. Pure but for the stream.
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "cli/context.h"

namespace tapewarden::cli {

void print_report(Context& context, const boost::json::object& report, std::string_view text);

}  // namespace tapewarden::cli
