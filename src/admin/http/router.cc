#include "admin/http/router.h"

#include <algorithm>

#include "admin/http/body.h"
#include "admin/http/consent.h"
#include "admin/http/error_answer.h"
#include "base/assert.h"
#include "base/text.h"

namespace tapewarden::admin {
namespace {

constexpr std::string_view kBearer = "Bearer ";

std::vector<std::string> segments_of(std::string_view path) {
  return split(path.starts_with('/') ? path.substr(1) : path, '/');
}

bool is_variable(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}

// One percent-decoded segment; empty when it is no valid encoding. Decoded after splitting, so that a name
// may hold a slash.
std::optional<std::string> decode_segment(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1 || byte->front() == 0) return std::nullopt;
    out += static_cast<char>(byte->front());
    i += 2;
  }
  return out;
}

const FieldSpec* find_field(const Route& route, FieldPlace place, std::string_view name) {
  for (const FieldSpec& field : route.fields) {
    if (field.place == place && field.name == name) return &field;
  }
  return nullptr;
}

Status read_path(const Route& route, std::span<const std::pair<std::string, std::string>> fields,
                 Arguments& into) {
  for (const auto& [name, text] : fields) {
    const FieldSpec plain{.name = name, .place = FieldPlace::kPath};
    const FieldSpec* field = find_field(route, FieldPlace::kPath, name);
    into.set(name, TRY(parse_argument(field != nullptr ? *field : plain, text)));
  }
  return {};
}

Status read_query(const Route& route, const net::HttpRequest& http, Arguments& into) {
  for (const auto& [name, text] : http.query) {
    const FieldSpec* field = find_field(route, FieldPlace::kQuery, name);
    if (field == nullptr) {
      return fail(ErrorCode::kInvalidArgument, "the request has no such parameter",
                  escape_unprintable(std::string_view(name).substr(0, kMaximumAnswerText)),
                  "see /v1/openapi.json");
    }
    auto value = TRY(parse_argument(*field, text));
    if (!into.has(name)) {
      into.set(name, std::move(value));
    } else if (field->type == FieldType::kTextList) {
      auto list = into.list(name);
      list.push_back(text);
      into.set(name, std::move(list));
    } else {
      return fail(ErrorCode::kInvalidArgument, "the parameter is given twice", name, "give it once");
    }
  }
  return {};
}

Status check_content_type(const net::HttpRequest& http) {
  if (http.body.empty()) return {};
  const std::string type = to_lower(trim(split(http.headers.get("content-type"), ';').front()));
  if (type == "application/json") return {};
  return fail(ErrorCode::kUnsupported, "the body is not declared as JSON", "content-type",
              "send Content-Type: application/json");
}

Status read_arguments(const Route& route, std::span<const std::pair<std::string, std::string>> path_fields,
                      net::HttpRequest& http, Arguments& into) {
  TRY(read_path(route, path_fields, into));
  TRY(read_query(route, http, into));
  TRY(read_body(http.body, route.fields, into));
  for (const FieldSpec& field : route.fields) {
    if (field.required && !into.has(field.name)) {
      return fail(ErrorCode::kInvalidArgument, "the field is missing", std::string(field.name),
                  "give " + std::string(field.meaning));
    }
  }
  return {};
}

net::HttpResponse to_response(Answer answer, std::string_view allowed) {
  net::HttpResponse response;
  response.status = answer.status;
  if (!answer.content_type.empty()) response.headers.add("Content-Type", answer.content_type);
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  if (answer.status == 401) response.headers.add("WWW-Authenticate", "Bearer");
  if (answer.status == 405) response.headers.add("Allow", std::string(allowed));
  response.body = std::move(answer.body);
  return response;
}

bool changes_something(const Route& route) {
  using enum people::Permission;
  return route.method != "GET" && route.permission && *route.permission != kOwnAccount &&
         *route.permission != kView && *route.permission != kViewAudit;
}

// A file that came with the request is damaged, and nothing of this server.
bool is_damage_sent(const Route& route, const Error& error) {
  if (error.code != ErrorCode::kCorrupt) return false;
  const FieldSpec* field = find_field(route, FieldPlace::kBody, error.field);
  return field != nullptr && field->type == FieldType::kFile;
}

// What a request was, for the audit: without its query.
std::string described(const net::HttpRequest& http) {
  return http.method + " " + http.path.substr(0, kMaximumAnswerText);
}

void wipe_credentials(net::HttpRequest& http) {
  crypto::wipe(http.body);
  for (auto& [name, value] : http.headers.fields) {
    if (name == "authorization") {
      crypto::wipe(value);
    }
  }
}

}  // namespace

Router::Router(people::People& people, Executor& workers, RouterOptions options)
    : people_(people), workers_(workers), options_(std::move(options)) {}

Router::~Router() {
  TW_ASSERT(in_flight_->load() == 0);
}

void Router::add(std::vector<Route> routes) {
  for (Route& route : routes) {
    const auto same = [&](const Route& other) {
      return other.method == route.method && other.pattern == route.pattern;
    };
    TW_ASSERT(std::none_of(routes_.begin(), routes_.end(), same));
    TW_ASSERT(!route.two_person || (options_.approvals != nullptr && route.permission));
    segments_.push_back(segments_of(route.pattern));
    routes_.push_back(std::move(route));
  }
}

