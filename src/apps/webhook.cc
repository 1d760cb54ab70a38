#include "apps/webhook.h"

#include <algorithm>
#include <boost/json.hpp>

#include "apps/log.h"
#include "base/text.h"

namespace tapewarden::apps {
namespace {

namespace json = boost::json;
using SteadyClock = std::chrono::steady_clock;

std::string_view text_of(engine::NoticeClass notice_class) {
  switch (notice_class) {
    case engine::NoticeClass::kIntervention:
      return "intervention";
    case engine::NoticeClass::kCallHome:
      return "call-home";
    case engine::NoticeClass::kHostMessage:
      break;
  }
  return "host-message";
}

// A server that says no to what it was sent says no to the same again; 408 and 429 ask to come later.
bool is_for_good(unsigned status) {
  constexpr unsigned kTimeout = 408;
  constexpr unsigned kTooMany = 429;
  return status >= 400 && status < 500 && status != kTimeout && status != kTooMany;
}

}  // namespace

std::string webhook_json(const engine::Notice& notice, const std::string& engine) {
  return json::serialize(json::object{{"engine", engine},
                                      {"number", notice.number},
                                      {"code", engine::code_of(notice.kind)},
                                      {"class", text_of(engine::class_of(notice.kind))},
                                      {"subject", escape_unprintable(notice.subject)},
                                      {"text", escape_unprintable(notice.text)},
                                      {"at", format_utc(notice.at)},
                                      {"cleared", notice.cleared}});
}

Result<std::unique_ptr<Webhook>> Webhook::start(Disk& disk, const WebhookConfig& config, std::string engine,
                                                WebhookTiming timing) {
  auto tls = TRY(net::read_tls_files(disk, {.chain = {}, .key = {}, .authorities = config.authorities}));
  tls.minimum = net::TlsVersion::k12;
  net::HttpClientOptions options;
  options.host = config.host;
  options.port = config.port;
  options.tls = TRY(net::TlsContext::client(tls));
  return std::unique_ptr<Webhook>(new Webhook(std::move(options), config.target, std::move(engine), timing));
}

Webhook::Webhook(net::HttpClientOptions options, std::string target, std::string engine, WebhookTiming timing)
    : target_(std::move(target)),
      engine_(std::move(engine)),
      timing_(timing),
      client_(loop_, std::move(options)),
      thread_([this] { run(); }) {}

Webhook::~Webhook() {
  {
    const MutexLock lock(mutex_);
    end_ = SteadyClock::now() + timing_.farewell;
  }
  changed_.notify_all();
  thread_.join();
}

void Webhook::send(const engine::Notice& notice) {
  auto body = webhook_json(notice, engine_);
  {
    const MutexLock lock(mutex_);
    if (queue_.size() >= kWebhookQueueLimit) {
      ++health_.dropped;
      return;
    }
    queue_.push_back(std::move(body));
  }
  changed_.notify_all();
}

WebhookHealth Webhook::health() const {
  const MutexLock lock(mutex_);
  auto health = health_;
  health.waiting = queue_.size();
  return health;
}

std::string Webhook::post(const std::string& body, bool& for_good) {
  net::HttpCall call{.method = "POST", .target = target_, .headers = {}, .body = to_bytes(body)};
  call.headers.add("Content-Type", "application/json");
  const auto answer = client_.request(std::move(call), timing_.deadline);
  for_good = false;
  if (!answer) return answer.error().message;
  if (answer->status >= 200 && answer->status < 300) return {};
  for_good = is_for_good(answer->status);
  return "it answered with status " + std::to_string(answer->status);
}

bool Webhook::pause(std::chrono::milliseconds length) {
  const auto until = SteadyClock::now() + length;
  const MutexLock lock(mutex_);
  while (SteadyClock::now() < until) {
    if (SteadyClock::now() >= end_) return false;
    const auto left = std::min(until, end_) - SteadyClock::now();
    changed_.wait_for(mutex_, std::chrono::ceil<std::chrono::milliseconds>(left));
  }
  return true;
}

void Webhook::finished(const std::string& trouble) {
  const MutexLock lock(mutex_);
  queue_.pop_front();
  health_.last_error = trouble;
  ++(trouble.empty() ? health_.posted : health_.dropped);
}

void Webhook::run() {
  while (true) {
    std::string body;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && end_ == SteadyClock::time_point::max())
        changed_.wait_for(mutex_, std::chrono::hours{1});
      if (queue_.empty() || SteadyClock::now() >= end_) {
        health_.dropped += queue_.size();
        return;
      }
      body = queue_.front();
    }
    auto wait = timing_.first_pause;
    bool for_good = false;
    auto trouble = post(body, for_good);
    for (unsigned attempt = 1; !trouble.empty() && !for_good && attempt < timing_.attempts; ++attempt) {
      if (!pause(wait)) break;
      wait *= 2;
      trouble = post(body, for_good);
    }
    if (!trouble.empty()) log(LogLevel::kWarning, "webhook: a notice was not taken: " + trouble);
    finished(trouble);
  }
}

}  // namespace tapewarden::apps
