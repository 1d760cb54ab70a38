#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "keymgr/custody/backup/limits.h"

namespace tapewarden::admin {
namespace {

namespace backup = keymgr::backup;
using backup::Service;

constexpr std::int64_t kDrillUnlessGiven = 20;
constexpr std::size_t kRecipientsLimit = 1U << 20;  // bytes of all their certificates

json::object to_json(const backup::TargetStatus& status) {
  const backup::Target& target = status.target;
  json::array recipients;
  for (const auto& recipient : target.recipients) recipients.emplace_back(recipient.subject());
  return {{"name", target.name},
          {"directory", target.directory},
          {"domain", target.domain},
          {"counts", target.counts},
          {"sealed_to", backup::to_string(target.seal)},
          {"recipients", std::move(recipients)},
          {"mode", backup::to_string(target.mode)},
          {"every_hours", target.every_hours},
          {"keep_bases", target.keep_bases},
          {"increments", target.increments},
          {"busy", status.busy},
          {"files", status.files},
          {"bytes", status.bytes},
          {"covered", status.state.covered},
          {"behind", status.behind},
          {"last_success", time_text(status.state.last_success)},
          {"last_failure", time_text(status.state.last_failure)},
          {"failure", status.state.failure},
          {"verified", status.state.verified},
          {"verified_at", time_text(status.state.verified_at)},
          {"verify_failure", status.state.verify_failure},
          {"warning", status.warning}};
}

Result<std::vector<crypto::Certificate>> recipients_of(const Arguments& arguments) {
  const auto pem = arguments.optional_text("recipients");
  if (!pem) return std::vector<crypto::Certificate>();
  auto out = crypto::Certificate::list_from_pem(*pem);
  if (out) return out;
  return fail(ErrorCode::kInvalidArgument, "the recipients' certificates do not parse", "recipients",
              "give one or more certificates in PEM");
}

Result<Answer> add(Service& service, const Request& request) {
  const Arguments& arguments = request.arguments;
  backup::TargetSpec spec;
  spec.name = arguments.text("name");
  spec.directory = arguments.text("directory");
  spec.domain = arguments.text("domain");
  spec.passphrase = arguments.optional_secret("passphrase");
  spec.recipients = TRY(recipients_of(arguments));
  spec.keep_bases = arguments.integer("keep_bases").value_or(spec.keep_bases);
  spec.increments = arguments.integer("increments").value_or(spec.increments);
  spec.every_hours = arguments.integer("every_hours").value_or(spec.every_hours);
  if (const auto mode = arguments.optional_text("mode")) spec.mode = TRY(backup::parse_mode(*mode));
  return json_answer(to_json(TRY(service.add_target(actor_of(request.principal), spec))), 201);
}

Result<Answer> modify(Service& service, const Request& request) {
  const Arguments& arguments = request.arguments;
  backup::TargetChange change;
  change.domain = arguments.optional_text("domain");
  change.keep_bases = arguments.integer("keep_bases");
  change.increments = arguments.integer("increments");
  change.every_hours = arguments.integer("every_hours");
  if (const auto mode = arguments.optional_text("mode")) change.mode = TRY(backup::parse_mode(*mode));
  return json_answer(
      to_json(TRY(service.modify_target(actor_of(request.principal), arguments.text("name"), change))));
}

Result<Answer> run(Service& service, const Request& request) {
  const auto report = TRY(service.run(actor_of(request.principal), request.arguments.text("name"),
                                      request.arguments.flag("new_base").value_or(false)));
  return json_answer(json::object{{"nothing_new", report.nothing_new},
                                  {"base", report.base},
                                  {"file", report.file},
                                  {"bytes", report.bytes},
                                  {"rows", report.rows},
                                  {"covered", report.commit},
                                  {"removed", report.removed}});
}

Result<Answer> verify(Service& service, const Request& request) {
  const auto report = TRY(service.verify(actor_of(request.principal), request.arguments.text("name")));
  return json_answer(json::object{{"files", report.files},
                                  {"bytes", report.bytes},
                                  {"rows", report.rows},
                                  {"verified", report.commit},
                                  {"data_keys", report.keys.data_keys},
                                  {"keks", report.keys.keks},
                                  {"destroyed", report.keys.destroyed}});
}

Result<Answer> drill(Service& service, const Request& request) {
  const std::int64_t cartridges = request.arguments.integer("cartridges").value_or(kDrillUnlessGiven);
  const auto report = TRY(service.drill(actor_of(request.principal), request.arguments.text("name"),
                                        cartridges < 0 ? 0 : static_cast<std::size_t>(cartridges)));
  json::array failed;
  for (const std::string& failure : report.failed) failed.emplace_back(failure);
  return json_answer(json::object{{"cartridges", report.cartridges},
                                  {"served", report.served},
                                  {"elsewhere", report.elsewhere},
                                  {"destroyed", report.destroyed},
                                  {"failed", std::move(failed)}});
}

std::vector<FieldSpec> retention_fields() {
  return {{.name = "keep_bases",
           .type = FieldType::kInteger,
           .meaning = "how many bases are kept, each with its increments; 3 unless given"},
          {.name = "increments",
           .type = FieldType::kInteger,
           .meaning = "how many increments follow a base before the next; 100 unless given"},
          {.name = "mode",
           .meaning = "when a backup is made",
           .choices = {"on-demand", "schedule", "after-change"}},
          {.name = "every_hours", .type = FieldType::kInteger, .meaning = "hours between scheduled backups"}};
}

void add_target_routes(RouteTable& table, Service& service) {
  auto fields = retention_fields();
  const FieldSpec domain{.name = "domain",
                         .required = true,
                         .meaning = "name of the failure domain: what is lost together with it",
                         .limit = backup::kNameLimit};
  fields.insert(
      fields.begin(),
      {{.name = "name", .required = true, .meaning = "the target's name", .limit = backup::kNameLimit},
       {.name = "directory",
        .required = true,
        .meaning = "absolute path of a folder on another disk or machine",
        .limit = backup::kPathLimit},
       domain,
       {.name = "passphrase",
        .type = FieldType::kSecret,
        .meaning = "what opens the backups; 12 characters or more"},
       {.name = "recipients",
        .meaning = "certificates (RSA, PEM) whose holders open the backups, in place of a passphrase",
        .limit = kRecipientsLimit}});
  table.add("POST", "/v1/backups", Permission::kChangeSettings, "Add a backup target.", fields, "The target.",
            [&service](const Request& request) { return add(service, request); });
  fields = retention_fields();
  fields.push_back({.name = "domain", .meaning = domain.meaning, .limit = backup::kNameLimit});
  table.add("PATCH", "/v1/backups/{name}", Permission::kChangeSettings,
            "Change a backup target; what is left out stays.", fields, "The target.",
            [&service](const Request& request) { return modify(service, request); });
  table.add("DELETE", "/v1/backups/{name}", Permission::kChangeSettings,
            "Forget a backup target; its files stay.", {}, "",
            [&service](const Request& request) -> Result<Answer> {
              TRY(service.remove_target(actor_of(request.principal), request.arguments.text("name")));
              return empty_answer();
            });
}

}  // namespace

std::vector<Route> backup_routes(Service& service) {
  RouteTable table("backup");
  table.add("GET", "/v1/backups", Permission::kView, "List the backup targets with their state.", {},
            "All targets.", [&service](const Request&) -> Result<Answer> {
              json::array items;
              for (const auto& status : TRY(service.list())) items.push_back(to_json(status));
              return json_answer(json::object{{"items", std::move(items)}});
            });
  table.add("GET", "/v1/backups/{name}", Permission::kView, "Show one backup target.", {}, "The target.",
            [&service](const Request& request) -> Result<Answer> {
              return json_answer(to_json(TRY(service.status(request.arguments.text("name")))));
            });
  add_target_routes(table, service);
  table.add("POST", "/v1/backups/{name}/run", Permission::kBackUp, "Back up now.",
            {{.name = "new_base", .type = FieldType::kFlag, .meaning = "begin a new chain with a full base"}},
            "The file that was written, and the commit up to which everything is in a backup.",
            [&service](const Request& request) { return run(service, request); });
  table.add("POST", "/v1/backups/{name}/verify", Permission::kBackUp,
            "Prove that the newest backup restores: into a scratch keystore, every key opened.", {},
            "What was read and proved.",
            [&service](const Request& request) { return verify(service, request); });
  table.add(
      "POST", "/v1/backups/{name}/drill", Permission::kBackUp,
      "Rehearse a restore: a scratch server is asked for the keys of the newest cartridges in the ledger.",
      {{.name = "cartridges",
        .type = FieldType::kInteger,
        .meaning = "how many cartridges; 20 unless given"}},
      "How many were served, and why others were not.",
      [&service](const Request& request) { return drill(service, request); });
  return table.take();
}

}  // namespace tapewarden::admin
