// How the items of a message are carried out, one after the other.
#include <algorithm>

#include "kmip/server/engine_state.h"

namespace tapewarden::kmip {
namespace {

constexpr std::size_t kMostDrawn = 8;  // key pairs and slow derivations; large keys take seconds each

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

}  // namespace

BatchAnswer Engine::State::run_item(store::Reader& reader, store::Transaction* transaction, Job& job,
                                    std::optional<Uuid>& placeholder, std::size_t place) {
  const auto& item = job.request.batch[place];
  const auto refused = job.refused.find(place);
  const auto version = job.request.header.version;
  BatchAnswer answer;
  answer.operation = item.operation;
  answer.id = item.id;
  const auto* spec = find_operation(item.operation, version);
  Job::Note note{spec != nullptr ? spec->name : "kmip.unknown", false, false, false, {}};
  const auto drawn = job.drawn.find(place);
  OperationContext context{objects,     job.client,  settings,   version, reader,
                           transaction, placeholder, job.served, streams, job.streams,
                           tickets,     job.tickets, job.ticket};
  if (drawn != job.drawn.end()) context.drawn = &drawn->second;
  if (spec != nullptr) context.needs = spec->needs;
  context.message = job.number;
  context.log_records = &log_records;
  context.brief = job.brief && transaction == nullptr;
  context.elsewhere = &job.elsewhere;
  ttlv::Writer out;
  out.begin(tag::kResponsePayload);
  Status done;
  if (spec == nullptr) {
    done = kmip::refuse(ResultReason::kOperationNotSupported,
                        concat(value_text(tag::kOperation, item.operation), " is not offered here in KMIP ",
                               to_string(version)),
                        "Operation");
  } else if (spec->writes() && job.peer.expired) {
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
  note.unrecorded = context.unrecorded;
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
  job.tickets = {};
  job.undone.reset();
  TRY(identify(reader, job));
  std::optional<Uuid> placeholder;
  const auto on_error = job.request.header.on_error;
  for (std::size_t place = 0; place < job.request.batch.size(); ++place) {
    job.answers.push_back(run_item(reader, transaction, job, placeholder, place));
    const auto& error = job.answers.back().error;
    if (!error) continue;
    if (transaction == nullptr && error->detail == kNeedsTransaction) return std::unexpected(*error);
    if (transaction == nullptr && job.brief && error->code == ErrorCode::kExhausted) {
      return fail(ErrorCode::kExhausted, "this takes long", {}, {}, kNeedsTime);
    }
    if (error->detail == kAskElsewhere) return std::unexpected(*error);
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

// Large RSA keys take seconds to find, and the keystore has one writer: what is not drawn here, because it
// rests on what the message itself makes, is drawn within the transaction only where that is quick.
void Engine::State::draw_ahead(Job& job) {
  const auto version = job.request.header.version;
  for (std::size_t place = 0; place < job.request.batch.size(); ++place) {
    const auto& item = job.request.batch[place];
    const auto* spec = find_operation(item.operation, version);
    if (spec == nullptr || spec->draw == nullptr || job.drawn.contains(place)) continue;
    if (job.drawn.size() >= kMostDrawn) {
      const auto refused =
          kmip::refuse(ResultReason::kServerLimitExceeded,
                       concat("one message makes at most ", kMostDrawn, " key pairs and derived keys"));
      job.refused.emplace(place, refused.error());
      continue;
    }
    DrawingWork work;
    const auto read = manager.keystore().read([&](store::Reader& reader) -> Status {
      TRY(identify(reader, job));
      std::optional<Uuid> placeholder;
      OperationContext context{objects, job.client,  settings,   version, reader,
                               nullptr, placeholder, job.served, streams, job.streams,
                               tickets, job.tickets, job.ticket};
      context.needs = spec->needs;
      context.message = job.number;
      work = TRY(spec->draw(context, item.payload));
      return {};
    });
    if (!read) continue;  // the item meets the error again, and tells it
    auto drawn = work();
    if (drawn) {
      job.drawn.emplace(place, *std::move(drawn));
    } else {
      job.refused.emplace(place, drawn.error());
    }
  }
}

}  // namespace tapewarden::kmip
