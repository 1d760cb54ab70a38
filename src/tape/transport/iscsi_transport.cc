#include "tape/transport/iscsi_transport.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <limits>
#include <optional>
#include <poll.h>
#include <thread>
#include <utility>

#include "base/counted.h"
#include "base/thread_annotations.h"
#include "crypto/wiped_bytes.h"
#include "tape/transport/device_status.h"

namespace tapewarden::tape {
namespace {

constexpr std::size_t kMaxPassword = 255;
constexpr std::size_t kSenseLengthBytes = 2;  // before the sense data of a SCSI Response (RFC 7143, 11.4.7)
constexpr int kLogoutSeconds = 5;
// Between two looks at what the target asks of a session at rest. Targets wait for 5 seconds and more.
constexpr std::chrono::milliseconds kAnswerInterval{1'000};
constexpr int kAnswersAtOnce = 16;
constexpr int kLookMilliseconds = 1'000;  // between two looks at what takes too long

// The library keeps the password in memory of its own: written over, since it is not needed again.
void forget_password(iscsi_context* context) {
  const std::string nothing(kMaxPassword, 'x');
  iscsi_set_initiator_username_pwd(context, nothing.c_str(), nothing.c_str());
}

struct FreeContext {
  void operator()(iscsi_context* context) const {
    forget_password(context);
    iscsi_destroy_context(context);
  }
};
struct FreeTask {
  void operator()(scsi_task* task) const { scsi_free_scsi_task(task); }
};
using Context = std::unique_ptr<iscsi_context, FreeContext>;
using Task = std::unique_ptr<scsi_task, FreeTask>;

using Deadline = std::chrono::steady_clock::time_point;
constexpr Deadline kWhenTheLibrarySays = Deadline::max();

// A context, and the place to which the library tells how what it was asked has ended. The library keeps
// that place, and a command's task and buffers, in its queues until it told, if need be from
// iscsi_destroy_context(). Its own functions that wait (…_sync) name a place on their stack, return without
// having been told when the connection breaks, and wait for a TCP connection as long as the kernel does; so
// everything is asked for asynchronously, and:
// 1. The place lives as long as the context.
// 2. When something fails, the context goes (`end`) before task and buffers of the command do.
class Connection {
 public:
  explicit Connection(Context context) : context_(std::move(context)) {}
  // Nothing after end().
  iscsi_context* context() const { return context_.get(); }
  void end() { context_.reset(); }
  // The TCP connection stands.
  bool connects(const std::string& portal, Deadline until);
  // To be given to what is asked, with `this`; then the library works until it told. `ask` is false when
  // it did not take it. True: it was told, and with GOOD if `status` is that.
  static void tell(iscsi_context* context, int status, void* data, void* connection);
  template <typename Ask>
  bool completes(const Ask& ask, Deadline until = kWhenTheLibrarySays) {
    told_ = false;
    return ask() == 0 && wait(told_, until);
  }
  int status() const { return status_; }

 private:
  static void tell_of_line(iscsi_context* context, int status, void* data, void* connection);
  bool wait(const bool& told, Deadline until);

  // They outlive the context, which is destroyed first.
  bool told_ = false;
  int status_ = SCSI_STATUS_ERROR;
  // Of the TCP connection the library tells again when it breaks, in the midst of a command, say: that is no
  // answer to what was asked.
  bool told_of_line_ = false;
  bool line_stands_ = false;
  Context context_;
};

void Connection::tell(iscsi_context* /*context*/, int status, void* /*data*/, void* connection) {
  auto& self = *static_cast<Connection*>(connection);
  self.status_ = status;
  self.told_ = true;
}

void Connection::tell_of_line(iscsi_context* /*context*/, int status, void* /*data*/, void* connection) {
  auto& self = *static_cast<Connection*>(connection);
  self.told_of_line_ = true;
  self.line_stands_ = status == SCSI_STATUS_GOOD;
}

bool Connection::connects(const std::string& portal, Deadline until) {
  return iscsi_connect_async(context(), portal.c_str(), tell_of_line, this) == 0 &&
         wait(told_of_line_, until) && line_stands_;
}

// Milliseconds to wait before the next look; none: the time is over.
std::optional<int> look_in(Deadline until) {
  if (until == kWhenTheLibrarySays) return kLookMilliseconds;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
  if (left <= 0) return std::nullopt;
  return static_cast<int>(std::min<std::int64_t>(left, kLookMilliseconds));
}

// The library ends commands that take too long by itself, when it is called.
bool Connection::wait(const bool& told, Deadline until) {
  while (!told) {
    const auto patience = look_in(until);
    if (!patience) return false;
    pollfd waiting{.fd = iscsi_get_fd(context()),
                   .events = static_cast<short>(iscsi_which_events(context())),
                   .revents = 0};
    const int ready = ::poll(&waiting, 1, *patience);
    if (ready < 0 && errno != EINTR) return false;
    if (iscsi_service(context(), ready > 0 ? waiting.revents : 0) != 0 && !told) return false;
  }
  return true;
}

std::unexpected<Error> failed(ErrorCode code, iscsi_context* context, const std::string& what) {
  const char* reason = iscsi_get_error(context);
  return fail(code, what + (reason != nullptr && *reason != 0 ? std::string(": ") + reason : std::string()),
              "device");
}

bool says(iscsi_context* context, std::string_view words) {
  const char* reason = iscsi_get_error(context);
  return reason != nullptr && std::string_view(reason).find(words) != std::string_view::npos;
}

std::unexpected<Error> not_connected(iscsi_context* context, const IscsiUrl& url) {
  if (says(context, "resolv"))
    return fail(ErrorCode::kUnavailable, "no address is known for " + url.host, "device",
                "check the name, or write the address");
  return fail(
      ErrorCode::kUnavailable, "no iSCSI target answers at " + url.portal(), "device",
      "check address and port, and that the target runs there (tapewarden-taped); port 3260 is usual");
}

std::unexpected<Error> too_late(const IscsiUrl& url, std::chrono::seconds patience) {
  return fail(
      ErrorCode::kTimeout,
      "no iSCSI target answered at " + url.portal() + " within " + counted(patience.count(), "second"),
      "device", "check address and port, the network, and that the machine there runs");
}

// RFC 7143, 11.13.5: the library tells the status of a refused login in words.
std::unexpected<Error> not_logged_in(iscsi_context* context, const IscsiUrl& url) {
  if (!says(context, "Status:")) return not_connected(context, url);
  if (says(context, "Target not found"))
    return fail(ErrorCode::kNotFound, "there is no target " + url.target + " at " + url.portal(), "device",
                "a Tapewarden engine tells its targets at the start and by `tapewarden engine status`");
  if (!says(context, "Authentication failure") && !says(context, "Authorization failure"))
    return failed(ErrorCode::kUnauthenticated, context, "the target refused the login");
  return fail(ErrorCode::kUnauthenticated, "the target refused the login at " + url.portal(), "device",
              url.user.empty() ? "it wants a user: iscsi://USER@…, with the password in --password-file"
                               : "check the user and the password; those of a Tapewarden engine stand in its "
                                 "taped.toml and in the file that names as secret_file");
}

int seconds_of(std::chrono::milliseconds timeout) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(timeout).count();
  return static_cast<int>(std::clamp<std::int64_t>(seconds, 1, std::numeric_limits<int>::max()));
}

Status set_password(iscsi_context* context, const IscsiUrl& url, const crypto::SecretBytes& password) {
  if (url.user.empty()) return {};
  const ByteView bytes = password.reveal();
  if (bytes.empty() || bytes.size() > kMaxPassword || std::ranges::find(bytes, 0) != bytes.end())
    return fail(ErrorCode::kInvalidArgument, "the password has 1 to 255 characters", "password");
  auto text = crypto::SecretBytes::zeros(bytes.size() + 1);
  copy_bytes(text.reveal_mutable().first(bytes.size()), bytes);
  const void* const ended_by_zero = text.reveal().data();
  if (iscsi_set_initiator_username_pwd(context, url.user.c_str(), static_cast<const char*>(ended_by_zero)) !=
      0)
    return failed(ErrorCode::kInvalidArgument, context, "the login was not taken");
  return {};
}

Result<std::unique_ptr<Connection>> connected(const IscsiUrl& url, const IscsiLogin& login) {
  auto connection = std::make_unique<Connection>(Context(iscsi_create_context(login.initiator.c_str())));
  iscsi_context* context = connection->context();
  if (context == nullptr) return fail(ErrorCode::kInternal, "there is no memory for a connection");
  iscsi_set_noautoreconnect(context, 1);
  if (iscsi_set_targetname(context, url.target.c_str()) != 0 ||
      iscsi_set_session_type(context, ISCSI_SESSION_NORMAL) != 0 ||
      iscsi_set_header_digest(context, ISCSI_HEADER_DIGEST_CRC32C_NONE) != 0)
    return failed(ErrorCode::kInvalidArgument, context, "the target's name was not taken");
  TRY(set_password(context, url, login.password));
  iscsi_set_timeout(context, seconds_of(login.connect_timeout));
  const auto until = std::chrono::steady_clock::now() + login.connect_timeout;
  const auto late = [&] { return std::chrono::steady_clock::now() >= until; };
  if (!connection->connects(url.portal(), until))
    return late() ? too_late(url, login.connect_timeout) : not_connected(context, url);
  const bool told = connection->completes(
      [&] { return iscsi_login_async(context, Connection::tell, connection.get()); }, until);
  forget_password(context);
  if (told && connection->status() == SCSI_STATUS_GOOD) return connection;
  if (late() || connection->status() == SCSI_STATUS_TIMEOUT) return too_late(url, login.connect_timeout);
  return not_logged_in(context, url);
}

// What a finished task says. `data_in` was filled by the library.
Result<TransportAnswer> finished(const scsi_task& task, crypto::WipedBytes& data_in) {
  if (task.status == SCSI_STATUS_TIMEOUT)
    return fail(ErrorCode::kTimeout, "the drive did not answer in time", "device",
                "look at the drive and the network; what the command did is not known");
  if (task.status < 0 || task.status > std::numeric_limits<std::uint8_t>::max())
    return fail(ErrorCode::kIo, "the connection to the drive was lost", "device",
                "begin anew, and look at the tape first: what the last command did is not known");
  std::size_t missing = 0;
  if (task.residual_status == SCSI_RESIDUAL_UNDERFLOW) missing = task.residual;
  ByteView sense;
  if (task.status == SCSI_STATUS_CHECK_CONDITION && task.datain.data != nullptr &&
      std::cmp_greater(task.datain.size, kSenseLengthBytes))
    sense = ByteView(task.datain.data, static_cast<std::size_t>(task.datain.size)).subspan(kSenseLengthBytes);
  return answer_of(static_cast<std::uint8_t>(task.status), sense, received(data_in.release(), missing));
}

}  // namespace

struct IscsiTransport::Session {
  std::unique_ptr<Connection> connection;
  int lun = 0;
  Mutex mutex;  // of the connection
  CondVar ended;
  bool ending TW_GUARDED_BY(mutex) = false;
  bool broken TW_GUARDED_BY(mutex) = false;  // and the connection has ended
  std::thread answering;

