#include "admin/keyd/support.h"

#include "base/text.h"

namespace tapewarden::admin {
namespace {

constexpr std::string_view kHashPrefix = "sha256:";

std::unexpected<Error> bad_time(std::string_view field) {
  return fail(ErrorCode::kInvalidArgument, "this is not a time", std::string(field),
              "write 2026-11-21 or 2026-11-21T02:40:32Z, in UTC");
}

Result<int> number_at(std::string_view text, std::size_t at, std::size_t width, int low, int high,
                      std::string_view field) {
  const auto number = parse_number(text.substr(at, width), static_cast<std::uint64_t>(low),
                                   static_cast<std::uint64_t>(high), field);
  if (!number) return bad_time(field);
  return static_cast<int>(*number);
}

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
  const bool with_clock = text.size() == 20;
  const bool punctuated = text.size() >= 10 && text[4] == '-' && text[7] == '-' &&
                          (text.size() == 10 || (with_clock && text[10] == 'T' && text[13] == ':' &&
                                                 text[16] == ':' && text[19] == 'Z'));
  if (!punctuated) return bad_time(field);
  const std::chrono::year_month_day day{
      std::chrono::year(TRY(number_at(text, 0, 4, 1970, 9999, field))),
      std::chrono::month(static_cast<unsigned>(TRY(number_at(text, 5, 2, 1, 12, field)))),
      std::chrono::day(static_cast<unsigned>(TRY(number_at(text, 8, 2, 1, 31, field))))};
  if (!day.ok()) return bad_time(field);
  WallTime time = std::chrono::sys_days(day);
  if (!with_clock) return time;
  time += std::chrono::hours(TRY(number_at(text, 11, 2, 0, 23, field)));
  time += std::chrono::minutes(TRY(number_at(text, 14, 2, 0, 59, field)));
  time += std::chrono::seconds(TRY(number_at(text, 17, 2, 0, 59, field)));
  return time;
}

std::string time_text(WallTime time) {
  return time == keymgr::kNever ? "" : format_utc(time);
}

}  // namespace tapewarden::admin
