#include "kmip/server/engine.h"

#include "kmip/server/engine_state.h"

namespace tapewarden::kmip {
namespace {

bool writes(const RequestMessage& request) {
  for (const auto& item : request.batch) {
    const auto* spec = find_operation(item.operation, request.header.version);
    if (spec != nullptr && spec->writes) return true;
  }
  return false;
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
  if (job.request.header.credentials.empty()) return {};
  return manager.keystore().read([&](store::Reader& reader) -> Status {
    const auto client = TRY(clients.find_by_certificate(reader, job.peer.fingerprint));
    if (!client) return {};
    const bool tickets_known = job.request.header.version.is_2();
    job.ticket = tickets_known ? TRY(ticket_in(job.request.header.credentials)) : std::nullopt;
    if (job.ticket) {
      job.ticket_of = client->added;
      if (tickets.use(*client, *job.ticket, manager.context().now())) return {};
      return kmip::refuse(ResultReason::kInvalidTicket, "the ticket is over, or none of this client",
                          "Ticket");
    }
    return credentials.prove(reader, *client, job.request.header.credentials, job.peer.address);
  });
}

Status Engine::State::identify(store::Reader& reader, Job& job) {
  auto client = TRY(clients.find_by_certificate(reader, job.peer.fingerprint));
  if (!client) {
    return kmip::refuse(ResultReason::kAuthenticationNotSuccessful,
                        "this certificate is not registered as a KMIP client here");
  }
  if (!job.ticket) TRY(credentials.check_proved(*client, job.request.header.credentials));
  if (job.ticket && job.ticket_of != client->added) {
    return kmip::refuse(ResultReason::kInvalidTicket, "the client was registered anew: log in again",
                        "Ticket");
  }
  job.client = *std::move(client);
  return {};
}

void Engine::State::start(std::shared_ptr<Job> job) {
  const Status proved = prove(*job);
  if (!proved && is_refused_client(proved.error())) return refuse_client(std::move(job), proved.error());
  if (!proved) return finish(*job, proved);
  if (writes(job->request)) {
    draw_ahead(*job);
    return submit_writing(std::move(job));
  }
  const auto read =
      manager.keystore().read([&](store::Reader& reader) { return run(reader, nullptr, *job); });
  if (!read && is_refused_client(read.error())) return refuse_client(std::move(job), read.error());
  if (!read) return finish(*job, read);
  submit_records(std::move(job));
}

// Items that were carried out and then undone say so (Specification 1.4 section 6.13), and nothing else that
// they gave leaves: what it cost was undone with them.
void Engine::State::finish(Job& job, const Status& durable) {
  const auto head = header(job.request.header.version, job.correlation);
  if (!durable) return job.reply(encode_refusal(head, durable.error()));
  if (job.too_large) return job.reply(encode_too_large(head, job.answers));
  for (std::size_t i = 0; job.undone && i < job.answers.size(); ++i) {
    auto& answer = job.answers[i];
    answer.undone = !answer.error;
    auto kept = identifier_alone(answer.payload);
    crypto::wipe(answer.payload);
    answer.payload = std::move(kept);
  }
  if (!job.undone) {
    streams.apply(job.streams);
    tickets.apply(job.client, job.tickets, manager.context().now());
  }
  job.reply(encode_response(head, job.answers));
}

Engine::Engine(keymgr::KeyManager& manager, keymgr::KeyFactory* factory, ServerSettings settings)
    : state_(std::make_shared<State>(manager, factory, std::move(settings))) {}

Engine::~Engine() = default;

store::Keystore::Announcement Engine::announce() const {
  return state_->manager.keystore().announce();
}

Bytes Engine::refuse(const Error& error) const {
  return encode_refusal(state_->header(kNewest), error);
}

void Engine::handle(Bytes message, const Peer& peer, Reply reply) {
  ttlv::Limits limits;
  limits.bytes = state_->settings.maximum_message_bytes;
  auto document = ttlv::decode(message, limits, tag_name);
  if (!document) {
    crypto::wipe(message);
    return reply(refuse(kmip::refuse(ResultReason::kInvalidMessage, document.error().text()).error()));
  }
  auto request = decode_request(*document);
  if (!request) {
    const auto version = version_of(*document).value_or(kNewest);
    const bool spoken = version >= kOldest && version <= kNewest;
    auto answer = encode_refusal(state_->header(spoken ? version : kNewest), request.error());
    crypto::wipe(message);
    return reply(std::move(answer));
  }
  auto job = std::make_shared<Job>(std::move(message), *std::move(document), *std::move(request), peer,
                                   std::move(reply));
  job->correlation = state_->next_correlation();
  state_->start(std::move(job));
}

}  // namespace tapewarden::kmip
