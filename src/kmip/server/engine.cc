#include "kmip/server/engine.h"

#include <algorithm>

#include "kmip/server/engine_state.h"

namespace tapewarden::kmip {

using keymgr::KmipClient;

namespace {

// Of messages that a network's thread carries out.
constexpr std::size_t kBriefBytes = 4096;
constexpr std::size_t kBriefItems = 4;

bool writes(const RequestMessage& request) {
  for (const auto& item : request.batch) {
    const auto* spec = find_operation(item.operation, request.header.version);
    if (spec != nullptr && spec->writes()) return true;
  }
  return false;
}

// A password takes a while to be looked at.
bool is_brief(const RequestMessage& request) {
  if (!request.header.credentials.empty() || request.batch.size() > kBriefItems) return false;
  return std::ranges::all_of(request.batch, [&](const auto& item) {
    const auto* spec = find_operation(item.operation, request.header.version);
    return spec != nullptr && spec->is_brief();
  });
}

// What is told of an item that was undone: which object it was about.
Bytes identifier_alone(ByteView payload) {
  const auto document = ttlv::decode(payload);
  const auto id = document ? document->root().find(tag::kUniqueIdentifier) : std::nullopt;
  if (!id) return {};
  return ttlv::Writer().begin(tag::kResponsePayload).add_encoded(id->encoding()).end().take();
}

}  // namespace

// Slow where a password is looked at for the first time: before anything is carried out.
Status Engine::State::prove(Job& job) {
  const auto& shown = job.request.header.credentials;
  if (shown.empty()) return {};
  std::optional<KmipClient> client;
  people::PasswordVerifier verifier;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    auto found = TRY(clients.find_by_certificate(reader, job.peer.fingerprint));
    if (!found) return {};
    if (job.request.header.version.is_2()) job.ticket = TRY(ticket_in(shown));
    if (job.ticket) return use_ticket(job, *found);
    if (credentials.check_proved(*found, shown)) return {};
    verifier = TRY(clients.verifier_of(reader, *found));
    client = std::move(found);
    return {};
  }));
  if (!client) return {};
  // No snapshot stays open meanwhile: it would keep the database's log from being shortened.
  return credentials.prove(*client, verifier, shown, job.peer.address);
}

Status Engine::State::use_ticket(Job& job, const KmipClient& client) {
  job.ticket_of = client.added;
  if (tickets.use(client, *job.ticket, manager.context().now())) return {};
  return kmip::refuse(ResultReason::kInvalidTicket, "the ticket is over, or none of this client", "Ticket");
}

Status Engine::State::identify(store::Reader& reader, Job& job) {
  auto client = TRY(clients.find_by_certificate(reader, job.peer.fingerprint));
  if (!client) {
    return kmip::refuse(ResultReason::kAuthenticationNotSuccessful,
                        "this certificate is not registered as a KMIP client here; the key server's operator "
                        "registers it: tapewarden kmip register-client");
  }
  const bool proved = job.ticket || !job.brought_from.empty();
  if (!proved) TRY(credentials.check_proved(*client, job.request.header.credentials));
  if (job.ticket && job.ticket_of != client->added) {
    return kmip::refuse(ResultReason::kInvalidTicket, "the client was registered anew: log in again",
                        "Ticket");
  }
  job.client = *std::move(client);
  if (read_through != nullptr && job.brought_from.empty()) {
    job.elsewhere.look_at(read_through->source_of(job.client.owner));
  }
  return {};
}

void Engine::State::post(std::function<void()> task) const {
  manager.context().env.executor->post(
      [task = std::move(task), coming = manager.keystore().announce()] { task(); });
}

void Engine::State::start_later(std::shared_ptr<Job> job) {
  post([self = shared_from_this(), job = std::move(job)]() mutable { self->start(std::move(job)); });
}

void Engine::State::start(std::shared_ptr<Job> job) {
  const Status proved = prove(*job);
  if (!proved && is_refused_client(proved.error())) return refuse_client(std::move(job), proved.error());
  if (!proved) return finish(*job, proved);
  carry_out(std::move(job));
}

