// The folder of a virtual library on disk:
//   inventory      where every cartridge is (docs/formats/library-inventory.md)
//   cartridges/    one file BARCODE.twc for each cartridge, wherever it is, and BARCODE.twc.partition1 for
//   the
//                  second partition of one that has two
//   removed/       files of cartridges that were taken off the inventory
//   lock           held by whoever may change anything
// Where the specification says `kept`, the cartridges' files come from a keeper (volume_keeper.h): there is
// neither cartridges/ nor removed/, no file is missing and none is a stray.
// Not thread-safe: its owner sees to one call at a time.
//
// Invariants
//  1. The inventory in memory is the one that the last successful commit made durable. A commit that fails
//     leaves it as before; on disk there is then either the old or the new one, each whole.
//  2. A cartridge's file is durable before the inventory names it; a file that the inventory does not name is
//     reported and never touched.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/env.h"
#include "tape/library/inventory.h"
#include "tape/library/library_spec.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::tape {

inline constexpr std::string_view kCartridgeEnding = ".twc";

class LibraryFolder {
 public:
  // Makes folder and empty inventory where there are none yet. True when there were none.
  static Result<bool> create(Env env, const LibrarySpec& spec);
  // Takes the lock. kConflict when another program has it; kNotFound when there is no library; kCorrupt;
  // kConflict when the inventory names a slot or drive that the configuration does not have any more, or when
  // cartridges are kept and there are files of some.
  static Result<std::unique_ptr<LibraryFolder>> open(Env env, const LibrarySpec& spec);
  // The same without the lock, for looking only: what changes meanwhile is not seen, and commits are refused.
  static Result<std::unique_ptr<LibraryFolder>> look(Env env, const LibrarySpec& spec);

  const Inventory& inventory() const { return inventory_; }
  const LibrarySpec& spec() const { return spec_; }
  // REQUIRES: the cartridges are not kept.
  std::string path_of(const std::string& barcode) const;
  // Whether the cartridge's file is gone, as of the last rescan(). Such a cartridge cannot be used.
  bool missing(const std::string& barcode) const { return missing_.contains(barcode); }
  const std::set<std::string>& missing() const { return missing_; }
  // Names in cartridges/ that the inventory does not know.
  const std::vector<std::string>& strays() const { return strays_; }
  // Where the library is divided: what is wrong with the partition that a cartridge lies in, for people;
  // empty where nothing is, and for what is outside.
  std::string partition_fault(const Holding& holding) const;
  // Compares inventory and folder again. kIo.
  Status rescan();

  // Changes the inventory by `change` and makes that durable. Errors of `change`; kIo.
  Status commit(const std::function<Status(Inventory&)>& change);
  // Moves the file, unless cartridges are kept, to removed/ and takes the cartridge off the inventory.
  // kConflict unless it is outside.
  Status remove(const std::string& barcode);

  Env env() const { return env_; }

 private:
  LibraryFolder(Env env, LibrarySpec spec) : env_(env), spec_(std::move(spec)) {}
  static Result<std::unique_ptr<LibraryFolder>> read(Env env, const LibrarySpec& spec,
                                                     std::unique_ptr<File> lock);
  std::string inventory_path() const { return spec_.folder + "/inventory"; }
  Status check_places() const;
  Status check_kept() const;
  bool of_known_cartridge(const std::string& name) const;

  Env env_;
  LibrarySpec spec_;
  std::unique_ptr<File> lock_;  // none: looking only
  Inventory inventory_;
  std::set<std::string> missing_;
  std::vector<std::string> strays_;
};

}  // namespace tapewarden::tape
