#include "apps/peer_channel.h"

namespace tapewarden::apps {

namespace {

// Longer than a group commit ever takes on a healthy disk; a peer that is slower counts as out of step.
constexpr std::chrono::milliseconds kPeerDeadline{2000};

net::HttpResponse refuse(unsigned status, const std::string& text) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("content-type", "text/plain");
  response.body = to_bytes(text);
  return response;
}

net::HttpResponse answer(Result<Bytes> body) {
  if (!body) return refuse(body.error().code == ErrorCode::kConflict ? 409 : 400, body.error().text());
  net::HttpResponse response;
  response.headers.add("content-type", "application/octet-stream");
  response.body = std::move(*body);
  return response;
}

}  // namespace

HttpPeerLink::HttpPeerLink(net::Loop& loop, const std::string& host, std::uint16_t port, net::TlsContext tls,
                           std::shared_ptr<net::Resolver> resolver)
    : client_(loop, [&] {
        net::HttpClientOptions options;
        options.host = host;
        options.port = port;
        options.tls = std::move(tls);
        options.resolver = std::move(resolver);
        return options;
      }()) {}

Result<Bytes> HttpPeerLink::post(std::string_view path, ByteView body) {
  net::HttpCall call;
  call.method = "POST";
  call.target = std::string(kPeerPath) + std::string(path);
  call.headers.add("content-type", "application/octet-stream");
  call.body = to_bytes(body);
  auto response = TRY(client_.request(std::move(call), kPeerDeadline));
  if (response.status != 200) {
    return fail(response.status == 409 ? ErrorCode::kConflict : ErrorCode::kUnavailable,
                "the peer refused: " + std::string(as_text(response.body)));
  }
  return std::move(response.body);
}

namespace {

// The calls between the two servers, by the path below kPeerPath.
struct PeerCalls {
  PeerServices services;

  static bool known(std::string_view path) {
    return path == "hello" || path == "changes" || path == "checkpoint" || path == "checkpoints" ||
           path == "compare" || path == "compared";
  }
  void run(std::string_view path, Bytes body, const net::HttpCompletion& completion) const {
    const auto done = [completion](Result<Bytes> result) { completion(answer(std::move(result))); };
    if (path == "hello") return done(services.replicator.handle_hello(body));
    if (path == "changes") return services.replicator.handle_changes(std::move(body), done);
    if (path == "compare") return done(services.comparer.handle_question(body));
    if (path == "compared") return services.comparer.handle_report(body, done);
    if (path == "checkpoint") return services.checkpoints.take(body, done);
    done(services.checkpoints.give());
  }
};

}  // namespace

void serve_peer(Env env, const PeerServices& services, const std::string& peer_name, net::HttpRequest request,
                net::HttpCompletion completion) {
  const net::PeerInfo& caller = request.session->peer;
  if (caller.organizational_unit != kServerUnit || caller.common_name != peer_name) {
    return completion(refuse(403, "only the configured peer may call this"));
  }
  const std::string path = request.path.substr(kPeerPath.size());
  if (request.method != "POST" || !PeerCalls::known(path)) {
    return completion(refuse(404, "no such call between servers"));
  }
  const auto body = std::make_shared<Bytes>(std::move(request.body));
  env.executor->post([calls = PeerCalls{services}, path, body, completion = std::move(completion)] {
    calls.run(path, std::move(*body), completion);
  });
}

}  // namespace tapewarden::apps
