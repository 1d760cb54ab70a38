// A target's endpoint without sockets or threads, and the initiator's side of it: for tests and fuzzers.
// Units run when run() is called; time passes when the test says so. One thread.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "base/testing/sim_env.h"
#include "iscsi/endpoint.h"
#include "iscsi/session_table.h"

namespace tapewarden::iscsi::testing {

inline const std::string kTargetName = "iqn.2026-01.org.example:target";
inline const std::string kInitiatorName = "iqn.2026-01.org.example:host";

// Runs jobs when told to.
class ManualQueue final : public UnitQueue {
 public:
  explicit ManualQueue(std::shared_ptr<scsi::LogicalUnit> unit) : unit_(std::move(unit)) {}
  void post(Job job, bool urgent) override;
  bool run_one();  // false when there was none
  std::size_t waiting() const { return jobs_.size(); }

 private:
  std::shared_ptr<scsi::LogicalUnit> unit_;
  std::deque<Job> jobs_;
};

// Notes what it was asked for and answers as set up.
class ScriptedUnit final : public scsi::LogicalUnit {
 public:
  scsi::Response execute(const scsi::Command& command) override;
  void nexus_named(scsi::NexusId nexus, const scsi::NexusNames& names) override { named[nexus] = names; }
  void nexus_lost(scsi::NexusId nexus) override { lost.push_back(nexus); }
  void reset() override { ++resets; }

  struct Seen {
    Bytes cdb;
    scsi::NexusId nexus;
    Bytes data_out;
  };
  std::vector<Seen> seen;
  std::map<scsi::NexusId, scsi::NexusNames> named;
  std::vector<scsi::NexusId> lost;
  int resets = 0;
  // By the first CDB byte; by default GOOD, and all data taken.
  std::map<std::uint8_t, scsi::Response> answers;
};

struct Pdu {
  Header header;
  Bytes data;
};

class Bench final : public EndpointSurroundings {
 public:
  // `config` without units: LUN 0 and 5 are added to its only target.
  explicit Bench(ServerConfig config = default_config());
  ~Bench() override;
  static ServerConfig default_config();

  // --- the initiator ---
  // Gives bytes to the endpoint as they come from a socket; the error that would end the connection, if any.
  Status feed(ByteView bytes);
  Status feed(const Header& header, ByteView data = {}, ByteView ahs = {});
  // PDUs that came since the last call; digests are checked and taken off.
  std::vector<Pdu> take();
  // Exactly one; a fresh header otherwise, with a failed expectation left to the caller.
  Pdu one();
  // Runs units and what they posted until nothing is left.
  void run();

  // One login request that goes from the operational stage to the full feature phase, with `keys` besides the
  // names. The answer, and its text.
  LoginResponse login(const std::vector<KeyValue>& keys = {}, bool discovery = false);
  LoginResponse login_step(LoginRequest request, const std::vector<KeyValue>& keys);
  const Text& login_text() const { return login_text_; }

  // A SCSI command with the next CmdSN.
  ScsiCommandPdu command(ByteView cdb, std::uint32_t expected = 0, bool write = false);
  std::uint32_t next_tag() { return ++tag_; }
  std::uint32_t cmd_sn = 1;

  // --- what surrounds the endpoint ---
  void send(net::StreamPiece piece) override;
  void end(Error reason, bool after_sending) override;
  std::function<void(Task)> poster() override;
  void end_target_sessions() override { ++target_ends; }
  SteadyTime now() override { return time; }
  Result<Opening> open_session(const LoginOutcome& login) override;
  void login_refused(const Error& reason) override { refused = reason; }

  ServerConfig config;
  std::shared_ptr<ScriptedUnit> unit = std::make_shared<ScriptedUnit>();
  std::shared_ptr<ScriptedUnit> other_unit = std::make_shared<ScriptedUnit>();
  std::shared_ptr<ManualQueue> queue = std::make_shared<ManualQueue>(unit);
  std::shared_ptr<ManualQueue> other_queue = std::make_shared<ManualQueue>(other_unit);
  std::shared_ptr<SessionTable> sessions;
  std::shared_ptr<MemoryBudget> memory;
  std::optional<LoginOutcome> outcome;
  std::shared_ptr<Nexus> nexus;
  std::optional<Error> ended;
  std::optional<Error> refused;
  int target_ends = 0;
  SteadyTime time{};
  Endpoint& endpoint() { return *endpoint_; }

 private:
  tapewarden::testing::SimEnv sim_{7};
  std::shared_ptr<std::deque<Task>> posted_ = std::make_shared<std::deque<Task>>();
  std::optional<Endpoint> endpoint_;
  Digests digests_{};
  Bytes output_;
  Text login_text_;
  std::uint32_t tag_ = 0;
};

}  // namespace tapewarden::iscsi::testing
