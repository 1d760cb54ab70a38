#include "kmip/server/engine.h"

#include <algorithm>
#include <atomic>
#include <map>

#include "base/concat.h"
#include "crypto/hash.h"
#include "crypto/secret_bytes.h"
#include "keymgr/audit_note.h"
#include "kmip/message.h"
#include "kmip/names.h"
#include "kmip/server/credential_check.h"
#include "kmip/server/crypto_streams.h"
#include "kmip/server/operation.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::AuditType;
using keymgr::KmipClient;

constexpr std::uint32_t kUndone = 1U << 31U;  // marks the error that undoes a batch
constexpr std::uint32_t kAgain = 1U << 30U;   // likewise, when it is carried out again without an item
constexpr std::size_t kRunCharacters = 8;
constexpr std::size_t kMostDrawn = 8;  // key pairs; large ones take seconds each

// A message under way. Shared by the tasks that carry it; one of them at a time.
struct Job {
  Bytes message;  // what the document looks into
  ttlv::Document document;
  RequestMessage request;
  Peer peer;
  Engine::Reply reply;
  KmipClient client;

  // What became of the items: made anew by each run.
  struct Note {
    std::string_view action;
    bool success = false;
    bool key_left = false;
    AuditFields fields;
  };
  std::vector<BatchAnswer> answers;
  std::vector<Note> notes;
  std::vector<Uuid> served;
  StreamChanges streams;
  std::optional<Error> undone;                         // the failure that undid the batch
  bool too_large = false;                              // the answer: then nothing is done either
  std::map<std::size_t, crypto::AsymmetricKey> drawn;  // by the items' places
  // Items that failed in an earlier run, by their places: what they had written by then is undone by running
  // the others alone.
  std::map<std::size_t, Error> refused;
  std::string correlation;  // Server Correlation Value

  ~Job() {
    crypto::wipe(message);
    for (auto& answer : answers) crypto::wipe(answer.payload);
  }
};

// A record has each name once: an operation that names several objects lists them in one field.
AuditFields with_each_name_once(AuditFields fields) {
  AuditFields out;
  for (auto& field : fields) {
    const auto before = std::ranges::find(out, field.first, &AuditFields::value_type::first);
    if (before == out.end()) {
      out.push_back(std::move(field));
    } else if (before->second != field.second) {
      before->second += ' ' + field.second;
    }
  }
  return out;
}

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

bool is_refused_client(const Error& error) {
  return reason_of(error, kNewest) == ResultReason::kAuthenticationNotSuccessful;
}

}  // namespace

struct Engine::State : std::enable_shared_from_this<Engine::State> {
  State(keymgr::KeyManager& m, keymgr::KeyFactory* f, ServerSettings s)
      : manager(m),
        factory(f),
        settings(std::move(s)),
        objects(m),
        clients(m.context()),
        credentials(clients, m.context().env),
        refusals(*m.context().env.clock),
        start_mark(Uuid::random(*m.context().env.random).text().substr(0, kRunCharacters)) {}

  void start(std::shared_ptr<Job> job);
  Status prove(Job& job);
  Status identify(store::Reader& reader, Job& job);
  Status run(store::Reader& reader, store::Transaction* transaction, Job& job);
  BatchAnswer run_item(store::Reader& reader, store::Transaction* transaction, Job& job,
                       std::optional<Uuid>& placeholder, std::size_t place) const;
  void record(store::Transaction& transaction, const Job& job) const;
  Status mark_served(store::Transaction& transaction, const Job& job) const;
  void draw_ahead(Job& job);
  void submit_writing(std::shared_ptr<Job> job);
  void submit_records(std::shared_ptr<Job> job);
  void refuse_client(std::shared_ptr<Job> job, const Error& error);
  void finish(Job& job, const Status& durable);
  ResponseHeader header(const ProtocolVersion& version, std::string correlation = {}) const {
    return {version, to_millis(manager.context().now()) / 1000, std::move(correlation)};
  }
  bool is_too_large(const Job& job) const;
  // Told to the client and written into the audit, so that both can say which message they mean.
  std::string next_correlation() { return concat(start_mark, "-", ++messages); }

  keymgr::KeyManager& manager;
  keymgr::KeyFactory* factory;
  const ServerSettings settings;
  const keymgr::ManagedObjects objects;
  const keymgr::KmipClients clients;
  CredentialCheck credentials;
  keymgr::RefusalRecords refusals;
  StreamBook streams;
  const std::string start_mark;  // of this start of the server
  std::atomic<std::uint64_t> messages = 0;
};

