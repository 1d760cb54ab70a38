// Migrations of the engine's pools, by REST.
#include <chrono>
#include <set>
#include <thread>

#include "base/text.h"
#include "cli/migration_view.h"
#include "cli/nouns.h"
#include "cli/report.h"
#include "cli/rest_command.h"
#include "cli/server_session.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kLookAgain{5};
constexpr std::string_view kMigrations = "/v1/pool-migrations";

const ArgumentSpec kNumber{
    .name = "NUMBER", .required = true, .field = "number", .meaning = "of the migration"};
const ArgumentSpec kWait{.name = "--wait",
                         .kind = ArgumentKind::kFlag,
                         .meaning = "look on until it has ended; breaking off does not end the migration"};

ArgumentSpec integer(std::string_view name, std::string_view field, std::string_view meaning) {
  return {.name = name, .kind = ArgumentKind::kInteger, .field = field, .meaning = meaning};
}

// What both a plan and an order take.
std::vector<ArgumentSpec> request_arguments() {
  return {
      {.name = "SOURCE",
       .kind = ArgumentKind::kInteger,
       .required = true,
       .field = "source",
       .meaning = "the pool whose data is to be moved"},
      {.name = "TARGET",
       .kind = ArgumentKind::kInteger,
       .required = true,
       .field = "target",
       .meaning = "where to; the same pool: to other keys within it"},
      {.name = "--encryption", .field = "encryption", .meaning = "within a pool: wrapped or identified"},
      {.name = "--label1", .field = "label_1", .meaning = "within a pool: the first KEK's new key label"},
      {.name = "--mode1", .field = "mode_1", .meaning = "clear or hash"},
      {.name = "--label2", .field = "label_2", .meaning = "within a pool: the second KEK's new key label"},
      {.name = "--mode2", .field = "mode_2", .meaning = "clear or hash"},
      {.name = "--group", .field = "key_group", .meaning = "within a pool: the new key group (LTO)"}};
}

// What the estimates of a plan reckon with.
std::vector<ArgumentSpec> rate_arguments() {
  return {integer("--drives", "drives", "for --plan: drives that it may use"),
          integer("--drive-rate", "drive_bytes_per_second", "for --plan: bytes a second of a drive"),
          integer("--mount-seconds", "mount_seconds", "for --plan: how long a mount takes"),
          integer("--cartridge-bytes", "cartridge_bytes", "for --plan: what fits on a cartridge")};
}

Result<ServerSession> open_engine(Context& context) {
  if (!context.globals.site.empty() && context.globals.server.empty()) context.globals.server = kEngineServer;
  return ServerSession::open(context, ServerKind::kEngine);
}

void show(Context& context, const json::object& progress) {
  print_report(context, progress, progress_text(progress));
}

std::uint64_t number_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return 0;
  json::error_code failed;
  const auto number = value->to_number<std::uint64_t>(failed);
  return failed ? 0 : number;
}

bool has_ended(const json::object& progress) {
  const auto* state = progress.if_contains("state");
  if (state == nullptr || !state->is_string()) return true;
  return state->get_string() == "finished" || state->get_string() == "cancelled";
}

// Says on the other stream what came in its way, once each.
void tell_hindrances(Context& context, const json::object& progress, std::set<std::string>& told) {
  const auto* hindrances = progress.if_contains("hindrances");
  if (hindrances == nullptr || !hindrances->is_array()) return;
  for (const auto& item : hindrances->get_array()) {
    const auto* object = item.if_object();
    const auto* text = object == nullptr ? nullptr : object->if_contains("text");
    if (text == nullptr || !text->is_string()) continue;
    const std::string line = escape_unprintable(std::string(text->get_string()));
    if (told.insert(line).second) *context.err << "waits: " << line << '\n';
  }
}

Status watch(Context& context, ServerSession& server, json::object progress) {
  const std::string target = std::string(kMigrations) + "/" + std::to_string(number_in(progress, "number"));
  std::set<std::string> told;
  while (!has_ended(progress)) {
    tell_hindrances(context, progress, told);
    if (context.progress) context.progress(number_in(progress, "percent"), 100);
    std::this_thread::sleep_for(kLookAgain);
    progress = TRY(server.get(target));
  }
  if (context.progress) context.progress(number_in(progress, "percent"), 100);
  show(context, progress);
  return {};
}

