#include "net/resolver.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <netdb.h>
#include <sys/socket.h>
#include <thread>

#include "net/lookup.h"

namespace tapewarden::net {

namespace {

std::vector<std::string> numeric_forms(const addrinfo* list) {
  std::vector<std::string> addresses;
  for (const auto* entry = list; entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) != 0)
      continue;
    std::string address(text.data());
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(std::move(address));
  }
  return addresses;
}

ResolveResult look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error == EAI_NONAME || error == EAI_NODATA)
    return fail(ErrorCode::kNotFound, "no host is called '" + host + "'", "host",
                "check the name and the DNS");
  if (error != 0)
    return fail(ErrorCode::kUnavailable, "cannot look up '" + host + "': " + gai_strerror(error), "host");
  auto addresses = numeric_forms(list);
  freeaddrinfo(list);
  if (addresses.empty()) return fail(ErrorCode::kNotFound, "'" + host + "' has no address", "host");
  return addresses;
}

class SystemResolver final : public Resolver {
 public:
  void resolve(const std::string& host, std::chrono::milliseconds,
               std::function<void(ResolveResult)> done) override {
    look_up_aside(host, std::move(done), [host] { return look_up(host); });
  }
};

}  // namespace

void look_up_aside(const std::string& host, std::function<void(ResolveResult)> done,
                   std::function<ResolveResult()> work) {
  static std::atomic<unsigned> running{0};
  in6_addr room{};
  if (inet_pton(AF_INET, host.c_str(), &room) == 1 || inet_pton(AF_INET6, host.c_str(), &room) == 1)
    return done(std::vector{host});
  if (++running > kMaxLookups) {
    --running;
    return done(fail(ErrorCode::kUnavailable, "too many names are being looked up", "host"));
  }
  // Detached: a name server that does not answer must not hold up the end of the program.
  std::thread([done = std::move(done), work = std::move(work)] {
    auto result = work();
    --running;
    done(std::move(result));
  }).detach();
}

std::shared_ptr<Resolver> make_system_resolver() {
  return std::make_shared<SystemResolver>();
}

}  // namespace tapewarden::net
