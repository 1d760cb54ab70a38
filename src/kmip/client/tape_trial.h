// Asks any KMIP server for what a tape library asks for, and says what of it works (OASIS KMIP Tape Library
// Profile 1.0; its section in KMIP Profiles 1.3 to 2.1). It makes two keys of its own there and destroys
// them. Pure but for what `exchange` does; one thread.
#pragma once

#include <string>
#include <vector>

#include "kmip/exchange.h"

namespace tapewarden::kmip {

struct TrialFinding {
  std::string what;
  bool works = false;
  std::string why;  // not; empty when it works
};

// `mark`: hexadecimal digits in capitals that no cartridge has, so that the keys are found as its own. After
// an error of `exchange` nothing more is asked: that is the last finding.
std::vector<TrialFinding> try_tape_profile(const Exchange& exchange, const std::string& mark);

}  // namespace tapewarden::kmip
