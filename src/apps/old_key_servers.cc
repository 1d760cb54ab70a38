#include "apps/old_key_servers.h"

#include <algorithm>

#include "apps/log.h"
#include "base/concat.h"
#include "base/text.h"
#include "net/client.h"
#include "store/master_key.h"

namespace tapewarden::apps {
namespace {

constexpr unsigned kConnections = 2;  // to one server at once
constexpr std::chrono::milliseconds kLongestConnecting{5'000};
constexpr std::chrono::milliseconds kSlice{200};  // between two looks whether this server is to stop

using Stopping = std::shared_ptr<std::atomic<bool>>;

// Waits in slices, so that a silent old server does not keep this one from stopping.
Result<Bytes> call(net::BlockingClient& client, const Stopping& stopping, Bytes request,
                   std::chrono::milliseconds limit) {
  client.send(std::move(request));
  const auto until = std::chrono::steady_clock::now() + limit;
  while (true) {
    auto answer = client.receive(kSlice);
    if (answer || answer.error().code != ErrorCode::kTimeout || client.wait_closed({})) return answer;
    if (*stopping) return fail(ErrorCode::kUnavailable, "this server is stopping");
    if (std::chrono::steady_clock::now() >= until) return answer;
  }
}

kmip::Dial dialler(net::Loop& loop, const net::FramedClientOptions& options, const Stopping& stopping) {
  return [&loop, options, stopping](std::chrono::milliseconds limit) -> Result<kmip::TimedExchange> {
    auto now = options;
    now.connect_deadline = std::min(limit, kLongestConnecting);
    const auto client =
        std::make_shared<net::BlockingClient>(TRY(net::BlockingClient::connect(loop, std::move(now))));
    return [client, stopping](Bytes request, std::chrono::milliseconds patience) {
      return call(*client, stopping, std::move(request), patience);
    };
  };
}

void tell(const ReadThroughConfig& config, const kmip::MigratedObject& object) {
  if (object.outcome == kmip::MigrationOutcome::kHere) return;
  const bool came = object.outcome == kmip::MigrationOutcome::kTaken;
  log(came ? LogLevel::kInfo : LogLevel::kWarning,
      concat("read-through: ", escape_unprintable(object.id), " of ", config.owner,
             came ? " came from " : " did not come from ", config.host, object.remark.empty() ? "" : ": ",
             escape_unprintable(object.remark)));
}

}  // namespace

Result<std::unique_ptr<OldKeyServers>> OldKeyServers::open(Env env, net::Loop& loop,
                                                           const KeydConfig& config) {
  std::unique_ptr<OldKeyServers> out(new OldKeyServers());
  for (const auto& one : config.kmip->read_through) {
    if (const auto added = out->add(env, loop, config, one); !added) {
      return in_context("kmip.read_through of " + one.owner, added.error());
    }
  }
  return out;
}

Status OldKeyServers::add(Env env, net::Loop& loop, const KeydConfig& config, const ReadThroughConfig& one) {
  auto tls = TRY(net::read_tls_files(*env.disk, {one.certificate, one.key, one.authorities}));
  tls.minimum = net::TlsVersion::k12;
  net::FramedClientOptions options;
  options.host = one.host;
  options.port = one.port;
  options.tls = TRY(net::TlsContext::client(tls));
  options.resolver = TRY(net::make_resolver(config.name_servers));
  kmip::OldServerOptions terms;
  terms.order.source = one.host;
  terms.order.there.user = one.user;
  if (!one.user.empty()) {
    terms.order.there.password = TRY(store::read_passphrase_file(*env.disk, one.password_file));
  }
  terms.owner = one.owner;
  terms.patience = std::chrono::seconds(one.timeout_seconds);
  terms.tell = [one](const kmip::MigratedObject& object) { tell(one, object); };
  workers_.push_back(std::make_unique<ThreadPool>(kConnections));
  servers_.add(std::make_unique<kmip::OldServer>(*env.clock, *workers_.back(),
                                                 dialler(loop, options, stopping_), std::move(terms)));
  return {};
}

OldKeyServers::~OldKeyServers() {
  stop();
}

void OldKeyServers::close() {
  *stopping_ = true;
  servers_.close();
}

void OldKeyServers::stop() {
  close();
  workers_.clear();
}

std::vector<std::string> OldKeyServers::warnings() const {
  std::vector<std::string> out;
  for (const auto& state : states()) {
    if (state.condition != kmip::OldServerCondition::kFailing) continue;
    out.push_back(concat("the old key server ", state.source, " of ", state.owner,
                         " does not answer, so what is not here cannot be looked for: ", state.last_error));
  }
  return out;
}

}  // namespace tapewarden::apps
