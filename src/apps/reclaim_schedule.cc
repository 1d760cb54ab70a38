#include "apps/reclaim_schedule.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace tapewarden::apps {
namespace {

constexpr unsigned kDays = 7;
constexpr unsigned kDayMinutes = 24 * 60;
constexpr std::uint8_t kEveryDay = 0x7f;
constexpr std::array<std::string_view, kDays> kNames{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

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

bool on_day(const InhibitWindow& window, unsigned day) {
  return (window.days & (1U << day)) != 0;
}

}  // namespace

Result<InhibitWindow> parse_inhibit_window(std::string_view text) {
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
  return InhibitWindow{.days = *days, .from = *from, .until = *until};
}

bool inhibited(const std::vector<InhibitWindow>& windows, WallTime now) {
  const auto today = std::chrono::floor<std::chrono::days>(now);
  const auto minute = static_cast<unsigned>(std::chrono::floor<std::chrono::minutes>(now - today).count());
  const unsigned day = std::chrono::weekday{today}.iso_encoding() - 1;
  const unsigned yesterday = (day + kDays - 1) % kDays;
  return std::ranges::any_of(windows, [&](const InhibitWindow& window) {
    if (window.from < window.until)
      return on_day(window, day) && minute >= window.from && minute < window.until;
    return (on_day(window, day) && minute >= window.from) ||
           (on_day(window, yesterday) && minute < window.until);
  });
}

}  // namespace tapewarden::apps
