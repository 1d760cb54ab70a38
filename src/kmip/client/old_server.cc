#include "kmip/client/old_server.h"

#include <algorithm>

#include "base/concat.h"

namespace tapewarden::kmip {
namespace {

constexpr std::size_t kMostAbsent = 4096;  // that are remembered

std::chrono::milliseconds between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

}  // namespace

OldServer::OldServer(Clock& clock, Executor& workers, Dial dial, OldServerOptions options)
    : clock_(clock), workers_(workers), dial_(std::move(dial)), options_(std::move(options)) {
  state_.source = options_.order.source;
  state_.owner = options_.owner;
}

Error OldServer::not_asked(std::string_view why) const {
  return {ErrorCode::kUnavailable,
          concat("it is not here, and the old key server ", source(), " could not be asked (", why,
                 "): this does not say that there is none"),
          "", "try again later"};
}

std::optional<Error> OldServer::why_not_now() const {
  if (closed_) return not_asked("this server is stopping");
  if (clock_.steady_now() < rest_until_) return not_asked(state_.last_error);
  return std::nullopt;
}

// Nothing: it has to be asked for.
std::optional<OldServer::Answer> OldServer::answer_at_once(const std::string& key) {
  const auto absent = absent_.find(key);
  if (absent != absent_.end() && clock_.steady_now() < absent->second) return Answer();
  if (auto error = why_not_now()) {
    ++state_.failed;
    return error;
  }
  if (state_.waiting < options_.most_waiting) return std::nullopt;
  ++state_.failed;
  return not_asked("too many questions wait for it");
}

void OldServer::bring(SoughtObject sought, Exchange here, ReadThrough::Done done) {
  auto known = accept(std::move(sought), std::move(here), done);
  if (known) done(*std::move(known));
}

// Nothing: `done` was taken, and is called later.
std::optional<OldServer::Answer> OldServer::accept(SoughtObject sought, Exchange here,
                                                   ReadThrough::Done& done) {
  auto key = sought.key();
  const MutexLock lock(mutex_);
  if (const auto asked = asked_.find(key); asked != asked_.end()) {
    asked->second.push_back(std::move(done));
    return std::nullopt;
  }
  if (auto known = answer_at_once(key)) return known;
  asked_[key].push_back(std::move(done));
  ++state_.waiting;
  const auto question = std::make_shared<const Question>(std::move(key), std::move(sought), std::move(here),
                                                         clock_.steady_now() + options_.patience);
  workers_.post([this, question] { work(*question); });  // with the lock held: none after close()
  return std::nullopt;
}

void OldServer::work(const Question& question) {
  auto trouble = ask(question);
  Waiting waiting;
  {
    const MutexLock lock(mutex_);
    const auto asked = asked_.find(question.key);
    waiting = std::move(asked->second);
    asked_.erase(asked);
    --state_.waiting;
  }
  for (const auto& done : waiting) done(trouble);
}

OldServer::Answer OldServer::ask(const Question& question) {
  {
    const MutexLock lock(mutex_);
    auto error = why_not_now();
    if (!error && clock_.steady_now() >= question.until) error = not_asked("it is slow, and others wait");
    if (error) {
      ++state_.failed;
      return error;
    }
  }
  bool failed_here = false;
  const auto adoption = reach(question, failed_here);
  if (!adoption && failed_here) return adoption.error();
  if (!adoption) {
    note_failure(adoption.error());
    return not_asked(adoption.error().text());
  }
  note_answer(question.key, *adoption);
  if (options_.tell) std::ranges::for_each(adoption->objects, options_.tell);
  return adoption->trouble;
}

// `failed_here`: an error is none of the old server's.
Result<Adoption> OldServer::reach(const Question& question, bool& failed_here) {
  const auto call = TRY(dial_(between(clock_.steady_now(), question.until)));
  const Exchange from = [&](Bytes request) -> Result<Bytes> {
    const auto limit = between(clock_.steady_now(), question.until);
    if (limit.count() <= 0) return fail(ErrorCode::kTimeout, "its answers took too long");
    return call(std::move(request), limit);
  };
  const Exchange to = [&](Bytes request) {
    auto answer = question.here(std::move(request));
    failed_here = failed_here || !answer;
    return answer;
  };
  const ServerEnd old = TRY(meet_again(from));
  return adopt(old, ServerEnd(to, kCommonVersion), options_.order, question.sought);
}

Result<ServerEnd> OldServer::meet_again(const Exchange& from) {
  std::optional<ProtocolVersion> version;
  {
    const MutexLock lock(mutex_);
    version = version_;
  }
  if (version) return ServerEnd(from, *version, &options_.order.there);
  const auto met = TRY(meet(from, &options_.order.there));
  const MutexLock lock(mutex_);
  version_ = met.version();
  return met;
}

void OldServer::note_failure(const Error& error) {
  const MutexLock lock(mutex_);
  ++state_.failed;
  state_.condition = OldServerCondition::kFailing;
  state_.last_error = error.text();
  state_.last_error_at = clock_.wall_now();
  rest_until_ = clock_.steady_now() + options_.rest;
  version_.reset();  // it may be another one when it is back
}

void OldServer::note_answer(const std::string& key, const Adoption& adoption) {
  const MutexLock lock(mutex_);
  state_.condition = OldServerCondition::kAnswering;
  state_.last_answer_at = clock_.wall_now();
  rest_until_ = {};
  for (const auto& object : adoption.objects) {
    if (object.outcome == MigrationOutcome::kTaken) ++state_.adopted;
  }
  if (adoption.trouble) {
    ++state_.refused;
    version_.reset();  // perhaps it does not speak it any more
    state_.last_error = adoption.trouble->text();
    state_.last_error_at = state_.last_answer_at;
  } else if (adoption.objects.empty()) {
    ++state_.not_there;
    remember_absence(key);
  }
}

void OldServer::remember_absence(const std::string& key) {
  const auto now = clock_.steady_now();
  if (absent_.size() >= kMostAbsent) {
    std::erase_if(absent_, [&](const auto& entry) { return entry.second <= now; });
  }
  if (absent_.size() < kMostAbsent) absent_[key] = now + options_.memory;
}

void OldServer::close() {
  const MutexLock lock(mutex_);
  closed_ = true;
}

OldServerState OldServer::state() const {
  const MutexLock lock(mutex_);
  return state_;
}

void OldServers::close() {
  for (const auto& server : servers_) server->close();
}

std::vector<OldServerState> OldServers::states() const {
  std::vector<OldServerState> out;
  out.reserve(servers_.size());
  for (const auto& server : servers_) out.push_back(server->state());
  return out;
}

OldServer* OldServers::find(std::string_view owner) const {
  const auto found = std::ranges::find_if(servers_, [&](const auto& one) { return one->owner() == owner; });
  return found == servers_.end() ? nullptr : found->get();
}

std::string OldServers::source_of(std::string_view owner) const {
  const auto* server = find(owner);
  return server == nullptr ? std::string() : server->source();
}

void OldServers::bring(std::string_view owner, SoughtObject sought, Exchange here, Done done) {
  auto* server = find(owner);
  if (server == nullptr) return done(std::nullopt);
  server->bring(std::move(sought), std::move(here), std::move(done));
}

}  // namespace tapewarden::kmip
