// A virtual library's configuration on this machine: where it is, and making what it names.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"
#include "cli/command.h"
#include "cli/context.h"
#include "tape/library/back_end_spec.h"
#include "tape/library/library_spec.h"

namespace tapewarden::cli {

// As it is to be shown: whoever reads it may be in another folder.
std::string absolute_path(const std::string& path);
// The path of taped.toml, absolute: --config, or that of the site. kInvalidArgument without either.
Result<std::string> library_config_path(const Context& context, const Values& values);
// Its [library]. Other sections are the daemon's to check.
Result<tape::LibrarySpec> read_library_config(Disk& disk, const std::string& path);

struct NewLibrary {
  std::string site;
  std::size_t drives = 2;
  tape::MediumKind kind = tape::MediumKind::kLto;
};

// What was made; empty lists and false: it was there already.
struct MadeLibrary {
  std::string config;
  bool wrote_config = false;
  std::vector<std::string> drives;  // whose identities were made
  bool wrote_secret = false;
  bool made_folder = false;
  tape::LibrarySpec spec;
};

// Makes SITE/engine/taped.toml unless it is there, the drives' identities that it names, the CHAP secret and
// the library's folder. May be repeated: what is there stays as it is. Errors of make_drive(); kIo.
Result<MadeLibrary> make_library(Env env, const NewLibrary& wanted);

// What the tape engine's section says, as far as this program has to do with it.
struct TapeEngineView {
  std::string key_servers;  // path of engine.toml; empty: none
  std::vector<tape::BackEndSpec> back_ends;
};
// kNotFound when the configuration has no [engine]; kInvalidArgument.
Result<TapeEngineView> read_tape_engine_view(Disk& disk, const std::string& path);
// The virtual library of that name; of no name: the only one. kNotFound, kInvalidArgument naming --library.
Result<tape::BackEndSpec> find_back_end(const TapeEngineView& engine, const std::string& name);

// What was made for one virtual library behind the engine.
struct MadeBackEnd {
  tape::BackEndSpec spec;
  std::vector<std::string> drives;  // whose identities were made
  bool made_folder = false;
};
// Makes what the virtual libraries behind the engine need: drives' identities, folders. May be repeated.
Result<std::vector<MadeBackEnd>> make_back_ends(Env env, const std::string& site,
                                                const TapeEngineView& engine);

}  // namespace tapewarden::cli
