// The second person's consent on its way through a route (K22): the first call asks for it, the call that
// brings its id runs. Thread-safe as people::Approvals.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "admin/http/route.h"
#include "people/approvals.h"

namespace tapewarden::admin {

// The request header that brings an approval's id.
inline constexpr std::string_view kApprovalHeader = "tapewarden-approval";

// An approval that fits the call it came with. Used up once, by the handler's transaction or before it.
class Consent {
 public:
  Consent(people::Approvals& approvals, people::Principal actor, people::Approval approval)
      : approvals_(approvals), actor_(std::move(actor)), approval_(std::move(approval)) {}

  const people::Approval& approval() const { return approval_; }
  // Within the transaction of what it permits. kConflict when it was used or lost its force since.
  Status use(store::Transaction& transaction) const;
  // In a transaction of its own, unless it was tried within another one.
  Status use_before() const;
  bool tried() const { return tried_.load(); }

 private:
  people::Approvals& approvals_;
  people::Principal actor_;
  people::Approval approval_;
  mutable std::atomic<bool> tried_ = false;
};

// For handlers: uses the consent within the transaction; nothing to do where two-person approval is off.
inline Status use_consent(const Request& request, store::Transaction& transaction) {
  return request.consent ? request.consent->use(transaction) : Status{};
}
// Who consented; empty where two-person approval is off.
inline std::string consenting_person(const Request& request) {
  return request.consent ? request.consent->approval().decider.name : std::string();
}

// Runs a route with two_person: asks (202) when `approval_id` is empty and the policy wants two people.
Result<Answer> run_with_consent(people::Approvals& approvals, const Route& route, Request& request,
                                std::string_view approval_id);

// 202: what a call that waits for its second person is answered.
Answer asked_answer(const people::Approval& approval, WallTime now);

// GET /v1/approvals and what follows from it.
std::vector<Route> approval_routes(people::Approvals& approvals);

}  // namespace tapewarden::admin
