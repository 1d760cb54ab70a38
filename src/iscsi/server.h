// An iSCSI target (RFC 7143, error recovery level 0) that serves logical units over plain TCP. What is
// offered, with every key and limit: docs/formats/iscsi.md.
//
// The server owns one worker thread for each distinct logical unit, also when several targets show it: a
// unit's execute(), nexus_lost() and reset() never run side by side, and each session's commands reach it in
// the order in which they were sent. Nexus ids are counted up through the life of the process from
// kFirstNexus and never used twice; smaller ones are free for callers inside the process.
//
// The traffic is not encrypted: a portal outside the loopback network has to be asked for explicitly
// (ServerConfig::unprotected_network) and belongs inside IPsec or WireGuard.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "crypto/secret_bytes.h"
#include "scsi/logical_unit.h"

namespace tapewarden::iscsi {

inline constexpr std::uint64_t kFirstNexus = std::uint64_t{1} << 32U;
inline constexpr std::uint16_t kDefaultPort = 3260;
// One byte of peripheral or fourteen bits of flat addressing (SAM-5 section 4.7).
inline constexpr std::uint16_t kMaxLun = 0x3fff;
// CHAP secrets of fewer bytes are refused (RFC 7143 section 9.2.1: 96 bits where IPsec is not certain).
inline constexpr std::size_t kMinChapSecretBytes = 12;
inline constexpr std::size_t kMaxChapSecretBytes = 255;

struct Portal {
  std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6
  std::uint16_t port = kDefaultPort;  // 0: any free one
  // "address:port" that discovery tells, where it is another than the one listened on (NAT); empty: that one.
  std::string advertised{};
};

struct ChapAccount {
  std::string name;
  crypto::SecretBytes secret;  // kMinChapSecretBytes to kMaxChapSecretBytes
};

// CHAP (RFC 7143 section 12.1.3) with the digests MD5, SHA-1, SHA-256 and SHA3-256.
struct Authentication {
  std::vector<ChapAccount> initiators{};  // who may log in; empty: nobody has to prove who he is
  // With what this side proves itself when the initiator asks for it. Its secret must be another than any of
  // `initiators`.
  std::optional<ChapAccount> target{};
  // Initiators whose only digest is MD5 are let in: Linux' open-iscsi offers nothing else unless told.
  bool allow_md5 = true;
};

struct UnitPlace {
  std::uint16_t lun = 0;  // up to kMaxLun
  std::shared_ptr<scsi::LogicalUnit> unit;
};

struct TargetConfig {
  std::string name;                               // iqn., eui. or naa. (RFC 7143 section 4.2.7)
  std::string alias{};                            // shown to people by initiators
  std::vector<std::string> allowed_initiators{};  // names; empty: any
  Authentication authentication{};
  // REPORT LUNS is always answered here, out of this list, and never reaches a unit; so is every command for
  // a LUN without a unit.
  std::vector<UnitPlace> units{};
};

struct Limits {
  unsigned max_sessions = 256;
  // Connections that have not logged in; further ones are closed.
  unsigned max_logins = 64;
  unsigned command_window = 128;               // commands of one session under way (CmdSN window)
  unsigned max_immediate = 16;                 // immediate requests of one session under way besides
  std::size_t max_login_text = 64U << 10;      // text of one side in one negotiation step
  std::size_t max_receive_segment = 1U << 20;  // MaxRecvDataSegmentLength that is declared
  std::size_t max_burst = 4U << 20;            // MaxBurstLength
  std::size_t first_burst = 1U << 20;          // FirstBurstLength
  unsigned max_outstanding_r2t = 8;            // MaxOutstandingR2T
  std::size_t max_transfer = 32U << 20;        // of one command; longer writes are refused
  std::size_t session_memory = 128U << 20;     // data of one session's commands; beyond: TASK SET FULL
  std::size_t total_memory = 1U << 30;         // data of all sessions' commands; beyond: TASK SET FULL
  std::size_t write_queue = 8U << 20;          // answers that one initiator has not taken; beyond: no reading
  // The same in a login or a discovery session, for which nobody may have had to prove who he is.
  std::size_t discovery_write_queue = 256U << 10;
  std::chrono::milliseconds login_timeout{15'000};       // from the connection to the full feature phase
  std::chrono::milliseconds discovery_lifetime{60'000};  // of a discovery session, whatever it does
  std::chrono::milliseconds message_timeout{60'000};     // from the first byte of a PDU to its last
  std::chrono::milliseconds write_timeout{60'000};       // the initiator takes no byte of what waits for it
  std::chrono::milliseconds keepalive{30'000};  // silence before a NOP-In asks whether anybody is there
  std::chrono::milliseconds keepalive_answer{30'000};  // silence after it before the session ends
};

struct SessionInfo {
  scsi::NexusId nexus{};
  std::string initiator{};             // its name
  std::array<std::uint8_t, 6> isid{};  // with the name: the initiator port
  std::string target{};                // empty in a discovery session
  std::string remote_address{};        // "address:port"
  std::string chap_name{};             // who proved himself; empty without CHAP
  WallTime since{};
};

// Called on threads of the server: must not block and must not call the server. All may be empty.
struct SessionEvents {
  // Before the first command of the session reaches a unit.
  std::function<void(const SessionInfo&)> opened;
  std::function<void(const SessionInfo&, const std::string& reason)> closed;
  // A login was refused or a connection given up before it was a session.
  std::function<void(const std::string& remote_address, const Error& reason)> refused;
};

struct ServerConfig {
  std::vector<Portal> portals{Portal{}};
  std::vector<TargetConfig> targets{};
  Authentication discovery{};  // of discovery sessions; they see the targets whose list allows their name
  bool unprotected_network = false;  // portals outside the loopback network are meant
  unsigned threads = 2;              // that move bytes; units have their own
  Limits limits{};
  SessionEvents events{};
};

// Thread-safe.
class Server {
 public:
  // Listens and serves. kInvalidArgument naming the wrong field of the configuration; kConflict when a port
  // is taken; kPermissionDenied; kIo. `env` must outlive the server (clock and random are used).
  static Result<std::unique_ptr<Server>> start(ServerConfig config, Env env);
  ~Server();  // stop() without waiting for commands under way, except those that a unit is executing
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Of the portal with that index in the configuration.
  std::uint16_t port(std::size_t portal = 0) const;
  std::vector<SessionInfo> sessions() const;

  // Accepts nothing more, asks every initiator to log out (asynchronous message 1), takes no new commands and
  // waits at most `drain` for the end of all sessions; then cuts what is left. Returns when every unit has
  // seen the loss of every nexus and no unit is called any more. True when nothing was cut. May be called
  // again.
  bool stop(std::chrono::milliseconds drain);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tapewarden::iscsi
