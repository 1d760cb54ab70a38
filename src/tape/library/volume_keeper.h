// Whoever keeps the cartridges of a library whose cartridges are not simply files of its folder: the tape
// engine, which has them in a cache and, behind it, on tape. The inventory says where in the library a
// cartridge stands; the keeper says which file is loaded when it stands in a drive.
//
// The library calls it with its own mutex held and no drive's, so it must answer soon and never call the
// library from within a call. Implementations are thread-safe.
//
// Each fetch() ends once: a path by returned(), nothing by give_up() or by an error that is told, an error by
// itself. A program that ends, or whose power goes, ends none of them: the next one fetches again what the
// inventory has in drives.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/uuid.h"

namespace tapewarden::tape {

class VolumeKeeper {
 public:
  virtual ~VolumeKeeper() = default;

  // A cartridge that had to be brought has come, or will not: the error says why, and nothing more is said of
  // it to the keeper. Called by the keeper from a thread of its own, never from within a call of the library;
  // once for each fetch() that gave nothing, before or after that returned, and not at all after give_up()
  // has returned, which waits for a call under way. The call loads the cartridge and waits for nothing else
  // but a command to that drive; it takes none of the library's mutexes, and the keeper may hold its own.
  using Brought = std::function<void(const std::string& drive, const std::string& barcode,
                                     const Result<std::string>& path)>;
  // Before the first fetch(). Empty: nobody listens any more, and no call is under way when this returns.
  virtual void tell_when_brought(Brought brought) = 0;

  // The cartridge is put into the drive: the path of its file, which the drive's Env opens and which is the
  // drive's alone until returned(). Nothing: it is being brought. An error: it cannot be loaded.
  virtual Result<std::optional<std::string>> fetch(const std::string& barcode, const Uuid& volume,
                                                   const std::string& drive) = 0;
  // The cartridge leaves the drive before it was brought. Also when path or error were told already, and came
  // too late: the drive has not touched the file, and will not.
  virtual void give_up(const std::string& barcode, const std::string& drive) = 0;
  // The drive has closed the file, everything durable, and the cartridge has left it, or the drive was
  // switched off. Also of a file that could not be loaded, or not be closed well. An error is for the
  // operator to know: the cartridge is out all the same.
  virtual Status returned(const std::string& barcode, const std::string& drive) = 0;
};

}  // namespace tapewarden::tape
