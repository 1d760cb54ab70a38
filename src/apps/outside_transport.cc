#include "apps/outside_transport.h"

namespace tapewarden::apps {

Result<tape::TransportAnswer> OutsideTransport::execute(ByteView cdb, ByteView data_out,
                                                        std::size_t data_in_limit,
                                                        std::chrono::milliseconds timeout) {
  if (renewed_.exchange(false)) broken_.reset();
  if (broken_)
    return fail(ErrorCode::kUnavailable, "the connection broke before: " + broken_->message, broken_->field,
                broken_->remedy);
  if (inner_ == nullptr) inner_ = TRY(open_());
  auto answer = inner_->execute(cdb, data_out, data_in_limit, timeout);
  if (answer) return answer;
  inner_.reset();
  if (after_break_ == AfterBreak::kStaysBroken) broken_ = answer.error();
  return answer;
}

}  // namespace tapewarden::apps
