#include "tape/initiator/ahead_transport.h"

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
    command.data_out = *copy;
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

std::shared_ptr<const Bytes> AheadTransport::kept_copy(ByteView data) {
  for (auto& copy : copies_) {
    if (copy.use_count() != 1) continue;
    copy->assign(data.begin(), data.end());
    return copy;
  }
  auto made = std::make_shared<Bytes>(data.begin(), data.end());
  if (copies_.size() < kCopies) copies_.push_back(made);
  return made;
}

void AheadTransport::run() {
  while (true) {
    const auto what = next();
    if (what == Next::kEnd) return;
    if (what == Next::kLook) unit_.look_ahead();
    if (what == Next::kRest) {
      unit_.rest();
      wipe_copies();
    }
    idle();
  }
}

// They hold what goes onto cartridges sealed.
void AheadTransport::wipe_copies() {
  for (const auto& copy : copies_)
    if (copy.use_count() == 1) crypto::wipe(*copy);
  copies_.clear();
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
