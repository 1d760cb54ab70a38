// Makes checkpoints of this server's audit record and sends them where who changes the record cannot reach
// (K13): to the peer and to a syslog; and sends chosen events to the syslog. One thread of its own.
// Thread-safe.
//
//   made ──checkpointed()──▶ waiting for the peer ──send()──▶ held there
//                                   ▲      │ no answer: at the next look
//                                   └──────┘
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apps/ticker.h"
#include "audit/audit_file.h"
#include "audit/record.h"
#include "base/env.h"
#include "base/thread_annotations.h"
#include "keymgr/custody/checkpoint_exchange.h"
#include "net/syslog.h"
#include "store/keystore.h"

namespace tapewarden::apps {

// Which events go to the syslog, beside every checkpoint.
struct SyslogFilter {
  std::set<audit::EventType> types;  // empty: none
  std::set<audit::Outcome> outcomes;
};

struct AnchorOptions {
  std::chrono::milliseconds every = std::chrono::hours{24};   // between two checkpoints
  std::chrono::milliseconds look = std::chrono::seconds{30};  // what the peer has not taken is sent again
  SyslogFilter filter;
};

class AnchorKeeper final : public audit::AuditObserver {
 public:
  // Borrows all; `exchange` and `syslog` may be null. The first checkpoint is made at once. REQUIRES: the
  // audit file has a signer and belongs to the keystore.
  AnchorKeeper(Env env, store::Keystore& keystore, audit::AuditFile& audit,
               keymgr::CheckpointExchange* exchange, net::SyslogSender* syslog, AnchorOptions options);
  ~AnchorKeeper() override;

  // A checkpoint now. REQUIRES: not called on the keystore's writer thread nor by one of the executor's
  // tasks.
  Result<audit::CheckpointNote> make();
  // What the operator must be told.
  std::vector<std::string> warnings() const;

  void recorded(const audit::Line& line, std::string_view text) override;
  void checkpointed(const audit::CheckpointNote& note) override;

 private:
  Result<audit::CheckpointNote> make_one();
  void look();
  void send_to_peer();

  Env env_;
  store::Keystore& keystore_;
  audit::AuditFile& audit_;
  keymgr::CheckpointExchange* const exchange_;
  net::SyslogSender* const syslog_;
  const AnchorOptions options_;
  mutable Mutex mutex_;
  std::optional<SteadyTime> made_ TW_GUARDED_BY(mutex_);
  std::optional<audit::CheckpointNote> waiting_ TW_GUARDED_BY(mutex_);  // the newest that the peer lacks
  std::string refused_ TW_GUARDED_BY(mutex_);  // why the peer would not take one; empty after it took one
  std::string failed_ TW_GUARDED_BY(mutex_);   // why none could be made
  std::optional<Ticker> ticker_;               // last: its thread uses the others
};

}  // namespace tapewarden::apps
