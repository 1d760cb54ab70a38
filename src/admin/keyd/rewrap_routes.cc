// Re-wrapping in bulk by REST (K9).
#include "admin/keyd/kek_lookup.h"
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "base/text.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;
using keymgr::RewrapJob;
using keymgr::Rewrapper;

json::value label_json(const keymgr::LabelChoice& choice) {
  if (choice.label.empty()) return nullptr;
  return json::object{{"label", choice.label}, {"mode", eedk::to_string(choice.mode)}};
}

json::object to_json(const RewrapJob& job) {
  return {{"id", job.id.text()},
          {"state", keymgr::to_string(job.state)},
          {"from", to_hex(job.from)},
          {"label_1", label_json(job.label_1)},
          {"label_2", label_json(job.label_2)},
          {"total", job.total},
          {"wrapped", job.wrapped},
          {"skipped", job.skipped},
          {"failed", job.failed},
          {"last_error", job.last_error},
          {"server", job.server.text()},
          {"started_by", job.started_by},
          {"started", time_text(job.started)},
          {"ended", time_text(job.ended)},
          {"advice", keymgr::kRewrapAdvice}};
}

// The volsers of the list, and one in each line of the text.
std::vector<std::string> volsers_of(const Arguments& arguments) {
  std::vector<std::string> out = arguments.list("volsers");
  for (const auto& line : split(arguments.text_or("text", ""), '\n')) {
    const auto volser = trim(line);
    if (!volser.empty() && !volser.starts_with('#')) out.emplace_back(volser);
  }
  return out;
}

void add_label(const Arguments& arguments, std::string_view label, std::string_view mode,
               std::vector<keymgr::LabelChoice>& out) {
  const auto text = arguments.optional_text(label);
  if (!text) return;
  const bool hash = arguments.text_or(mode, "clear") == "hash";
  out.push_back({*text, hash ? keymgr::LabelMode::kHash : keymgr::LabelMode::kClear});
}

Result<Answer> start(KeyManager& manager, Rewrapper& rewrapper, const Request& request) {
  const Arguments& arguments = request.arguments;
  keymgr::RewrapOrder order;
  if (const auto kek = arguments.optional_text("from")) order.from = TRY(find_kek_id(manager, *kek));
  order.volsers = volsers_of(arguments);
  add_label(arguments, "label_1", "mode_1", order.labels);
  add_label(arguments, "label_2", "mode_2", order.labels);
  return json_answer(to_json(TRY(rewrapper.start(actor_of(request.principal), order))), 201);
}

Result<Uuid> id_of(const Request& request) {
  const auto id = Uuid::parse(request.arguments.text("id"));
  if (id) return *id;
  return fail(ErrorCode::kNotFound, "no job has this id", "id", "list the jobs to see their ids");
}

FieldSpec label_field(std::string_view name, bool required) {
  return {.name = name,
          .required = required,
          .meaning = "a label to wrap to",
          .limit = keymgr::kMaximumLabelCharacters};
}

FieldSpec mode_field(std::string_view name) {
  return {.name = name,
          .meaning = "how the EEDK names its KEK; clear unless given",
          .choices = {"clear", "hash"}};
}

}  // namespace

std::vector<Route> rewrap_routes(KeyManager& manager, Rewrapper& rewrapper) {
  RouteTable table("rewrap");
  table.add(
      "POST", "/v1/rewraps", Permission::kChangeKeks,
      "Make new EEDKs for cartridges in the ledger, as a job; the data is not rewritten.",
      {{.name = "from",
        .meaning = "a KEK that retires, by label or hash: all cartridges that need it",
        .limit = 80},
       {.name = "volsers", .type = FieldType::kTextList, .meaning = "instead: these cartridges", .limit = 32},
       {.name = "text", .meaning = "instead: volsers, one in a line", .limit = 512U << 10},
       label_field("label_1", true),
       mode_field("mode_1"),
       label_field("label_2", false),
       mode_field("mode_2")},
      "The job.",
      [&manager, &rewrapper](const Request& request) { return start(manager, rewrapper, request); });
  table.add("GET", "/v1/rewraps", Permission::kView, "List the jobs, newest first.", {}, "The jobs.",
            [&rewrapper](const Request&) -> Result<Answer> {
              json::array items;
              for (const auto& job : TRY(rewrapper.list())) items.push_back(to_json(job));
              return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
            });
  table.add("GET", "/v1/rewraps/{id}", Permission::kView, "Show how far a job is.", {}, "The job.",
            [&rewrapper](const Request& request) -> Result<Answer> {
              return json_answer(to_json(TRY(rewrapper.find(TRY(id_of(request))))));
            });
  table.add("DELETE", "/v1/rewraps/{id}", Permission::kChangeKeks, "Stop a job; what is wrapped stays.", {},
            "", [&rewrapper](const Request& request) -> Result<Answer> {
              TRY(rewrapper.cancel(actor_of(request.principal), TRY(id_of(request))));
              return empty_answer();
            });
  return table.take();
}

}  // namespace tapewarden::admin
