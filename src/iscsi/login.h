// The login phase of one connection (RFC 7143 sections 6.3 and 11.12): security and operational negotiation
// up to the full feature phase. Requests in, responses out; no sockets. One thread at a time.
//
//   security ──(None, or CHAP done)──► operational ──► full feature
//       └───────────────────────────────────────────────►
//
// Invariants
//  1. Names and session type come with the first request and stay; said again, they are the same.
//  2. Nothing leads to the full feature phase before a target that asks for CHAP has its proof.
//  3. After a response with a status other than success nothing more is accepted.
#pragma once

#include <optional>

#include "base/env.h"
#include "iscsi/chap.h"
#include "iscsi/login_pdu.h"
#include "iscsi/negotiation.h"
#include "iscsi/server.h"

namespace tapewarden::iscsi {

inline constexpr std::uint16_t kPortalGroup = 1;  // all portals are one group
// Requests of one login; a login that works takes fewer than ten.
inline constexpr unsigned kMaxLoginRequests = 64;

// What a login came to.
struct LoginOutcome {
  bool discovery = false;
  const TargetConfig* target = nullptr;  // nullptr in a discovery session
  std::string initiator;
  std::string chap_name;
  Isid isid{};
  std::uint16_t connection = 0;  // CID
  std::uint32_t cmd_sn = 0;      // the first that the session uses
  Agreed agreed{};
};

struct LoginAnswer {
  LoginResponse response{};
  Bytes text{};
  std::optional<Error> error{};  // the login failed: this for our side, the response's status for the other
};

// A target's names are known to all; whether an initiator may use it is in its list.
bool allows(const TargetConfig& target, std::string_view initiator);

class Login {
 public:
  // Both must outlive this.
  Login(const ServerConfig& config, Random& random);

  // `data` is the request's data segment. StatSN, ExpCmdSN and MaxCmdSN of the answer are the caller's, as is
  // the TSIH of the last one.
  LoginAnswer handle(const LoginRequest& request, ByteView data);
  // The last answer leads to the full feature phase.
  bool done() const { return done_; }
  // REQUIRES: done().
  LoginOutcome outcome() const;

 private:
  struct Failure;
  using Step = std::expected<void, Failure>;

  Step take(const LoginRequest& request, ByteView data, LoginAnswer& answer);
  Step begin(const LoginRequest& request, const Text& in);
  Step find_target(const Text& in);
  bool same_names(const Text& in) const;
  Step security(const Text& in, Text& out);
  Step choose_method(const std::string& methods, Text& out);
  Step keys(const LoginRequest& request, const Text& in, Text& out);
  Step move_on(const LoginRequest& request, LoginAnswer& answer);
  const Authentication& authentication() const;
  bool proved() const { return authentication().initiators.empty() || (chap_ && chap_->done()); }

  const ServerConfig& config_;
  Random& random_;
  Negotiation negotiation_;
  LoginOutcome outcome_;
  std::optional<Chap> chap_;
  Bytes text_;  // of a step whose text goes on
  Stage stage_ = Stage::kSecurity;
  unsigned requests_ = 0;
  bool begun_ = false;
  bool named_ = false;  // the portal group was told
  bool method_chosen_ = false;
  bool failed_ = false;
  bool done_ = false;
};

}  // namespace tapewarden::iscsi
