// A logical volume goes into a drive and comes back (feature rows T1, T2, T5): what that means for catalogue,
// cache and desk. Who waits for what is host_volumes.h's business.
//
// Thread-safe for different volumes; of one volume the caller does one thing at a time.
//
// Invariants
//  1. A drive gets the file of a volume only after the catalogue says durably that the volume is mounted
//     there, and the desk knows that it is taken. So whatever a host wrote before a crash is found by
//     reconcile(): the volume's content stamp is another one.
//  2. `mounted` is cleared in the change that settles what the host left (settle.h), never before. A file
//     that could not be looked at, or is not there, keeps its volume mounted, its key and its place in the
//     cache: neither eviction nor a copy nor another mount touches it, and what a host wrote is not given up.
//  3. The old content of a scratch volume goes with the mount that gives it a blank file, and not without it,
//     but for an error of the cache's disk in between.
//  4. Who was told to wait for a volume's content gets that content or an error, and never a blank file,
//     whatever became of the volume's category meanwhile.
//  5. A volume that holds a request stays `mounted` for the catalogue until its answer has taken the
//     request's place, by one change: after a crash it has either, and reconcile() finds it again. As long as
//     that lasts mount() has its host wait (kWantsAnswer).
//  6. What a volume in a drive may come to take is promised to it in the cache as long as it is there.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "engine/host/settle.h"
#include "engine/meter.h"
#include "engine/residence/cached_volumes.h"
#include "engine/volume_answers.h"
#include "engine/volume_desk.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::engine {

struct HostOptions {
  // How the blank file of a scratch mount is made: kind, density and compression; volser, UUID and, where the
  // volume has one, capacity are the volume's. Empty: as CartridgeSpec says.
  std::function<tape::CartridgeSpec(const std::string& volser)> blank = {};
  // Scratch volumes are not mounted before the time has come when their content may be deleted.
  bool expire_hold = false;
  Meter* meter = &no_meter();
  // Of what hosts ask by writing on a volume; none: such a volume is like any other. `asked`: there is
  // something to answer (answer_next()); called without a lock, may be empty.
  VolumeAnswers* answers = nullptr;
  std::function<void()> asked = {};
};

struct Mounting {
  enum class State : std::uint8_t { kIn, kWantsRecall, kWantsRoom, kWantsAnswer };
  State state = State::kIn;
  std::string path = {};  // when it is in
  bool content = false;   // what it wants or has is the content that the volume has, and no blank file
};

// What whoever waited for a volume asked for in the beginning.
enum class WantedOf : std::uint8_t { kAsItIs, kContent };

// What a start found about volumes that were in drives.
struct Reconciled {
  std::vector<std::string> kept;       // still in the drive
  std::vector<std::string> out;        // in no drive any more
  std::vector<std::string> changed;    // of both: what a host wrote before the end is theirs now
  std::vector<std::string> faults;     // sentences for the operator; such a volume stays mounted
  std::vector<std::string> unsettled;  // those volumes
};

class VolumeMounts {
 public:
  // Borrows all of them.
  VolumeMounts(Env env, Catalogue& catalogue, CachedVolumes& cached, VolumeDesk& desk, Notices& notices,
               HostOptions options)
      : env_(env),
        catalogue_(catalogue),
        cached_(cached),
        desk_(desk),
        notices_(notices),
        options_(std::move(options)),
        expire_hold_(options_.expire_hold) {}

  void set_expire_hold(bool on) { expire_hold_.store(on); }
  bool expire_hold() const { return expire_hold_.load(); }
  // From now on no answer is made; the one under way is left at its next piece, and answer_next() says that
  // there is none. The next start finds the requests, also where a host waits for the answer.
  void end_answers() { ending_.store(true); }

  // The volume's file for the drive: the whole one in the cache, or a blank one for a scratch volume. With
  // kContent it is never a blank one: a volume that has become scratch meanwhile is private again, for a host
  // has it. kNotFound; kConflict: another cartridge, in another drive, held back by the expire hold, or the
  // content that was waited for was deleted; kExhausted: larger than the cache; kCorrupt: the content is
  // nowhere; errors of disk and catalogue.
  Result<Mounting> mount(const std::string& volser, const Uuid& volume, const std::string& drive,
                         WantedOf wanted = WantedOf::kAsItIs);
  // The mount that wanted room does not take place any more.
  void want_no_room(const std::string& volser) { cached_.release_growth(volser); }
  // The drive has closed the file. A request is left to answer_next(), and `asked` called. An error: the
  // volume stays mounted for the catalogue, kVolumeUnreadable says so, and the next settle_again(), mount()
  // or reconcile() looks at its file again.
  Status unmount(const std::string& volser);
  // Of a volume that is in no drive any more, and whose unmount() or reconcile() failed. One that was
  // withdrawn or settled meanwhile is no error.
  Status settle_again(const std::string& volser);