  void answer_while_at_rest() TW_EXCLUDES(mutex);
  void answer_what_came() TW_REQUIRES(mutex);
  void end_broken() TW_REQUIRES(mutex);
};

void IscsiTransport::Session::end_broken() {
  connection->end();
  broken = true;
}

// The library sees a break without saying so, but fails the next time. Nothing can be sent from then on.
void IscsiTransport::Session::answer_what_came() {
  iscsi_context* context = connection->context();
  for (int round = 0; round < kAnswersAtOnce; ++round) {
    pollfd waiting{
        .fd = iscsi_get_fd(context), .events = static_cast<short>(iscsi_which_events(context)), .revents = 0};
    if (::poll(&waiting, 1, 0) <= 0) return;
    if (iscsi_service(context, waiting.revents) != 0) return end_broken();
  }
}

void IscsiTransport::Session::answer_while_at_rest() {
  const MutexLock lock(mutex);
  while (!ending && !broken) {
    ended.wait_for(mutex, kAnswerInterval);
    if (!ending && !broken) answer_what_came();
  }
}

IscsiTransport::IscsiTransport(std::unique_ptr<Session> session) : session_(std::move(session)) {
  session_->answering = std::thread([at = session_.get()] { at->answer_while_at_rest(); });
}

IscsiTransport::~IscsiTransport() {
  {
    const MutexLock lock(session_->mutex);
    session_->ending = true;
  }
  session_->ended.notify_all();
  session_->answering.join();
  const MutexLock lock(session_->mutex);
  if (session_->broken) return;
  auto* const connection = session_->connection.get();
  iscsi_set_timeout(connection->context(), kLogoutSeconds);
  connection->completes(
      [&] { return iscsi_logout_async(connection->context(), Connection::tell, connection); });
  connection->end();
}

Result<std::unique_ptr<IscsiTransport>> IscsiTransport::open(const IscsiUrl& url, const IscsiLogin& login) {
  auto session = std::make_unique<Session>();
  session->connection = TRY(connected(url, login));
  session->lun = static_cast<int>(url.lun);
  return std::unique_ptr<IscsiTransport>(new IscsiTransport(std::move(session)));
}

Result<TransportAnswer> IscsiTransport::execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                                std::chrono::milliseconds timeout) {
  const MutexLock lock(session_->mutex);
  if (session_->broken)
    return fail(ErrorCode::kUnavailable, "the connection to the drive is lost", "device", "begin anew");
  if (cdb.empty() || cdb.size() > SCSI_CDB_MAX_SIZE || (!data_out.empty() && data_in_limit != 0) ||
      std::max(data_out.size(), data_in_limit) > std::numeric_limits<int>::max())
    return fail(ErrorCode::kInvalidArgument, "the command does not fit this transport", "command");
  Bytes command = to_bytes(cdb);
  crypto::WipedBytes data_in{Bytes(data_in_limit)};
  const auto length = static_cast<int>(std::max(data_out.size(), data_in_limit));
  int direction = SCSI_XFER_NONE;
  if (length != 0) direction = data_out.empty() ? SCSI_XFER_READ : SCSI_XFER_WRITE;
  const Task task(scsi_create_task(static_cast<int>(command.size()), command.data(), direction, length));
  if (!task) return fail(ErrorCode::kInternal, "there is no memory for a command");
  if (!data_in.empty() && scsi_task_add_data_in_buffer(task.get(), length, data_in.view().data()) != 0)
    return fail(ErrorCode::kInternal, "there is no memory for a command");
  // The library reads it only; its interface knows no const.
  iscsi_data out{.size = data_out.size(), .data = const_cast<std::uint8_t*>(data_out.data())};
  auto* const connection = session_->connection.get();
  iscsi_context* const context = connection->context();
  iscsi_set_timeout(context, seconds_of(timeout));
  const bool told = connection->completes([&] {
    return iscsi_scsi_command_async(context, session_->lun, task.get(), Connection::tell,
                                    data_out.empty() ? nullptr : &out, connection);
  });
  auto answer =
      told ? finished(*task, data_in) : failed(ErrorCode::kIo, context, "the command could not be sent");
  if (!answer) session_->end_broken();  // before what the library still holds of the command goes
  return answer;
}

}  // namespace tapewarden::tape
