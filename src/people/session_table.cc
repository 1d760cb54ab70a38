#include "people/session_table.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/random.h"

namespace tapewarden::people {
namespace {

// The token's text form is made inside secure memory: no plain copy of it is left behind.
crypto::SecretBytes hex_of(const crypto::SecretBytes& token) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  crypto::SecretBytes text = crypto::SecretBytes::zeros(2 * token.size());
  const MutableByteView out = text.reveal_mutable();
  std::size_t at = 0;
  for (const std::uint8_t byte : token.reveal()) {
    out[at++] = static_cast<std::uint8_t>(kDigits[byte >> 4]);
    out[at++] = static_cast<std::uint8_t>(kDigits[byte & 15]);
  }
  return text;
}

}  // namespace

bool SessionTable::expired(const Session& session, SteadyTime now) const {
  return now - session.opened >= limits_.absolute || now - session.last_used >= limits_.idle;
}

void SessionTable::drop_expired(SteadyTime now) {
  std::erase_if(sessions_, [&](const auto& entry) { return expired(entry.second, now); });
}

SessionTable::Sessions::iterator SessionTable::longest_idle(std::string_view person) {
  auto oldest = sessions_.end();
  for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
    if (!person.empty() && it->second.person != person) continue;
    if (oldest == sessions_.end() || it->second.last_used < oldest->second.last_used) oldest = it;
  }
  return oldest;
}

void SessionTable::make_room(std::string_view person) {
  const auto own = std::count_if(sessions_.begin(), sessions_.end(),
                                 [&](const auto& entry) { return entry.second.person == person; });
  if (static_cast<std::size_t>(own) >= limits_.each) {
    sessions_.erase(longest_idle(person));
  } else if (sessions_.size() >= limits_.total) {
    sessions_.erase(longest_idle({}));
  }
}

crypto::SecretBytes SessionTable::open(Session session) {
  crypto::SecretBytes token = hex_of(crypto::random_secret(*env_.random, kTokenBytes));
  const SteadyTime now = env_.clock->steady_now();
  session.opened = now;
  session.last_used = now;
  const MutexLock lock(mutex_);
  drop_expired(now);
  make_room(session.person);
  sessions_.emplace(crypto::sha256(token.reveal()), std::move(session));
  return token;
}

std::optional<Session> SessionTable::use(ByteView token) {
  if (token.size() != kTokenTextBytes) return std::nullopt;
  const Hash256 hash = crypto::sha256(token);
  const SteadyTime now = env_.clock->steady_now();
  const MutexLock lock(mutex_);
  const auto it = sessions_.find(hash);
  if (it == sessions_.end()) return std::nullopt;
  if (expired(it->second, now)) {
    sessions_.erase(it);
    return std::nullopt;
  }
  it->second.last_used = now;
  return it->second;
}

bool SessionTable::close(ByteView token) {
  if (token.size() != kTokenTextBytes) return false;
  const Hash256 hash = crypto::sha256(token);
  const MutexLock lock(mutex_);
  return sessions_.erase(hash) == 1;
}

void SessionTable::close_all_of(std::string_view person) {
  const MutexLock lock(mutex_);
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second.person == person; });
}

std::size_t SessionTable::size() {
  const MutexLock lock(mutex_);
  drop_expired(env_.clock->steady_now());
  return sessions_.size();
}

}  // namespace tapewarden::people