  // Answers the request that was left first. False: there is none. An error is one of disk or catalogue: the
  // volume keeps its request then, as data. Where even that could not be settled kVolumeUnreadable says so,
  // and `unsettled` is called with the volser, without a lock, before another mount looks at the volume. One
  // thread at a time.
  using Unsettled = std::function<void(const std::string& volser)>;
  Result<bool> answer_next(const Unsettled& unsettled) TW_EXCLUDES(mutex_);
  // It holds a request whose answer is not made yet.
  bool awaits_answer(const std::string& volser) const TW_EXCLUDES(mutex_);

  // Once, before the first mount: volumes that the catalogue has in drives. `in_drives`: the serial of the
  // drive by barcode, of what the library's inventory has in drives. A request on one that is still in its
  // drive is answered when the host had ended it by a filemark, and is content otherwise. Errors of the
  // catalogue.
  Result<Reconciled> reconcile(const std::map<std::string, std::string>& in_drives);

 private:
  // Nothing: the volume changed meanwhile, and is to be looked at again.
  using Attempt = Result<std::optional<Mounting>>;
  Result<Mounting> mount_at_last(const std::string& volser, const Uuid& uuid, const std::string& drive,
                                 WantedOf wanted);
  Attempt mount_content(const LogicalVolume& volume, const std::string& drive);
  Attempt mount_blank(const LogicalVolume& volume, const std::string& drive);
  // False: the volume changed meanwhile.
  Result<bool> note_mounted(const LogicalVolume& volume, const std::string& path, const std::string& drive);
  Status leave_without_file(const LogicalVolume& volume);
  Status check_hold(const LogicalVolume& volume) const;
  tape::CartridgeSpec blank_of(const LogicalVolume& volume) const;
  Status enter_blank(const LogicalVolume& volume, const tape::CartridgeSpec& spec, const std::string& drive);
  Status replace_by_blank(const LogicalVolume& volume, const tape::CartridgeSpec& spec,
                          const std::string& drive);
  Result<LogicalVolume> without_old_file(const LogicalVolume& volume);
  Result<Bytes> make_blank(const CachedVolumes::Coming& coming, const tape::CartridgeSpec& spec);

  // volume_returns.cc
  Status settle(const std::string& volser);
  void tell_unsettled(const std::string& volser, const Error& error);
  // Looks at what the drive left, and settles it; with `keep` it stays mounted. Whether the content changed.
  Result<bool> settle_file(const LogicalVolume& volume, bool keep);
  Result<GivenBack> look_at(const LogicalVolume& volume, const std::string& path);
  Status settle_without_file(const LogicalVolume& volume);
  Status drop_blank(const LogicalVolume& volume);
  Status enter_settled(const LogicalVolume& volume, const GivenBack& found, bool keep);
  void tell_unknown(const LogicalVolume& volume, const std::string& construct, const NamedConstructs& named);

  // volume_requests.cc
  // Which requests are left for answers: of one that was not unmounted more may be to come.
  enum class Requests : std::uint8_t { kAll, kEnded };
  bool leave_request(const LogicalVolume& volume, Requests which) TW_EXCLUDES(mutex_);
  // False: the program ends, and the request is left as it is.
  Result<bool> answer(const std::string& volser);
  void let_go(const std::string& volser);

  const Env env_;
  Catalogue& catalogue_;
  CachedVolumes& cached_;
  VolumeDesk& desk_;
  Notices& notices_;
  const HostOptions options_;
  std::atomic<bool> expire_hold_;
  std::atomic<bool> ending_{false};
  mutable Mutex mutex_;                                     // nothing is called with it
  std::deque<std::string> requests_ TW_GUARDED_BY(mutex_);  // volsers; the first may be being answered
};

}  // namespace tapewarden::engine
