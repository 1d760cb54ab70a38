// The inside of Engine: a message is proved and identified (engine.cc), its items are run (engine_run.cc),
// what they miss is brought (engine_read_through.cc), and what they wrote is committed with the audit records
// before the answer leaves (engine_commit.cc).
#pragma once

#include <atomic>
#include <bit>

#include "base/concat.h"
#include "kmip/names.h"
#include "kmip/server/credential_check.h"
#include "kmip/server/crypto_streams.h"
#include "kmip/server/message_job.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {

inline constexpr std::uint32_t kUndone = 1U << 31U;  // marks the error that undoes a batch
inline constexpr std::uint32_t kAgain = 1U << 30U;   // likewise, when it is carried out again without an item
inline constexpr std::uint32_t kNeedsTime = 1U << 27U;  // a brief message that turned out not to be one
// Each says something else.
static_assert(std::popcount(kUndone | kAgain | kNeedsTransaction | kAskElsewhere | kNeedsTime) == 5);
inline constexpr std::size_t kRunCharacters = 8;

struct Engine::State : std::enable_shared_from_this<Engine::State> {
  State(keymgr::KeyManager& m, keymgr::KeyFactory* f, ServerSettings s, ReadThrough* r)
      : manager(m),
        factory(f),
        read_through(r),
        settings(std::move(s)),
        objects(m),
        clients(m.context()),
        credentials(m.context().env),
        refusals(*m.context().env.clock),
        log_records(*m.context().env.clock),
        start_mark(Uuid::random(*m.context().env.random).text().substr(0, kRunCharacters)) {}

  // nullptr: it was answered.
  std::shared_ptr<Job> read(Bytes message, const Peer& peer, Reply reply);
  void post(std::function<void()> task) const;
  void start(std::shared_ptr<Job> job);
  void start_later(std::shared_ptr<Job> job);
  void carry_out(std::shared_ptr<Job> job);
  void bring(std::shared_ptr<Job> job);
  Result<Bytes> carry_out_for(Peer peer, const std::string& source, Bytes message);
  Status prove(Job& job);
  Status use_ticket(Job& job, const keymgr::KmipClient& client);
  Status identify(store::Reader& reader, Job& job);
  Status run(store::Reader& reader, store::Transaction* transaction, Job& job);
  BatchAnswer run_item(store::Reader& reader, store::Transaction* transaction, Job& job,
                       std::optional<Uuid>& placeholder, std::size_t place);
  void record(store::Transaction& transaction, const Job& job) const;
  Status mark_served(store::Transaction& transaction, const Job& job) const;
  void draw_ahead(Job& job);
  void submit_writing(std::shared_ptr<Job> job);
  void submit_records(std::shared_ptr<Job> job);
  void refuse_client(std::shared_ptr<Job> job, const Error& error);
  // What leaves when the message is durable.
  Bytes answer_of(Job& job) const;
  void finish(Job& job, const Status& durable);
  ResponseHeader header(const ProtocolVersion& version, std::string correlation = {}) const {
    return {version, to_millis(manager.context().now()) / 1000, std::move(correlation)};
  }
  Bytes refuse(const Error& error) const { return encode_refusal(header(kNewest), error); }
  bool is_too_large(const Job& job) const;
  // Told to the client and written into the audit, so that both can say which message they mean.
  void name(Job& job) {
    job.number = ++messages;
    job.correlation = concat(start_mark, "-", job.number);
  }

  keymgr::KeyManager& manager;
  keymgr::KeyFactory* factory;
  ReadThrough* read_through;
  const ServerSettings settings;
  const keymgr::ManagedObjects objects;
  const keymgr::KmipClients clients;
  CredentialCheck credentials;
  keymgr::RefusalRecords refusals;
  keymgr::RefusalRecords log_records;  // what clients write themselves, by Log
  StreamBook streams;
  TicketBook tickets;
  const std::string start_mark;  // of this start of the server
  std::atomic<std::uint64_t> messages = 0;
};

// Who asks is none of the clients, or did not prove it.
inline bool is_refused_client(const Error& error) {
  const auto reason = reason_of(error, kNewest);
  return reason == ResultReason::kAuthenticationNotSuccessful || reason == ResultReason::kInvalidTicket;
}

}  // namespace tapewarden::kmip
