// Two-person approval (K22): what one person may not do alone is asked for, approved by a second security
// officer, and then done once. Thread-safe. Functions that change something wait for a commit.
//
// Invariants
//  A1 Nobody decides his own request. Both people count only while their accounts are as they were: enabled,
//     and the decider a security officer, with nothing changed in between (Consenter).
//  A2 An approval holds for exactly what was asked: the digest covers request and arguments. Another argument
//     is another request.
//  A3 An approved request is used at most once, at the server where it was asked, in the transaction of what
//     it permits or in one before it.
//  A4 Every step leaves an audit record that names both people as far as they are known.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "people/approval.h"
#include "people/person.h"
#include "store/keystore.h"

namespace tapewarden::people {

struct ApprovalPolicy {
  bool two_person = true;
  std::chrono::seconds lifetime{std::chrono::hours(24)};
};

struct ApprovalOptions {
  Uuid server;
  std::string server_name;
  // What the settings say now; belongs to the component that keeps them.
  std::function<Result<ApprovalPolicy>(store::Reader&)> policy;
};

struct ApprovalRequest {
  std::string request;  // method and path pattern
  Hash256 digest{};
  std::string summary;  // for people; cut at kApprovalSummaryLimit
};

struct ApprovalPage {
  std::vector<Approval> items;  // newest first
  std::string next;             // empty: no more
};

struct ApprovalHealth {
  bool two_person = true;
  std::size_t officers = 0;  // enabled security officers
  std::size_t open = 0;      // asked or approved, and not expired
};

class Approvals {
 public:
  // Borrows the keystore, which must have been opened with approval_table() and people_table().
  Approvals(Env env, store::Keystore& keystore, ApprovalOptions options);

  // Whether the policy asks for a second person now.
  Result<bool> needed();
  // The own request for the same thing that is still open, or a new one. kExhausted: too many are open.
  Result<Approval> ask(const Principal& actor, const ApprovalRequest& request);
  // Permission::kApprove. kNotFound; kPermissionDenied: his own; kConflict: it is decided, expired, or was
  // asked at another server. A refusal also takes back an approval that was not used yet.
  Result<Approval> approve(const Principal& actor, std::string_view id);
  Result<Approval> refuse(const Principal& actor, std::string_view id, std::string_view reason);
  // By the asker alone.
  Result<Approval> withdraw(const Principal& actor, std::string_view id);

  // The approval that lets `actor` do this now, unchanged; an error that says why there is none.
  Result<Approval> check(store::Reader& reader, const Principal& actor, std::string_view id,
                         const Hash256& digest) const;
  Result<Approval> check(const Principal& actor, std::string_view id, const Hash256& digest);
  // check(), and it is used up with this transaction.
  Result<Approval> use(store::Transaction& transaction, const Principal& actor, std::string_view id,
                       const Hash256& digest) const;
  // In a transaction of its own, for what is more than one.
  Result<Approval> use(const Principal& actor, std::string_view id, const Hash256& digest);

  Result<Approval> find(std::string_view id);  // kNotFound
  // `after` is the `next` of the page before. At most kApprovalPage at once.
  Result<ApprovalPage> list(std::optional<ApprovalState> state, std::size_t limit, std::string_view after);
  Result<ApprovalHealth> health();
  WallTime now() const { return env_.clock->wall_now(); }

 private:
  Result<Approval> require(store::Reader& reader, std::string_view id) const;
  Result<Approval> require_open_here(store::Reader& reader, std::string_view id) const;
  Result<Consenter> consenter(store::Reader& reader, const Principal& actor) const;
  Status check_unchanged(store::Reader& reader, const Consenter& person, bool officer) const;
  Result<std::optional<Approval>> open_twin(store::Reader& reader, const Consenter& asker,
                                            const ApprovalRequest& request) const;
  Result<Approval> decide(const Principal& actor, std::string_view id, ApprovalState to,
                          std::string_view reason);
  Status put(store::Transaction& transaction, const Principal& actor, std::string_view action,
             const Approval& approval) const;
  Status write(std::function<Status(store::Transaction&)> work);

  const Env env_;
  store::Keystore& keystore_;
  const ApprovalOptions options_;
};

}  // namespace tapewarden::people
