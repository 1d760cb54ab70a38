// The libraries and drives behind the tape engine, put together from the configuration: virtual ones in this
// process, real ones over iSCSI or SG_IO. A library that cannot be reached does not keep the engine from
// starting: hosts are served from the cache, and it is tried again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/outside_transport.h"
#include "engine/catalogue/cartridge.h"
#include "engine/notices.h"
#include "engine/physical/break_pauses.h"
#include "engine/physical/tape_station.h"
#include "tape/device/key_exchange.h"
#include "tape/library/back_end_spec.h"
#include "tape/library/library.h"

namespace tapewarden::apps {

struct BackEndParts {
  engine::DriveKeys& keys;
  tape::DriveExchange* exchange = nullptr;  // for virtual drives; none: they encrypt nothing
  engine::Notices& notices;
  engine::StationOptions station;  // of virtual cartridges no more is reserved than a small part
};

class EngineBackEnd {
 public:
  // Makes everything and asks each library and drive who it is. What does not answer is told as an
  // intervention by its name and stays for retry(). Errors of the configuration: secrets that cannot be read,
  // virtual drives without an identity, a virtual library that is not there or in use. Borrows what `env` and
  // `parts` point to.
  static Result<std::unique_ptr<EngineBackEnd>> open(Env env, const std::vector<tape::BackEndSpec>& specs,
                                                     BackEndParts parts);
  ~EngineBackEnd();

  // A drive with its library; they live as long as this.
  struct Seat {
    engine::PhysicalLibrary& library;
    engine::PhysicalDrive& drive;
    engine::TapeStation& station;
    engine::MediumKind kind = engine::MediumKind::kLto;
  };
  const std::vector<Seat>& seats() const { return seats_; }
  std::vector<engine::PhysicalLibrary*> libraries() const;
  // What the cartridge is: of a virtual library as its inventory says.
  engine::MediumKind kind_of(const std::string& library, const std::string& barcode) const;

  // Asks a drive that is offline again who it is, as an operator or a pause wants. To be called by whoever
  // has the drive to himself. Errors of PhysicalDrive::probe().
  Status bring_online(std::size_t seat);
  // An operator takes the drive out of the engine's work: it stays so until bring_online(), or until the
  // program starts anew. To be called by whoever has the drive to himself.
  void take_offline(std::size_t seat, const std::string& reason);
  // Asks a library that did not answer again. Thread-safe.
  Status refresh(const std::string& library);

  // As engine::BackEnd has them. Thread-safe.
  Result<std::string> take_away(const std::string& barcode);
  Result<std::string> bring_back(const std::string& barcode);

  // Tries libraries again that did not answer when they were last asked, and drives that are offline and
  // asked again by themselves (PhysicalDriveStatus::asked_again), over new connections; one that broke at
  // work again and again in ever fewer of these rounds (engine/physical/break_pauses.h). `claim` gives a
  // drive to the caller alone for as long as what it returns lives; nothing: somebody has it. Each may take
  // as long as a connection and a command may; between two of them it ends when `go_on` says no. One thread
  // at a time.
  using Claim = std::function<std::shared_ptr<void>(engine::TapeStation& station)>;
  void retry(const Claim& claim, const std::function<bool()>& go_on);

  // Closes the cartridges in virtual drives. When nobody works any more. The first error.
  Status power_off();

 private:
  struct Place;  // one library with all that belongs to it
  explicit EngineBackEnd(engine::Notices& notices);

  Status ask_drive(std::size_t seat);

  // The virtual library whose inventory has it, inside or outside. kNotFound, kUnsupported.
  Result<Place*> virtual_home(const std::string& barcode) const;

  engine::Notices& notices_;
  std::vector<std::unique_ptr<Place>> places_;
  std::vector<Seat> seats_;
  std::vector<engine::BreakPauses> pauses_;  // by seat, of retry()
};

}  // namespace tapewarden::apps
