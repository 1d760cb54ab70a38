// Requests of an HttpClient.
//
// Invariants
//  1. A Channel carries at most one Exchange at a time: whoever takes it out of idle_ hands it the next one
//     by a task on its thread, which runs after the one before is settled.
//  2. Each Exchange is settled once, with a response or an error.
#include <chrono>
#include <optional>
#include <unordered_set>

#include "base/assert.h"
#include "base/thread_annotations.h"
#include "crypto/secret_bytes.h"
#include "net/connection.h"
#include "net/http.h"
#include "net/http_codec.h"
#include "net/shard.h"

namespace tapewarden::net {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Exchange {
  Bytes bytes;  // the encoded request
  bool head = false;
  bool may_repeat = false;  // the method is idempotent and it was not repeated yet
  steady_clock::time_point deadline;
  std::function<void(Result<HttpResponse>)> done;

  ~Exchange() { crypto::wipe(bytes); }
};
using ExchangePtr = std::unique_ptr<Exchange>;

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

milliseconds left_until(steady_clock::time_point deadline) {
  return std::max(milliseconds{1}, std::chrono::ceil<milliseconds>(deadline - steady_clock::now()));
}

class Channel;

class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(Loop& loop, HttpClientOptions options) : loop_(loop), options_(std::move(options)) {}

  void start(ExchangePtr exchange);
  void dial_for(ExchangePtr exchange);
  bool keep(const std::shared_ptr<Channel>& channel);  // false: the caller closes it
  void forget(const std::shared_ptr<Channel>& channel);
  void close_all();
  Loop& loop() { return loop_; }
  const HttpClientOptions& options() const { return options_; }

 private:
  std::shared_ptr<Channel> take_idle();

  Loop& loop_;
  const HttpClientOptions options_;
  Mutex mutex_;
  std::vector<std::shared_ptr<Channel>> idle_ TW_GUARDED_BY(mutex_);
  std::unordered_set<std::shared_ptr<Channel>> all_ TW_GUARDED_BY(mutex_);
  bool closed_ TW_GUARDED_BY(mutex_) = false;
};

// One connection of the client.
class Channel final : public ConnectionEvents, public std::enable_shared_from_this<Channel> {
 public:
  explicit Channel(std::shared_ptr<Core> core)
      : core_(std::move(core)), reader_(HttpReader::Kind::kResponses, core_->options().http) {}

  void set_connection(const std::shared_ptr<Connection>& connection) { connection_ = connection; }
  // On the connection's thread. Any thread for the first one, before dialling.
  void begin(ExchangePtr exchange);
  // Any thread.
  void post_begin(ExchangePtr exchange);
  void post_close();

  void on_open(const SessionInfo&) override {
    if (exchange_) connection_->expect_until(exchange_->deadline);
  }
  void on_data(ByteView plaintext) override;
  void on_drain() override { connection_->close(); }
  void on_closed(const CloseReason& reason) override;

 private:
  void complete(Result<HttpResponse> result);
  void fail_exchange(Error error);

  const std::shared_ptr<Core> core_;
  std::shared_ptr<Connection> connection_;
  HttpReader reader_;
  ExchangePtr exchange_;
  bool used_before_ = false;  // a response came on this connection already
  bool heard_ = false;        // a byte of the present response came
  bool closed_ = false;
};

void Channel::begin(ExchangePtr exchange) {
  exchange_ = std::move(exchange);
  heard_ = false;
  if (exchange_->head) reader_.expect_no_body();
  if (closed_) return fail_exchange({ErrorCode::kUnavailable, "the kept connection has ended", "", ""});
  connection_->send(exchange_->bytes);
  if (connection_->open()) connection_->expect_until(exchange_->deadline);
}

void Channel::post_begin(ExchangePtr exchange) {
  auto shared = std::make_shared<ExchangePtr>(std::move(exchange));  // std::function wants a copyable capture
  connection_->shard()->post([self = shared_from_this(), shared] { self->begin(std::move(*shared)); });
}

void Channel::post_close() {
  connection_->shard()->post([self = shared_from_this()] {
    self->connection_->finish(
        {CloseCause::kEnded, TlsFailure::kNone, {ErrorCode::kUnavailable, "the client was closed", "", ""}});
  });
}

void Channel::on_data(ByteView plaintext) {
  if (!exchange_) return connection_->close();  // nobody asked
  heard_ = true;
  reader_.append(plaintext);
  const auto whole = reader_.parse();
  if (!whole) {
    complete(std::unexpected(whole.error()));
    connection_->close();
  } else if (*whole) {
    const bool stay = reader_.keep_alive();
    auto response = reader_.take_response();
    // Interim answers (1xx) come before the one that counts.
    if (response.status < 200) return on_data({});
    used_before_ = true;
    // Kept first, so that the next request, which `done` may start, finds it.
    if (!stay || reader_.partial() || !core_->keep(shared_from_this())) connection_->close();
    complete(std::move(response));
  }
}

