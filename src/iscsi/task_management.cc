// Task management functions (RFC 7143 sections 4.2.3 and 11.5) of a session in its full feature phase.
//
// A function first takes the commands it ends out of the session and, for those of other sessions, begins a
// new epoch of the unit; then it waits, as an urgent job in the unit's queue, for the command that the unit
// is just executing. Its answer therefore comes after the last effect of what it ended.
#include <set>

#include "iscsi/full_feature.h"
#include "iscsi/lun.h"

namespace tapewarden::iscsi {

Status FullFeature::task_request(const Header& header, ByteView) {
  const auto request = TaskRequestPdu::decode(header);
  if (!TRY(accept(request.immediate, request.cmd_sn))) return {};
  if (tasks_managed_ + flow_->immediate_under_way() >= config_.limits.max_immediate) {
    if (!request.immediate) link_.accept_command();
    reject(header, RejectReason::kTooManyImmediate);
    return {};
  }
  if (!request.immediate) link_.accept_command();
  switch (static_cast<TaskFunction>(request.function)) {
    case TaskFunction::kAbortTask:
      abort_task(request);
      return {};
    case TaskFunction::kAbortTaskSet:
    case TaskFunction::kClearTaskSet:
    case TaskFunction::kLogicalUnitReset:
      end_tasks(request);
      return {};
    case TaskFunction::kTargetWarmReset:
    case TaskFunction::kTargetColdReset:
      reset_target(request);
      return {};
    case TaskFunction::kTaskReassign:
      answer_task(request.task_tag, TaskAnswer::kReassignNotSupported);
      return {};
    case TaskFunction::kClearAca:
      break;  // no unit here ever establishes an ACA condition
  }
  answer_task(request.task_tag, TaskAnswer::kNotSupported);
  return {};
}

void FullFeature::answer_task(std::uint32_t task_tag, TaskAnswer answer) {
  const TaskResponsePdu pdu{.answer = answer, .task_tag = task_tag, .numbers = link_.status_numbers()};
  link_.send(pdu.encode());
}

void FullFeature::abort_task(const TaskRequestPdu& request) {
  const auto* task = flow_->find(request.referenced_tag);
  if (task == nullptr || task->command.lun != request.lun)
    return answer_task(request.task_tag, TaskAnswer::kNoSuchTask);
  const auto queue = task->queue;
  flow_->drop_if([tag = request.referenced_tag](const Task& t) { return t.command.task_tag == tag; });
  after_units({queue}, false, request.task_tag, false);
}

// ABORT TASK SET ends this session's commands, CLEAR TASK SET and LOGICAL UNIT RESET all sessions'.
void FullFeature::end_tasks(const TaskRequestPdu& request) {
  const auto lun = decode_lun(request.lun);
  const auto& units = flow_->nexus()->units();
  const auto unit = lun ? units.find(*lun) : units.end();
  if (unit == units.end()) return answer_task(request.task_tag, TaskAnswer::kNoSuchLun);
  const auto function = static_cast<TaskFunction>(request.function);
  if (function != TaskFunction::kAbortTaskSet) unit->second->begin_epoch();
  flow_->drop_if([queue = unit->second.get()](const Task& t) { return t.queue.get() == queue; });
  after_units({unit->second}, function == TaskFunction::kLogicalUnitReset, request.task_tag, false);
}

void FullFeature::reset_target(const TaskRequestPdu& request) {
  std::set<std::shared_ptr<UnitQueue>> queues;  // a unit may have two LUNs
  for (const auto& [lun, queue] : flow_->nexus()->units()) queues.insert(queue);
  for (const auto& queue : queues) queue->begin_epoch();
  flow_->drop_if([](const Task&) { return true; });
  after_units({queues.begin(), queues.end()}, true, request.task_tag,
              static_cast<TaskFunction>(request.function) == TaskFunction::kTargetColdReset);
}

void FullFeature::after_units(const std::vector<std::shared_ptr<UnitQueue>>& queues, bool reset,
                              std::uint32_t task_tag, bool cold) {
  ++tasks_managed_;
  const auto left = std::make_shared<std::size_t>(queues.size());  // counted on the session's thread
  const auto finish = [this, task_tag, cold] {
    --tasks_managed_;
    answer_task(task_tag, TaskAnswer::kComplete);
    if (!cold) return;
    ending_ = true;
    surroundings_.end_target_sessions();
  };
  if (queues.empty()) return finish();
  for (const auto& queue : queues)
    queue->post(
        [reset, left, finish, poster = surroundings_.poster(),
         alive = std::weak_ptr<char>(alive_)](scsi::LogicalUnit& unit) {
          if (reset) unit.reset();
          poster([left, finish, alive] {
            if (const auto held = alive.lock(); held && --*left == 0) finish();
          });
        },
        true);
}

}  // namespace tapewarden::iscsi
