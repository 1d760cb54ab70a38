// The SCSI commands of one session: takes them and their data in, hands them to their units in order, sends
// answers (RFC 7143 sections 4.2.5 and 11.3 to 11.8). One thread at a time, the session's.
//
// Invariants
//  1. tasks_ holds every command from its acceptance until its answer was sent or it was dropped; each is
//     in one lane until it was handed to its unit.
//  2. A lane hands its commands on in the order of their CmdSN: one whose data is not here holds up those
//     behind it, as a tape needs it.
//  3. At most MaxOutstandingR2T transfers of a command are open; data is taken only for the first of them, in
//     order and without gaps.
#pragma once

#include <functional>
#include <map>
#include <unordered_map>

#include "iscsi/session_link.h"
#include "iscsi/task.h"

namespace tapewarden::iscsi {

struct FlowMemory {
  std::shared_ptr<MemoryBudget> session;
  std::shared_ptr<MemoryBudget> all;
  std::shared_ptr<BufferPool> pool;
};

class CommandFlow : public std::enable_shared_from_this<CommandFlow> {
 public:
  // `link` must outlive this.
  CommandFlow(SessionLink& link, std::shared_ptr<Nexus> nexus, FlowMemory memory, std::size_t max_transfer);

  // A command's header: the place for its immediate data, empty when there is none to keep.
  MutableByteView command_header(ScsiCommandPdu command, std::size_t data_bytes);
  // The PDU of command_header() is whole and accepted. False when its tag is in use.
  bool command_taken(std::size_t data_bytes);
  // It was not: its digest is wrong or its number was not the next.
  void command_refused() { incoming_.reset(); }

  MutableByteView data_header(const DataOutPdu& data, std::size_t data_bytes);
  void data_taken(const DataOutPdu& data, std::size_t data_bytes, bool digest_right);

  const Task* find(std::uint32_t task_tag) const;
  // Ends commands without an answer; their units do not see them any more if they have not begun.
  void drop_if(const std::function<bool(const Task&)>& condition);
  std::size_t immediate_under_way() const;
  // New commands are answered with BUSY from now on.
  void take_no_more() { busy_ = true; }
  const std::vector<std::uint16_t>& luns() const { return luns_; }
  const std::shared_ptr<Nexus>& nexus() const { return nexus_; }

 private:
  using TaskPtr = std::shared_ptr<Task>;

  void check(Task& task, std::size_t data_bytes);
  void ask_for_data(const TaskPtr& task);
  void sequence_ended(const TaskPtr& task);
  void ready(const TaskPtr& task);
  void advance(UnitQueue* queue);
  void hand_over(const TaskPtr& task);
  bool answer_at_once(const TaskPtr& task);
  void done(const TaskPtr& task, scsi::Response response);
  void forget(const TaskPtr& task);
  void respond(Task& task, scsi::Response response);
  void send_data_in(Task& task, ByteView data, std::shared_ptr<const void> keep, bool with_status,
                    ResidualCount residual);

  SessionLink& link_;
  const std::shared_ptr<Nexus> nexus_;
  const FlowMemory memory_;
  const std::size_t max_transfer_;
  std::vector<std::uint16_t> luns_;
  std::unordered_map<std::uint32_t, TaskPtr> tasks_;
  std::map<UnitQueue*, std::deque<TaskPtr>> lanes_;
  TaskPtr incoming_;   // between command_header() and command_taken()
  TaskPtr receiving_;  // between data_header() and data_taken(), when the data belongs to a command
  std::uint32_t last_transfer_tag_ = 0;
  bool busy_ = false;
};

}  // namespace tapewarden::iscsi
