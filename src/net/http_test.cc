#include "net/http.h"

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <mutex>

#include "net/client.h"
#include "net/http_codec.h"
#include "net/http_target.h"
#include "net/testing/poll.h"
#include "net/testing/test_site.h"

namespace tapewarden::net {
namespace {

using std::chrono::milliseconds;
using testing::eventually;
using testing::kPatience;
using testing::TestSite;

// Speaks bytes over TLS, for requests that no decent client would send. Collects whatever comes.
class ByteClient {
 public:
  ByteClient(Loop& loop, const TlsContext& tls, std::uint16_t port) : sink_(std::make_shared<Sink>()) {
    FramedClientOptions options;
    options.host = "127.0.0.1";
    options.port = port;
    options.tls = tls;
    // Takes the stream apart into pieces of 8 bytes, the least that the cutter hands out.
    options.framer = [](ByteView) -> Result<std::size_t> { return kFrameHeader; };
    client_ = FramedClient::connect(loop, std::move(options), sink_);
  }
  void send(std::string_view text) { client_->send(to_bytes(text)); }
  bool closed() {
    return eventually([&] { return sink_->closed.load(); });
  }
  // Up to seven bytes of the end may be missing.
  bool gets(std::string_view text) {
    return eventually([&] {
      const std::scoped_lock lock(sink_->mutex);
      return sink_->text.find(text) != std::string::npos;
    });
  }
  std::string text() {
    const std::scoped_lock lock(sink_->mutex);
    return sink_->text;
  }

 private:
  struct Sink final : ClientHandler {
    void on_connected(const SessionInfo&) override {}
    void on_message(Bytes bytes) override {
      const std::scoped_lock lock(mutex);
      text += as_text(bytes);
    }
    void on_closed(const Error&) override { closed = true; }
    std::mutex mutex;
    std::string text;
    std::atomic<bool> closed{false};
  };
  std::shared_ptr<Sink> sink_;
  std::unique_ptr<FramedClient> client_;
};

class Http : public ::testing::Test {
 protected:
  void start() {
    auto config = site.server_config();
    config.minimum = TlsVersion::k12;
    config.client_certificates = ClientCertificates::kOptional;
    options.tls = *TlsContext::server(config);
    auto started = HttpServer::start(loop, options, [this](HttpRequest request, HttpCompletion completion) {
      ++requests;
      handle(std::move(request), std::move(completion));
    });
    ASSERT_TRUE(started.has_value()) << started.error().text();
    server = *std::move(started);
    HttpClientOptions how;
    how.host = "127.0.0.1";
    how.port = server->port();
    how.tls = tls;
    client_options = how;
    client = std::make_unique<HttpClient>(loop, how);
  }
  void handle(HttpRequest request, HttpCompletion completion) {
    HttpResponse response;
    if (request.path == "/hold") {
      const std::scoped_lock lock(mutex);
      held.push_back(std::move(completion));
      return;
    }
    if (request.path == "/forget") return;
    if (request.path == "/who") {
      response.body = to_bytes(request.session->peer.common_name);
    } else if (request.path == "/missing") {
      response.status = 404;
    } else if (request.path == "/evil") {
      response.headers.add("X-Bad", "a\r\nX-Injected: b");
    } else if (request.path == "/nothing") {
      response.status = 204;
    } else {
      response.headers.add("Content-Type", "text/plain");
      response.headers.add("X-Method", request.method);
      response.headers.add("X-Q", std::string(request.parameter("q")));
      response.body = request.body.empty() ? to_bytes(request.path) : std::move(request.body);
    }
    completion(std::move(response));
  }
  Result<HttpResponse> get(const std::string& target) {
    return client->request({"GET", target, {}, {}}, kPatience);
  }
  std::size_t held_count() {
    const std::scoped_lock lock(mutex);
    return held.size();
  }

