// A KMIP client that keeps so many mTLS connections busy, one request at a time on each, as libraries do: the
// same one for our server, for PyKMIP's and for the echo. One thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "net/client.h"
#include "net/tls.h"

namespace tapewarden::bench {

class KmipClient {
 public:
  // Connects all; throws when one cannot be.
  KmipClient(std::uint16_t port, const net::TlsContext& tls, unsigned connections);
  ~KmipClient();
  KmipClient(const KmipClient&) = delete;
  KmipClient& operator=(const KmipClient&) = delete;

  // Piece `piece` of the work, of which `answer` is the last answer: the next message; nothing: it is done.
  // First asked with an empty answer. Two threads may ask at once, of different pieces.
  using Conversation = std::function<Result<std::optional<Bytes>>(unsigned piece, ByteView answer)>;
  // Has so many pieces of work done, spread over the connections, and gives pieces a second. Throws the first
  // failure.
  double play(unsigned pieces, const Conversation& conversation);
  // Milliseconds of each piece of the last play().
  const std::vector<double>& latencies() const { return latencies_; }

 private:
  class Talker;
  void ready();
  void idle(const Status& status);
  void wait_for_all(const char* what);
  // The next piece; nothing when there is none left.
  std::optional<unsigned> take();

  std::vector<std::shared_ptr<Talker>> talkers_;
  const Conversation* conversation_ = nullptr;
  unsigned pieces_ = 0;
  unsigned taken_ = 0;
  std::vector<double> latencies_;
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned waiting_for_ = 0;
  std::optional<Error> failure_;
  net::Loop loop_{1};  // ends first: its last calls use the others
};

}  // namespace tapewarden::bench
