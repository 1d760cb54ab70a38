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
  // Calls `done` once, on the calling thread or one of the resolver's, which it must not block. A numeric
  // address resolves to itself. kNotFound: no such name. kTimeout, kUnavailable: nobody could tell.
  // The system's resolver cannot be cut short at the deadline: callers keep one of their own.
  virtual void resolve(const std::string& host, std::chrono::milliseconds deadline,
                       std::function<void(ResolveResult)> done) = 0;
};

// getaddrinfo(3), each name on a thread of its own; kUnavailable beyond kMaxLookups at a time.
std::shared_ptr<Resolver> make_system_resolver();
inline constexpr unsigned kMaxLookups = 16;

// Asks the name servers in the order given, each for kNameServerPatience before the next one, in two rounds;
// keeps the deadline. Each server is a numeric address, with ":port" behind it
// where it is not 53 ("[::1]:5353" for IPv6). /etc/hosts is looked at first. kInvalidArgument naming
// `servers` when one is malformed or there is none.
Result<std::shared_ptr<Resolver>> make_dns_resolver(std::vector<std::string> servers);
inline constexpr std::chrono::milliseconds kNameServerPatience{1'000};
inline constexpr std::size_t kMaxNameServers = 8;

// What a configuration's `name_servers` asks for: the system's resolver when it is empty, else as
// make_dns_resolver().
Result<std::shared_ptr<Resolver>> make_resolver(std::vector<std::string> name_servers);

}  // namespace tapewarden::net