  TestSite site;
  TlsContext tls = site.client("alice");
  Loop loop{2};
  HttpServerOptions options;
  HttpClientOptions client_options;
  std::atomic<int> requests{0};
  std::mutex mutex;
  std::vector<HttpCompletion> held;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<HttpClient> client;
};

TEST_F(Http, GetsAndPosts) {
  start();
  const auto got = get("/a%20path?q=x+y%21&r");
  ASSERT_TRUE(got.has_value()) << got.error().text();
  EXPECT_EQ(got->status, 200U);
  EXPECT_EQ(as_text(got->body), "/a path");
  EXPECT_EQ(got->headers.get("x-q"), "x y!");
  EXPECT_EQ(got->headers.get("content-type"), "text/plain");
  EXPECT_TRUE(got->headers.has("date"));
  for (const std::size_t size : {1U, 1000U, 100'000U, 4'000'000U}) {
    const Bytes body(size, 'b');
    const auto posted = client->request({"POST", "/echo", {}, body}, kPatience);
    ASSERT_TRUE(posted.has_value()) << posted.error().text();
    EXPECT_EQ(posted->body, body);
    EXPECT_EQ(posted->headers.get("x-method"), "POST");
  }
  EXPECT_EQ(as_text(get("/who")->body), "alice");
  EXPECT_EQ(get("/missing")->status, 404U);
  EXPECT_EQ(get("/nothing")->status, 204U);
  EXPECT_EQ(server->stats().handshakes_done, 1U);  // one connection served them all
}

TEST_F(Http, HeadHasNoBody) {
  start();
  const auto head = client->request({"HEAD", "/abc", {}, {}}, kPatience);
  ASSERT_TRUE(head.has_value()) << head.error().text();
  EXPECT_TRUE(head->body.empty());
  EXPECT_EQ(head->headers.get("content-length"), "4");
  EXPECT_EQ(as_text(get("/abc")->body), "/abc");
  EXPECT_EQ(server->stats().handshakes_done, 1U);
}

TEST_F(Http, ClientWithoutCertificateIsServedAndKnown) {
  tls = site.anonymous_client();
  start();
  const auto got = get("/who");
  ASSERT_TRUE(got.has_value()) << got.error().text();
  EXPECT_TRUE(got->body.empty());
}

TEST_F(Http, ForgottenRequestGets500) {
  start();
  EXPECT_EQ(get("/forget")->status, 500U);
}

TEST_F(Http, ControlBytesInHeadersAreNotSent) {
  start();
  const auto got = get("/evil");
  ASSERT_TRUE(got.has_value());
  EXPECT_FALSE(got->headers.has("x-bad"));
  EXPECT_FALSE(got->headers.has("x-injected"));
}

TEST_F(Http, BodyBeyondTheLimitGets413) {
  options.http.body_bytes = 1000;
  start();
  const auto posted = client->request({"POST", "/echo", {}, Bytes(1001, 'x')}, kPatience);
  ASSERT_TRUE(posted.has_value()) << posted.error().text();
  EXPECT_EQ(posted->status, 413U);
  EXPECT_EQ(requests, 0);
  EXPECT_EQ(client->request({"POST", "/echo", {}, Bytes(1000, 'x')}, kPatience)->status, 200U);
}

TEST_F(Http, ChunkedBodyBeyondTheLimitGets413) {
  options.http.body_bytes = 10;
  start();
  ByteClient raw(loop, tls, server->port());
  raw.send(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n14\r\n01234567890123456789\r\n0\r\n\r\n");
  EXPECT_TRUE(raw.gets("HTTP/1.1 413"));
  EXPECT_TRUE(raw.closed());
  EXPECT_EQ(requests, 0);
}

TEST_F(Http, BodyBeyondTheLimitOfStrangersGets413) {
  options.http.anonymous_body_bytes = 1000;
  start();
  EXPECT_EQ(client->request({"POST", "/echo", {}, Bytes(1001, 'x')}, kPatience)->status, 200U);
  client_options.tls = site.anonymous_client();
  HttpClient stranger(loop, client_options);
  EXPECT_EQ(stranger.request({"POST", "/echo", {}, Bytes(1001, 'x')}, kPatience)->status, 413U);
  EXPECT_EQ(stranger.request({"POST", "/echo", {}, Bytes(1000, 'x')}, kPatience)->status, 200U);
}

// Anybody may connect: what strangers leave half sent must not take the server's memory.
TEST_F(Http, UnfinishedBodiesOfStrangersAreBoundedTogether) {
  options.http.anonymous_total_bytes = 150'000;
  options.http.small_bytes = 1000;
  start();
  const std::string part =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + std::string(100'000, 'x');
  auto first = std::make_unique<ByteClient>(loop, site.anonymous_client(), server->port());
  first->send(part);
  auto second = std::make_unique<ByteClient>(loop, site.anonymous_client(), server->port());
  second->send(part);
  // Which of the two comes too late is not said.
  EXPECT_TRUE(eventually([&] {
    return first->text().find("HTTP/1.1 503") != std::string::npos ||
           second->text().find("HTTP/1.1 503") != std::string::npos;
  }));
  client_options.tls = site.anonymous_client();
  HttpClient small(loop, client_options);
  EXPECT_EQ(small.request({"POST", "/echo", {}, Bytes(900, 'x')}, kPatience)->status, 200U);
  EXPECT_EQ(client->request({"POST", "/echo", {}, Bytes(200'000, 'x')}, kPatience)->status, 200U);
  // What ended counts no more.
  first.reset();
  second.reset();
  EXPECT_TRUE(eventually([&] {
    const auto large = small.request({"POST", "/echo", {}, Bytes(140'000, 'x')}, kPatience);
    return large && large->status == 200U;
  }));
}

TEST_F(Http, HeaderBeyondTheLimitGets431) {
  start();
  HttpCall call;
  call.headers.add("X-Long", std::string(options.http.header_bytes, 'x'));
  const auto got = client->request(call, kPatience);
  ASSERT_TRUE(got.has_value()) << got.error().text();
  EXPECT_EQ(got->status, 431U);
}

TEST_F(Http, TargetBeyondTheLimitGets414) {
  start();
  EXPECT_EQ(get("/" + std::string(options.http.target_bytes, 'x'))->status, 414U);
}

TEST_F(Http, BadRequestsGet400AndTheEnd) {
  start();
  for (const std::string_view bad :
       {"GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", "GET /.. HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a/%2e%2e/b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    ByteClient raw(loop, tls, server->port());
    raw.send(bad);
    EXPECT_TRUE(raw.gets("HTTP/1.1 400")) << bad << raw.text();
    EXPECT_TRUE(raw.closed()) << bad;
  }
  EXPECT_EQ(requests, 0);
  EXPECT_EQ(get("/still-alive")->status, 200U);
}

TEST_F(Http, PipelinedRequestsAreAnsweredInOrder) {
  start();
  ByteClient raw(loop, tls, server->port());
  raw.send(
      "GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /third HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return held_count() == 1; }));
  EXPECT_EQ(requests, 2);
  held.front()({200, {}, to_bytes("/second")});
  EXPECT_TRUE(raw.closed());
  const auto text = raw.text();
  EXPECT_LT(text.find("/first"), text.find("/second"));
  EXPECT_LT(text.find("/second"), text.find("Connection: close"));
}

TEST_F(Http, BytesInTinyPiecesMakeARequest) {
  start();
  ByteClient raw(loop, tls, server->port());
  for (const char c : std::string_view("GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    raw.send(std::string_view(&c, 1));
  EXPECT_TRUE(raw.gets("HTTP/1.1 200"));
  EXPECT_TRUE(raw.closed());
}

TEST_F(Http, ExpectContinueIsAnswered) {
  start();
  ByteClient raw(loop, tls, server->port());
  raw.send(
      "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\nExpect: 100-continue\r\nConnection: "
      "close\r\n\r\n");
  ASSERT_TRUE(raw.gets("HTTP/1.1 100"));
  raw.send("12345678");
  EXPECT_TRUE(raw.gets("HTTP/1.1 200"));
}

TEST_F(Http, Http10ConnectionsEndAfterTheAnswer) {
  start();
  ByteClient raw(loop, tls, server->port());
  raw.send("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(raw.closed());
  EXPECT_TRUE(raw.gets("HTTP/1.1 200"));
}

TEST_F(Http, SlowRequestIsTimedOut) {
  options.limits.message_timeout = milliseconds{50};
  start();
  ByteClient raw(loop, tls, server->port());
  raw.send("GET /x HTTP/1.1\r\nHost:");
  EXPECT_TRUE(raw.closed());
  EXPECT_TRUE(eventually([&] { return server->stats().closed_slow == 1; }));
}

TEST_F(Http, IdleConnectionEndsAndTheClientMakesAnother) {
  options.limits.idle_timeout = milliseconds{50};
  start();
  ASSERT_TRUE(get("/a").has_value());
  ASSERT_TRUE(eventually([&] { return server->stats().sessions_now == 0; }));
  EXPECT_TRUE(get("/b").has_value());
  EXPECT_EQ(server->stats().handshakes_done, 2U);
}

TEST_F(Http, DeadlineOfARequestHolds) {
  start();
  const auto late = client->request({"GET", "/hold", {}, {}}, milliseconds{100});
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(get("/next").has_value());
}

TEST_F(Http, ManyRequestsAtOnce) {
  start();
  constexpr int kRequests = 40;
  std::vector<std::promise<Result<HttpResponse>>> answers(kRequests);
  for (int i = 0; i < kRequests; ++i) {
    HttpCall call;
    call.target = "/n" + std::to_string(i);
    client->request_async(std::move(call), kPatience, [&answers, i](Result<HttpResponse> result) {
      answers[static_cast<std::size_t>(i)].set_value(std::move(result));
    });
  }
  for (int i = 0; i < kRequests; ++i) {
    const auto result = answers[static_cast<std::size_t>(i)].get_future().get();
    ASSERT_TRUE(result.has_value()) << result.error().text();
    EXPECT_EQ(as_text(result->body), "/n" + std::to_string(i));
  }
}

TEST_F(Http, ServerThatVanishesIsAnError) {
  start();
  ASSERT_TRUE(get("/a").has_value());
  server.reset();
  const auto gone = get("/b");
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code, ErrorCode::kUnavailable);
}

TEST_F(Http, ClosingTheClientEndsItsRequests) {
  start();
  std::promise<Result<HttpResponse>> answer;
  HttpCall call;
  call.target = "/hold";
  client->request_async(std::move(call), kPatience,
                        [&](Result<HttpResponse> result) { answer.set_value(std::move(result)); });
  ASSERT_TRUE(eventually([&] { return held_count() == 1; }));
  client.reset();
  const auto result = answer.get_future().get();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
}

TEST_F(Http, StopLetsTheRequestUnderWayFinish) {
  start();
  std::promise<Result<HttpResponse>> answer;
  HttpCall call;
  call.target = "/hold";
  client->request_async(std::move(call), kPatience,
                        [&](Result<HttpResponse> result) { answer.set_value(std::move(result)); });
  ASSERT_TRUE(eventually([&] { return held_count() == 1; }));
  std::atomic<bool> clean{false};
  std::thread stopper([&] { clean = server->stop(kPatience); });
  held.front()({200, {}, to_bytes("done")});
  const auto result = answer.get_future().get();
  stopper.join();
  EXPECT_TRUE(clean);
  ASSERT_TRUE(result.has_value()) << result.error().text();
  EXPECT_EQ(as_text(result->body), "done");
}

TEST_F(Http, WrongAuthorityIsRefusedByTheClient) {
  TestSite other;
  tls = other.client();
  start();
  const auto got = get("/");
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, ErrorCode::kUnauthenticated);
}

TEST(HttpTarget, DecodesPathAndQuery) {
  const auto target = parse_target("/a%2Fb/c%25?x=1&y=a%26b&&z&x=2");
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->path, "/a/b/c%");
  const std::vector<std::pair<std::string, std::string>> query{
      {"x", "1"}, {"y", "a&b"}, {"z", ""}, {"x", "2"}};
  EXPECT_EQ(target->query, query);
}

TEST(HttpTarget, RefusesWhatCouldMislead) {
  for (const std::string_view bad : {"", "a", "*", "http://h/", "/%", "/%4", "/%g0", "/a/../b", "/.",
                                     "/%2E%2e/x", "/a%0Ab", "/\x7F", "/?a=%"})
    EXPECT_FALSE(parse_target(bad).has_value()) << bad;
}

TEST(HttpCodec, ResponseToTheEndOfTheStream) {
  HttpReader reader(HttpReader::Kind::kResponses, {});
  reader.append(as_bytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsome text"));
  EXPECT_FALSE(*reader.parse());
  EXPECT_TRUE(reader.end_of_input());
  EXPECT_EQ(as_text(reader.take_response().body), "some text");
}

TEST(HttpCodec, CutResponseIsNotWhole) {
  HttpReader reader(HttpReader::Kind::kResponses, {});
  reader.append(as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome"));
  EXPECT_FALSE(*reader.parse());
  EXPECT_FALSE(reader.end_of_input());
}

}  // namespace
}  // namespace tapewarden::net
