// Reports of the tape engine, by REST, part by part.
#include "cli/nouns.h"
#include "cli/output_file.h"
#include "cli/rest_command.h"
#include "cli/server_session.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kReportParts = "/v1/reports/{name}/parts";
constexpr std::string_view kStatisticsParts = "/v1/statistics/parts";
constexpr std::string_view kPlaceLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-.";
constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // of one report

std::unexpected<Error> not_understood() {
  return fail(ErrorCode::kInternal, "the server's answer was not understood", "server",
              "check that server and command line are of the same version");
}

Result<std::string> text_of(const json::object& part, std::string_view name) {
  const auto* value = part.if_contains(name);
  if (value == nullptr || !value->is_string()) return not_understood();
  return std::string(value->get_string());
}

// Given only when it is whole, so that what was cut off is no report. A report that a server which never
// comes to an end gives is cut off by its length.
Result<std::string> collect(ServerSession& server, const std::string& target) {
  std::string report;
  std::string next;
  do {
    const auto part = TRY(server.get(target + (next.empty() ? "" : "&after=" + next)));
    const auto text = TRY(text_of(part, "text"));
    const auto place = TRY(text_of(part, "next"));
    if ((text.empty() && !place.empty()) || place.find_first_not_of(kPlaceLetters) != std::string::npos ||
        (place == next && !place.empty()))
      return not_understood();
    report += text;
    next = place;
    if (report.size() > kMostBytes)
      return fail(ErrorCode::kExhausted, "the report is too long", "NAME", "ask for a part of it");
  } while (!next.empty());
  return report;
}

std::vector<ArgumentSpec> arguments_of_reports() {
  return {{.name = "NAME",
           .required = true,
           .field = "name",
           .meaning = "which report",
           .words = {"volume-map", "cache-contents", "volume-status", "physical-volume-status",
                     "physical-media-pools", "point-in-time-statistics", "historical-statistics",
                     "historical-pool-statistics"}},
          {.name = "--format", .field = "format", .meaning = "text (unless given), csv or json"},
          {.name = "--volume", .field = "volume", .meaning = "for volume-status: how the volsers begin"},
          {.name = "--barcode",
           .field = "barcode",
           .meaning = "for physical-volume-status: of this cartridge alone"},
          {.name = "--pool",
           .kind = ArgumentKind::kInteger,
           .field = "pool",
           .meaning = "for physical-volume-status: of the cartridges of this pool"},
          {.name = "--days",
           .kind = ArgumentKind::kInteger,
           .field = "days",
           .meaning = "for the historical ones: of so many days until now; 1 unless given"},
          {.name = "--output", .meaning = "the file to write; standard output unless given"}};
}

std::vector<ArgumentSpec> arguments_of_statistics() {
  return {
      {.name = "--from",
       .field = "from",
       .meaning = "the time from which on: 2026-03-01 or 2026-03-01T12:00:00Z; a day before --to"},
      {.name = "--to", .field = "to", .meaning = "the time before which; now unless given"},
      {.name = "--interval",
       .field = "interval",
       .meaning = "how much one line sums up: 15m (unless given), 30m, 1h, 2h, 3h, 4h, 6h, 8h, 12h or 1d"},
      {.name = "--by", .field = "by", .meaning = "engine (unless given), or pool: the bytes written to each"},
      {.name = "--format", .field = "format", .meaning = "text (unless given), csv or json"},
      {.name = "--output", .meaning = "the file to write; standard output unless given"}};
}

Status give(Context& context, const Values& values, std::string_view path,
            std::vector<ArgumentSpec> arguments) {
  const auto output = TRY(OutputFile::prepare(context, values, OutputContent::kText));
  Command command;
  command.arguments = std::move(arguments);
  command.does = RestCall{.method = "GET", .path = path};
  Values sent = values;
  if (!values.has("format")) sent.add("format", context.globals.json ? "json" : "text");
  const PreparedCall call = TRY(prepare_call(context, command, sent));
  if (!context.globals.site.empty() && context.globals.server.empty()) context.globals.server = kEngineServer;
  auto server = TRY(ServerSession::open(context, ServerKind::kEngine));
  const auto text = TRY(collect(server, call.target));
  return output.write(context, as_bytes(text), 0644);
}

Status report(Context& context, const Values& values) {
  return give(context, values, kReportParts, arguments_of_reports());
}

Status statistics(Context& context, const Values& values) {
  return give(context, values, kStatisticsParts, arguments_of_statistics());
}

}  // namespace

std::vector<Command> report_commands() {
  return {{.noun = "report",
           .summary = "Give a report of the tape engine: what lies where, the cache, the pools, statistics",
           .example = "tapewarden report volume-map --format csv --site ~/site --as operator",
           .arguments = arguments_of_reports(),
           .does = Action(report)},
          {.noun = "statistics",
           .summary = "Tell what the tape engine did: since the last quarter of an hour, or over a time",
           .example = "tapewarden statistics --from 2026-03-01 --to 2026-04-01 --interval 1d --format csv "
                      "--site ~/site --as operator",
           .arguments = arguments_of_statistics(),
           .does = Action(statistics)}};
}

}  // namespace tapewarden::cli
