// The sessions of a server: numbers them, lets a new one take the place of the old one of the same initiator
// port (RFC 7143 section 6.3.5), keeps their limit. Thread-safe.
#pragma once

#include <functional>
#include <map>

#include "base/thread_annotations.h"
#include "iscsi/login_pdu.h"
#include "iscsi/nexus.h"

namespace tapewarden::iscsi {

class SessionTable {
 public:
  using End = std::function<void(const Error& reason)>;  // ends the session's connection; any thread
  struct Grant {
    std::uint16_t tsih = 0;  // never 0
    std::shared_ptr<Nexus> nexus;
  };

  SessionTable(unsigned max_sessions, const SessionEvents& events);

  // `info` without its nexus. Ends the session with the same initiator name, ISID and target first.
  // kExhausted; kUnavailable after refuse_new().
  Result<Grant> open(SessionInfo info, std::shared_ptr<const UnitMap> units, End end);
  // The session's connection is gone. Its units are told. Does nothing for a session that was replaced.
  void close(std::uint16_t tsih, scsi::NexusId nexus, const std::string& reason);
  // Every session with that target (all of them: empty).
  void end_all(const std::string& target, const Error& reason);
  void refuse_new();
  std::vector<SessionInfo> list() const;

 private:
  struct Entry {
    std::shared_ptr<Nexus> nexus;
    End end;
  };
  void lose(const Entry& entry, const std::string& reason) const;

  const unsigned max_sessions_;
  const SessionEvents events_;
  mutable Mutex mutex_;
  std::map<std::uint16_t, Entry> entries_ TW_GUARDED_BY(mutex_);  // by TSIH
  std::uint16_t last_tsih_ TW_GUARDED_BY(mutex_) = 0;
  bool refusing_ TW_GUARDED_BY(mutex_) = false;
};

}  // namespace tapewarden::iscsi
