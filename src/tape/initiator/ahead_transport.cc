#include "tape/initiator/ahead_transport.h"

#include <algorithm>

#include "crypto/secret_bytes.h"
#include "scsi/cdb.h"

namespace tapewarden::tape {
namespace {

constexpr std::chrono::seconds kRestAfter{1};
constexpr std::size_t kCopies = 2;  // one that the unit keeps, and the next one

bool is_opcode(ByteView cdb, scsi::Opcode opcode) {
  return !cdb.empty() && cdb[0] == static_cast<std::uint8_t>(opcode);
}

}  // namespace

// Of a command's data, in room that is used again.
class AheadTransport::Copy {
 public:
  Copy() = default;
  ~Copy() { crypto::wipe(room_); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  void take(ByteView data) {
    if (room_.size() < data.size()) {
      crypto::wipe(room_);
      room_ = Bytes(data.size());
    }
    size_ = data.size();
    copy_bytes(MutableByteView(room_).first(size_), data);
  }
  ByteView data() const { return ByteView(room_).first(size_); }

 private:
  Bytes room_;
  std::size_t size_ = 0;
};

AheadTransport::AheadTransport(scsi::LogicalUnit& unit, scsi::NexusId nexus)
    : unit_(unit), nexus_(nexus), thread_([this] { run(); }) {}

AheadTransport::~AheadTransport() {
  {
    const MutexLock lock(mutex_);
    due_ = Next::kEnd;
  }
  changed_.notify_all();
  thread_.join();
  unit_.nexus_lost(nexus_);
}

Result<TransportAnswer> AheadTransport::execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                                std::chrono::milliseconds) {
  const bool writes = is_opcode(cdb, scsi::Opcode::kWrite6);
  {
    const MutexLock lock(mutex_);
    due_ = Next::kNothing;  // what was due is done by the command itself
    while (busy_) changed_.wait(mutex_);
    busy_ = true;
  }
  scsi::Command command{.cdb = cdb, .nexus = nexus_, .data_out = data_out};
  if (writes && !data_out.empty()) {
    auto copy = kept_copy(data_out);
    command.data_out = copy->data();
    command.keep = std::move(copy);
  }
  auto response = unit_.execute(command);
  {
    const MutexLock lock(mutex_);
    busy_ = false;
    if (writes || is_opcode(cdb, scsi::Opcode::kRead6)) {
      due_ = Next::kLook;
      rested_ = false;
    }
  }
  changed_.notify_all();
  if (response.data_in.size() > data_in_limit) response.data_in.resize(data_in_limit);
  return TransportAnswer{response.status, response.sense, std::move(response.data_in)};
}

std::shared_ptr<const AheadTransport::Copy> AheadTransport::kept_copy(ByteView data) {
  const auto unkept = std::ranges::find_if(copies_, [](const auto& copy) { return copy.use_count() == 1; });
  const auto copy = unkept != copies_.end() ? *unkept : std::make_shared<Copy>();
  if (unkept == copies_.end() && copies_.size() < kCopies) copies_.push_back(copy);
  copy->take(data);
  return copy;
}

void AheadTransport::run() {
  while (true) {
    const auto what = next();
    if (what == Next::kEnd) return;
    if (what == Next::kLook) unit_.look_ahead();
    if (what == Next::kRest) {
      unit_.rest();
      copies_.clear();
    }
    idle();
  }
}

void AheadTransport::idle() {
  {
    const MutexLock lock(mutex_);
    busy_ = false;
  }
  changed_.notify_all();
}

// What the thread does, alone in the unit.
AheadTransport::Next AheadTransport::next() {
  const MutexLock lock(mutex_);
  while (true) {
    if (due_ == Next::kEnd) return Next::kEnd;
    if (due_ == Next::kLook && !busy_) {
      due_ = Next::kNothing;
      busy_ = true;
      return Next::kLook;
    }
    if (rested_) {
      changed_.wait(mutex_);
    } else if (!changed_.wait_for(mutex_, kRestAfter) && !busy_ && due_ == Next::kNothing) {
      rested_ = true;
      busy_ = true;
      return Next::kRest;
    }
  }
}

}  // namespace tapewarden::tape
