// The text of a new taped.toml, as `site init` and `library init` write it, and of its part that makes the
// library a tape engine. Pure, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"

namespace tapewarden::config {

struct NewTapedToml {
  std::string library_serial;       // 10 letters and digits
  std::vector<std::string> drives;  // "LTO SERIAL", "3592 SERIAL"
  unsigned slots = 40;
  unsigned import_export_slots = 4;
  bool https = false;  // the engine's folder holds what REST needs
};

inline constexpr std::size_t kMaxNewDrives = 99;

// Serials that no other installation draws: TW, six random letters and digits, and 00 for the library, 01 and
// on for its drives, which are all of `kind`. REQUIRES: drives <= kMaxNewDrives.
NewTapedToml draw_taped_toml(Random& random, std::size_t drives = 2, const std::string& kind = "LTO");

std::string text_of(const NewTapedToml& values);

// A section [engine] for the end of a taped.toml: the values are those of the library behind the engine.
std::string tape_engine_text_of(const NewTapedToml& back_end);

}  // namespace tapewarden::config
