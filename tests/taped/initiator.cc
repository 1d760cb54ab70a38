#include "taped/initiator.h"

#include <csignal>

#include "harness/libiscsi_session.h"

namespace tapewarden::testing {
namespace {

constexpr int kTimeoutSeconds = 20;
constexpr int kMaxAttentions = 8;

}  // namespace

struct Initiator::State {
  explicit State(const std::string& name) : session(name) {}
  LibiscsiSession session;
};

Initiator::Initiator(const std::string& name) : state_(std::make_unique<State>(name)) {}
Initiator::~Initiator() = default;

Result<std::unique_ptr<Initiator>> Initiator::connect(const Login& login) {
  // The engine may be killed while libiscsi writes to it.
  (void)std::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<Initiator> made(new Initiator(login.initiator));
  auto& session = made->state_->session;
  auto* const context = session.context();
  if (context == nullptr) return fail(ErrorCode::kInternal, "no iSCSI context");
  iscsi_set_targetname(context, login.target.c_str());
  iscsi_set_session_type(context, ISCSI_SESSION_NORMAL);
  iscsi_set_noautoreconnect(context, 1);
  iscsi_set_timeout(context, kTimeoutSeconds);
  if (!login.user.empty())
    iscsi_set_initiator_username_pwd(context, login.user.c_str(), login.password.c_str());
  if (!session.connect("127.0.0.1:" + std::to_string(login.port)))
    return fail(ErrorCode::kUnavailable, session.error());
  return made;
}

Result<scsi::Response> Initiator::run(unsigned lun, Bytes cdb, std::size_t data_in_room, Bytes data_out) {
  const bool writes = !data_out.empty();
  const auto direction = writes ? SCSI_XFER_WRITE : (data_in_room != 0 ? SCSI_XFER_READ : SCSI_XFER_NONE);
  auto* task = scsi_create_task(static_cast<int>(cdb.size()), cdb.data(), direction,
                                static_cast<int>(writes ? data_out.size() : data_in_room));
  iscsi_data out{.size = data_out.size(), .data = data_out.data()};
  if (!state_->session.run(lun, task, writes ? &out : nullptr)) {
    scsi_free_scsi_task(task);
    return fail(ErrorCode::kUnavailable, state_->session.error());
  }
  scsi::Response response;
  response.status = static_cast<scsi::ScsiStatus>(task->status);
  if (response.status == scsi::ScsiStatus::kCheckCondition)
    response.sense.code = {static_cast<scsi::SenseKey>(task->sense.key),
                           static_cast<std::uint8_t>(task->sense.ascq >> 8),
                           static_cast<std::uint8_t>(task->sense.ascq & 0xff)};
  if (task->datain.size > 0)
    response.data_in.assign(task->datain.data, task->datain.data + task->datain.size);
  scsi_free_scsi_task(task);
  return response;
}

Result<scsi::Response> Initiator::run_past_attentions(unsigned lun, const Bytes& cdb,
                                                      std::size_t data_in_room, const Bytes& data_out) {
  for (int i = 0;; ++i) {
    auto response = TRY(run(lun, cdb, data_in_room, data_out));
    if (response.sense.code.key != scsi::SenseKey::kUnitAttention || i == kMaxAttentions) return response;
  }
}

}  // namespace tapewarden::testing
