// The tables of the suite. Each row starts from the state that library.h tells.
#pragma once

#include <map>

#include "step.h"

namespace tapewarden::suite {

std::vector<Row> identity_rows();  // who the units are, what they can, readiness, mode and log pages
std::vector<Row> data_rows();      // blocks and filemarks, with every way of not fitting
std::vector<Row> motion_rows();    // positions
std::vector<Row> medium_rows();    // the ends and the protection of a medium, loading
std::vector<Row> changer_rows();

// A fault of tgt that the suite has to see. `seen` is how what is then said about the row begins.
struct Deviation {
  std::string seen;
  std::string reason;
};
// By the names of rows.
const std::map<std::string, Deviation>& tgt_deviations();

}  // namespace tapewarden::suite
