// How what a message looks for and is not here comes from the old key server (elsewhere.h).
#include <future>

#include "kmip/server/engine_state.h"

namespace tapewarden::kmip {
namespace {

constexpr std::chrono::seconds kLongestImport{60};  // a commit, and the peer's word about it

}  // namespace

// The old server's thread answers; what waits for a snapshot or the writer goes on upon the executor.
void Engine::State::bring(std::shared_ptr<Job> job) {
  if (!job->elsewhere.sought()) {  // another part of the server marks its errors with the same number
    return finish(*job, fail(ErrorCode::kInternal, "the message looks for nothing elsewhere"));
  }
  const auto self = shared_from_this();
  const auto source = read_through->source_of(job->client.owner);
  Exchange here = [self, peer = job->peer, source](Bytes request) {
    return self->carry_out_for(peer, source, std::move(request));
  };
  const auto go_on = [self, job](std::optional<Error> trouble) {
    self->manager.context().env.executor->post([self, job, trouble = std::move(trouble)] {
      job->elsewhere.answer(trouble);
      self->carry_out(job);
    });
  };
  read_through->bring(job->client.owner, *job->elsewhere.sought(), std::move(here), go_on);
}

// The client has proved itself with the message that brought this about. That its certificate is out of its
// time keeps it from nothing here: it only reads, and what comes is not its doing.
Result<Bytes> Engine::State::carry_out_for(Peer peer, const std::string& source, Bytes message) {
  auto document = TRY(ttlv::decode(message, {}, tag_name));
  auto request = TRY(decode_request(document));
  const auto answer = std::make_shared<std::promise<Bytes>>();
  auto came = answer->get_future();
  peer.expired = false;
  auto job =
      std::make_shared<Job>(std::move(message), std::move(document), std::move(request), std::move(peer),
                            [answer](Bytes bytes) { answer->set_value(std::move(bytes)); });
  job->brought_from = source;
  name(*job);
  carry_out(std::move(job));
  if (came.wait_for(kLongestImport) == std::future_status::ready) return came.get();
  return fail(ErrorCode::kTimeout, "it was not stored in time");
}

}  // namespace tapewarden::kmip
