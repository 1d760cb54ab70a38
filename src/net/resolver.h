// Host names to addresses: by the system, or by name servers of our own choosing, asked in order (K15).
// Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace tapewarden::net {

// Numeric addresses, the preferred one first; never empty when there is no error.
using ResolveResult = Result<std::vector<std::string>>;

class Resolver {
 public:
  virtual ~Resolver() = default;
  // Calls `done` once, on a thread of the resolver, before or at the deadline or soon after. A numeric
  // address resolves to itself. kNotFound: no such name. kTimeout, kUnavailable: nobody could tell.
  virtual void resolve(const std::string& host, std::chrono::milliseconds deadline,
                       std::function<void(ResolveResult)> done) = 0;
};

// getaddrinfo(3), on threads of its own.
std::shared_ptr<Resolver> make_system_resolver();

}  // namespace tapewarden::net
