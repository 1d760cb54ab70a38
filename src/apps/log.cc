#include "apps/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/text.h"

namespace tapewarden::apps {

namespace {

spdlog::logger& logger() {
  static const auto made = [] {
    auto out =
        std::make_shared<spdlog::logger>("tapewarden", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    out->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l: %v", spdlog::pattern_time_type::utc);
    return out;
  }();
  return *made;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

Status set_log_level(std::string_view level) {
  if (level == "debug")
    logger().set_level(spdlog::level::debug);
  else if (level == "info")
    logger().set_level(spdlog::level::info);
  else if (level == "warning")
    logger().set_level(spdlog::level::warn);
  else if (level == "error")
    logger().set_level(spdlog::level::err);
  else
    return fail(ErrorCode::kInvalidArgument, "unknown log level", "log.level",
                "use debug, info, warning or error");
  return {};
}

void log(LogLevel level, std::string_view text) {
  logger().log(to_spdlog(level), "{}", escape_unprintable(text));
}

}  // namespace tapewarden::apps
