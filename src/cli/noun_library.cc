#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <tuple>

#include "base/counted.h"
#include "base/text.h"
#include "cli/drive_maker.h"
#include "cli/library_engine.h"
#include "cli/library_maker.h"
#include "cli/library_view.h"
#include "cli/nouns.h"
#include "cli/report.h"
#include "cli/size_text.h"
#include "tape/library/barcode.h"
#include "tape/library/library_actions.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

const ArgumentSpec kConfig{.name = "--config",
                           .meaning = "the library's taped.toml; unless given: the site's"};
const ArgumentSpec kBarcode{
    .name = "BARCODE", .required = true, .meaning = "as on its label, such as VOL001L9"};

Result<tape::MediumKind> parse_kind(const Values& values) {
  const auto text = values.text("--kind", "LTO");
  for (const auto kind : {tape::MediumKind::kLto, tape::MediumKind::k3592})
    if (equal_ignoring_case(text, tape::to_string(kind))) return kind;
  return fail(ErrorCode::kInvalidArgument, "this is no kind", "--kind", "use LTO or 3592");
}

Status init(Context& context, const Values& values) {
  if (context.globals.site.empty())
    return fail(ErrorCode::kInvalidArgument, "the site is missing", "--site",
                "name the folder that `site init` made");
  NewLibrary wanted{.site = absolute_path(context.globals.site), .kind = TRY(parse_kind(values))};
  wanted.drives = TRY(parse_number(values.text("--drives", "2"), 1, 99, "--drives"));
  const auto made = TRY(make_library(context.env, wanted));
  if (!made.wrote_config && (values.has("--drives") || values.has("--kind")))
    *context.err << made.config
                 << " was there already, and no program changes it: --drives and --kind count for "
                 << "a new one. Change `drives` there, and repeat this command\n";
  json::array drives;
  std::string text = "library " + made.spec.changer.serial +
                     " is ready: " + counted(made.spec.slots(), "slot") + ", " +
                     counted(made.spec.ports(), "import/export slot") + ", " +
                     counted(made.spec.drives.size(), "drive") + "\n";
  for (const auto& drive : made.spec.drives) {
    drives.push_back(json::object{{"kind", tape::to_string(drive.kind)}, {"serial", drive.serial}});
    text += "  drive " + drive.serial + " (" + std::string(tape::to_string(drive.kind)) + ")\n";
  }
  if (made.wrote_secret) text += "a CHAP secret was made beside " + made.config + "\n";
  text += "serve it: tapewarden-taped run --config " + made.config + "\n";
  print_report(context,
               {{"config", made.config},
                {"config_written", made.wrote_config},
                {"secret_written", made.wrote_secret},
                {"library_made", made.made_folder},
                {"serial", made.spec.changer.serial},
                {"drives", drives}},
               text);
  return {};
}

Status show(Context& context, const Values& values) {
  if (engine_alone(context, values)) return print_library(context, TRY(view_of_engine(context)));
  const auto path = TRY(library_config_path(context, values));
  const auto folder =
      TRY(tape::LibraryFolder::look(context.env, TRY(read_library_config(*context.env.disk, path))));
  return print_library(context, view_of(*folder));
}

Status add(Context& context, const Values& values) {
  tape::NewCartridges wanted;
  wanted.barcodes = TRY(tape::barcode_range(values.text("BARCODES")));
  wanted.spec.kind = TRY(parse_kind(values));
  if (values.has("--capacity"))
    wanted.spec.capacity_bytes = TRY(parse_size(values.text("--capacity"), "--capacity"));
  wanted.spec.worm = values.has("--worm");
  wanted.progress = [&context](std::size_t done, std::size_t total) {
    if (context.progress) context.progress(done, total);
    return true;
  };
  const auto folder = TRY(library_or_engine(context, values));
  if (!folder)
    return ask_engine(context, {.method = "POST", .path = "/v1/cartridges"},
                      {{"barcodes", values.text("BARCODES")},
                       {"kind", std::string(tape::to_string(wanted.spec.kind))},
                       {"capacity_bytes", std::to_string(wanted.spec.capacity_bytes), ArgumentKind::kInteger},
                       {"worm", wanted.spec.worm ? "true" : "", ArgumentKind::kFlag}});
  const auto added = TRY(tape::add_cartridges(*folder, wanted));
  std::string text = "made " + counted(added.made, "cartridge");
  if (added.found != 0) text += ", took " + std::to_string(added.found) + " that lay in the folder";
  print_report(context, {{"made", added.made}, {"found", added.found}}, text + "\n");
  return {};
}

