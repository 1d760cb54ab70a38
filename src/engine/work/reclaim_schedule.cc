#include "engine/work/reclaim_schedule.h"

#include <algorithm>

#include "engine/work/limits.h"

namespace tapewarden::engine {
namespace {

constexpr std::int64_t kMinutesOfDay = 1440;
constexpr std::int64_t kMinutesOfWeek = 7 * kMinutesOfDay;

}  // namespace

Status ReclaimSchedule::check() const {
  if (inhibited.size() > kMaximumWindows)
    return fail(ErrorCode::kInvalidArgument,
                "there are more than " + std::to_string(kMaximumWindows) + " windows", "inhibited");
  for (const auto& window : inhibited) {
    if (window.day > 6) return fail(ErrorCode::kInvalidArgument, "days are 0 (Sunday) to 6", "day");
    if (window.begin_minute >= kMinutesOfDay)
      return fail(ErrorCode::kInvalidArgument, "a window begins at minute 0 to 1439 of its day",
                  "begin minute");
    if (window.length_minutes == 0 || window.length_minutes > kMinutesOfWeek)
      return fail(ErrorCode::kInvalidArgument, "a window lasts 1 to 10,080 minutes", "length minutes");
  }
  return {};
}

bool ReclaimSchedule::inhibits(WallTime now) const {
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const auto in_day = std::chrono::floor<std::chrono::minutes>(now - day).count();
  const auto weekday = std::int64_t{std::chrono::weekday(day).c_encoding()};
  const auto minute = weekday * kMinutesOfDay + in_day;
  return std::ranges::any_of(inhibited, [&](const WeeklyWindow& window) {
    const auto begin = window.day * kMinutesOfDay + window.begin_minute;
    const auto since = (minute - begin + kMinutesOfWeek) % kMinutesOfWeek;
    return since < window.length_minutes;
  });
}

}  // namespace tapewarden::engine
