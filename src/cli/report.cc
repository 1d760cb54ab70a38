#include "cli/report.h"

namespace tapewarden::cli {

void print_report(Context& context, const boost::json::object& report, std::string_view text) {
  if (context.globals.json) {
    *context.out << boost::json::serialize(report) << '\n';
  } else {
    *context.out << text << (text.ends_with('\n') ? "" : "\n");
  }
}

}  // namespace tapewarden::cli