void Router::add_raw(std::string prefix, net::HttpHandler handler) {
  raw_.push_back({std::move(prefix), std::move(handler)});
}

Router::Match Router::match(std::string_view method, std::string_view target, std::string& allowed) const {
  const auto segments = segments_of(target.substr(0, target.find('?')));
  Match match;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const auto& pattern = segments_[i];
    if (pattern.size() != segments.size()) continue;
    Match candidate{&routes_[i], {}};
    const bool fits = std::equal(pattern.begin(), pattern.end(), segments.begin(),
                                 [&](const std::string& wanted, const std::string& given) {
                                   auto text = decode_segment(given);
                                   if (!text || text->empty()) return false;
                                   // Also a fixed one decoded: written with escapes it is no other path.
                                   if (!is_variable(wanted)) return wanted == *text;
                                   candidate.path_fields.emplace_back(wanted.substr(1, wanted.size() - 2),
                                                                      std::move(*text));
                                   return true;
                                 });
    if (!fits) continue;
    if (routes_[i].method != method) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(routes_[i].method);
      continue;
    }
    // A fixed segment goes before a variable one, whatever the order of the table.
    if (match.route == nullptr || candidate.path_fields.size() < match.path_fields.size()) {
      match = std::move(candidate);
    }
  }
  return match;
}

Status Router::identify(const Route& route, const net::HttpRequest& http, Request& request) {
  const std::string_view authorization = http.headers.get("authorization");
  if (authorization.starts_with(kBearer)) {
    request.token = crypto::SecretBytes::copy_of(as_bytes(authorization.substr(kBearer.size())));
  }
  if (!route.permission) return {};
  if (request.token.empty()) {
    return fail(ErrorCode::kUnauthenticated, "the request carries no session", "authorization",
                "log in by POST /v1/session and send Authorization: Bearer TOKEN");
  }
  request.principal = TRY(people_.authenticate(request.token.reveal()));
  const Status permitted = people::require(request.principal, *route.permission);
  if (!permitted) TRY(people_.record_refusal(request.principal, described(http), *route.permission));
  return permitted;
}

Result<Answer> Router::call(const Route& route, const std::string& what, Request& request,
                            std::string_view approval) {
  auto answer = route.two_person ? run_with_consent(*options_.approvals, route, request, approval)
                                 : route.handler(request);
  if (!answer && changes_something(route)) {
    TRY(people_.record_failure(request.principal, what, answer.error()));
  }
  return answer;
}

Result<Answer> Router::run(const Match& match, net::HttpRequest& http) {
  Request request;
  request.connection = http.session;
  TRY(identify(*match.route, http, request));
  TRY(check_content_type(http));
  TRY(read_arguments(*match.route, match.path_fields, http, request.arguments));
  const std::string approval(trim(http.headers.get(kApprovalHeader)));
  if (!approval.empty() && !match.route->two_person) {
    return fail(ErrorCode::kInvalidArgument, "this call needs no second person", "approval",
                "leave the approval out");
  }
  return call(*match.route, described(http), request, approval);
}

net::HttpResponse Router::respond(net::HttpRequest http) {
  std::string allowed;
  const Match found = match(http.method, http.target, allowed);
  Answer answer;
  if (found.route == nullptr && allowed.empty()) {
    answer = error_answer(
        {ErrorCode::kNotFound, "there is nothing under this path", "path", "see /v1/openapi.json"},
        options_.origin);
  } else if (found.route == nullptr) {
    answer = error_answer(
        405, {ErrorCode::kUnsupported, "the path has no such method", "method", "use " + allowed},
        options_.origin);
  } else {
    auto result = run(found, http);
    if (result) {
      answer = std::move(*result);
    } else if (result.error().field == "content-type") {
      answer = error_answer(415, result.error(), options_.origin);
    } else if (is_damage_sent(*found.route, result.error())) {
      answer = error_answer(422, result.error(), options_.origin);
    } else {
      answer = error_answer(result.error(), options_.origin);
    }
  }
  wipe_credentials(http);
  return to_response(std::move(answer), allowed);
}

net::HttpHandler Router::handler() {
  return [this, in_flight = in_flight_](net::HttpRequest http, net::HttpCompletion done) {
    for (const Raw& raw : raw_) {
      if (http.path.starts_with(raw.prefix)) return raw.handler(std::move(http), std::move(done));
    }
    // Counts until the task ends or is dropped with the pool.
    in_flight->fetch_add(1);
    std::shared_ptr<void> counted(nullptr, [in_flight](void*) { in_flight->fetch_sub(1); });
    if (in_flight->load() > options_.requests_in_flight) {
      const Error error{ErrorCode::kUnavailable, "too many requests at once", "", "try again in a moment"};
      return done(to_response(error_answer(error, options_.origin), ""));
    }
    auto shared = std::make_shared<net::HttpRequest>(std::move(http));
    workers_.post([this, counted = std::move(counted), shared, done = std::move(done)]() mutable {
      auto response = respond(std::move(*shared));
      counted.reset();
      done(std::move(response));
    });
  };
}

}  // namespace tapewarden::admin
