#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/loop.h"
#include "net/stream_server.h"
#include "net/testing/plain_client.h"
#include "net/testing/poll.h"

namespace tapewarden::net {
namespace {

using testing::eventually;
using testing::PlainClient;

struct Seen {
  std::atomic<int> opened = 0;
  std::atomic<int> written = 0;
  std::atomic<int> deadlines = 0;
  std::atomic<int> closed = 0;
  std::atomic<int> refused = 0;
};

// Reads a length byte, then that many bytes, and sends them back as three pieces. Length 0 closes after a
// farewell, 255 aborts, 254 sets a deadline, 253 sends a long answer and asks to be told when it is gone.
class Echo final : public StreamHandler {
 public:
  Echo(std::shared_ptr<Stream> stream, Seen& seen) : stream_(std::move(stream)), seen_(seen) {}
  void on_open() override {
    ++seen_.opened;
    stream_->read(length_);
  }
  void on_read() override {
    if (reading_length_) return command(length_[0]);
    StreamPiece piece;
    piece.head = Bytes(content_.begin(), content_.begin() + 1);
    const auto kept = std::make_shared<const Bytes>(content_.begin() + 1, content_.end());
    piece.body = *kept;
    piece.keep = kept;
    piece.tail = {'.'};
    stream_->send(std::move(piece));
    next();
  }
  void on_written() override { ++seen_.written; }
  void on_deadline() override {
    ++seen_.deadlines;
    stream_->close({ErrorCode::kTimeout, "time is up", "", ""});
  }
  void on_closed(const Error&) override { ++seen_.closed; }

 private:
  void next() {
    reading_length_ = true;
    stream_->read(length_);
  }
  void command(std::uint8_t length) {
    if (length == 0) {
      stream_->send({.head = to_bytes("bye")});
      return stream_->close({ErrorCode::kUnavailable, "asked to", "", ""});
    }
    if (length == 255) return stream_->abort({ErrorCode::kUnavailable, "asked to", "", ""});
    if (length == 254)
      stream_->set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds{20});
    if (length == 253) {
      stream_->send({.head = Bytes(std::size_t{16} << 20, 'x')});
      stream_->notify_below(0);
    }
    if (length >= 253) return next();
    reading_length_ = false;
    content_.resize(length);
    stream_->read(content_);
  }

  std::shared_ptr<Stream> stream_;
  Seen& seen_;
  bool reading_length_ = true;
  Bytes length_ = Bytes(1);
  Bytes content_;
};

class StreamTest : public ::testing::Test {
 protected:
  void start(unsigned max_streams = 100, std::chrono::milliseconds write_timeout = std::chrono::seconds{30}) {
    StreamServerOptions options;
    options.max_streams = max_streams;
    options.write_timeout = write_timeout;
    options.on_refused = [this](const std::string&, const Error&) { ++seen_.refused; };
    auto server = StreamServer::start(
        loop_, std::move(options),
        [this](const std::shared_ptr<Stream>& stream) { return std::make_shared<Echo>(stream, seen_); });
    ASSERT_TRUE(server.has_value()) << server.error().text();
    server_ = std::move(*server);
  }
  static std::string read(PlainClient& client, std::size_t count) {
    Bytes bytes(count);
    return client.read(bytes) ? std::string(as_text(bytes)) : "nothing";
  }

  Seen seen_;
  Loop loop_{2};
  std::unique_ptr<StreamServer> server_;
};

TEST_F(StreamTest, L1_ReadsAreExactAndPiecesLeaveInOrder) {
  start();
  PlainClient client(server_->port());
  ASSERT_TRUE(client.write(as_bytes("\x05hello\x03you\x02")));
  EXPECT_EQ(read(client, 10), "hello.you.");
  ASSERT_TRUE(client.write(as_bytes("me")));
  EXPECT_EQ(read(client, 3), "me.");
  client.close();
  EXPECT_TRUE(eventually([&] { return seen_.closed == 1; }));
}

TEST_F(StreamTest, L1_CloseSendsWhatWasQueuedAndAbortDoesNotWait) {
  start();
  PlainClient client(server_->port());
  ASSERT_TRUE(client.write(as_bytes(std::string_view("\x01z\0more than is read", 21))));
  EXPECT_EQ(read(client, 5), "z.bye");
  EXPECT_TRUE(client.ended());
  client.close();
  EXPECT_TRUE(eventually([&] { return seen_.closed == 1; }));
  PlainClient other(server_->port());
  ASSERT_TRUE(other.write(as_bytes("\xff")));
  EXPECT_TRUE(other.ended());
  EXPECT_TRUE(eventually([&] { return seen_.closed == 2; }));
}

TEST_F(StreamTest, L1_DeadlinesCome) {
  start();
  PlainClient client(server_->port());
  ASSERT_TRUE(client.write(as_bytes("\xfe")));
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(seen_.deadlines, 1);
}

TEST_F(StreamTest, L1_ALongAnswerIsToldWhenItIsGone) {
  start();
  PlainClient client(server_->port());
  ASSERT_TRUE(client.write(as_bytes("\xfd")));
  EXPECT_EQ(read(client, std::size_t{16} << 20).size(), std::size_t{16} << 20);
  EXPECT_TRUE(eventually([&] { return seen_.written == 1; }));
}

TEST_F(StreamTest, L1_WhoTakesNothingIsCut) {
  start(100, std::chrono::milliseconds{50});
  PlainClient client(server_->port());
  ASSERT_TRUE(client.write(as_bytes("\xfd")));
  EXPECT_TRUE(eventually([&] { return seen_.closed == 1; }));
  EXPECT_EQ(seen_.written, 0);
}

TEST_F(StreamTest, L1_NoMoreStreamsThanAllowed) {
  start(1);
  PlainClient first(server_->port());
  ASSERT_TRUE(eventually([&] { return seen_.opened == 1; }));
  PlainClient second(server_->port());
  EXPECT_TRUE(second.ended());
  EXPECT_EQ(seen_.refused, 1);
  ASSERT_TRUE(first.write(as_bytes("\x01k")));
  EXPECT_EQ(read(first, 2), "k.");
}

TEST_F(StreamTest, L1_CuttingEndsEveryStream) {
  start();
  PlainClient first(server_->port());
  PlainClient second(server_->port());
  ASSERT_TRUE(eventually([&] { return seen_.opened == 2; }));
  server_->close_listener();
  EXPECT_FALSE(server_->wait_until_empty(std::chrono::milliseconds{10}));
  server_->cut();
  EXPECT_EQ(seen_.closed, 2);
  EXPECT_TRUE(first.ended() && second.ended());
  EXPECT_TRUE(server_->wait_until_empty(std::chrono::milliseconds{0}));
  EXPECT_FALSE(PlainClient(server_->port()).connected());
}

}  // namespace
}  // namespace tapewarden::net
