#include <boost/json.hpp>

#include "cli/nouns.h"
#include "cli/output.h"
#include "cli/request_body.h"
#include "cli/rest_client.h"

namespace tapewarden::cli {
namespace {

constexpr std::size_t kAgainstLimit = 3U << 20;  // bytes

// Damage is an answer of the server and a failure of the command.
Status verify(Context& context, const Values& values) {
  RequestBody asked;
  if (values.has("--against")) {
    const Bytes text = TRY(read_file(*context.env.disk, values.text("--against"), kAgainstLimit));
    asked.add_text("against", as_text(text));
  }
  auto connection = TRY(connect(context));
  const auto answered = connection.client.call("POST", "/v1/audit/verify", asked.take());
  end_session(connection);
  const Bytes body = TRY(answered);
  if (context.globals.json) {
    *context.out << as_text(body) << '\n';
  } else {
    TRY(print_object(*context.out, body));
  }
  boost::json::error_code error;
  const auto report = boost::json::parse(as_text(body), error);
  const auto* object = error ? nullptr : report.if_object();
  const auto* intact = object != nullptr ? object->if_contains("intact") : nullptr;
  if (intact != nullptr && intact->is_bool() && intact->get_bool()) return {};
  return fail(ErrorCode::kCorrupt, "the audit record is damaged", "",
              "keep a copy of its directory as evidence, and compare it with the peer's");
}

}  // namespace

std::vector<Command> audit_commands() {
  return {
      {.noun = "audit",
       .verb = "list",
       .summary = "List the newest events, newest last",
       .example = "tapewarden audit list --outcome failure --limit 20",
       .arguments = {{.name = "--type", .field = "type", .meaning = "an event type, such as authentication"},
                     {.name = "--outcome", .field = "outcome", .meaning = "success or failure"},
                     {.name = "--since", .field = "since", .meaning = "not before, 2026-11-21T02"},
                     {.name = "--until", .field = "until", .meaning = "before"},
                     {.name = "--text", .field = "text", .meaning = "only lines that hold this text"},
                     {.name = "--after-line",
                      .kind = ArgumentKind::kInteger,
                      .field = "after_line",
                      .meaning = "only lines with a higher number"},
                     {.name = "--limit",
                      .kind = ArgumentKind::kInteger,
                      .field = "limit",
                      .meaning = "at most so many; 100 unless given, 1000 at most"}},
       .does = RestCall{.method = "GET",
                        .path = "/v1/audit",
                        .columns = {"line", "at", "outcome", "type", "action", "actor"}}},
      {.noun = "audit",
       .verb = "verify",
       .summary = "Check the whole audit record on the server",
       .example = "tapewarden audit verify --against noted.txt",
       .arguments = {{.name = "--against",
                      .meaning = "a file of checkpoints noted elsewhere, to compare the record with"}},
       .does = Action(verify)},
      {.noun = "audit",
       .verb = "checkpoint",
       .summary = "Make a signed checkpoint now and print it, to be noted elsewhere",
       .example = "tapewarden audit checkpoint --output noted.txt",
       .arguments = {{.name = "--output", .meaning = "the file to write; standard output unless given"}},
       .does = RestCall{.method = "POST", .path = "/v1/audit/checkpoint", .text_member = "text"}},
      {.noun = "audit",
       .verb = "peer-checkpoints",
       .summary = "Print the checkpoints of the other server's record that this one holds",
       .example = "tapewarden audit peer-checkpoints --server https://keys-2:1443 --output noted.txt",
       .arguments = {{.name = "--output", .meaning = "the file to write; standard output unless given"}},
       .does = RestCall{.method = "GET", .path = "/v1/audit/peer-checkpoints", .text_member = "text"}},
  };
}

}  // namespace tapewarden::cli
