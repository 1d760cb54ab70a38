// Login and Logout (Specification 2.1 sections 6.1.30 and 6.1.31): tickets.h. Nobody acts for another one
// here, so Delegated Login is not offered.
#include <algorithm>

#include "base/concat.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "kmip/server/new_object.h"
#include "kmip/server/operations.h"
#include "kmip/server/tickets.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;

constexpr std::size_t kTicketBytes = 32;

// An interval from now, or a date.
Result<WallTime> end_of(const OperationContext& context, const Item& payload) {
  const auto now = context.now();
  const auto item = payload.find(tag::kLeaseTime);
  if (!item)
    return now + std::min<std::chrono::seconds>(std::chrono::seconds(context.settings.lease_seconds),
                                                kLongestTicket);
  const auto end = item->type() == ttlv::Type::kDateTime
                       ? time_of(TRY(item->as_date_time()))
                       : now + std::chrono::seconds(TRY(item->as_interval()));
  if (end > now && end <= now + kLongestTicket) return end;
  return refuse(ResultReason::kInvalidField,
                concat("a ticket lasts 1 second to ", kLongestTicket.count(), " hours"), "Lease Time");
}

Result<std::optional<std::int64_t>> requests_in(const Item& payload) {
  const auto item = payload.find(tag::kRequestCount);
  if (!item) return std::nullopt;
  const auto count = TRY(item->as_integer());
  if (count > 0) return std::optional<std::int64_t>(count);
  return refuse(ResultReason::kInvalidField, "it must be more than 0", "Request Count");
}

}  // namespace

Status login(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kLeaseTime, tag::kRequestCount, tag::kUsageLimits}));
  if (payload.find(tag::kUsageLimits)) {
    return refuse(ResultReason::kFeatureNotSupported, "a ticket is limited by time and requests, not by uses",
                  "Usage Limits");
  }
  if (context.ticket) {
    return refuse(ResultReason::kPermissionDenied, "a ticket gives no further ticket: log in without one",
                  "Credential");
  }
  const TicketTerms terms{TRY(end_of(context, payload)), TRY(requests_in(payload))};
  const auto value = crypto::random_secret(*context.objects.manager().context().env.random, kTicketBytes);
  context.ticket_changes.made.emplace(crypto::sha256(value.reveal()), terms);
  context.audit.emplace_back("until", format_utc(terms.until));
  out.begin(tag::kTicket).add_enumeration(tag::kTicketType, TicketType::kLogin);
  out.add_bytes(tag::kTicketValue, value.reveal()).end();
  return {};
}

Status logout(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  (void)out;
  TRY(check_fields(payload, {tag::kTicket}));
  const auto ticket = payload.find(tag::kTicket);
  if (!ticket) return refuse(ResultReason::kInvalidMessage, "it is missing", "Ticket");
  const auto mark = TRY(ticket_mark(*ticket));
  // The message itself may have used up its last request.
  if (context.ticket != mark && !context.tickets.has(context.client, mark, context.now())) {
    return refuse(ResultReason::kInvalidTicket, "the client has no such ticket, or not any more", "Ticket");
  }
  context.ticket_changes.ended.push_back(mark);
  return {};
}

}  // namespace tapewarden::kmip
