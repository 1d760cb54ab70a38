// The tape engine put together: the virtual library, its changer and drives, the iSCSI target that serves
// them. Made once by `tapewarden-taped run`; everything in it lives until stop().
#pragma once

#include <memory>

#include "apps/taped_config.h"

namespace tapewarden::apps {

class TapedServer {
 public:
  // Takes the library's folder, puts cartridges into the drives that had them, starts listening. LUN 0 is the
  // changer, LUN 1 and on are the drives. Errors name what to mend.
  static Result<std::unique_ptr<TapedServer>> start(Env env, const TapedConfig& config);
  ~TapedServer();

  std::uint16_t iscsi_port() const;
  std::uint16_t https_port() const;  // 0: no REST
  // Asks hosts to log out, waits a little for them, then closes the cartridges in the drives. Once. The first
  // error of a drive.
  Status stop();

 private:
  TapedServer();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tapewarden::apps
