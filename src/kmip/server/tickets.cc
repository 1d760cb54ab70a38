#include "kmip/server/tickets.h"

#include <algorithm>

#include "crypto/hash.h"
#include "kmip/enumerations.h"
#include "kmip/protocol.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

std::unexpected<Error> bad_ticket() {
  return refuse(ResultReason::kInvalidTicket, "this is no ticket of a login", "Ticket");
}

bool is_over(const TicketTerms& terms, WallTime now) {
  return terms.until <= now || (terms.requests && *terms.requests <= 0);
}

}  // namespace

Result<Hash256> ticket_mark(const ttlv::Item& ticket) {
  const auto type = ticket.find(tag::kTicketType);
  const auto value = ticket.find(tag::kTicketValue);
  if (!type || !value || !value->as_bytes()) return bad_ticket();
  if (type->as_enumeration().value_or(0) != static_cast<std::uint32_t>(TicketType::kLogin))
    return bad_ticket();
  return crypto::sha256(TRY(value->as_bytes()));
}

Result<std::optional<Hash256>> ticket_in(const std::vector<ttlv::Item>& credentials) {
  for (const auto& credential : credentials) {
    const auto type = credential.find(tag::kCredentialType);
    if (!type || type->as_enumeration().value_or(0) != static_cast<std::uint32_t>(CredentialType::kTicket))
      continue;
    const auto value = credential.find(tag::kCredentialValue);
    const auto ticket = value ? value->find(tag::kTicket) : std::nullopt;
    if (!ticket) return bad_ticket();
    return TRY(ticket_mark(*ticket));
  }
  return std::nullopt;
}

const TicketTerms* TicketBook::find(const keymgr::KmipClient& client, const Hash256& mark,
                                    WallTime now) const {
  const auto entry = entries_.find(client.name);
  if (entry == entries_.end() || !entry->second.is_of(client)) return nullptr;
  const auto ticket = entry->second.tickets.find(mark);
  return ticket != entry->second.tickets.end() && !is_over(ticket->second, now) ? &ticket->second : nullptr;
}

bool TicketBook::has(const keymgr::KmipClient& client, const Hash256& mark, WallTime now) const {
  const MutexLock lock(mutex_);
  return find(client, mark, now) != nullptr;
}

bool TicketBook::use(const keymgr::KmipClient& client, const Hash256& mark, WallTime now) {
  const MutexLock lock(mutex_);
  if (find(client, mark, now) == nullptr) return false;
  auto& terms = entries_[client.name].tickets[mark];
  if (terms.requests) --*terms.requests;
  return true;
}

void TicketBook::apply(const keymgr::KmipClient& client, const TicketChanges& changes, WallTime now) {
  if (changes.made.empty() && changes.ended.empty()) return;
  const MutexLock lock(mutex_);
  auto& entry = entries_[client.name];
  if (!entry.is_of(client)) entry = {client.fingerprint, client.added, {}};
  for (const auto& [mark, terms] : changes.made) entry.tickets[mark] = terms;
  for (const auto& mark : changes.ended) entry.tickets.erase(mark);
  std::erase_if(entry.tickets, [&](const auto& ticket) { return is_over(ticket.second, now); });
  while (entry.tickets.size() > kMaximumTickets) {
    entry.tickets.erase(
        std::ranges::min_element(entry.tickets, {}, [](const auto& ticket) { return ticket.second.until; }));
  }
  if (entry.tickets.empty()) entries_.erase(client.name);
}

}  // namespace tapewarden::kmip
