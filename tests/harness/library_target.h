// A virtual library that hosts reach over iSCSI, as a process of its own: tapewarden-taped or Debian's tgt,
// made by the scripts of tests/interop/guest/targets: a changer, two drives, eight slots. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/error.h"

namespace tapewarden::testing {

struct LibrarySettings {
  bool encrypting = true;            // tapewarden-taped; else tgt
  std::uint32_t cartridge_mib = 64;  // of the cartridges in slots 1 to 4
  bool worm = false;                 // slot 7 has one that is written once
  std::string folder{};              // where everything lies; made when it is not there
};

class LibraryTarget {
 public:
  // kNotFound: the programs of the target are not installed; the text says which. kUnavailable with what was
  // printed when it does not come up.
  static Result<std::unique_ptr<LibraryTarget>> start(const LibrarySettings& settings);
  ~LibraryTarget();  // ends the process; the folder stays

  std::uint16_t port() const { return port_; }
  const std::string& iqn() const { return iqn_; }
  // Of CHAP.
  const std::string& user() const { return user_; }
  const std::string& password() const { return password_; }
  int pid() const { return pid_; }
  const std::string& folder() const { return folder_; }

 private:
  LibraryTarget() = default;
  std::string script_;
  std::string folder_;
  std::uint16_t port_ = 0;
  int pid_ = 0;
  std::string iqn_;
  std::string user_;
  std::string password_;
};

}  // namespace tapewarden::testing