void Engine::State::carry_out(std::shared_ptr<Job> job) {
  if (writes(job->request)) {
    draw_ahead(*job);
    return submit_writing(std::move(job));
  }
  const auto read =
      manager.keystore().read([&](store::Reader& reader) { return run(reader, nullptr, *job); });
  if (!read && read.error().detail == kNeedsTime) {
    job->brief = false;
    return start_later(std::move(job));
  }
  if (!read && is_refused_client(read.error())) return refuse_client(std::move(job), read.error());
  if (!read && read.error().detail == kAskElsewhere) return bring(std::move(job));
  if (!read && read.error().detail == kNeedsTransaction) return submit_writing(std::move(job));
  if (!read || !job->brought_from.empty()) return finish(*job, read);
  submit_records(std::move(job));
}

// Items that were carried out and then undone say so (Specification 1.4 section 6.13), and nothing else that
// they gave leaves: what it cost was undone with them.
Bytes Engine::State::answer_of(Job& job) const {
  const auto head = header(job.request.header.version, job.correlation);
  if (job.too_large) return encode_too_large(head, job.answers);
  for (std::size_t i = 0; job.undone && i < job.answers.size(); ++i) {
    auto& answer = job.answers[i];
    answer.undone = !answer.error;
    auto kept = identifier_alone(answer.payload);
    crypto::wipe(answer.payload);
    answer.payload = std::move(kept);
  }
  return encode_response(head, job.answers);
}

void Engine::State::finish(Job& job, const Status& durable) {
  const bool done = durable && !job.too_large && !job.undone;
  streams.finish(done ? job.streams : StreamChanges(), job.number);
  if (!durable) {
    return job.reply(encode_refusal(header(job.request.header.version, job.correlation), durable.error()));
  }
  if (done) tickets.apply(job.client, job.tickets, manager.context().now());
  job.reply(job.prepared.empty() ? answer_of(job) : job.prepared.release());
}

Engine::Engine(keymgr::KeyManager& manager, keymgr::KeyFactory* factory, ServerSettings settings,
               ReadThrough* read_through)
    : state_(std::make_shared<State>(manager, factory, std::move(settings), read_through)) {}

Engine::~Engine() = default;

store::Keystore::Announcement Engine::announce() const {
  return state_->manager.keystore().announce();
}

Bytes Engine::refuse(const Error& error) const {
  return state_->refuse(error);
}

std::shared_ptr<Job> Engine::State::read(Bytes message, const Peer& peer, Reply reply) {
  ttlv::Limits limits;
  limits.bytes = settings.maximum_message_bytes;
  auto document = ttlv::decode(message, limits, tag_name);
  if (!document) {
    crypto::wipe(message);
    reply(refuse(kmip::refuse(ResultReason::kInvalidMessage, document.error().text()).error()));
    return nullptr;
  }
  auto request = decode_request(*document);
  if (!request) {
    const auto version = version_of(*document).value_or(kNewest);
    const bool spoken = version >= kOldest && version <= kNewest;
    auto answer = encode_refusal(header(spoken ? version : kNewest), request.error());
    crypto::wipe(message);
    reply(std::move(answer));
    return nullptr;
  }
  auto job = std::make_shared<Job>(std::move(message), *std::move(document), *std::move(request), peer,
                                   std::move(reply));
  name(*job);
  return job;
}

void Engine::handle(Bytes message, const Peer& peer, Reply reply) {
  if (auto job = state_->read(std::move(message), peer, std::move(reply))) state_->start(std::move(job));
}

void Engine::receive(Bytes message, const Peer& peer, Reply reply) {
  if (message.size() > kBriefBytes) {
    const auto held = std::make_shared<crypto::WipedBytes>(std::move(message));
    return state_->post([state = state_, held, peer, reply = std::move(reply)] {
      if (auto job = state->read(held->release(), peer, reply)) state->start(std::move(job));
    });
  }
  auto job = state_->read(std::move(message), peer, std::move(reply));
  if (!job) return;
  job->brief = is_brief(job->request);
  if (job->brief) return state_->start(std::move(job));
  state_->start_later(std::move(job));
}

}  // namespace tapewarden::kmip
