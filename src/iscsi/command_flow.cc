#include "iscsi/command_flow.h"

#include <algorithm>

#include "base/assert.h"
#include "iscsi/data_in.h"
#include "iscsi/lun.h"
#include "scsi/cdb.h"
#include "scsi/sense_codes.h"

namespace tapewarden::iscsi {

namespace {

using scsi::SenseCode;
using scsi::SenseKey;

// The iSCSI conditions of RFC 7143 section 11.4.7.2.
constexpr SenseCode kUnexpectedData{SenseKey::kAbortedCommand, 0x0c, 0x0c};
constexpr SenseCode kIncorrectAmount{SenseKey::kAbortedCommand, 0x0c, 0x0d};
constexpr SenseCode kDigestError{SenseKey::kAbortedCommand, 0x47, 0x05};

scsi::Response refusal(SenseCode code) {
  return scsi::check_condition({.code = code});
}

// REQUIRES: all data is here.
scsi::Command command_of(const Task& task) {
  scsi::Command command{.cdb = task.command.cdb, .nexus = task.nexus->id()};
  if (task.data_out) {
    command.data_out = task.data_out->buffer.view().first(task.received);
    command.keep = task.data_out;
  }
  return command;
}

// A host may hand a drive its data key in clear (SPC-4: SECURITY PROTOCOL OUT with protocol 20h).
bool carries_keys(ByteView cdb) {
  return cdb[0] == static_cast<std::uint8_t>(scsi::Opcode::kSecurityProtocolOut);
}

}  // namespace

CommandFlow::CommandFlow(SessionLink& link, std::shared_ptr<Nexus> nexus, FlowMemory memory,
                         std::size_t max_transfer)
    : link_(link), nexus_(std::move(nexus)), memory_(std::move(memory)), max_transfer_(max_transfer) {
  for (const auto& [lun, queue] : nexus_->units()) luns_.push_back(lun);
}

// --- commands come in ---

MutableByteView CommandFlow::command_header(ScsiCommandPdu command, std::size_t data_bytes) {
  incoming_ = std::make_shared<Task>();
  auto& task = *incoming_;
  task.command = std::move(command);
  task.nexus = nexus_;
  check(task, data_bytes);
  if (task.answer || !task.command.write) return {};
  task.data_out = std::make_shared<DataOut>(
      DataOut{std::move(task.memory), memory_.pool->take(task.command.expected_bytes)});
  if (carries_keys(task.command.cdb)) task.data_out->buffer.wipe_after_use();
  return task.data_out->buffer.view().first(data_bytes);
}

// Finds the unit, or the answer of a command that no unit has to see.
void CommandFlow::check(Task& task, std::size_t data_bytes) {
  const auto& command = task.command;
  const auto& agreed = link_.agreed();
  const auto lun = decode_lun(command.lun);
  const auto unit = lun ? nexus_->units().find(*lun) : nexus_->units().end();
  if (unit != nexus_->units().end()) task.queue = unit->second;
  if (busy_) {
    task.answer = scsi::Response{.status = scsi::ScsiStatus::kBusy};
  } else if (is_for_target(command.cdb, task.queue != nullptr)) {
    task.answer = answer_for_target(command.cdb, command.lun, luns_);
  } else if ((command.read && command.write) || command.has_read_length) {
    task.answer = refusal(scsi::sense_codes::kInvalidFieldInCdb);  // nothing here moves data both ways
  } else if (command.write && command.expected_bytes > max_transfer_) {
    task.answer = refusal(scsi::sense_codes::kInvalidFieldInCdb);
  } else if (data_bytes > 0 && (!command.write || !agreed.immediate_data)) {
    task.answer = refusal(kUnexpectedData);
  } else if (data_bytes > std::min(command.expected_bytes, agreed.first_burst)) {
    task.answer = refusal(kIncorrectAmount);
  } else if (!command.final && (!command.write || agreed.initial_r2t)) {
    task.answer = refusal(kUnexpectedData);
  } else if (command.read || command.write) {
    const auto bytes = std::min<std::size_t>(command.expected_bytes, max_transfer_);
    task.memory =
        MemoryShare::of(memory_.session, memory_.all, command.write ? BufferPool::size_for(bytes) : bytes);
    if (!task.memory) task.answer = scsi::Response{.status = kTaskSetFull};
  }
}

bool CommandFlow::command_taken(std::size_t data_bytes) {
  const auto task = std::move(incoming_);
  TW_ASSERT(task != nullptr);
  if (tasks_.contains(task->command.task_tag)) return false;
  if (task->answer) {
    respond(*task, std::move(*task->answer));
    return true;
  }
  tasks_.emplace(task->command.task_tag, task);
  if (!task->command.immediate) link_.command_begins();
  task->epoch = task->queue->epoch();
  lanes_[task->queue.get()].push_back(task);
  task->received = task->requested = static_cast<std::uint32_t>(data_bytes);
  task->unsolicited = !task->command.final;
  if (!task->command.write)
    ready(task);
  else if (!task->unsolicited)
    ask_for_data(task);
  return true;
}

// --- their data comes in ---

void CommandFlow::ask_for_data(const TaskPtr& task) {
  const auto expected = task->command.expected_bytes;
  if (task->received == expected) return ready(task);
  while (task->requested < expected && task->transfers.size() < link_.agreed().max_outstanding_r2t) {
    if (++last_transfer_tag_ == kNoTag) ++last_transfer_tag_;
    const Transfer transfer{.tag = last_transfer_tag_,
                            .offset = task->requested,
                            .bytes = std::min(link_.agreed().max_burst, expected - task->requested)};
    task->requested += transfer.bytes;
    task->transfers.push_back(transfer);
    const R2tPdu r2t{.lun = task->command.lun,
                     .task_tag = task->command.task_tag,
                     .transfer_tag = transfer.tag,
                     .numbers = link_.numbers(),
                     .r2t_sn = task->data_pdus++,
                     .offset = transfer.offset,
                     .bytes = transfer.bytes};
    link_.send(r2t.encode());
  }
}

// Data for a command that is not there any more (aborted, or answered early) is read and forgotten.
MutableByteView CommandFlow::data_header(const DataOutPdu& data, std::size_t data_bytes) {
  receiving_.reset();
  const auto found = tasks_.find(data.task_tag);
  if (found == tasks_.end() || found->second->ready || !found->second->command.write) return {};
  auto& task = *found->second;
  receiving_ = found->second;
  if (task.fault) return {};
  const bool unsolicited = data.transfer_tag == kNoTag;
  auto* transfer = task.transfers.empty() ? nullptr : &task.transfers.front();
  if (unsolicited ? !task.unsolicited : transfer == nullptr || transfer->tag != data.transfer_tag) {
    task.fault = kUnexpectedData;
    return {};
  }
  const auto expected = task.command.expected_bytes;
  const auto limit =
      unsolicited ? std::min(link_.agreed().first_burst, expected) : transfer->offset + transfer->bytes;
  const auto number = unsolicited ? task.data_sn : transfer->data_sn;
  if (data.data_sn != number || data.offset != task.received || data_bytes > limit - task.received) {
    task.fault = kIncorrectAmount;
    return {};
  }
  return task.data_out->buffer.view().subspan(task.received, data_bytes);
}

void CommandFlow::data_taken(const DataOutPdu& data, std::size_t data_bytes, bool digest_right) {
  const auto task = std::move(receiving_);
  if (!task || task->dropped) return;
  if (!digest_right && !task->fault) task->fault = kDigestError;
  if (!task->fault) {
    const auto bytes = static_cast<std::uint32_t>(data_bytes);
    task->received += bytes;
    if (data.transfer_tag == kNoTag) {
      ++task->data_sn;
      task->requested = task->received;
    } else {
      ++task->transfers.front().data_sn;
      task->transfers.front().received += bytes;
      if (data.final != (task->transfers.front().received == task->transfers.front().bytes))
        task->fault = kIncorrectAmount;
    }
  }
  if (data.final) sequence_ended(task);
}

void CommandFlow::sequence_ended(const TaskPtr& task) {
  if (task->fault) {
    forget(task);
    respond(*task, refusal(*task->fault));
    return advance(task->queue.get());
  }
  if (task->unsolicited)
    task->unsolicited = false;
  else
    task->transfers.pop_front();
  ask_for_data(task);
}

// --- to the units and back ---

void CommandFlow::ready(const TaskPtr& task) {
  task->ready = true;
  advance(task->queue.get());
}

void CommandFlow::advance(UnitQueue* queue) {
  const auto lane = lanes_.find(queue);
  if (lane == lanes_.end()) return;
  while (!lane->second.empty() && lane->second.front()->ready) {
    const auto task = std::move(lane->second.front());
    lane->second.pop_front();
    hand_over(task);
  }
  if (lane->second.empty()) lanes_.erase(lane);
}

// A command that waits for nothing is answered here, without a way to the unit's thread and back.
bool CommandFlow::answer_at_once(const TaskPtr& task) {
  std::optional<scsi::Response> response;
  const bool answered = task->queue->run_now([&](scsi::LogicalUnit& unit) {
    if (task->nexus->lost() || task->epoch != task->queue->epoch()) return false;
    response = unit.execute_at_once(command_of(*task));
    return response.has_value();
  });
  if (answered) done(task, *std::move(response));
  return answered;
}

void CommandFlow::hand_over(const TaskPtr& task) {
  if (answer_at_once(task)) return;
  task->queue->post(
      [task, poster = link_.surroundings().poster(), weak = weak_from_this()](scsi::LogicalUnit& unit) {
        if (task->dropped || task->nexus->lost()) return;
        auto response = std::make_shared<scsi::Response>();
        if (task->epoch != task->queue->epoch())
          response->status = kTaskAborted;
        else
          *response = unit.execute(command_of(*task));
        poster([task, response, weak] {
          if (const auto flow = weak.lock()) flow->done(task, std::move(*response));
        });
      },
      false);
}

void CommandFlow::done(const TaskPtr& task, scsi::Response response) {
  if (task->dropped) return;
  forget(task);
  respond(*task, std::move(response));
}

void CommandFlow::forget(const TaskPtr& task) {
  task->dropped = true;
  tasks_.erase(task->command.task_tag);
  if (!task->command.immediate) link_.command_ends();
  const auto lane = lanes_.find(task->queue.get());
  if (lane != lanes_.end()) std::erase(lane->second, task);
}

const Task* CommandFlow::find(std::uint32_t task_tag) const {
  const auto found = tasks_.find(task_tag);
  return found == tasks_.end() ? nullptr : found->second.get();
}

void CommandFlow::drop_if(const std::function<bool(const Task&)>& condition) {
  std::vector<TaskPtr> all;
  for (const auto& [tag, task] : tasks_) all.push_back(task);
  for (const auto& task : all)
    if (condition(*task)) forget(task);
  for (const auto& task : all) advance(task->queue.get());
}

std::size_t CommandFlow::immediate_under_way() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(tasks_, [](const auto& entry) { return entry.second->command.immediate; }));
}

