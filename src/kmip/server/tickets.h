// Tickets of Login (Specification 2.1 sections 6.1.30 and 6.1.31): for a while one stands for the user and
// password that a client gives besides its certificate. They live in this process alone: after a restart, and
// at the peer, a client logs in anew.
//
// Invariants
//  T1 A ticket is good only with the certificate that it was given to, and only while that client is
//     registered as it was then: it gives nobody what certificate and password did not give.
//  T2 Who shows a ticket gets no further one: its end is an end.
//  T3 Of a ticket only its hash is kept. A client has at most kMaximumTickets; the one that ends first makes
//     room.
//  T4 What a message does to tickets takes effect when it is durable (TicketChanges).
// Thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "keymgr/objects/kmip_clients.h"
#include "ttlv/item.h"

namespace tapewarden::kmip {

inline constexpr std::size_t kMaximumTickets = 16;  // of one client
inline constexpr std::chrono::hours kLongestTicket{24};

struct TicketTerms {
  WallTime until{};
  std::optional<std::int64_t> requests;  // that are left; nothing: as many as one likes
};

struct TicketChanges {
  std::map<Hash256, TicketTerms> made;  // by the hash of their value
  std::vector<Hash256> ended;
};

// The Ticket Value of a Ticket, hashed. Invalid Ticket.
Result<Hash256> ticket_mark(const ttlv::Item& ticket);
// That of the first Credential that is a ticket; nothing: none is.
Result<std::optional<Hash256>> ticket_in(const std::vector<ttlv::Item>& credentials);

class TicketBook {
 public:
  // Whether it is good; one of its requests is then used.
  bool use(const keymgr::KmipClient& client, const Hash256& mark, WallTime now) TW_EXCLUDES(mutex_);
  bool has(const keymgr::KmipClient& client, const Hash256& mark, WallTime now) const TW_EXCLUDES(mutex_);
  void apply(const keymgr::KmipClient& client, const TicketChanges& changes, WallTime now)
      TW_EXCLUDES(mutex_);

 private:
  // Of a client as it is registered.
  struct Entry {
    Hash256 certificate{};
    WallTime registered{};
    std::map<Hash256, TicketTerms> tickets;

    bool is_of(const keymgr::KmipClient& client) const {
      return certificate == client.fingerprint && registered == client.added;
    }
  };
  const TicketTerms* find(const keymgr::KmipClient& client, const Hash256& mark, WallTime now) const
      TW_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Entry> entries_ TW_GUARDED_BY(mutex_);  // by the client's name
};

}  // namespace tapewarden::kmip
