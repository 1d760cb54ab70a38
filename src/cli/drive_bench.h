// A virtual drive with everything it needs to work in this process: its identity, a key proxy connected to
// the key servers, and the typed tape API over it. One thread.
#pragma once

#include <memory>
#include <string>

#include "base/env.h"
#include "cli/keyed_drive.h"
#include "dkx/client/client.h"
#include "keyproxy/engine/engine_config.h"
#include "keyproxy/key_proxy.h"
#include "tape/device/drive.h"
#include "tape/initiator/tape_drive.h"

namespace tapewarden::cli {

class DriveBench final : public KeyedDrive {
 public:
  // `serial` names a folder below the engine's drives. Connects in the background.
  static Result<std::unique_ptr<DriveBench>> open(Env env, const keyproxy::EngineConfig& config,
                                                  const std::string& serial);
  ~DriveBench() override;

  tape::TapeDrive& tape() override;
  std::size_t read_limit() const override { return (1U << 24) - 1; }  // the length field of READ(6)
  tape::Drive& device();
  keyproxy::KeyProxy& proxy();
  // An LTO drive takes its key from the host (SECURITY PROTOCOL OUT); a 3592 drive asks for it itself.
  bool set_by_host() const override;
  // Loads a cartridge file and takes note of the unit attentions that tell of it.
  Status insert(const std::string& cartridge);
  Result<keyproxy::Served> bring_key(keyproxy::HostIntent intent, const std::string& group) override;
  Status confirm() override;
  Status clear_key() override;
  std::optional<std::vector<std::uint64_t>> cut_off_files() override;

 private:
  DriveBench();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tapewarden::cli
