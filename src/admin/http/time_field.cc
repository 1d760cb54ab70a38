#include "admin/http/time_field.h"

#include "base/text.h"

namespace tapewarden::admin {
namespace {

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

Result<WallTime> parse_time_field(std::string_view text, std::string_view field) {
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

}  // namespace tapewarden::admin