Status check_words(const Values& values) {
  if (values.has("--plan") == values.has("--run"))
    return fail(ErrorCode::kInvalidArgument, "a migration is planned or run", "--plan",
                "give --plan to see what it would do, or --run to begin it");
  if (values.has("--now") && values.has("--when-eligible"))
    return fail(ErrorCode::kInvalidArgument, "two times are named", "--now",
                "give one of --now and --when-eligible");
  if (!values.has("--plan")) {
    for (const ArgumentSpec& rate : rate_arguments())
      if (values.has(rate.field))
        return fail(ErrorCode::kInvalidArgument, "this counts for a plan only", std::string(rate.name),
                    "leave it out, or give --plan");
  }
  return {};
}

Result<PreparedCall> call_of(Context& context, const Values& values) {
  const bool plan = values.has("--plan");
  Command command;
  command.arguments = request_arguments();
  command.arguments.push_back({.name = "--when", .field = "when"});
  if (plan) {
    for (auto& argument : rate_arguments()) command.arguments.push_back(argument);
    command.does = RestCall{.method = "GET", .path = "/v1/pool-migrations/plan"};
  } else {
    command.does = RestCall{.method = "POST", .path = kMigrations};
  }
  Values sent = values;
  sent.add("when", values.has("--when-eligible") ? "when-eligible" : "now");
  return prepare_call(context, command, sent);
}

Result<json::object> object_of(ByteView body) {
  json::error_code error;
  auto value = json::parse(as_text(body), error);
  if (!error && value.is_object()) return std::move(value.get_object());
  return fail(ErrorCode::kInternal, "the server's answer was not understood", "server",
              "check that server and command line are of the same version");
}

Status migrate(Context& context, const Values& values) {
  TRY(check_words(values));
  const PreparedCall call = TRY(call_of(context, values));
  auto server = TRY(open_engine(context));
  if (values.has("--plan")) {
    const auto plan = TRY(server.get(call.target));
    print_report(context, plan, plan_text(plan));
    return plan_refusal(plan);
  }
  auto progress = TRY(server.post(call.target, TRY(object_of(call.body)), context.globals.approval));
  if (values.has("--wait")) return watch(context, server, std::move(progress));
  show(context, progress);
  return {};
}

Status show_one(Context& context, const Values& values) {
  Command command;
  command.arguments = {kNumber};
  command.does = RestCall{.method = "GET", .path = "/v1/pool-migrations/{number}"};
  const PreparedCall call = TRY(prepare_call(context, command, values));
  auto server = TRY(open_engine(context));
  auto progress = TRY(server.get(call.target));
  if (values.has("--wait")) return watch(context, server, std::move(progress));
  show(context, progress);
  return {};
}

}  // namespace

std::vector<Command> pool_migration_commands() {
  auto arguments = request_arguments();
  const auto flag = [](std::string_view name, std::string_view meaning) {
    return ArgumentSpec{.name = name, .kind = ArgumentKind::kFlag, .meaning = meaning};
  };
  arguments.push_back(flag("--plan", "only tell what it would do; nothing is changed"));
  arguments.push_back(flag("--run", "begin it"));
  arguments.push_back(flag("--now", "filled cartridges are moved at once; unless --when-eligible is given"));
  arguments.push_back(flag("--when-eligible", "they are moved as the pool's reclaim policies take them"));
  for (auto& argument : rate_arguments()) arguments.push_back(argument);
  arguments.push_back(kWait);
  return {{.noun = "pool",
           .verb = "migrate",
           .summary = "Plan or run the migration of a pool to another pool, or to other keys",
           .example = "tapewarden pool migrate 1 2 --plan --site ~/site --as officer-1",
           .arguments = std::move(arguments),
           .does = Action(migrate)},
          {.noun = "pool",
           .verb = "migrations",
           .summary = "List the migrations of pools, the newest first",
           .example = "tapewarden pool migrations --site ~/site --as operator",
           .does = RestCall{.method = "GET",
                            .path = kMigrations,
                            .columns = {"number", "source", "target", "state", "when", "percent",
                                        "volumes_left", "bytes_left", "estimated_end"},
                            .server = kEngineServer}},
          {.noun = "pool",
           .verb = "migration",
           .summary = "Show how far a migration is and what holds it up",
           .example = "tapewarden pool migration 1 --wait --site ~/site --as operator",
           .arguments = {kNumber, kWait},
           .does = Action(show_one)},
          {.noun = "pool",
           .verb = "cancel-migration",
           .summary = "Take back what a migration has not carried out yet",
           .example = "tapewarden pool cancel-migration 1 --site ~/site --as officer-1",
           .arguments = {kNumber,
                         {.name = "--keep-settings",
                          .kind = ArgumentKind::kFlag,
                          .field = "keep_settings",
                          .meaning = "leave pools and constructs as the migration changed them"}},
           .does = RestCall{
               .method = "POST", .path = "/v1/pool-migrations/{number}/cancel", .server = kEngineServer}}};
}

}  // namespace tapewarden::cli
