#include "kmip/server/elsewhere.h"

#include "base/concat.h"

namespace tapewarden::kmip {
namespace {

constexpr std::size_t kMostSought = 64;  // of one message

}  // namespace

Status Elsewhere::seek(SoughtObject sought) {
  if (source_.empty()) return {};
  const auto answered = answered_.find(sought.key());
  if (answered != answered_.end()) {
    if (answered->second) return std::unexpected(*answered->second);
    return {};
  }
  if (answered_.size() >= kMostSought) {
    return fail(ErrorCode::kUnavailable,
                concat("the old key server is asked for at most ", kMostSought, " things of one message"), {},
                "send fewer items at once");
  }
  sought_ = std::move(sought);
  return fail(ErrorCode::kUnavailable, "the old key server is asked first", {}, {}, kAskElsewhere);
}

void Elsewhere::answer(std::optional<Error> trouble) {
  if (!sought_) return;
  answered_[sought_->key()] = std::move(trouble);
  sought_.reset();
}

}  // namespace tapewarden::kmip
