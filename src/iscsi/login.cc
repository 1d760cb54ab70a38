#include "iscsi/login.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"

namespace tapewarden::iscsi {

namespace {

// Keys that are not negotiated by the table: names, and those of the security stage.
constexpr std::string_view kOwnKeys[] = {"InitiatorName", "TargetName", "SessionType", "AuthMethod", "CHAP_A",
                                         "CHAP_I",        "CHAP_C",     "CHAP_N",      "CHAP_R"};

Offer offer_of(const Limits& limits) {
  return {.max_segment = static_cast<std::uint32_t>(limits.max_receive_segment),
          .max_burst = static_cast<std::uint32_t>(limits.max_burst),
          .first_burst = static_cast<std::uint32_t>(limits.first_burst),
          .max_outstanding_r2t = limits.max_outstanding_r2t};
}

LoginStatus status_of(const Error& error) {
  return error.code == ErrorCode::kUnauthenticated ? LoginStatus::kAuthenticationFailed
                                                   : LoginStatus::kInitiatorError;
}

}  // namespace

struct Login::Failure {
  LoginStatus status;
  Error error;
};

#define TW_STEP(...)                                                                    \
  do {                                                                                  \
    if (auto tw_status = (__VA_ARGS__); !tw_status)                                     \
      return std::unexpected(Failure{status_of(tw_status.error()), tw_status.error()}); \
  } while (false)

namespace {

Error refusal(ErrorCode code, std::string message, std::string field = {}, std::string remedy = {}) {
  return {code, std::move(message), std::move(field), std::move(remedy)};
}

}  // namespace

bool allows(const TargetConfig& target, std::string_view initiator) {
  const auto& names = target.allowed_initiators;
  return names.empty() || std::ranges::find(names, initiator) != names.end();
}

Login::Login(const ServerConfig& config, Random& random)
    : config_(config), random_(random), negotiation_(offer_of(config.limits)) {}

const Authentication& Login::authentication() const {
  return outcome_.discovery ? config_.discovery : outcome_.target->authentication;
}

LoginOutcome Login::outcome() const {
  TW_ASSERT(done_);
  auto outcome = outcome_;
  outcome.agreed = negotiation_.agreed();
  return outcome;
}

LoginAnswer Login::handle(const LoginRequest& request, ByteView data) {
  LoginAnswer answer;
  answer.response.isid = request.isid;
  answer.response.tsih = request.tsih;
  answer.response.task_tag = request.task_tag;
  answer.response.current = request.current;
  if (const auto step = take(request, data, answer); !step) {
    failed_ = true;
    answer.response.transit = false;
    answer.response.status = step.error().status;
    answer.text.clear();
    answer.error = step.error().error;
  }
  return answer;
}

Login::Step Login::take(const LoginRequest& request, ByteView data, LoginAnswer& answer) {
  const auto wrong = [](std::string message, std::string field = {}) {
    return std::unexpected(
        Failure{LoginStatus::kInitiatorError,
                refusal(ErrorCode::kInvalidArgument, std::move(message), std::move(field))});
  };
  if (failed_ || done_ || ++requests_ > kMaxLoginRequests) return wrong("the login does not come to an end");
  if (text_.size() + data.size() > config_.limits.max_login_text)
    return wrong("the login's text is too long");
  text_.insert(text_.end(), data.begin(), data.end());
  if (request.more_text) return {};  // an empty answer asks for the rest
  const auto text = std::exchange(text_, {});
  const auto in = Text::parse(text);
  if (!in) return std::unexpected(Failure{LoginStatus::kInitiatorError, in.error()});

  if (!begun_) {
    if (auto step = begin(request, *in); !step) return step;
  } else if (request.current < stage_ || request.isid != outcome_.isid || !same_names(*in)) {
    return wrong("the login goes back or changes its session", "CSG");
  }
  stage_ = request.current;
  Text out;
  if (!named_ && !outcome_.discovery) {
    if (!outcome_.target->alias.empty()) out.add("TargetAlias", outcome_.target->alias);
    out.add("TargetPortalGroupTag", std::to_string(kPortalGroup));
  }
  named_ = true;
  if (auto step = keys(request, *in, out); !step) return step;
  if (auto step = move_on(request, answer); !step) return step;
  answer.text = out.encode();
  return {};
}

Login::Step Login::begin(const LoginRequest& request, const Text& in) {
  const auto refused = [](LoginStatus status, Error error) {
    return std::unexpected(Failure{status, std::move(error)});
  };
  if (request.version_min > 0)
    return refused(LoginStatus::kUnsupportedVersion,
                   refusal(ErrorCode::kUnsupported, "the initiator speaks another version", "Version-min"));
  if (request.tsih != 0)
    return refused(LoginStatus::kTooManyConnections,
                   refusal(ErrorCode::kUnsupported, "a session has one connection", "TSIH"));
  const auto* initiator = in.find("InitiatorName");
  if (initiator == nullptr)
    return refused(LoginStatus::kMissingParameter,
                   refusal(ErrorCode::kInvalidArgument, "the initiator has no name", "InitiatorName"));
  if (!is_node_name(*initiator))
    return refused(LoginStatus::kInitiatorError,
                   refusal(ErrorCode::kInvalidArgument, "the initiator's name is not one", "InitiatorName"));
  const auto* type = in.find("SessionType");
  if (type != nullptr && *type != "Normal" && *type != "Discovery")
    return refused(LoginStatus::kSessionTypeNotSupported,
                   refusal(ErrorCode::kUnsupported, "there is no such type of session", "SessionType"));
  outcome_.initiator = *initiator;
  outcome_.isid = request.isid;
  outcome_.connection = request.connection;
  outcome_.cmd_sn = request.cmd_sn;
  outcome_.discovery = type != nullptr && *type == "Discovery";
  if (!outcome_.discovery)
    if (auto step = find_target(in); !step) return step;
  begun_ = true;
  return {};
}

bool Login::same_names(const Text& in) const {
  const auto same = [&in](std::string_view key, std::string_view value) {
    const auto* found = in.find(key);
    return found == nullptr || *found == value;
  };
  return same("InitiatorName", outcome_.initiator) &&
         same("SessionType", outcome_.discovery ? "Discovery" : "Normal") &&
         (outcome_.discovery || same("TargetName", outcome_.target->name));
}

Login::Step Login::find_target(const Text& in) {
  const auto* name = in.find("TargetName");
  if (name == nullptr)
    return std::unexpected(
        Failure{LoginStatus::kMissingParameter,
                refusal(ErrorCode::kInvalidArgument, "the initiator names no target", "TargetName")});
  const auto found = std::ranges::find(config_.targets, *name, &TargetConfig::name);
  if (found == config_.targets.end())
    return std::unexpected(Failure{
        LoginStatus::kNotFound,
        refusal(ErrorCode::kNotFound, "there is no target " + escape_unprintable(*name), "TargetName")});
  if (!allows(*found, outcome_.initiator))
    return std::unexpected(Failure{
        LoginStatus::kNotAllowed,
        refusal(ErrorCode::kPermissionDenied,
                "the initiator " + escape_unprintable(outcome_.initiator) + " may not use " + found->name,
                "InitiatorName", "add its name to the target's list of initiators")});
  outcome_.target = &*found;
  return {};
}

Login::Step Login::keys(const LoginRequest& request, const Text& in, Text& out) {
  if (request.current == Stage::kSecurity)
    if (auto step = security(in, out); !step) return step;
  for (const auto& pair : in.pairs()) {
    if (std::ranges::find(kOwnKeys, pair.key) != std::end(kOwnKeys)) continue;
    TW_STEP(negotiation_.answer(pair, false, out));
  }
  if (request.current == Stage::kOperational) negotiation_.declare(out);
  return {};
}

Login::Step Login::security(const Text& in, Text& out) {
  if (const auto* methods = in.find("AuthMethod"))
    if (auto step = choose_method(*methods, out); !step) return step;
  if (chap_ && !chap_->done()) {
    TW_STEP(chap_->step(in, out));
    if (chap_->done()) outcome_.chap_name = chap_->name();
  }
  return {};
}

Login::Step Login::choose_method(const std::string& methods, Text& out) {
  if (std::exchange(method_chosen_, true))
    return std::unexpected(
        Failure{LoginStatus::kInitiatorError,
                refusal(ErrorCode::kInvalidArgument, "the method is chosen twice", "AuthMethod")});
  const bool asked = !authentication().initiators.empty();
  const std::string wanted = asked ? "CHAP" : "None";
  const auto offered = split(methods, ',');
  if (std::ranges::find(offered, wanted) == offered.end())
    return std::unexpected(Failure{LoginStatus::kAuthenticationFailed,
                                   refusal(ErrorCode::kUnauthenticated,
                                           asked ? "the initiator does not offer CHAP"
                                                 : "the initiator insists on CHAP, which is not set up",
                                           "AuthMethod", "give both sides the same accounts")});
  out.add("AuthMethod", wanted);
  if (asked) chap_.emplace(authentication(), random_);
  return {};
}

Login::Step Login::move_on(const LoginRequest& request, LoginAnswer& answer) {
  const bool leaves_security = request.current == Stage::kOperational || request.transit;
  const bool waits = chap_ && !chap_->done() && request.current == Stage::kSecurity;
  if (waits) return {};  // the initiator wants to go on before the exchange is over: not yet
  if (leaves_security && !proved())
    return std::unexpected(
        Failure{LoginStatus::kAuthenticationFailed,
                refusal(ErrorCode::kUnauthenticated, "the initiator did not prove who it is", "AuthMethod",
                        "give the initiator the CHAP account of this target")});
  if (!request.transit) return {};
  answer.response.transit = true;
  answer.response.next = request.next;
  stage_ = request.next;
  done_ = request.next == Stage::kFullFeature;
  return {};
}

#undef TW_STEP

}  // namespace tapewarden::iscsi
