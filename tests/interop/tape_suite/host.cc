#include "host.h"

#include <algorithm>
#include <utility>

#include "harness/libiscsi_session.h"

namespace tapewarden::suite {
namespace {

constexpr int kTimeoutSeconds = 20;
constexpr int kMaxAttentions = 8;
constexpr std::size_t kSenseLengthBytes = 2;  // before the sense data of a SCSI Response (RFC 7143, 11.4.7)

struct FreeTask {
  void operator()(scsi_task* task) const { scsi_free_scsi_task(task); }
};

Result<scsi::Sense> sense_of(const scsi_task& task) {
  const ByteView segment(task.datain.data, static_cast<std::size_t>(std::max(task.datain.size, 0)));
  if (segment.size() <= kSenseLengthBytes)
    return fail(ErrorCode::kCorrupt, "CHECK CONDITION without sense data");
  return scsi::Sense::decode(segment.subspan(kSenseLengthBytes));
}

}  // namespace

struct Host::State {
  explicit State(const std::string& name) : session(name) {}
  testing::LibiscsiSession session;
};

Host::Host(const std::string& initiator) : state_(std::make_unique<State>(initiator)) {}
Host::~Host() = default;

Result<std::unique_ptr<Host>> Host::connect(const testing::LibraryTarget& target,
                                            const std::string& initiator) {
  std::unique_ptr<Host> host(new Host(initiator));
  auto& session = host->state_->session;
  auto* const context = session.context();
  if (context == nullptr) return fail(ErrorCode::kInternal, "no iSCSI context");
  iscsi_set_targetname(context, target.iqn().c_str());
  iscsi_set_session_type(context, ISCSI_SESSION_NORMAL);
  iscsi_set_noautoreconnect(context, 1);
  iscsi_set_timeout(context, kTimeoutSeconds);
  iscsi_set_initiator_username_pwd(context, target.user().c_str(), target.password().c_str());
  if (!session.connect("127.0.0.1:" + std::to_string(target.port())))
    return fail(ErrorCode::kUnavailable, session.error());
  return host;
}

Result<Answer> Host::run(unsigned lun, const Bytes& cdb, std::size_t room, const Bytes& out) {
  Answer answer;
  answer.data.resize(room);
  Bytes command = cdb;
  Bytes data_out = out;
  const auto length = static_cast<int>(std::max(room, out.size()));
  int direction = SCSI_XFER_NONE;
  if (length != 0) direction = room != 0 ? SCSI_XFER_READ : SCSI_XFER_WRITE;
  const std::unique_ptr<scsi_task, FreeTask> task(
      scsi_create_task(static_cast<int>(command.size()), command.data(), direction, length));
  // With a buffer of its own the data stay apart from the sense data of the same command.
  if (room != 0) scsi_task_add_data_in_buffer(task.get(), length, answer.data.data());
  iscsi_data sent{.size = data_out.size(), .data = data_out.data()};
  if (!state_->session.run(lun, task.get(), data_out.empty() ? nullptr : &sent))
    return fail(ErrorCode::kUnavailable, "no answer: " + state_->session.error());
  answer.status = static_cast<scsi::ScsiStatus>(task->status);
  if (answer.status == scsi::ScsiStatus::kCheckCondition) answer.sense = TRY(sense_of(*task));
  const auto residual = static_cast<std::int64_t>(task->residual);
  if (task->residual_status == SCSI_RESIDUAL_UNDERFLOW) answer.residual = residual;
  if (task->residual_status == SCSI_RESIDUAL_OVERFLOW) answer.residual = -residual;
  if (answer.residual > 0 && std::cmp_less_equal(answer.residual, room))
    answer.data.resize(room - static_cast<std::size_t>(answer.residual));
  return answer;
}

Result<Answer> Host::run_past_attentions(unsigned lun, const Bytes& cdb, std::size_t room, const Bytes& out) {
  for (int i = 0;; ++i) {
    auto answer = TRY(run(lun, cdb, room, out));
    if (answer.sense.code.key != scsi::SenseKey::kUnitAttention || i == kMaxAttentions) return answer;
  }
}

}  // namespace tapewarden::suite
