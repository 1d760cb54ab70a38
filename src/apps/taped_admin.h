// The tape engine's side for operators: its people, the record of what they do, and REST over HTTPS.
// Thread-safe after start().
#pragma once

#include <memory>

#include "admin/taped/taped_routes.h"
#include "apps/taped_config.h"

namespace tapewarden::apps {

// What the engine has for it; the rest of admin::TapedServices is made here. Borrowed.
struct AdminParts {
  tape::Library& library;
  std::string library_serial;
  std::vector<admin::ServedUnit> units;
  std::function<std::vector<iscsi::SessionInfo>()> sessions;
  std::function<std::vector<admin::KeyServerView>()> key_servers;  // may be empty
  std::function<std::vector<std::string>()> warnings;   // what else operators must know; may be empty
  std::shared_ptr<const admin::EngineServices> engine;  // none: no [engine]
};

class TapedAdmin {
 public:
  // Opens the people's database and listens. Errors name what to mend.
  static Result<std::unique_ptr<TapedAdmin>> start(Env env, const HttpsConfig& config, AdminParts parts);
  ~TapedAdmin();  // stop()

  std::uint16_t port() const;
  // Lets requests under way finish. Once.
  void stop();

 private:
  TapedAdmin();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tapewarden::apps
