#include <boost/json.hpp>

#include "base/text.h"
#include "cli/nouns.h"
#include "cli/proof_file.h"
#include "cli/server_session.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

std::string shown(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return "-";
  return escape_unprintable(value->is_string() ? std::string(value->get_string()) : json::serialize(*value));
}

// One line for each record about which there is something to say.
void print_lines(Context& context, const json::object& report) {
  const auto* lines = report.if_contains("lines");
  if (lines == nullptr || !lines->is_array()) return;
  for (const auto& value : lines->get_array()) {
    const auto* line = value.if_object();
    if (line == nullptr || shown(*line, "remark").empty()) continue;
    *context.out << "line " << shown(*line, "line") << "  " << shown(*line, "volser") << "  "
                 << shown(*line, "outcome") << ": " << shown(*line, "remark") << '\n';
  }
}

Status import_ekm(Context& context, const Values& values) {
  const auto text = TRY(read_file(*context.env.disk, values.text("FILE"), kInputFileLimit));
  auto server = TRY(ServerSession::open(context));
  const auto report = TRY(
      server.post("/v1/ledger/import-ekm", {{"text", as_text(text)}, {"dry_run", values.has("--dry-run")}}));
  if (context.globals.json) {
    *context.out << json::serialize(report) << '\n';
    return {};
  }
  print_lines(context, report);
  *context.out << (values.has("--dry-run") ? "would come: " : "came: ") << shown(report, "added")
               << ", known already: " << shown(report, "known") << ", left out: " << shown(report, "left_out")
               << '\n';
  return {};
}

}  // namespace

std::vector<Command> ledger_commands() {
  return {
      {.noun = "ledger",
       .verb = "query",
       .summary = "Tell which key sealed which cartridge; all filters given must fit",
       .example = "tapewarden ledger query --volser VOL001",
       .arguments = {{.name = "--volser", .field = "volser", .meaning = "the cartridge's volser"},
                     {.name = "--volume", .field = "volume", .meaning = "its volume UUID"},
                     {.name = "--alias", .field = "alias", .meaning = "the data key's alias"},
                     {.name = "--label", .field = "label", .meaning = "a key label, either of the two"},
                     {.name = "--kek", .field = "kek", .meaning = "a KEK, by hash or label"},
                     {.name = "--drive", .field = "drive", .meaning = "the drive's serial"},
                     {.name = "--from", .field = "from", .meaning = "issued at or after, 2026-11-21"},
                     {.name = "--until", .field = "until", .meaning = "issued before"},
                     {.name = "--most", .meaning = "at most so many"}},
       .does = RestCall{.method = "GET",
                        .path = "/v1/ledger",
                        .columns = {"issued", "volser", "purpose", "state", "method", "alias", "label_1",
                                    "label_2", "drive"}}},
      {.noun = "ledger",
       .verb = "evidence",
       .summary = "Write a signed evidence pack of one cartridge, which is checked without the server",
       .example = "tapewarden ledger evidence VOL001 --output VOL001.evidence",
       .arguments =
           {{.name = "VOLSER", .required = true, .field = "volser", .meaning = "the cartridge's volser"},
            {.name = "--output", .meaning = "a file instead of standard output"}},
       .does = RestCall{.method = "GET", .path = "/v1/ledger/{volser}/evidence", .text_member = "pack"}},
      {.noun = "ledger",
       .verb = "verify-evidence",
       .summary = "Check an evidence pack; needs no server",
       .example = "tapewarden ledger verify-evidence VOL001.evidence --ca authority.crt",
       .arguments = proof_arguments("the evidence pack"),
       .does = Action(verify_evidence)},
      {.noun = "ledger",
       .verb = "import-ekm",
       .summary = "Take the metadata file of an old Encryption Key Manager into the ledger",
       .example = "tapewarden ledger import-ekm EKMData.xml --dry-run",
       .arguments = {{.name = "FILE", .required = true, .meaning = "the metadata file, up to 3 MiB"},
                     {.name = "--dry-run",
                      .kind = ArgumentKind::kFlag,
                      .meaning = "only tell what would come; nothing is changed"}},
       .does = Action(import_ekm)},
  };
}

}  // namespace tapewarden::cli