// Slow where a password is looked at for the first time: before anything is carried out.
Status Engine::State::prove(Job& job) {
  if (job.request.header.credentials.empty()) return {};
  return manager.keystore().read([&](store::Reader& reader) -> Status {
    const auto client = TRY(clients.find_by_certificate(reader, job.peer.fingerprint));
    if (!client) return {};
    return credentials.prove(reader, *client, job.request.header.credentials, job.peer.address);
  });
}

Status Engine::State::identify(store::Reader& reader, Job& job) {
  auto client = TRY(clients.find_by_certificate(reader, job.peer.fingerprint));
  if (!client) {
    return kmip::refuse(ResultReason::kAuthenticationNotSuccessful,
                        "this certificate is not registered as a KMIP client here; the key server's operator "
                        "registers it: tapewarden kmip register-client");
  }
  TRY(credentials.check_proved(*client, job.request.header.credentials));
  job.client = *std::move(client);
  return {};
}

BatchAnswer Engine::State::run_item(store::Reader& reader, store::Transaction* transaction, Job& job,
                                    std::optional<Uuid>& placeholder, std::size_t place) const {
  const auto& item = job.request.batch[place];
  const auto refused = job.refused.find(place);
  const auto version = job.request.header.version;
  BatchAnswer answer;
  answer.operation = item.operation;
  answer.id = item.id;
  const auto* spec = find_operation(item.operation, version);
  Job::Note note{spec != nullptr ? spec->name : "kmip.unknown", false, false, {}};
  const auto drawn = job.drawn.find(place);
  OperationContext context{objects,     job.client,  settings,   version, reader,
                           transaction, placeholder, job.served, streams, job.streams};
  if (drawn != job.drawn.end()) context.drawn = &drawn->second;
  ttlv::Writer out;
  out.begin(tag::kResponsePayload);
  Status done;
  if (spec == nullptr) {
    done = kmip::refuse(ResultReason::kOperationNotSupported,
                        concat(value_text(tag::kOperation, item.operation), " is not offered here in KMIP ",
                               to_string(version)),
                        "Operation");
  } else if (spec->writes && job.peer.expired) {
    done = kmip::refuse(ResultReason::kPermissionDenied,
                        "the client's certificate is out of its time: what is here can be read, and nothing "
                        "made or changed before it has a new one");
  } else if (item.critical_extension) {
    done = kmip::refuse(ResultReason::kFeatureNotSupported, "this message extension is not known here",
                        "Message Extension");
  } else if (refused != job.refused.end()) {
    done = std::unexpected(refused->second);
  } else {
    done = spec->run(context, item.payload, out);
  }
  out.end();
  note.fields = with_each_name_once(std::move(context.audit));
  note.success = done.has_value();
  note.key_left = context.serves_a_key;
  if (done) {
    answer.payload = out.take();
  } else {
    answer.error = done.error();
    placeholder.reset();  // the next item must not get what an item before this one made or found
    note.fields.emplace_back(
        "reason",
        value_text(tag::kResultReason, static_cast<std::uint32_t>(reason_of(done.error(), kNewest))));
    note.fields.emplace_back("text", done.error().text());
  }
  job.notes.push_back(std::move(note));
  return answer;
}

Status Engine::State::run(store::Reader& reader, store::Transaction* transaction, Job& job) {
  for (auto& answer : job.answers) crypto::wipe(answer.payload);
  job.answers.clear();
  job.notes.clear();
  job.served.clear();
  job.streams.clear();
  job.undone.reset();
  TRY(identify(reader, job));
  std::optional<Uuid> placeholder;
  const auto on_error = job.request.header.on_error;
  for (std::size_t place = 0; place < job.request.batch.size(); ++place) {
    job.answers.push_back(run_item(reader, transaction, job, placeholder, place));
    const auto& error = job.answers.back().error;
    if (!error) continue;
    if (transaction != nullptr && on_error != BatchErrorContinuationOption::kUndo &&
        job.refused.emplace(place, *error).second) {
      return fail(ErrorCode::kConflict, "an item failed: the others are carried out alone", {}, {}, kAgain);
    }
    if (on_error == BatchErrorContinuationOption::kStop) break;
    if (on_error == BatchErrorContinuationOption::kUndo) {
      job.undone = job.answers.back().error;
      break;
    }
  }
  job.too_large = is_too_large(job);
  return {};
}

bool Engine::State::is_too_large(const Job& job) const {
  const auto most = job.request.header.maximum_response_bytes;
  if (!most) return false;
  auto answer = encode_response(header(job.request.header.version, job.correlation), job.answers);
  const bool larger = std::cmp_greater(answer.size(), *most);
  crypto::wipe(answer);
  return larger;
}

