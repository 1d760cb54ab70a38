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
       .verb = "rekey",
       .summary = "Make new EEDKs for cartridges in the ledger, as a job; revokes no old ones",
       .example = "tapewarden ledger rekey --from ARCHIVE-2016 --label ARCHIVE-2026",
       .arguments =
           {{.name = "--from", .field = "from", .meaning = "a KEK that retires: all cartridges that need it"},
            {.name = "--volser",
             .kind = ArgumentKind::kList,
             .field = "volsers",
             .meaning = "instead: a cartridge"},
            {.name = "--list",
             .kind = ArgumentKind::kTextFile,
             .field = "text",
             .meaning = "instead: a file with one volser in a line"},
            {.name = "--label", .required = true, .field = "label_1", .meaning = "a label to wrap to"},
            {.name = "--mode", .field = "mode_1", .meaning = "clear (unless given) or hash"},
            {.name = "--label2", .field = "label_2", .meaning = "a second label"},
            {.name = "--mode2", .field = "mode_2", .meaning = "clear (unless given) or hash"}},
       .does = RestCall{.method = "POST", .path = "/v1/rewraps"}},
      {.noun = "ledger",
       .verb = "rekey-jobs",
       .summary = "List such jobs and how far they are",
       .example = "tapewarden ledger rekey-jobs",
       .does = RestCall{.method = "GET",
                        .path = "/v1/rewraps",
                        .columns = {"id", "state", "total", "wrapped", "skipped", "failed", "started_by",
                                    "started", "last_error"}}},
      {.noun = "ledger",
       .verb = "rekey-show",
       .summary = "Show one such job",
       .example = "tapewarden ledger rekey-show 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa",
       .arguments = {{.name = "ID", .required = true, .field = "id", .meaning = "the job's id"}},
       .does = RestCall{.method = "GET", .path = "/v1/rewraps/{id}"}},
      {.noun = "ledger",
       .verb = "rekey-cancel",
       .summary = "Stop such a job; what is wrapped stays",
       .example = "tapewarden ledger rekey-cancel 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa",
       .arguments = {{.name = "ID", .required = true, .field = "id", .meaning = "the job's id"}},
       .does = RestCall{.method = "DELETE", .path = "/v1/rewraps/{id}"}},
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
