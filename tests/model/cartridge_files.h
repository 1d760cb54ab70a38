// What happens to the files of the cartridges behind the engine while it does not look: bad blocks, and
// copies that somebody else writes on. And what they say of themselves, without any key. One thread.
#pragma once

#include <map>
#include <string>

#include "engine/work/work_test_kit.h"

namespace tapewarden::engine::test {

class CartridgeFiles {
 public:
  // Borrows it.
  explicit CartridgeFiles(BackEnd& back) : back_(back) {}

  // From now on the block cannot be read; where it lies in the file. kNotFound when there is no such block.
  Result<std::uint64_t> spoil(const std::string& barcode, std::uint64_t block);
  // It can be read as before, unless something else lies there by now.
  Status mend(const std::string& barcode, std::uint64_t offset);
  // The same of every block that was spoiled.
  Status mend_all();

  // Whether its blocks are encrypted, as its own sessions say: all, none, or some of them.
  enum class Sealed : std::uint8_t { kNothing, kAll, kNone, kSome };
  Result<Sealed> sealed(const std::string& barcode);

  // Keeps the file as it is now.
  Status keep(const std::string& barcode);
  bool kept(const std::string& barcode) const { return kept_.contains(barcode); }
  // A drive that the engine does not have goes on writing on what was kept, with the keys of the engine's
  // key server; what comes of it is kept.
  Status write_on_kept(const std::string& barcode);

 private:
  struct Spoiled {
    std::string barcode;
    std::uint64_t offset = 0;
    Bytes around;  // what is there since
  };
  static std::string path_of(const std::string& barcode);
  Status flip(Spoiled& spoiled);
  Result<Bytes> around(const Spoiled& spoiled) const;

  BackEnd& back_;
  std::vector<Spoiled> spoiled_;
  std::map<std::string, Bytes> kept_;
};

}  // namespace tapewarden::engine::test
