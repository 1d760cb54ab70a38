// One session in its full feature phase: numbers requests, dispatches them, and answers everything that is
// not a SCSI command (those: command_flow.h). PDUs in, PDUs out; no sockets. One thread at a time.
#pragma once

#include <optional>

#include "iscsi/command_flow.h"
#include "iscsi/login.h"

namespace tapewarden::iscsi {

struct SessionStart {
  LoginOutcome login;
  std::shared_ptr<Nexus> nexus;
  std::uint32_t stat_sn = 0;     // of the next answer
  std::string portal_address{};  // that discovery tells, "address:port"
  FlowMemory memory;
};

class FullFeature {
 public:
  // `surroundings` and `config` must outlive this.
  FullFeature(Surroundings& surroundings, const ServerConfig& config, SessionStart start);

  // See PduSink. An error ends the connection.
  Result<MutableByteView> on_header(const Header& header, ByteView ahs);
  Status on_pdu(const Header& header, ByteView data, bool digest_right);

  // The initiator was silent until now: asks whether it is there. Returns when to come back; kTimeout when it
  // did not answer the last time.
  Result<SteadyTime> on_silence();
  SteadyTime silent_until() const;
  // Asks the initiator to log out within `seconds`; new commands are answered with BUSY.
  void request_logout(std::uint16_t seconds);

 private:
  using Handler = Status (FullFeature::*)(const Header& header, ByteView data);
  struct Entry;

  // What the request's number says: handle it, or leave it. An error for a gap.
  Result<bool> accept(bool immediate, std::uint32_t cmd_sn);
  void reject(const Header& header, RejectReason reason);

  Status scsi_command(const Header& header, ByteView data);
  Status nop_out(const Header& header, ByteView data);
  Status task_request(const Header& header, ByteView data);
  Status text_request(const Header& header, ByteView data);
  Status logout_request(const Header& header, ByteView data);
  Status snack(const Header& header, ByteView data);

  void answer_task(std::uint32_t task_tag, TaskAnswer answer);
  void abort_task(const TaskRequestPdu& request);
  void end_tasks(const TaskRequestPdu& request);
  void reset_target(const TaskRequestPdu& request);
  void after_units(const std::vector<std::shared_ptr<UnitQueue>>& queues, bool reset, std::uint32_t task_tag,
                   bool cold);

  Result<Text> answer_text(const Text& in);
  void send_targets(const std::string& value, Text& out) const;
  void send_text(std::uint32_t task_tag);

  Surroundings& surroundings_;
  const ServerConfig& config_;
  const SessionStart start_;
  SessionLink link_;
  const std::shared_ptr<CommandFlow> flow_;
  Negotiation negotiation_;
  SteadyTime heard_{};
  SteadyTime pinged_{};
  bool waiting_for_ping_ = false;
  std::size_t tasks_managed_ = 0;  // task requests under way
  bool accepted_ = false;          // the command whose data is being read
  Bytes text_in_;
  Bytes text_out_;
  std::uint32_t text_tag_ = kNoTag;  // transfer tag of a text exchange that goes on
  std::uint32_t last_text_tag_ = 0;
  std::uint32_t last_ping_tag_ = 0;
  bool ending_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // what is posted checks it
};

}  // namespace tapewarden::iscsi
