#include "apps/reclaim_windows.h"

#include <array>
#include <optional>

#include "base/text.h"

namespace tapewarden::apps {
namespace {

constexpr unsigned kDays = 7;
constexpr unsigned kDayMinutes = 24 * 60;
constexpr std::uint8_t kEveryDay = 0x7f;
constexpr std::array<std::string_view, kDays> kNames{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

std::optional<unsigned> parse_day(std::string_view text) {
  for (unsigned day = 0; day < kDays; ++day)
    if (equal_ignoring_case(text, kNames.at(day))) return day;
  return std::nullopt;
}

// "Mon", "Mon-Fri", "Sat-Mon", "daily".
std::optional<std::uint8_t> parse_days(std::string_view text) {
  if (equal_ignoring_case(text, "daily")) return kEveryDay;
  const auto ends = split(text, '-');
  const auto first = parse_day(ends.front());
  const auto last = parse_day(ends.back());
  if (ends.size() > 2 || !first || !last) return std::nullopt;
  std::uint8_t days = 0;
  for (unsigned day = *first;; day = (day + 1) % kDays) {
    days = static_cast<std::uint8_t>(days | (1U << day));
    if (day == *last) return days;
  }
}

// "06:00"; "24:00" is the end of the day.
std::optional<unsigned> parse_minute(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hours = parse_number(text.substr(0, 2), 0, 24, "hour");
  const auto minutes = parse_number(text.substr(3), 0, 59, "minute");
  if (!hours || !minutes || *hours * 60 + *minutes > kDayMinutes) return std::nullopt;
  return static_cast<unsigned>(*hours * 60 + *minutes);
}

}  // namespace

Result<std::vector<engine::WeeklyWindow>> parse_reclaim_windows(std::string_view text) {
  const auto wrong = [] {
    return fail(ErrorCode::kInvalidArgument, "this is no window of the week", "window",
                "write for example \"Mon-Fri 06:00-22:00\" or \"daily 22:00-04:00\", in UTC");
  };
  const auto words = split(text, ' ');
  if (words.size() != 2) return wrong();
  const auto days = parse_days(words[0]);
  const auto ends = split(words[1], '-');
  if (!days || ends.size() != 2) return wrong();
  const auto from = parse_minute(ends[0]);
  const auto until = parse_minute(ends[1]);
  if (!from || !until || *from == *until || *from == kDayMinutes) return wrong();
  const auto length = (*until + kDayMinutes - *from) % kDayMinutes;
  std::vector<engine::WeeklyWindow> windows;
  for (unsigned day = 0; day < kDays; ++day)
    if ((*days & (1U << day)) != 0)
      windows.push_back({.day = static_cast<std::uint8_t>(day),
                         .begin_minute = static_cast<std::uint16_t>(*from),
                         .length_minutes = static_cast<std::uint16_t>(length == 0 ? kDayMinutes : length)});
  return windows;
}

}  // namespace tapewarden::apps
