#include <boost/json.hpp>

#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "audit/query.h"
#include "audit/verify.h"
#include "keymgr/audit_note.h"

namespace tapewarden::admin {
namespace {

constexpr std::int64_t kHighestLimit = 1000;

std::vector<FieldSpec> filter_fields() {
  const auto query = [](std::string_view name, std::string_view meaning,
                        std::vector<std::string_view> choices = {}) {
    return FieldSpec{.name = name,
                     .place = FieldPlace::kQuery,
                     .meaning = meaning,
                     .choices = std::move(choices),
                     .limit = 256};
  };
  return {query("type", "only events of this type",
                {"authentication", "authorization", "data_synchronization", "runtime", "resource_management",
                 "configuration_management", "audit_management", "key_serving"}),
          query("outcome", "only events that went so", {"success", "failure"}),
          query("since", "not before: 2026-11-21, or longer, up to 2026-11-21T02:40:32.123Z"),
          query("until", "before"),
          query("text", "only lines that hold this text"),
          {.name = "after_line",
           .type = FieldType::kInteger,
           .place = FieldPlace::kQuery,
           .meaning = "only lines with a higher number: to follow the record"},
          limit_field()};
}

Result<audit::Filter> filter_of(const Arguments& arguments) {
  audit::Filter filter;
  if (const auto type = arguments.optional_text("type")) {
    filter.type = audit::parse_event_type(*type);
    if (!filter.type) return fail(ErrorCode::kInvalidArgument, "there are no such events", "type", "");
  }
  if (const auto outcome = arguments.optional_text("outcome"))
    filter.outcome = audit::parse_outcome(*outcome);
  filter.since = arguments.text_or("since", "");
  filter.until = arguments.text_or("until", "");
  filter.text = arguments.text_or("text", "");
  const auto after = arguments.integer("after_line").value_or(0);
  const auto limit = arguments.integer("limit").value_or(100);
  if (after < 0) return fail(ErrorCode::kInvalidArgument, "lines count from 1", "after_line", "");
  if (limit < 1 || limit > kHighestLimit) {
    return fail(ErrorCode::kInvalidArgument, "the limit is out of bounds", "limit", "ask for 1 to 1000");
  }
  filter.after_line = static_cast<std::uint64_t>(after);
  filter.limit = static_cast<std::size_t>(limit);
  return filter;
}

// The record itself, as it was given; its text when it is no JSON, which would be a defect.
json::value record_json(const std::string& text) {
  json::error_code error;
  json::value record = json::parse(text, error);
  return error ? json::value(text) : record;
}

Result<Answer> list(const AuditPlace& place, const Request& request) {
  json::array items;
  for (const auto& entry :
       TRY(audit::query(*place.disk, place.directory, TRY(filter_of(request.arguments))))) {
    items.push_back({{"line", entry.line},
                     {"at", entry.at},
                     {"type", entry.type},
                     {"outcome", entry.outcome},
                     {"action", entry.action},
                     {"actor", entry.actor},
                     {"record", record_json(entry.json)}});
  }
  return json_answer(json::object{{"items", std::move(items)}});
}

json::object to_json(const audit::CheckpointNote& note) {
  return {{"server", note.server},
          {"at", note.at},
          {"line", note.point.line},
          {"commit", note.mark.sequence},
          {"text", audit::note_text(note)}};
}

// What is compared: checkpoints that the caller noted, and those that the peer holds.
struct Noted {
  std::vector<audit::CheckpointNote> notes;
  std::string peer;  // a sentence
};

Result<Noted> noted(const AuditPlace& place, const Request& request) {
  Noted out;
  if (const auto text = request.arguments.optional_text("against"))
    out.notes = TRY(audit::parse_notes(*text));
  if (!place.held_by_peer) {
    out.peer = "no peer is configured";
    return out;
  }
  const auto held = place.held_by_peer();
  if (!held) {
    out.peer = "not compared with the peer's checkpoints: " + held.error().message;
    return out;
  }
  out.notes.insert(out.notes.end(), held->begin(), held->end());
  out.peer = "the peer holds " + std::to_string(held->size()) +
             (held->size() == 1 ? " checkpoint" : " checkpoints") + " of this server's record";
  return out;
}

std::string history_of(const audit::VerifyReport& report) {
  if (report.began_after == 0) return {};
  std::string text = "a restore began this record anew behind commit " + std::to_string(report.began_after);
  if (report.notes_of_earlier_record == 0) return text;
  return text + "; " + std::to_string(report.notes_of_earlier_record) +
         (report.notes_of_earlier_record == 1 ? " checkpoint was" : " checkpoints were") +
         " noted before it and can be compared only with the record of that time: `tapewarden-keyd audit "
         "verify "
         "data/audit-of-epoch-N.jsonl --against FILE`";
}

Result<Answer> verify(const AuditPlace& place, const Request& request) {
  // Before the files are looked at: what is written meanwhile may be there or not.
  const auto newest = place.newest ? std::optional(place.newest()) : std::nullopt;
  const Noted against = TRY(noted(place, request));
  const auto report =
      TRY(audit::verify_files(*place.disk, place.directory, {&place.checkpoint_key, against.notes, newest}));
  json::value fault = nullptr;
  if (report.fault) {
    fault = json::object{
        {"message", report.fault->message}, {"field", report.fault->field}, {"remedy", report.fault->remedy}};
  }
  return json_answer(json::object{{"intact", !report.fault.has_value()},
                                  {"files", report.files},
                                  {"lines", report.lines},
                                  {"commits", report.commits},
                                  {"checkpoints", report.checkpoints},
                                  {"signatures_checked", report.signatures_checked},
                                  {"noted_compared", report.notes_compared},
                                  {"noted_too_old", report.notes_too_old},
                                  {"noted_before_restore", report.notes_of_earlier_record},
                                  {"history", history_of(report)},
                                  {"unfinished_bytes", report.unfinished_bytes},
                                  {"peer", against.peer},
                                  {"first_line", report.first_line},
                                  {"last_commit", report.last_commit.sequence},
                                  {"fault", std::move(fault)}});
}

// Who asked for it stands in the record before it, and so is covered by it.
Result<Answer> make_checkpoint(keymgr::KeyManager& manager, const AuditPlace& place, const Request& request) {
  if (!place.make_checkpoint) return fail(ErrorCode::kUnsupported, "this server makes no checkpoints");
  TRY(manager.keystore().write([&](store::Transaction& transaction) -> Status {
    keymgr::AuditNote note;
    note.type = keymgr::AuditType::kAuditManagement;
    note.action = "audit.checkpoint";
    note.actor = actor_of(request.principal);
    keymgr::note(transaction, manager.context(), note);
    return {};
  }));
  return json_answer(to_json(TRY(place.make_checkpoint())));
}

Result<Answer> list_checkpoints(const AuditPlace& place) {
  json::array items;
  std::string text;
  if (place.held_of_peer) {
    for (const auto& note : TRY(place.held_of_peer())) {
      items.push_back(to_json(note));
      text += audit::note_text(note) + "\n";
    }
  }
  return json_answer(json::object{{"items", std::move(items)}, {"text", text}});
}

}  // namespace

std::vector<Route> audit_routes(keymgr::KeyManager& manager, const AuditPlace& place) {
  RouteTable table("audit");
  table.add("GET", "/v1/audit", Permission::kViewAudit,
            "List the newest events that fit all filters, newest last.", filter_fields(),
            "Events with their line numbers.",
            [place](const Request& request) { return list(place, request); });
  table.add("POST", "/v1/audit/verify", Permission::kViewAudit,
            "Check the audit record: its chain, its commits, the signatures of its checkpoints, and the "
            "checkpoints that the peer holds.",
            {{.name = "against",
              .meaning = "checkpoints that were noted elsewhere, one a line, to compare the record with",
              .limit = kMaximumFileField}},
            "What was checked, and the first fault: null when it is intact.",
            [place](const Request& request) { return verify(place, request); });
  table.add("POST", "/v1/audit/checkpoint", Permission::kViewAudit,
            "Make a signed checkpoint of the audit record now.", {},
            "The checkpoint; `text` is what to note elsewhere and to give to verify.",
            [&manager, place](const Request& request) { return make_checkpoint(manager, place, request); });
  table.add("GET", "/v1/audit/peer-checkpoints", Permission::kViewAudit,
            "List the checkpoints of the other server's audit record that this server holds.", {},
            "Newest last; `text` is all of them, to compare the other server's record with.",
            [place](const Request&) { return list_checkpoints(place); });
  return table.take();
}

}  // namespace tapewarden::admin
