#include "kmip_client.h"

#include <chrono>
#include <stdexcept>

namespace tapewarden::bench {
namespace {

constexpr auto kPatience = std::chrono::minutes(10);  // Locate takes seconds at some servers

using Clock = std::chrono::steady_clock;

}  // namespace

// One connection. But for begin(), everything happens on the loop's thread.
class KmipClient::Talker final : public net::ClientHandler, public std::enable_shared_from_this<Talker> {
 public:
  explicit Talker(KmipClient& owner) : owner_(owner) {}

  void connect(const net::FramedClientOptions& options) {
    client_ = net::FramedClient::connect(owner_.loop_, options, shared_from_this());
  }
  void disconnect() { client_.reset(); }
  // REQUIRES: nothing is under way.
  void begin() {
    if (const auto piece = owner_.take()) return start(*piece);
    owner_.idle({});
  }

  void on_connected(const net::SessionInfo&) override { owner_.idle({}); }
  void on_message(Bytes answer) override {
    auto next = (*owner_.conversation_)(piece_, answer);
    if (!next) return owner_.idle(std::unexpected(next.error()));
    if (*next) return client_->send(**std::move(next));
    owner_.latencies_.at(piece_) = std::chrono::duration<double, std::milli>(Clock::now() - begun_).count();
    begin();
  }
  void on_closed(const Error& reason) override { owner_.idle(std::unexpected(reason)); }

 private:
  void start(unsigned piece) {
    piece_ = piece;
    begun_ = Clock::now();
    auto first = (*owner_.conversation_)(piece, {});
    if (!first || !*first) {
      return owner_.idle(first ? fail(ErrorCode::kInternal, "a conversation without a message")
                               : std::unexpected(first.error()));
    }
    client_->send(**std::move(first));
  }

  KmipClient& owner_;
  std::unique_ptr<net::FramedClient> client_;
  unsigned piece_ = 0;
  Clock::time_point begun_;
};

KmipClient::KmipClient(std::uint16_t port, const net::TlsContext& tls, unsigned connections) {
  net::FramedClientOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  options.tls = tls;
  options.connect_deadline = std::chrono::seconds(30);
  waiting_for_ = connections;
  for (unsigned i = 0; i < connections; ++i) {
    talkers_.push_back(std::make_shared<Talker>(*this));
    talkers_.back()->connect(options);
  }
  wait_for_all("to connect");
}

KmipClient::~KmipClient() {
  for (const auto& talker : talkers_) talker->disconnect();
}

std::optional<unsigned> KmipClient::take() {
  const std::lock_guard lock(mutex_);
  if (taken_ == pieces_ || failure_) return std::nullopt;
  return taken_++;
}

void KmipClient::idle(const Status& status) {
  const std::lock_guard lock(mutex_);
  if (!status && !failure_) failure_ = status.error();
  if (waiting_for_ > 0) --waiting_for_;
  changed_.notify_all();
}

void KmipClient::wait_for_all(const char* what) {
  std::unique_lock lock(mutex_);
  const bool all = changed_.wait_for(lock, kPatience, [&] { return waiting_for_ == 0 || failure_; });
  if (failure_) throw std::runtime_error("a KMIP client: " + failure_->text());
  if (!all) throw std::runtime_error(std::string("a KMIP client waited in vain ") + what);
}

double KmipClient::play(unsigned pieces, const Conversation& conversation) {
  conversation_ = &conversation;
  latencies_.assign(pieces, 0);
  {
    const std::lock_guard lock(mutex_);
    pieces_ = pieces;
    taken_ = 0;
    waiting_for_ = static_cast<unsigned>(talkers_.size());
  }
  const auto begun = Clock::now();
  for (const auto& talker : talkers_) talker->begin();
  wait_for_all("for answers");
  return pieces / std::chrono::duration<double>(Clock::now() - begun).count();
}

}  // namespace tapewarden::bench