// --- answers ---

void CommandFlow::respond(Task& task, scsi::Response response) {
  const auto& command = task.command;
  const auto residual =
      residual_of(command.write ? response.data_out_used : response.data_in.size(), command.expected_bytes);
  const bool good = response.good();
  const auto bytes =
      command.read ? std::min<std::size_t>(response.data_in.size(), command.expected_bytes) : std::size_t{0};
  if (bytes > 0) {
    const auto data =
        std::make_shared<const DataIn>(std::move(response.data_in), bytes, std::move(task.memory));
    send_data_in(task, data->view(), data, good, residual);
    if (good) return;  // the status went with the data
  }
  ScsiResponsePdu pdu{.status = static_cast<std::uint8_t>(response.status),
                      .residual = residual,
                      .task_tag = command.task_tag,
                      .numbers = link_.status_numbers(),
                      .exp_data_sn = task.data_pdus};
  if (response.status == scsi::ScsiStatus::kCheckCondition)
    link_.send(pdu.encode(), encode_sense_segment(response.sense.encode_fixed()));
  else
    link_.send(pdu.encode());
}

void CommandFlow::send_data_in(Task& task, ByteView data, std::shared_ptr<const void> keep, bool with_status,
                               ResidualCount residual) {
  const auto& agreed = link_.agreed();
  std::size_t offset = 0;
  std::size_t burst = agreed.max_burst;
  while (offset < data.size()) {
    const auto bytes = std::min<std::size_t>({agreed.their_max_segment, burst, data.size() - offset});
    burst -= bytes;
    const bool last = offset + bytes == data.size();
    DataInPdu pdu{.final = last || burst == 0,
                  .with_status = last && with_status,
                  .lun = task.command.lun,
                  .task_tag = task.command.task_tag,
                  .numbers = last && with_status ? link_.status_numbers() : link_.numbers(),
                  .data_sn = task.data_pdus++,
                  .offset = static_cast<std::uint32_t>(offset)};
    if (pdu.with_status) pdu.residual = residual;
    link_.send(pdu.encode(), data.subspan(offset, bytes), keep);
    offset += bytes;
    if (burst == 0) burst = agreed.max_burst;
  }
}

}  // namespace tapewarden::iscsi
