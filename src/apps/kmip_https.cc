#include "apps/kmip_https.h"

#include "apps/kmip_listener.h"
#include "base/concat.h"
#include "kmip/encoding/media.h"
#include "kmip/protocol.h"

namespace tapewarden::apps {
namespace {

namespace encoding = kmip::encoding;

constexpr std::string_view kPath = "/kmip";
// How much longer than TTLV text may be: names for tags, two digits for a byte.
constexpr std::size_t kTextFactor = 8;
constexpr std::size_t kMostTextBytes = 128U << 20;

enum HttpStatus : unsigned {
  kOk = 200,
  kNotFound = 404,
  kMethodNotAllowed = 405,
  kUnsupportedMedia = 415,
  kBroken = 500
};

net::HttpResponse plain(unsigned status, std::string_view text) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("content-type", "text/plain; charset=utf-8");
  response.body = to_bytes(concat(text, "\n"));
  return response;
}

net::HttpResponse answered(encoding::Media media, Bytes ttlv) {
  auto body = encoding::from_ttlv(media, ttlv);
  crypto::wipe(ttlv);
  if (!body) return plain(kBroken, "the answer could not be encoded");
  net::HttpResponse response;
  response.status = kOk;
  response.headers.add("content-type", std::string(encoding::content_type(media)));
  response.headers.add("cache-control", "no-store");
  response.body = std::move(*body);
  return response;
}

// Why this is no KMIP message at all, before its body is looked at.
std::optional<net::HttpResponse> refusal(const net::HttpRequest& request) {
  if (request.path != kPath) return plain(kNotFound, "KMIP messages go to /kmip");
  if (request.method != "POST") {
    auto response = plain(kMethodNotAllowed, "a KMIP message is sent by POST");
    response.headers.add("allow", "POST");
    return response;
  }
  if (!encoding::media_of(request.headers.get("content-type"))) {
    return plain(kUnsupportedMedia,
                 "Content-Type must be application/octet-stream, text/xml or application/json");
  }
  return std::nullopt;
}

class KmipOverHttp {
 public:
  KmipOverHttp(Env env, kmip::Engine& engine, std::size_t message_bytes) : env_(env), engine_(engine) {
    limits_.bytes = message_bytes;
  }

  // Text is read and written on the thread that carries the message out, not on the loop's.
  void operator()(net::HttpRequest request, net::HttpCompletion completion) const {
    if (auto refused = refusal(request)) return completion(std::move(*refused));
    const auto held = std::make_shared<net::HttpRequest>(std::move(request));
    env_.executor->post([*this, held, completion = std::move(completion), coming = engine_.announce()] {
      carry_out(*held, completion);
    });
  }

 private:
  void carry_out(net::HttpRequest& request, const net::HttpCompletion& completion) const {
    const auto media = *encoding::media_of(request.headers.get("content-type"));
    auto message = encoding::to_ttlv(media, request.body, limits_);
    crypto::wipe(request.body);
    if (!message) {
      const auto refused = kmip::refuse(kmip::ResultReason::kInvalidMessage, message.error().text());
      return completion(answered(media, engine_.refuse(refused.error())));
    }
    engine_.handle(std::move(*message), kmip_peer(*request.session),
                   [media, completion](Bytes answer) { completion(answered(media, std::move(answer))); });
  }

  Env env_;
  kmip::Engine& engine_;
  ttlv::Limits limits_;
};

}  // namespace

Result<std::unique_ptr<net::HttpServer>> listen_kmip_https(net::Loop& loop, Env env, const KmipConfig& config,
                                                           net::TlsContext tls, kmip::Engine& engine,
                                                           net::RefusalObserver refused) {
  net::HttpServerOptions options;
  options.listen = {config.listen.address, *config.https_port};
  options.tls = std::move(tls);
  options.limits = kmip_limits(config);
  options.http.body_bytes = std::min(kTextFactor * config.message_bytes, kMostTextBytes);
  options.on_refused = std::move(refused);
  return net::HttpServer::start(loop, std::move(options), KmipOverHttp(env, engine, config.message_bytes));
}

}  // namespace tapewarden::apps
