// Warns before the certificates that a daemon itself lives by run out. What it was started with counts: a
// renewal ends the warning when the server has been started again. Thread-safe after start().
#pragma once

#include <string>
#include <vector>

#include "base/env.h"

namespace tapewarden::apps {

inline constexpr std::chrono::days kCertificateWarning{90};

// Of the server's TLS certificate and of the authorities that it trusts; both are paths.
class CertificateWatch {
 public:
  static Result<CertificateWatch> start(Env env, const std::string& certificate,
                                        const std::string& authorities);
  std::vector<std::string> warnings() const;

 private:
  struct Watched {
    std::string what;
    WallTime not_after;
    std::string remedy;
  };
  explicit CertificateWatch(Env env) : env_(env) {}
  Env env_;
  std::vector<Watched> watched_;
};

}  // namespace tapewarden::apps
