// What every part of a session in its full feature phase shares: the numbers of RFC 7143 section 4.2.2 and
// the way out. One thread at a time, apart from what poster() gives.
//
// Invariants
//  1. ExpCmdSN and MaxCmdSN never go back; MaxCmdSN - ExpCmdSN + 1 is the window less the commands under way.
//  2. StatSN is counted up by every PDU that carries a status or an answer, and by nothing else.
#pragma once

#include <algorithm>
#include <functional>

#include "base/env.h"
#include "iscsi/negotiation.h"
#include "iscsi/session_pdu.h"
#include "net/stream.h"

namespace tapewarden::iscsi {

// What surrounds an endpoint: a stream, or a test.
class Surroundings {
 public:
  using Task = std::function<void()>;
  virtual ~Surroundings() = default;
  virtual void send(net::StreamPiece piece) = 0;
  // The connection ends: after what was sent, or at once.
  virtual void end(Error reason, bool after_sending) = 0;
  // Something that may be copied to other threads, outlives this, and runs tasks on the session's own thread
  // or drops them when that is over.
  virtual std::function<void(Task)> poster() = 0;
  // All sessions with this session's target end (TARGET COLD RESET), this one after what was sent.
  virtual void end_target_sessions() = 0;
  virtual SteadyTime now() = 0;
};

class SessionLink {
 public:
  enum class Arrival : std::uint8_t { kInOrder, kOutside, kGap };

  SessionLink(Surroundings& surroundings, const Agreed& agreed, std::uint32_t stat_sn, std::uint32_t cmd_sn,
              std::uint32_t window)
      : surroundings_(surroundings),
        agreed_(agreed),
        stat_sn_(stat_sn),
        exp_cmd_sn_(cmd_sn),
        window_(window) {}

  Surroundings& surroundings() { return surroundings_; }
  const Agreed& agreed() const { return agreed_; }
  void set_their_max_segment(std::uint32_t bytes) { agreed_.their_max_segment = bytes; }

  // Of a request that is not immediate; kOutside is to be ignored without an answer (section 4.2.2.1).
  Arrival arrival(std::uint32_t cmd_sn) const;
  void accept_command() { ++exp_cmd_sn_; }
  // Commands that take a place in the window.
  void command_begins() { ++under_way_; }
  void command_ends() { --under_way_; }

  Numbers numbers() const;   // StatSN stays
  Numbers status_numbers();  // StatSN is used up
  void send(const Header& header);
  // `data` is not copied; `keep` holds it.
  void send(Header header, ByteView data, std::shared_ptr<const void> keep);
  void send(Header header, Bytes data);

 private:
  Surroundings& surroundings_;
  Agreed agreed_;
  std::uint32_t stat_sn_;
  std::uint32_t exp_cmd_sn_;
  const std::uint32_t window_;
  std::uint32_t under_way_ = 0;
};

}  // namespace tapewarden::iscsi
