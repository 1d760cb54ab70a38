#include "admin/keyd/support.h"

#include "admin/http/time_field.h"
#include "base/text.h"

namespace tapewarden::admin {
namespace {

constexpr std::string_view kHashPrefix = "sha256:";

}  // namespace

keymgr::Actor actor_of(const people::Principal& principal) {
  switch (principal.role) {
    case people::Role::kSecurityOfficer:
      return {principal.name, keymgr::ActorKind::kSecurityOfficer};
    case people::Role::kOperator:
      return {principal.name, keymgr::ActorKind::kOperator};
    case people::Role::kAuditor:
      break;
  }
  return {principal.name, keymgr::ActorKind::kAuditor};
}

keymgr::Consent consent_of(const Request& request) {
  if (!request.consent) return {};
  return {request.consent->approval().decider.name,
          [consent = request.consent](store::Transaction& transaction) { return consent->use(transaction); }};
}

json::object hold_json(const keymgr::KeyHold& hold, WallTime now) {
  return {{"id", hold.id.text()},           {"reason", hold.reason},
          {"until", time_text(hold.until)}, {"in_force", hold.in_force(now)},
          {"placed_by", hold.placed_by},    {"placed", time_text(hold.placed)}};
}

Result<Uuid> hold_of(const Request& request) {
  const auto id = Uuid::parse(request.arguments.text("hold"));
  if (id) return *id;
  return fail(ErrorCode::kInvalidArgument, "this is not the id of a hold", "hold", "list the holds");
}

std::vector<FieldSpec> hold_fields() {
  return {{.name = "reason", .required = true, .meaning = "why it must be kept", .limit = 256},
          {.name = "until",
           .meaning = "2036-11-21: kept until that day; left out: until two officers take the hold away",
           .limit = 32}};
}

Result<WallTime> hold_until(const Request& request) {
  const auto text = request.arguments.optional_text("until");
  return text ? parse_time(*text, "until") : Result<WallTime>(keymgr::kNever);
}

FieldSpec limit_field() {
  return {.name = "limit",
          .type = FieldType::kInteger,
          .place = FieldPlace::kQuery,
          .meaning = "the number of items wanted at once, 1 to 1000; 100 unless given"};
}

FieldSpec after_field() {
  return {.name = "after", .place = FieldPlace::kQuery, .meaning = "`next` of the page before"};
}

Result<keymgr::PageRequest> page_of(const Arguments& arguments) {
  keymgr::PageRequest page;
  page.after = arguments.text_or("after", "");
  const auto limit = arguments.integer("limit");
  if (!limit) return page;
  if (*limit < 1 || *limit > static_cast<std::int64_t>(keymgr::kMaximumPage)) {
    return fail(ErrorCode::kInvalidArgument, "the limit is out of bounds", "limit",
                "ask for 1 to " + std::to_string(keymgr::kMaximumPage));
  }
  page.limit = static_cast<std::size_t>(*limit);
  return page;
}

Result<Hash256> parse_hash(std::string_view text, std::string_view field) {
  if (text.starts_with(kHashPrefix)) text.remove_prefix(kHashPrefix.size());
  const auto bytes = from_hex(text);
  Hash256 hash{};
  if (!bytes || bytes->size() != hash.size()) {
    return fail(ErrorCode::kInvalidArgument, "this is not a SHA-256", std::string(field),
                "give 64 hex digits");
  }
  copy_bytes(hash, *bytes);
  return hash;
}

Result<WallTime> parse_time(std::string_view text, std::string_view field) {
  return parse_time_field(text, field);
}

std::string time_text(WallTime time) {
  return time == keymgr::kNever ? "" : format_utc(time);
}

}  // namespace tapewarden::admin