void Channel::complete(Result<HttpResponse> result) {
  connection_->expect_until(steady_clock::time_point::max());
  const auto finished = std::exchange(exchange_, nullptr);
  finished->done(std::move(result));
}

// The peer may end a kept connection while a request is on its way: then the request was not looked at.
void Channel::fail_exchange(Error error) {
  auto failed = std::exchange(exchange_, nullptr);
  if (!failed) return;
  const bool stale = used_before_ && !heard_ && error.code == ErrorCode::kUnavailable;
  if (stale && failed->may_repeat && steady_clock::now() < failed->deadline) {
    failed->may_repeat = false;
    return core_->dial_for(std::move(failed));
  }
  failed->done(std::unexpected(std::move(error)));
}

void Channel::on_closed(const CloseReason& reason) {
  closed_ = true;
  core_->forget(shared_from_this());
  if (exchange_ && reason.farewell && reader_.end_of_input()) {
    const auto finished = std::exchange(exchange_, nullptr);
    return finished->done(reader_.take_response());
  }
  fail_exchange(reason.error);
}

std::shared_ptr<Channel> Core::take_idle() {
  const MutexLock lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto channel = std::move(idle_.back());
  idle_.pop_back();
  return channel;
}

void Core::start(ExchangePtr exchange) {
  if (const auto channel = take_idle()) return channel->post_begin(std::move(exchange));
  dial_for(std::move(exchange));
}

void Core::dial_for(ExchangePtr exchange) {
  auto channel = std::make_shared<Channel>(shared_from_this());
  DialOptions how;
  how.host = options_.host;
  how.port = options_.port;
  how.resolver = options_.resolver;
  how.connection.tls = options_.tls;
  how.connection.server_name = options_.server_name;
  how.connection.handshake_timeout = left_until(exchange->deadline);
  dial(loop_, std::move(how), channel, [&](const std::shared_ptr<Connection>& connection) {
    channel->set_connection(connection);
    channel->begin(std::move(exchange));
    const MutexLock lock(mutex_);
    if (closed_) return channel->post_close();
    all_.insert(channel);
  });
}

bool Core::keep(const std::shared_ptr<Channel>& channel) {
  const MutexLock lock(mutex_);
  if (closed_ || idle_.size() >= options_.max_idle_connections) return false;
  idle_.push_back(channel);
  return true;
}

void Core::forget(const std::shared_ptr<Channel>& channel) {
  const MutexLock lock(mutex_);
  std::erase(idle_, channel);
  all_.erase(channel);
}

void Core::close_all() {
  std::unordered_set<std::shared_ptr<Channel>> open;
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    open = all_;
  }
  for (const auto& channel : open) channel->post_close();
}

// Where a blocking request waits.
struct Outcome {
  Mutex mutex;
  CondVar changed;
  std::optional<Result<HttpResponse>> result TW_GUARDED_BY(mutex);
};

}  // namespace

struct HttpClient::State {
  std::shared_ptr<Core> core;
};

HttpClient::HttpClient(Loop& loop, HttpClientOptions options) {
  TW_ASSERT(!options.tls.empty() && !TlsContextAccess::is_server(options.tls));
  state_ = std::make_shared<State>(State{std::make_shared<Core>(loop, std::move(options))});
}

HttpClient::~HttpClient() {
  state_->core->close_all();
}

void HttpClient::request_async(HttpCall call, milliseconds deadline,
                               std::function<void(Result<HttpResponse>)> done) {
  const auto& options = state_->core->options();
  auto exchange = std::make_unique<Exchange>();
  const auto& name = options.server_name.empty() ? options.host : options.server_name;
  exchange->bytes = encode_request(call, name, options.port);
  exchange->head = call.method == "HEAD";
  exchange->may_repeat = is_idempotent(call.method);
  exchange->deadline = steady_clock::now() + deadline;
  exchange->done = std::move(done);
  state_->core->start(std::move(exchange));
}

Result<HttpResponse> HttpClient::request(HttpCall call, milliseconds deadline) {
  TW_ASSERT(!state_->core->loop().on_loop_thread());
  const auto outcome = std::make_shared<Outcome>();
  request_async(std::move(call), deadline, [outcome](Result<HttpResponse> result) {
    const MutexLock lock(outcome->mutex);
    outcome->result = std::move(result);
    outcome->changed.notify_all();
  });
  const MutexLock lock(outcome->mutex);
  while (!outcome->result) outcome->changed.wait(outcome->mutex);
  return *std::move(outcome->result);
}

}  // namespace tapewarden::net
