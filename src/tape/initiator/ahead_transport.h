// Commands to a logical unit of this process that works on by itself between them, as the electronics of a
// real drive do (LogicalUnit::look_ahead): the block that it took is sealed and written, or the next one
// opened, on a thread of this transport while its user makes the next command ready.
//
// One user at a time, as of every transport; the unit outlives it.
//
// Invariants
//  1. The unit looks ahead beside no command of this transport, and rests when none came for a while.
//  2. Data of a command that the unit may keep are a copy; one that it still keeps is not written over. They
//     hold what goes onto cartridges sealed: nobody frees one, nor any part of it, that was not wiped. When
//     the unit rests, those go that it does not keep; the others when it lets them go.
//  3. Unit and copies are touched only by the thread that made busy_ true, until it makes it false.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"
#include "tape/initiator/transport.h"

namespace tapewarden::tape {

class AheadTransport final : public Transport {
 public:
  AheadTransport(scsi::LogicalUnit& unit, scsi::NexusId nexus);
  ~AheadTransport() override;
  AheadTransport(const AheadTransport&) = delete;
  AheadTransport& operator=(const AheadTransport&) = delete;

  Result<TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                  std::chrono::milliseconds timeout) override TW_EXCLUDES(mutex_);
  bool on_local_bus() const override { return true; }

 private:
  enum class Next : std::uint8_t { kNothing, kLook, kRest, kEnd };

  class Copy;
  std::shared_ptr<const Copy> kept_copy(ByteView data);
  // Of the thread.
  void run() TW_EXCLUDES(mutex_);
  Next next() TW_EXCLUDES(mutex_);
  void idle() TW_EXCLUDES(mutex_);

  scsi::LogicalUnit& unit_;
  const scsi::NexusId nexus_;
  std::vector<std::shared_ptr<Copy>> copies_;  // invariant 3
  Mutex mutex_;
  CondVar changed_;
  Next due_ TW_GUARDED_BY(mutex_) = Next::kNothing;
  bool busy_ TW_GUARDED_BY(mutex_) = false;  // somebody is in the unit
  bool rested_ TW_GUARDED_BY(mutex_) = true;
  std::thread thread_;
};

}  // namespace tapewarden::tape