Status enrol(Context& context, const Values& values) {
  const auto path = TRY(library_config_path(context, values));
  const auto spec = TRY(read_library_config(*context.env.disk, path));
  if (spec.key_servers.empty())
    return fail(ErrorCode::kInvalidArgument, "none of the library's drives takes keys of key servers",
                "library.drives", "write the word library or system after a drive's serial, and key_servers");
  std::vector<std::string> serials;
  for (const auto& drive : spec.drives)
    if (drive.management != tape::KeyManagement::kApplication) serials.push_back(drive.serial);
  return enrol_drives(context, spec.key_servers, spec.identities, serials);
}

Status import(Context& context, const Values& values) {
  const auto barcode = TRY(tape::checked_barcode(values.text("BARCODE")));
  const auto folder = TRY(library_or_engine(context, values));
  if (!folder)
    return ask_engine(context, {.method = "POST", .path = "/v1/cartridges/{barcode}/import"},
                      {{"barcode", barcode}});
  const auto place = TRY(tape::import_cartridge(*folder, barcode));
  print_report(context, {{"barcode", barcode}, {"place", place.text()}},
               barcode + " lies in " + place.text() + "; a host takes it into a slot (mtx transfer)\n");
  return {};
}

Status export_one(Context& context, const Values& values) {
  const auto barcode = TRY(tape::checked_barcode(values.text("BARCODE")));
  const auto folder = TRY(library_or_engine(context, values));
  if (!folder)
    return ask_engine(context, {.method = "POST", .path = "/v1/cartridges/{barcode}/export"},
                      {{"barcode", barcode}});
  TRY(tape::export_cartridge(*folder, barcode));
  print_report(context, {{"barcode", barcode}, {"place", "outside"}, {"file", folder->path_of(barcode)}},
               barcode + " is outside; its file is still " + folder->path_of(barcode) + "\n");
  return {};
}

Status remove(Context& context, const Values& values) {
  const auto barcode = TRY(tape::checked_barcode(values.text("BARCODE")));
  const auto folder = TRY(library_or_engine(context, values));
  if (!folder)
    return ask_engine(context, {.method = "POST", .path = "/v1/cartridges/{barcode}/remove"},
                      {{"barcode", barcode}});
  TRY(folder->remove(barcode));
  print_report(context, {{"barcode", barcode}, {"removed", true}},
               barcode + " is forgotten; its file lies in " + folder->spec().folder + "/removed\n");
  return {};
}

Command simple(std::string_view verb, std::string_view summary, std::string_view example, Action action) {
  return {.noun = "library",
          .verb = verb,
          .summary = summary,
          .example = example,
          .arguments = {kBarcode, kConfig},
          .does = std::move(action)};
}

}  // namespace

std::vector<Command> library_commands() {
  return {
      {.noun = "library",
       .verb = "init",
       .summary = "Make a site's virtual library: configuration, drives' identities, CHAP secret, folder",
       .example = "tapewarden library init --site ~/site --drives 2",
       .arguments = {{.name = "--drives",
                      .kind = ArgumentKind::kInteger,
                      .meaning = "of a configuration that is not there yet; 2 unless given"},
                     {.name = "--kind", .meaning = "theirs: LTO (unless given) or 3592"}},
       .does = init},
      {.noun = "library",
       .verb = "show",
       .summary = "Show where the cartridges of a virtual library are",
       .example = "tapewarden library show --site ~/site",
       .arguments = {kConfig},
       .does = show},
      {.noun = "library",
       .verb = "add-cartridges",
       .summary = "Make empty cartridges and put them into free slots",
       .example = "tapewarden library add-cartridges VOL001L9-VOL020L9 --site ~/site",
       .arguments = {{.name = "BARCODES", .required = true, .meaning = "one, or FIRST-LAST"},
                     {.name = "--kind", .meaning = "LTO (unless given) or 3592"},
                     {.name = "--capacity", .meaning = "18T unless given"},
                     {.name = "--worm", .kind = ArgumentKind::kFlag, .meaning = "write once, read many"},
                     kConfig},
       .does = add},
      {.noun = "library",
       .verb = "enrol",
       .summary = "Show the library-managed drives to the key server, which notes unknown ones as pending",
       .example = "tapewarden library enrol --site ~/site",
       .arguments = {kConfig},
       .does = enrol},
      simple("import", "Put a cartridge from outside into an import/export slot",
             "tapewarden library import VOL001L9 --site ~/site", import),
      simple("export", "Take a cartridge out of its import/export slot",
             "tapewarden library export VOL001L9 --site ~/site", export_one),
      simple("remove", "Forget a cartridge that is outside; its file is kept aside",
             "tapewarden library remove VOL001L9 --site ~/site", remove),
  };
}

}  // namespace tapewarden::cli
