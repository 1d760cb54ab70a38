// Where the engine's notices go (feature row T11): the log, and where they are configured a syslog and a
// webhook. Thread-safe; never blocks for long.
#pragma once

#include <memory>
#include <string>

#include "apps/webhook.h"
#include "engine/notices.h"
#include "net/syslog.h"

namespace tapewarden::apps {

// "TWE004A drive 1000000001: It is offline: …", with "cleared" before the text of one that is closed.
std::string line_of(const engine::Notice& notice);

class NoticeSink final : public engine::EventSink {
 public:
  // Either may be null.
  NoticeSink(std::unique_ptr<net::SyslogSender> syslog, std::unique_ptr<Webhook> webhook)
      : syslog_(std::move(syslog)), webhook_(std::move(webhook)) {}

  void tell(const engine::Notice& notice) override;
  // What operators should know of the ways out; empty: all is well.
  std::vector<std::string> warnings() const;

 private:
  const std::unique_ptr<net::SyslogSender> syslog_;
  const std::unique_ptr<Webhook> webhook_;
};

// As the configuration says. `engine`: its id. Errors of Webhook::start().
Result<std::unique_ptr<NoticeSink>> make_notice_sink(Env env, const TapeEngineConfig& config,
                                                     const std::string& engine);

}  // namespace tapewarden::apps
