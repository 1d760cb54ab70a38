// Of an engine without key servers: every cartridge is clear. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "engine/operator/label_check.h"
#include "engine/physical/drive_keys.h"

namespace tapewarden::apps {

class NoKeys final : public engine::DriveKeys, public engine::KeyNameCheck {
 public:
  Result<engine::KeyNames> serve(tape::TapeDrive&) override { return none(); }
  Status confirm(tape::TapeDrive&, std::chrono::milliseconds) override { return none(); }
  Result<std::vector<std::string>> check_labels(const std::vector<std::string>&) override { return none(); }
  Result<std::vector<std::string>> check_group(const std::string&) override { return none(); }

 private:
  static std::unexpected<Error> none() {
    return fail(ErrorCode::kUnavailable, "the engine has no key servers", "engine.key_servers",
                "name the engine.toml that says where they are");
  }
};

}  // namespace tapewarden::apps
