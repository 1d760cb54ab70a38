#include "keymgr/key_service.h"

#include <algorithm>
#include <atomic>

#include "base/text.h"
#include "crypto/hash.h"
#include "eedk/ekm_code.h"
#include "keymgr/drive_check.h"
#include "keymgr/exchange.h"
#include "keymgr/key_cache.h"
#include "keymgr/limits.h"
#include "keymgr/refusal_records.h"
#include "keymgr/serve_policy.h"
#include "keymgr/write_choice.h"

namespace tapewarden::keymgr {
namespace {

constexpr unsigned kDecoyBits = 3072;  // as the KEKs that operators make when they choose nothing else
constexpr int kMostAttempts = 4;

// A key that opens nothing, one for the process: making it takes long.
const crypto::PrivateKey& decoy_key() {
  static const crypto::PrivateKey key = crypto::PrivateKey::generate_rsa(kDecoyBits);
  return key;
}

}  // namespace

struct KeyService::State {
  State(KeyManager& m, KeyFactory* f) : manager(m), factory(f) {}

  // A keystore that cannot be read serves nothing, and its cached keys neither.
  void drop_stale_keys() {
    if (cache.private_halves() == 0) return;
    static_cast<void>(
        manager.keystore()
            .read([&](store::Reader& reader) { return cache.drop_stale(manager.keks(), reader); })
            .has_value());
  }

  KeyManager& manager;
  KeyFactory* factory;
  KeyCache cache;
  WaitBook waits;
  const crypto::PrivateKey& decoy = decoy_key();
  RefusalRecords refusals{*manager.context().env.clock, {.at_once = kRefusalsRecordedAtOnce}};
  std::atomic<std::uint64_t> served{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> in_flight{0};
};

namespace {

// Who is refused, and with what code (refusal_records.h).
Hash256 refused_as(const Caller& caller, std::uint32_t code) {
  ByteWriter out;
  if (caller.proxy) {
    out.bytes(*caller.proxy);
  } else if (!caller.identity.empty()) {
    out.bytes(caller.identity.fingerprint());
  } else {
    out.bytes(as_bytes(std::string_view(caller.serial).substr(0, 2 * kSerialCharacters)));
  }
  return crypto::sha256(out.u32(code).take());
}

// One request with its place in the four steps. Shared by the tasks that carry it; one of them at a time.
template <typename State>
struct Job : std::enable_shared_from_this<Job<State>> {
  Job(std::shared_ptr<State> s, KeyRequest request, KeyService::Completion c)
      : state(std::move(s)),
        exchange(state->manager, state->cache, state->decoy, std::move(request)),
        completion(std::move(c)) {}

  void run();
  void committed(const Result<store::CommitInfo>& result);
  void finish();
  void refuse(Error error);
  void deliver(Result<KeyAnswer> answer);
  WallTime now() const { return state->manager.context().now(); }
  WaitBook::Id wait_id() const {
    const KeyRequest& request = exchange.request();
    return {request.caller.serial.substr(0, 2 * kSerialCharacters), request.request_id};
  }

