// Posts notices as JSON to a web server (feature row T11). They wait in a queue with a bound and are posted
// in their order by one thread; one that the server does not take is tried again a few times, each pause
// twice as long as the one before, and then given up.
//
// Thread-safe.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "apps/engine_config.h"
#include "base/thread_annotations.h"
#include "engine/notices.h"
#include "net/http.h"

namespace tapewarden::apps {

inline constexpr std::size_t kWebhookQueueLimit = 1000;  // notices that wait; beyond it new ones are dropped

struct WebhookTiming {
  unsigned attempts = 6;
  std::chrono::milliseconds first_pause{1'000};
  std::chrono::milliseconds deadline{10'000};  // of one attempt
  std::chrono::milliseconds farewell{2'000};   // for what still waits at the end
};

struct WebhookHealth {
  std::uint64_t posted = 0;
  std::uint64_t dropped = 0;  // given up, or the queue was full
  std::size_t waiting = 0;
  std::string last_error{};  // empty after a success
};

// What is posted, as Content-Type application/json (docs/operating/tape-engine.md).
std::string webhook_json(const engine::Notice& notice, const std::string& engine);

class Webhook {
 public:
  // `engine`: this engine's id, in every message. kNotFound, kInvalidArgument: the authorities.
  static Result<std::unique_ptr<Webhook>> start(Disk& disk, const WebhookConfig& config, std::string engine,
                                                WebhookTiming timing = {});
  // Posts what waits, for at most the farewell and the deadline of the attempt under way.
  ~Webhook();
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  // Never blocks for long.
  void send(const engine::Notice& notice) TW_EXCLUDES(mutex_);
  WebhookHealth health() const TW_EXCLUDES(mutex_);

 private:
  Webhook(net::HttpClientOptions options, std::string target, std::string engine, WebhookTiming timing);
  void run() TW_EXCLUDES(mutex_);
  // Empty: the server took it. `for_good`: it never will.
  std::string post(const std::string& body, bool& for_good);
  // False: the end has come.
  bool pause(std::chrono::milliseconds length) TW_EXCLUDES(mutex_);
  void finished(const std::string& trouble) TW_EXCLUDES(mutex_);

  const std::string target_;
  const std::string engine_;
  const WebhookTiming timing_;
  net::Loop loop_{1};
  net::HttpClient client_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<std::string> queue_ TW_GUARDED_BY(mutex_);
  WebhookHealth health_ TW_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point end_ TW_GUARDED_BY(mutex_) =
      std::chrono::steady_clock::time_point::max();
  std::thread thread_;
};

}  // namespace tapewarden::apps
