// What the tape engine needs before it runs: its part of taped.toml, the virtual libraries behind it, their
// cartridges and drives.
#include <boost/json.hpp>

#include "base/counted.h"
#include "base/text.h"
#include "cli/drive_maker.h"
#include "cli/library_maker.h"
#include "cli/nouns.h"
#include "cli/report.h"
#include "cli/size_text.h"
#include "config/new_taped_toml.h"
#include "tape/library/barcode.h"
#include "tape/library/library_actions.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kMostDrives = 16;

const ArgumentSpec kConfig{.name = "--config",
                           .meaning = "the engine's taped.toml; unless given: the site's"};
const ArgumentSpec kLibrary{.name = "--library", .meaning = "its name; needed where there are several"};

Result<tape::MediumKind> parse_kind(const std::string& text) {
  for (const auto kind : {tape::MediumKind::kLto, tape::MediumKind::k3592})
    if (equal_ignoring_case(text, tape::to_string(kind))) return kind;
  return fail(ErrorCode::kInvalidArgument, "this is no kind", "--kind", "use LTO or 3592");
}

Result<TapeEngineView> engine_of(const Context& context, const Values& values) {
  return read_tape_engine_view(*context.env.disk, TRY(library_config_path(context, values)));
}

Status draft(Context& context, const Values& values) {
  const auto kind = TRY(parse_kind(values.text("--kind", "LTO")));
  const auto drives = TRY(parse_number(values.text("--drives", "2"), 1, kMostDrives, "--drives"));
  const auto text = config::tape_engine_text_of(
      config::draw_taped_toml(*context.env.random, drives, std::string(tape::to_string(kind))));
  print_report(context, {{"section", text}}, text);
  return {};
}

// What the engine would refuse at its start is told before anything is made for it. The folder is made where
// another one was named for the engine's volumes.
Status make_hosts_library(const Context& context, const Values& values) {
  const auto spec = TRY(read_library_config(*context.env.disk, TRY(library_config_path(context, values))));
  if (!TRY(tape::LibraryFolder::create(context.env, spec)))
    (void)TRY(tape::LibraryFolder::look(context.env, spec));
  return {};
}

Status init(Context& context, const Values& values) {
  if (context.globals.site.empty())
    return fail(ErrorCode::kInvalidArgument, "the site is missing", "--site",
                "name the folder that `site init` made");
  const auto site = absolute_path(context.globals.site);
  const auto engine = TRY(engine_of(context, values));
  TRY(make_hosts_library(context, values));
  const auto made = TRY(make_back_ends(context.env, site, engine));
  json::array libraries;
  std::string text;
  for (const auto& one : made) {
    json::array drives;
    text += "library " + one.spec.name + (one.made_folder ? " was made: " : " is there: ") +
            counted(one.spec.library.slots(), "slot") + ", " +
            counted(one.spec.library.drives.size(), "drive") + "\n";
    for (const auto& drive : one.spec.library.drives) {
      drives.push_back(json::object{{"kind", tape::to_string(drive.kind)}, {"serial", drive.serial}});
      text += "  drive " + drive.serial + " (" + std::string(tape::to_string(drive.kind)) + ")\n";
    }
    libraries.push_back(json::object{{"name", one.spec.name},
                                     {"made", one.made_folder},
                                     {"identities_made", one.drives.size()},
                                     {"drives", drives}});
  }
  if (made.empty()) text = "no virtual library stands behind the engine: nothing is to be made\n";
  print_report(context, {{"libraries", libraries}}, text);
  return {};
}

Status add(Context& context, const Values& values) {
  const auto back_end = TRY(find_back_end(TRY(engine_of(context, values)), values.text("--library")));
  tape::NewCartridges wanted;
  wanted.barcodes = TRY(tape::barcode_range(values.text("BARCODES")));
  const auto kind = tape::to_string(back_end.library.drives.front().kind);
  wanted.spec.kind = TRY(parse_kind(values.text("--kind", kind)));
  wanted.spec.capacity_bytes = back_end.cartridge_bytes;
  if (values.has("--capacity"))
    wanted.spec.capacity_bytes = TRY(parse_size(values.text("--capacity"), "--capacity"));
  wanted.progress = [&context](std::size_t done, std::size_t total) {
    if (context.progress) context.progress(done, total);
    return true;
  };
  const auto folder = tape::LibraryFolder::open(context.env, back_end.library);
  if (!folder && folder.error().code == ErrorCode::kConflict)
    return fail(ErrorCode::kConflict, "the library is in use: tapewarden-taped runs", "--site",
                "stop it first");
  if (!folder) return std::unexpected(folder.error());
  const auto added = TRY(tape::add_cartridges(**folder, wanted));
  std::string text = "library " + back_end.name + ": made " + counted(added.made, "cartridge");
  if (added.found != 0) text += ", took " + std::to_string(added.found) + " that lay in the folder";
  print_report(context, {{"library", back_end.name}, {"made", added.made}, {"found", added.found}},
               text + "\n");
  return {};
}

Status enrol(Context& context, const Values& values) {
  const auto engine = TRY(engine_of(context, values));
  if (engine.key_servers.empty())
    return fail(ErrorCode::kInvalidArgument, "the engine has no key servers", "engine.key_servers",
                "name the engine.toml that says where they are");
  std::string identities;
  std::vector<std::string> serials;
  for (const auto& spec : engine.back_ends) {
    if (spec.kind != tape::BackEndKind::kVirtual) continue;
    identities = spec.library.identities;
    for (auto& serial : spec.serials()) serials.push_back(std::move(serial));
  }
  return enrol_drives(context, engine.key_servers, identities, serials);
}

}  // namespace

std::vector<Command> tape_engine_commands() {
  return {
      {.noun = "engine",
       .verb = "draft",
       .summary = "Print a section [engine] with comments, for the end of taped.toml",
       .example = "tapewarden engine draft --drives 2 >> ~/site/engine/taped.toml",
       .arguments = {{.name = "--drives",
                      .kind = ArgumentKind::kInteger,
                      .meaning = "of the virtual library behind the engine; 2 unless given"},
                     {.name = "--kind", .meaning = "theirs: LTO (unless given) or 3592"}},
       .does = draft},
      {.noun = "engine",
       .verb = "init",
       .summary = "Make the virtual libraries that [engine] names, drives' identities, hosts' library",
       .example = "tapewarden engine init --site ~/site",
       .arguments = {kConfig},
       .does = init},
      {.noun = "engine",
       .verb = "add-cartridges",
       .summary = "Make empty cartridges in a virtual library behind the engine",
       .example = "tapewarden engine add-cartridges PHY001L9-PHY020L9 --site ~/site",
       .arguments = {{.name = "BARCODES", .required = true, .meaning = "one, or FIRST-LAST"},
                     kLibrary,
                     {.name = "--kind", .meaning = "LTO or 3592; unless given: that of its first drive"},
                     {.name = "--capacity", .meaning = "cartridge_size of the library unless given"},
                     kConfig},
       .does = add},
      {.noun = "engine",
       .verb = "enrol",
       .summary = "Show the virtual drives behind the engine to the key server, which notes them as pending",
       .example = "tapewarden engine enrol --site ~/site",
       .arguments = {kConfig},
       .does = enrol},
  };
}

}  // namespace tapewarden::cli