  std::shared_ptr<State> state;
  Exchange exchange;
  KeyService::Completion completion;
  store::Keystore::Announcement announced = state->manager.keystore().announce();
  Exchange::Outcome outcome = Exchange::Outcome::kDone;
  bool accepted_now = false;
  int attempts = 0;
};

template <typename State>
void Job<State>::run() {
  ++attempts;
  auto status = state->manager.keystore().read([&](store::Reader& reader) { return exchange.plan(reader); });
  if (status) status = exchange.prepare();
  if (!status) return refuse(std::move(status).error());
  exchange.set_waited(state->waits.find(wait_id()));
  const auto self = this->shared_from_this();
  const auto until_submitted = std::move(announced);  // from here on another thread may have the job
  state->manager.keystore().submit(
      [self](store::Transaction& transaction) -> Status {
        self->outcome = TRY(self->exchange.commit(transaction));
        return {};
      },
      [self](const Result<store::CommitInfo>& result) { self->committed(result); });
}

template <typename State>
void Job<State>::committed(const Result<store::CommitInfo>& result) {
  if (!result) return refuse(result.error());
  if (outcome == Exchange::Outcome::kDone) return finish();
  if (attempts < kMostAttempts) return run();
  refuse({ErrorCode::kConflict, "the same exchange is answered again and again", "request_id",
          "ask under a new request id", static_cast<std::uint32_t>(eedk::EkmCode::kMessageOutOfSequence)});
}

template <typename State>
void Job<State>::finish() {
  auto answer = exchange.finish();
  if (!answer) return refuse(std::move(answer).error());
  if (state->factory != nullptr && exchange.request().intent == Intent::kWrite) state->factory->poke();
  deliver(std::move(answer));
}

// The refusal leaves when its audit record is durable, and not at all as an answer to what it was about when
// even that fails.
template <typename State>
void Job<State>::refuse(Error error) {
  error.detail = static_cast<std::uint32_t>(eedk::ekm_code_of(error));
  if (is_waiting(error) && state->waits.again(wait_id(), now())) return deliver(std::unexpected(error));
  const auto self = this->shared_from_this();
  const auto until_submitted = std::move(announced);
  const auto repeated = state->refusals.next(refused_as(exchange.request().caller, error.detail));
  state->manager.keystore().submit(
      [self, error, repeated](store::Transaction& transaction) {
        return self->exchange.refuse(transaction, error, repeated, self->accepted_now);
      },
      [self, error](const Result<store::CommitInfo>& result) {
        if (result && self->accepted_now && self->attempts < kMostAttempts) return self->run();
        if (result && is_waiting(error)) self->state->waits.began(self->wait_id(), self->now());
        if (result) return self->deliver(std::unexpected(error));
        self->deliver(
            eedk::fail_ekm(ErrorCode::kUnavailable, eedk::EkmCode::kInternal,
                           "the audit record could not be made durable: " + result.error().message));
      });
}

template <typename State>
void Job<State>::deliver(Result<KeyAnswer> answer) {
  ++(answer ? state->served : state->refused);
  if (answer || !is_waiting(answer.error())) state->waits.ended(wait_id());
  --state->in_flight;
  completion(std::move(answer));
}

}  // namespace

KeyService::KeyService(KeyManager& manager, KeyFactory* factory)
    : state_(std::make_shared<State>(manager, factory)) {
  manager.on_keks_changed([state = std::weak_ptr(state_)] {
    if (const auto held = state.lock()) held->drop_stale_keys();
  });
}

KeyService::~KeyService() = default;

void KeyService::drop_stale_keys() {
  state_->drop_stale_keys();
}

store::Keystore::Announcement KeyService::announce() const {
  return state_->manager.keystore().announce();
}

void KeyService::handle(KeyRequest request, Completion completion) {
  if (state_->in_flight.fetch_add(1) >= kMaximumRequestsInFlight) {
    --state_->in_flight;
    state_->manager.context().env.executor->post([completion = std::move(completion)] {
      completion(eedk::fail_ekm(ErrorCode::kUnavailable, eedk::EkmCode::kInternal,
                                "the key server has too many requests under way", {}, "ask again"));
    });
    return;
  }
  std::make_shared<Job<State>>(state_, std::move(request), std::move(completion))->run();
}

namespace {

struct LabelFound {
  NameStatus status;
  std::optional<WrapTarget> target;
};

LabelFound find_label(store::Reader& reader, KeyManager& manager, KeyCache& cache, const std::string& label) {
  LabelFound out;
  out.status.name = label;
  const auto keks = manager.keks().find_by_label(reader, label);
  out.status.known = keks && !keks->empty();
  out.status.conflict = keks && keks->size() > 1;
  auto target = resolve_label(reader, manager, cache, {label, LabelMode::kClear});
  if (!target) {
    out.status.problem = target.error().text();
    return out;
  }
  out.status.public_only = !target->kek.has_private;
  const auto safe = manager.keks().private_half_safe(reader, target->kek);
  out.status.held_by_peer = safe && *safe;
  out.target = *std::move(target);
  return out;
}

// Somebody can read what is written with it: what still keeps this server from it is told of that label.
bool is_read_back(const LabelFound& found) {
  return found.target && (found.target->kek.has_private || found.target->kek.proven);
}

// What a write with the name would be told now. `comes`: what is missing is made by itself.
void put_refusal(NameStatus& out, const Status& ready, const Status& allowed, bool comes) {
  if (!ready) out.problem = ready.error().text();
  if (!allowed) out.problem = allowed.error().text();
  out.writable = ready && allowed;
  out.waits = !ready && allowed && (comes || ready.error().code == ErrorCode::kUnavailable);
  if (out.waits) out.note = "a write with it waits for now: " + ready.error().text();
}

NameStatus judge_label(store::Reader& reader, const KeyManager& manager, const AccessSubject& subject,
                       LabelFound found, bool others_are_read_back) {
  NameStatus out = std::move(found.status);
  if (!found.target) return out;
  const auto& target = *found.target;
  Status recoverable = check_recoverable(reader, manager, {&target, 1});
  if (out.public_only && others_are_read_back) recoverable = {};
  const auto allowed =
      manager.access().check(reader, subject, {ObjectKind::kLabel, target.labels}, Right::kWrite);
  put_refusal(out, recoverable, allowed, false);
  if (out.writable && out.public_only)
    out.note = "its private half is held elsewhere: this key server writes with it and cannot read back" +
               std::string(target.kek.proven ? "" : "; only beside a label whose key pair is held here");
  return out;
}

std::vector<NameStatus> statuses_of_labels(store::Reader& reader, KeyManager& manager, KeyCache& cache,
                                           const AccessSubject& subject,
                                           std::span<const std::string> labels) {
  std::vector<LabelFound> found;
  for (const auto& label : labels) found.push_back(find_label(reader, manager, cache, label));
  const bool read_back = std::ranges::any_of(found, is_read_back);
  std::vector<NameStatus> out;
  for (auto& one : found) out.push_back(judge_label(reader, manager, subject, std::move(one), read_back));
  return out;
}

NameStatus status_of_group(store::Reader& reader, KeyManager& manager, const AccessSubject& subject,
                           const std::string& name) {
  NameStatus out;
  out.name = name;
  const auto group = manager.groups().find(reader, name);
  out.known = group && group->has_value();
  if (!out.known) {
    out.problem = group ? "there is no such key group (create it)" : group.error().text();
    return out;
  }
  const auto ready = manager.groups().can_take(reader, **group);
  // A key that waits for its backup is at the peer where it must be.
  out.held_by_peer = ready || is_waiting(ready.error());
  const auto allowed = manager.access().check(reader, subject, {ObjectKind::kGroup, {name}}, Right::kWrite);
  // Where the group is filled by itself, the first ones may not be made yet.
  const bool comes = !ready && ready.error().code == ErrorCode::kExhausted && (*group)->keys_ahead > 0;
  put_refusal(out, ready, allowed, comes);
  return out;
}

}  // namespace

Result<std::vector<NameStatus>> KeyService::check_labels(const Caller& caller,
                                                         std::span<const std::string> labels,
                                                         std::span<const std::string> groups) {
  if (labels.size() + groups.size() > kMaximumNamesChecked) {
    return eedk::fail_ekm(ErrorCode::kInvalidArgument, eedk::EkmCode::kDriveQueryParameter,
                          "too many names are asked for at once", "labels");
  }
  AccessSubject subject;
  subject.serial = canonical_serial(caller.serial).value_or(std::string());
  subject.proxy = caller.proxy;
  subject.partition = caller.proxy ? caller.partition : std::string();
  std::vector<NameStatus> out;
  TRY(state_->manager.keystore().read([&](store::Reader& reader) -> Status {
    out = statuses_of_labels(reader, state_->manager, state_->cache, subject, labels);
    for (const auto& group : groups) {
      out.push_back(status_of_group(reader, state_->manager, subject, group));
    }
    return {};
  }));
  return out;
}

KeyService::Counts KeyService::counts() const {
  return {state_->served, state_->refused, state_->in_flight, state_->cache.private_halves(),
          state_->waits.summary(state_->manager.context().now())};
}

}  // namespace tapewarden::keymgr
