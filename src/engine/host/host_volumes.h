// The logical volumes as the virtual library's drives have them (feature rows T1, T2, T5): the keeper of the
// library's cartridges. It knows which drive waits for which volume, and what for; what a mount does to the
// volume is volume_mounts.h.
//
// Thread-safe. Lock order: `mutex_` is held neither while the catalogue, the cache or the desk is called, nor
// while the library is told; the mutex of VolumeMounts comes after it.
//
// Invariants
//  1. A drive has at most one place here, and a volume is in at most one of them, or is being settled.
//  2. While a thread works on a drive's place (`busy`) no other does; give_up() and returned() wait for it,
//     so that the library hears nothing of a cartridge after they have returned.
//  3. Whoever waits for a recall has one ask at the desk, and is told by it at most once: an answer to an
//     older ask finds another `ask_number` and is nobody's.
//  4. A volume that left its drive and could not be settled (the catalogue or the cache's disk failed) is
//     `unsettled_` until that was done: by retry_unsettled(), or by the mount that wants it next. No drive
//     gets it before, and kVolumeUnreadable says why.
//  5. Who waits for an answer does so as long as the answer is made, and goes on by it alone: it stands in
//     nobody's way who waits for room, however long that takes.
//
//   nothing --fetch()--> In | Recall | Room | Answer       Recall --told by the desk--> any of them
//   In --returned(), give_up()--> nothing                  Room --retry_waiting()--> any of them
//   Recall, Room, Answer --give_up()--> nothing            Answer --answer_requests()--> any of them
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/thread_annotations.h"
#include "engine/host/volume_mounts.h"
#include "tape/library/volume_keeper.h"

namespace tapewarden::engine {

class HostVolumes final : public tape::VolumeKeeper {
 public:
  // Borrows all of them. reconcile() comes before the library is opened.
  HostVolumes(Env env, Catalogue& catalogue, CachedVolumes& cached, VolumeDesk& desk, Notices& notices,
              HostOptions options = {})
      : clock_(*env.clock),
        meter_(*options.meter),
        desk_(desk),
        mounts_(env, catalogue, cached, desk, notices, std::move(options)) {}
  // The library does not call any more.
  ~HostVolumes() override;

  // VolumeMounts::reconcile(). What had a fault is tried again by retry_unsettled().
  Result<Reconciled> reconcile(const std::map<std::string, std::string>& in_drives) TW_EXCLUDES(mutex_);
  void set_expire_hold(bool on) { mounts_.set_expire_hold(on); }
  // The program ends: answer_requests() comes back at the next piece of the answer that it makes.
  void end_answers() { mounts_.end_answers(); }

  void tell_when_brought(Brought brought) override TW_EXCLUDES(mutex_);
  Result<std::optional<std::string>> fetch(const std::string& barcode, const Uuid& volume,
                                           const std::string& drive) override TW_EXCLUDES(mutex_);
  void give_up(const std::string& barcode, const std::string& drive) override TW_EXCLUDES(mutex_);
  // kNotFound: it was not given to that drive. Errors of VolumeMounts::unmount(): it is out of the drive all
  // the same, and what could not be done is tried again by retry_unsettled().
  Status returned(const std::string& barcode, const std::string& drive) override TW_EXCLUDES(mutex_);

  // Tries again, for those that wait for room in the cache, who waited longest first, until one finds none.
  // For the daemon's workers, after each job; not from within a call of the library. How many wait no longer
  // for room.
  std::size_t retry_waiting() TW_EXCLUDES(mutex_);
  // Answers the requests that hosts wrote on volumes, one after another, and lets those go on that wait for
  // them; how many. Takes as long as the answers do. For one thread of the daemon, when `asked` was called,
  // once at its start, and from time to time. The first error of VolumeMounts::answer_next(); what could not
  // be settled after it is tried again by retry_unsettled().
  Result<std::size_t> answer_requests() TW_EXCLUDES(mutex_);
  // Tries again to settle what left its drive and could not be settled; how many are settled now: copies of
  // them may be due. For the background, every few seconds; not from within a call of the library.
  std::size_t retry_unsettled() TW_EXCLUDES(mutex_);

 private:
  enum class Waits : std::uint8_t { kNo, kForRecall, kForRoom, kForAnswer };
  // A drive's place.
  struct Place {
    std::string barcode;
    Uuid volume;
    Waits waits = Waits::kNo;
    bool content = false;  // what it waits for; it stays so until the place is gone
    bool busy = false;
    std::uint64_t ask_number = 0;
    std::optional<VolumeDesk::AskId> ask = {};
    std::uint64_t order = 0;  // of those that wait for room
    SteadyTime since{};       // the host wants it
    bool recalled = false;    // it was asked back from tape
  };
  using Places = std::map<std::string, Place>;  // by drive

  void wait_until_idle(const std::string& drive) TW_REQUIRES(mutex_);
  // The drive's place when it has that cartridge.
  Place* find(const std::string& barcode, const std::string& drive) TW_REQUIRES(mutex_);
  Status take_place(const std::string& barcode, const Uuid& volume, const std::string& drive)
      TW_EXCLUDES(mutex_);
  // Enters what a mount came to; the place is idle then, and gone after an error. False: the answer that it
  // was to wait for has come meanwhile, so the place is busy as before, and is to be mounted anew.
  bool enter(const std::string& drive, const Result<Mounting>& mounted) TW_EXCLUDES(mutex_);
  void enter_waiting(Place& place, Mounting::State state) TW_REQUIRES(mutex_);
  void count_mount(const Place& place) TW_REQUIRES(mutex_);
  void ask_desk(const std::string& drive) TW_EXCLUDES(mutex_);
  void told(const std::string& drive, std::uint64_t ask_number, const Status& outcome) TW_EXCLUDES(mutex_);
  // Of a place that this thread made busy: mounts, or passes `fault` on, and tells the library. What it waits
  // for then.
  Waits go_on(const std::string& drive, const std::optional<Error>& fault) TW_EXCLUDES(mutex_);
  // Both make it busy.
  std::optional<std::string> next_for_room() TW_EXCLUDES(mutex_);
  std::optional<std::string> next_answered() TW_EXCLUDES(mutex_);
  void retry_answered() TW_EXCLUDES(mutex_);
  // Makes it busy: the first one behind `after` that no drive has.
  std::optional<std::string> next_unsettled(const std::string& after) TW_EXCLUDES(mutex_);

  Clock& clock_;
  Meter& meter_;
  VolumeDesk& desk_;
  VolumeMounts mounts_;
  Mutex mutex_;
  CondVar idle_;
  std::shared_ptr<const Brought> brought_ TW_GUARDED_BY(mutex_);
  std::size_t telling_ TW_GUARDED_BY(mutex_) = 0;  // calls of the library under way
  Places places_ TW_GUARDED_BY(mutex_);
  std::map<std::string, bool> unsettled_ TW_GUARDED_BY(mutex_);  // by volser: whether a thread is at it
  std::uint64_t last_ TW_GUARDED_BY(mutex_) = 0;                 // of asks and orders
};

}  // namespace tapewarden::engine
