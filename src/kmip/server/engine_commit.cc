// What is written of a message: its changes, and the audit records of its items, in one transaction.
#include "keymgr/audit_note.h"
#include "kmip/server/engine_state.h"

namespace tapewarden::kmip {

using keymgr::AuditType;

void Engine::State::record(store::Transaction& transaction, const Job& job) const {
  for (const auto& item : job.notes) {
    if (item.unrecorded) continue;
    keymgr::AuditNote note{item.key_left ? AuditType::kKeyServing : AuditType::kResourceManagement,
                           item.action,
                           {job.client.name, keymgr::ActorKind::kDevice},
                           item.success && !job.undone && !job.too_large,
                           item.fields};
    note.fields.emplace_back("address", job.peer.address);
    note.fields.emplace_back("answer", job.correlation);
    if (!job.brought_from.empty()) note.fields.emplace_back("read_through", job.brought_from);
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
        if (!result && result.error().detail == kAskElsewhere) return self->bring(job);
        if (self->factory != nullptr) self->factory->poke();
        self->finish(*job, result ? Status() : Status(std::unexpected(result.error())));
      });
}

// The answer is ready: it leaves from the thread that finds its records durable.
void Engine::State::submit_records(std::shared_ptr<Job> job) {
  const auto self = shared_from_this();
  job->prepared = crypto::WipedBytes(answer_of(*job));
  manager.keystore().submit_direct(
      [self, job](store::Transaction& transaction) -> Status {
        if (!job->undone && !job->too_large) TRY(self->mark_served(transaction, *job));
        self->record(transaction, *job);
        return {};
      },
      [self, job](const Result<store::CommitInfo>& result) {
        self->finish(*job, result ? Status() : Status(std::unexpected(result.error())));
      });
}

}  // namespace tapewarden::kmip
