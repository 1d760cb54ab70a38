#include "net/shard.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/assert.h"
#include "net/connection.h"

namespace tapewarden::net {

namespace {

constexpr std::size_t kScratchBytes = 16U << 10;  // the plaintext of one TLS record (RFC 8446 section 5.1)
constexpr int kOneThread = 1;                     // Asio's hint that no second thread runs the queue

thread_local const Shard* current_shard = nullptr;

}  // namespace

struct Shard::Work {
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard;
};

Shard::Shard()
    : context_(std::make_unique<boost::asio::io_context>(kOneThread)),
      work_(std::make_unique<Work>(Work{boost::asio::make_work_guard(*context_)})),
      scratch_(kScratchBytes) {
  // An exception here is a defect or exhausted memory: it ends the program rather than run on half done.
  thread_ = std::thread([this]() noexcept {
    current_shard = this;
    context_->run();
  });
}

Shard::~Shard() {
  TW_ASSERT(!thread_.joinable());
}

void Shard::post(std::function<void()> task) {
  const MutexLock lock(mutex_);
  if (stopped_) return;
  boost::asio::post(*context_, std::move(task));
}

bool Shard::on_thread() const {
  return current_shard == this;
}

void Shard::attach(const std::shared_ptr<Connection>& connection) {
  connections_.insert(connection);
  if (stopping_)
    connection->finish(
        {CloseCause::kDropped, TlsFailure::kNone, {ErrorCode::kUnavailable, "stopping", "", ""}});
}

void Shard::detach(const std::shared_ptr<Connection>& connection) {
  connections_.erase(connection);
  if (stopping_ && connections_.empty()) context_->stop();
}

void Shard::queue_handshake(std::shared_ptr<Connection> connection) {
  handshakes_.push_back(std::move(connection));
  if (handshakes_.size() == 1) post([this] { run_handshake_step(); });
}

void Shard::run_handshake_step() {
  const auto connection = handshakes_.front();
  connection->handshake_step();
  handshakes_.pop_front();
  if (!handshakes_.empty()) post([this] { run_handshake_step(); });
}

void Shard::close_all() {
  stopping_ = true;
  if (connections_.empty()) context_->stop();
  const auto all = connections_;  // finish() changes the set later, on this thread
  for (const auto& connection : all)
    connection->finish(
        {CloseCause::kDropped, TlsFailure::kNone, {ErrorCode::kUnavailable, "stopping", "", ""}});
}

void Shard::stop() {
  TW_ASSERT(!on_thread());
  post([this] { close_all(); });
  thread_.join();
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
  }
  handshakes_.clear();
  work_.reset();
  context_.reset();  // and with it the tasks that will never run
}

Loop::Loop(unsigned threads) : state_(std::make_unique<State>()) {
  TW_ASSERT(threads >= 1 && threads <= kMaxLoopThreads);
  for (unsigned i = 0; i < threads; ++i) state_->shards.push_back(std::make_shared<Shard>());
}

Loop::~Loop() {
  for (const auto& shard : state_->shards) shard->stop();
}

unsigned Loop::threads() const {
  return static_cast<unsigned>(state_->shards.size());
}

bool Loop::on_loop_thread() const {
  return std::ranges::any_of(state_->shards, [](const auto& shard) { return shard->on_thread(); });
}

std::shared_ptr<Shard> LoopAccess::lightest(Loop& loop) {
  return *std::ranges::min_element(shards(loop), {}, [](const auto& shard) { return shard->load(); });
}

}  // namespace tapewarden::net
