#include "apps/notice_sink.h"

#include <unistd.h>

#include "apps/log.h"
#include "base/text.h"

namespace tapewarden::apps {
namespace {

constexpr std::size_t kHostNameBytes = 256;

std::string host_name() {
  std::string name(kHostNameBytes, '\0');
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.c_str();
}

bool wants_somebody(const engine::Notice& notice) {
  return !notice.cleared && engine::class_of(notice.kind) != engine::NoticeClass::kHostMessage;
}

}  // namespace

std::string line_of(const engine::Notice& notice) {
  return std::string(engine::code_of(notice.kind)) + " " + escape_unprintable(notice.subject) + ": " +
         (notice.cleared ? "cleared: " : "") + escape_unprintable(notice.text);
}

void NoticeSink::tell(const engine::Notice& notice) {
  const auto line = line_of(notice);
  const bool urgent = wants_somebody(notice);
  log(urgent ? LogLevel::kWarning : LogLevel::kInfo, line);
  if (syslog_) syslog_->send(urgent ? net::SyslogSeverity::kWarning : net::SyslogSeverity::kNotice, line);
  if (webhook_) webhook_->send(notice);
}

std::vector<std::string> NoticeSink::warnings() const {
  std::vector<std::string> out;
  if (syslog_)
    if (const auto health = syslog_->health(); !health.last_error.empty())
      out.push_back("the syslog does not take notices: " + health.last_error);
  if (webhook_)
    if (const auto health = webhook_->health(); !health.last_error.empty())
      out.push_back("the webhook does not take notices: " + health.last_error);
  return out;
}

Result<std::unique_ptr<NoticeSink>> make_notice_sink(Env env, const TapeEngineConfig& config,
                                                     const std::string& engine) {
  std::unique_ptr<net::SyslogSender> syslog;
  if (config.syslog)
    syslog = std::make_unique<net::SyslogSender>(
        *env.clock, *config.syslog,
        net::SyslogOrigin{
            .host = host_name(), .program = "tapewarden-taped", .process = static_cast<unsigned>(::getpid())},
        nullptr);
  std::unique_ptr<Webhook> webhook;
  if (config.webhook) {
    auto started = Webhook::start(*env.disk, *config.webhook, engine);
    if (!started) return in_context("engine.webhook", started.error());
    webhook = *std::move(started);
  }
  return std::make_unique<NoticeSink>(std::move(syslog), std::move(webhook));
}

}  // namespace tapewarden::apps
