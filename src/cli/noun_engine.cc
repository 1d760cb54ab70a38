// The tape engine while it runs, by REST: the engine itself, and the panel of its library.
#include <algorithm>
#include <iterator>

#include "cli/nouns.h"
#include "cli/output.h"
#include "cli/rest_client.h"

namespace tapewarden::cli {
namespace {

const ArgumentSpec kBarcode{
    .name = "BARCODE", .required = true, .field = "barcode", .meaning = "as on its label, such as VOL001L9"};
const ArgumentSpec kDrive{.name = "DRIVE", .required = true, .field = "serial", .meaning = "its serial"};

RestCall ask(std::string_view method, std::string_view path, std::vector<std::string_view> columns = {}) {
  return {.method = method, .path = path, .columns = std::move(columns), .server = kEngineServer};
}

const InnerTable kStatusTables[] = {
    {"units", {"lun", "unit", "target"}},
    {"drives", {"serial", "kind", "state", "cartridge", "keys", "encryption", "reserved_by"}},
    {"sessions", {"initiator", "address", "target", "since"}},
    {"key_servers", {"role", "address", "connection", "problem"}}};

Status status(Context& context, const Values&) {
  if (!context.globals.site.empty() && context.globals.server.empty()) context.globals.server = kEngineServer;
  auto connection = TRY(connect(context, ServerKind::kEngine));
  const auto body = connection.client.call("GET", "/v1/status");
  end_session(connection);
  if (!body) return std::unexpected(body.error());
  if (!context.globals.json) return print_object_with_tables(*context.out, *body, kStatusTables);
  *context.out << as_text(*body) << '\n';
  return {};
}

}  // namespace

std::vector<Command> engine_commands() {
  std::vector<Command> commands{
      {.noun = "engine",
       .verb = "status",
       .summary = "Show how the tape engine is: library, drives, sessions of hosts, key servers, warnings",
       .example = "tapewarden engine status --site ~/site --as operator",
       .does = status},
      {.noun = "engine",
       .verb = "sessions",
       .summary = "List the iSCSI sessions of hosts and what moved in them",
       .example = "tapewarden engine sessions --site ~/site --as operator",
       .does = ask("GET", "/v1/sessions",
                   {"initiator", "target", "address", "since", "bytes_from_host", "bytes_to_host"})},
      {.noun = "engine",
       .verb = "cache",
       .summary = "Show how full the tape engine's cache is, and what is still to be copied to tape",
       .example = "tapewarden engine cache --site ~/site --as operator",
       .does = ask("GET", "/v1/cache")},
      {.noun = "engine",
       .verb = "key-servers",
       .summary = "List the key servers that the engine asks for keys, and whether they can be reached",
       .example = "tapewarden engine key-servers --site ~/site --as operator",
       .does = ask("GET", "/v1/key-servers", {"role", "address", "connection", "state", "problem"})},
  };
  std::ranges::move(tape_engine_commands(), std::back_inserter(commands));
  return commands;
}

std::vector<Command> library_panel_commands() {
  return {
      {.noun = "library",
       .verb = "drives",
       .summary = "List the library's drives while it is served: state, cartridge, encryption, reservation",
       .example = "tapewarden library drives --site ~/site --as operator",
       .does = ask("GET", "/v1/tape-drives",
                   {"serial", "kind", "state", "cartridge", "keys", "encryption", "reserved_by", "unit"})},
      {.noun = "library",
       .verb = "drive",
       .summary = "Show one drive of the library while it is served",
       .example = "tapewarden library drive TW9R7K0Y01 --site ~/site --as operator",
       .arguments = {kDrive},
       .does = ask("GET", "/v1/tape-drives/{serial}")},
      {.noun = "library",
       .verb = "move",
       .summary = "Move a cartridge while the library is served",
       .example = "tapewarden library move VOL001L9 --to port:1 --site ~/site --as operator",
       .arguments = {kBarcode,
                     {.name = "--to",
                      .field = "to",
                      .meaning = "slot:1, port:1 or drive:SERIAL; unless given: back to its slot"}},
       .does = ask("POST", "/v1/cartridges/{barcode}/move")},
      {.noun = "library",
       .verb = "load",
       .summary = "Load a cartridge into a drive while the library is served",
       .example = "tapewarden library load VOL001L9 TW9R7K0Y01 --site ~/site --as operator",
       .arguments = {kBarcode,
                     {.name = "DRIVE", .required = true, .field = "drive", .meaning = "its serial"}},
       .does = ask("POST", "/v1/cartridges/{barcode}/move")},
      {.noun = "library",
       .verb = "unload",
       .summary = "Take the cartridge out of a drive while the library is served",
       .example = "tapewarden library unload TW9R7K0Y01 --site ~/site --as operator",
       .arguments = {kDrive,
                     {.name = "--to", .field = "to", .meaning = "slot:1 or port:1; unless given: its slot"},
                     {.name = "--force",
                      .kind = ArgumentKind::kFlag,
                      .field = "force",
                      .meaning = "reset the drive first: what hosts hold there ends"}},
       .does = ask("POST", "/v1/tape-drives/{serial}/unload")},
      {.noun = "library",
       .verb = "power",
       .summary = "Switch a drive off, on, or off and on while the library is served",
       .example = "tapewarden library power TW9R7K0Y01 cycle --site ~/site --as operator",
       .arguments = {kDrive,
                     {.name = "POWER", .required = true, .field = "power", .meaning = "off, on or cycle"}},
       .does = ask("POST", "/v1/tape-drives/{serial}/power")},
      {.noun = "library",
       .verb = "rescan",
       .summary = "Compare inventory and folder again while the library is served",
       .example = "tapewarden library rescan --site ~/site --as operator",
       .does = ask("POST", "/v1/library/rescan")},
  };
}

}  // namespace tapewarden::cli
