#include "admin/keyd/challenge_book.h"

namespace tapewarden::admin {

std::string ChallengeBook::keep(const Hash256& kek, keymgr::Keks::Challenge challenge) {
  const std::string number = Uuid::random(*env_.random).text();
  const MutexLock lock(mutex_);
  if (entries_.size() >= kMaximumChallenges) entries_.pop_front();
  entries_.push_back({number, kek, std::move(challenge), env_.clock->steady_now()});
  return number;
}

Result<keymgr::Keks::Challenge> ChallengeBook::take(std::string_view number, const Hash256& kek) {
  const SteadyTime now = env_.clock->steady_now();
  const MutexLock lock(mutex_);
  entries_.remove_if([&](const Entry& entry) { return now - entry.made >= kChallengeLife; });
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (it->number != number || it->kek != kek) continue;
    auto challenge = std::move(it->challenge);
    entries_.erase(it);
    return challenge;
  }
  return fail(ErrorCode::kNotFound, "no open challenge of this KEK has this number", "challenge",
              "ask for a new challenge; each takes one answer");
}

}  // namespace tapewarden::admin