void Engine::State::record(store::Transaction& transaction, const Job& job) const {
  for (const auto& item : job.notes) {
    keymgr::AuditNote note{item.key_left ? AuditType::kKeyServing : AuditType::kResourceManagement,
                           item.action,
                           {job.client.name, keymgr::ActorKind::kDevice},
                           item.success && !job.undone && !job.too_large,
                           item.fields};
    note.fields.emplace_back("address", job.peer.address);
    note.fields.emplace_back("answer", job.correlation);
    if (!job.request.header.client_correlation.empty()) {
      note.fields.emplace_back("correlation", job.request.header.client_correlation);
    }
    keymgr::note(transaction, manager.context(), note);
  }
}

Status Engine::State::mark_served(store::Transaction& transaction, const Job& job) const {
  for (const auto& id : job.served) {
    const auto object = TRY(objects.find(transaction, id));
    if (!object) continue;
    const auto fresh = AttributeId::of(tag::kFresh);
    if (boolean_of(object->attributes.find(fresh)) != std::optional(true)) continue;
    auto after = *object;
    after.attributes.set(fresh, boolean_item(tag::kFresh, false));
    TRY(objects.change(transaction, *object, std::move(after)));
  }
  return {};
}

// A flood of refusals must not fill the disk: the others are counted.
void Engine::State::refuse_client(std::shared_ptr<Job> job, const Error& error) {
  const auto repeated = refusals.next(job->peer.fingerprint);
  if (!repeated) return finish(*job, std::unexpected(error));
  keymgr::AuditNote note{AuditType::kAuthentication,
                         "kmip.authenticate",
                         {job->peer.name, keymgr::ActorKind::kDevice},
                         false,
                         {{"reason", error.message},
                          {"certificate", to_hex(job->peer.fingerprint)},
                          {"address", job->peer.address}}};
  if (*repeated > 0) note.fields.emplace_back("repeated", std::to_string(*repeated));
  const auto self = shared_from_this();
  manager.keystore().submit(
      [self, note = std::move(note)](store::Transaction& transaction) -> Status {
        keymgr::note(transaction, self->manager.context(), note);
        return {};
      },
      [self, job, error](const Result<store::CommitInfo>&) { self->finish(*job, std::unexpected(error)); });
}

// Large RSA keys take seconds to find, and the keystore has one writer.
void Engine::State::draw_ahead(Job& job) {
  const auto version = job.request.header.version;
  for (std::size_t place = 0; place < job.request.batch.size(); ++place) {
    const auto& item = job.request.batch[place];
    const auto* spec = find_operation(item.operation, version);
    if (spec == nullptr || spec->draw == nullptr) continue;
    if (job.drawn.size() >= kMostDrawn) {
      const auto refused = kmip::refuse(ResultReason::kServerLimitExceeded,
                                        concat("one message makes at most ", kMostDrawn, " key pairs"));
      job.refused.emplace(place, refused.error());
      continue;
    }
    const auto read = manager.keystore().read([&](store::Reader& reader) -> Status {
      TRY(identify(reader, job));
      std::optional<Uuid> placeholder;
      OperationContext context{objects, job.client,  settings,   version, reader,
                               nullptr, placeholder, job.served, streams, job.streams};
      job.drawn.emplace(place, TRY(spec->draw(context, item.payload)));
      return {};
    });
    if (!read) continue;  // the item meets the error again, and tells it
  }
}

void Engine::State::submit_writing(std::shared_ptr<Job> job) {
  const auto self = shared_from_this();
  manager.keystore().submit(
      [self, job](store::Transaction& transaction) -> Status {
        TRY(self->run(transaction, &transaction, *job));
        if (job->undone || job->too_large) {
          return fail(ErrorCode::kConflict, "the batch was undone", {}, {}, kUndone);
        }
        TRY(self->mark_served(transaction, *job));
        self->record(transaction, *job);
        return {};
      },
      [self, job](const Result<store::CommitInfo>& result) {
        const bool undone = !result && result.error().detail == kUndone;
        if (undone) return self->submit_records(job);
        if (!result && is_refused_client(result.error())) return self->refuse_client(job, result.error());
        if (!result && result.error().detail == kAgain) return self->submit_writing(job);
        if (self->factory != nullptr) self->factory->poke();
        self->finish(*job, result ? Status() : Status(std::unexpected(result.error())));
      });
}

void Engine::State::submit_records(std::shared_ptr<Job> job) {
  const auto self = shared_from_this();
  manager.keystore().submit(
      [self, job](store::Transaction& transaction) -> Status {
        if (!job->undone && !job->too_large) TRY(self->mark_served(transaction, *job));
        self->record(transaction, *job);
        return {};
      },
      [self, job](const Result<store::CommitInfo>& result) {
        self->finish(*job, result ? Status() : Status(std::unexpected(result.error())));
      });
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
  if (!job.undone) streams.apply(job.streams);
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
