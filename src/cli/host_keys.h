// Keys of the key servers for one real drive: whether it takes them, in which form, and the exchange. One
// user at a time.
#pragma once

#include "cli/host_drive.h"
#include "keyproxy/engine/key_servers.h"

namespace tapewarden::cli {

// That a host may set keys of this drive at all. kConflict when somebody else manages them; the drive's own
// error when it knows no encryption.
Status check_host_manages(tape::TapeDrive& drive);

// That whoever is named there leaves the keys to the host.
bool host_may_manage(scsi::ParametersControl control);

class HostKeys {
 public:
  // Everything that can be in the way is looked at here, before any key is asked for, so that none is used up
  // for nothing: who manages the drive, its algorithms and key formats, whether a plain key may go there
  // (kPermissionDenied), its identity at this host, the name of its cartridge. Of `values`: --volser,
  // --mixed,
  // --allow-remote-plain-key. `host` outlives this.
  static Result<std::unique_ptr<HostKeys>> open(Context& context, const Values& values, HostDrive& host);

  bool wrapped() const { return wrapped_; }  // the drive has a key of its own to wrap to
  // For append and read the tape stands at a block that names its key.
  Result<keyproxy::SetKey> give(keyproxy::HostIntent intent, const std::string& group);
  Status confirm(const keyproxy::SetKey& key);

 private:
  explicit HostKeys(HostDrive& host) : host_(host) {}
  Status look(const Values& values);

  HostDrive& host_;
  bool wrapped_ = false;
  keyproxy::PlainKeyUse use_;
  std::shared_ptr<const tape::DriveIdentity> stand_in_;  // not for a wrapped key
  keyproxy::CartridgeName name_;
  std::unique_ptr<keyproxy::KeyServers> servers_;
};

}  // namespace tapewarden::cli
