// What orders of operators work on, put together by the program, and the edges that tests replace: the
// library that hosts see, the libraries behind the engine, and the files of the cache. All parts are borrowed
// and thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "engine/cache/volume_cache.h"
#include "engine/catalogue/catalogue.h"
#include "engine/meter.h"
#include "engine/notices.h"
#include "engine/operator/label_check.h"
#include "engine/volume_desk.h"
#include "tape/medium/superblock.h"

namespace tapewarden::engine {

// A logical volume as a cartridge that stands in the library of the hosts.
struct ShelvedVolume {
  std::string volser;
  Uuid volume{};
  tape::MediumKind kind = tape::MediumKind::kLto;
  bool operator==(const ShelvedVolume&) const = default;
};

// The library that hosts see: which logical volumes stand in it.
class VolumeShelf {
 public:
  virtual ~VolumeShelf() = default;
  // Into free slots, all or none, durable. kAlreadyExists naming one that stands there, kExhausted when there
  // are fewer free slots, kConflict while a host keeps the library closed.
  virtual Status put(const std::vector<ShelvedVolume>& volumes) = 0;
  // Off the library, durable. kConflict when it is in a drive or a host keeps the library closed; what does
  // not stand there is no error. What was taken.
  virtual Result<std::optional<ShelvedVolume>> take(const std::string& volser) = 0;
  // "slot 1", "drive 1000000001"; empty: it does not stand there.
  virtual std::string place_of(const std::string& volser) = 0;
};

struct BackEndCartridge {
  std::string library;  // its name
  MediumKind kind = MediumKind::kLto;
  std::string place;  // for people
};

// The libraries behind the engine.
class BackEnd {
 public:
  virtual ~BackEnd() = default;
  // As it stands in the inventory. kNotFound when no library has it, kConflict when its barcode is read
  // twice.
  virtual Result<BackEndCartridge> find(const std::string& barcode) = 0;
  // As long as what it gives lives, no work with tape begins with the cartridge. kConflict: work with it is
  // under way.
  virtual Result<std::shared_ptr<void>> hold(const std::string& barcode) = 0;
  // To an import/export slot, where an operator takes it. kExhausted when none is free, kUnsupported where
  // the library cannot, kIo. The place.
  virtual Result<std::string> hand_out(const std::string& barcode) = 0;
  // What hands do at a real library's door, for a virtual one: a cartridge out of its import/export slot, and
  // back into one; durable. kNotFound; kUnsupported naming a library where hands do it; kConflict when it
  // stands elsewhere, kExhausted when no such slot is free. Where its file lies, and its place.
  virtual Result<std::string> take_away(const std::string& barcode) = 0;
  virtual Result<std::string> bring_back(const std::string& barcode) = 0;
};

// The files of the cache. The catalogue says which there should be, and a file may be gone all the same.
class CacheFiles {
 public:
  virtual ~CacheFiles() = default;
  // Whether the file of a volume that the catalogue calls cached is there and its own, as far as its header
  // and its length tell. Errors say what is wrong with it, or that nobody can tell now. Called within changes
  // of the catalogue: it does not touch that.
  virtual Status look_at(const LogicalVolume& volume) = 0;
};

struct OperatorParts {
  Env env;
  Catalogue& catalogue;
  VolumeDesk& desk;
  Notices& notices;
  KeyNameCheck& names;
  VolumeShelf& shelf;
  BackEnd& back_end;
  CacheFiles& cache;
  // There may be something new to do. May be empty.
  std::function<void()> wake = {};
  // The file in the cache is nobody's any more: its key is gone from the catalogue. May be empty.
  std::function<void(const CachedContent&)> shred = {};
  Meter* meter = &no_meter();

  void wake_up() const {
    if (wake) wake();
  }
};

// Whether an order may carry data of a pool that encrypts to where it is written in clear
// (needs_clear_leave()). Only who settles encryption gives it; that is the caller's to check.
enum class ClearLeave : std::uint8_t { kNo, kYes };

// What became of one of several; for answers that say it line by line.
struct OrderLine {
  std::string name;                 // volser or barcode
  std::string outcome;              // in words
  std::optional<Error> error = {};  // why it was not done

  static OrderLine refused(std::string name, Error why) {
    std::string words = why.text();
    return {std::move(name), std::move(words), std::move(why)};
  }
};

}  // namespace tapewarden::engine
