// Internal to net/. One thread of a Loop with its event queue, and what the connections on it share.
//
// Invariants
//  1. A connection belongs to one shard; its state is touched on that shard's thread only.
//  2. connections_ holds every connection from attach() until its on_closed() has returned.
//  3. At most one handshake step runs between two turns of the event queue, so that a flood of new clients
//     delays an answer to an established one by one step, not by all of them.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_set>

#include "base/bytes.h"
#include "base/thread_annotations.h"
#include "net/loop.h"

namespace boost::asio {
class io_context;
}

namespace tapewarden::net {

class Connection;

class Shard {
 public:
  Shard();
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Any thread. Tasks posted after stop() are dropped.
  void post(std::function<void()> task);
  bool on_thread() const;
  // Closes all connections, waits for their last callbacks, ends the thread.
  void stop();

  // On the shard's thread.
  boost::asio::io_context& context() { return *context_; }
  void attach(const std::shared_ptr<Connection>& connection);
  void detach(const std::shared_ptr<Connection>& connection);
  void queue_handshake(std::shared_ptr<Connection> connection);
  // Room for one TLS record's plaintext, used within one callback.
  MutableByteView scratch() { return scratch_; }

  // Any thread: connections on this shard, for spreading the load.
  std::size_t load() const { return load_.load(std::memory_order_relaxed); }
  void add_load() { load_.fetch_add(1, std::memory_order_relaxed); }
  void drop_load() { load_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  struct Work;  // keeps the event queue running
  void run_handshake_step();
  void close_all();

  std::unique_ptr<boost::asio::io_context> context_;
  std::unique_ptr<Work> work_;
  Bytes scratch_;
  std::deque<std::shared_ptr<Connection>> handshakes_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::atomic<std::size_t> load_{0};
  bool stopping_ = false;  // on the shard's thread
  Mutex mutex_;
  bool stopped_ TW_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

struct Loop::State {
  std::vector<std::shared_ptr<Shard>> shards;
};

struct LoopAccess {
  static std::vector<std::shared_ptr<Shard>>& shards(Loop& loop) { return loop.state_->shards; }
  // The one with the fewest connections.
  static std::shared_ptr<Shard> lightest(Loop& loop);
};

}  // namespace tapewarden::net
